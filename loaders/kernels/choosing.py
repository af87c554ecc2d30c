"""Chooses packets by the values of their headers as they are found, and puts them together as a capture again.

A condition is a table of steps in the order of a stack machine (carving/conditions.py writes them); its truth is
three-valued, as Pig's is. It says the same as a filter over the columns, which fields.py and texts.py fill.
"""

import numpy as np
from numba import carray
from packetpig.loaders.kernels import choices, frame
from packetpig.loaders.kernels.bits import be16
from packetpig.loaders.kernels.fields import bits_at, has_field, has_port
from packetpig.loaders.kernels.kernel import helper, inline, kernel
from packetpig.loaders.kernels.layers import walk
from packetpig.loaders.kernels.pcapwriting import SECOND, put_record
from packetpig.loaders.kernels.records import record, u32
from packetpig.loaders.kernels.texts import address_at, has_address


@inline
def compared(how, a, b):
    """Whether A and B compare as HOW says."""
    if how == choices.EQUAL:
        return a == b
    if how == choices.NOT_EQUAL:
        return a != b
    if how == choices.LESS:
        return a < b
    if how == choices.LESS_EQUAL:
        return a <= b
    if how == choices.GREATER:
        return a > b
    return a >= b


@helper
def found(buf, places, position, time, offset, step):
    """Whether the packet has the value that a step looks at, and the value (of an address: whether it is the one)."""
    kind = step[choices.KIND]
    if kind == choices.FIELDS:
        at = choices.FIRST
        for _ in range(step[choices.COUNT]):
            layer, inside, width = step[at], step[at + 2], step[at + 3]
            if has_field(places, 0, layer, step[at + 1], inside, width, step[at + 6], step[at + 7]):
                bits = bits_at(buf, position + places[layer, 0] + inside, width)
                return True, (bits >> step[at + 4]) & step[at + 5]
            at += choices.FIELD
        return False, np.int64(0)
    if kind == choices.PLACE:
        which, condition, value = step[choices.FIRST], step[choices.FIRST + 1], step[choices.FIRST + 2]
        here = np.int64(places[which, 0])
        return here >= 0 and (condition < 0 or places[condition, 0] == value), here
    if kind == choices.WIDE:
        return True, time if step[choices.FIRST] == frame.TIME else offset
    if kind == choices.PORT:
        at = step[choices.FIRST]
        if not has_port(places, 0, at):
            return False, np.int64(0)
        return True, be16(buf, position + places[frame.TRANSPORT, 0] + at)
    side = step[choices.FIRST]
    if not has_address(places, 0, side):
        return False, np.int64(0)
    high, low = address_at(buf, position + places[frame.NETWORK, 0], places[frame.VERSION, 0], side)
    same = (
        places[frame.VERSION, 0] == step[choices.FIRST + 1]
        and np.int64(high) == step[choices.FIRST + 2]
        and np.int64(low) == step[choices.FIRST + 3]
    )
    return True, np.int64(1) if same else np.int64(0)


@helper
def holds(buf, places, position, time, offset, program, steps):
    """Whether the condition is true of the packet in the first column of PLACES."""
    stack = np.int64(0)  # two bits a value, the last one lowest
    for i in range(steps):
        step = program[i]
        what = step[choices.OPERATION]
        if what == choices.COMPARE:
            known, value = found(buf, places, position, time, offset, step)
            how = step[choices.HOW]
            if how == choices.IS_NULL:
                truth = choices.FALSE if known else choices.TRUE
            elif not known:
                truth = choices.UNKNOWN
            else:
                truth = choices.TRUE if compared(how, value, step[choices.CONSTANT]) else choices.FALSE
            stack = (stack << 2) | truth
        elif what == choices.CONST:
            stack = (stack << 2) | step[choices.CONSTANT]
        elif what == choices.NOT:
            truth = stack & 3
            if truth != choices.UNKNOWN:
                stack ^= 1
        else:
            a, b = stack & 3, (stack >> 2) & 3
            decisive = choices.FALSE if what == choices.AND else choices.TRUE
            if a == decisive or b == decisive:
                truth = decisive
            elif a == choices.UNKNOWN or b == choices.UNKNOWN:
                truth = choices.UNKNOWN
            else:
                truth = 1 - decisive
            stack = ((stack >> 4) << 2) | truth
    return stack & 3 == choices.TRUE


@kernel(
    "bytes", "int", "int", "int", "int", "int", "int", "int", "int", "int64s", "int64s", "int", "int32s", "bytes", "int"
)
def choose(
    buf_p, valid, stop, base, header, big, nanos, link_type, limit, state_p, program_p, steps, places_p, out_p, size
):
    """Go through pcap records from the state's position to STOP or the end of VALID bytes, and write those chosen.

    They are written to OUT as records with nanoseconds, from the state's place on; PLACES has room for one packet.
    """
    buf = carray(buf_p, (valid,))
    state = carray(state_p, (choices.STATE_SIZE,))
    program = carray(program_p, (steps, choices.STEP))
    places = carray(places_p, (frame.PLACE_ROWS, 1))
    out = carray(out_p, (size,))
    at, seen, chosen, filled = (
        state[frame.AT], state[choices.SEEN], state[choices.CHOSEN], state[choices.FILLED],
    )  # fmt: skip
    longest, first, last = state[choices.LONGEST], state[choices.EARLIEST], state[choices.LATEST]
    scale = 1 if nanos != 0 else 1000
    while True:
        ended, captured = record(buf, at, stop, valid, header, big, limit)
        if ended != frame.WHOLE:
            why = ended
            break
        time = u32(buf, at, big) * SECOND + u32(buf, at + 4, big) * scale
        length = min(u32(buf, at + 12, big), 0x7FFFFFFF)
        start = at + header
        walk(buf, start, captured, length, link_type, places, 0)
        if holds(buf, places, start, time, base + at, program, steps):
            if filled + 16 + captured > size:
                why = frame.FULL
                break
            if time >= (np.int64(1) << 32) * SECOND:
                why = frame.OTHER
                break
            filled = put_record(out, filled, time, length, buf, start, captured)
            longest = max(longest, captured)
            first = time if chosen == 0 else min(first, time)
            last = time if chosen == 0 else max(last, time)
            chosen += 1
        seen += 1
        at += header + captured
    state[frame.AT], state[choices.SEEN], state[choices.CHOSEN], state[choices.FILLED] = at, seen, chosen, filled
    state[choices.LONGEST], state[choices.EARLIEST], state[choices.LATEST] = longest, first, last
    return why
