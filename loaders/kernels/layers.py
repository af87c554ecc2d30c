"""Walks a frame: which layers it has and where they begin. No byte outside the captured frame is read.

Sources: RFC 791, 8200, 4302 (IP), 9293 (TCP), 768 (UDP), 9260 (SCTP), IEEE 802.1Q, the link types' registry of
tcpdump.org.
"""

import numpy as np
from packetpig.loaders.kernels import frame
from packetpig.loaders.kernels.kernel import helper, inline

MAX_TAGS = 8  # VLAN tags followed, and IPv6 extension headers followed: bounds for hostile frames
MAX_EXTENSIONS = 16


@inline
def be16(buf, at):
    """Unsigned 16 bits, network order."""
    return (np.int64(buf[at]) << 8) | np.int64(buf[at + 1])


@inline
def be32(buf, at):
    """Unsigned 32 bits, network order."""
    return (
        (np.int64(buf[at]) << 24) | (np.int64(buf[at + 1]) << 16) | (np.int64(buf[at + 2]) << 8) | np.int64(buf[at + 3])
    )


@inline
def by_version(buf, at, captured):
    """EtherType of an IP packet without link layer, from its version; -1 if it is neither."""
    if captured <= at:
        return -1
    version = np.int64(buf[at]) >> 4
    if version == 4:
        return 0x0800
    if version == 6:
        return 0x86DD
    return -1


@helper
def link(buf, start, captured, link_type, places, i):
    """Note the link layer; give (offset, EtherType) of what it carries, EtherType -1 where that is not known."""
    if link_type == 1:
        places[frame.ETHERNET, i] = 0
        if captured < 14:
            return 0, -1
        kind = be16(buf, start + 12)
        if kind >= 0x0600:
            return 14, kind
        # IEEE 802.3: a length, then LLC; SNAP carries an EtherType
        if (
            captured >= 22
            and be16(buf, start + 14) == 0xAAAA
            and buf[start + 16] == 3
            and (be32(buf, start + 16) & 0x00FFFFFF) == 0
        ):
            return 22, be16(buf, start + 20)
        return 14, -1
    if link_type == 101 or link_type == 12 or link_type == 14 or link_type == 228 or link_type == 229:
        return 0, by_version(buf, start, start + captured)
    if link_type == 113:
        if captured < 16:
            return 0, -1
        kind = be16(buf, start + 14)
        return 16, kind if kind >= 0x0600 else -1
    return 0, -1


@helper
def transport(buf, start, captured, places, i, at, end, protocol):
    """Note the transport header at AT and its payload; the IP packet ends at END."""
    stop = min(end, captured)
    places[frame.TRANSPORT, i] = at
    places[frame.TRANSPORT_END, i] = stop
    size = -1
    if protocol == 6:
        if at + 13 <= stop:
            words = np.int64(buf[start + at + 12]) >> 4
            if words >= 5:
                size = words * 4
    elif protocol == 17 or protocol == 136 or protocol == 1 or protocol == 58:
        size = 8
    elif protocol == 132:
        size = 12
    if size < 0 or at + size > end:
        return
    length = end - at - size
    if protocol == 17 and at + 6 <= stop:
        announced = be16(buf, start + at + 4)
        if announced >= 8:
            length = min(length, announced - 8)
    places[frame.PAYLOAD, i] = at + size
    places[frame.PAYLOAD_LENGTH, i] = length


@helper
def ipv4(buf, start, captured, length, places, i, at):
    """Note an IPv4 packet at AT."""
    if captured <= at or np.int64(buf[start + at]) >> 4 != 4:
        return
    places[frame.NETWORK, i] = at
    places[frame.VERSION, i] = 4
    header = (np.int64(buf[start + at]) & 15) * 4
    places[frame.HEADER, i] = header
    if header < 20 or captured < at + 4:
        return
    total = be16(buf, start + at + 2)
    places[frame.TOTAL, i] = total
    if total == 0:
        total = length - at  # segmentation was left to the network card: as long as the frame
    if captured < at + 10:
        return
    protocol = np.int64(buf[start + at + 9])
    places[frame.PROTOCOL, i] = protocol
    if total < header or be16(buf, start + at + 6) & 0x1FFF != 0 or captured < at + header:
        return
    transport(buf, start, captured, places, i, at + header, at + total, protocol)


@helper
def ipv6(buf, start, captured, length, places, i, at):
    """Note an IPv6 packet at AT, past its extension headers."""
    if captured <= at or np.int64(buf[start + at]) >> 4 != 6:
        return
    places[frame.NETWORK, i] = at
    places[frame.VERSION, i] = 6
    places[frame.HEADER, i] = 40
    if captured < at + 6:
        return
    announced = be16(buf, start + at + 4)
    places[frame.TOTAL, i] = 40 + announced
    end = at + 40 + announced if announced > 0 else length
    if captured < at + 7:
        return
    protocol = np.int64(buf[start + at + 6])
    where = at + 40
    later = False
    for _ in range(MAX_EXTENSIONS):
        if (
            not (
                protocol == 0
                or protocol == 43
                or protocol == 44
                or protocol == 60
                or protocol == 51
                or protocol == 135
                or protocol == 139
                or protocol == 140
            )
            or later
        ):
            break
        if where + 8 > min(captured, end):
            # an extension header that is not there: what it would lead to is not known
            places[frame.HEADER, i] = where - at
            places[frame.PROTOCOL, i] = protocol
            return
        following = np.int64(buf[start + where])
        if protocol == 44:
            places[frame.FRAGMENT, i] = where
            later = be16(buf, start + where + 2) & 0xFFF8 != 0
            where += 8
        elif protocol == 51:
            where += (np.int64(buf[start + where + 1]) + 2) * 4
        else:
            where += (np.int64(buf[start + where + 1]) + 1) * 8
        protocol = following
    places[frame.PROTOCOL, i] = protocol
    places[frame.HEADER, i] = where - at
    if later or where > end or where > captured:
        return
    transport(buf, start, captured, places, i, where, end, protocol)


@helper
def walk(buf, start, captured, length, link_type, places, i):
    """Note all layers of the frame at START of BUF in column I of PLACES."""
    for row in range(frame.ETHERNET, frame.CAPTURE):
        places[row, i] = -1
    places[frame.CAPTURED, i] = captured
    places[frame.LENGTH, i] = length
    places[frame.LINK_TYPE, i] = link_type
    at, kind = link(buf, start, captured, link_type, places, i)
    for tag in range(MAX_TAGS):
        if not (kind == 0x8100 or kind == 0x88A8 or kind == 0x9100) or at + 4 > captured:
            break
        if tag == 0:
            places[frame.VLAN, i] = be16(buf, start + at) & 0x0FFF
        elif tag == 1:
            places[frame.INNER_VLAN, i] = be16(buf, start + at) & 0x0FFF
        kind = be16(buf, start + at + 2)
        at += 4
        if kind < 0x0600:
            kind = -1
    if link_type != 101 and link_type != 12 and link_type != 14 and link_type != 228 and link_type != 229:
        places[frame.ETHER_TYPE, i] = kind
    if kind == 0x0800:
        ipv4(buf, start, captured, length, places, i, at)
    elif kind == 0x86DD:
        ipv6(buf, start, captured, length, places, i, at)
