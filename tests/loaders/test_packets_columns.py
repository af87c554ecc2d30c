"""Every column of frames made by hand, with the values that the RFCs give them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from packetpig.loaders.captures.capture import local
from packetpig.loaders.contract.discovery import find
from packetpig.loaders.contract.loader import run
from packetpig.loaders.contract.report import Report

from tests.making import block, ethernet, interface, ipv4, ipv6, pcap, section, tcp, udp

LOADER = find("packets")
EVERY = [column.name for column in LOADER.schema()]
GIVEN = {"sensor": "default", "capture": "a.pcap", "number": 1, "offset": 24, "ts": 1.5, "ts_ns": 1_500_000_000}


def row(folder: Path, frame: bytes, link_type: int = 1, **options: str) -> dict[str, Any]:
    """The row of a frame, without the columns that are null."""
    path = folder / "a.pcap"
    path.write_bytes(pcap([(1.5, frame)], link_type=link_type))
    _, batches = run(LOADER, [local(path)], options=options)
    (found,) = [one for batch in batches for one in batch.to_pylist()]
    assert list(found) == EVERY
    return {name: value for name, value in found.items() if value is not None}


def expected(frame: bytes, link_type: int = 1, **columns: Any) -> dict[str, Any]:
    """What a row has, beside the COLUMNS, of any frame."""
    size = len(frame)
    return GIVEN | {"link_type": link_type, "length": size, "captured": size, "frame": frame} | columns


LINK = {"eth_src": "02:00:00:00:00:0b", "eth_dst": "02:00:00:00:00:0a"}
NO_FLAGS = {f"tcp_{name}": 0 for name in ("ns", "cwr", "ece", "urg", "ack", "psh", "rst", "syn", "fin")}


def test_tcp_over_ipv4(tmp_path: Path) -> None:
    packet = ipv4(
        tcp(b"GET /", 40000, 80, 0x018, 0xFFFFFFFF, 0x80000000), "128.232.110.120", "66.35.250.204", tos=0xB9, ttl=63,
        ident=0xFFFE, fragment=0x4000,
    )  # fmt: skip
    frame = ethernet(packet)
    assert row(tmp_path, frame) == expected(
        frame, **LINK, **NO_FLAGS | {"tcp_psh": 1, "tcp_ack": 1}, eth_type=0x0800, ip_version=4, ip_header_length=20,
        ip_tos=0xB9, ip_total_length=45, ip_id=0xFFFE, ip_flags=2, ip_frag_offset=0, ip_ttl=63, ip_proto=6,
        ip_checksum=0, ip_src="128.232.110.120", ip_dst="66.35.250.204", sport=40000, dport=80, tcp_sport=40000,
        tcp_dport=80, tcp_seq_id=0xFFFFFFFF, tcp_ack_id=0x80000000, tcp_offset=5, tcp_window=8192, tcp_len=5,
        community_id=row(tmp_path, frame)["community_id"], payload=b"GET /",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("bit", "name"), list(enumerate(["fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr", "ns"]))
)
def test_flags(tmp_path: Path, bit: int, name: str) -> None:
    found = row(tmp_path, ethernet(ipv4(tcp(flags=1 << bit))))
    assert {key: found[key] for key in NO_FLAGS} == NO_FLAGS | {f"tcp_{name}": 1}


def test_udp_over_ipv6_with_tags(tmp_path: Path) -> None:
    frame = ethernet(ipv6(udp(b"data", 5353, 53), "2001:db8::1", "::ffff:10.0.0.1", 17), 0x86DD, [4095, 1, 9])
    assert row(tmp_path, frame) == expected(
        frame, **LINK, eth_type=0x86DD, vlan=4095, inner_vlan=1, ip_version=6, ip_header_length=40, ip_tos=0,
        ip_total_length=52, ip_ttl=64, ip_proto=17, ip_src="2001:db8::1", ip_dst="::ffff:10.0.0.1", sport=5353,
        dport=53, udp_sport=5353, udp_dport=53, udp_len=12, udp_checksum=0,
        community_id=row(tmp_path, frame)["community_id"], payload=b"data",
    )  # fmt: skip


def test_extension_headers(tmp_path: Path) -> None:
    """Hop-by-hop options, a routing header, a fragment header (the first), destination options; then ICMPv6."""
    extensions = bytes.fromhex("2b00010400000000") + bytes.fromhex("2c02020000000000") + bytes(16)
    extensions += bytes.fromhex("3c000001deadbeef") + bytes.fromhex("3a01010c") + bytes(12)
    found = row(tmp_path, ethernet(ipv6(extensions + bytes.fromhex("8000000000010002") + b"ping", proto=0), 0x86DD))
    wanted = {
        "ip_header_length": 40 + 8 + 24 + 8 + 16, "ip_proto": 58, "ip_id": 0xDEADBEEF, "ip_flags": 1,
        "ip_frag_offset": 0, "icmp_type": 128, "icmp_code": 0, "payload": b"ping", "ip_total_length": 108,
    }  # fmt: skip
    assert found | wanted == found


@pytest.mark.parametrize(
    ("frame", "offset", "flags"),
    [
        (ethernet(ipv4(b"rest", fragment=0x0005)), 5, 0),
        (ethernet(ipv4(b"rest", fragment=0x3FFF)), 0x1FFF, 1),
        (ethernet(ipv6(bytes.fromhex("0600fff900000001") + b"rest", proto=44), 0x86DD), 0x1FFF, 1),
    ],
)
def test_later_fragments_have_no_transport(tmp_path: Path, frame: bytes, offset: int, flags: int) -> None:
    found = row(tmp_path, frame)
    assert (found["ip_proto"], found["ip_frag_offset"], found["ip_flags"]) == (6, offset, flags)
    assert not {"sport", "tcp_sport", "tcp_len", "payload"} & set(found)


@pytest.mark.parametrize(
    ("proto", "segment", "wanted"),
    [
        (132, bytes.fromhex("0b590b5a000000010000000000030010"), {"sport": 2905, "dport": 2906}),
        (136, bytes.fromhex("00070008000800000000"), {"sport": 7, "dport": 8, "payload": b"\0\0"}),
        (33, bytes.fromhex("0007000800000000"), {"sport": 7, "dport": 8}),
        (1, bytes.fromhex("0301000000000000") + b"quoted", {"icmp_type": 3, "icmp_code": 1, "payload": b"quoted"}),
        (253, b"whatever", {}),
    ],
)
def test_other_transports(tmp_path: Path, proto: int, segment: bytes, wanted: dict[str, Any]) -> None:
    found = row(tmp_path, ethernet(ipv4(segment, proto=proto)))
    assert found | wanted == found
    assert not [name for name in found if name.startswith(("tcp_", "udp_"))]


# https://github.com/corelight/community-id-spec: baselines
COMMUNITY_IDS = [
    (ipv4(tcp(b"", 34855, 80), "128.232.110.120", "66.35.250.204"), "1:LQU9qZlK+B5F3KDmev6m5PMibrg="),
    (ipv4(tcp(b"", 80, 34855), "66.35.250.204", "128.232.110.120"), "1:LQU9qZlK+B5F3KDmev6m5PMibrg="),
    (ipv4(udp(b"", 54585, 53), "192.168.1.52", "8.8.8.8", 17), "1:d/FP5EW3wiY1vCndhwleRRKHowQ="),
    (ipv4(b"\x08\0" + bytes(6), "192.168.0.89", "192.168.0.1", 1), "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="),
    (ipv4(b"\0\0" + bytes(6), "192.168.0.1", "192.168.0.89", 1), "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="),
]


@pytest.mark.parametrize(("packet", "wanted"), COMMUNITY_IDS)
def test_community_id(tmp_path: Path, packet: bytes, wanted: str) -> None:
    assert row(tmp_path, ethernet(packet))["community_id"] == wanted


@pytest.mark.parametrize(
    ("frame", "wanted"),
    [
        (ethernet(ipv4(tcp(b"data"), total=0)), {"ip_total_length": 0, "tcp_len": 4, "payload": b"data"}),
        (ethernet(ipv4(tcp(b"data"), total=9999)), {"ip_total_length": 9999, "tcp_len": 4, "payload": b"data"}),
        (ethernet(ipv4(tcp(b"data"), total=42)), {"ip_total_length": 42, "tcp_len": 2, "payload": b"da"}),
        (ethernet(ipv4(udp(b"data") + b"more", proto=17)), {"udp_len": 12, "payload": b"data"}),
        (ethernet(b"\x42" + ipv4(tcp())[1:]), {"ip_version": 4, "ip_header_length": 8, "ip_src": None, "sport": None}),
        (ethernet(b"\x55" + ipv4(tcp())[1:]), {"ip_version": 5, "ip_ttl": None, "sport": None}),
        (ethernet(ipv6(tcp()), 0x0800), {"ip_version": 6, "ip_src": None, "sport": None}),
        (ethernet(ipv4(tcp()[:12] + b"\x4f" + tcp()[13:])), {"tcp_offset": 4, "tcp_len": None, "payload": None}),
        (ethernet(ipv4(tcp()[:12] + b"\xf0" + tcp()[13:])), {"tcp_offset": 15, "tcp_len": None, "payload": None}),
        (ethernet(b"", 0x0005), {"eth_type": None}),
        (ethernet(bytes.fromhex("aaaa030000000800") + ipv4(tcp()), 48), {"eth_type": 0x0800, "sport": 1025}),
        (ethernet(bytes(28), 0x0806), {"eth_type": 0x0806, "ip_version": None}),
    ],
    ids=lambda value: value.hex()[24:60] if isinstance(value, bytes) else "",
)
def test_oddities(tmp_path: Path, frame: bytes, wanted: dict[str, Any]) -> None:
    found = row(tmp_path, frame)
    assert {name: found.get(name) for name in wanted} == wanted


class TestLinkTypes:
    """What tests/fidelity does not compare: link types that tshark has not, and those that nobody has."""

    def test_mpls(self, tmp_path: Path) -> None:
        frame = bytes.fromhex("0001013f") + ipv4(tcp())
        assert row(tmp_path, frame, 219)["ip_src"] == "10.0.0.1"

    @pytest.mark.parametrize("suffix", ["pcap", "pcapng"])
    def test_not_understood(self, tmp_path: Path, suffix: str) -> None:
        path = tmp_path / f"a.{suffix}"
        frame = bytes(range(60))
        if suffix == "pcap":
            path.write_bytes(pcap([(1.5, frame)] * 3, link_type=147))
        else:
            packet = block(6, bytes(12) + b"\x3c\0\0\0" * 2 + frame)
            path.write_bytes(section() + interface(147) + interface(147) + packet * 3)
        report = Report()
        _, batches = run(LOADER, [local(path)], ["number", "link_type", "eth_type", "ip_src", "length"], report=report)
        found = [one for batch in batches for one in batch.to_pylist()]
        assert [(one["number"], one["link_type"], one["length"]) for one in found] == [(n, 147, 60) for n in (1, 2, 3)]
        assert all(one["eth_type"] is None and one["ip_src"] is None for one in found)
        assert report.warnings == [f"{path}: link type 147 is not understood; its packets are rows without layers"]


class TestTunnels:
    """What tests/fidelity does not show."""

    def test_the_outer_packet_unless_asked(self, tmp_path: Path) -> None:
        frame = ethernet(ipv4(ipv4(tcp(), "10.9.9.9"), proto=4))
        assert row(tmp_path, frame)["ip_src"] == "10.0.0.1"
        found = row(tmp_path, frame, tunnel="inner")
        assert (found["ip_src"], found["tunnel"], found["sport"]) == ("10.9.9.9", "ipip", 1025)

    def test_a_link_layer_of_its_own_or_that_outside(self, tmp_path: Path) -> None:
        inside = bytes.fromhex("0800000000002a00") + b"\x0e" * 12 + ethernet(ipv4(tcp()), vlans=[5])[12:]
        found = row(tmp_path, ethernet(ipv4(udp(inside, dport=4789), proto=17), vlans=[3]), tunnel="inner")
        assert (found["eth_src"], found["vlan"], found["tunnel"]) == ("0e:0e:0e:0e:0e:0e", 5, "vxlan")
        found = row(tmp_path, ethernet(ipv4(ipv4(tcp()), proto=4), vlans=[3]), tunnel="inner")
        assert (found["eth_src"], found["vlan"]) == ("02:00:00:00:00:0b", 3)

    def test_nesting_is_bounded(self, tmp_path: Path) -> None:
        packet = ipv4(tcp())
        for _ in range(40):
            packet = ipv4(packet, proto=4)
        found = row(tmp_path, ethernet(packet), tunnel="inner")
        assert found["tunnel"] == "+".join(["ipip"] * 6)
        assert (found["ip_proto"], found["ip_total_length"]) == (4, 40 + 34 * 20)

    @pytest.mark.parametrize(
        ("port", "payload"),
        [
            (4789, bytes.fromhex("0000000000002a00") + ethernet(ipv4(tcp()))),  # no flag
            (4789, bytes.fromhex("0800000000002a00") + bytes(13)),  # no room for Ethernet
            (8472, bytes.fromhex("0800000100002a00") + ethernet(ipv4(tcp()))),  # a reserved bit
            (6081, bytes.fromhex("4000080000002a00") + ipv4(tcp())),  # version
            (2152, bytes.fromhex("10ff002800000001") + ipv4(tcp())),  # version
            (2152, bytes.fromhex("30ff002800000001") + bytes(40)),  # not IP
            (2152, bytes.fromhex("34ff002c0000000100000085") + bytes(40)),  # extension header of no length
            (3544, b"\x60" + bytes(4) + b"\xff" + bytes(60)),  # length
            (1701, bytes.fromhex("0003000100020021") + ipv4(tcp())),  # version
            (53, bytes.fromhex("0800000000002a00") + ethernet(ipv4(tcp()))),  # port
        ],
    )
    def test_by_port_and_header(self, tmp_path: Path, port: int, payload: bytes) -> None:
        frame = ethernet(ipv4(udp(payload, 50000, port), proto=17))
        assert row(tmp_path, frame, tunnel="inner") == row(tmp_path, frame)

    def test_an_inner_header_cut_by_the_outer_length(self, tmp_path: Path) -> None:
        """Bytes behind the outer packet are not the inner one's."""
        packet = ipv4(ipv4(tcp()), proto=4)
        short = packet[:2] + (30).to_bytes(2, "big") + packet[4:]
        found = row(tmp_path, ethernet(short), tunnel="inner")
        assert "tunnel" not in found
        assert found["ip_total_length"] == 30

    def test_filters_see_the_inner_packet(self, tmp_path: Path) -> None:
        path = tmp_path / "a.pcap"
        path.write_bytes(pcap([(1.0, ethernet(ipv4(ipv4(tcp(), "10.9.9.9"), proto=4))), (2.0, ethernet(ipv4(tcp())))]))
        _, batches = run(
            LOADER, [local(path)], ["number"], "tunnel == 'ipip' and tcp_sport == 1025", options={"tunnel": "inner"}
        )
        assert [one["number"] for batch in batches for one in batch.to_pylist()] == [1]
