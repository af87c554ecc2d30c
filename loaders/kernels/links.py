"""Link layers: where a frame's network layer begins, and what it is.

What a layer carries is said by an EtherType, also where the frame has none (IP after PPP is IPV4 or IPV6); -1 stands
for what is not known or not captured. Offsets (AT) count from the frame's first byte, which is at START of BUF.

Sources: the link types' registry of tcpdump.org, IEEE 802.3, 802.1Q, 802.11, radiotap.org, RFC 1042 (SNAP), 1661,
1662 (PPP), 2516 (PPPoE), 3032, 4385, 4448 (MPLS).
"""

from packetpig.loaders.kernels import frame
from packetpig.loaders.kernels.bits import be16, be32, byte, le16, le32
from packetpig.loaders.kernels.kernel import helper, inline

IPV4, IPV6 = 0x0800, 0x86DD
MPLS, MPLS_MULTICAST, PPPOE, PPP, ETHERNET = 0x8847, 0x8848, 0x8864, 0x880B, 0x6558  # ETHERNET: a whole frame

# bounds for hostile frames
MAX_TAGS = 8  # VLAN tags
MAX_LABELS = 16  # of MPLS
MAX_LAYERS = 6  # MPLS, PPPoE and PPP in a row
MAX_ATTRIBUTES = 64  # of NFLOG
MAX_WORDS = 8  # of radiotap's presence bits


@inline
def by_version(buf, start, captured, at):
    """What IP is at AT, by its version."""
    if captured <= at:
        return -1
    version = byte(buf, start + at) >> 4
    if version == 4:
        return IPV4
    return IPV6 if version == 6 else -1


@helper
def llc(buf, start, captured, at):
    """What follows an LLC header with SNAP (IEEE 802.2, RFC 1042): (offset, EtherType)."""
    if (
        captured >= at + 8
        and be16(buf, start + at) == 0xAAAA
        and be32(buf, start + at + 2) in (0x03000000, 0x030000F8)
        and be16(buf, start + at + 6) >= 0x0600
    ):
        return at + 8, be16(buf, start + at + 6)
    return at, -1


@helper
def tagged(buf, start, captured, places, i, at, kind):
    """Go past VLAN tags, note the first two and the EtherType behind them: (offset, EtherType)."""
    for _ in range(MAX_TAGS):
        if not (kind == 0x8100 or kind == 0x88A8 or kind == 0x9100):
            break
        if at + 2 > captured:
            return at, -1
        if places[frame.VLAN, i] < 0:
            places[frame.VLAN, i] = be16(buf, start + at) & 0x0FFF
        elif places[frame.INNER_VLAN, i] < 0:
            places[frame.INNER_VLAN, i] = be16(buf, start + at) & 0x0FFF
        if at + 4 > captured:
            return at, -1
        kind = be16(buf, start + at + 2)
        at += 4
        if kind < 0x0600:
            at, kind = llc(buf, start, captured, at)
    if places[frame.ETHER_TYPE, i] < 0:
        places[frame.ETHER_TYPE, i] = kind
    return at, kind


@helper
def ethernet(buf, start, captured, places, i, at):
    """Note an Ethernet header at AT and its tags: (offset, EtherType) of what follows."""
    if places[frame.ETH_DST, i] < 0:
        places[frame.ETH_DST, i] = at
        places[frame.ETH_SRC, i] = at + 6
    if captured < at + 14:
        return at, -1
    kind = be16(buf, start + at + 12)
    at += 14
    if kind < 0x0600:  # a length
        at, kind = llc(buf, start, captured, at)
    return tagged(buf, start, captured, places, i, at, kind)


@helper
def usual_ethernet(buf, start, captured, at):
    """Whether what is at AT looks like an Ethernet frame with IP, ARP, tags or labels."""
    if captured < at + 14:
        return False
    kind = be16(buf, start + at + 12)
    return kind in (IPV4, IPV6, 0x0806, 0x8100, 0x88A8, MPLS)


@helper
def mpls(buf, start, captured, at):
    """What follows a stack of MPLS labels: IP by its version, or Ethernet (a pseudowire, RFC 4448)."""
    for _ in range(MAX_LABELS):
        if at + 4 > captured:
            return at, -1
        bottom = byte(buf, start + at + 2) & 1
        at += 4
        if bottom == 1:
            kind = by_version(buf, start, captured, at)
            # a frame, behind a control word or not (the first bytes of an address may look like one)
            if kind < 0 and usual_ethernet(buf, start, captured, at + 4) and byte(buf, start + at) == 0:
                at, kind = at + 4, ETHERNET
            elif kind < 0 and usual_ethernet(buf, start, captured, at):
                kind = ETHERNET
            return at, kind
    return at, -1


@helper
def ppp(buf, start, captured, at):
    """What follows PPP's address and control (if they are there) and protocol (one byte or two)."""
    if at + 2 <= captured and be16(buf, start + at) == 0xFF03:
        at += 2
    if at + 2 > captured:
        return at, -1
    protocol = byte(buf, start + at)
    at += 1
    if protocol & 1 == 0:
        protocol = (protocol << 8) | byte(buf, start + at)
        at += 1
    if protocol == 0x0021:
        return at, IPV4
    if protocol == 0x0057:
        return at, IPV6
    if protocol == 0x0281:
        return at, MPLS
    return at, MPLS_MULTICAST if protocol == 0x0283 else -1


@helper
def beneath(buf, start, captured, at, kind):
    """Go past MPLS, PPPoE and PPP: (offset, EtherType) of what they carry."""
    for _ in range(MAX_LAYERS):
        if kind in (MPLS, MPLS_MULTICAST):
            at, kind = mpls(buf, start, captured, at)
        elif kind == PPPOE:
            # version and type 1, code 0: a session's data
            if at + 6 > captured or be16(buf, start + at) != 0x1100:
                return at, -1
            at, kind = at + 6, PPP
        elif kind == PPP:
            at, kind = ppp(buf, start, captured, at)
        else:
            break
    return at, kind


@helper
def wireless(buf, start, captured, places, i, at, padded):
    """Note the addresses of an 802.11 frame: (offset, EtherType) of what it carries; its header may be PADDED to 4."""
    if captured < at + 2:
        return at, -1
    kind, flags = byte(buf, start + at) & 0x0C, byte(buf, start + at + 1)
    subtype = byte(buf, start + at) >> 4
    if kind == 0x04 or kind == 0x0C:  # control, extension
        return at, -1
    to, out = flags & 1, flags & 2
    places[frame.ETH_DST, i] = at + (16 if to != 0 else 4)
    places[frame.ETH_SRC, i] = at + ((24 if to != 0 else 16) if out != 0 else 10)
    if kind != 0x08 or captured < at + 24:
        return at, -1
    if subtype & 4 != 0 or flags & 0x40 != 0 or byte(buf, start + at + 22) & 0x0F != 0:
        return at, -1  # without data, encrypted, or a later fragment
    size = 30 if to != 0 and out != 0 else 24
    aggregate = False
    if subtype & 8 != 0:  # quality of service
        aggregate = captured >= at + size + 1 and byte(buf, start + at + size) & 0x80 != 0
        size += 6 if flags & 0x80 != 0 else 2
    if padded:
        size = (size + 3) // 4 * 4
    at += size
    if aggregate:
        at += 14  # the header of the first of several
    return llc(buf, start, captured, at)


@helper
def radiotap(buf, start, captured, at):
    """Length of a radiotap header, and whether it says that the 802.11 header is padded."""
    if captured < at + 8:
        return 8, False
    size = le16(buf, start + at + 2)
    present = le32(buf, start + at + 4)
    last, field = present, at + 8
    for _ in range(MAX_WORDS):
        if last >> 31 == 0 or field + 4 > captured:
            break
        last = le32(buf, start + field)
        field += 4
    if present & 1 != 0:  # a 64-bit time, aligned
        field = at + (field - at + 7) // 8 * 8 + 8
    padded = present & 2 != 0 and field < captured and byte(buf, start + field) & 0x20 != 0
    return size, padded


@helper
def nflog(buf, start, captured, at):
    """Where the packet is among the attributes of a netfilter log, which are in the byte order of their host."""
    at += 4
    for _ in range(MAX_ATTRIBUTES):
        if at + 4 > captured:
            break
        size, name = le16(buf, start + at), le16(buf, start + at + 2)
        if size < 4 or name > 0xFF:
            size, name = be16(buf, start + at), be16(buf, start + at + 2)
        if size < 4:
            break
        if name == 9:
            return at + 4
        at += (size + 3) // 4 * 4
    return captured


@helper
def cooked(buf, start, captured, places, i, at, header, protocol, size, address):
    """Note a Linux cooked HEADER (its length): (offset, EtherType) of what follows.

    PROTOCOL, SIZE (two bytes, of the address) and ADDRESS are offsets in it.
    """
    if captured >= at + size + 2 and be16(buf, start + at + size) & 0xFF == 6:
        places[frame.ETH_SRC, i] = at + address
    if captured < at + protocol + 2:
        return at, -1
    kind = be16(buf, start + at + protocol)
    at += header
    if kind < 0x0600:
        at, kind = llc(buf, start, captured, at)
    return tagged(buf, start, captured, places, i, at, kind)


@helper
def other_link(buf, start, captured, link_type, places, i):
    """Note a link layer that is not Ethernet: (offset, EtherType) of what it carries."""
    at = 0
    padded = False
    for _ in range(2):  # headers that a capturing program put before the frame, and that name its link type
        if link_type == 258 and captured >= at + 12:  # PKTAP
            at, link_type = at + le32(buf, start + at), le32(buf, start + at + 8)
        elif link_type == 192 and captured >= at + 8:  # PPI
            at, link_type = at + le16(buf, start + at + 2), le32(buf, start + at + 4)
        elif link_type == 127:
            size, padded = radiotap(buf, start, captured, at)
            at, link_type = at + size, 105
        elif link_type == 163 and captured >= at + 8:  # AVS
            at, link_type = at + be32(buf, start + at + 4), 105
        elif link_type == 119 and captured >= at + 8:  # Prism; some drivers write AVS instead
            avs = be32(buf, start + at) >> 16 == 0x8021
            at, link_type = at + (be32(buf, start + at + 4) if avs else 144), 105
        else:
            break
    if at >= captured:
        return at, -1
    if link_type == 1:
        return ethernet(buf, start, captured, places, i, at)
    if link_type == 105:
        at, kind = wireless(buf, start, captured, places, i, at, padded)
        return tagged(buf, start, captured, places, i, at, kind)
    if link_type == 113:  # Linux cooked
        return cooked(buf, start, captured, places, i, at, 16, 14, 4, 6)
    if link_type == 276:  # Linux cooked, version 2, whose address has one byte for its size, after one for the type
        return cooked(buf, start, captured, places, i, at, 20, 0, 10, 12)
    if link_type == 12 or link_type == 14 or link_type == 101:
        return at, by_version(buf, start, captured, at)
    if link_type == 228:
        return at, IPV4
    if link_type == 229:
        return at, IPV6
    if (link_type == 0 or link_type == 108) and captured >= at + 4:  # BSD loopback: an address family
        family = be32(buf, start + at)
        if link_type == 0 and family > 0xFFFF:
            family = le32(buf, start + at)  # the host's byte order
        if family == 2:
            return at + 4, IPV4
        # 10 Linux, 23 Windows, 24 NetBSD and OpenBSD, 28 FreeBSD, 30 macOS
        return at + 4, IPV6 if family in (10, 23, 24, 28, 30) else -1
    if link_type == 9 or link_type == 50 or link_type == 104:  # PPP, PPP in HDLC or Cisco HDLC, Cisco HDLC
        first = byte(buf, start + at)
        if link_type == 104 or (link_type == 50 and (first == 0x0F or first == 0x8F)):
            kind = be16(buf, start + at + 2) if captured >= at + 4 else -1
            return tagged(buf, start, captured, places, i, at + 4, kind if kind >= 0x0600 else -1)
        return at, PPP
    if link_type == 204:  # PPP after a byte for the direction
        return at + 1, PPP
    if link_type == 51:
        return at, PPPOE
    if link_type == 219:
        return at, MPLS
    if link_type == 239:
        at = nflog(buf, start, captured, at)
        return at, by_version(buf, start, captured, at)
    if link_type == 109 or link_type == 117:  # OpenBSD's enc and pflog
        at += 12 if link_type == 109 else (byte(buf, start + at) + 3) // 4 * 4
        return at, by_version(buf, start, captured, at)
    return at, -1
