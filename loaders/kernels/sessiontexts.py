"""Texts of sessions: addresses, Community IDs and session ids.

Sources: https://github.com/corelight/community-id-spec (seed 0), FIPS 180-4 (SHA-1), RFC 4648 (Base64, Base32).
"""

import numpy as np
from numba import carray
from packetpig.loaders.kernels import slots
from packetpig.loaders.kernels.flows import TEXT as COMMUNITY
from packetpig.loaders.kernels.flows import base64_digit, sha1_block
from packetpig.loaders.kernels.kernel import helper, inline, kernel
from packetpig.loaders.kernels.texts import TEXT, find, put_ipv4, put_ipv6

SESSION_ID = 16  # characters: 80 bits in Base32


@helper
def put_address(out, at, high, low, size):
    """Write an address's bytes."""
    if size == 16:
        for k in range(8):
            out[at + k] = np.uint8((high >> (56 - 8 * k)) & 0xFF)
        for k in range(8):
            out[at + 8 + k] = np.uint8((low >> (56 - 8 * k)) & 0xFF)
    else:
        for k in range(4):
            out[at + k] = np.uint8((low >> (24 - 8 * k)) & 0xFF)


@inline
def put_number(out, at, value, size):
    """Write a number of SIZE bytes, network order."""
    for k in range(size):
        out[at + k] = np.uint8((value >> (8 * (size - 1 - k))) & 0xFF)


@helper
def finish_block(message, stop):
    """Pad a SHA-1 message of STOP bytes (at most 55) to a block."""
    message[stop] = np.uint8(0x80)
    message[62] = np.uint8((stop * 8) >> 8)
    message[63] = np.uint8((stop * 8) & 255)


@kernel("int64s", "int", "int", "int32s", "int32s", "int", "int64s", "int32s", "bytes", "bytes")
def session_addresses(rows_p, count, target, index_p, table_p, slots_count, keys_p, ends_p, text_p, scratch_p):
    """Addresses of the side that opened (TARGET: of the other), as an Arrow dictionary laid out as in `texts`."""
    rows = carray(rows_p, (count, slots.SESSION))
    index = carray(index_p, (count,))
    table = carray(table_p, (slots_count,))
    keys = carray(keys_p, (count, 3))
    ends = carray(ends_p, (count + 1,))
    text = carray(text_p, (count * TEXT + 8,))
    scratch = carray(scratch_p, (16,))
    table[:] = -1
    distinct, end = 0, 0
    ends[0] = 0
    for i in range(count):
        from_b = rows[i, slots.STATUS] & slots.ORIGIN_B != 0
        at = slots.A_HIGH if from_b == (target != 0) else slots.B_HIGH
        high, low = rows[i, at], rows[i, at + 1]
        version = rows[i, slots.PORTS] >> 56
        which = find(table, keys, distinct, np.uint64(high), np.uint64(low), version)
        if which == distinct:
            put_address(scratch, 0, high, low, 4 if version == 4 else 16)
            end = put_ipv4(text, end, scratch, 0) if version == 4 else put_ipv6(text, end, scratch, 0)
            distinct += 1
            ends[distinct] = np.int32(end)
        index[i] = np.int32(which)
    return distinct


@kernel("int64s", "int", "bytes", "bytes", "int64s")
def session_communities(rows_p, count, text_p, message_p, words_p):
    """Community ID of each session, 30 characters each. MESSAGE (85) and WORDS (80) are scratch."""
    rows = carray(rows_p, (count, slots.SESSION))
    text = carray(text_p, (count * COMMUNITY,))
    message, words = carray(message_p, (85,)), carray(words_p, (80,))
    digest = message[64:]
    digest[20] = 0
    for i in range(count):
        ports = rows[i, slots.PORTS]
        protocol, size = (ports >> 48) & 0xFF, 4 if ports >> 56 == 4 else 16
        a, b = (ports >> 16) & 0xFFFF, ports & 0xFFFF
        # side 0 is lower by 64-bit numbers with a sign; the specification compares bytes
        swap = False
        if protocol == 1 or protocol == 58:
            kind, code = rows[i, slots.ICMP] >> 8, rows[i, slots.ICMP] & 0xFF
            first_b = (rows[i, slots.STATUS] & slots.ORIGIN_B) != 0
            a, b = (code, kind) if first_b else (kind, code)
        a_high, a_low = np.uint64(rows[i, slots.A_HIGH]), np.uint64(rows[i, slots.A_LOW])
        b_high, b_low = np.uint64(rows[i, slots.B_HIGH]), np.uint64(rows[i, slots.B_LOW])
        if a_high != b_high:
            swap = a_high > b_high
        elif a_low != b_low:
            swap = a_low > b_low
        else:
            swap = a > b
        if rows[i, slots.STATUS] & slots.ONE_WAY_FLOW != 0:
            swap = False
        first, second = (slots.B_HIGH, slots.A_HIGH) if swap else (slots.A_HIGH, slots.B_HIGH)
        if swap:
            a, b = b, a
        message[:64] = 0
        put_address(message, 2, rows[i, first], rows[i, first + 1], size)
        put_address(message, 2 + size, rows[i, second], rows[i, second + 1], size)
        stop = 2 + 2 * size
        message[stop] = np.uint8(protocol)
        stop += 2
        if protocol == 6 or protocol == 17 or protocol == 132 or protocol == 1 or protocol == 58:
            put_number(message, stop, a, 2)
            put_number(message, stop + 2, b, 2)
            stop += 4
        finish_block(message, stop)
        sha1_block(message, words, digest)
        end = i * COMMUNITY
        text[end], text[end + 1] = np.uint8(49), np.uint8(58)
        end += 2
        for k in range(0, 21, 3):
            bits = (np.int64(digest[k]) << 16) | (np.int64(digest[k + 1]) << 8) | np.int64(digest[k + 2])
            for shift in (18, 12, 6, 0):
                text[end] = base64_digit((bits >> shift) & 63)
                end += 1
        text[end - 1] = np.uint8(61)
    return 0


@kernel("int64s", "int", "int64s", "int", "bytes", "bytes", "int64s")
def session_ids(rows_p, count, sensors_p, sensors_count, text_p, message_p, words_p):
    """Session id of each session: 16 characters. SENSORS: four bytes that stand for each sensor's name."""
    rows = carray(rows_p, (count, slots.SESSION))
    sensors = carray(sensors_p, (sensors_count,))
    text = carray(text_p, (count * SESSION_ID,))
    message, words = carray(message_p, (85,)), carray(words_p, (80,))
    digest = message[64:]
    for i in range(count):
        tags, ports = rows[i, slots.TAGS], rows[i, slots.PORTS]
        message[:64] = 0
        put_number(message, 0, sensors[(tags >> 32) & 0xFFFF], 4)
        put_number(message, 4, tags & 0xFFFFFFFF, 4)
        put_number(message, 8, (tags >> 48) & 0xFF, 1)
        put_number(message, 9, (ports >> 48) & 0xFF, 1)
        put_number(message, 10, (ports >> 32) & 0xFFFF, 2)
        put_number(message, 12, ports & 0xFFFFFFFF, 4)
        # an address in 15 bytes (of IPv6 the first two are folded into one), so that all fits into one block
        for side in range(2):
            high, low = rows[i, slots.A_HIGH + 2 * side], rows[i, slots.A_LOW + 2 * side]
            put_number(message, 16 + 15 * side, high ^ (high >> 56), 7)
            put_number(message, 23 + 15 * side, low, 8)
        put_number(message, 46, rows[i, slots.START], 8)
        finish_block(message, 54)
        sha1_block(message, words, digest)
        bits = np.int64(0)
        for half in range(2):
            bits = np.int64(0)
            for k in range(5):
                bits = (bits << 8) | np.int64(digest[5 * half + k])
            for k in range(8):
                value = (bits >> (35 - 5 * k)) & 31
                text[i * SESSION_ID + 8 * half + k] = np.uint8(97 + value) if value < 26 else np.uint8(24 + value)
    return 0
