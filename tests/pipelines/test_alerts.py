"""An IDS window after window: what goes on across the edge, and rules that change."""

from __future__ import annotations

from pathlib import Path

import pytest
from packetpig.loaders import load
from packetpig.pipelines.stage import stages

from tests.conftest import DEMO
from tests.making import pcap
from tests.pipelines.test_pipeline import pipeline, rows

SCAN = 1709672680.0  # the demo's port scan: 1,210 ports tried in 1.2 s
EDGE = 1709672400  # where a window of 15 minutes begins
TIME = f"ts >= {SCAN} AND ts < {SCAN + 2}"
MANY = (
    'alert tcp any any -> any any (msg:"many"; flags:S,12; '
    "threshold:type both, track by_src, count 1000, seconds 10; sid:8; rev:1;)\n"
)
FEW = ("--without", ",".join(sorted(set(stages()) - {"tracked", "sessions", "alerts"})))


@pytest.mark.slow
def test_an_attack_that_the_edge_of_windows_cuts(tmp_path: Path) -> None:
    """Neither half of the scan is enough for the rule. The first half comes late, and has the alerts made again."""
    table = load("packets", str(DEMO / "2024-03-05T20.pcap"), ["ts", "frame"], where=TIME)
    frames = [(row["ts"], row["frame"]) for row in table.read_all().to_pylist()]
    middle = len(frames) // 2
    moved = [(ts - frames[middle][0] + EDGE, frame) for ts, frame in frames]
    captures, tables, rules = tmp_path / "in", tmp_path / "out", tmp_path / "many.rules"
    rules.write_text(MANY)
    captures.mkdir()
    (captures / "b.pcap").write_bytes(pcap(moved[middle:]))
    run = ("15m", *FEW, "--rules", str(rules))
    assert pipeline(captures, tables, *run).returncode == 0
    assert rows(tables, "alerts") == []
    (captures / "a.pcap").write_bytes(pcap(moved[:middle]))
    late = pipeline(captures, tables, *run)
    assert late.returncode == 0, late.stderr
    assert {row["sid"] for row in rows(tables, "alerts")} == {8}
    assert {(row["window"], row["ts"] >= EDGE) for row in rows(tables, "alerts")} == {("2024-03-05T2100", True)}
    cold = pipeline(captures, tables, *run, "--warm", "0")
    assert cold.returncode == 0
    assert rows(tables, "alerts") == []


@pytest.mark.slow
def test_networks_of_ours_are_those_of_the_rules(tmp_path: Path) -> None:
    """HOME_NET is what `--internal` says, with spaces or without; another one has the alerts made again."""
    table = load("packets", str(DEMO / "2024-03-05T20.pcap"), ["ts", "frame"], where=TIME)
    captures, tables, rules = tmp_path / "in", tmp_path / "out", tmp_path / "home.rules"
    captures.mkdir()
    (captures / "a.pcap").write_bytes(pcap([(row["ts"], row["frame"]) for row in table.read_all().to_pylist()]))
    rules.write_text('alert tcp any any -> $HOME_NET any (msg:"ours"; flags:S,12; sid:9; rev:1;)\n')
    run = ("1d", *FEW, "--rules", str(rules))
    counts = []
    for networks in ("203.0.113.0/24,2001:db8::/32", "10.10.0.0/16, fc00::/7"):
        made = pipeline(captures, tables, *run, "--internal", networks)
        assert made.returncode == 0, made.stderr
        counts.append(len(rows(tables, "alerts")))
    assert counts[0] == 0 < counts[1]
