"""Makes small captures of known content: frames, and the files that hold them."""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterable, Sequence

ETHERNET = bytes.fromhex("02000000000a02000000000b")


def ethernet(payload: bytes, kind: int = 0x0800, vlans: Sequence[int] = ()) -> bytes:
    """An Ethernet frame; one tag for each VLAN id, the outer first."""
    tags = b"".join(struct.pack(">HH", 0x8100, vlan) for vlan in vlans)
    return ETHERNET + tags + struct.pack(">H", kind) + payload


def ipv4(payload: bytes, src: str = "10.0.0.1", dst: str = "10.0.0.2", proto: int = 6, **fields: int) -> bytes:
    """An IPv4 packet. FIELDS: ttl, ident, fragment (flags and offset), tos, total."""
    total = fields.get("total", 20 + len(payload))
    head = struct.pack(
        ">BBHHHBBH4s4s", 0x45, fields.get("tos", 0), total, fields.get("ident", 1), fields.get("fragment", 0x4000),
        fields.get("ttl", 64), proto, 0, ipaddress.IPv4Address(src).packed, ipaddress.IPv4Address(dst).packed,
    )  # fmt: skip
    return head + payload


def ipv6(payload: bytes, src: str = "2001:db8::1", dst: str = "2001:db8::2", proto: int = 6) -> bytes:
    """An IPv6 packet."""
    packed = ipaddress.IPv6Address(src).packed + ipaddress.IPv6Address(dst).packed
    return struct.pack(">IHBB", 6 << 28, len(payload), proto, 64) + packed + payload


def tcp(
    payload: bytes = b"", sport: int = 1025, dport: int = 80, flags: int = 0x18, seq: int = 1, ack: int = 1
) -> bytes:
    """A TCP segment."""
    return struct.pack(">HHIIHHHH", sport, dport, seq, ack, (5 << 12) | flags, 8192, 0, 0) + payload


def udp(payload: bytes = b"", sport: int = 1025, dport: int = 53) -> bytes:
    """A UDP datagram."""
    return struct.pack(">HHHH", sport, dport, 8 + len(payload), 0) + payload


def pcap(
    packets: Iterable[tuple[float, bytes]],
    order: str = "<",
    nanos: bool = False,
    link_type: int = 1,
    snap: int = 262_144,
    lengths: int | None = None,
) -> bytes:
    """A pcap file. LENGTHS: what every record says was on the wire, instead of what is there."""
    magic, scale = (0xA1B23C4D, 10**9) if nanos else (0xA1B2C3D4, 10**6)
    out = [struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, snap, link_type)]
    for ts, frame in packets:
        whole = int(ts)
        part = round((ts - whole) * scale)
        out.append(struct.pack(order + "IIII", whole, part, len(frame), lengths or len(frame)) + frame)
    return b"".join(out)


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    """A pcapng block."""
    body += b"\0" * (-len(body) % 4)
    size = 12 + len(body)
    return struct.pack(order + "II", kind, size) + body + struct.pack(order + "I", size)


def section(order: str = "<") -> bytes:
    """A pcapng section header."""
    return block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1), order)


def interface(link_type: int = 1, order: str = "<", resolution: int | None = None, offset: int | None = None) -> bytes:
    """A pcapng interface. RESOLUTION and OFFSET as the options if_tsresol and if_tsoffset have them."""
    options = b""
    if resolution is not None:
        options += struct.pack(order + "HHB3x", 9, 1, resolution)
    if offset is not None:
        options += struct.pack(order + "HHq", 14, 8, offset)
    return block(1, struct.pack(order + "HHI", link_type, 0, 0) + options + (b"\0\0\0\0" if options else b""), order)


def enhanced(ticks: int, frame: bytes, which: int = 0, order: str = "<") -> bytes:
    """A pcapng enhanced packet block."""
    head = struct.pack(order + "IIIII", which, ticks >> 32, ticks & 0xFFFFFFFF, len(frame), len(frame))
    return block(6, head + frame, order)


def conversation(count: int = 20, start: float = 1_700_000_000.0, gap: float = 0.25) -> list[tuple[float, bytes]]:
    """Packets of mixed kinds: TCP over IPv4 and IPv6, UDP, ICMP, VLANs, ARP, with payloads of many sizes."""
    packets = []
    for i in range(count):
        size = (i * 37) % 1300
        payload = bytes((i + k) & 255 for k in range(size))
        host = f"10.0.{i % 5}.{i % 7 + 1}"
        frame = [
            ethernet(ipv4(tcp(payload, 1025 + i % 9, 80), host)),
            ethernet(ipv4(udp(payload, 5000 + i % 3, 53), host, proto=17)),
            ethernet(ipv6(tcp(payload, 2000 + i % 4, 443)), 0x86DD),
            ethernet(ipv4(tcp(payload, 80, 1025 + i % 9), "10.0.0.2", host), vlans=[100]),
            ethernet(ipv4(b"\x08\x00\0\0" + struct.pack(">HH", 7, i & 0xFFFF) + payload, host, proto=1)),
            ethernet(bytes(28), 0x0806),
        ][i % 6]
        packets.append((start + i * gap, frame))
    return packets
