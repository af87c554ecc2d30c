"""Columns that tell a session: all loaders of sessions and of what they say have them."""

from __future__ import annotations

from packetpig.loaders.contract.columns import integer, text

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
