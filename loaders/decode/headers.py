"""Which columns of packets are header fields, and where they stand: as data, for whoever looks at packets.

Nothing here needs numpy or Arrow, which take longer to import than some captures to read.
"""

from __future__ import annotations

from typing import NamedTuple

from packetpig.loaders.kernels import frame


class Field(NamedTuple):
    """A header field: WIDTH bytes, AT bytes into a LAYER, (bits >> SHIFT) & MASK.

    WHEN (place, value): only in packets whose place has that value. END: the place that says where the bytes end.
    """

    layer: int
    at: int
    width: int
    when: tuple[int, int] = (-1, 0)
    shift: int = 0
    mask: int = (1 << 32) - 1
    end: int = frame.CAPTURED


class Fields(NamedTuple):
    """A column of header fields; at most one of CHOICES applies to a packet. 64 bits if WIDE."""

    choices: tuple[Field, ...]
    wide: bool = False


class Place(NamedTuple):
    """A place that is a column itself; with WHEN only where another place has a value."""

    which: int
    when: tuple[int, int] = (-1, 0)


class Wide(NamedTuple):
    """A 64-bit place that is a column itself."""

    which: int


class Port(NamedTuple):
    """The port AT bytes into a transport header."""

    at: int


class Address(NamedTuple):
    """IP addresses as text: SIDE 0 source, 1 destination."""

    side: int


Header = Fields | Place | Wide | Port | Address

V4, V6 = (frame.VERSION, 4), (frame.VERSION, 6)
TCP, UDP, ICMP, ICMP6 = ((frame.PROTOCOL, number) for number in (6, 17, 1, 58))


def ip(
    at4: int, width4: int, at6: int, width6: int, shift4: int = 0, mask4: int = -1, shift6: int = 0, mask6: int = -1
) -> Fields:
    """A field that IPv4 and IPv6 both have."""
    v4 = Field(frame.NETWORK, at4, width4, V4, shift4, mask4)
    return Fields((v4, Field(frame.NETWORK, at6, width6, V6, shift6, mask6)))


def transport(protocol: tuple[int, int], at: int, width: int, shift: int = 0, mask: int = -1) -> Field:
    """A field of a transport header."""
    return Field(frame.TRANSPORT, at, width, protocol, shift, mask, frame.TRANSPORT_END)


def flag(bit: int) -> Fields:
    """A flag of TCP: bit 0 is FIN, bit 8 is NS."""
    return Fields((transport(TCP, 12, 2, bit, 1),))


HEADERS: dict[str, Header] = {
    "ts_ns": Wide(frame.TIME),
    "offset": Wide(frame.OFFSET),
    "number": Wide(frame.NUMBER),
    "link_type": Place(frame.LINK_TYPE),
    "length": Place(frame.LENGTH),
    "captured": Place(frame.CAPTURED),
    "eth_type": Place(frame.ETHER_TYPE),
    "vlan": Place(frame.VLAN),
    "inner_vlan": Place(frame.INNER_VLAN),
    "ip_version": Place(frame.VERSION),
    "ip_header_length": Place(frame.HEADER),
    "ip_tos": ip(1, 1, 0, 2, shift6=4, mask6=0xFF),
    "ip_total_length": Place(frame.TOTAL),
    "ip_id": Fields((Field(frame.NETWORK, 4, 2, V4), Field(frame.FRAGMENT, 4, 4, V6)), wide=True),
    "ip_flags": Fields((Field(frame.NETWORK, 6, 1, V4, 5, 7), Field(frame.FRAGMENT, 3, 1, V6, 0, 1))),
    "ip_frag_offset": Fields((Field(frame.NETWORK, 6, 2, V4, 0, 0x1FFF), Field(frame.FRAGMENT, 2, 2, V6, 3, 0x1FFF))),
    "ip_ttl": ip(8, 1, 7, 1),
    "ip_proto": Place(frame.PROTOCOL),
    "ip_checksum": Fields((Field(frame.NETWORK, 10, 2, V4),)),
    "ip_src": Address(0),
    "ip_dst": Address(1),
    "sport": Port(0),
    "dport": Port(2),
    "tcp_sport": Fields((transport(TCP, 0, 2),)),
    "tcp_dport": Fields((transport(TCP, 2, 2),)),
    "tcp_seq_id": Fields((transport(TCP, 4, 4),), wide=True),
    "tcp_ack_id": Fields((transport(TCP, 8, 4),), wide=True),
    "tcp_offset": Fields((transport(TCP, 12, 1, 4, 15),)),
    "tcp_ns": flag(8),
    "tcp_cwr": flag(7),
    "tcp_ece": flag(6),
    "tcp_urg": flag(5),
    "tcp_ack": flag(4),
    "tcp_psh": flag(3),
    "tcp_rst": flag(2),
    "tcp_syn": flag(1),
    "tcp_fin": flag(0),
    "tcp_window": Fields((transport(TCP, 14, 2),)),
    "tcp_len": Place(frame.PAYLOAD_LENGTH, TCP),
    "udp_sport": Fields((transport(UDP, 0, 2),)),
    "udp_dport": Fields((transport(UDP, 2, 2),)),
    "udp_len": Fields((transport(UDP, 4, 2),)),
    "udp_checksum": Fields((transport(UDP, 6, 2),)),
    "icmp_type": Fields((transport(ICMP, 0, 1), transport(ICMP6, 0, 1))),
    "icmp_code": Fields((transport(ICMP, 1, 1), transport(ICMP6, 1, 1))),
}
