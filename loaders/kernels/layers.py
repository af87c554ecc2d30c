"""Walks a frame: which layers it has and where they begin. No byte outside the captured frame is read.

Sources: RFC 791, 8200, 4302 (IP), 9293 (TCP), 768 (UDP), 9260 (SCTP); links.py for link layers.
"""

from packetpig.loaders.kernels import frame
from packetpig.loaders.kernels.bits import be16, be32, byte  # noqa: F401 (be32: for those who look here for it)
from packetpig.loaders.kernels.kernel import helper
from packetpig.loaders.kernels.links import ETHERNET, IPV4, IPV6, beneath, ethernet, other_link

MAX_EXTENSIONS = 16  # IPv6 extension headers followed: a bound for hostile frames


@helper
def transport(buf, start, captured, places, i, at, end, protocol):
    """Note the transport header at AT and its payload; the IP packet ends at END."""
    stop = min(end, captured)
    places[frame.TRANSPORT, i] = at
    places[frame.TRANSPORT_END, i] = stop
    size = -1
    if protocol == 6:
        if at + 13 <= stop:
            words = byte(buf, start + at + 12) >> 4
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
def ipv4(buf, start, captured, reach, places, i, at):
    """Note an IPv4 packet at AT of a frame that reaches to REACH."""
    if captured <= at:
        return
    places[frame.VERSION, i] = byte(buf, start + at) >> 4
    if places[frame.VERSION, i] != 4:
        return
    header = (byte(buf, start + at) & 15) * 4
    places[frame.HEADER, i] = header
    if header < 20:
        return  # what follows is no IPv4 header
    places[frame.NETWORK, i] = at
    if captured < at + 4:
        return
    total = be16(buf, start + at + 2)
    places[frame.TOTAL, i] = total
    # no length: segmentation was left to the network card. More than was on the wire: not believed
    end = at + total if 0 < total < reach - at else reach
    if captured < at + 10:
        return
    protocol = byte(buf, start + at + 9)
    places[frame.PROTOCOL, i] = protocol
    if end < at + header or be16(buf, start + at + 6) & 0x1FFF != 0 or captured < at + header:
        return
    transport(buf, start, captured, places, i, at + header, end, protocol)


@helper
def ipv6(buf, start, captured, reach, places, i, at):
    """Note an IPv6 packet at AT, past its extension headers, of a frame that reaches to REACH."""
    if captured <= at:
        return
    places[frame.VERSION, i] = byte(buf, start + at) >> 4
    if places[frame.VERSION, i] != 6:
        return
    places[frame.NETWORK, i] = at
    if captured < at + 6:
        return
    announced = be16(buf, start + at + 4)
    places[frame.TOTAL, i] = 40 + announced
    end = min(at + 40 + announced, reach) if announced > 0 else reach
    if captured < at + 7:
        return
    protocol = byte(buf, start + at + 6)
    where, stop = at + 40, min(captured, end)
    later = False
    for _ in range(MAX_EXTENSIONS):
        # hop-by-hop, routing, fragment, AH, destination, mobility, HIP, Shim6
        if later or protocol not in (0, 43, 44, 51, 60, 135, 139, 140):
            break
        if where + 2 > stop:
            if stop < end:
                return  # what it leads to was not captured
            break
        if protocol == 44:
            places[frame.FRAGMENT, i] = where
            later = where + 4 > stop or be16(buf, start + where + 2) & 0xFFF8 != 0
            size = 8
        elif protocol == 51:
            size = (byte(buf, start + where + 1) + 2) * 4
        else:
            size = (byte(buf, start + where + 1) + 1) * 8
        protocol = byte(buf, start + where)
        where += size
    places[frame.PROTOCOL, i] = protocol
    places[frame.HEADER, i] = where - at
    if later or where > stop:
        return
    transport(buf, start, captured, places, i, where, end, protocol)


@helper
def network(buf, start, captured, reach, places, i, at, kind):
    """Note what is at AT: IP, or IP beneath MPLS, PPPoE, PPP, pseudowires. KIND is its EtherType."""
    if kind == IPV4:
        ipv4(buf, start, captured, reach, places, i, at)
    elif kind == IPV6:
        ipv6(buf, start, captured, reach, places, i, at)
    elif kind >= 0:
        at, kind = beneath(buf, start, captured, at, kind)
        if kind == ETHERNET:
            at, kind = ethernet(buf, start, captured, places, i, at)
        if kind == IPV4:
            ipv4(buf, start, captured, reach, places, i, at)
        elif kind == IPV6:
            ipv6(buf, start, captured, reach, places, i, at)


@helper
def walk(buf, start, captured, length, link_type, places, i):
    """Note all layers of the frame at START of BUF in column I of PLACES: of tunnels the outer packet."""
    for row in range(frame.ETH_DST, frame.CAPTURE):
        places[row, i] = -1
    places[frame.CAPTURED, i] = captured
    places[frame.LENGTH, i] = length
    places[frame.LINK_TYPE, i] = link_type
    reach = max(length, captured)
    kind = be16(buf, start + 12) if link_type == 1 and captured >= 14 else -1
    if kind in (IPV4, IPV6):  # what most frames are, without detours
        places[frame.ETH_DST, i] = 0
        places[frame.ETH_SRC, i] = 6
        places[frame.ETHER_TYPE, i] = kind
        at = 14
    elif link_type == 1:
        at, kind = ethernet(buf, start, captured, places, i, 0)
    else:
        at, kind = other_link(buf, start, captured, link_type, places, i)
    network(buf, start, captured, reach, places, i, at, kind)
