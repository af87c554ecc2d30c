"""Columns that tell a session: all loaders of sessions and of what they say have them."""

from __future__ import annotations

from packetpig.loaders.contract.columns import integer, long, text

FLOW = (
    text("session_id", "name of the session: of its sensor, VLANs, flow and first time"),
    text("community_id", "Community ID v1 of the flow; it repeats when ports do", repeated=True),
    text("proto", "tcp, udp, icmp, icmp6, sctp, or the protocol's number", repeated=True),
    text("src", "address of the side that opened", repeated=True),
    integer("sport", "its port; of ICMP the type"),
    text("dst", "address of the other side", repeated=True),
    integer("dport", "its port; of ICMP the type that answers, or the code where none does"),
    integer("vlan", "VLAN id of the outer tag"),
    integer("inner_vlan", "VLAN id of the second tag"),
    text("tunnel", "what the flow goes through", repeated=True),
)
"""What columns of all loaders of sessions go on with after COMMON."""

COUNTS = (
    long("src_packets", "packets from the side that opened"),
    long("dst_packets", "packets to it"),
    long("src_bytes", "payload from the side that opened, retransmissions once", "bytes"),
    long("dst_bytes", "payload to it", "bytes"),
    long("src_ip_bytes", "IP packets from the side that opened, with headers", "bytes"),
    long("dst_ip_bytes", "IP packets to it", "bytes"),
    long("missed_bytes", "TCP payload that was acknowledged and is not in the captures", "bytes"),
)
"""How much both sides of a session sent."""
