"""Puts packets together as records of a pcap: little-endian, with nanoseconds."""

import numpy as np
from numba import carray
from packetpig.loaders.kernels.kernel import helper, inline, kernel
from packetpig.loaders.kernels.octets import copied

SECOND = 1_000_000_000


@inline
def put32(out, at, value):
    """Unsigned 32 bits, the lowest byte first."""
    for k in range(4):
        out[at + k] = np.uint8((value >> (8 * k)) & 0xFF)


@helper
def put_record(out, at, time, length, frames, begin, captured):
    """A record, little-endian, with nanoseconds: its packet is at BEGIN of FRAMES. Where the next one goes."""
    put32(out, at, time // SECOND)
    put32(out, at + 4, time % SECOND)
    put32(out, at + 8, captured)
    put32(out, at + 12, length)
    return copied(out, at + 16, frames, begin, captured)


@kernel("int64s", "int32s", "int32s", "bytes", "int", "bytes")
def pcap_write(times_p, lengths_p, ends_p, frames_p, rows, out_p):
    """Write ROWS records into OUT, which has 16 bytes more for each than the frames between ENDS are; give the bytes.

    A time that a pcap cannot say becomes 0.
    """
    times = carray(times_p, (rows,))
    lengths = carray(lengths_p, (rows,))
    ends = carray(ends_p, (rows + 1,))
    frames = carray(frames_p, (ends[rows],))
    out = carray(out_p, (16 * rows + ends[rows] - ends[0],))
    at = 0
    for i in range(rows):
        time = times[i]
        if time < 0 or time >= (np.int64(1) << 32) * SECOND:
            time = 0
        captured = ends[i + 1] - ends[i]
        at = put_record(out, at, time, np.int64(lengths[i]), frames, ends[i], np.int64(captured))
    return at
