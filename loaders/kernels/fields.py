"""Turns header fields into columns. Each kernel writes values and an Arrow validity bitmap for rows 0 to ROWS."""

import numpy as np
from numba import carray
from packetpig.loaders.kernels import frame
from packetpig.loaders.kernels.kernel import inline, kernel

NO_TIME = np.int64(-1) << 63


@inline
def mark(bitmap, i):
    """Say that row I has a value."""
    bitmap[i >> 3] |= np.uint8(1 << (i & 7))


@inline
def has_field(places, i, layer, end, at, width, condition, value):
    """Whether packet I has the bytes of a field (see `field`)."""
    start = places[layer, i]
    return start >= 0 and start + at + width <= places[end, i] and (condition < 0 or places[condition, i] == value)


@inline
def bits_at(buf, p, width):
    """WIDTH bytes at P as a number, network order."""
    bits = np.int64(0)
    for k in range(width):
        bits = (bits << 8) | np.int64(buf[p + k])
    return bits


@inline
def has_port(places, i, at):
    """Whether packet I has a transport with ports, and the one that is AT bytes into it."""
    protocol = places[frame.PROTOCOL, i]
    start = places[frame.TRANSPORT, i]
    return (
        start >= 0
        and start + at + 2 <= places[frame.TRANSPORT_END, i]
        and (protocol == 6 or protocol == 17 or protocol == 132 or protocol == 136 or protocol == 33)
    )


@kernel(
    "bytes",
    "int",
    "int64s",
    "int32s",
    "int",
    "int",
    "int",
    "int",
    "int",
    "int",
    "int",
    "int",
    "int",
    "int",
    "int",
    "int32s",
    "int64s",
    "bytes",
)
def field(
    buf_p, valid, wide_p, places_p, capacity, rows, layer, end, at, width, shift, mask, condition, value, is_wide,
    narrow_p, long_p, bitmap_p,
):  # fmt: skip
    """A field of WIDTH bytes (network order) AT bytes into a layer: (bits >> SHIFT) & MASK.

    Only in packets that have the layer, whose place CONDITION is VALUE (no condition: -1), and whose bytes up to the
    place END cover the field. Written to the 64-bit column when IS_WIDE, else to the 32-bit one; gives how many.
    """
    buf = carray(buf_p, (valid,))
    wide = carray(wide_p, (frame.WIDE_ROWS, capacity))
    places = carray(places_p, (frame.PLACE_ROWS, capacity))
    narrow = carray(narrow_p, (rows,))
    long = carray(long_p, (rows,))
    bitmap = carray(bitmap_p, ((rows + 7) // 8,))
    count = 0
    for i in range(rows):
        if not has_field(places, i, layer, end, at, width, condition, value):
            continue
        bits = (bits_at(buf, wide[frame.POSITION, i] + places[layer, i] + at, width) >> shift) & mask
        if is_wide != 0:
            long[i] = bits
        else:
            narrow[i] = np.int32(bits)
        mark(bitmap, i)
        count += 1
    return count


@kernel("bytes", "int", "int64s", "int32s", "int", "int", "int", "int32s", "bytes")
def ports(buf_p, valid, wide_p, places_p, capacity, rows, at, out_p, bitmap_p):
    """The port AT bytes into the transport header, of every transport that has ports."""
    buf = carray(buf_p, (valid,))
    wide = carray(wide_p, (frame.WIDE_ROWS, capacity))
    places = carray(places_p, (frame.PLACE_ROWS, capacity))
    out = carray(out_p, (rows,))
    bitmap = carray(bitmap_p, ((rows + 7) // 8,))
    count = 0
    for i in range(rows):
        if has_port(places, i, at):
            p = wide[frame.POSITION, i] + places[frame.TRANSPORT, i] + at
            out[i] = (np.int32(buf[p]) << 8) | np.int32(buf[p + 1])
            mark(bitmap, i)
            count += 1
    return count


@kernel("int32s", "int", "int", "int", "int", "int", "int32s", "bytes")
def place(places_p, capacity, rows, which, condition, value, out_p, bitmap_p):
    """A place that is a column itself; null where it is negative, or the place CONDITION is not VALUE."""
    places = carray(places_p, (frame.PLACE_ROWS, capacity))
    out = carray(out_p, (rows,))
    bitmap = carray(bitmap_p, ((rows + 7) // 8,))
    count = 0
    for i in range(rows):
        if places[which, i] >= 0 and (condition < 0 or places[condition, i] == value):
            out[i] = places[which, i]
            mark(bitmap, i)
            count += 1
    return count


@kernel("int64s", "int", "int", "doubles", "bytes")
def seconds(wide_p, capacity, rows, out_p, bitmap_p):
    """Time in seconds: the double nearest to the time of the record."""
    wide = carray(wide_p, (frame.WIDE_ROWS, capacity))
    out = carray(out_p, (rows,))
    bitmap = carray(bitmap_p, ((rows + 7) // 8,))
    count = 0
    for i in range(rows):
        ns = wide[frame.TIME, i]
        if ns != NO_TIME:
            whole = ns // 1_000_000_000
            out[i] = whole + (ns - whole * 1_000_000_000) / 1e9
            mark(bitmap, i)
            count += 1
    return count


@kernel("int64s", "int", "int", "int", "int64s", "bytes")
def wide_place(wide_p, capacity, rows, which, out_p, bitmap_p):
    """A 64-bit place that is a column itself; null where it is not known."""
    wide = carray(wide_p, (frame.WIDE_ROWS, capacity))
    out = carray(out_p, (rows,))
    bitmap = carray(bitmap_p, ((rows + 7) // 8,))
    count = 0
    for i in range(rows):
        here = wide[which, i]
        if here != NO_TIME and not (which == frame.NUMBER and here < 0):
            out[i] = here
            mark(bitmap, i)
            count += 1
    return count


@kernel("int64s", "int32s", "int", "int", "int", "int", "int32s", "bytes")
def slice_sizes(wide_p, places_p, capacity, rows, first, size, offsets_p, bitmap_p):
    """Arrow offsets of a bytes column: bytes of each frame from place FIRST on (-1: its begin), as many as SIZE says.

    What was not captured is not there. SIZE is a place (PAYLOAD_LENGTH, CAPTURED). Gives the bytes in all.
    """
    places = carray(places_p, (frame.PLACE_ROWS, capacity))
    offsets = carray(offsets_p, (rows + 1,))
    bitmap = carray(bitmap_p, ((rows + 7) // 8,))
    total = np.int64(0)
    for i in range(rows):
        offsets[i] = np.int32(total)
        begin = places[first, i] if first >= 0 else np.int32(0)
        if begin >= 0:
            total += max(0, min(places[size, i], places[frame.CAPTURED, i] - begin))
            mark(bitmap, i)
    offsets[rows] = np.int32(total)
    return total


@kernel("bytes", "int", "int64s", "int32s", "int", "int", "int", "int32s", "bytes", "int")
def slices(buf_p, valid, wide_p, places_p, capacity, rows, first, offsets_p, out_p, out_size):
    """The bytes that `slice_sizes` measured."""
    buf = carray(buf_p, (valid,))
    wide = carray(wide_p, (frame.WIDE_ROWS, capacity))
    places = carray(places_p, (frame.PLACE_ROWS, capacity))
    offsets = carray(offsets_p, (rows + 1,))
    out = carray(out_p, (out_size,))
    for i in range(rows):
        size = offsets[i + 1] - offsets[i]
        if size > 0:
            begin = places[first, i] if first >= 0 else np.int32(0)
            p = wide[frame.POSITION, i] + begin
            to = offsets[i]
            for k in range(size):
                out[to + k] = buf[p + k]
    return 0
