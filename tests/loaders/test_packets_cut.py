"""Frames of which only the beginning was captured: nulls for what is not there, never other values."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from packetpig.loaders.captures.capture import local
from packetpig.loaders.contract.discovery import find
from packetpig.loaders.contract.loader import run
from packetpig.loaders.kernels.frame import LINK_TYPES

from tests.fidelity.made import CAPTURES
from tests.making import block, ethernet, interface, ipv4, ipv6, section, tcp, udp

LATER = ("sensor", "capture", "ts", "ts_ns", "offset", "number", "captured")  # not of the frame's bytes
RULES = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def rows(folder: Path, link_type: int, frames: Sequence[tuple[bytes, int]], **options: str) -> list[dict[str, Any]]:
    """Rows of frames, with each the bytes that it had on the wire."""
    path = folder / "a.pcapng"
    blocks = [
        block(6, len(frame).to_bytes(4, "little").rjust(16, b"\0") + length.to_bytes(4, "little") + frame)
        for frame, length in frames
    ]
    path.write_bytes(section() + interface(link_type) + b"".join(blocks))
    _, batches = run(find("packets"), [local(path)], options=options)
    return [row for batch in batches for row in batch.to_pylist()]


@pytest.mark.parametrize("tunnel", ["outer", "inner"])
@pytest.mark.parametrize("name", CAPTURES)
def test_every_beginning(tmp_path: Path, name: str, tunnel: str) -> None:
    link_type, frames = CAPTURES[name]
    for frame in frames:
        cuts = [(frame[:size], len(frame)) for size in range(len(frame) + 1)]
        *parts, whole = rows(tmp_path, link_type, cuts, tunnel=tunnel)
        for size, part in enumerate(parts):
            assert part["captured"] == size
            assert part.pop("frame") == frame[:size]
            if part["tunnel"] == whole["tunnel"]:
                assert part["payload"] is None or whole["payload"].startswith(part["payload"])
                wrong = {
                    column: (value, whole[column])
                    for column, value in part.items()
                    if column not in (*LATER, "payload") and value not in (None, whole[column])
                }
                assert not wrong, f"{name}, {size} bytes of {frame.hex()}"


# the first number of captured bytes at which each column is there
TCP4 = {
    "eth_dst": 6, "eth_src": 12, "eth_type": 14, "ip_version": 15, "ip_header_length": 15, "ip_tos": 16,
    "ip_total_length": 18, "ip_id": 20, "ip_flags": 21, "ip_frag_offset": 22, "ip_ttl": 23, "ip_proto": 24,
    "ip_checksum": 26, "ip_src": 30, "ip_dst": 34, "sport": 36, "tcp_sport": 36, "dport": 38, "tcp_dport": 38,
    "community_id": 38, "tcp_seq_id": 42, "tcp_ack_id": 46, "tcp_offset": 47, "tcp_len": 47, "tcp_fin": 48,
    "tcp_ns": 48, "tcp_window": 50,
}  # fmt: skip
UDP6 = {
    "vlan": 16, "eth_type": 18, "ip_version": 19, "ip_tos": 20, "ip_total_length": 24, "ip_proto": 25,
    "ip_header_length": 25, "ip_ttl": 26, "ip_src": 42, "ip_dst": 58, "udp_sport": 60, "udp_dport": 62, "udp_len": 64,
    "udp_checksum": 66,
}  # fmt: skip
ICMP4 = {"icmp_type": 35, "icmp_code": 36, "community_id": 36}


@pytest.mark.parametrize(
    ("frame", "first"),
    [
        (ethernet(ipv4(tcp(b"data"))), TCP4),
        (ethernet(ipv6(udp(b"data"), proto=17), 0x86DD, [7]), UDP6),
        (ethernet(ipv4(b"\x08\0\0\0\0\0\0\0", proto=1)), ICMP4),
    ],
    ids=["tcp", "udp", "icmp"],
)
def test_a_field_is_there_with_its_last_byte(tmp_path: Path, frame: bytes, first: dict[str, int]) -> None:
    parts = rows(tmp_path, 1, [(frame[:size], len(frame)) for size in range(len(frame))])
    for column, least in first.items():
        there = [size for size, part in enumerate(parts) if part[column] is not None]
        assert there == list(range(least, len(frame))), column


@RULES
@given(
    st.sampled_from([*LINK_TYPES, 147]),
    st.sampled_from([frame for _, frames in CAPTURES.values() for frame in frames]),
    st.lists(st.tuples(st.integers(0, 1 << 16), st.integers(0, 255)), max_size=6),
    st.integers(0, 1 << 16),
    st.sampled_from(["outer", "inner"]),
)
def test_hostile_bytes(
    tmp_path: Path, link_type: int, frame: bytes, changes: list[tuple[int, int]], length: int, tunnel: str
) -> None:
    """Any bytes give a row, each time the same, whatever comes after them, and a lying length changes no field."""
    data = bytearray(frame)
    for where, value in changes:
        data[where % len(data)] = value
    frame = bytes(data)
    alone = rows(tmp_path, link_type, [(frame, length)], tunnel=tunnel)
    followed = rows(tmp_path, link_type, [(frame, length), (b"\xff" * 64, 64), (frame, length)], tunnel=tunnel)
    assert [alone[0] | dict.fromkeys(LATER)] == [followed[0] | dict.fromkeys(LATER)]
    assert followed[0] | dict.fromkeys(LATER) == followed[2] | dict.fromkeys(LATER)
    row = alone[0]
    assert row["frame"] == frame
    assert row["payload"] is None or row["payload"] in frame
    assert row["tcp_len"] is None or 0 <= row["tcp_len"] <= max(length, len(frame))
    assert (row["ip_src"] is None) == (row["ip_dst"] is None) or len(frame) < 60
