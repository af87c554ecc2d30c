"""carve: the packets that were asked for, whole, in the order of time, and nothing else."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from packetpig.loaders import load

from tests.conftest import DEMO
from tests.making import conversation, ethernet, ipv4, pcap, udp

Run = Callable[..., subprocess.CompletedProcess[str]]
COLUMNS = ["ts_ns", "link_type", "length", "captured", "frame"]


def rows(path: Path, where: str | None = None) -> list[tuple]:
    table = load("packets", str(path), COLUMNS, where=where).read_all()
    return [tuple(row.values()) for row in table.to_pylist()]


def test_a_filter(packetpig: Run, tmp_path: Path) -> None:
    out, where = tmp_path / "out.pcap", "tcp_dport == 25 OR tcp_sport == 25"
    result = packetpig("carve", "--where", where, DEMO, out)
    assert result.returncode == 0, result.stderr
    assert result.stderr == f"packetpig: {out}: 831 packets\n"
    found = rows(out)
    assert found == sorted(rows(DEMO, where), key=lambda row: row[0])
    listed = subprocess.run(["tcpdump", "-n", "-r", out], capture_output=True, text=True, check=True)
    assert len(listed.stdout.splitlines()) == len(found)
    assert packetpig("carve", "--where", where, DEMO, out).returncode == 1
    assert packetpig("carve", "--where", where, DEMO, out, "--force").returncode == 0
    assert [path.name for path in tmp_path.iterdir()] == ["out.pcap"]


def test_captures_that_overlap_are_merged_by_time(packetpig: Run, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for name, start in (("a", 1_700_000_000.0), ("b", 1_700_000_000.1), ("c", 1_700_000_500.0)):
        (folder / f"{name}.pcap").write_bytes(pcap(conversation(100, start)))
    out = tmp_path / "out.pcap"
    assert packetpig("carve", "--where", "true", folder, out).returncode == 0
    found = rows(out)
    assert found == sorted(found, key=lambda row: row[0])
    assert sorted(found) == sorted(rows(folder))


def test_link_types_are_kept_apart(packetpig: Run, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.pcap").write_bytes(pcap([(1.0, ethernet(ipv4(udp(b"a"), proto=17)))], lengths=1400))
    (folder / "b.pcap").write_bytes(pcap([(2.0, ipv4(udp(b"b"), proto=17))], link_type=101))
    result = packetpig("carve", "--where", "udp_dport == 53", folder, tmp_path / "out.pcap")
    assert result.returncode == 0, result.stderr
    assert rows(tmp_path / "out.pcap") == rows(folder / "a.pcap")
    assert rows(tmp_path / "out-101.pcap") == rows(folder / "b.pcap")


def test_nothing_found_is_an_empty_capture(packetpig: Run, tmp_path: Path) -> None:
    result = packetpig("carve", "--where", "tcp_dport == 1 AND udp_dport == 1", DEMO, tmp_path / "out.pcap")
    assert (result.returncode, result.stderr) == (0, f"packetpig: {tmp_path}/out.pcap: 0 packets\n")
    assert len((tmp_path / "out.pcap").read_bytes()) == 24


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_flows(packetpig: Run, tmp_path: Path, kind: str) -> None:
    """One flow whole, one from a time on, one up to a time, one that is not there."""
    table = load("packets", str(DEMO), ["ts", "community_id", *COLUMNS], where="tcp_dport == 25 OR tcp_sport == 25")
    packets = sorted(table.read_all().to_pylist(), key=lambda row: row["ts_ns"])
    flows = list(dict.fromkeys(row["community_id"] for row in packets))[:3]
    middle = {flow: sorted(row["ts"] for row in packets if row["community_id"] == flow)[10] for flow in flows}
    listed = [
        {"community_id": flows[0]},
        {"community_id": flows[1], "start": middle[flows[1]]},
        {"community_id": flows[2], "ts": 0.5, "end_ts": middle[flows[2]]},
        {"community_id": "1:nowhere", "start": 1},
    ]
    path = tmp_path / f"flows.{kind}"
    if kind == "csv":
        names = ["community_id", "start", "ts", "end_ts"]
        lines = [",".join(str(row.get(name, "")) for name in names) for row in listed]
        path.write_text("\n".join([",".join(names), *lines]) + "\n")
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in listed))
    result = packetpig("carve", "--flows", path, DEMO, tmp_path / "out.pcap")
    assert result.returncode == 0, result.stderr
    wanted = [
        row
        for row in packets
        if row["community_id"] == flows[0]
        or (row["community_id"] == flows[1] and row["ts"] >= middle[flows[1]])
        or (row["community_id"] == flows[2] and row["ts"] <= middle[flows[2]])
    ]
    assert rows(tmp_path / "out.pcap") == [tuple(row[name] for name in COLUMNS) for row in wanted]
    both = packetpig("carve", "--flows", path, "--where", "tcp_dport == 25", DEMO, tmp_path / "both.pcap")
    assert both.returncode == 0
    assert 0 < len(rows(tmp_path / "both.pcap")) < len(wanted)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("flow,start\na,1\n", "no column community_id in its first line"),
        ("community_id,start\n,1\n", "line 2: no community_id"),
        ("community_id,start\na,yesterday\n", "line 2: a time is seconds since the epoch"),
        ('{"community_id": 3}\n', "line 1: no community_id"),
        ('{"community_id"\n', "line 1: not JSON"),
    ],
)
def test_a_list_that_is_wrong(packetpig: Run, tmp_path: Path, text: str, line: str) -> None:
    path = tmp_path / "flows"
    path.write_text(text)
    result = packetpig("carve", "--flows", path, DEMO, tmp_path / "out.pcap")
    assert result.returncode == 1
    assert f"{path}: {line}" in result.stderr
    assert not (tmp_path / "out.pcap").exists()


def test_which_packets(packetpig: Run, tmp_path: Path) -> None:
    assert packetpig("carve", DEMO, tmp_path / "out.pcap").returncode == 2
    assert packetpig("carve", "--where", "true", tmp_path / "none", tmp_path / "out.pcap").returncode == 1
    assert packetpig("carve", "--where", "true", DEMO, tmp_path / "none/out.pcap").returncode == 1
    assert "not a file" in packetpig("carve", "--where", "true", "--force", DEMO, "/dev/null").stderr
    assert not Path("/dev/null").is_file()
