"""Packets dealt out to buckets, flows numbered in each, payload chosen: what pieces of sessions are made of."""

import numpy as np
from numba import carray
from packetpig.loaders.kernels import slots
from packetpig.loaders.kernels.flowpackets import mixed
from packetpig.loaders.kernels.kernel import helper, kernel
from packetpig.loaders.kernels.tracking import same_key


@kernel("int64s", "int", "int", "int64s", "int", "int32s")
def deal(packets_p, rows, buckets, seeds_p, sensors, bucket_p):
    """Bucket of each packet: by sensor and the two addresses, so that all of two hosts' packets meet."""
    packets = carray(packets_p, (rows, slots.PACKET))
    seeds = carray(seeds_p, (sensors,))
    bucket = carray(bucket_p, (rows,))
    for i in range(rows):
        if packets[i, slots.P_FLAGS] & slots.INSTEAD != 0 and i > 0:
            bucket[i] = bucket[i - 1]  # where the session that the error is about would be
            continue
        a = mixed(mixed(np.uint64(1), packets[i, slots.A_HIGH]), packets[i, slots.A_LOW])
        b = mixed(mixed(np.uint64(1), packets[i, slots.B_HIGH]), packets[i, slots.B_LOW])
        value = mixed(a + b, seeds[(packets[i, slots.TAGS] >> 32) & 0xFFFF])
        bucket[i] = np.int32((value >> np.uint64(8)) % np.uint64(buckets))
    return 0


@kernel("int64s", "int", "int32s", "int32s", "int", "int32s", "int64s", "int32s")
def number_flows(packets_p, rows, bucket_p, table_p, slots_count, flow_p, first_p, number_p):
    """Number the flows within each bucket; PACKETS are in the order of buckets.

    FLOW: number of each packet's. FIRST: a packet of each flow, bucket after bucket; NUMBER: scratch for as many. Gives
    the number of flows.
    """
    packets = carray(packets_p, (rows, slots.PACKET))
    bucket = carray(bucket_p, (rows,))
    table = carray(table_p, (slots_count,))
    flow = carray(flow_p, (rows,))
    first = carray(first_p, (rows,))
    number = carray(number_p, (rows,))
    mask = np.int64(slots_count - 1)
    table[:] = -1
    flows, base = 0, 0
    for i in range(rows):
        if i > 0 and bucket[i] != bucket[i - 1]:
            base = flows
        slot = packets[i, slots.HASH] & mask
        while table[slot] >= 0 and not same_key(packets[first[table[slot]]], packets[i]):
            slot = (slot + 1) & mask
        if table[slot] < 0:
            table[slot] = np.int32(flows)
            first[flows] = i
            number[flows] = np.int32(flows - base)
            flows += 1
        flow[i] = number[table[slot]]
    return flows


@kernel("int64s", "int", "int64s", "int")
def hash_keys(rows_p, rows, seeds_p, sensors):
    """Write the hash of each key, as `flow_packets` computes it."""
    keys = carray(rows_p, (rows, slots.HASH + 1))
    seeds = carray(seeds_p, (sensors,))
    for i in range(rows):
        value = np.uint64(seeds[(keys[i, slots.TAGS] >> 32) & 0xFFFF])
        for k in range(slots.PORTS + 1):
            value = mixed(value, keys[i, k])
        value = mixed(value, keys[i, slots.TAGS] & 0xFFFFFFFF)
        keys[i, slots.HASH] = np.int64(value >> np.uint64(1))
    return 0


@helper
def number_at(body, column, i):
    """Value I of a packed column: least value, bytes of each, place."""
    width = column[1]
    p = column[2] + i * width
    value = np.uint64(0)
    for k in range(width):
        value |= np.uint64(body[p + k]) << np.uint64(8 * k)
    return np.int64(value) + column[0]


@kernel("int64s", "int64s", "int", "int64s", "int", "int")
def choose_payload(packets_p, moves_p, rows, limits_p, doubt, ahead):
    """Leave out the payload of tracked packets that nobody will want; gives how many bytes stay.

    LIMITS: for each service how many bytes of each side are wanted. DOUBT: the same where it is not sure what is
    spoken. AHEAD: bytes beyond these that may come before their turn.
    """
    packets = carray(packets_p, (rows, slots.PACKET))
    moves = carray(moves_p, (rows, slots.MOVE))
    limits = carray(limits_p, (256,))
    size = np.int64(0)
    for i in range(rows):
        if packets[i, slots.P_THERE] == 0:
            continue
        service, protocol = moves[i, slots.M_SERVICE], (packets[i, slots.PORTS] >> 48) & 0xFF
        limit = np.int64(limits[service])
        if protocol == 6 or protocol == 17:
            sure = moves[i, slots.M_SURE] != 0 or (protocol == 17 and service == slots.QUIC)
            if not sure:
                limit = max(limit, doubt)
        if packets[i, slots.P_SESSION] >= 0 and limit > 0 and moves[i, slots.M_OFFSET] - ahead < limit:
            size += packets[i, slots.P_THERE]
        else:
            packets[i, slots.P_THERE] = packets[i, slots.P_ADDRESS] = 0
            packets[i, slots.P_FLAGS] |= slots.LEFT_OUT
    return size


@kernel("int64s", "int", "bytes", "int", "bytes", "int", "int")
def gather(packets_p, rows, base_p, base, out_p, address, size):
    """Copy the payload of packets together, which is there from then on; gives how many bytes it is.

    BASE: an address that no payload is below, as a pointer and as a number; ADDRESS: of OUT, as a number.
    """
    packets = carray(packets_p, (rows, slots.PACKET))
    memory = carray(base_p, (1 << 62,))
    out = carray(out_p, (size,))
    at = np.int64(0)
    for i in range(rows):
        length = packets[i, slots.P_THERE]
        if length > 0:
            source = packets[i, slots.P_ADDRESS] - base
            for k in range(length):
                out[at + k] = memory[source + k]
            packets[i, slots.P_ADDRESS] = address + at
            at += length
    return at


@kernel("int64s", "int", "bytes", "int", "int64s", "int", "int64s", "int", "int64s", "int", "int", "int", "int")
def open_piece(
    packets_p, rows, body_p, size, keys_p, flows, captures_p, captures_count, columns_p, begin, has_payload, said,
    address,
):  # fmt: skip
    """Write the rows of a piece's packets from its columns in BODY; gives where it ends, or -1 if it is broken.

    BEGIN: time of the first packet. KEYS: the flows', with their hashes. CAPTURES: numbers of the piece's. COLUMNS:
    least value, bytes of a value and place of each column. SAID: where the payload begins. ADDRESS: of BODY.
    """
    packets = carray(packets_p, (rows, slots.PACKET))
    body = carray(body_p, (size,))
    keys = carray(keys_p, (flows, slots.HASH + 1))
    captures = carray(captures_p, (captures_count,))
    columns = carray(columns_p, (10, 3))
    time, place = np.int64(begin), np.int64(said)
    for i in range(rows):
        packet = packets[i]
        time += number_at(body, columns[0], i)
        flow, capture = number_at(body, columns[1], i), number_at(body, columns[8], i)
        there = number_at(body, columns[9], i) if has_payload != 0 else np.int64(0)
        if not 0 <= flow < flows or not 0 <= capture < captures_count or not 0 <= there <= size - place:
            return -1
        for k in range(slots.HASH + 1):
            packet[k] = keys[flow, k]
        packet[slots.P_TIME] = time
        packet[slots.P_FLAGS] = number_at(body, columns[2], i) | (number_at(body, columns[3], i) << 32)
        packet[slots.P_NUMBERS] = (number_at(body, columns[4], i) << 32) | number_at(body, columns[5], i)
        packet[slots.P_PAYLOAD] = number_at(body, columns[6], i)
        packet[slots.P_LENGTH] = number_at(body, columns[7], i)
        packet[slots.P_CAPTURE] = captures[capture]
        packet[slots.P_THERE] = there
        packet[slots.P_ADDRESS] = address + place if there > 0 else np.int64(0)
        place += there
        packet[slots.P_SESSION] = -1
    return place


@kernel("int", "int64s", "bytes", "int", "int32s", "bytes", "int32s", "int64s", "int", "bytes", "int")
def put_column(kind, values_p, valid_p, has_nulls, index_p, text_p, ends_p, at_p, rows, out_p, size):
    """Write one column of rows in the bridge's form of values, each at its place in AT, which moves on.

    KIND: the tag. Numbers are in VALUES (doubles as their bits); texts by INDEX in TEXT, between ENDS. VALID: a byte
    a row, if HAS_NULLS.
    """
    values = carray(values_p, (rows,))
    valid = carray(valid_p, (rows if has_nulls != 0 else 1,))
    index = carray(index_p, (rows,))
    ends = carray(ends_p, (1 << 40,))
    text = carray(text_p, (1 << 40,))
    at = carray(at_p, (rows,))
    out = carray(out_p, (size,))
    for i in range(rows):
        p = at[i]
        if has_nulls != 0 and valid[i] == 0:
            out[p] = np.uint8(110)
            at[i] = p + 1
            continue
        out[p] = np.uint8(kind)
        p += 1
        if kind == 99 or kind == 98:
            low, high = np.int64(ends[index[i]]), np.int64(ends[index[i] + 1])
            length = high - low
            for k in range(4):
                out[p + k] = np.uint8((length >> (24 - 8 * k)) & 0xFF)
            p += 4
            for k in range(length):
                out[p + k] = text[low + k]
            p += length
        else:
            width = 4 if kind == 105 else 8
            for k in range(width):
                out[p + k] = np.uint8((values[i] >> (8 * (width - 1 - k))) & 0xFF)
            p += width
        at[i] = p
    return 0
