"""Packets, in the order of time, to sessions: counters of both sides, TCP's states, sequence numbers, time-outs.

States, sides, sizes and time-outs follow the definitions in Zeek's documentation of conn.log and what its tracker
does (docs/sessions.md says where this one differs); the rest is RFC 9293.
"""

import numpy as np
from numba import carray
from packetpig.loaders.kernels import slots
from packetpig.loaders.kernels.kernel import helper, inline, kernel

FAR = 1 << 20  # bytes: a jump of the sequence number that is not believed of a SYN or RST
STATE_MASK = 15


@inline
def delta(a, b):
    """How far sequence number A is past B, between -2^31 and 2^31 (RFC 9293, 3.4)."""
    return ((a - b + 0x80000000) & 0xFFFFFFFF) - 0x80000000


@inline
def state_of(s, side):
    """TCP state of the side whose fields begin at SIDE."""
    return s[side + slots.TCP] & STATE_MASK


@inline
def earlier_state(s, side):
    """The state before that."""
    return (s[side + slots.TCP] >> 4) & STATE_MASK


@inline
def closed(s, side):
    """Whether the side has closed, and all before its FIN was there."""
    return s[side + slots.TCP] & 0x100 != 0


@helper
def enter(s, side, state):
    """Change the state."""
    now = state_of(s, side)
    if now != state:
        s[side + slots.TCP] = (s[side + slots.TCP] & ~np.int64(0xFF)) | (now << 4) | state


@helper
def absorb(s, side):
    """Move NEXT past the pieces that it has reached."""
    moved = True
    while moved:
        moved = False
        for k in range(slots.HOLE_COUNT):
            low = s[side + slots.HOLES + 2 * k]
            high = s[side + slots.HOLES + 2 * k + 1]
            if high != 0 and low <= s[side + slots.NEXT]:
                s[side + slots.NEXT] = max(s[side + slots.NEXT], high)
                s[side + slots.HOLES + 2 * k] = 0
                s[side + slots.HOLES + 2 * k + 1] = 0
                moved = True


@helper
def beyond(s, side, low, high):
    """Note payload beyond a hole; false where there is no room for it."""
    free = -1
    for k in range(slots.HOLE_COUNT):
        a, b = s[side + slots.HOLES + 2 * k], s[side + slots.HOLES + 2 * k + 1]
        if b == 0:
            free = k
        elif low <= b and a <= high:
            low, high = min(low, a), max(high, b)
            s[side + slots.HOLES + 2 * k] = 0
            s[side + slots.HOLES + 2 * k + 1] = 0
            free = k
    if free < 0:
        return False
    s[side + slots.HOLES + 2 * free] = low
    s[side + slots.HOLES + 2 * free + 1] = high
    return True


@helper
def give_up(s, side, until, reported):
    """Payload before UNTIL that is not there will not come: NEXT moves there; what is missing counts if REPORTED."""
    missing = np.int64(0)
    while s[side + slots.NEXT] < until:
        edge = until
        for k in range(slots.HOLE_COUNT):
            if s[side + slots.HOLES + 2 * k + 1] != 0:
                edge = min(edge, s[side + slots.HOLES + 2 * k])
        missing += edge - s[side + slots.NEXT]
        s[side + slots.NEXT] = edge
        absorb(s, side)
    if reported:
        s[side + slots.MISSED] += missing


@inline
def clean(s, side):
    """Whether the side is established, or closed after having been."""
    state = state_of(s, side)
    return state == slots.ESTABLISHED or (state == slots.CLOSED and earlier_state(s, side) == slots.ESTABLISHED)


@helper
def pending(s, side):
    """Whether payload before the side's last byte has not been seen."""
    return s[side + slots.NEXT] + 1 < s[side + slots.SEQUENCE]


@helper
def close(s, side, other, close_delay):
    """Note that a side has closed; the session is forgotten a while after the second did."""
    tcp = s[side + slots.TCP]
    if pending(s, side):
        s[side + slots.TCP] = tcp | 0x200
        return
    s[side + slots.TCP] = (tcp | 0x100) & ~np.int64(0x200)
    if tcp & 0x100 != 0:
        return
    if (state_of(s, side) == slots.RESET or closed(s, other) or state_of(s, other) == slots.INACTIVE) and (
        s[slots.DELETE] == 0
    ):
        s[slots.DELETE] = s[slots.LAST] + close_delay


@helper
def sides(s):
    """Where the fields of the opener and those of the other begin."""
    if s[slots.STATUS] & slots.ORIGIN_B != 0:
        return slots.SIDE + slots.SIDE_SIZE, slots.SIDE
    return slots.SIDE, slots.SIDE + slots.SIDE_SIZE


@helper
def begin_side(s, side, flags, first, one_past):
    """Set a side's sequence numbers where its state asks for it."""
    state = state_of(s, side)
    syn = flags & slots.SYN != 0
    if state == slots.INACTIVE:
        if syn:
            s[side + slots.FIRST] = first
            s[side + slots.SEQUENCE] = delta(one_past, first)
        else:
            s[side + slots.FIRST] = (first - 1) & 0xFFFFFFFF
            s[side + slots.SEQUENCE] = 1
        s[side + slots.ACKED] = 0
        s[side + slots.NEXT] = 1
    elif syn and (
        ((state == slots.SYN_SENT or state == slots.SYN_ACK_SENT) and first != s[side + slots.FIRST])
        or state == slots.ESTABLISHED
        or state == slots.ATTACHED
        or (state == slots.RESET and earlier_state(s, side) == slots.INACTIVE)
    ):
        # a SYN inside of a connection: perhaps this is the one that counts
        s[side + slots.FIRST] = first
        s[side + slots.SEQUENCE] = delta(one_past, first)
        s[side + slots.ACKED] = 0


@helper
def tcp_states(s, side, other, from_opener, flags, payload, time, attempt):
    """Move the states of the sending SIDE, and of the OTHER; give whether the sender closes."""
    state = state_of(s, side)
    closes = False
    syn, ack = flags & slots.SYN != 0, flags & slots.ACK != 0
    fin, rst = flags & slots.FIN != 0, flags & slots.RST != 0
    if state == slots.INACTIVE:
        if syn:
            if from_opener:
                if state_of(s, other) == slots.ESTABLISHED and not ack:
                    # the answer to it was captured before it
                    enter(s, side, slots.ESTABLISHED)
                    s[slots.STATUS] &= ~np.int64(slots.PARTIAL)
                else:
                    enter(s, side, slots.SYN_ACK_SENT if ack else slots.SYN_SENT)
                    s[slots.DEADLINE] = time + attempt
            else:
                if state_of(s, other) == slots.SYN_SENT:
                    enter(s, other, slots.ESTABLISHED)
                enter(s, side, slots.ESTABLISHED)
        if fin:
            enter(s, side, slots.CLOSED)
            closes = True
        if rst:
            enter(s, side, slots.RESET)
            closes = True
        if state_of(s, side) == slots.INACTIVE:
            if not from_opener and payload == 0 and state_of(s, other) == slots.SYN_SENT:
                pass  # some acknowledge a SYN before they answer it
            elif ack and state_of(s, other) == slots.ESTABLISHED:
                enter(s, side, slots.ESTABLISHED)  # its SYN was missed
                s[slots.STATUS] &= ~np.int64(slots.PARTIAL)
            else:
                enter(s, side, slots.ATTACHED)
    elif state == slots.SYN_SENT or state == slots.SYN_ACK_SENT:
        if fin:
            enter(s, side, slots.CLOSED)
            closes = True
        if rst:
            enter(s, side, slots.RESET)
            closes = True
    elif state == slots.ESTABLISHED or state == slots.ATTACHED:
        if syn and state == slots.ATTACHED and state_of(s, other) == slots.INACTIVE and not ack:
            enter(s, side, slots.SYN_SENT)
        if fin and not rst:
            enter(s, side, slots.CLOSED)
            if state_of(s, other) == slots.RESET and earlier_state(s, other) == slots.CLOSED:
                enter(s, other, slots.CLOSED)  # it had closed before it reset: that is an ordinary end
            closes = True
        if rst:
            enter(s, side, slots.RESET)
            closes = True
    elif state == slots.CLOSED and rst and state_of(s, other) != slots.CLOSED:
        enter(s, side, slots.RESET)
        closes = not closed(s, side)
    return closes


@helper
def tcp_packet(s, side, other, packet, settings, state, move):
    """Count a TCP packet of the SIDE, and say in MOVE what it did to the streams."""
    flags, time, payload = packet[slots.P_FLAGS], packet[slots.P_TIME], packet[slots.P_PAYLOAD]
    first, ack = (packet[slots.P_NUMBERS] >> 32) & 0xFFFFFFFF, packet[slots.P_NUMBERS] & 0xFFFFFFFF
    opener, _ = sides(s)
    from_opener = side == opener
    syn, fin, rst = flags & slots.SYN != 0, flags & slots.FIN != 0, flags & slots.RST != 0
    if from_opener and not rst and ((flags & slots.ACK != 0 and (syn or payload == 0)) or fin):
        s[slots.STATUS] |= slots.MORE_THAN_SYN
    mark = slots.SEEN_A if side == slots.SIDE else slots.SEEN_B
    if s[slots.STATUS] & mark == 0:
        partial = not syn or (from_opener and flags & slots.ACK != 0)
        if from_opener:
            s[slots.STATUS] &= ~np.int64(slots.PARTIAL)
        if partial:
            s[slots.STATUS] |= slots.PARTIAL
        s[slots.STATUS] |= mark
    size = np.int64(0) if rst else payload
    size += (1 if syn else 0) + (1 if fin else 0)
    one_past = (first + size) & 0xFFFFFFFF
    begin_side(s, side, flags, first, one_past)
    last32 = (s[side + slots.FIRST] + s[side + slots.SEQUENCE]) & 0xFFFFFFFF
    here = s[side + slots.SEQUENCE] + delta(first, last32)
    move[slots.M_OFFSET] = here - (0 if syn else 1)
    move[slots.M_BEFORE] = s[side + slots.NEXT] - 1
    move[slots.M_OTHER_BEFORE] = s[other + slots.NEXT] - 1
    if not (closed(s, side) and closed(s, other)):
        s[slots.LAST] = max(s[slots.LAST], time)
    if fin:
        s[side + slots.TCP] += 1 << 16
        s[side + slots.FINISH] = here + size
    told = np.int64(0)  # relative acknowledgment
    if flags & slots.ACK != 0:
        if state_of(s, other) == slots.INACTIVE:
            told = 1
            s[other + slots.FIRST] = (ack - 1) & 0xFFFFFFFF
            s[other + slots.ACKED] = 0
            s[other + slots.SEQUENCE] = 0
            s[other + slots.NEXT] = 1
        else:
            step = delta(ack, (s[other + slots.FIRST] + s[other + slots.ACKED]) & 0xFFFFFFFF)
            told = s[other + slots.ACKED] + step
            if told < 0:
                told = 0
            elif not rst and not (ack == 0 and step > FAR) and step > 0:
                s[other + slots.ACKED] += step
    step = delta(one_past, last32)
    if (syn or rst) and (step > FAR or step < -FAR):
        pass
    elif fin and s[side + slots.SEQUENCE] == 1:
        s[side + slots.SEQUENCE] = (one_past - s[side + slots.FIRST]) & 0xFFFFFFFF
    elif state_of(s, side) == slots.RESET:
        pass
    elif step > 0:
        s[side + slots.SEQUENCE] += step
    closes = tcp_states(s, side, other, from_opener, flags, payload, time, settings[slots.T_ATTEMPT])
    if told > 0:
        until = told
        if s[other + slots.TCP] >> 16 > 0 and until >= s[other + slots.FINISH]:
            until = s[other + slots.FINISH] - 1
        if until > s[other + slots.NEXT] and not (until <= 2 and s[slots.STATUS] & slots.PARTIAL != 0):
            give_up(s, other, until, clean(s, side) and clean(s, other))
    if payload > 0 and not rst and flags & slots.CUT == 0 and here >= 0:
        low = here + (1 if syn else 0)
        high = low + payload
        low = max(low, s[side + slots.ACKED])
        if high > max(low, s[side + slots.NEXT]):
            if low <= s[side + slots.NEXT]:
                s[side + slots.NEXT] = high
                absorb(s, side)
            elif not beyond(s, side, low, high):
                state[slots.LOST_HOLES] += 1
                edge = low
                for k in range(slots.HOLE_COUNT):
                    edge = min(edge, s[side + slots.HOLES + 2 * k])
                give_up(s, side, edge, clean(s, side) and clean(s, other))
                if low <= s[side + slots.NEXT]:
                    s[side + slots.NEXT] = max(s[side + slots.NEXT], high)
                    absorb(s, side)
                else:
                    beyond(s, side, low, high)
    move[slots.M_AFTER] = s[side + slots.NEXT] - 1
    move[slots.M_OTHER_AFTER] = s[other + slots.NEXT] - 1
    if s[other + slots.TCP] & 0x200 != 0:
        close(s, other, side, settings[slots.T_CLOSE])
    if closes or s[side + slots.TCP] & 0x200 != 0:
        close(s, side, other, settings[slots.T_CLOSE])


@helper
def protocol_of(s):
    """Its protocol."""
    return (s[slots.PORTS] >> 48) & 0xFF


@helper
def quiet(protocol, settings):
    """How long a session may be quiet."""
    if protocol == 6:
        return settings[slots.T_TCP]
    if protocol == 17:
        return settings[slots.T_UDP]
    if protocol == 1 or protocol == 58:
        return settings[slots.T_ICMP]
    return settings[slots.T_OTHER]


@helper
def over(s, time, settings):
    """Whether the session is over at TIME."""
    protocol = protocol_of(s)
    if protocol == 6:
        if s[slots.DELETE] != 0 and time >= s[slots.DELETE]:
            return True
        if s[slots.DEADLINE] != 0 and time >= s[slots.DEADLINE]:
            opener, other = sides(s)
            state = state_of(s, opener)
            if (state == slots.SYN_SENT or state == slots.SYN_ACK_SENT) and state_of(s, other) == slots.INACTIVE:
                return True
            s[slots.DEADLINE] = 0
    elif protocol == 17 and s[slots.SERVICE] & 0xFF == slots.DNS:
        # looked at every so often, as Zeek does, which lets one second pass for a question and its answer
        every = settings[slots.T_DNS]
        looked = time - (time - s[slots.START]) % every
        if looked - s[slots.LAST] >= every - 1_000_000_000:
            return True
    return time - s[slots.LAST] >= quiet(protocol, settings)


@helper
def replaced(s, packet):
    """Whether a TCP packet of the flow begins a new session though the old one is not over."""
    flags = packet[slots.P_FLAGS]
    if flags & slots.SYN == 0:
        return False
    first = (packet[slots.P_NUMBERS] >> 32) & 0xFFFFFFFF
    opener, other = sides(s)
    sender = slots.SIDE + (slots.SIDE_SIZE if flags & slots.FROM_B != 0 else 0)
    begun = opener
    if flags & slots.ACK != 0:
        if state_of(s, opener) != slots.INACTIVE:
            return False
        begun = other
    if s[slots.DELETE] != 0:
        return True
    if sender != begun:
        # the other side's SYN: a simultaneous open while nobody has answered, or a SYN after its SYN-ACK
        if state_of(s, sender) == slots.INACTIVE and state_of(s, begun) == slots.SYN_SENT:
            return False
        return first != s[sender + slots.FIRST]
    return first != s[begun + slots.FIRST]


@helper
def new_session(s, packet, known, serial):
    """Begin a session with its first packet; KNOWN has a bit for each port that servers have (bit 0 TCP, bit 1 UDP)."""
    s[:] = 0
    for k in range(slots.HASH + 1):
        s[k] = packet[k]
    flags, protocol = packet[slots.P_FLAGS], (packet[slots.PORTS] >> 48) & 0xFF
    s[slots.SERIAL] = serial
    s[slots.START] = s[slots.LAST] = packet[slots.P_TIME]
    s[slots.CAPTURE] = packet[slots.P_CAPTURE]
    s[slots.TUNNEL] = packet[slots.P_LENGTH] >> 32
    s[slots.ICMP] = (((flags >> slots.ICMP_TYPE) & 0xFF) << 8) | ((flags >> slots.ICMP_CODE) & 0xFF)
    s[slots.SIDE + slots.NEXT] = s[slots.SIDE + slots.SIDE_SIZE + slots.NEXT] = 1
    from_b = flags & slots.FROM_B != 0
    a, b = (packet[slots.PORTS] >> 16) & 0xFFFF, packet[slots.PORTS] & 0xFFFF
    sport, dport = (b, a) if from_b else (a, b)
    flip = False
    if protocol == 6:
        if flags & slots.SYN != 0:
            flip = flags & slots.ACK != 0
        elif known[sport] & 1 != 0:
            flip = known[dport] & 1 == 0 or sport < dport
    elif protocol == 17:
        flip = known[sport] & 2 != 0 and known[dport] & 2 == 0
    if flags & slots.BROADCAST != 0:
        flip = False
    if flip:
        s[slots.STATUS] |= slots.FLIPPED
    if flags & slots.ONE_WAY != 0:
        s[slots.STATUS] |= slots.ONE_WAY_FLOW
    if from_b != flip:
        s[slots.STATUS] |= slots.ORIGIN_B
    if protocol == 6 and flags & (slots.SYN | slots.ACK) == slots.SYN:
        s[slots.STATUS] |= slots.BEGAN_SYN


@helper
def look(s, signature):
    """Take in what a payload looks like, while it is not decided and not many were looked at."""
    known = s[slots.SERVICE]
    looked = known >> 16
    hint = (known >> 8) & 0xFF
    if signature != 0 and signature < slots.GREETING:
        s[slots.SERVICE] = (known & ~np.int64(0xFF)) | signature
        return
    if (signature == slots.USER and hint == slots.GREETING) or (signature == slots.GREETING and hint == slots.USER):
        s[slots.SERVICE] = (known & ~np.int64(0xFF)) | slots.FTP
        return
    if signature != 0:
        hint = signature
    s[slots.SERVICE] = ((looked + 1) << 16) | (hint << 8)


@helper
def same_key(s, packet):
    """Whether the packet belongs to the flow."""
    return (
        s[slots.A_LOW] == packet[slots.A_LOW]
        and s[slots.B_LOW] == packet[slots.B_LOW]
        and s[slots.PORTS] == packet[slots.PORTS]
        and s[slots.TAGS] == packet[slots.TAGS]
        and s[slots.A_HIGH] == packet[slots.A_HIGH]
        and s[slots.B_HIGH] == packet[slots.B_HIGH]
    )


@kernel("int64s", "int", "int64s", "int", "int32s", "int", "int64s", "int64s", "bytes", "int64s", "int")
def track(
    packets_p, rows, sessions_p, capacity, table_p, slots_count, state_p, settings_p, known_p, moves_p, all_moves
):  # fmt: skip
    """Take packets into sessions, from the state's position on; stops where there is no room for another session.

    MOVES: what each packet did to the streams; one row that is used again and again unless ALL_MOVES.

    TABLE (SLOTS_COUNT, a power of two, twice CAPACITY or more) leads from hashes to rows. Gives how many were taken.
    """
    packets = carray(packets_p, (rows, slots.PACKET))
    sessions = carray(sessions_p, (capacity, slots.SESSION))
    table = carray(table_p, (slots_count,))
    state = carray(state_p, (slots.STATE,))
    settings = carray(settings_p, (slots.SETTINGS,))
    known = carray(known_p, (65536,))
    moves = carray(moves_p, (rows if all_moves != 0 else 1, slots.MOVE))
    mask = np.int64(slots_count - 1)
    count = state[slots.COUNT]
    i = state[slots.AT]
    while i < rows:
        packet = packets[i]
        time, flags = packet[slots.P_TIME], packet[slots.P_FLAGS]
        protocol = (packet[slots.PORTS] >> 48) & 0xFF
        if flags & slots.INSTEAD != 0 and state[slots.ATTRIBUTED] != 0:
            i += 1
            continue
        slot = packet[slots.HASH] & mask
        row = np.int64(table[slot])
        while row >= 0 and not same_key(sessions[row], packet):
            slot = (slot + 1) & mask
            row = np.int64(table[slot])
        state[slots.NOW] = max(state[slots.NOW], time)
        if row >= 0:
            s = sessions[row]
            ended = s[slots.STATUS] & slots.ENDED != 0
            if not ended and over(s, time, settings):
                s[slots.STATUS] |= slots.ENDED | (1 << slots.REASON)
                ended = True
            elif not ended and flags & slots.ERROR == 0 and protocol == 6 and replaced(s, packet):
                s[slots.STATUS] |= slots.ENDED | (2 << slots.REASON)
                ended = True
            if ended:
                row = -1
        if flags & slots.ERROR != 0:
            # an ICMP error is no packet of the flow's own
            state[slots.ATTRIBUTED] = 1 if row >= 0 else 0
            if row >= 0:
                sessions[row][slots.ERRORS] += 1
                packet[slots.P_SESSION] = sessions[row][slots.SERIAL] * 2 + (1 if flags & slots.FROM_B != 0 else 0)
            i += 1
            continue
        if row < 0:
            if count >= capacity:
                break
            row = count
            count += 1
            table[slot] = np.int32(row)
            new_session(sessions[row], packet, known, state[slots.NEXT_SERIAL])
            state[slots.NEXT_SERIAL] += 1
        s = sessions[row]
        from_b = flags & slots.FROM_B != 0
        side, other = slots.SIDE, slots.SIDE + slots.SIDE_SIZE
        if from_b:
            side, other = other, side
        s[side + slots.PACKETS] += 1
        s[side + slots.IP_BYTES] += packet[slots.P_LENGTH] & 0xFFFFFFFF
        packet[slots.P_SESSION] = s[slots.SERIAL] * 2 + (1 if from_b else 0)
        if packet[slots.P_PAYLOAD] > 0 and s[slots.SERVICE] & 0xFF == 0 and s[slots.SERVICE] >> 16 < slots.LOOKS:
            look(s, (flags >> slots.SIGNATURE) & 0xFF)
        move = moves[i if all_moves != 0 else 0]
        move[slots.M_SERVICE] = s[slots.SERVICE] & 0xFF
        move[slots.M_SURE] = 0
        if protocol == 6:
            tcp_packet(s, side, other, packet, settings, state, move)
            if s[slots.SERVICE] & 0xFF != 0 and s[slots.SERVICE] >> 16 == 0 and s[slots.STATUS] & slots.PARTIAL == 0:
                move[slots.M_SURE] = 1
        else:
            move[slots.M_OFFSET] = s[side + slots.BYTES]
            move[slots.M_BEFORE] = move[slots.M_OTHER_BEFORE] = move[slots.M_OTHER_AFTER] = 0
            move[slots.M_AFTER] = packet[slots.P_PAYLOAD]
            s[slots.LAST] = max(s[slots.LAST], time)
            s[side + slots.BYTES] += packet[slots.P_PAYLOAD]
        i += 1
    done = i - state[slots.AT]
    state[slots.AT] = i
    state[slots.COUNT] = count
    return done


@kernel("int64s", "int", "int", "int64s")
def end_sessions(sessions_p, count, now, settings_p):
    """End those sessions that are over at the time NOW; give how many have ended."""
    sessions = carray(sessions_p, (count, slots.SESSION))
    settings = carray(settings_p, (slots.SETTINGS,))
    ended = 0
    for row in range(count):
        s = sessions[row]
        if s[slots.STATUS] & slots.ENDED == 0 and over(s, now, settings):
            s[slots.STATUS] |= slots.ENDED | (1 << slots.REASON)
        if s[slots.STATUS] & slots.ENDED != 0:
            ended += 1
    return ended


@kernel("int64s", "int", "int32s", "int")
def part_ended(sessions_p, count, table_p, slots_count):
    """Move sessions that have ended behind the others, and build TABLE anew; give how many are left."""
    sessions = carray(sessions_p, (count, slots.SESSION))
    table = carray(table_p, (slots_count,))
    mask = np.int64(slots_count - 1)
    table[:] = -1
    kept = 0
    for row in range(count):
        if sessions[row, slots.STATUS] & slots.ENDED != 0:
            continue
        if kept != row:
            for k in range(slots.SESSION):
                sessions[kept, k], sessions[row, k] = sessions[row, k], sessions[kept, k]
        slot = sessions[kept, slots.HASH] & mask
        while table[slot] >= 0:
            slot = (slot + 1) & mask
        table[slot] = np.int32(kept)
        kept += 1
    return kept
