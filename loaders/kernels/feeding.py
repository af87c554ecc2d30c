"""Packets made ready for a program that reads a pcap: their records, in one link type and with microseconds."""

import numpy as np
from numba import carray
from packetpig.loaders.kernels import frame
from packetpig.loaders.kernels.bits import be16, be32
from packetpig.loaders.kernels.fedslots import (
    ADDRESS,
    CAPTURE,
    CAPTURED,
    COLUMNS,
    ETHERNET,
    GIVEN,
    HAS_BLANK_LINE,
    HAS_PAYLOAD,
    HEAD,
    HELD,
    KEY,
    KIND,
    LENGTH,
    MOST,
    OFFSET,
    PAIR,
    PRIME,
    SKIP,
    STAMP,
    TAGS,
    TIME,
)
from packetpig.loaders.kernels.kernel import helper, inline, kernel
from packetpig.loaders.kernels.octets import copied, newline, same
from packetpig.loaders.kernels.pcapwriting import put32

EVERYWHERE = 1 << 62
SECOND = 1_000_000_000
LAST = (1 << 32) * SECOND  # what the seconds of a pcap can say


@inline
def hashed(value, buf, at, count):
    """FNV-1a over COUNT bytes."""
    for k in range(count):
        value = (value ^ np.uint64(buf[at + k])) * np.uint64(PRIME)
    return value


@helper
def blank_line(buf, at, end):
    """Whether an empty line ends within the bytes."""
    k = newline(buf, at, end)
    while k < end - 1:
        following = np.int64(buf[k + 1])
        if following == 10 or (following == 13 and k + 2 < end and np.int64(buf[k + 2]) == 10):
            return True
        k = newline(buf, k + 1, end)
    return False


@helper
def time_stamp(buf, at, end):
    """Value of TCP's time stamp option, RFC 7323; 0 where there is none."""
    while at < end:
        kind = np.int64(buf[at])
        if kind == 0:
            return 0
        if kind == 1:
            at += 1
            continue
        if at + 1 >= end:
            return 0
        size = np.int64(buf[at + 1])
        if kind == 8 and size == 10 and at + 10 <= end:
            return be32(buf, at + 2)
        at += max(2, size)
    return 0


@kernel("bytes", "int", "int", "int64s", "int32s", "int", "int", "int", "int64s")
def feed_rows(buf_p, address, size, wide_p, places_p, capacity, rows, tcp, out_p):
    """Rows of packets (fedslots.py), ready to be given as Ethernet; with TCP only those, as IP, with KEY and on.

    ADDRESS is that of the bytes. Gives the number of rows.
    """
    buf = carray(buf_p, (size,))
    wide = carray(wide_p, (frame.WIDE_ROWS, capacity))
    places = carray(places_p, (frame.PLACE_ROWS, capacity))
    out = carray(out_p, (rows, COLUMNS))
    count = 0
    for i in range(rows):
        network = np.int64(places[frame.NETWORK, i])
        begin = wide[frame.POSITION, i]
        captured = np.int64(places[frame.CAPTURED, i])
        transport = np.int64(places[frame.TRANSPORT, i])
        if tcp and (network < 0 or np.int64(places[frame.PROTOCOL, i]) != 6):
            continue
        row = out[count]
        row[TIME] = wide[frame.TIME, i]
        row[ADDRESS] = address + begin
        row[CAPTURED] = captured
        row[LENGTH] = max(captured, np.int64(places[frame.LENGTH, i]))
        row[CAPTURE] = np.int64(places[frame.CAPTURE, i])
        row[SKIP] = 0
        row[HEAD] = 0
        row[TAGS] = 0
        row[PAIR] = 0
        row[KEY] = 0
        row[KIND] = 0
        row[STAMP] = 0
        row[GIVEN] = row[TIME]
        six = np.int64(places[frame.VERSION, i]) == 6
        if tcp:
            row[SKIP] = network
        elif np.int64(places[frame.LINK_TYPE, i]) != ETHERNET:
            row[SKIP] = max(np.int64(0), network)
            row[HEAD] = np.int64(-1) if network < 0 else (np.int64(0x86DD) if six else np.int64(0x0800))
            row[TAGS] = (np.int64(places[frame.VLAN, i]) + 1) | ((np.int64(places[frame.INNER_VLAN, i]) + 1) << 16)
        if network >= 0:
            at = begin + network
            width = 16 if six else 4
            source = at + (8 if six else 12)
            if network + (40 if six else 20) <= captured:
                one = hashed(np.uint64(OFFSET), buf, source, width)
                other = hashed(np.uint64(OFFSET), buf, source + width, width)
                row[PAIR] = np.int64((one + other) >> np.uint64(1))
                if tcp and transport >= 0 and transport + 20 <= captured:
                    head = begin + transport
                    key = hashed(np.uint64(OFFSET), buf, source, 2 * width)
                    row[KEY] = np.int64(hashed(key, buf, head, 4) >> np.uint64(1))
                    row[KIND] = be16(buf, head + 12) & 0xFF
                    options = min(transport + 4 * (np.int64(buf[head + 12]) >> 4), captured)
                    row[STAMP] = time_stamp(buf, head + 20, begin + options)
                    payload = np.int64(places[frame.PAYLOAD, i])
                    length = np.int64(places[frame.PAYLOAD_LENGTH, i])
                    if payload >= 0 and length > 0:
                        row[KIND] |= HAS_PAYLOAD
                        if blank_line(buf, begin + payload, begin + min(payload + length, captured)):
                            row[KIND] |= HAS_BLANK_LINE
        count += 1
    return count


@inline
def put_be16(out, at, value):
    """Unsigned 16 bits, the highest byte first."""
    out[at] = np.uint8((value >> 8) & 0xFF)
    out[at + 1] = np.uint8(value & 0xFF)


@kernel("int64s", "int", "int64s", "int64s")
def feed_clock(rows_p, rows, clock_p, counts_p):
    """Set GIVEN, which never goes back: sessions time out by it, and thresholds count by it.

    Packets a bit out of order have the time before them. Where a clock was set back, time goes on from there, until
    the real time is as late. CLOCK: the last time that was given, and by how much it is ahead. COUNTS: packets whose
    time a pcap cannot say, and packets that are given with another time than theirs.
    """
    packets = carray(rows_p, (rows, COLUMNS))
    clock = carray(clock_p, (2,))
    counts = carray(counts_p, (2,))
    latest = clock[0]
    ahead = clock[1]
    for i in range(rows):
        time = packets[i, TIME]
        given = time + ahead
        if time < 0 or time >= LAST:
            counts[0] += 1
            given = latest
        elif time >= latest:
            ahead = np.int64(0)
            given = time
        elif given < latest - HELD:
            ahead = latest - time
            given = latest
        elif given < latest or given >= LAST:
            given = latest
        if given != time:
            counts[1] += 1
        packets[i, GIVEN] = given
        latest = given
    clock[0] = latest
    clock[1] = ahead
    return 0


@kernel("bytes", "int64s", "int", "int", "bytes", "int", "int64s", "int64s")
def feed_records(memory_p, rows_p, begin, rows, out_p, size, done_p, cut_p):
    """Write the packets from BEGIN on into OUT as records of a pcap, as long as there is room; give the bytes.

    MEMORY is the address 0, from which ADDRESS counts. DONE: packets gone through. CUT: packets
    that were cut.
    """
    memory = carray(memory_p, (EVERYWHERE,))
    packets = carray(rows_p, (rows, COLUMNS))
    out = carray(out_p, (size,))
    done = carray(done_p, (1,))
    cut = carray(cut_p, (1,))
    at = 0
    i = begin
    while i < rows:
        row = packets[i]
        kept = min(row[CAPTURED] - row[SKIP], MOST - 22)
        if at + kept + 38 > size:
            break
        if row[CAPTURED] - row[SKIP] > kept:
            cut[0] += 1
        time = row[GIVEN]
        put32(out, at, time // SECOND)
        put32(out, at + 4, time % SECOND // 1000)
        record = at
        at += 16
        if row[HEAD] > 0:
            for k in range(12):
                out[at + k] = 0
            at += 12
            for which in range(2):
                tag = (row[TAGS] >> (16 * which)) & 0xFFFF
                if tag:
                    put_be16(out, at, 0x8100)
                    put_be16(out, at + 2, tag - 1)
                    at += 4
            put_be16(out, at, row[HEAD])
            at += 2
        made = at - record - 16
        put32(out, record + 8, made + kept)
        put32(out, record + 12, made + max(kept, row[LENGTH] - row[SKIP]))
        at = copied(out, at, memory, row[ADDRESS] + row[SKIP], kept)
        i += 1
    done[0] = i
    return at


@kernel("bytes", "int64s", "int", "int", "bytes")
def feed_doubles(memory_p, rows_p, rows, fresh, keep_p):
    """Mark in KEEP what stays of packets in the order of time, from FRESH on: a frame in two captures stays once."""
    memory = carray(memory_p, (EVERYWHERE,))
    packets = carray(rows_p, (rows, COLUMNS))
    keep = carray(keep_p, (rows,))
    dropped = 0
    for i in range(rows):
        keep[i] = 1
        if i < fresh:
            continue
        row = packets[i]
        j = i - 1
        while j >= 0 and i - j < 256 and packets[j, TIME] == row[TIME]:
            other = packets[j]
            if (
                other[CAPTURE] != row[CAPTURE]
                and other[CAPTURED] == row[CAPTURED]
                and other[LENGTH] == row[LENGTH]
                and other[HEAD] == row[HEAD]
                and same(memory, other[ADDRESS], row[ADDRESS], row[CAPTURED])
            ):
                keep[i] = 0
                dropped += 1
                break
            j -= 1
    return dropped
