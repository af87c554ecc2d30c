"""Packets: one row each, with the fields of its link, network and transport headers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from packetpig.loaders.captures.reading import tables
from packetpig.loaders.captures.window import Table
from packetpig.loaders.contract.columns import COMMON, integer, long, octets, text
from packetpig.loaders.contract.loader import Job, Loader, Option
from packetpig.loaders.contract.rows import assembled
from packetpig.loaders.contract.times import span
from packetpig.loaders.decode import columns as build
from packetpig.loaders.decode.arrays import bits
from packetpig.loaders.decode.columns import Builder
from packetpig.loaders.decode.headers import HEADERS
from packetpig.loaders.decode.tunnels import enter
from packetpig.loaders.kernels import frame, native

if TYPE_CHECKING:
    from packetpig.loaders.contract.filters import Filter

BUDGET = 16 << 20  # bytes of frames in a batch that carries bytes

BUILDERS: dict[str, Builder] = {
    **{name: build.builder(header) for name, header in HEADERS.items()},
    "ts": build.seconds,
    "eth_src": build.hardware(frame.ETH_SRC),
    "eth_dst": build.hardware(frame.ETH_DST),
    "community_id": build.community_id,
    "tunnel": build.tunnel,
    "payload": build.octets(frame.PAYLOAD, frame.PAYLOAD_LENGTH),
    "frame": build.octets(-1, frame.CAPTURED),
}


def rows(job: Job) -> Iterator[pa.RecordBatch]:
    """Batches of packets with the job's columns, of those that its filter keeps."""
    builders = dict(BUILDERS)
    builders["sensor"] = build.capture_text(job.captures, lambda capture: capture.sensor)
    builders["capture"] = build.capture_text(job.captures, lambda capture: capture.capture)
    times = span(job.filter.tree) if job.filter else None

    def keep(table: Table) -> None:
        if job.options.get("tunnel") == "inner":
            enter(table)
        if job.filter:
            _keep(table, job.filter, builders)

    early = not (job.filter and "number" in job.filter.names)
    for table in tables(job.captures, job.report, job.on_error, times=times, keep=keep if early else None):
        job.report.count("packets", table.noted)
        if not early:
            keep(table)
        yield from _batches(table, job.columns, builders)


def _batches(table: Table, names: tuple[str, ...], builders: dict[str, Builder]) -> Iterator[pa.RecordBatch]:
    budget = BUDGET if {"payload", "frame"} & set(names) else None
    for part in build.parts(table, budget):
        yield assembled(names, lambda name: builders[name](part), part.rows)  # noqa: B023 (called at once)


def _keep(table: Table, chosen: Filter, builders: dict[str, Builder]) -> None:
    """Leave only those packets in the table that the filter keeps."""
    names = tuple(name for name in builders if name in chosen.names)
    masks = [bits(chosen.mask(batch)) for batch in _batches(table, names, builders)]
    if masks:
        wanted = np.ascontiguousarray(np.concatenate(masks))
        table.rows = native.keep(*table.pointers[:2], table.capacity, table.rows, wanted.ctypes.data)


LOADER = Loader(
    pig="PacketLoader",
    answers="one packet: when, between whom, and the fields of its headers; a layer that is not there is null",
    options=(
        Option(
            "tunnel",
            "which packet of a tunnel is in the columns: the outer, or the innermost",
            "outer",
            ("outer", "inner"),
        ),
    ),
    split="records",
    filters=True,
    rows=rows,
    columns=(
        *COMMON,
        long("ts_ns", "the same time", "nanoseconds since the epoch"),
        long("offset", "of the packet's record in the capture (unpacked, if it is compressed)", "bytes"),
        long("number", "of the packet in its capture, from 1; null where that cannot be known"),
        integer("link_type", "link type of the capture's interface, as tcpdump.org numbers them"),
        integer("length", "of the frame on the wire", "bytes"),
        integer("captured", "of the frame, in the capture", "bytes"),
        text("eth_src", "Ethernet address of the sender", repeated=True),
        text("eth_dst", "Ethernet address of the receiver", repeated=True),
        integer("eth_type", "EtherType of what the frame carries, after VLAN tags"),
        integer("vlan", "VLAN id of the outer tag"),
        integer("inner_vlan", "VLAN id of the second tag"),
        integer("ip_version", "4 or 6; if it is another, the rest of IP is null"),
        integer(
            "ip_header_length", "from the IP header to what it carries, with options and extension headers", "bytes"
        ),
        integer("ip_tos", "type of service, or IPv6's traffic class"),
        integer("ip_total_length", "of the IP packet by its header; IPv6: payload plus 40", "bytes"),
        long("ip_id", "identification (IPv6: 32 bits, of the fragment header)"),
        integer("ip_flags", "4 reserved, 2 don't fragment, 1 more fragments (IPv6: of the fragment header)"),
        integer("ip_frag_offset", "place of the fragment", "8 bytes"),
        integer("ip_ttl", "time to live, or IPv6's hop limit", "hops"),
        integer("ip_proto", "protocol carried, as IANA numbers them (IPv6: after extension headers)"),
        integer("ip_checksum", "of the IPv4 header, as it stands there"),
        text("ip_src", "address of the sender", repeated=True),
        text("ip_dst", "address of the receiver", repeated=True),
        integer("sport", "port of the sender: TCP, UDP, SCTP, DCCP, UDP-Lite"),
        integer("dport", "port of the receiver"),
        integer("tcp_sport", "port of the sender, in TCP"),
        integer("tcp_dport", "port of the receiver, in TCP"),
        long("tcp_seq_id", "sequence number"),
        long("tcp_ack_id", "acknowledgment number"),
        integer("tcp_offset", "length of the header", "4 bytes"),
        integer("tcp_ns", "flag NS (AccECN), 0 or 1"),
        integer("tcp_cwr", "flag CWR, 0 or 1"),
        integer("tcp_ece", "flag ECE, 0 or 1"),
        integer("tcp_urg", "flag URG, 0 or 1"),
        integer("tcp_ack", "flag ACK, 0 or 1"),
        integer("tcp_psh", "flag PSH, 0 or 1"),
        integer("tcp_rst", "flag RST, 0 or 1"),
        integer("tcp_syn", "flag SYN, 0 or 1"),
        integer("tcp_fin", "flag FIN, 0 or 1"),
        integer("tcp_window", "window, not scaled"),
        integer("tcp_len", "payload by the headers", "bytes"),
        integer("udp_sport", "port of the sender, in UDP"),
        integer("udp_dport", "port of the receiver, in UDP"),
        integer("udp_len", "header and payload by the header", "bytes"),
        integer("udp_checksum", "as it stands there; 0 is none"),
        integer("icmp_type", "type of ICMP or ICMPv6"),
        integer("icmp_code", "code of ICMP or ICMPv6"),
        text("community_id", "Community ID v1 of the flow", repeated=True),
        text("tunnel", "with tunnel=inner, what the packet came through: vxlan, gre, gre+vxlan, …", repeated=True),
        octets("payload", "what follows the transport header (ICMP: its 8 bytes), as far as it was captured"),
        octets("frame", "the captured bytes"),
    ),
)
