"""Running numbers of sessions that are open, a packet after the other: the same wherever batches end."""

import numpy as np
from numba import carray
from packetpig.loaders.kernels import featureslots as at
from packetpig.loaders.kernels import slots
from packetpig.loaders.kernels.kernel import helper, kernel


@helper
def take_in(doubles, mean, squares, number, value):
    """Mean and squares with VALUE as the NUMBER-th."""
    step = value - doubles[mean]
    doubles[mean] += step / number
    doubles[squares] += step * (value - doubles[mean])


@kernel("int64s", "int", "int64s", "int64s", "doubles", "int")
def note_features(packets_p, rows, places_p, longs_p, doubles_p, sessions):
    """Take tracked packets into the rows LONGS and DOUBLES of their sessions. PLACES: each packet's row, or -1."""
    packets = carray(packets_p, (rows, slots.PACKET))
    places = carray(places_p, (rows,))
    all_longs = carray(longs_p, (sessions, at.LONGS))
    all_doubles = carray(doubles_p, (sessions, at.DOUBLES))
    for i in range(rows):
        packet, place = packets[i], places[i]
        if place < 0:
            continue
        longs, doubles = all_longs[place], all_doubles[place]
        side = packet[slots.P_SESSION] & 1
        time, flags, payload = packet[slots.P_TIME], packet[slots.P_FLAGS], packet[slots.P_PAYLOAD]
        before = longs[at.L_COUNTS] + longs[at.L_COUNTS + 1]
        if before > 0:
            gap = (time - longs[at.L_LAST]) / 1e9
            take_in(doubles, at.D_GAP, at.D_GAP_SQUARES, before, gap)
            if before == 1 or gap < doubles[at.D_GAP_LEAST]:
                doubles[at.D_GAP_LEAST] = gap
            if before == 1 or gap > doubles[at.D_GAP_MOST]:
                doubles[at.D_GAP_MOST] = gap
        longs[at.L_LAST] = time
        own = longs[at.L_COUNTS + side]
        if own > 0:
            gap = (time - longs[at.L_LASTS + side]) / 1e9
            take_in(doubles, at.D_GAPS + side, at.D_GAPS_SQUARES + side, own, gap)
        else:
            longs[at.L_FIRSTS + side] = time
        longs[at.L_LASTS + side] = time
        longs[at.L_COUNTS + side] = own + 1
        size = np.float64(packet[slots.P_LENGTH] & 0xFFFFFFFF)
        take_in(doubles, at.D_SIZE + side, at.D_SIZE_SQUARES + side, own + 1, size)
        doubles[at.D_SIZE_MOST + side] = max(doubles[at.D_SIZE_MOST + side], size)
        if payload > 0:
            if longs[at.L_DATA + side] == 0:
                longs[at.L_BYTES + side] = payload
                longs[at.L_ENTROPY + side] = (flags >> slots.ENTROPY) & 0x7F
            longs[at.L_DATA + side] += 1
        for bit in range(6):
            longs[at.L_FLAGS + bit] += (flags >> bit) & 1
    return 0
