"""Packets dealt out to buckets, and flows numbered in each: what pieces of sessions are made of."""

import numpy as np
from numba import carray
from packetpig.loaders.kernels import slots
from packetpig.loaders.kernels.flowpackets import mixed
from packetpig.loaders.kernels.kernel import kernel
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
