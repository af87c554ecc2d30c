"""Captures made for the comparison: every link type, header and tunnel that is understood, few packets of each.

Checksums are 0; neither side looks at them. Lengths are right unless a name says otherwise.
"""

from __future__ import annotations

import ipaddress
import struct
from pathlib import Path

from tests.making import block, ethernet, interface, ipv4, ipv6, section, tcp, udp

A, B = bytes.fromhex("02000000000a"), bytes.fromhex("02000000000b")
SNAP = bytes.fromhex("aaaa03000000")
DATA = b"twenty bytes of data"


def be(*words: int) -> bytes:
    """16-bit numbers, network order."""
    return struct.pack(f">{len(words)}H", *words)


def icmp(kind: int, code: int = 0, rest: bytes = DATA) -> bytes:
    """An ICMP message of either version."""
    return bytes((kind, code)) + be(0, 7, 1) + rest


def sctp(sport: int = 2905, dport: int = 2906) -> bytes:
    """An SCTP packet with a chunk of data."""
    chunk = struct.pack(">BBHIHHI", 0, 3, 16 + len(DATA), 1, 0, 0, 0) + DATA
    return be(sport, dport) + bytes(8) + chunk


def options4(payload: bytes, proto: int, options: bytes) -> bytes:
    """An IPv4 packet with options (a multiple of 4 bytes)."""
    packet = bytearray(ipv4(options + payload, proto=proto))
    packet[0] = 0x45 + len(options) // 4
    return bytes(packet)


def fragment6(payload: bytes, following: int, offset: int, more: int) -> bytes:
    """An IPv6 packet with a fragment header; OFFSET in units of 8 bytes."""
    return ipv6(struct.pack(">BBHI", following, 0, offset << 3 | more, 0xABCDEF01) + payload, proto=44)


def options6(following: int, words: int = 0) -> bytes:
    """A hop-by-hop or destination options header of 8 * (1 + WORDS) bytes, all padding."""
    size = 8 * (1 + words) - 4
    return bytes((following, words, 1, size)) + bytes(size)


def routing6(following: int) -> bytes:
    """A routing header of type 2."""
    return bytes((following, 2, 2, 0)) + bytes(4) + ipaddress.ip_address("2001:db8::9").packed


def ah(following: int) -> bytes:
    """An authentication header of 24 bytes."""
    return bytes((following, 4)) + be(0) + struct.pack(">II", 1, 2) + bytes(12)


def tcp_options() -> bytes:
    """A TCP segment with 12 bytes of options, all flags and an urgent pointer."""
    return struct.pack(">HHIIHHHH", 40000, 443, 0xFFFFFFFE, 0x80000001, 8 << 12 | 0x1FF, 65535, 0, 9) + (
        bytes.fromhex("0101080a0000000100000002") + DATA
    )


IP = ipv4(tcp(DATA))
IP6 = ipv6(udp(DATA), proto=17)
IP_UDP = ipv4(udp(DATA, 2000, 2001), "10.9.9.1", "10.9.9.2", proto=17, tos=0xB8, ttl=3, ident=0xBEEF)
INSIDE = ethernet(IP_UDP, vlans=[77])  # what tunnels of Ethernet carry
REAL = bytes.fromhex("001b21aabbcc001b21ddeeff") + be(0x0800) + IP_UDP  # with addresses of a known maker
NETWORKS = [
    (0x0800, packet)
    for packet in (
        IP, IP_UDP, ipv4(tcp_options()), options4(tcp(DATA), 6, bytes.fromhex("94040000")),
        ipv4(b"", proto=6, total=20),
        ipv4(icmp(8), proto=1), ipv4(icmp(3, 1, IP[:28]), proto=1), ipv4(icmp(13, 0, bytes(12)), proto=1),
        ipv4(sctp(), proto=132), ipv4(udp(DATA, 9, 9), proto=136), ipv4(be(5, 6) + bytes(20), proto=33),
        ipv4(tcp(DATA), fragment=0x2000), ipv4(DATA * 2, fragment=0x2003), ipv4(DATA, fragment=0x0009, proto=17),
        ipv4(DATA, proto=253), ipv4(ah(6) + tcp(DATA), proto=51), ipv4(DATA, proto=50),
        ipv4(be(0x1600, 0) * 2, proto=2),
        ipv4(tcp(DATA), "255.255.255.255", "0.0.0.0", fragment=0x8000),
    )
] + [
    (0x86DD, packet)
    for packet in (
        IP6, ipv6(tcp(DATA)), ipv6(tcp_options(), "::1", "::ffff:1.2.3.4"), ipv6(icmp(128), proto=58),
        ipv6(icmp(135, 0, bytes(16)), "fe80::1", "ff02::1:ff00:2", proto=58), ipv6(icmp(1, 4, IP6), proto=58),
        ipv6(sctp(), proto=132), ipv6(b"", proto=59), ipv6(options6(6) + tcp(DATA), proto=0),
        ipv6(options6(43, 2) + routing6(60) + options6(17) + udp(DATA), proto=0), ipv6(ah(6) + tcp(DATA), proto=51),
        fragment6(udp(DATA), 17, 0, 1), fragment6(DATA, 17, 3, 0), fragment6(tcp(DATA), 6, 0, 0),
        ipv6(options6(44) + struct.pack(">BBHI", 6, 0, 8, 5) + DATA, proto=0), ipv6(DATA, proto=253),
        ipv6(DATA, proto=50),
    )
]  # fmt: skip
LINKS = [
    ethernet(bytes(28), 0x0806),
    ethernet(IP, vlans=[100]),
    ethernet(IP6, 0x86DD, vlans=[4095, 1]),
    ethernet(IP, vlans=[1, 2, 3]),
    B + A + be(0x88A8, 5, 0x8100, 6, 0x0800) + IP,
    B + A + be(0x88A8, 7, 0x0800) + IP,
    B + A + be(0x9100, 8, 0x8100, 0xE009, 0x86DD) + IP6,
    B + A + be(8 + len(IP)) + SNAP + be(0x0800) + IP,
    B + A + be(0x8100, 6, 8 + len(IP)) + SNAP + be(0x0800) + IP,
    B + A + be(38) + bytes.fromhex("424203") + bytes(35),  # spanning tree
    ethernet(IP)[:60] + bytes(20),  # lengths
    ethernet(ipv4(tcp(), total=40)) + bytes(6),  # Ethernet's padding
    ethernet(ipv4(udp(DATA) + b"after", proto=17)),
    # MPLS: one label, three labels; IPv6; pseudowires with and without a control word
    ethernet(bytes.fromhex("0001013f") + IP, 0x8847),
    ethernet(bytes.fromhex("000100ff000200ff0003013f") + IP6, 0x8847),
    ethernet(bytes.fromhex("0001013f") + IP, 0x8848, vlans=[9]),
    ethernet(bytes.fromhex("0001013f00000000") + REAL, 0x8847),
    ethernet(bytes.fromhex("0001013f") + REAL, 0x8847),
    # PPPoE: session with IPv4, IPv6, link control; discovery
    ethernet(bytes.fromhex("11000001") + be(2 + len(IP), 0x0021) + IP, 0x8864),
    ethernet(bytes.fromhex("11000001") + be(2 + len(IP6), 0x0057) + IP6, 0x8864, vlans=[35]),
    ethernet(bytes.fromhex("11000001") + be(10, 0xC021) + bytes.fromhex("0901000800000000"), 0x8864),
    ethernet(bytes.fromhex("110900000004") + bytes.fromhex("01010000"), 0x8863),
]


def gre(kind: int, payload: bytes, flags: int = 0, words: int = 0) -> bytes:
    """GRE with WORDS of optional fields, which FLAGS announces."""
    return be(flags, kind) + bytes.fromhex("00000001") * words + payload


def over_udp(payload: bytes, port: int, source: int = 50000) -> bytes:
    """A tunnel over UDP."""
    return ipv4(udp(payload, source, port), proto=17)


def gtp(payload: bytes, flags: int = 0x30, kind: int = 255, more: bytes = b"") -> bytes:
    """GTP-U version 1; MORE: sequence number and extension headers."""
    return struct.pack(">BBHI", flags, kind, len(more) + len(payload), 0x11223344) + more + payload


VNI = bytes.fromhex("0800000000002a00")
AUTHENTICATION, ORIGIN = be(1, 0) + bytes(9), be(0, 0x1234) + bytes(4)
ERSPAN2, ERSPAN3 = bytes.fromhex("1064000100000002"), bytes.fromhex("206400010000000200000000")
ERSPAN3_MORE = bytes.fromhex("206400010000000200000001") + bytes(8)
TUNNELS = [
    ipv4(IP, proto=4),
    ipv4(IP6, proto=41),
    ipv4(ipv4(ipv4(IP_UDP, proto=4), proto=4), proto=4),
    ipv4(gre(0x0800, IP), proto=47),
    ipv4(gre(0x86DD, IP6, 0xB000, 3), proto=47),
    ipv4(gre(0x6558, INSIDE, 0x2000, 1), proto=47),
    ipv4(gre(0x6558, ethernet(bytes(28), 0x0806)), proto=47),
    ipv4(gre(0x8847, bytes.fromhex("0001013f") + IP), proto=47),
    ipv4(be(0x3081, 0x880B, 4 + len(IP), 1) + bytes(8) + be(0xFF03, 0x0021) + IP, proto=47),
    ipv4(be(0x3001, 0x880B, 1 + len(IP), 1) + bytes(4) + b"\x21" + IP, proto=47),
    ipv4(be(0x2081, 0x880B, 0, 1) + bytes(4), proto=47),
    ipv4(gre(0x88BE, INSIDE), proto=47),
    ipv4(gre(0x88BE, ERSPAN2 + INSIDE, 0x1000, 1), proto=47),
    ipv4(gre(0x22EB, ERSPAN3 + INSIDE, 0x1000, 1), proto=47),
    ipv4(gre(0x22EB, ERSPAN3_MORE + INSIDE, 0x1000, 1), proto=47),
    ipv4(gre(0x883E, bytes(4) + IP), proto=47),
    ipv4(gre(0x0000, b""), proto=47),  # keep-alive
    over_udp(VNI + INSIDE, 4789),
    over_udp(VNI + ethernet(IP6, 0x86DD), 4789),
    over_udp(VNI + ethernet(bytes(28), 0x0806), 4789),
    over_udp(bytes.fromhex("8800000300002a00") + INSIDE, 4789),  # with a group policy
    over_udp(bytes.fromhex("0c00000100002a00") + IP, 4790),
    over_udp(bytes.fromhex("0c00000300002a00") + INSIDE, 4790),
    over_udp(bytes.fromhex("0000655800002a00") + INSIDE, 6081),
    over_udp(bytes.fromhex("0200080000002a00") + bytes.fromhex("0102800100000000") + IP, 6081),
    over_udp(gtp(IP), 2152, 2152),
    over_udp(gtp(IP6, 0x32, more=be(7) + bytes(2)), 2152),
    over_udp(gtp(IP, 0x34, more=bytes.fromhex("00000085") + bytes.fromhex("01000900")), 2152),
    over_udp(gtp(IP, 0x36, more=be(7) + bytes.fromhex("0085") + bytes.fromhex("0100098502") + bytes(6) + b"\0"), 2152),
    over_udp(gtp(b"", 0x32, 1, be(7) + bytes(2)), 2152),  # echo
    over_udp(IP6, 3544),
    over_udp(AUTHENTICATION + ORIGIN + IP6, 50000, 3544),
    over_udp(ORIGIN + ipv6(tcp(DATA)), 3544),
    over_udp(be(0x0002, 1, 2, 0xFF03, 0x0021) + IP, 1701),
    over_udp(be(0x4802, 16 + len(IP6), 1, 2, 3, 4, 0xFF03, 0x0057) + IP6, 1701),
    over_udp(be(0xC802, 12, 1, 0, 0, 0), 1701),  # control
    over_udp(bytes.fromhex("0001013f") + IP, 6635),
    over_udp(VNI + ethernet(ipv4(gre(0x0800, ipv4(IP6, proto=41)), proto=47)), 4789),
    over_udp(gtp(ipv4(icmp(3, 3, IP[:28]), proto=1)), 2152),
]
TUNNELS6 = [
    ipv6(IP, proto=4),
    ipv6(IP6, proto=41),
    ipv6(options6(41) + ipv6(options6(4) + IP_UDP, proto=60), proto=0),
    ipv6(gre(0x0800, IP, 0x2000, 1), proto=47),
    ipv6(udp(VNI + INSIDE, 50000, 4789), proto=17),
]


def wireless(flags: int, subtype: int = 0, body: bytes = SNAP + be(0x0800) + IP) -> bytes:
    """An 802.11 data frame."""
    addresses = A + B + bytes.fromhex("02000000000c") + be(0x10)
    more = bytes.fromhex("02000000000d") if flags & 3 == 3 else b""
    quality = be(0) if subtype & 8 else b""
    return bytes((subtype << 4 | 8, flags)) + be(0) + addresses + more + quality + body


WIRELESS = [wireless(flags, subtype) for flags in range(4) for subtype in (0, 8)]
WIRELESS += [
    wireless(1, 4, b""),  # no data
    wireless(0x41, 0, bytes(60)),  # encrypted
    wireless(2, 8, SNAP + be(0x86DD) + IP6),
    bytes.fromhex("80000000") + b"\xff" * 6 + A + A + be(0x10) + bytes(12),  # beacon
    bytes.fromhex("d4000000") + A,  # acknowledgment
]
RADIOTAP = [
    bytes.fromhex("0000080000000000"),
    bytes.fromhex("000009000200000000"),
    bytes.fromhex("00001800010000a000000020000000000102030405060708"),
]
FAMILIES = ((2, IP), (24, IP6), (28, IP6), (30, IP6), (10, IP6))


def nflog(packet: bytes, family: int = 2) -> bytes:
    """A netfilter log: a prefix, a mark and the packet."""
    attributes = ((10, b"log\0"), (1, be(0x0800, 3)), (5, bytes(4)), (9, packet))
    out = bytes((family, 0)) + be(0)
    for name, value in attributes:
        out += struct.pack("<HH", 4 + len(value), name) + value + bytes(-len(value) % 4)
    return out


def cooked(kind: int, packet: bytes, hardware: int = 1, size: int = 6) -> bytes:
    """Linux cooked."""
    return be(0, hardware, size) + A + bytes(2) + be(kind) + packet


def cooked2(kind: int, packet: bytes, hardware: int = 1, size: int = 6) -> bytes:
    """Linux cooked, version 2."""
    return be(kind, 0) + struct.pack(">I", 3) + be(hardware) + bytes((4, size)) + A + bytes(2) + packet


def pktap(link_type: int, frame: bytes) -> bytes:
    """Apple's PKTAP."""
    return struct.pack("<III", 108, 1, link_type) + b"en0".ljust(24, b"\0") + bytes(72) + frame


def ppi(link_type: int, frame: bytes) -> bytes:
    """PPI without fields."""
    return struct.pack("<BBHI", 0, 0, 8, link_type) + frame


CAPTURES: dict[str, tuple[int, list[bytes]]] = {
    "ethernet": (1, [ethernet(packet, kind) for kind, packet in NETWORKS] + LINKS),
    "tunnels": (1, [ethernet(one) for one in TUNNELS] + [ethernet(one, 0x86DD) for one in TUNNELS6]),
    "null": (0, [struct.pack(order + "I", family) + packet for order in "<>" for family, packet in FAMILIES[:4]]),
    "loop": (108, [struct.pack(">I", family) + packet for family, packet in FAMILIES[:4]]),
    "ppp": (
        9,
        [be(0xFF03, 0x0021) + IP, be(0x0021) + IP, be(0xFF03, 0x0057) + IP6, b"\x21" + IP, be(0xC021) + bytes(9)],
    ),
    "ppp-hdlc": (50, [be(0xFF03, 0x0021) + IP, be(0xFF03, 0x0057) + IP6, be(0x0F00, 0x0800) + IP]),
    "ppp-pppoe": (51, [bytes.fromhex("11000001") + be(2 + len(IP), 0x0021) + IP]),
    "chdlc": (104, [be(0x0F00, 0x0800) + IP, be(0x0F00, 0x86DD) + IP6, be(0x8F00, 0x2000) + bytes(20)]),
    "ppp-direction": (204, [b"\0" + be(0xFF03, 0x0021) + IP, b"\1" + be(0xFF03, 0x0057) + IP6]),
    "raw-12": (12, [IP, IP6]),
    "raw-14": (14, [IP, IP6]),
    "raw-101": (101, [packet for _, packet in NETWORKS]),
    "raw-ipv4": (228, [IP, IP_UDP, *TUNNELS[:3]]),
    "raw-ipv6": (229, [IP6, *TUNNELS6[:3]]),
    "wireless": (105, WIRELESS),
    "radiotap": (127, [RADIOTAP[i % 3] + frame for i, frame in enumerate(WIRELESS)]),
    "prism": (119, [struct.pack("<II", 0x44, 144) + bytes(136) + frame for frame in WIRELESS[:3]]),
    "avs": (163, [struct.pack(">II", 0x80211001, 64) + bytes(56) + frame for frame in WIRELESS[:3]]),
    "ppi": (192, [ppi(1, ethernet(IP)), *(ppi(105, frame) for frame in WIRELESS[:3])]),
    "pktap": (258, [pktap(1, ethernet(IP)), pktap(1, ethernet(IP6, 0x86DD)), pktap(12, IP)]),
    "cooked": (
        113,
        [
            *(cooked(kind, packet) for kind, packet in NETWORKS[::9]),
            cooked(0x8100, be(44, 0x0800) + IP),
            cooked(0x0800, IP, 512, 0),
            cooked(0x0800, IP, 772),
            cooked(4, bytes.fromhex("424203") + bytes(35)),
        ],
    ),
    "cooked2": (276, [*(cooked2(kind, packet) for kind, packet in NETWORKS[::9]), cooked2(0x0800, IP, 65534, 0)]),
    "nflog": (239, [nflog(IP), nflog(IP6, 10)]),
    "enc": (109, [struct.pack("<III", 2, 1, 0) + IP]),
    "pflog": (117, [bytes((61, 2, 0, 0)) + b"em0".ljust(16, b"\0") + bytes(44) + IP]),
}


def write(path: Path, cut: bool = False) -> Path:
    """Write all of them as one pcapng, an interface for each; CUT: all beginnings of each frame instead of it."""
    out = [section(), *(interface(link_type) for link_type, _ in CAPTURES.values())]
    ticks = 1_700_000_000_000_000
    for which, (_, frames) in enumerate(CAPTURES.values()):
        for frame in frames:
            for size in range(1, len(frame)) if cut else (len(frame),):
                ticks += 1001
                head = struct.pack("<IIIII", which, ticks >> 32, ticks & 0xFFFFFFFF, size, len(frame))
                out.append(block(6, head + frame[:size]))
    path.write_bytes(b"".join(out))
    return path
