"""Community ID v1 of packets: a name for a flow that other tools compute alike.

Source: https://github.com/corelight/community-id-spec (seed 0). SHA-1 by FIPS 180-4, Base64 by RFC 4648.
"""

import numpy as np
from numba import carray
from packetpig.loaders.kernels import frame
from packetpig.loaders.kernels.bits import be16
from packetpig.loaders.kernels.fields import mark
from packetpig.loaders.kernels.kernel import helper, inline, kernel
from packetpig.loaders.kernels.texts import find

TEXT = 30  # "1:" and 28 characters


@inline
def rotate(x, n):
    """32 bits, rotated left."""
    return ((x << np.uint64(n)) | (x >> np.uint64(32 - n))) & np.uint64(0xFFFFFFFF)


@helper
def sha1_block(message, words, digest):
    """SHA-1 of one padded block of 64 bytes."""
    for t in range(16):
        word = np.int64(0)
        for k in range(4):
            word = (word << 8) | np.int64(message[4 * t + k])
        words[t] = word
    for t in range(16, 80):
        words[t] = np.int64(rotate(np.uint64(words[t - 3] ^ words[t - 8] ^ words[t - 14] ^ words[t - 16]), 1))
    h0, h1, h2 = np.uint64(0x67452301), np.uint64(0xEFCDAB89), np.uint64(0x98BADCFE)
    h3, h4 = np.uint64(0x10325476), np.uint64(0xC3D2E1F0)
    a, b, c, d, e = h0, h1, h2, h3, h4
    m = np.uint64(0xFFFFFFFF)
    for t in range(80):
        if t < 20:
            f, k = (b & c) | ((b ^ m) & d), np.uint64(0x5A827999)
        elif t < 40:
            f, k = b ^ c ^ d, np.uint64(0x6ED9EBA1)
        elif t < 60:
            f, k = (b & c) | (b & d) | (c & d), np.uint64(0x8F1BBCDC)
        else:
            f, k = b ^ c ^ d, np.uint64(0xCA62C1D6)
        a, b, c, d, e = (rotate(a, 5) + f + e + k + np.uint64(words[t])) & m, a, rotate(b, 30), c, d
    sums = ((h0 + a) & m, (h1 + b) & m, (h2 + c) & m, (h3 + d) & m, (h4 + e) & m)
    for t in range(5):
        for k in range(4):
            digest[4 * t + k] = np.uint8((sums[t] >> np.uint64(24 - 8 * k)) & np.uint64(255))


@inline
def base64_digit(value):
    """The Base64 digit as ASCII."""
    if value < 26:
        return np.uint8(65 + value)
    if value < 52:
        return np.uint8(71 + value)
    if value < 62:
        return np.uint8(value - 4)
    return np.uint8(43) if value == 62 else np.uint8(47)


@helper
def counterpart(protocol, kind):
    """The ICMP type that answers KIND (or is answered by it); -1 if there is none."""
    if protocol == 1:
        if kind == 8 or kind == 0:
            return 8 - kind
        if kind == 9 or kind == 10:
            return 19 - kind
        if 13 <= kind <= 18:
            return kind + 1 if kind % 2 == 1 else kind - 1
    elif 128 <= kind <= 131 or kind == 144 or kind == 145:
        return kind + 1 if kind % 2 == 0 else kind - 1
    elif 133 <= kind <= 136 or kind == 139 or kind == 140:
        return kind + 1 if kind % 2 == 1 else kind - 1
    return -1


@helper
def later_fragment(buf, start, places, i):
    """Whether the IP packet, whose addresses were captured, is a fragment other than the first."""
    if places[frame.VERSION, i] == 4:
        return be16(buf, start + places[frame.NETWORK, i] + 6) & 0x1FFF != 0
    at = places[frame.FRAGMENT, i]
    return at >= 0 and at + 4 <= places[frame.CAPTURED, i] and be16(buf, start + at + 2) & 0xFFF8 != 0


@kernel(
    "bytes",
    "int",
    "int64s",
    "int32s",
    "int",
    "int",
    "int32s",
    "bytes",
    "int32s",
    "int",
    "int64s",
    "int32s",
    "bytes",
    "int64s",
    "bytes",
    "int64s",
)
def community_ids(
    buf_p, valid, wide_p, places_p, capacity, rows, index_p, bitmap_p, table_p, slots, keys_p, ends_p, text_p,
    nulls_p, message_p, words_p,
):  # fmt: skip
    """Community IDs as an Arrow dictionary column, laid out as in `texts.addresses`.

    MESSAGE (85 bytes) and WORDS (80) are scratch. Null without IP addresses, and where the ports were not captured.
    Later fragments, which have no ports, have one without them, as the specification's own tools give it.
    """
    buf = carray(buf_p, (valid,))
    wide = carray(wide_p, (frame.WIDE_ROWS, capacity))
    places = carray(places_p, (frame.PLACE_ROWS, capacity))
    index = carray(index_p, (rows,))
    bitmap = carray(bitmap_p, ((rows + 7) // 8,))
    table = carray(table_p, (slots,))
    keys = carray(keys_p, (rows, 3))
    ends = carray(ends_p, (rows + 1,))
    text = carray(text_p, (rows * TEXT,))
    nulls = carray(nulls_p, (1,))
    message = carray(message_p, (85,))
    words = carray(words_p, (80,))
    digest = message[64:]
    digest[20] = 0
    table[:] = -1
    distinct, end = 0, 0
    ends[0] = 0
    for i in range(rows):
        index[i] = 0
        net, version, protocol = places[frame.NETWORK, i], places[frame.VERSION, i], places[frame.PROTOCOL, i]
        at, size = (12, 4) if version == 4 else (8, 16)
        if net < 0 or protocol < 0 or net + at + 2 * size > places[frame.CAPTURED, i]:
            nulls[0] += 1
            continue
        has_ports = protocol == 6 or protocol == 17 or protocol == 132 or protocol == 1 or protocol == 58
        sport, dport, one_way = 0, 0, False
        start = places[frame.TRANSPORT, i]
        if has_ports and start < 0 and later_fragment(buf, wide[frame.POSITION, i], places, i):
            has_ports = False
        if has_ports:
            icmp = protocol == 1 or protocol == 58
            if start < 0 or start + (2 if icmp else 4) > places[frame.TRANSPORT_END, i]:
                nulls[0] += 1
                continue
            q = wide[frame.POSITION, i] + start
            if icmp:
                sport = np.int64(buf[q])
                dport = counterpart(protocol, sport)
                one_way = dport < 0
                if one_way:
                    dport = np.int64(buf[q + 1])
            else:
                sport = (np.int64(buf[q]) << 8) | np.int64(buf[q + 1])
                dport = (np.int64(buf[q + 2]) << 8) | np.int64(buf[q + 3])
        p = wide[frame.POSITION, i] + net + at
        order = 0
        for k in range(size):
            if order == 0:
                order = np.int64(buf[p + k]) - np.int64(buf[p + size + k])
        if order == 0:
            order = sport - dport
        swap = order > 0 and not one_way
        message[:64] = 0
        for k in range(size):
            message[2 + k] = buf[p + k + (size if swap else 0)]
            message[2 + size + k] = buf[p + k + (0 if swap else size)]
        if swap:
            sport, dport = dport, sport
        stop = 2 + 2 * size
        message[stop] = np.uint8(protocol)
        stop += 2
        if has_ports:
            message[stop], message[stop + 1] = np.uint8(sport >> 8), np.uint8(sport & 255)
            message[stop + 2], message[stop + 3] = np.uint8(dport >> 8), np.uint8(dport & 255)
            stop += 4
        # a 128-bit mix of the message stands for it in the table; two flows of one batch that share it do not happen
        a, b = np.uint64(0x243F6A8885A308D3), np.uint64(0x13198A2E03707344)
        for k in range(0, 40, 8):
            lane = np.uint64(0)
            for j in range(8):
                lane = (lane << np.uint64(8)) | np.uint64(message[k + j])
            a = (a ^ lane) * np.uint64(0x9E3779B97F4A7C15)
            a ^= a >> np.uint64(29)
            b = (b + lane) * np.uint64(0xC2B2AE3D27D4EB4F)
            b ^= b >> np.uint64(31)
        rest = (
            (np.int64(message[40]) << 24)
            | (np.int64(message[41]) << 16)
            | (np.int64(message[42]) << 8)
            | np.int64(message[43])
        )
        which = find(table, keys, distinct, a, b, rest)
        if which == distinct:
            message[stop] = np.uint8(0x80)
            message[62], message[63] = np.uint8((stop * 8) >> 8), np.uint8((stop * 8) & 255)
            sha1_block(message, words, digest)
            text[end], text[end + 1] = np.uint8(49), np.uint8(58)
            end += 2
            for k in range(0, 21, 3):
                bits = (np.int64(digest[k]) << 16) | (np.int64(digest[k + 1]) << 8) | np.int64(digest[k + 2])
                for shift in (18, 12, 6, 0):
                    text[end] = base64_digit((bits >> shift) & 63)
                    end += 1
            text[end - 1] = np.uint8(61)
            distinct += 1
            ends[distinct] = np.int32(end)
        index[i] = np.int32(which)
        mark(bitmap, i)
    return distinct
