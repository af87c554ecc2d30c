"""PcapStorage: what was stored comes back as it was, and other tools read it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from packetpig.loaders import load

from tests.making import conversation, enhanced, interface, ipv4, pcap, section, udp

Pig = Callable[..., subprocess.CompletedProcess[str]]
COLUMNS = ["ts_ns", "link_type", "length", "captured", "frame"]


def rows(folder: Path) -> list[tuple]:
    table = load("packets", str(folder), COLUMNS).read_all()
    return sorted(tuple(row.values()) for row in table.to_pylist())


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Two link types, nanoseconds, packets that were not captured whole, a very long one."""
    folder = tmp_path / "archive"
    folder.mkdir()
    packets = conversation(200)
    (folder / "a.pcap").write_bytes(pcap(packets, nanos=True))
    (folder / "b.pcap").write_bytes(pcap([(1_700_000_001.5, ipv4(udp(b"raw"), proto=17))], link_type=101))
    (folder / "c.pcap").write_bytes(pcap([(ts + 1, frame[:60]) for ts, frame in packets], lengths=1500))
    long = enhanced(1_700_000_000_123_456_789, bytes(300_000))
    (folder / "d.pcapng").write_bytes(section() + interface(resolution=9) + long)
    return folder


def test_what_goes_in_comes_back(pig: Pig, archive: Path, tmp_path: Path) -> None:
    output = tmp_path / "evidence"
    result = pig("-e", f"p = LOAD '{archive}' USING PacketLoader(); STORE p INTO '{output}' USING PcapStorage();")
    assert result.returncode == 0, result.stderr
    assert rows(output) == rows(archive)
    assert {path.name.split("-", 3)[3] for path in output.glob("part-*")} == {"1.pcap", "1-long.pcap", "101.pcap"}
    for path in output.glob("part-*[0-9].pcap"):
        for tool in (["tshark", "-n", "-r"], ["tcpdump", "-n", "-r"]):
            lines = subprocess.run([*tool, str(path)], capture_output=True, text=True, check=True).stdout.splitlines()
            assert len([line for line in lines if not line.startswith("\t")]) == len(rows(path))


def test_seconds_alone_make_microseconds(pig: Pig, archive: Path, tmp_path: Path) -> None:
    output = tmp_path / "evidence"
    statements = f"p = LOAD '{archive}/a.pcap' USING PacketLoader(); few = FILTER p BY ip_proto == 6; "
    statements += "q = FOREACH few GENERATE frame, link_type, (long) length AS length, ts; "
    result = pig("-e", statements + f"STORE q INTO '{output}' USING PcapStorage();")
    assert result.returncode == 0, result.stderr
    (path,) = output.glob("part-*")
    assert path.read_bytes()[:4] == b"\xd4\xc3\xb2\xa1"
    wanted = load("packets", str(archive / "a.pcap"), COLUMNS, where="ip_proto == 6").read_all().to_pylist()
    found = load("packets", str(path), COLUMNS).read_all().to_pylist()
    assert [row["frame"] for row in found] == [row["frame"] for row in wanted]
    assert all(abs(a["ts_ns"] - b["ts_ns"]) < 1000 for a, b in zip(found, wanted, strict=True))


@pytest.mark.parametrize(
    ("columns", "line"),
    [
        ("ts, frame, length", "PcapStorage needs the columns frame, length, link_type, and ts_ns or ts, as Packet"),
        ("ts, frame, length", "there is no link_type"),
        ("frame, length, link_type", "there is no ts_ns or ts"),
        ("ts, (chararray) frame AS frame, length, link_type", "the column frame is chararray, not bytearray"),
    ],
)  # fmt: skip
def test_missing_columns_are_named(pig: Pig, archive: Path, tmp_path: Path, columns: str, line: str) -> None:
    statements = f"p = LOAD '{archive}' USING PacketLoader(); q = FOREACH p GENERATE {columns}; "
    result = pig("-e", statements + f"STORE q INTO '{tmp_path}/evidence' USING PcapStorage();")
    assert result.returncode != 0
    assert line in result.stderr
    assert not (tmp_path / "evidence").exists()
