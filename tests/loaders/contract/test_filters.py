"""Filters keep the rows that Pig would keep; a pushed one, with the casts that Pig drops, never loses one of those."""

from __future__ import annotations

import math
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packetpig.loaders.contract.columns import boolean, double, integer, long, text
from packetpig.loaders.contract.filters import Filter, hint
from packetpig.loaders.contract.where import WhereError, parse

COLUMNS = {
    column.name: column
    for column in (
        integer("i", ""), integer("j", ""), long("l", ""), double("d", ""), text("s", "", repeated=True), text("u", ""),
        boolean("o", ""),
    )
}  # fmt: skip
SCHEMA = pa.schema([pa.field(name, column.arrow) for name, column in COLUMNS.items()])
TYPES = {name: column.type for name, column in COLUMNS.items()}


def batch(rows: list[dict[str, Any]]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(rows, schema=SCHEMA)


ROWS = [
    {"i": 80, "j": 1, "l": 5, "d": 1.5, "s": "abc", "u": "abc", "o": True},
    {"i": 443, "j": 0, "l": -5, "d": -1.5, "s": "b", "u": "é", "o": False},
    {"i": None, "j": None, "l": None, "d": None, "s": None, "u": None, "o": None},
]


@pytest.mark.parametrize(
    ("expression", "kept"),
    [
        ("i == 80", [0]),
        ("not i == 80", [1]),
        ("i == 80 or i is null", [0, 2]),
        ("i != 80", [1]),
        ("not (i == 80 and s == 'b')", [0, 1]),
        ("s == 'abc'", [0]),
        ("s == u", [0]),
        ("s != u", [1]),
        ("'b' <= s", [1]),
        ("s matches 'a.*'", [0]),
        ("u matches '.'", [1]),
        ("i in (443, 22)", [1]),
        ("i not in (443, 22)", [0]),
        ("o", [0]),
        ("o == false", [1]),
        ("d > 1", [0]),
        ("(int) d == 1", [0]),
        ("(int) d == -1", [1]),
        ("i / j == 80", [0]),
        ("i % 79 == 1", [0]),
        ("l % 2 == -1", [1]),
        ("-l == 5", [1]),
        ("i + 1 > 400", [1]),
        ("i is not null", [0, 1]),
        ("null is null", [0, 1, 2]),
        ("i == null", []),
        ("true", [0, 1, 2]),
    ],
)
def test_as_pig_would(expression: str, kept: list[int]) -> None:
    mask = Filter(parse(expression), COLUMNS).mask(batch(ROWS)).to_pylist()
    assert [i for i, keep in enumerate(mask) if keep] == kept


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("x == 1", "where: no column x; there are d, i, j, l, o, s, u"),
        ("s == 1", "where: == cannot compare chararray with int"),
        ("i and o", "where: and takes conditions, not int"),
        ("s + 1 == 2", "where: + takes numbers, not chararray"),
        ("i + 1", "where: the expression is not a condition (true or false)"),
        ("i matches 'a'", "where: matches cannot compare int with chararray"),
    ],
)
def test_what_pig_would_refuse(expression: str, message: str) -> None:
    with pytest.raises(WhereError) as error:
        Filter(parse(expression), COLUMNS).mask(batch(ROWS))
    assert str(error.value) == message


# expressions as users write them: at most one cast around a column, as Pig's own casts of constants are none
numbers = st.sampled_from(["i", "j", "l", "d"])
casts = st.sampled_from(["", "(int)", "(long)", "(float)", "(double)"])
operators = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])
constants = st.one_of(
    st.integers(-3, 3).map(str),
    st.integers(-3, 3).map(lambda n: f"{n}L"),
    st.sampled_from(["0.5", "-1.5", "2.0", "1.7e9"]),
)
number_atoms = st.tuples(casts, numbers, operators, constants).map(lambda p: f"{p[0]} {p[1]} {p[2]} {p[3]}")
text_atoms = st.tuples(st.sampled_from("su"), operators, st.sampled_from("abé")).map(
    lambda p: f"{p[0]} {p[1]} '{p[2]}'"
)
null_atoms = st.tuples(st.sampled_from(list("ijldsuo")), st.sampled_from(["is null", "is not null"])).map(" ".join)
in_atoms = st.tuples(casts, numbers, constants, constants).map(lambda p: f"{p[0]} {p[1]} in ({p[2]}, {p[3]})")
atoms = st.one_of(number_atoms, text_atoms, null_atoms, in_atoms, st.sampled_from(["o", "s matches 'a.*'", "s == u"]))
expressions = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda p: f"({p[0]} {p[1]} {p[2]})"),
        inner.map(lambda e: f"not ({e})"),
    ),
    max_leaves=6,
)
near = st.one_of(
    st.none(), st.sampled_from([-1.5, -0.5, 0.0, 0.4, 0.5, 1.0, 2.0, 2.9, 1.7e9, 1.7e9 + 90, 1.7e9 - 64.5])
)
rows = st.lists(
    st.fixed_dictionaries(
        {
            "i": st.one_of(st.none(), st.integers(-4, 4)),
            "j": st.one_of(st.none(), st.integers(-4, 4)),
            "l": st.one_of(st.none(), st.integers(-4, 4), st.sampled_from([1_700_000_000, 1_700_000_050])),
            "d": near,
            "s": st.one_of(st.none(), st.sampled_from(["a", "ab", "b", "é", ""])),
            "u": st.one_of(st.none(), st.sampled_from(["a", "ab", "b", "é", ""])),
            "o": st.one_of(st.none(), st.booleans()),
        }
    ),
    min_size=1,
    max_size=30,
)


def without_casts(tree: Any) -> Any:
    """The tree as Pig pushes it."""
    if not isinstance(tree, list):
        return tree
    if tree and tree[0] == "cast":
        return without_casts(tree[2])
    return [without_casts(part) for part in tree]


@settings(max_examples=600, deadline=None)
@given(expression=expressions, some=rows)
def test_a_hint_loses_no_row(expression: str, some: list[dict[str, Any]]) -> None:
    tree = parse(expression)
    wanted = Filter(tree, COLUMNS).mask(batch(some)).to_pylist()
    weak = hint(without_casts(tree), TYPES)
    if weak is None:
        return
    passed = Filter(weak, COLUMNS).mask(batch(some)).to_pylist()
    for row, keep, passes in zip(some, wanted, passed, strict=True):
        assert passes or not keep, (expression, weak, row)


@pytest.mark.parametrize(
    ("expression", "passed"),
    [
        ("i == 80", [0]),
        ("i == 80 and s == 'abc'", [0]),
        ("not (i == 80)", [1]),
        ("i is not null", [0, 1]),
        ("d > -1", [0, 1]),  # one unit of slack, and more for large numbers
        ("d > 2.6", []),
        ("i == 80 or unknown_to_us matches 'x'", [0, 1, 2]),
    ],
)
def test_a_hint_still_helps(expression: str, passed: list[int]) -> None:
    weak = hint(parse(expression), TYPES)
    mask = Filter(weak, COLUMNS).mask(batch(ROWS)).to_pylist() if weak else [True] * len(ROWS)
    assert [i for i, keep in enumerate(mask) if keep] == passed


def reference(tree: Any, row: dict[str, Any]) -> Any:
    """A filter's value by the book: Kleene logic, Java's numbers."""
    kind = tree[0]
    if kind == "column":
        return row[tree[1]]
    if kind in ("int", "long", "double", "float", "chararray", "boolean"):
        return tree[1]
    if kind == "is null":
        return reference(tree[1], row) is None
    parts = [reference(part, row) for part in tree[1:] if isinstance(part, list)]
    if kind == "not":
        return None if parts[0] is None else not parts[0]
    if kind == "and":
        return False if False in parts else None if None in parts else True
    if kind == "or":
        return True if True in parts else None if None in parts else False
    if kind == "in":
        equal = [None if parts[0] is None else parts[0] == part for part in parts[1:]]
        return True if True in equal else None if None in equal else False
    if any(part is None for part in parts):
        return None
    if kind == "matches":
        import re

        return re.fullmatch(parts[1], parts[0]) is not None
    if kind == "cast":
        if tree[1] in ("int", "long"):
            return math.trunc(parts[0])
        return float(pa.scalar(float(parts[0])).cast(pa.float32()).as_py()) if tree[1] == "float" else float(parts[0])
    a, b = parts
    return {"==": a == b, "!=": a != b, "<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b}[kind]


@settings(max_examples=400, deadline=None)
@given(expression=expressions, some=rows)
def test_the_same_as_by_the_book(expression: str, some: list[dict[str, Any]]) -> None:
    tree = parse(expression)
    mask = Filter(tree, COLUMNS).mask(batch(some)).to_pylist()
    assert mask == [reference(tree, row) is True for row in some]
