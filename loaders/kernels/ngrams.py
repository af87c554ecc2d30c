"""Counts n-grams of transport payload: runs of N bytes, as numbers, the first byte the highest."""

import numpy as np
from numba import carray
from packetpig.loaders.kernels import frame
from packetpig.loaders.kernels.kernel import helper, inline, kernel


@helper
def wanted(buf, wide, places, i, protocol, port):
    """Whether packet I has payload, and the protocol and one of the ports asked for (-1: any)."""
    if places[frame.PAYLOAD, i] < 0 or (protocol >= 0 and places[frame.PROTOCOL, i] != protocol):
        return False
    if port < 0:
        return True
    start = places[frame.TRANSPORT, i]
    if start + 4 > places[frame.TRANSPORT_END, i]:
        return False
    p = wide[frame.POSITION, i] + start
    return (np.int64(buf[p]) << 8 | np.int64(buf[p + 1])) == port or (
        np.int64(buf[p + 2]) << 8 | np.int64(buf[p + 3])
    ) == port


@inline
def payload_end(places, i):
    """Where the payload that was captured ends."""
    return min(places[frame.PAYLOAD, i] + places[frame.PAYLOAD_LENGTH, i], places[frame.CAPTURED, i])


@kernel("bytes", "int", "int64s", "int32s", "int", "int", "int", "int", "int", "int", "int64s")
def dense_ngrams(buf_p, valid, wide_p, places_p, capacity, first, rows, protocol, port, n, counts_p):
    """Add the n-grams of packets FIRST to ROWS to COUNTS, which has 256**N numbers. Gives how many there were."""
    buf = carray(buf_p, (valid,))
    wide = carray(wide_p, (frame.WIDE_ROWS, capacity))
    places = carray(places_p, (frame.PLACE_ROWS, capacity))
    size = np.int64(1) << (8 * n)
    counts = carray(counts_p, (size,))
    mask = size - 1
    total = 0
    for i in range(first, rows):
        if not wanted(buf, wide, places, i, protocol, port):
            continue
        p = wide[frame.POSITION, i] + places[frame.PAYLOAD, i]
        stop = wide[frame.POSITION, i] + payload_end(places, i)
        if stop - p < n:
            continue
        gram = np.int64(0)
        for _ in range(n - 1):
            gram = (gram << 8) | np.int64(buf[p])
            p += 1
        total += stop - p
        while p < stop:
            gram = ((gram << 8) | np.int64(buf[p])) & mask
            counts[gram] += 1
            p += 1
    return total


@kernel("bytes", "int", "int64s", "int32s", "int", "int", "int", "int", "int", "int64s")
def byte_counts(buf_p, valid, wide_p, places_p, capacity, first, rows, protocol, port, counts_p):
    """As `dense_ngrams` for single bytes; COUNTS are four times 256, to be added up.

    A byte often is the one before it again, and a counter that was just written is slow to read: so neighbours have
    counters of their own.
    """
    buf = carray(buf_p, (valid,))
    wide = carray(wide_p, (frame.WIDE_ROWS, capacity))
    places = carray(places_p, (frame.PLACE_ROWS, capacity))
    counts = carray(counts_p, (1024,))
    total = 0
    for i in range(first, rows):
        if not wanted(buf, wide, places, i, protocol, port):
            continue
        p = wide[frame.POSITION, i] + places[frame.PAYLOAD, i]
        stop = wide[frame.POSITION, i] + payload_end(places, i)
        if stop <= p:
            continue
        total += stop - p
        while p + 4 <= stop:
            counts[np.int64(buf[p])] += 1
            counts[256 + np.int64(buf[p + 1])] += 1
            counts[512 + np.int64(buf[p + 2])] += 1
            counts[768 + np.int64(buf[p + 3])] += 1
            p += 4
        while p < stop:
            counts[np.int64(buf[p])] += 1
            p += 1
    return total


@kernel(
    "bytes", "int", "int64s", "int32s", "int", "int", "int", "int", "int", "int", "int64s", "int64s", "int", "int64s"
)  # fmt: skip
def hashed_ngrams(
    buf_p, valid, wide_p, places_p, capacity, first, rows, protocol, port, n, keys_p, counts_p, slots, used_p
):
    """As `dense_ngrams`, into a hash table of SLOTS keys (-1: free), USED of them taken.

    Gives the number of the packet before which the table had no room for the grams of another one, or ROWS.
    """
    buf = carray(buf_p, (valid,))
    wide = carray(wide_p, (frame.WIDE_ROWS, capacity))
    places = carray(places_p, (frame.PLACE_ROWS, capacity))
    keys = carray(keys_p, (slots,))
    counts = carray(counts_p, (slots,))
    used = carray(used_p, (1,))
    mask = (np.int64(1) << (8 * n)) - 1
    for i in range(first, rows):
        if not wanted(buf, wide, places, i, protocol, port):
            continue
        p = wide[frame.POSITION, i] + places[frame.PAYLOAD, i]
        stop = wide[frame.POSITION, i] + payload_end(places, i)
        if used[0] + (stop - p) > slots - (slots >> 2):
            return i
        gram = np.int64(0)
        seen = 0
        while p < stop:
            gram = ((gram << 8) | np.int64(buf[p])) & mask
            p += 1
            seen += 1
            if seen < n:
                continue
            mixed = np.uint64(gram) * np.uint64(0x9E3779B97F4A7C15)
            slot = np.int64((mixed >> np.uint64(32)) & np.uint64(slots - 1))
            while keys[slot] >= 0 and keys[slot] != gram:
                slot = (slot + 1) & (slots - 1)
            if keys[slot] < 0:
                keys[slot] = gram
                used[0] += 1
            counts[slot] += 1
    return rows
