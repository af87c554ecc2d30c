"""DNS messages to rows, one a record: RFC 1035, names of records and the commonest data as text (RFC 4343, 5.1).

Data of rarer types is left to Python; the row then has FORM_OTHER.
"""

import numpy as np
from numba import carray
from packetpig.loaders.kernels import dnsslots as d
from packetpig.loaders.kernels import signatures
from packetpig.loaders.kernels.bits import be16, be32
from packetpig.loaders.kernels.kernel import helper, inline, kernel
from packetpig.loaders.kernels.texts import put_ipv4, put_ipv6

NAME_ROOM = 1100  # of a name as text, at most: 255 bytes, each four characters
DATA_ROOM = 300_000  # of data as text, at most: 65535 bytes, each four characters, and quotes


@helper
def put_number(out, at, value):
    """Write a number in decimal; give where it ends."""
    size, rest = 1, value
    while rest >= 10:
        rest //= 10
        size += 1
    rest = value
    for k in range(size):
        out[at + size - 1 - k] = np.uint8(48 + rest % 10)
        rest //= 10
    return at + size


@inline
def put_escaped(out, at, value, special):
    """Write one character; SPECIAL and the backslash with a backslash, what is not printable as three digits."""
    if value == special or value == 92:
        out[at] = np.uint8(92)
        out[at + 1] = np.uint8(value)
        at += 2
    elif value < 32 or (value == 32 and special == 46) or value >= 127:
        out[at] = np.uint8(92)
        out[at + 1] = np.uint8(48 + value // 100)
        out[at + 2] = np.uint8(48 + value // 10 % 10)
        out[at + 3] = np.uint8(48 + value % 10)
        at += 4
    else:
        out[at] = np.uint8(value)
        at += 1
    return at


@helper
def put_name(buf, p, n, at, out, end):
    """Write the name at AT of the message P of N bytes; give where it ends there (-1: it is no name), and in OUT.

    A pointer must lead to before the label sequence that it ends, so that every chain of them ends (RFC 1035, 4.1.4).
    """
    after, start, octets, first = -1, at, 0, end
    while True:
        if at >= n:
            return -1, first
        size = np.int64(buf[p + at])
        if size == 0:
            if after < 0:
                after = at + 1
            break
        if size >= 192:
            if at + 2 > n:
                return -1, first
            target = be16(buf, p + at) & 0x3FFF
            if after < 0:
                after = at + 2
            if target >= start:
                return -1, first
            at = start = target
            continue
        if size > 63 or at + 1 + size > n:
            return -1, first
        octets += size + 1
        if octets > 254:
            return -1, first
        if end > first:
            out[end] = np.uint8(46)
            end += 1
        for k in range(at + 1, at + 1 + size):
            end = put_escaped(out, end, np.int64(buf[p + k]), 46)
        at += size + 1
    if end == first:
        out[end] = np.uint8(46)
        end += 1
    return after, end


@helper
def skip_name(buf, p, n, at):
    """Where the name at AT ends; -1: it does not."""
    while at < n:
        size = np.int64(buf[p + at])
        if size == 0:
            return at + 1
        if size >= 192:
            return at + 2 if at + 2 <= n else -1
        if size > 63:
            return -1
        at += size + 1
    return -1


@helper
def response_code(buf, p, n):
    """The response code, with the eight bits above it that OPT has (RFC 6891, 6.1.3)."""
    code = np.int64(buf[p + 3]) & 15
    if be16(buf, p + 10) == 0:
        return code
    at = 12
    for _ in range(be16(buf, p + 4)):
        at = skip_name(buf, p, n, at)
        if at < 0 or at + 4 > n:
            return code
        at += 4
    for _ in range(be16(buf, p + 6) + be16(buf, p + 8) + be16(buf, p + 10)):
        at = skip_name(buf, p, n, at)
        if at < 0 or at + 10 > n:
            return code
        if be16(buf, p + at) == d.OPT:
            return (np.int64(buf[p + at + 4]) << 4) | code
        at += 10 + be16(buf, p + at + 8)
    return code


@helper
def put_texts(buf, p, at, stop, out, end):
    """Write character strings in quotes; give where they end, or -1."""
    first = end
    while at < stop:
        size = np.int64(buf[p + at])
        at += 1
        if at + size > stop:
            return -1
        if end > first:
            out[end] = np.uint8(32)
            end += 1
        out[end] = np.uint8(34)
        end += 1
        for k in range(at, at + size):
            end = put_escaped(out, end, np.int64(buf[p + k]), 34)
        out[end] = np.uint8(34)
        end += 1
        at += size
    return end


@helper
def put_data(buf, p, at, size, kind, out, end):
    """Write the data of SIZE bytes at AT; give where it ends in OUT: -1 for Python to do, -2 where it is malformed."""
    stop = at + size
    if kind == 1:
        return put_ipv4(out, end, buf, p + at) if size == 4 else -2
    if kind == 28:
        return put_ipv6(out, end, buf, p + at) if size == 16 else -2
    if kind == 16 or kind == 99:
        end = put_texts(buf, p, at, stop, out, end)
        return end if end >= 0 else -2
    numbers = 0  # 16-bit numbers before a name
    if kind == 15 or kind == 18 or kind == 21 or kind == 36:
        numbers = 1
    elif kind == 33:
        numbers = 3
    elif not (kind == 2 or kind == 5 or kind == 12 or kind == 39 or kind == 6 or (3 <= kind <= 4) or (7 <= kind <= 9)):
        return -1
    if size < 2 * numbers + 1:
        return -2
    for k in range(numbers):
        end = put_number(out, end, be16(buf, p + at + 2 * k))
        out[end] = np.uint8(32)
        end += 1
    # names may be compressed, and a pointer leads before the data: the message ends where the data does
    at, end = put_name(buf, p, stop, at + 2 * numbers, out, end)
    if at >= 0 and kind == 6:
        out[end] = np.uint8(32)
        end += 1
        at, end = put_name(buf, p, stop, at, out, end)
        if at >= 0 and at + 20 == stop:
            for _ in range(5):
                out[end] = np.uint8(32)
                end = put_number(out, end + 1, be32(buf, p + at))
                at += 4
    return end if at == stop else -2


@kernel("bytes", "int", "int64s", "int", "int64s", "int64s", "int", "int", "int64s", "int", "bytes", "int32s", "int",
        "bytes", "int32s", "int")  # fmt: skip
def dns_records(
    buf_p, base, messages_p, count, state_p, problems_p, options, others, rows_p, capacity, names_p, name_ends_p,
    names_room, data_p, data_ends_p, data_room,
):  # fmt: skip
    """Records of COUNT messages; their addresses count from BASE, where BUF is. Gives whether there are more to come.

    OPTIONS: what to give (dnsslots). OTHERS: bytes from BASE on. The state is to be kept from
    call to call, but d.ROWS and what ends with them begin at zero again.
    """
    buf = carray(buf_p, (others,))
    messages = carray(messages_p, (count, d.MESSAGE))
    state = carray(state_p, (d.STATE,))
    problems = carray(problems_p, (d.PROBLEMS,))
    rows = carray(rows_p, (capacity, d.RECORD))
    names = carray(names_p, (names_room,))
    name_ends = carray(name_ends_p, (capacity + 1,))
    data = carray(data_p, (data_room,))
    data_ends = carray(data_ends_p, (capacity + 1,))
    row, name_end, data_end = 0, 0, 0
    name_ends[0] = 0
    data_ends[0] = 0
    m, at, section, number = state[d.AT_MESSAGE], state[d.AT_BYTE], state[d.AT_SECTION], state[d.AT_RECORD]
    code, given = state[d.CODE], state[d.GIVEN]
    full = False
    while m < count and not full:
        p, n, kind = messages[m, d.M_ADDRESS] - base, messages[m, d.M_LENGTH], messages[m, d.M_KIND]
        if at == 0:
            if n < 12:
                problems[d.SHORT] += 1
                m += 1
                continue
            if kind & d.GUESSED != 0 and not signatures.dns(buf, p, n):
                problems[d.NOT_DNS] += 1
                m += 1
                continue
            at, section, number, given = 12, 0, 0, 0
            code = response_code(buf, p, n) if buf[p + 2] >= 128 else -1
        flags = be16(buf, p + 2)
        head = (be16(buf, p) << 16) | flags
        broken = False
        while section < 4 and not broken:
            if number >= be16(buf, p + 4 + 2 * section):
                section += 1
                number = 0
                continue
            if row >= capacity or name_end + NAME_ROOM > names_room or data_end + DATA_ROOM > data_room:
                full = True
                break
            begin = at
            fixed = 4 if section == 0 else 10
            at, end = put_name(buf, p, n, at, names, name_end)
            named = at >= 0
            if not named:  # of a name that is none it can be known where it ends
                at, end = skip_name(buf, p, n, begin), name_end
                problems[d.BAD_NAME] += begin < n
            if at < 0 or at + fixed > n:
                problems[d.CUT_RECORD] += named or begin >= n
                broken = True
                continue
            r = rows[row]
            r[d.R_MESSAGE] = m
            r[d.R_HEAD] = head
            r[d.R_SECTION] = section
            r[d.R_TYPE] = be16(buf, p + at)
            r[d.R_CLASS] = be16(buf, p + at + 2)
            r[d.R_CODE] = code
            r[d.R_FORM] = d.FORM_NONE
            r[d.R_NAMED] = 1 if named else 0
            r[d.R_TTL] = -1
            r[d.R_DATA] = 0
            r[d.R_SIZE] = 0
            if kind & d.MULTICAST != 0 and r[d.R_TYPE] != d.OPT:
                r[d.R_CLASS] &= 0x7FFF
            wanted = True
            if section > 0:
                size = be16(buf, p + at + 8)
                r[d.R_TTL] = be32(buf, p + at + 4)
                at += 10
                wanted = r[d.R_TYPE] != d.OPT or options & d.OPT_ROWS != 0
                if at + size > n:
                    problems[d.CUT_RECORD] += 1
                    broken = True
                elif size > 0:
                    r[d.R_DATA], r[d.R_SIZE] = at, size
                    if options & d.DATA != 0 and wanted:
                        where = put_data(buf, p, at, size, r[d.R_TYPE], data, data_end)
                        r[d.R_FORM] = d.FORM_TEXT if where >= 0 else d.FORM_OTHER
                        if where == -2:
                            problems[d.BAD_DATA] += 1
                        elif where >= 0:
                            data_end = where
                at += size
            else:
                at += 4
            number += 1
            if wanted:
                if options & d.NAMES != 0:
                    name_end = end
                row += 1
                given += 1
                name_ends[row] = np.int32(name_end)
                data_ends[row] = np.int32(data_end)
        if full:
            break
        if given == 0:
            if row >= capacity:
                full = True
                break
            r = rows[row]
            r[:] = 0
            r[d.R_MESSAGE] = m
            r[d.R_HEAD] = head
            r[d.R_SECTION] = -1
            r[d.R_TYPE] = -1
            r[d.R_CLASS] = -1
            r[d.R_TTL] = -1
            r[d.R_CODE] = code
            row += 1
            name_ends[row] = np.int32(name_end)
            data_ends[row] = np.int32(data_end)
        if at >= 0 and at < n and not broken:
            problems[d.LEFT_OVER] += 1
        m += 1
        at = 0
    state[d.AT_MESSAGE], state[d.AT_BYTE], state[d.AT_SECTION], state[d.AT_RECORD] = m, at, section, number
    state[d.CODE], state[d.GIVEN] = code, given
    state[d.ROWS], state[d.NAMES_END], state[d.DATA_END] = row, name_end, data_end
    return 1 if m < count else 0
