"""Applies a filter's tree to Arrow batches, as Pig would: nulls are three-valued, a row stays only where it is true."""

from __future__ import annotations

import base64
import re
import struct
from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa
from packetpig.loaders.contract.columns import ARROW, Column
from packetpig.loaders.contract.where import COMPARE, Tree, WhereError, columns_of
from pyarrow._compute import call_function  # pyarrow.compute has it too, and takes 30 ms to import

Values = Any  # a pyarrow Array or Scalar
NUMBERS = ("int", "long", "float", "double")
KERNELS = {
    "==": "equal",
    "!=": "not_equal",
    "<": "less",
    "<=": "less_equal",
    ">": "greater",
    ">=": "greater_equal",
}
MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
TRUE: Tree = ["boolean", True]
FALSE: Tree = ["boolean", False]


class Filter:
    """A tree that was checked against columns, ready to be applied.

    `names` are the columns it reads; `mask(batch)` is true for the rows that stay.
    """

    def __init__(self, tree: Tree, columns: Mapping[str, Column]) -> None:
        self.tree = tree
        self.names = columns_of(tree)
        self._types = {name: column.type for name, column in columns.items()}
        if _type(tree, self._types) not in ("boolean", "null"):
            raise WhereError("where: the expression is not a condition (true or false)")

    def mask(self, batch: pa.RecordBatch) -> pa.BooleanArray:
        """Which rows of BATCH stay: an array without nulls."""
        result = _evaluate(self.tree, batch)
        if isinstance(result, pa.Scalar):
            result = pa.repeat(result if result.is_valid else constant(False, pa.bool_()), batch.num_rows)
        return _call("coalesce", result, constant(False, pa.bool_())) if result.null_count else result

    def apply(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The rows of BATCH that stay."""
        return batch.filter(self.mask(batch))


def _type(tree: Tree, types: Mapping[str, str]) -> str:
    """Pig's type of the tree's value; raises WhereError where Pig would refuse it."""
    kind = tree[0]
    if kind == "column":
        if tree[1] not in types:
            known = ", ".join(sorted(types))
            raise WhereError(f"where: no column {tree[1]}; there are {known}")
        return types[tree[1]]
    if kind in ("int", "long", "float", "double", "chararray", "boolean", "bytearray", "null"):
        return str(kind)
    if kind == "cast":
        _type(tree[2], types)
        return str(tree[1])
    inside = [_type(part, types) for part in tree[1:]]
    if kind in ("and", "or", "not"):
        for one in inside:
            if one not in ("boolean", "null"):
                raise WhereError(f"where: {kind} takes conditions, not {one}")
        return "boolean"
    if kind == "is null":
        return "boolean"
    if kind in ("+", "-", "*", "/", "%", "negate"):
        for one in inside:
            if one not in (*NUMBERS, "null"):
                raise WhereError(f"where: {kind} takes numbers, not {one}")
        order = [one for one in NUMBERS if one in inside]
        return order[-1] if order else "null"
    first, *others = inside
    for one in others:
        same = first == one or "null" in (first, one) or (first in NUMBERS and one in NUMBERS)
        if not same or (kind == "matches" and first not in ("chararray", "null")):
            raise WhereError(f"where: {kind} cannot compare {first} with {one}")
        if first in ("bag", "tuple"):
            raise WhereError(f"where: {kind} cannot compare a {first}")
    if kind in COMPARE and first == "boolean" and kind not in ("==", "!="):
        raise WhereError(f"where: {kind} cannot compare booleans")
    return "boolean"


def _evaluate(tree: Tree, batch: pa.RecordBatch) -> Values:
    kind = tree[0]
    if kind == "column":
        return batch.column(tree[1])
    if kind == "null":
        return pa.scalar(None)
    if kind == "bytearray":
        return constant(base64.b64decode(tree[1]), pa.binary())
    if kind == "float":
        return constant(float(tree[1]), pa.float64())
    if kind in ARROW:
        return constant(tree[1], ARROW[kind])
    if kind == "and":
        return _call("and_kleene", *_conditions(tree, batch))
    if kind == "or":
        return _call("or_kleene", *_conditions(tree, batch))
    if kind == "not":
        return _call("invert", *_conditions(tree, batch))
    if kind == "is null":
        value = _evaluate(tree[1], batch)
        return _call("is_null", value)
    if kind == "cast":
        return _cast(_plain(_evaluate(tree[2], batch)), tree[1])
    if kind in COMPARE:
        return _compare(kind, _evaluate(tree[1], batch), _evaluate(tree[2], batch))
    if kind == "in":
        result = _compare("==", _evaluate(tree[1], batch), _evaluate(tree[2], batch))
        for value in tree[3:]:
            result = _call("or_kleene", result, _compare("==", _evaluate(tree[1], batch), _evaluate(value, batch)))
        return result
    if kind == "matches":
        return _matches(_evaluate(tree[1], batch), _evaluate(tree[2], batch))
    return _arithmetic(kind, [_evaluate(part, batch) for part in tree[1:]])


def _call(function: str, *values: Values) -> Values:
    return call_function(function, list(values))


def constant(value: Any, kind: pa.DataType) -> pa.Scalar:
    """A scalar. (pa.scalar would import pandas, where that is installed: it takes longer than many a filter.)"""
    if isinstance(value, str | bytes):
        data = value.encode() if isinstance(value, str) else value
        buffers = [None, pa.py_buffer(struct.pack("=ii", 0, len(data))), pa.py_buffer(data)]
    else:
        code = "?" if pa.types.is_boolean(kind) else "d" if pa.types.is_floating(kind) else f"i{kind.bit_width}"
        buffers = [None, pa.py_buffer(struct.pack({"i32": "=i", "i64": "=q"}.get(code, "=" + code), value))]
    return pa.Array.from_buffers(kind, 1, buffers)[0]


def _conditions(tree: Tree, batch: pa.RecordBatch) -> list[Values]:
    parts = [_evaluate(part, batch) for part in tree[1:]]
    return [part.cast(pa.bool_()) if pa.types.is_null(part.type) else part for part in parts]


def _plain(values: Values) -> Values:
    """The values without a dictionary."""
    return values.dictionary_decode() if isinstance(values, pa.DictionaryArray) else values


def _each_distinct(values: Values, function: Callable[[Values], Values]) -> Values:
    """Apply FUNCTION, once for each distinct value where there is a dictionary."""
    if isinstance(values, pa.DictionaryArray):
        return function(values.dictionary).take(values.indices)
    return function(values)


def _compare(operator: str, a: Values, b: Values) -> Values:
    if pa.types.is_null(a.type) or pa.types.is_null(b.type):
        return pa.scalar(None, pa.bool_())
    if isinstance(a, pa.Scalar) and not isinstance(b, pa.Scalar):
        operator, a, b = MIRRORED[operator], b, a
    if pa.types.is_floating(a.type) != pa.types.is_floating(b.type):  # as in Java, the whole number becomes a double
        a, b = (one.cast(pa.float64(), safe=False) if pa.types.is_integer(one.type) else one for one in (a, b))
    if isinstance(b, pa.Scalar):
        return _each_distinct(a, lambda values: _call(KERNELS[operator], values, b))
    return _call(KERNELS[operator], _plain(a), _plain(b))


def _matches(values: Values, pattern: Values) -> Values:
    if not isinstance(pattern, pa.Scalar) or not pattern.is_valid:
        raise WhereError("where: matches takes a pattern in quotes")
    try:
        regex = re.compile(pattern.as_py())
    except re.error as error:
        raise WhereError(f"where: the pattern {pattern.as_py()!r} is wrong: {error}") from error

    def whole(some: Values) -> Values:
        return pa.array([None if v is None else bool(regex.fullmatch(v)) for v in some.to_pylist()], pa.bool_())

    return _each_distinct(values, whole)


def _cast(values: Values, kind: str) -> Values:
    source = values.type
    if kind == "float":
        return values.cast(pa.float64(), safe=False).cast(pa.float32(), safe=False).cast(pa.float64())
    target = ARROW[kind]
    if pa.types.is_floating(source) and pa.types.is_integer(target):
        import pyarrow.compute as pc

        low, high = (-(2**31), 2**31 - 1) if kind == "int" else (-(2**63), 2**63 - 1)
        bounded = pc.min_element_wise(
            pc.max_element_wise(pc.trunc(values), float(low), skip_nulls=False), float(high), skip_nulls=False
        )
        return bounded.cast(target, safe=False)
    return values.cast(target, safe=False)


def _arithmetic(kind: str, parts: list[Values]) -> Values:
    import pyarrow.compute as pc

    if any(pa.types.is_null(part.type) for part in parts):
        return pa.scalar(None)
    if kind == "negate":
        return pc.negate(parts[0])
    a, b = parts
    if kind in "+-*":
        return {"+": pc.add, "-": pc.subtract, "*": pc.multiply}[kind](a, b)
    # Pig gives null where it would divide by zero
    divisor = pc.if_else(pc.equal(b, 0), pa.scalar(None, b.type), b)
    quotient = pc.divide(a, divisor)
    if kind == "/":
        return quotient
    whole = pc.trunc(quotient) if pa.types.is_floating(quotient.type) else quotient
    return pc.subtract(a, pc.multiply(whole, divisor))


def hint(tree: Tree | None, types: Mapping[str, str]) -> Tree | None:
    """The weaker filter that is safe to apply to what Pig pushed down; None if nothing is left of it.

    Pig drops casts from a filter that it pushes and applies its own again, so what comes here may be stricter or
    looser than the user's. A comparison stays only where no cast could have changed it: otherwise it is replaced by
    what keeps the row. Comparisons with `double` and `long` columns keep as much more on each side as a cast to int or
    float can move a value by (for a time of today, 200 seconds); `where=` has no such slack.
    """
    if not tree:
        return None
    weak = _weaken(tree, types, True)
    return None if weak == TRUE else weak


def _weaken(tree: Tree, types: Mapping[str, str], positive: bool) -> Tree:
    """TREE, true for more rows if POSITIVE, for fewer if not. Atoms that are not understood are as weak as can be."""
    kind = tree[0]
    unknown = TRUE if positive else FALSE
    if kind == "not":
        inside = _weaken(tree[1], types, not positive)
        return FALSE if inside == TRUE else TRUE if inside == FALSE else ["not", inside]
    if kind in ("and", "or"):
        a, b = (_weaken(part, types, positive) for part in tree[1:])
        absorbing, neutral = (FALSE, TRUE) if kind == "and" else (TRUE, FALSE)
        if absorbing in (a, b):
            return absorbing
        return b if a == neutral else a if b == neutral else [kind, a, b]
    if kind == "is null":
        # a cast that fails makes a null of a value, so only that a null stays null is certain
        known = tree[1][0] == "column" and tree[1][1] in types
        return tree if known and (not positive or types[tree[1][1]] in ("int", "long", "double")) else unknown
    if kind == "in":
        atoms: Tree = ["==", tree[1], tree[2]]
        for value in tree[3:]:
            atoms = ["or", atoms, ["==", tree[1], value]]
        return _weaken(atoms, types, positive)
    if kind in COMPARE and len(tree) == 3:
        operator, a, b = tree
        if a[0] != "column":
            operator, a, b = MIRRORED[operator], b, a
        if a[0] == "column" and a[1] in types:
            weak = _weaken_comparison(operator, a, b, types[a[1]], positive)
            if weak:
                return weak
    return unknown


def _weaken_comparison(operator: str, column: Tree, value: Tree, kind: str, positive: bool) -> Tree | None:
    if (kind == "double" and value[0] in ("int", "long", "double") and abs(value[1]) < 2**31 - 2) or (
        kind == "long" and value[0] == "long"
    ):
        number = value[1] if kind == "long" else float(value[1])
        slack = 1 + abs(number) // 2**23  # what a cast to float can move it by, at least what one to int can
        if not positive:
            slack = -slack
        if operator in (">", ">="):
            return [">", column, [kind, number - slack]]
        if operator in ("<", "<="):
            return ["<", column, [kind, number + slack]]
        if operator == "==" and positive:
            return ["and", [">", column, [kind, number - slack]], ["<", column, [kind, number + slack]]]
        return None
    if value[0] != kind or kind not in ("int", "chararray"):
        return None
    if kind == "int" and abs(value[1]) >= 2**24:
        return None
    if kind == "chararray" and operator not in ("==", "!=") and not value[1].isascii():
        return None  # Java orders text by UTF-16 units
    return [operator, column, value]
