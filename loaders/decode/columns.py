"""Builders of Arrow columns from a table of packets. A builder is called with a Slice and gives an array.

Nothing is computed for a column that nobody asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from packetpig.loaders.captures.capture import Capture
from packetpig.loaders.captures.window import Table
from packetpig.loaders.decode import tunnels
from packetpig.loaders.decode.arrays import texts
from packetpig.loaders.decode.headers import Address, Field, Fields, Header, Place, Port
from packetpig.loaders.kernels import frame, native

TEXT = 46  # bytes of the longest address, as in kernels/texts.py
COMMUNITY_ID = 30


class Slice:
    """Rows LOW to HIGH of a table."""

    def __init__(self, table: Table, low: int, high: int) -> None:
        self.table, self.low, self.rows = table, low, high - low
        wide, places, _ = table.pointers
        self.wide, self.places = wide + 8 * low, places + 4 * low
        self.source = (table.buffer.ctypes.data, table.valid)

    def place(self, which: int) -> np.ndarray[Any, Any]:
        """One row of the table's places."""
        return self.table.places[which, self.low : self.low + self.rows]


Builder = Callable[[Slice], pa.Array]


def _bitmap(rows: int) -> np.ndarray[Any, Any]:
    return np.zeros((rows + 7) // 8, np.uint8)


def _array(kind: pa.DataType, values: np.ndarray[Any, Any], bitmap: np.ndarray[Any, Any], valid: int) -> pa.Array:
    rows = len(values)
    validity = None if valid == rows else pa.py_buffer(bitmap)
    return pa.Array.from_buffers(kind, rows, [validity, pa.py_buffer(values)], rows - valid)


def fields(*choices: Field, wide: bool = False) -> Builder:
    """A column of header fields; at most one of CHOICES applies to a packet. 64 bits if WIDE."""

    def build(part: Slice) -> pa.Array:
        values = np.zeros(part.rows, np.int64 if wide else np.int32)
        bitmap = _bitmap(part.rows)
        pointer = values.ctypes.data
        valid = 0
        for one in choices:
            valid += native.field(
                *part.source, part.wide, part.places, part.table.capacity, part.rows, one.layer, one.end, one.at,
                one.width, one.shift, one.mask, *one.when, wide, pointer, pointer, bitmap.ctypes.data,
            )  # fmt: skip
        return _array(pa.int64() if wide else pa.int32(), values, bitmap, valid)

    return build


def builder(header: Header) -> Builder:
    """What builds the column of a header."""
    if isinstance(header, Fields):
        return fields(*header.choices, wide=header.wide)
    if isinstance(header, Place):
        return place(*header)
    if isinstance(header, Port):
        return port(header.at)
    return address(header.side) if isinstance(header, Address) else wide_place(header.which)


def place(which: int, when: tuple[int, int] = (-1, 0)) -> Builder:
    """A place that is a column itself."""

    def build(part: Slice) -> pa.Array:
        values, bitmap = np.zeros(part.rows, np.int32), _bitmap(part.rows)
        valid = native.place(
            part.places, part.table.capacity, part.rows, which, *when, values.ctypes.data, bitmap.ctypes.data
        )
        return _array(pa.int32(), values, bitmap, valid)

    return build


def wide_place(which: int) -> Builder:
    """A 64-bit place that is a column itself."""

    def build(part: Slice) -> pa.Array:
        values, bitmap = np.zeros(part.rows, np.int64), _bitmap(part.rows)
        valid = native.wide_place(
            part.wide, part.table.capacity, part.rows, which, values.ctypes.data, bitmap.ctypes.data
        )
        return _array(pa.int64(), values, bitmap, valid)

    return build


def seconds(part: Slice) -> pa.Array:
    """The time of the packet in seconds."""
    values, bitmap = np.zeros(part.rows, np.float64), _bitmap(part.rows)
    valid = native.seconds(part.wide, part.table.capacity, part.rows, values.ctypes.data, bitmap.ctypes.data)
    return _array(pa.float64(), values, bitmap, valid)


def port(at: int) -> Builder:
    """The port AT bytes into a transport header."""

    def build(part: Slice) -> pa.Array:
        values, bitmap = np.zeros(part.rows, np.int32), _bitmap(part.rows)
        valid = native.ports(
            *part.source, part.wide, part.places, part.table.capacity, part.rows, at, values.ctypes.data,
            bitmap.ctypes.data,
        )  # fmt: skip
        return _array(pa.int32(), values, bitmap, valid)

    return build


def _texts(
    kernel: Callable[..., int], part: Slice, width: int, before: Sequence[int], after: Sequence[int]
) -> pa.Array:
    rows = part.rows
    index, bitmap = np.empty(rows, np.int32), _bitmap(rows)
    slots = 1 << max(4, (2 * rows - 1).bit_length())
    table, keys = np.empty(slots, np.int32), np.empty((rows, 3), np.int64)
    ends, text, nulls = np.empty(rows + 1, np.int32), np.empty(rows * width + 8, np.uint8), np.zeros(1, np.int64)
    distinct = kernel(
        *part.source, part.wide, part.places, part.table.capacity, rows, *before, index.ctypes.data,
        bitmap.ctypes.data, table.ctypes.data, slots, keys.ctypes.data, ends.ctypes.data, text.ctypes.data,
        nulls.ctypes.data, *after,
    )  # fmt: skip
    used = text[: ends[distinct]].copy()
    texts = pa.Array.from_buffers(
        pa.string(), distinct, [None, pa.py_buffer(ends[: distinct + 1].copy()), pa.py_buffer(used)], 0
    )
    indices = _array(pa.int32(), index, bitmap, rows - int(nulls[0]))
    return pa.DictionaryArray.from_arrays(indices, texts, safe=False)


def address(side: int) -> Builder:
    """IP addresses: SIDE 0 source, 1 destination."""
    return lambda part: _texts(native.addresses, part, TEXT, (side,), ())


def hardware(which: int) -> Builder:
    """Ethernet addresses at a place."""
    return lambda part: _texts(native.hardware, part, TEXT, (which,), ())


def tunnel(part: Slice) -> pa.Array:
    """Names of the tunnels that each packet came through, the outermost first."""
    codes, index = np.unique(part.place(frame.TUNNEL), return_inverse=True)
    texts = pa.array([tunnels.names(int(code)) for code in codes], pa.string())
    return pa.DictionaryArray.from_arrays(pa.array(index.astype(np.int32), mask=codes[index] < 0), texts, safe=False)


def community_id(part: Slice) -> pa.Array:
    """Community ID of each packet's flow."""
    message, words = np.empty(85, np.uint8), np.empty(80, np.int64)
    return _texts(native.community_ids, part, COMMUNITY_ID, (), (message.ctypes.data, words.ctypes.data))


def octets(first: int, size: int) -> Builder:
    """Bytes of the frame, from place FIRST (-1: from its begin), as many as the place SIZE says and are there."""

    def build(part: Slice) -> pa.Array:
        ends, bitmap = np.empty(part.rows + 1, np.int32), _bitmap(part.rows)
        shape = (part.wide, part.places, part.table.capacity, part.rows)
        total = native.slice_sizes(*shape, first, size, ends.ctypes.data, bitmap.ctypes.data)
        data = np.empty(total, np.uint8)
        native.slices(*part.source, *shape, first, ends.ctypes.data, data.ctypes.data, total)
        validity = None if first < 0 else pa.py_buffer(bitmap)
        return pa.Array.from_buffers(pa.binary(), part.rows, [validity, pa.py_buffer(ends), pa.py_buffer(data)])

    return build


def capture_text(captures: Sequence[Capture], name: Callable[[Capture], str]) -> Builder:
    """A text of the capture that each packet is in."""

    def build(part: Slice) -> pa.Array:
        numbers = part.place(frame.CAPTURE)
        low, high = (int(numbers.min()), int(numbers.max())) if part.rows else (0, 0)
        names = texts([name(capture) for capture in captures[low : high + 1]])
        index = np.ascontiguousarray(numbers - low, np.int32)
        indices = pa.Array.from_buffers(pa.int32(), part.rows, [None, pa.py_buffer(index)])
        return pa.DictionaryArray.from_arrays(indices, names, safe=False)

    return build


def parts(table: Table, budget: int | None) -> Iterator[Slice]:
    """The table in slices whose frames are at most BUDGET bytes (or one frame); one slice if BUDGET is None."""
    low = 0
    if budget is not None and table.rows:
        ends = np.cumsum(table.places[frame.CAPTURED, : table.rows], dtype=np.int64)
        while low < table.rows:
            before = int(ends[low - 1]) if low else 0
            high = max(low + 1, int(np.searchsorted(ends, before + budget, side="right")))
            yield Slice(table, low, high)
            low = high
    elif table.rows:
        yield Slice(table, 0, table.rows)
