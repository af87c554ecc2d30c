"""Addresses as text: each distinct one of a batch once, and a row number into those for every packet.

IPv6 is written as inet_ntop does (RFC 5952, with a dotted end for IPv4-mapped addresses), as tshark and Zeek do.
"""

import numpy as np
from numba import carray
from packetpig.loaders.kernels import frame
from packetpig.loaders.kernels.bits import be32
from packetpig.loaders.kernels.fields import mark
from packetpig.loaders.kernels.kernel import helper, inline, kernel
from packetpig.loaders.kernels.octets import load64

TEXT = 46  # bytes at most for one address


@inline
def digit(value):
    """The hexadecimal digit as ASCII."""
    return np.uint8(48 + value) if value < 10 else np.uint8(87 + value)


@helper
def put_decimal(out, at, value):
    """Write 0 to 255; give where it ends."""
    if value >= 100:
        out[at] = np.uint8(48 + value // 100)
        at += 1
    if value >= 10:
        out[at] = np.uint8(48 + value // 10 % 10)
        at += 1
    out[at] = np.uint8(48 + value % 10)
    return at + 1


@helper
def put_ipv4(out, at, buf, p):
    """Write four bytes as dotted text; give where it ends."""
    for k in range(4):
        if k > 0:
            out[at] = np.uint8(46)
            at += 1
        at = put_decimal(out, at, np.int64(buf[p + k]))
    return at


@helper
def put_ipv6(out, at, buf, p):
    """Write sixteen bytes as text; give where it ends."""
    best, best_length, run, length = -1, 1, -1, 0
    for k in range(8):
        if buf[p + 2 * k] == 0 and buf[p + 2 * k + 1] == 0:
            if run < 0:
                run, length = k, 0
            length += 1
            if length > best_length:
                best, best_length = run, length
        else:
            run = -1
    k = 0
    while k < 8:
        if k == best:
            out[at] = np.uint8(58)
            at += 1
            k += best_length
            if k == 8:
                out[at] = np.uint8(58)
                at += 1
            continue
        if k > 0:
            out[at] = np.uint8(58)
            at += 1
        mapped = best_length == 5 and buf[p + 10] == 0xFF and buf[p + 11] == 0xFF
        # as inet_ntop: ::a.b.c.d, ::ffff:a.b.c.d and the like end in dotted text
        if k == 6 and best == 0 and (best_length == 6 or mapped):
            return put_ipv4(out, at, buf, p + 12)
        value = (np.int64(buf[p + 2 * k]) << 8) | np.int64(buf[p + 2 * k + 1])
        started = False
        for shift in (12, 8, 4, 0):
            nibble = (value >> shift) & 15
            if nibble != 0 or started or shift == 0:
                out[at] = digit(nibble)
                at += 1
                started = True
        k += 1
    return at


@inline
def has_address(places, i, side):
    """Whether packet I has its IP address, SIDE 0 source, 1 destination."""
    net = places[frame.NETWORK, i]
    at, size = (12 + 4 * side, 4) if places[frame.VERSION, i] == 4 else (8 + 16 * side, 16)
    return net >= 0 and net + at + size <= places[frame.CAPTURED, i]


@inline
def address_at(buf, network, version, side):
    """The address in the IP header at NETWORK, as the two halves of a number of 128 bits."""
    if version == 4:
        return np.uint64(0), np.uint64(be32(buf, network + 12 + 4 * side))
    return load64(buf, network + 8 + 16 * side), load64(buf, network + 16 + 16 * side)


@helper
def find(table, keys, distinct, a, b, c):
    """Number of the key (A, B, C) in KEYS, by way of the hash table; DISTINCT, and it is added, if it is new."""
    mask = np.uint64(table.shape[0] - 1)
    mixed = (b ^ (a * np.uint64(0x9E3779B97F4A7C15)) ^ np.uint64(c)) * np.uint64(0xC2B2AE3D27D4EB4F)
    slot = (mixed ^ (mixed >> np.uint64(31))) & mask
    while True:
        which = table[slot]
        if which < 0:
            table[slot] = np.int32(distinct)
            keys[distinct, 0] = np.int64(a)
            keys[distinct, 1] = np.int64(b)
            keys[distinct, 2] = c
            return distinct
        if keys[which, 0] == np.int64(a) and keys[which, 1] == np.int64(b) and keys[which, 2] == c:
            return np.int64(which)
        slot = (slot + np.uint64(1)) & mask


@kernel(
    "bytes",
    "int",
    "int64s",
    "int32s",
    "int",
    "int",
    "int",
    "int32s",
    "bytes",
    "int32s",
    "int",
    "int64s",
    "int32s",
    "bytes",
    "int64s",
)
def addresses(
    buf_p, valid, wide_p, places_p, capacity, rows, side, index_p, bitmap_p, table_p, slots, keys_p, ends_p, text_p,
    nulls_p,
):  # fmt: skip
    """IP addresses, SIDE 0 source, 1 destination, as an Arrow dictionary column.

    TABLE has SLOTS (a power of two, at least twice ROWS) entries; KEYS three numbers a distinct address; ENDS the
    dictionary's offsets (one more than distinct addresses), TEXT its bytes. Gives the number of distinct addresses.
    """
    buf = carray(buf_p, (valid,))
    wide = carray(wide_p, (frame.WIDE_ROWS, capacity))
    places = carray(places_p, (frame.PLACE_ROWS, capacity))
    index = carray(index_p, (rows,))
    bitmap = carray(bitmap_p, ((rows + 7) // 8,))
    table = carray(table_p, (slots,))
    keys = carray(keys_p, (rows, 3))
    ends = carray(ends_p, (rows + 1,))
    text = carray(text_p, (rows * TEXT,))
    nulls = carray(nulls_p, (1,))
    table[:] = -1
    distinct, end = 0, 0
    ends[0] = 0
    for i in range(rows):
        index[i] = 0
        if not has_address(places, i, side):
            nulls[0] += 1
            continue
        version = places[frame.VERSION, i]
        net = wide[frame.POSITION, i] + places[frame.NETWORK, i]
        p = net + (12 + 4 * side if version == 4 else 8 + 16 * side)
        high, low = address_at(buf, net, version, side)
        which = find(table, keys, distinct, high, low, version)
        if which == distinct:
            end = put_ipv4(text, end, buf, p) if version == 4 else put_ipv6(text, end, buf, p)
            distinct += 1
            ends[distinct] = np.int32(end)
        index[i] = np.int32(which)
        mark(bitmap, i)
    return distinct


@kernel(
    "bytes",
    "int",
    "int64s",
    "int32s",
    "int",
    "int",
    "int",
    "int32s",
    "bytes",
    "int32s",
    "int",
    "int64s",
    "int32s",
    "bytes",
    "int64s",
)
def hardware(
    buf_p, valid, wide_p, places_p, capacity, rows, where, index_p, bitmap_p, table_p, slots, keys_p, ends_p, text_p,
    nulls_p,
):  # fmt: skip
    """Ethernet addresses at the place WHERE, as `addresses` gives those of IP."""
    buf = carray(buf_p, (valid,))
    wide = carray(wide_p, (frame.WIDE_ROWS, capacity))
    places = carray(places_p, (frame.PLACE_ROWS, capacity))
    index = carray(index_p, (rows,))
    bitmap = carray(bitmap_p, ((rows + 7) // 8,))
    table = carray(table_p, (slots,))
    keys = carray(keys_p, (rows, 3))
    ends = carray(ends_p, (rows + 1,))
    text = carray(text_p, (rows * TEXT,))
    nulls = carray(nulls_p, (1,))
    table[:] = -1
    distinct, end = 0, 0
    ends[0] = 0
    for i in range(rows):
        index[i] = 0
        at = places[where, i]
        if at < 0 or at + 6 > places[frame.CAPTURED, i]:
            nulls[0] += 1
            continue
        p = wide[frame.POSITION, i] + at
        key = np.uint64(0)
        for k in range(6):
            key = (key << np.uint64(8)) | np.uint64(buf[p + k])
        which = find(table, keys, distinct, key, np.uint64(0), 0)
        if which == distinct:
            for k in range(6):
                if k > 0:
                    text[end] = np.uint8(58)
                    end += 1
                text[end] = digit(np.int64(buf[p + k]) >> 4)
                text[end + 1] = digit(np.int64(buf[p + k]) & 15)
                end += 2
            distinct += 1
            ends[distinct] = np.int32(end)
        index[i] = np.int32(which)
        mark(bitmap, i)
    return distinct
