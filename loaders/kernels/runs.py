"""Payload that sessions say, as runs: what one side says without the other speaking in between, copied together."""

import numpy as np
from numba import carray
from packetpig.loaders.kernels import slots
from packetpig.loaders.kernels.kernel import helper, kernel


@helper
def kind_of(packet, move, limit):
    """What a tracked packet means to the contents of its session: slots.R_…, or -1: nothing.

    LIMIT: bytes of each side of a stream after which nothing is asked for.
    """
    flags, there = packet[slots.P_FLAGS], packet[slots.P_THERE]
    if packet[slots.P_SESSION] < 0 or flags & slots.ERROR != 0:
        return -1
    if (packet[slots.PORTS] >> 48) & 0xFF != 6:
        return slots.R_DATAGRAM if there > 0 else -1
    before, after = move[slots.M_BEFORE], move[slots.M_AFTER]
    offset = move[slots.M_OFFSET]
    usable = there > 0 and flags & (slots.CUT | slots.RST) == 0 and offset >= 0
    if move[slots.M_OTHER_AFTER] > move[slots.M_OTHER_BEFORE] and move[slots.M_OTHER_BEFORE] < limit:
        return slots.R_ODD
    if before >= limit:
        return -1
    if after > before:
        return slots.R_NEXT if usable and offset <= before and offset + there == after else slots.R_ODD
    return slots.R_ODD if usable and offset + there > before else -1


@kernel("int64s", "int64s", "int", "int64s", "int", "int32s", "int", "int32s", "int64s", "int", "int32s")
def find_runs(packets_p, moves_p, rows, wanted_p, ask, table_p, slots_count, next_p, runs_p, most, state_p):
    """The runs of tracked packets, in the order of their first ones; gives how many.

    WANTED: for each service how many bytes of each side of a stream to follow; with ASK, those that nobody wants are
    followed once they are asked for (R_ASKED). TABLE (SLOTS_COUNT, a power of two, twice ROWS or more) leads from
    sessions to their last runs. NEXT: for each packet the next one of its run, or -1. RUNS: slots.R_…, ROWS of them. No
    run is longer than MOST bytes and a packet. STATE: scratch, for the last packet of each run.
    """
    packets = carray(packets_p, (rows, slots.PACKET))
    moves = carray(moves_p, (rows, slots.MOVE))
    wanted = carray(wanted_p, (256,))
    table = carray(table_p, (slots_count,))
    following = carray(next_p, (rows,))
    runs = carray(runs_p, (rows, slots.RUN))
    last = carray(state_p, (rows,))
    mask = np.int64(slots_count - 1)
    table[:] = -1
    count = np.int64(0)
    for i in range(rows):
        following[i] = np.int32(-1)
        service = moves[i, slots.M_SERVICE]
        limit, asked = wanted[service], np.int64(0)
        if limit == 0:
            if ask == 0 or service == slots.R_GIVEN:
                continue
            limit, asked = np.int64(1 << 62), np.int64(1)
        kind = kind_of(packets[i], moves[i], limit)
        if kind < 0:
            continue
        name = packets[i, slots.P_SESSION]
        slot = np.int64(np.uint64(name >> 1) * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(20)) & mask
        while table[slot] >= 0 and runs[table[slot], slots.R_NAME] >> 1 != name >> 1:
            slot = (slot + 1) & mask
        skip = moves[i, slots.M_BEFORE] - moves[i, slots.M_OFFSET] if kind == slots.R_NEXT else np.int64(0)
        size = packets[i, slots.P_THERE] - skip
        run = np.int64(table[slot])
        if (
            kind == slots.R_NEXT
            and run >= 0
            and runs[run, slots.R_KIND] == kind
            and runs[run, slots.R_NAME] == name
            and runs[run, slots.R_SERVICE] == service
            and runs[run, slots.R_SIZE] < most
        ):
            following[last[run]] = np.int32(i)
            last[run] = np.int32(i)
            runs[run, slots.R_SIZE] += size
            runs[run, slots.R_COUNT] += 1
            continue
        table[slot] = np.int32(count)
        last[count] = np.int32(i)
        runs[count, slots.R_FIRST] = i
        runs[count, slots.R_COUNT] = 1
        runs[count, slots.R_SIZE] = size
        runs[count, slots.R_NAME] = name
        runs[count, slots.R_KIND] = kind
        runs[count, slots.R_SERVICE] = service
        runs[count, slots.R_TIME] = packets[i, slots.P_TIME]
        runs[count, slots.R_ASKED] = asked
        count += 1
    return count


@kernel(
    "int64s",
    "int64s",
    "int32s",
    "int",
    "int64s",
    "int",
    "int",
    "int",
    "bytes",
    "int",
    "bytes",
    "int",
    "int64s",
    "int64s",
)
def copy_runs(
    packets_p, moves_p, next_p, rows, runs_p, low, high, asked, base_p, base, out_p, size, times_p, ends_p
):  # fmt: skip
    """Copy the payload of the runs LOW to HIGH together; gives how many bytes that is, SIZE at most.

    Left out are R_ODD ones, and unless ASKED those that have to be asked for. BASE: an address that no payload is
    below, as a pointer and as a number. Of each packet TIMES has its time, and ENDS where its payload ends in its run.
    """
    packets = carray(packets_p, (rows, slots.PACKET))
    moves = carray(moves_p, (rows, slots.MOVE))
    following = carray(next_p, (rows,))
    runs = carray(runs_p, (high, slots.RUN))
    memory = carray(base_p, (1 << 62,))
    out = carray(out_p, (size,))
    times = carray(times_p, (rows,))
    ends = carray(ends_p, (rows,))
    at, number = np.int64(0), np.int64(0)
    for run in range(low, high):
        if runs[run, slots.R_KIND] == slots.R_ODD or (asked == 0 and runs[run, slots.R_ASKED] != 0):
            continue
        begin = at
        i = runs[run, slots.R_FIRST]
        stream = runs[run, slots.R_KIND] == slots.R_NEXT
        while i >= 0:
            source = packets[i, slots.P_ADDRESS] - base
            length = packets[i, slots.P_THERE]
            if stream:
                skip = moves[i, slots.M_BEFORE] - moves[i, slots.M_OFFSET]
                source += skip
                length -= skip
            for k in range(length):
                out[at + k] = memory[source + k]
            at += length
            times[number], ends[number] = packets[i, slots.P_TIME], at - begin
            number += 1
            i = np.int64(following[i])
    return at


@kernel("int64s", "int64s", "int", "int64s", "int32s", "int", "int32s", "int64s", "bytes", "int", "int")
def find_changed(packets_p, moves_p, rows, wanted_p, table_p, slots_count, previous_p, high_p, base_p, base, most):
    """Segments that say other bytes than one before at the same place of its stream; gives how many.

    WANTED: for each service how many bytes of each side of a stream count. TABLE (SLOTS_COUNT, a power of two, twice
    ROWS or more), PREVIOUS and HIGH (ROWS each): scratch. BASE: an address that no payload is below, as a pointer and
    as a number. Each is compared with the last MOST ones of its side at most. Left out is a byte alone that repeats
    the last one: programs keep a session alive with any (RFC 9293, 3.8.4).
    """
    packets = carray(packets_p, (rows, slots.PACKET))
    moves = carray(moves_p, (rows, slots.MOVE))
    wanted = carray(wanted_p, (256,))
    table = carray(table_p, (slots_count,))
    previous = carray(previous_p, (rows,))
    high = carray(high_p, (rows,))
    memory = carray(base_p, (1 << 62,))
    mask = np.int64(slots_count - 1)
    table[:] = -1
    found = np.int64(0)
    for i in range(rows):
        name, flags, there = packets[i, slots.P_SESSION], packets[i, slots.P_FLAGS], packets[i, slots.P_THERE]
        begin = moves[i, slots.M_OFFSET]
        if name < 0 or begin < 0 or flags & (slots.ERROR | slots.RST) != 0:
            continue
        if there <= 0 or packets[i, slots.P_ADDRESS] <= 0:
            continue
        if (packets[i, slots.PORTS] >> 48) & 0xFF != 6 or wanted[moves[i, slots.M_SERVICE]] <= begin:
            continue
        slot = np.int64(np.uint64(name) * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(20)) & mask
        while table[slot] >= 0 and packets[table[slot], slots.P_SESSION] != name:
            slot = (slot + 1) & mask
        last, end = np.int64(table[slot]), begin + there
        table[slot] = np.int32(i)
        previous[i] = np.int32(last)
        high[i] = end
        if last < 0:
            continue
        high[i] = max(end, high[last])
        if begin >= high[last] or (there == 1 and end == high[last]):
            continue
        steps = 0
        while last >= 0 and high[last] > begin and steps < most:
            other = moves[last, slots.M_OFFSET]
            low, until = max(begin, other), min(end, other + packets[last, slots.P_THERE])
            ours = packets[i, slots.P_ADDRESS] - base - begin
            theirs = packets[last, slots.P_ADDRESS] - base - other
            while low < until and memory[ours + low] == memory[theirs + low]:
                low += 1
            if low < until:
                found += 1
                break
            last = np.int64(previous[last])
            steps += 1
    return found
