"""Goes into tunnels: from the packet that `layers.walk` noted to the one that it carries, and on to the innermost.

A packet is taken for a tunnel by its IP protocol, or by a UDP port that is registered for one together with a header
that makes sense; what it carries must be IP or Ethernet.

Sources: RFC 2003, 2473, 4213 (IP in IP), 2784, 2890, 2637 (GRE, PPTP), 7348 (VXLAN), draft-ietf-nvo3-vxlan-gpe,
8926 (Geneve), 3GPP TS 29.281 (GTP-U), 4380 (Teredo), 4023, 7510 (MPLS in IP, in UDP), 2661 (L2TP),
draft-foschiano-erspan (ERSPAN).
"""

from numba import carray
from packetpig.loaders.kernels import frame
from packetpig.loaders.kernels.bits import be16, be32, byte
from packetpig.loaders.kernels.kernel import helper, kernel
from packetpig.loaders.kernels.layers import network
from packetpig.loaders.kernels.links import ETHERNET, IPV4, IPV6, MPLS, PPP, beneath, by_version, ethernet

MAX_DEPTH = 6  # tunnels in tunnels: 4 bits each in the place TUNNEL
MAX_EXTENSIONS = 8  # headers of GTP-U followed

# UDP ports
VXLAN, VXLAN_LINUX, VXLAN_GPE, GENEVE, GTP, TEREDO, L2TP, MPLS_UDP = 4789, 8472, 4790, 6081, 2152, 3544, 1701, 6635
TEREDO_PREFIX = 0x20010000  # 2001::/32


@helper
def gre(buf, start, stop, at):
    """What a GRE header leads to: (kind of tunnel, offset, EtherType)."""
    flags, kind = be16(buf, start + at), be16(buf, start + at + 2)
    version = flags & 7
    sequence = flags & 0x1000
    at += 4
    if version == 1 and kind == PPP and sequence != 0:  # PPTP: key, sequence number, perhaps acknowledgment
        return frame.GRE, at + (12 if flags & 0x80 != 0 else 8), PPP
    if version != 0 or flags & 0x4000 != 0:  # no source routes (RFC 1701)
        return 0, at, -1
    for bit in (0x8000, 0x2000, 0x1000):  # checksum, key, sequence number
        if flags & bit != 0:
            at += 4
    if kind == 0x88BE and sequence == 0:  # ERSPAN I
        return frame.ERSPAN, at, ETHERNET
    if kind == 0x88BE and at + 8 <= stop and byte(buf, start + at) >> 4 == 1:  # ERSPAN II
        return frame.ERSPAN, at + 8, ETHERNET
    if kind == 0x22EB and at + 12 <= stop and byte(buf, start + at) >> 4 == 2:  # ERSPAN III
        last = be16(buf, start + at + 10)
        at += 20 if last & 1 != 0 else 12
        return frame.ERSPAN, at, by_version(buf, start, stop, at) if (last >> 10) & 31 == 2 else ETHERNET
    if kind == 0x883E and at < stop:  # WCCP; version 2 has a header of its own
        return frame.GRE, at if byte(buf, start + at) >> 4 == 4 else at + 4, IPV4
    return frame.GRE, at, kind


@helper
def gtp(buf, start, stop, at):
    """What a GTP-U header leads to: (kind of tunnel, offset, EtherType). Version 1, a user's packet."""
    flags = byte(buf, start + at)
    if flags >> 4 != 3 or byte(buf, start + at + 1) != 255:
        return 0, at, -1
    at += 8
    if flags & 7 != 0:
        if at + 4 > stop:
            return 0, at, -1
        following = byte(buf, start + at + 3) if flags & 4 != 0 else 0
        at += 4
        for _ in range(MAX_EXTENSIONS):
            if following == 0:
                break
            size = byte(buf, start + at) * 4 if at < stop else 0
            if size == 0 or at + size > stop:
                return 0, at, -1
            following = byte(buf, start + at + size - 1)
            at += size
        if following != 0:
            return 0, at, -1
    return frame.GTP, at, by_version(buf, start, stop, at)


@helper
def teredo(buf, start, stop, at, end):
    """What Teredo's optional headers lead to: (kind of tunnel, offset, EtherType). IPv6 of the right length."""
    if at + 4 <= stop and be16(buf, start + at) == 1:  # authentication
        at += 4 + byte(buf, start + at + 2) + byte(buf, start + at + 3) + 9
    if at + 8 <= stop and be16(buf, start + at) == 0:  # origin
        at += 8
    if by_version(buf, start, stop, at) == IPV6 and (at + 6 > stop or at + 40 + be16(buf, start + at + 4) <= end):
        return frame.TEREDO, at, IPV6
    return 0, at, -1


@helper
def over_udp(buf, start, stop, at, end, port):
    """What a datagram's payload at AT leads to, if PORT is a tunnel's: (kind of tunnel, offset, EtherType)."""
    if port == TEREDO:
        return teredo(buf, start, stop, at, end)
    if at + 8 > stop:
        return 0, at, -1
    first = byte(buf, start + at)
    if port in (VXLAN, VXLAN_LINUX):
        # the flag for a network identifier; 8472 is not registered, so everything that is reserved must be 0
        if first & 0x08 != 0 and (port == VXLAN or be32(buf, start + at) == 0x08000000):
            return frame.VXLAN, at + 8, ETHERNET
    elif port == VXLAN_GPE:
        following = byte(buf, start + at + 3)
        if first & 0x3C == 0x0C and 1 <= following <= 3:
            return frame.VXLAN, at + 8, IPV4 if following == 1 else IPV6 if following == 2 else ETHERNET
    elif port == GENEVE:
        # version 0, no control message
        if first >> 6 == 0 and byte(buf, start + at + 1) & 0x80 == 0:
            return frame.GENEVE, at + 8 + 4 * (first & 63), be16(buf, start + at + 2)
    elif port == GTP:
        return gtp(buf, start, stop, at)
    elif port == MPLS_UDP:
        return frame.MPLS, at, MPLS
    elif port == L2TP:
        flags = be16(buf, start + at)
        if flags & 0x8000 == 0 and flags & 0x34FF == 2:  # data, version 2; reserved bits are 0
            at += 6 + (2 if flags & 0x4000 != 0 else 0) + (4 if flags & 0x0800 != 0 else 0)
            if flags & 0x0200 != 0 and at + 2 <= stop:
                at += 2 + be16(buf, start + at)
            return frame.L2TP, at, PPP
    return 0, at, -1


@helper
def carried(buf, start, places, i, end):
    """What the noted packet carries: (kind of tunnel, offset, EtherType, end); kind 0 if it is no tunnel.

    END is where the IP packet ends.
    """
    at, stop, protocol = places[frame.TRANSPORT, i], places[frame.TRANSPORT_END, i], places[frame.PROTOCOL, i]
    outer = places[frame.VERSION, i]
    code, kind = 0, -1
    if at < 0:
        return 0, at, -1, end
    if protocol == 4:
        code, kind = frame.IPIP if outer == 4 else frame.IP4IN6, IPV4
    elif protocol == 41:
        code, kind = frame.IP6IN4 if outer == 4 else frame.IP6IN6, IPV6
    elif protocol == 137:
        code, kind = frame.MPLS, MPLS
    elif protocol == 47 and at + 4 <= stop:
        code, at, kind = gre(buf, start, stop, at)
    elif protocol == 17 and places[frame.PAYLOAD, i] >= 0 and at + 4 <= stop:
        payload = places[frame.PAYLOAD, i]
        end = payload + places[frame.PAYLOAD_LENGTH, i]
        stop = min(stop, end)
        source, target = be16(buf, start + at), be16(buf, start + at + 2)
        code, at, kind = over_udp(buf, start, stop, payload, end, target)
        if code == 0:
            code, at, kind = over_udp(buf, start, stop, payload, end, source)
        if code == 0:
            # between two clients Teredo has any port: then one of the addresses inside tells
            code, at, kind = teredo(buf, start, stop, payload, end)
            if (
                code == 0
                or at + 40 > stop
                or (be32(buf, start + at + 8) != TEREDO_PREFIX and be32(buf, start + at + 24) != TEREDO_PREFIX)
            ):
                code, kind = 0, -1
    if code != 0 and kind != ETHERNET:
        at, kind = beneath(buf, start, stop, at, kind)
    # there, and whole within what carries it, though perhaps not captured
    if kind == ETHERNET and at < stop and at + 14 <= end:
        return code, at, kind, end
    if kind == IPV4 and at + 20 <= end and by_version(buf, start, stop, at) == IPV4:
        return code, at, kind, end
    if kind == IPV6 and at + 40 <= end and by_version(buf, start, stop, at) == IPV6:
        return code, at, kind, end
    return 0, at, -1, end


@helper
def packet_end(places, i, reach):
    """Where the noted IP packet ends, in what reaches to REACH (see layers.ipv4, layers.ipv6)."""
    total = places[frame.TOTAL, i]
    if total > (40 if places[frame.VERSION, i] == 6 else 0):
        return min(places[frame.NETWORK, i] + total, reach)
    return reach


@kernel("bytes", "int", "int64s", "int32s", "int", "int")
def enter_tunnels(buf_p, valid, wide_p, places_p, capacity, rows):
    """Note the innermost packets in place of the outer ones; what they came through, in TUNNEL. Gives how many.

    A packet that has no link layer of its own keeps that of the one outside.
    """
    buf = carray(buf_p, (valid,))
    wide = carray(wide_p, (frame.WIDE_ROWS, capacity))
    places = carray(places_p, (frame.PLACE_ROWS, capacity))
    count = 0
    for i in range(rows):
        if places[frame.TRANSPORT, i] < 0:
            continue
        start = wide[frame.POSITION, i]
        reach = max(places[frame.LENGTH, i], places[frame.CAPTURED, i])
        tunnels = 0
        for depth in range(MAX_DEPTH):
            code, at, kind, end = carried(buf, start, places, i, packet_end(places, i, reach))
            if code == 0:
                break
            captured = min(places[frame.CAPTURED, i], end)
            tunnels |= code << (4 * depth)
            reach = end
            for row in range(frame.ETH_DST if kind == ETHERNET else frame.NETWORK, frame.TUNNEL):
                places[row, i] = -1
            if kind == ETHERNET:
                at, kind = ethernet(buf, start, captured, places, i, at)
            network(buf, start, captured, reach, places, i, at, kind)
            size = 40 if places[frame.VERSION, i] == 6 else 20
            if places[frame.NETWORK, i] + size > end and end < places[frame.CAPTURED, i]:
                places[frame.NETWORK, i] = -1  # a header that is cut by what carries it
            if places[frame.NETWORK, i] < 0:
                break
        if tunnels != 0:
            places[frame.TUNNEL, i] = tunnels
            count += 1
    return count
