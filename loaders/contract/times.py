"""What a filter says about the time of packets: captures, and parts of them, outside of it need not be read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from packetpig.loaders.contract.loader import Option, OptionError
from packetpig.loaders.contract.where import Tree

Span = tuple[int, int]
"""First and last nanosecond, both inside."""

LEAST, MOST = -(1 << 63), (1 << 63) - 1
NEVER, ALWAYS = (MOST, LEAST), (LEAST, MOST)
DECIMAL, WHOLE = 4_000, 1_000_004_000  # nanoseconds that a bound is moved by, so that no rounding loses a packet
KINDS = ("int", "long", "double")
INT = 2_147_483_000  # a cast to int makes all later seconds one
TIMES = (
    Option("start", "seconds since the epoch: only packets from then on"),
    Option("end", "seconds since the epoch: only packets before"),
)
MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "=="}


def window(options: Mapping[str, str]) -> tuple[int, int] | None:
    """The time that the options TIMES give: from a nanosecond on to before another. Raises OptionError."""
    if not options["start"] and not options["end"]:
        return None
    bounds = [LEAST, MOST]
    for at, name in enumerate(("start", "end")):
        if options[name]:
            try:
                bounds[at] = min(max(int(Decimal(options[name]) * 10**9), LEAST), MOST)
            except (ArithmeticError, ValueError) as error:
                raise OptionError(f"{name} is a number of seconds, not {options[name]!r}") from error
    return bounds[0], bounds[1]


def span(tree: Tree | None) -> Span | None:
    """The time that packets are of which the filter TREE over packet columns keeps; None if it does not say."""
    if not tree:
        return None
    found = _span(tree)
    return None if found == ALWAYS else found


def _span(tree: Tree) -> Span:
    kind = tree[0]
    if kind in ("and", "or"):
        a, b = _span(tree[1]), _span(tree[2])
        return (max(a[0], b[0]), min(a[1], b[1])) if kind == "and" else _hull(a, b)
    if kind == "in":
        whole = NEVER
        for value in tree[2:]:
            whole = _hull(whole, _compared("==", tree[1], value))
        return whole
    if kind in MIRRORED and len(tree) == 3:
        a, b = _compared(kind, tree[1], tree[2]), _compared(MIRRORED[kind], tree[2], tree[1])
        return a if b == ALWAYS else b
    return ALWAYS


def _hull(a: Span, b: Span) -> Span:
    return min(a[0], b[0]), max(a[1], b[1])


def _compared(operator: str, column: Tree, value: Tree) -> Span:
    cast, value = "", _folded(value)
    if column[0] == "cast":
        cast, column = column[1], column[2]
    if column[0] != "column" or value[0] not in KINDS or cast not in ("", *KINDS):
        return ALWAYS
    if column[1] == "ts" and (cast != "int" or abs(value[1]) < INT):
        at = _whole(value[1] * 1_000_000_000)
        slack = WHOLE if cast in ("int", "long") else DECIMAL
    elif column[1] == "ts_ns" and cast != "int":
        at = _whole(value[1])
        slack = DECIMAL + abs(at or 0) // 2**50 if "double" in (cast, value[0]) else 0
    else:
        return ALWAYS
    if at is None:
        return ALWAYS
    low = at - slack if operator in (">", ">=", "==") else LEAST
    high = at + slack if operator in ("<", "<=", "==") else MOST
    return min(max(low, LEAST), MOST), max(min(high, MOST), LEAST)


def _folded(tree: Tree) -> Tree:
    """A sum or a difference of constants as the constant that Pig has for it; else the tree as it is."""
    if tree[0] not in ("+", "-"):
        return tree
    a, b = _folded(tree[1]), _folded(tree[2])
    if any(one[0] not in KINDS for one in (a, b)):
        return tree
    kind = KINDS[max(KINDS.index(a[0]), KINDS.index(b[0]))]
    value = a[1] + b[1] if tree[0] == "+" else a[1] - b[1]
    fits = kind == "double" or abs(value) < (1 << (31 if kind == "int" else 63))
    return [kind, value] if fits else tree  # else it goes round, in Java


def _whole(value: Any) -> int | None:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return round(float(value)) if isinstance(value, float) else int(value)
