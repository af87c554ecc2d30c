"""Pig's values as bytes and back: a tag, then lengths and contents, so that no text can forge a field.

Tags: n null, o boolean, i int, l long, f float, d double, c chararray, b bytearray, t tuple, g bag, m map.
A tuple is a Python tuple, a bag a list of tuples, a map a dict.
"""

from __future__ import annotations

import struct
from typing import Any

INT, LONG, FLOAT, DOUBLE = (struct.Struct(code) for code in (">i", ">q", ">f", ">d"))
MAX_INT = (1 << 31) - 1
Shape = str | tuple["Shape", ...]
"""A type: the name of a simple one (empty: not known); of a tuple, and of a bag's tuples, the types of the fields."""


class Encoded(bytes):
    """A value that is in this form already: a function may return one where there are many rows (see rows.py)."""


def decode(data: bytes, at: int = 0) -> tuple[Any, int]:
    """The value at AT, and where it ends."""
    tag = data[at]
    at += 1
    if tag == 99:  # c
        end = at + 4 + INT.unpack_from(data, at)[0]
        return data[at + 4 : end].decode("utf-8", "surrogatepass"), end
    if tag == 105:  # i
        return INT.unpack_from(data, at)[0], at + 4
    if tag == 116:  # t
        return _tuple(data, at)
    if tag == 110:  # n
        return None, at
    if tag == 108:  # l
        return LONG.unpack_from(data, at)[0], at + 8
    if tag == 100:  # d
        return DOUBLE.unpack_from(data, at)[0], at + 8
    if tag == 98:  # b
        end = at + 4 + INT.unpack_from(data, at)[0]
        return data[at + 4 : end], end
    if tag == 103:  # g
        count = INT.unpack_from(data, at)[0]
        at += 4
        bag = []
        for _ in range(count):
            row, at = _tuple(data, at)
            bag.append(row)
        return bag, at
    if tag == 111:  # o
        return data[at] != 0, at + 1
    if tag == 102:  # f
        return FLOAT.unpack_from(data, at)[0], at + 4
    if tag == 109:  # m
        count = INT.unpack_from(data, at)[0]
        at += 4
        entries = {}
        for _ in range(count):
            end = at + 4 + INT.unpack_from(data, at)[0]
            key = data[at + 4 : end].decode("utf-8", "surrogatepass")
            entries[key], at = decode(data, end)
        return entries, at
    raise ValueError(f"unknown tag {tag}")


def _tuple(data: bytes, at: int) -> tuple[tuple[Any, ...], int]:
    count = INT.unpack_from(data, at)[0]
    at += 4
    values = []
    for _ in range(count):
        value, at = decode(data, at)
        values.append(value)
    return tuple(values), at


def encode(value: Any, out: bytearray, kind: Shape = "") -> None:
    """Append VALUE. KIND is Pig's type, where the schema says one, so that numbers have the width it promises."""
    if value is None:
        out += b"n"
    elif isinstance(value, Encoded):
        out += value
    elif isinstance(value, str):
        data = value.encode("utf-8", "replace")
        out += b"c" + INT.pack(len(data)) + data
    elif isinstance(value, bool):
        out += b"o\1" if value else b"o\0"
    elif isinstance(value, int):
        if kind in ("double", "float"):
            out += b"d" + DOUBLE.pack(value)
        elif kind == "long" or (kind != "int" and not -MAX_INT <= value <= MAX_INT):
            out += b"l" + LONG.pack(value)
        else:
            out += b"i" + INT.pack(value)
    elif isinstance(value, float):
        out += b"d" + DOUBLE.pack(value)
    elif isinstance(value, bytes | bytearray | memoryview):
        out += b"b" + INT.pack(len(value)) + value
    elif isinstance(value, tuple):
        out += b"t"
        _encode_tuple(value, out, kind)
    elif isinstance(value, list | set | frozenset):
        out += b"g" + INT.pack(len(value))
        for row in value:
            _encode_tuple(row if isinstance(row, tuple) else (row,), out, kind)
    elif isinstance(value, dict):
        out += b"m" + INT.pack(len(value))
        for key, one in value.items():
            data = str(key).encode("utf-8", "replace")
            out += INT.pack(len(data)) + data
            encode(one, out)
    else:
        raise TypeError(f"{type(value).__name__} is no value that Pig has")


def _encode_tuple(values: tuple[Any, ...], out: bytearray, kinds: Shape) -> None:
    out += INT.pack(len(values))
    if isinstance(kinds, tuple) and len(kinds) == len(values):
        for value, kind in zip(values, kinds, strict=True):
            encode(value, out, kind)
    else:
        for value in values:
            encode(value, out)
