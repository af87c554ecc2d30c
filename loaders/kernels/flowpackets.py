"""From a table of packets to one row of numbers a packet: its flow's key, and what sessions need of it (slots.py)."""

import numpy as np
from numba import carray
from packetpig.loaders.kernels import frame, slots
from packetpig.loaders.kernels.fields import NO_TIME
from packetpig.loaders.kernels.flows import counterpart
from packetpig.loaders.kernels.kernel import helper, inline, kernel
from packetpig.loaders.kernels.layers import be16, be32
from packetpig.loaders.kernels.octets import load64
from packetpig.loaders.kernels.signatures import tcp_signature, udp_signature


@inline
def mixed(value, word):
    """One step of a hash."""
    value = (value ^ np.uint64(word)) * np.uint64(0x9E3779B97F4A7C15)
    return value ^ (value >> np.uint64(32))


@helper
def numbers_of(buf, p, version):
    """The 16 or 4 bytes at P as two numbers."""
    if version == 4:
        return np.int64(0), np.int64(be32(buf, p))
    return np.int64(load64(buf, p)), np.int64(load64(buf, p + 8))


@helper
def put_key(out, i, seed, version, protocol, sub, source, target, sport, dport, one_way):
    """Write the key of a flow; give whether the packet came from side 1."""
    first = (source[0], source[1], sport)
    second = (target[0], target[1], dport)
    swap = first > second and not one_way
    if swap:
        first, second = second, first
    out[i, slots.A_HIGH], out[i, slots.A_LOW] = first[0], first[1]
    out[i, slots.B_HIGH], out[i, slots.B_LOW] = second[0], second[1]
    out[i, slots.PORTS] = (version << 56) | (protocol << 48) | (sub << 32) | (first[2] << 16) | second[2]
    value = np.uint64(seed)
    for k in range(slots.PORTS + 1):
        value = mixed(value, out[i, k])
    value = mixed(value, out[i, slots.TAGS] & 0xFFFFFFFF)
    out[i, slots.HASH] = np.int64(value >> np.uint64(1))
    return swap


@helper
def entropy(buf, p, n, counts):
    """Shannon entropy of N bytes at P (64 at most), in 1/16 bits a byte. COUNTS: 256 zeros, and so again afterwards."""
    n = min(n, np.int64(64))
    for k in range(n):
        counts[buf[p + k]] += 1
    total = 0.0
    for k in range(n):
        count = counts[buf[p + k]]
        if count > 0:
            total -= count * np.log2(count / n)
            counts[buf[p + k]] = 0
    return np.int64(total / n * 16 + 0.5)


@helper
def fragment(buf, base, net, version, header, captured):
    """Whether the packet whose IP header is at NET of its frame is a fragment; HEADER: offset of IPv6's for them."""
    if version == 4:
        return net + 8 <= captured and be16(buf, base + net + 6) & 0x3FFF != 0
    return header >= 0 and header + 8 <= captured and be16(buf, base + header + 2) & 0xFFF9 != 0


@kernel("bytes", "int", "int64s", "int32s", "int", "int", "int64s")
def find_fragments(buf_p, valid, wide_p, places_p, capacity, rows, found_p):
    """Rows of a table's fragments; gives how many."""
    buf = carray(buf_p, (valid,))
    wide = carray(wide_p, (frame.WIDE_ROWS, capacity))
    places = carray(places_p, (frame.PLACE_ROWS, capacity))
    found = carray(found_p, (rows,))
    count = 0
    for i in range(rows):
        net, version = np.int64(places[frame.NETWORK, i]), np.int64(places[frame.VERSION, i])
        if net >= 0 and fragment(
            buf, wide[frame.POSITION, i], net, version, np.int64(places[frame.FRAGMENT, i]),
            np.int64(places[frame.CAPTURED, i]),
        ):  # fmt: skip
            found[count] = i
            count += 1
    return count


@helper
def icmp_ports(kind, code, protocol, number):
    """(kind of flow, port of both sides, one way) of an ICMP packet: pairs of types with a number, or type and code."""
    answer = np.int64(counterpart(protocol, kind))
    if answer < 0:
        return (kind << 8) | code, np.int64(0), True
    numbered = (protocol == 58 and 128 <= kind <= 129) or (protocol == 1 and kind != 9 and kind != 10)
    return (min(kind, answer) << 8), (number if numbered else np.int64(0)), False


@helper
def embedded(buf, p, end, out, i, seed):
    """The key of the packet that an ICMP error at P carries; false where it cannot be told."""
    if p + 20 > end:
        return False
    version = np.int64(buf[p]) >> 4
    if version == 4:
        at, protocol = p + (np.int64(buf[p]) & 15) * 4, np.int64(buf[p + 9])
        if be16(buf, p + 6) & 0x1FFF != 0:
            return False
        source, target = numbers_of(buf, p + 12, 4), numbers_of(buf, p + 16, 4)
    elif version == 6 and p + 40 <= end:
        at, protocol = p + 40, np.int64(buf[p + 6])
        source, target = numbers_of(buf, p + 8, 6), numbers_of(buf, p + 24, 6)
    else:
        return False
    if at + 8 > end:
        return False
    if protocol == 6 or protocol == 17 or protocol == 132:
        swap = put_key(
            out, i, seed, version, protocol, np.int64(0), source, target, be16(buf, at), be16(buf, at + 2), False
        )
    elif protocol == 1 or protocol == 58:
        kind, code = np.int64(buf[at]), np.int64(buf[at + 1])
        sub, port, one_way = icmp_ports(kind, code, protocol, be16(buf, at + 4))
        if one_way:
            return False
        swap = put_key(out, i, seed, version, protocol, sub, source, target, port, port, False)
    else:
        return False
    # an error about a packet comes from the other side, as far as sides go
    out[i, slots.P_FLAGS] |= np.int64(slots.ERROR) | (np.int64(0) if swap else np.int64(slots.FROM_B))
    return True


@kernel(
    "bytes",
    "int",
    "int",
    "int64s",
    "int32s",
    "int",
    "int",
    "int64s",
    "int64s",
    "int",
    "int64s",
    "int64s",
    "int64s",
    "int",
    "int64s",
    "int",
)
def flow_packets(
    buf_p, address, valid, wide_p, places_p, capacity, rows, sensors_p, seeds_p, captures, out_p, last_p, parts_p,
    whole, counts_p, entropies,
):  # fmt: skip
    """Rows of packets of a table that belong to a flow; gives how many. ADDRESS: of the buffer, as a number.

    SENSORS and SEEDS: number of each capture's sensor, and what the hash begins with. LAST (time): for packets without
    one. PARTS: how many are fragments, which are not understood (unless WHOLE).
    COUNTS: 256 zeros, used for ENTROPIES of payload where these are wanted.
    OUT has two rows a packet: an ICMP error comes twice, about its flow and for itself. Left out and counted in LAST:
    [1] without IP, [2] with headers that were not captured,
    [3] without anything in them.
    """
    buf = carray(buf_p, (valid,))
    wide = carray(wide_p, (frame.WIDE_ROWS, capacity))
    places = carray(places_p, (frame.PLACE_ROWS, capacity))
    sensors, seeds = carray(sensors_p, (captures,)), carray(seeds_p, (captures,))
    out = carray(out_p, (2 * rows, slots.PACKET))
    last, parts = carray(last_p, (4,)), carray(parts_p, (1,))
    counts = carray(counts_p, (256,))
    parts[0] = 0
    n = np.int64(0)
    for i in range(rows):
        time = wide[frame.TIME, i]
        if time == NO_TIME:
            time = last[0]
        last[0] = time
        net, version = np.int64(places[frame.NETWORK, i]), np.int64(places[frame.VERSION, i])
        protocol, captured = np.int64(places[frame.PROTOCOL, i]), np.int64(places[frame.CAPTURED, i])
        if net < 0:
            last[1] += 1
            continue
        if protocol == 59:  # IPv6 that carries nothing
            last[3] += 1
            continue
        if protocol < 0 or net + (20 if version == 4 else 40) > captured:
            last[2] += 1
            continue
        base = wide[frame.POSITION, i]
        start, stop = np.int64(places[frame.TRANSPORT, i]), np.int64(places[frame.TRANSPORT_END, i])
        part = fragment(buf, base, net, version, np.int64(places[frame.FRAGMENT, i]), captured)
        if part and whole == 0:
            parts[0] += 1
            for k in range(slots.PACKET):
                out[n, k] = 0
            out[n, slots.P_TIME], out[n, slots.P_FLAGS] = time, slots.PART
            out[n, slots.P_CAPTURE], out[n, slots.P_ADDRESS] = places[frame.CAPTURE, i], i
            out[n, slots.P_SESSION] = -1
            n += 1
            continue
        if start < 0:
            last[2] += 1
            continue
        capture = np.int64(places[frame.CAPTURE, i])
        flags, payload = np.int64(0), max(np.int64(places[frame.PAYLOAD_LENGTH, i]), 0)
        sport, dport, sub, numbers, one_way = np.int64(0), np.int64(0), np.int64(0), np.int64(0), False
        error = False
        q = base + start
        at = np.int64(places[frame.PAYLOAD, i])
        there = max(np.int64(0), min(payload, captured - at)) if at >= 0 else np.int64(0)
        out[n, slots.TAGS] = (
            (sensors[capture] << 32)
            | ((np.int64(places[frame.VLAN, i]) + 1) << 16)
            | (np.int64(places[frame.INNER_VLAN, i]) + 1)
        )
        seed = seeds[capture]
        print_ = be16(buf, base + net + 4) if version == 4 else be16(buf, base + net + 2)
        ported = protocol == 6 or protocol == 17 or protocol == 132 or protocol == 136 or protocol == 33
        icmp = protocol == 1 or protocol == 58
        out[n, slots.P_FLAGS] = 0
        if ported:
            if start + (14 if protocol == 6 else 4) > stop:
                last[2] += 1
                continue
            sport, dport = be16(buf, q), be16(buf, q + 2)
            if protocol == 6:
                flags = np.int64(buf[q + 13]) | ((np.int64(buf[q + 12]) & 1) << 8)
                numbers = (be32(buf, q + 4) << 32) | be32(buf, q + 8)
                if start + 18 <= stop:
                    print_ ^= be16(buf, q + 16)
                if there > 0:
                    flags |= np.int64(tcp_signature(buf, base + at, there)) << slots.SIGNATURE
            elif protocol == 17:
                if start + 8 <= stop:
                    print_ ^= be16(buf, q + 6)
                if there > 0:
                    flags |= np.int64(udp_signature(buf, base + at, there, sport, dport)) << slots.SIGNATURE
        elif icmp:
            if start + 8 > stop:
                last[2] += 1
                continue
            kind, code = np.int64(buf[q]), np.int64(buf[q + 1])
            print_ ^= be16(buf, q + 2)
            answer = np.int64(counterpart(protocol, kind))
            flags |= (kind << slots.ICMP_TYPE) | ((code if answer < 0 else answer) << slots.ICMP_CODE)
            error = (protocol == 1 and (3 <= kind <= 5 or kind == 11 or kind == 12)) or (
                protocol == 58 and 1 <= kind <= 4
            )
            error = error and embedded(buf, q + 8, base + stop, out, n, seed)
            if error:
                flags |= out[n, slots.P_FLAGS]
            sub, sport, one_way = icmp_ports(kind, code, protocol, be16(buf, q + 4))
            dport = sport
        if (flags & slots.ERROR) == 0:
            source = numbers_of(buf, base + net + (12 if version == 4 else 8), version)
            target = numbers_of(buf, base + net + (16 if version == 4 else 24), version)
            if put_key(out, n, seed, version, protocol, sub, source, target, sport, dport, one_way):
                flags |= np.int64(slots.FROM_B)
            if version == 4 and target[1] == 0xFFFFFFFF:
                flags |= np.int64(slots.BROADCAST)
        if one_way:
            flags |= np.int64(slots.ONE_WAY)
        if there < payload:
            flags |= np.int64(slots.CUT)
        if entropies != 0 and there > 0:
            flags |= entropy(buf, base + at, there, counts) << slots.ENTROPY
        flags |= (print_ & 0x7FFF) << slots.PRINT
        out[n, slots.P_TIME] = time
        out[n, slots.P_FLAGS] = flags
        out[n, slots.P_NUMBERS] = numbers
        out[n, slots.P_PAYLOAD] = payload
        total = np.int64(places[frame.TOTAL, i])
        out[n, slots.P_LENGTH] = total if total > 0 else np.int64(places[frame.LENGTH, i]) - net
        out[n, slots.P_LENGTH] |= max(np.int64(places[frame.TUNNEL, i]), 0) << 32
        out[n, slots.P_CAPTURE] = capture
        out[n, slots.P_ADDRESS] = address + base + at if there > 0 else np.int64(0)
        out[n, slots.P_THERE] = there
        out[n, slots.P_SESSION] = -1
        n += 1
        if error:
            # the same packet for itself; ports, which ICMP has not, tell what it was about
            about = out[n - 1, slots.HASH]
            for k in range(slots.PACKET):
                out[n, k] = out[n - 1, k]
            source = numbers_of(buf, base + net + (12 if version == 4 else 8), version)
            target = numbers_of(buf, base + net + (16 if version == 4 else 24), version)
            put_key(out, n, seed, version, protocol, sub, source, target, about & 0xFFFF, (about >> 16) & 0xFFFF, True)
            own = ~np.int64(slots.ERROR | slots.FROM_B)
            out[n, slots.P_FLAGS] = (flags & own) | np.int64(slots.INSTEAD | slots.ONE_WAY)
            n += 1
    return n


@kernel("int64s", "int", "bytes")
def drop_doubles(packets_p, rows, keep_p):
    """Mark in KEEP what stays of packets in the order of time: what two captures have alike at one time stays once.

    Where a split left out the payload of the one that stays, it gets the other's.
    """
    packets = carray(packets_p, (rows, slots.PACKET))
    keep = carray(keep_p, (rows,))
    dropped = 0
    for i in range(rows):
        keep[i] = 1
        j = i - 1
        while j >= 0 and i - j < 256 and packets[j, slots.P_TIME] == packets[i, slots.P_TIME]:
            if (
                packets[j, slots.HASH] == packets[i, slots.HASH]
                and packets[j, slots.P_CAPTURE] != packets[i, slots.P_CAPTURE]
                and (packets[j, slots.P_FLAGS] ^ packets[i, slots.P_FLAGS]) & ~np.int64(slots.LEFT_OUT) == 0
                and packets[j, slots.P_NUMBERS] == packets[i, slots.P_NUMBERS]
                and packets[j, slots.P_PAYLOAD] == packets[i, slots.P_PAYLOAD]
                and packets[j, slots.P_LENGTH] == packets[i, slots.P_LENGTH]
                and packets[j, slots.TAGS] == packets[i, slots.TAGS]
            ):
                if packets[j, slots.P_THERE] < packets[i, slots.P_THERE]:
                    packets[j, slots.P_FLAGS] = packets[i, slots.P_FLAGS]
                    packets[j, slots.P_ADDRESS] = packets[i, slots.P_ADDRESS]
                    packets[j, slots.P_THERE] = packets[i, slots.P_THERE]
                keep[i] = 0
                dropped += 1
                break
            j -= 1
    return dropped
