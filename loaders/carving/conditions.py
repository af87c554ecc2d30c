"""Filters that can be answered while packets are found (kernels/choosing.py): what most people carve by.

They compare header fields that are numbers with whole numbers, IP addresses with addresses, and times with numbers, or
ask whether those are null; with AND, OR and NOT. Everything else is a filter over columns.
"""

from __future__ import annotations

import math
import socket
from array import array

from packetpig.loaders.contract.where import Tree
from packetpig.loaders.decode.headers import HEADERS, Address, Fields, Header, Place, Port, Wide
from packetpig.loaders.kernels import choices, frame

COMPARISONS = {
    "==": choices.EQUAL,
    "!=": choices.NOT_EQUAL,
    "<": choices.LESS,
    "<=": choices.LESS_EQUAL,
    ">": choices.GREATER,
    ">=": choices.GREATER_EQUAL,
}
MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
LEAST, MOST = -(1 << 63), (1 << 63) - 1
SECOND = 1_000_000_000


def condition(tree: Tree) -> array[int] | None:
    """The steps of TREE's condition, as the kernel reads them; None for one that is to be a filter over columns."""
    try:
        steps, depth = _steps(tree)
    except _OtherError:
        return None
    if depth > choices.DEEPEST:
        return None
    return array("q", (number for step in steps for number in step))


class _OtherError(Exception):
    """Not a condition of this kind."""


Steps = list[list[int]]


def _steps(tree: Tree) -> tuple[Steps, int]:
    """The steps, and how many values are on the stack at most."""
    kind = tree[0]
    if kind == "boolean":
        return [_step(choices.CONST, constant=choices.TRUE if tree[1] else choices.FALSE)], 1
    if kind in ("and", "or"):
        return _joined(choices.AND if kind == "and" else choices.OR, [_steps(part) for part in tree[1:]])
    if kind == "not":
        steps, depth = _steps(tree[1])
        return [*steps, _step(choices.NOT)], depth
    if kind == "in":
        return _joined(choices.OR, [_steps(["==", tree[1], value]) for value in tree[2:]])
    if kind == "is null" and tree[1][0] == "column":
        name = tree[1][1]
        header = HEADERS["ts_ns"] if name == "ts" else _header(name)
        return [_step(choices.COMPARE, header, choices.IS_NULL)], 1
    if kind in COMPARISONS:
        _, column, value = tree
        if column[0] != "column":
            kind, column, value = MIRRORED[kind], value, column
        if column[0] == "column":
            return [_comparison(column[1], kind, value)], 1
    raise _OtherError


def _joined(operation: int, parts: list[tuple[Steps, int]]) -> tuple[Steps, int]:
    steps, depth = parts[0]
    for more, deep in parts[1:]:
        steps, depth = [*steps, *more, _step(operation)], max(depth, 1 + deep)
    return steps, depth


def _header(name: str) -> Header:
    if name == "number" or name not in HEADERS:  # the number is not known where a capture is begun in its middle
        raise _OtherError
    return HEADERS[name]


def _comparison(name: str, how: str, value: Tree) -> list[int]:
    if name == "ts" and value[0] in ("int", "long", "double"):
        return _time(how, float(value[1]))
    header = _header(name)
    if isinstance(header, Address):
        if value[0] == "chararray" and how in ("==", "!="):
            return _address(header.side, how, value[1])
    elif value[0] in ("int", "long") and LEAST <= value[1] <= MOST:
        return _step(choices.COMPARE, header, COMPARISONS[how], value[1])
    raise _OtherError


def _address(side: int, how: str, text: str) -> list[int]:
    """Whether an address is the one that is written TEXT; the kernel says 1 if it is."""
    for family, version in ((socket.AF_INET, 4), (socket.AF_INET6, 6)):
        try:
            number = socket.inet_pton(family, text)
        except (OSError, ValueError):
            continue
        if socket.inet_ntop(family, number) == text:  # written in another way it is equal to no column's text
            whole = int.from_bytes(number)
            halves = [_signed(whole >> 64), _signed(whole & 0xFFFF_FFFF_FFFF_FFFF)]
            return _step(choices.COMPARE, Address(side), COMPARISONS[how], 1, [side, version, *halves])
    raise _OtherError


def _signed(number: int) -> int:
    return number - (1 << 64) if number >> 63 else number


def _time(how: str, value: float) -> list[int]:
    """Comparing `ts` (the double next to a time) with VALUE is comparing nanoseconds with the bound that this finds."""
    if not math.isfinite(value) or how in ("==", "!="):
        raise _OtherError
    above = how in (">", "<=")  # the bound is the first time beyond VALUE, else the first that is not before it
    low, high = 0, (1 << 34) * SECOND  # pcap says no time outside
    while low < high:
        middle = (low + high) // 2
        seconds = middle // SECOND + (middle % SECOND) / 1e9
        if seconds > value if above else seconds >= value:
            high = middle
        else:
            low = middle + 1
    return _step(choices.COMPARE, Wide(frame.TIME), COMPARISONS[">=" if how in (">", ">=") else "<"], low)


def _step(
    operation: int, header: Header | None = None, how: int = 0, constant: int = 0, numbers: list[int] | None = None
) -> list[int]:
    kind, count, rest = 0, 0, numbers or []
    if isinstance(header, Fields):
        kind, count = choices.FIELDS, len(header.choices)
        for one in header.choices:
            rest += [one.layer, one.end, one.at, one.width, one.shift, one.mask, *one.when]
    elif isinstance(header, Place):
        kind, rest = choices.PLACE, [header.which, *header.when]
    elif isinstance(header, Wide):
        kind, rest = choices.WIDE, [header.which]
    elif isinstance(header, Port):
        kind, rest = choices.PORT, [header.at]
    elif isinstance(header, Address):
        kind, rest = choices.ADDRESS, rest or [header.side, 0, 0, 0]
    step = [operation, kind, how, constant, count, *rest]
    return step + [0] * (choices.STEP - len(step))
