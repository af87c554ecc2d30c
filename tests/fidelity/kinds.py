"""The kinds of difference from tshark that are known, and why we differ. docs/differences.md lists them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .tshark import EXTENSIONS, Packet

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Kind:
    """A kind: differences in columns that begin with COLUMNS for which HOLDS(ours, tshark's, our row, its packet)."""

    name: str
    columns: str | tuple[str, ...]
    holds: Callable[[Any, Any, Row, Packet], bool]
    reason: str


def tcp_left(row: Row) -> int:
    """Bytes that the IP header leaves for TCP."""
    return int(row["ip_total_length"]) - int(row["ip_header_length"])


DAMAGED = "record that cannot be"
KINDS = (
    Kind(
        "IPv6 as IPv4",
        "",
        lambda _ours, _theirs, row, packet: (
            row["eth_type"] == 0x0800
            and row["tunnel"] is None
            and packet.chain.count("ipv6") == 1
            and row["ip_version"] == 6
        ),
        "the EtherType says IPv4, the version 6; no host takes it for IPv6, tshark does",
    ),
    Kind(
        "cut by the capture",
        "",
        lambda _ours, theirs, row, _packet: theirs is None and row["captured"] < row["length"],
        "tshark reads several fields at a time and shows none of them where the last was not captured; we give those "
        "whose bytes are there",
    ),
    Kind(
        "cut before the inner packet",
        "",
        lambda _ours, _theirs, row, packet: (
            row["captured"] < row["length"] and row["tunnel"] != packet.columns["tunnel"]
        ),
        "nothing, or one byte, was captured of the packet in the tunnel: we give the one outside where tshark gives an "
        "inner packet without fields, or the other way round",
    ),
    Kind(
        "cut extension header",
        ("ip_proto", "ip_header_length"),
        lambda ours, _theirs, row, packet: (
            row["captured"] < row["length"]
            and row["ip_version"] == 6
            and (ours is None or packet.chain[-1] in EXTENSIONS)
        ),
        "we give null where it was not captured which extension headers there are; tshark gives what it has seen",
    ),
    Kind(
        "cut ports",
        "community_id",
        lambda ours, _theirs, row, _packet: row["captured"] < row["length"] and ours is not None,
        "tshark takes no ports of a transport header that is cut; we do where they were captured",
    ),
    Kind(
        "protocol 0",
        "community_id",
        lambda _ours, theirs, row, _packet: theirs is None and row["ip_proto"] == 0,
        "tshark gives no Community ID for IP protocol 0; we hash it as any other without ports",
    ),
    Kind(
        "IPv6 without ports",
        "community_id",
        lambda _ours, theirs, row, _packet: theirs is None and row["ip_version"] == 6 and row["sport"] is None,
        "tshark gives no Community ID for IPv6 whose protocol has no ports; we hash it as over IPv4",
    ),
    Kind(
        "UDP-Lite",
        "community_id",
        lambda _ours, _theirs, row, _packet: row["ip_proto"] == 136,
        "the specification has ports for TCP, UDP and SCTP; tshark uses those of UDP-Lite too",
    ),
    Kind(
        "AH over IPv4",
        "community_id",
        lambda _ours, _theirs, row, _packet: row["ip_proto"] == 51,
        "tshark uses the ports behind the authentication header; to us AH is the protocol that IPv4 carries",
    ),
    Kind(
        "ports missing",
        "community_id",
        lambda ours, _theirs, row, _packet: ours is None and row["dport"] is None,
        "the ports were not captured; tshark hashes without them, which is another flow; we give null",
    ),
    Kind(
        "first fragment",
        "tcp_len",
        lambda _ours, theirs, row, _packet: theirs is None and (row["ip_flags"] or 0) & 1 == 1,
        "tshark gives no length of a segment in fragments; we give the bytes of it that are in the first",
    ),
    Kind(
        "direction byte",
        "",
        lambda _ours, _theirs, row, _packet: row["link_type"] == 204,
        "PPP with direction: tshark takes the byte of the direction off the frame",
    ),
    Kind(
        "UDP shorter than IP",
        "payload",
        lambda ours, theirs, row, _packet: row["udp_len"] is not None and ours == theirs[: max(0, row["udp_len"] - 8)],
        "bytes after the end of the datagram (RFC 768, Length) are not its payload; tshark's udp.payload has them",
    ),
    Kind(
        "TCP header too short",
        "tcp_",
        lambda _ours, theirs, row, _packet: theirs is None and (tcp_left(row) < 20 or (row["tcp_offset"] or 0) < 5),
        "the header is cut by IP's length, or says that it has less than 20 bytes; tshark stops there, we give the "
        "fields whose bytes are there",
    ),
    Kind(
        "Ethernet length 0",
        "eth_type",
        lambda ours, theirs, _row, _packet: ours is None and theirs == 0,
        "0 is a length, not an EtherType (IEEE 802.3, 3.2.6); tshark takes it for a type",
    ),
    Kind(
        "IP length 0",
        "ip_total_length",
        lambda ours, _theirs, row, _packet: ours == (0 if row["ip_version"] == 4 else 40),
        "the network card was to cut the segment; we give the field as it stands there, tshark the frame's length",
    ),
    Kind(
        DAMAGED,
        "row",
        lambda _ours, _theirs, _row, _packet: False,
        "a damaged capture: we skip what cannot be a record with a warning, tshark goes on in another way",
    ),
)
REASONS = {kind.name: kind.reason for kind in KINDS}


def kind_of(column: str, ours: Any, theirs: Any, row: Row, packet: Packet) -> str | None:
    """The known kind that a difference belongs to; None if it is not explained."""
    for kind in KINDS:
        if column.startswith(kind.columns) and kind.holds(ours, theirs, row, packet):
            return kind.name
    return None
