"""Finds the packets in the bytes of a capture: pcap records, pcapng blocks, and the first record of a split.

Sources: the pcap and pcapng specifications of the IETF's opsawg (draft-ietf-opsawg-pcap, -pcapng).
"""

import numpy as np
from numba import carray
from packetpig.loaders.kernels import frame
from packetpig.loaders.kernels.kernel import helper, inline, kernel
from packetpig.loaders.kernels.layers import walk

YEARS = 10 * 366 * 86400  # packets of one capture are not further apart


@inline
def u32(buf, at, big):
    """Unsigned 32 bits."""
    if big != 0:
        return (
            (np.int64(buf[at]) << 24)
            | (np.int64(buf[at + 1]) << 16)
            | (np.int64(buf[at + 2]) << 8)
            | np.int64(buf[at + 3])
        )
    return (
        (np.int64(buf[at + 3]) << 24) | (np.int64(buf[at + 2]) << 16) | (np.int64(buf[at + 1]) << 8) | np.int64(buf[at])
    )


@inline
def u16(buf, at, big):
    """Unsigned 16 bits."""
    if big != 0:
        return (np.int64(buf[at]) << 8) | np.int64(buf[at + 1])
    return (np.int64(buf[at + 1]) << 8) | np.int64(buf[at])


@helper
def record(buf, at, stop, valid, header, big, limit):
    """Why there is no whole pcap record at AT (STOP, MORE, BAD; else WHOLE), and the bytes of its packet."""
    if at >= stop:
        return frame.STOP, np.int64(0)
    if at + header > valid:
        return frame.MORE, np.int64(0)
    captured = u32(buf, at + 8, big)
    if captured > limit:
        return frame.BAD, captured
    if at + header + captured > valid:
        return frame.MORE, captured
    return frame.WHOLE, captured


@kernel("bytes", "int", "int", "int", "int", "int", "int", "int", "int", "int", "int64s", "int64s", "int32s", "int")
def pcap_records(
    buf_p, valid, stop, base, header, big, nanos, link_type, limit, capture, state_p, wide_p, places_p, capacity
):
    """Note pcap records from the state's position on, until STOP, the end of VALID bytes or CAPACITY packets."""
    buf = carray(buf_p, (valid,))
    state = carray(state_p, (frame.STATE_SIZE,))
    wide = carray(wide_p, (frame.WIDE_ROWS, capacity))
    places = carray(places_p, (frame.PLACE_ROWS, capacity))
    at, row, number = state[frame.AT], state[frame.ROW], state[frame.PACKET]
    scale = 1 if nanos != 0 else 1000
    why = frame.FULL
    while row < capacity:
        ended, captured = record(buf, at, stop, valid, header, big, limit)
        if ended != frame.WHOLE:
            why = ended
            break
        if number >= 0:
            number += 1
        wide[frame.TIME, row] = u32(buf, at, big) * 1_000_000_000 + u32(buf, at + 4, big) * scale
        wide[frame.POSITION, row] = at + header
        wide[frame.OFFSET, row] = base + at
        wide[frame.NUMBER, row] = number
        places[frame.CAPTURE, row] = capture
        length = min(u32(buf, at + 12, big), 0x7FFFFFFF)
        walk(buf, at + header, captured, length, link_type, places, row)
        row += 1
        at += header + captured
    state[frame.AT], state[frame.ROW], state[frame.PACKET] = at, row, number
    return why


@helper
def plausible(buf, at, header, big, nanos, limit, around):
    """Whether the bytes at AT look like a pcap record header of a capture with packets AROUND that second."""
    captured = u32(buf, at + 8, big)
    length = u32(buf, at + 12, big)
    return (
        0 < captured <= limit
        and captured <= length <= 0x1000000
        and u32(buf, at + 4, big) < (1_000_000_000 if nanos != 0 else 1_000_000)
        and abs(u32(buf, at, big) - around) < YEARS
    )


@kernel("bytes", "int", "int", "int", "int", "int", "int", "int", "int", "int")
def pcap_chain(buf_p, start, until, valid, last, header, big, nanos, limit, around):
    """Offset of the first record at or after START and before UNTIL; -1 if there is none.

    What is found begins a chain of records that goes on for CHAIN_BYTES and CHAIN_RECORDS, or to the end of the
    capture (LAST: VALID is that end).
    """
    buf = carray(buf_p, (valid,))
    for first in range(start, min(until, valid - header + 1)):
        at = first
        records = 0
        while True:
            if at + header > valid:
                # right at the end, or cut in the last header
                if last != 0 and records > 0 and at <= valid:
                    return first
                break
            if not plausible(buf, at, header, big, nanos, limit, around):
                break
            at += header + u32(buf, at + 8, big)
            records += 1
            if at > valid:
                if last != 0 and records > 1:
                    return first
                break
            if records >= frame.CHAIN_RECORDS and at - first >= frame.CHAIN_BYTES:
                return first
    return -1


@helper
def pcapng_time(ticks, interfaces, which):
    """Nanoseconds since the epoch."""
    binary = interfaces[which, frame.IF_BINARY]
    if binary >= 0:
        seconds = ticks >> binary
        part = ticks & ((np.int64(1) << binary) - 1)
        while binary > 32:  # keep the product below within 64 bits
            part >>= 1
            binary -= 1
        nanos = seconds * 1_000_000_000 + ((part * 1_000_000_000) >> binary)
    else:
        scale = interfaces[which, frame.IF_SCALE]
        nanos = ticks
        while scale > 0:
            nanos *= 10
            scale -= 1
        while scale < 0:
            nanos //= 10
            scale += 1
    return nanos + interfaces[which, frame.IF_OFFSET] * 1_000_000_000


@kernel("bytes", "int", "int", "int", "int", "int", "int", "int64s", "int", "int64s", "int64s", "int32s", "int")
def pcapng_blocks(
    buf_p, valid, stop, base, big, limit, capture, interfaces_p, count, state_p, wide_p, places_p, capacity
):
    """Note the packets of pcapng blocks; comes back with OTHER at section and interface blocks."""
    buf = carray(buf_p, (valid,))
    interfaces = carray(interfaces_p, (count, frame.IF_COLUMNS))
    state = carray(state_p, (frame.STATE_SIZE,))
    wide = carray(wide_p, (frame.WIDE_ROWS, capacity))
    places = carray(places_p, (frame.PLACE_ROWS, capacity))
    at, row, number = state[frame.AT], state[frame.ROW], state[frame.PACKET]
    why = frame.FULL
    while row < capacity:
        if at >= stop:
            why = frame.STOP
            break
        if at + 12 > valid:
            why = frame.MORE
            break
        kind = u32(buf, at, big)
        if kind == 0x0A0D0D0A or kind == 1:
            why = frame.OTHER
            break
        total = u32(buf, at + 4, big)
        if total < 12 or total % 4 != 0 or total > limit:
            why = frame.BAD
            break
        if at + total > valid:
            why = frame.MORE
            break
        if u32(buf, at + total - 4, big) != total:
            why = frame.BAD
            break
        if kind == 6 or kind == 2 or kind == 3:
            fixed = 12 if kind == 3 else 28
            if total < fixed + 4:
                why = frame.BAD
                break
            which, ticks = 0, 0
            if kind == 3:
                length = u32(buf, at + 8, big)
                captured = min(length, total - 16)
                if count > 0 and 0 < interfaces[0, frame.IF_SNAPLEN] < captured:
                    captured = interfaces[0, frame.IF_SNAPLEN]
            else:
                which = u32(buf, at + 8, big) if kind == 6 else u16(buf, at + 8, big)
                ticks = (u32(buf, at + 12, big) << 32) | u32(buf, at + 16, big)
                captured = u32(buf, at + 20, big)
                length = u32(buf, at + 24, big)
            if which >= count or captured > total - fixed - 4:
                why = frame.BAD
                break
            if number >= 0:
                number += 1
            wide[frame.TIME, row] = pcapng_time(ticks, interfaces, which) if kind != 3 else np.int64(-1) << 63
            wide[frame.POSITION, row] = at + fixed
            wide[frame.OFFSET, row] = base + at
            wide[frame.NUMBER, row] = number
            places[frame.CAPTURE, row] = capture
            walk(buf, at + fixed, captured, min(length, 0x7FFFFFFF), interfaces[which, frame.IF_LINK_TYPE], places, row)
            row += 1
        at += total
    state[frame.AT], state[frame.ROW], state[frame.PACKET] = at, row, number
    return why


@kernel("int64s", "int32s", "int", "int", "bytes")
def keep(wide_p, places_p, capacity, rows, wanted_p):
    """Keep the packets whose byte in WANTED is not zero, in order; give how many."""
    wide = carray(wide_p, (frame.WIDE_ROWS, capacity))
    places = carray(places_p, (frame.PLACE_ROWS, capacity))
    wanted = carray(wanted_p, (rows,))
    kept = 0
    for i in range(rows):
        if wanted[i] != 0:
            if kept != i:
                for row in range(frame.WIDE_ROWS):
                    wide[row, kept] = wide[row, i]
                for row in range(frame.PLACE_ROWS):
                    places[row, kept] = places[row, i]
            kept += 1
    return kept


@kernel("bytes", "int", "int", "int", "int", "int", "int64s")
def pcap_skip(buf_p, valid, stop, header, big, limit, state_p):
    """Go past pcap records, noting nothing, from the state's position to STOP or the end of VALID bytes."""
    buf = carray(buf_p, (valid,))
    state = carray(state_p, (frame.STATE_SIZE,))
    at = state[frame.AT]
    while True:
        why, captured = record(buf, at, stop, valid, header, big, limit)
        if why != frame.WHOLE:
            break
        at += header + captured
    state[frame.AT] = at
    return why
