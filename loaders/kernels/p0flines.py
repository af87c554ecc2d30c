"""Lines of p0f as rows of numbers (p0fslots.py), and the packets that they are of.

Source: p0f 3.09b's messages, and what it does (process.c, fp_tcp.c, fp_http.c of it).
"""

import numpy as np
from numba import carray
from packetpig.loaders.kernels import fedslots, p0fslots
from packetpig.loaders.kernels.feeding import hashed
from packetpig.loaders.kernels.fields import mark
from packetpig.loaders.kernels.kernel import helper, inline, kernel
from packetpig.loaders.kernels.octets import load64, newline, same
from packetpig.loaders.kernels.sessiontexts import put_address, put_number

EVERYWHERE = 1 << 58
SPACE, BAR, BACKQUOTE, DOT, COLON, SLASH, QUESTION = 32, 124, 96, 46, 58, 47, 63
FLAGS = 0x17  # FIN, SYN, RST, ACK
SYN_ONLY, SYN_ACK = 2, 18
# what a packet has to be: see `fits`
WITH_FLAGS, WITH_BLANK_LINE, WITH_PAYLOAD, WITH_CLOCK, AFTER_A_WAIT = range(5)


@helper
def decimal(text, at, end):
    """The number at AT, and where it ends; -1 if there is none."""
    value = np.int64(0)
    begin = at
    while at < end and 48 <= np.int64(text[at]) <= 57 and at - begin < 10:
        value = value * 10 + np.int64(text[at]) - 48
        at += 1
    return (value if at > begin else np.int64(-1)), at


@helper
def group(text, at, end):
    """The hexadecimal number at AT, and where it ends; -1 if there is none."""
    value = np.int64(0)
    begin = at
    while at < end and at - begin < 4:
        c = np.int64(text[at])
        if 48 <= c <= 57:
            value = value * 16 + c - 48
        elif 97 <= c <= 102:
            value = value * 16 + c - 87
        else:
            break
        at += 1
    return (value if at > begin else np.int64(-1)), at


@helper
def address(text, at, end):
    """An address as p0f writes it, of IPv6 all eight groups: its halves, its version (0: none), and where it ends."""
    high, low = np.int64(0), np.int64(0)
    begin = at
    for k in range(4):
        part, at = decimal(text, at, end)
        if part < 0 or part > 255 or at >= end or (k < 3 and np.int64(text[at]) != DOT):
            break
        low = (low << 8) | part
        if k == 3:
            return high, low, 4, at
        at += 1
    at = begin
    low = np.int64(0)
    for k in range(8):
        part, at = group(text, at, end)
        if part < 0 or at >= end or (k < 7 and np.int64(text[at]) != COLON):
            break
        if k < 4:
            high = (high << 16) | part
        else:
            low = (low << 16) | part
        if k == 7:
            return high, low, 6, at
        at += 1
    return high, low, 0, at


@helper
def expect(text, at, end, a, b, c, d):
    """Where it goes on after four characters; -1 if they are not there."""
    if (
        at < 0
        or at + 4 > end
        or np.int64(text[at]) != a
        or np.int64(text[at + 1]) != b
        or np.int64(text[at + 2]) != c
        or np.int64(text[at + 3]) != d
    ):
        return -1
    return at + 4


@helper
def direction(scratch, size, a_high, a_low, a_port, b_high, b_low, b_port):
    """The digest of packets from A to B, whose addresses have SIZE bytes; SCRATCH then begins with A's address."""
    put_address(scratch, 0, a_high, a_low, size)
    put_address(scratch, size, b_high, b_low, size)
    put_number(scratch, 2 * size, a_port, 2)
    put_number(scratch, 2 * size + 2, b_port, 2)
    return np.int64(hashed(np.uint64(fedslots.OFFSET), scratch, 0, 2 * size + 4) >> np.uint64(1))


@helper
def headline(text, at, end, row, base, scratch):
    """`.-[ client/port -> server/port (mod) ]-` into a row: 1; 0: it is no such line, -1: it cannot be understood."""
    if end - at < 4 or expect(text, at, end, DOT, 45, 91, SPACE) < 0:
        return 0
    a_high, a_low, version, at = address(text, at + 4, end)
    if version == 0 or np.int64(text[at]) != SLASH:
        return -1
    client, at = decimal(text, at + 1, end)
    at = expect(text, at, end, SPACE, 45, 62, SPACE)
    if client < 0 or client > 0xFFFF or at < 0:
        return -1
    b_high, b_low, other, at = address(text, at, end)
    if other != version or np.int64(text[at]) != SLASH:
        return -1
    server, at = decimal(text, at + 1, end)
    if server < 0 or server > 0xFFFF or at + 2 > end or np.int64(text[at]) != SPACE or np.int64(text[at + 1]) != 40:
        return -1
    stop = end - 4
    if stop < at + 2 or expect(text, stop, end, 41, SPACE, 93, 45) < 0:
        return -1
    row[p0fslots.A_HIGH], row[p0fslots.A_LOW] = a_high, a_low
    row[p0fslots.B_HIGH], row[p0fslots.B_LOW] = b_high, b_low
    row[p0fslots.PORTS] = (version << 56) | (6 << 48) | (client << 16) | server
    row[p0fslots.TIME], row[p0fslots.CAPTURE], row[p0fslots.FIT] = 0, -1, p0fslots.UNKNOWN
    row[p0fslots.WANTED], row[p0fslots.FROM_SERVER] = 0, 0
    for k in range(p0fslots.FIELDS, p0fslots.COLUMNS):
        row[k] = -1
    mod = p0fslots.FIELDS + 2 * p0fslots.MOD
    row[mod], row[mod + 1] = base + at + 2, stop - at - 2
    row[p0fslots.KIND] = kind(text, at + 2, stop)
    size = 4 if version == 4 else 16
    row[p0fslots.FORWARD] = direction(scratch, size, a_high, a_low, client, b_high, b_low, server)
    row[p0fslots.HOST] = np.int64(hashed(np.uint64(fedslots.OFFSET), scratch, 0, size) >> np.uint64(2)) << 1
    row[p0fslots.BACKWARD] = direction(scratch, size, b_high, b_low, server, a_high, a_low, client)
    return 1


@helper
def kind(text, at, end):
    """What makes p0f say a record, by its name."""
    size = end - at
    if expect(text, at, end, 104, 116, 116, 112) >= 0:  # http
        return p0fslots.HTTP
    if size == 6 and expect(text, at, end, 117, 112, 116, 105) >= 0:  # upti, me
        return p0fslots.UPTIME
    if size == 3 and np.int64(text[at]) == 115 and np.int64(text[at + 1]) == 121 and np.int64(text[at + 2]) == 110:
        return p0fslots.SYN
    if size == 7:
        if expect(text, at, end, 115, 121, 110, 43) >= 0:  # syn+, ack
            return p0fslots.SYN
        if expect(text, at, end, 115, 101, 110, 100) >= 0:  # send, syn
            return p0fslots.SYN
    return p0fslots.OTHER


@helper
def pair(text, at, end, row, base, names, count, scratch):
    """`| name = value` into a row: a name that is known and has no value yet, a value that is known to p0f."""
    if end - at < 2 or np.int64(text[at + 1]) != SPACE:
        return
    at += 2
    name = at
    word, size = np.int64(0), 0
    while at < end and np.int64(text[at]) != SPACE:
        if size < 8:
            word |= np.int64(text[at]) << (56 - 8 * size)
        size += 1
        at += 1
    while at < end and np.int64(text[at]) == SPACE:
        at += 1
    if size == 0 or size > 8 or at + 2 > end or np.int64(text[at]) != 61 or np.int64(text[at + 1]) != SPACE:
        return
    at += 2
    subject = p0fslots.FIELDS + 2 * p0fslots.SUBJECT
    if row[subject] < 0 and size == 6 and (word >> 16 == 0x636C69656E74 or word >> 16 == 0x736572766572):
        row[subject], row[subject + 1] = base + name, size
        if word >> 16 == 0x736572766572:  # server
            row[p0fslots.FROM_SERVER] = 1
            width = 4 if row[p0fslots.PORTS] >> 56 == 4 else 16
            put_address(scratch, 0, row[p0fslots.B_HIGH], row[p0fslots.B_LOW], width)
            host = hashed(np.uint64(fedslots.OFFSET), scratch, 0, width)
            row[p0fslots.HOST] = (np.int64(host >> np.uint64(2)) << 1) | 1
        return
    if end - at == 3 and expect(text, at - 1, end, SPACE, QUESTION, QUESTION, QUESTION) >= 0:
        return
    for k in range(2, count):  # mod and subject are no such lines
        if names[k] == word:
            row[p0fslots.FIELDS + 2 * k], row[p0fslots.FIELDS + 2 * k + 1] = base + at, end - at
            if k == p0fslots.RAW_FREQ:
                whole, at = decimal(text, at, end)
                part, stop = decimal(text, at + 1, end)
                if whole >= 0 and stop == at + 3 and np.int64(text[at]) == DOT:
                    row[p0fslots.WANTED] = whole * 100 + part
            return


@kernel("bytes", "int", "int", "int64s", "int", "int64s", "int", "bytes", "int64s", "int", "int64s")
def p0f_records(text_p, size, base, rows_p, capacity, names_p, count, scratch_p, odd_p, room, state_p):
    """Records in the lines of TEXT, from the state's place on, that are whole: gives how many.

    BASE is added to the places of texts. NAMES: p0fslots.WORDS. ODD: begin and size of other lines. SCRATCH: 36 bytes.
    """
    text = carray(text_p, (size,))
    rows = carray(rows_p, (capacity, p0fslots.COLUMNS))
    names = carray(names_p, (count,))
    scratch = carray(scratch_p, (36,))
    odd = carray(odd_p, (room, 2))
    state = carray(state_p, (p0fslots.PARSING,))
    at = state[p0fslots.AT]
    done, found, others = at, 0, 0
    inside = False
    why = p0fslots.MORE
    while at < size:
        end = newline(text, at, size)
        if end == size:
            break
        if inside:
            first = np.int64(text[at])
            if first == BAR:
                pair(text, at, end, rows[found], base, names, count, scratch)
            elif first == BACKQUOTE:
                inside = False
                found += 1
                done = end + 1
        elif end == at:
            done = end + 1
        else:
            if found == capacity or others == room:
                why = p0fslots.FULL
                break
            begun = headline(text, at, end, rows[found], base, scratch)
            if begun > 0:
                inside = True
            else:
                odd[others, 0], odd[others, 1] = at, end - at
                others += 1
                done = end + 1
                if begun < 0:
                    why = p0fslots.BAD
                    break
        at = end + 1
    state[p0fslots.AT], state[p0fslots.ODD], state[p0fslots.WHY] = done, others, why
    return found


@inline
def near(base_given, base_stamp, given, stamp, wanted):
    """Whether a clock between two time stamps has a frequency, as p0f computes and writes it.

    Milliseconds are cut off; ticks are 32 bits that may go back.
    """
    millis = given // 1_000_000 - base_given // 1_000_000
    ticks = (stamp - base_stamp) & 0xFFFFFFFF
    back = ~ticks & 0xFFFFFFFF
    frequency = 0.0  # not measured
    if p0fslots.LEAST_WAIT <= millis <= p0fslots.MOST_WAIT and ticks >= p0fslots.LEAST_TICKS:
        frequency = back * -1000.0 / millis if ticks > back else ticks * 1000.0 / millis
    return abs(frequency - wanted) < p0fslots.NEAR


@inline
def fits(mode, flags, kind_, stamp, given, base_given, base_stamp, wanted):
    """Whether a packet is such as makes p0f speak. FLAGS are those of TCP, in the mode that asks for them."""
    if mode == WITH_FLAGS:
        return kind_ & FLAGS == flags
    if mode == WITH_BLANK_LINE:
        return kind_ & fedslots.HAS_BLANK_LINE != 0
    if mode == WITH_PAYLOAD:
        return kind_ & fedslots.HAS_PAYLOAD != 0
    if kind_ & SYN_ONLY != 0 or stamp == 0:
        return False
    if mode == WITH_CLOCK:
        return near(base_given, base_stamp, given, stamp, wanted)
    return given // 1_000_000 - base_given // 1_000_000 >= p0fslots.LEAST_WAIT


@helper
def look(memory, table, begin, limit, key, mode, flags, base_given, base_stamp, wanted):
    """Number of the first packet from BEGIN to LIMIT with a KEY that fits; 0 for none."""
    for s in range(table.shape[0]):
        first = table[s, p0fslots.FIRST]
        low, high = max(np.int64(0), begin - first), min(table[s, p0fslots.SIZE], limit - first + 1)
        details, given = table[s, p0fslots.DETAILS] // 8, table[s, p0fslots.GIVEN] // 8
        for i in range(low, high):
            if memory[details + 3 * i] == key and fits(
                mode, flags, memory[details + 3 * i + 1], memory[details + 3 * i + 2], memory[given + i], base_given,
                base_stamp, wanted,
            ):  # fmt: skip
                return first + i
    return 0


@helper
def fetch(memory, numbers, table, number, found):
    """What is known of a packet into FOUND; of the nearest one if it is out of mind. False without any."""
    for s in range(table.shape[0]):
        first, size = table[s, p0fslots.FIRST], table[s, p0fslots.SIZE]
        if number < first + size:
            i = max(np.int64(0), number - first)
            found[p0fslots.F_NUMBER] = first + i
            found[p0fslots.F_TIME] = memory[table[s, p0fslots.TIMES] // 8 + i]
            found[p0fslots.F_GIVEN] = memory[table[s, p0fslots.GIVEN] // 8 + i]
            found[p0fslots.F_CAPTURE] = np.int64(numbers[table[s, p0fslots.CAPTURES] // 4 + i])
            found[p0fslots.F_KIND] = memory[table[s, p0fslots.DETAILS] // 8 + 3 * i + 1]
            found[p0fslots.F_STAMP] = memory[table[s, p0fslots.DETAILS] // 8 + 3 * i + 2]
            return True
    return False


@helper
def seat(kept, key):
    """Where a key is in one half of what is kept in mind, or where it would be."""
    mask = np.int64(kept.shape[0] - 1)
    at = (key ^ (key >> 29)) & mask
    while kept[at, 0] != 0 and kept[at, 0] != key:
        at = (at + 1) & mask
    return at


@helper
def recall(kept, age, key, width, entry):
    """Copy what is kept of a key into ENTRY; False if nothing is."""
    for half in (age, 1 - age):
        at = seat(kept[half], key)
        if kept[half, at, 0] == key:
            for k in range(width):
                entry[k] = kept[half, at, k]
            return True
    return False


@helper
def remember(kept, state, age_at, key, width, entry):
    """Keep ENTRY. Once the new half is half full, the old one is forgotten, and takes its place."""
    age = state[age_at]
    at = seat(kept[age], key)
    if kept[age, at, 0] == 0:
        if state[age_at + 1] * 2 >= kept.shape[1]:
            age = 1 - age
            state[age_at], state[age_at + 1] = age, 0
            kept[age, :, :] = 0
            at = seat(kept[age], key)
        state[age_at + 1] += 1
    entry[0] = key
    for k in range(width):
        kept[age, at, k] = entry[k]


@kernel(
    "int64s", "int", "int64s", "int32s", "int64s", "int", "int64s", "int", "int64s", "int", "int64s", "int64s"
)  # fmt: skip
def p0f_packets(
    rows_p, count, memory_p, numbers_p, table_p, stretches, flows_p, flow_slots, hosts_p, host_slots, scratch_p, state_p
):
    """Find the packets of records: TIME, CAPTURE and FIT.

    MEMORY and NUMBERS are the address 0. TABLE: stretches of packets, without those that are all before FLOOR. FLOWS
    and HOSTS have two halves of a power of two of slots each. SCRATCH: 20 numbers.
    """
    rows = carray(rows_p, (count, p0fslots.COLUMNS))
    memory, numbers = carray(memory_p, (EVERYWHERE,)), carray(numbers_p, (EVERYWHERE,))
    table = carray(table_p, (stretches, p0fslots.STRETCH))
    flows = carray(flows_p, (2, flow_slots, p0fslots.FLOW))
    hosts = carray(hosts_p, (2, host_slots, p0fslots.HOST_ENTRY))
    scratch = carray(scratch_p, (20,))
    state = carray(state_p, (p0fslots.FINDING,))
    found, flow, host = scratch[1:7], scratch[0:7], scratch[8:14]
    limit = state[p0fslots.LIMIT]
    for r in range(count):
        row = rows[r]
        floor = state[p0fslots.FLOOR]
        flow_key, host_key = row[p0fslots.FORWARD] | 1, row[p0fslots.HOST] | (1 << 62)
        has_last = recall(flows, state[p0fslots.FLOW_AGE], flow_key, p0fslots.FLOW, flow)
        key = row[p0fslots.BACKWARD] if row[p0fslots.FROM_SERVER] != 0 else row[p0fslots.FORWARD]
        kind_ = row[p0fslots.KIND]
        number, fit, last = np.int64(0), p0fslots.CERTAIN, False
        if kind_ == p0fslots.SYN:
            flags = SYN_ACK if row[p0fslots.FROM_SERVER] != 0 else SYN_ONLY
            number = look(memory, table, floor + 1, limit, key, WITH_FLAGS, flags, 0, 0, 0.0)
        elif kind_ == p0fslots.HTTP:
            number = look(memory, table, floor, limit, key, WITH_BLANK_LINE, 0, 0, 0, 0.0)
            if number == 0:
                fit = p0fslots.LIKELY
                number = look(memory, table, floor, limit, key, WITH_PAYLOAD, 0, 0, 0, 0.0)
        elif kind_ == p0fslots.UPTIME:
            wanted = row[p0fslots.WANTED] / 100.0
            has_clock = recall(hosts, state[p0fslots.HOST_AGE], host_key, p0fslots.HOST_ENTRY, host)
            given, stamp = found[p0fslots.F_GIVEN], found[p0fslots.F_STAMP]
            if has_last and found[p0fslots.F_KIND] & SYN_ONLY != 0 and stamp != 0:
                last = (
                    has_clock
                    and host[p0fslots.H_HAS_BEFORE] != 0
                    and near(host[p0fslots.H_BEFORE_GIVEN], host[p0fslots.H_BEFORE_STAMP], given, stamp, wanted)
                )
            if not last:
                since, ticks = np.int64(0), np.int64(0)
                if has_clock:
                    since, ticks = host[p0fslots.H_GIVEN], host[p0fslots.H_STAMP]
                    number = look(memory, table, floor, limit, key, WITH_CLOCK, 0, since, ticks, wanted)
                if number == 0:
                    fit = p0fslots.LIKELY
                    number = look(memory, table, floor, limit, key, AFTER_A_WAIT, 0, since, 0, 0.0)
        else:
            last = has_last  # mtu, host change, ip sharing: said of the packet of the record before
        if number != 0:
            fetch(memory, numbers, table, number, found)
            if kind_ == p0fslots.SYN:
                had = recall(hosts, state[p0fslots.HOST_AGE], host_key, p0fslots.HOST_ENTRY, host)
                host[p0fslots.H_HAS_BEFORE] = 1 if had else 0
                host[p0fslots.H_BEFORE_GIVEN] = host[p0fslots.H_GIVEN]
                host[p0fslots.H_BEFORE_STAMP] = host[p0fslots.H_STAMP]
                host[p0fslots.H_GIVEN] = found[p0fslots.F_GIVEN]
                host[p0fslots.H_STAMP] = found[p0fslots.F_STAMP]
                remember(hosts, state, p0fslots.HOST_AGE, host_key, p0fslots.HOST_ENTRY, host)
        elif not last:
            fit = p0fslots.UNKNOWN
            if not has_last and not fetch(memory, numbers, table, max(floor, np.int64(1)), found):
                state[p0fslots.NOT_FOUND] += 1
                continue
        row[p0fslots.TIME], row[p0fslots.CAPTURE] = found[p0fslots.F_TIME], found[p0fslots.F_CAPTURE]
        row[p0fslots.FIT] = fit
        if fit == p0fslots.UNKNOWN:
            state[p0fslots.NOT_FOUND] += 1
            continue
        if fit == p0fslots.LIKELY:
            state[p0fslots.NOT_CERTAIN] += 1
        state[p0fslots.FLOOR] = max(floor, found[p0fslots.F_NUMBER])
        remember(flows, state, p0fslots.FLOW_AGE, flow_key, p0fslots.FLOW, flow)
    return 0


@kernel("bytes", "int", "int64s", "int", "int", "int32s", "bytes", "int32s", "int", "int64s", "int64s")
def p0f_texts(text_p, size, rows_p, count, field, index_p, bitmap_p, table_p, table_size, places_p, nulls_p):
    """One of the texts of COUNT rows as an index of distinct ones; gives their number.

    PLACES: begin and size of each distinct one. TABLE has TABLE_SIZE entries, a power of two, at least twice COUNT.
    """
    text = carray(text_p, (size,))
    rows = carray(rows_p, (count, p0fslots.COLUMNS))
    index = carray(index_p, (count,))
    bitmap = carray(bitmap_p, ((count + 7) // 8,))
    table = carray(table_p, (table_size,))
    places = carray(places_p, (count, 2))
    nulls = carray(nulls_p, (1,))
    table[:] = -1
    mask = np.uint64(table_size - 1)
    column = p0fslots.FIELDS + 2 * field
    distinct = 0
    for i in range(count):
        index[i] = 0
        at, length = rows[i, column], rows[i, column + 1]
        if at < 0:
            nulls[0] += 1
            continue
        value = np.uint64(fedslots.OFFSET) ^ np.uint64(length)
        k = np.int64(0)
        while k + 8 <= length:
            value = (value ^ load64(text, at + k)) * np.uint64(fedslots.PRIME)
            value ^= value >> np.uint64(29)
            k += 8
        value = hashed(value, text, at + k, length - k)
        slot = (value ^ (value >> np.uint64(31))) & mask
        while True:
            which = np.int64(table[slot])
            if which < 0:
                table[slot] = np.int32(distinct)
                places[distinct, 0], places[distinct, 1] = at, length
                which = distinct
                distinct += 1
                break
            if places[which, 1] == length and same(text, places[which, 0], at, length):
                break
            slot = (slot + np.uint64(1)) & mask
        index[i] = np.int32(which)
        mark(bitmap, i)
    return distinct
