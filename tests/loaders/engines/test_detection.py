"""What holds for every IDS engine: its alerts are those of the engine run by hand. Each needs its engine.

PACKETPIG_SNORT names a Snort of either version, PACKETPIG_SNORT2 a 2.9 beside a 3.
"""

from __future__ import annotations

import os
import re
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from packetpig.loaders import load
from packetpig.loaders.contract.loader import OptionError
from packetpig.loaders.engines import snort2, snort3, suricata
from packetpig.loaders.engines.alerts import OPTIONS, setup
from packetpig.loaders.engines.detection import Setup
from packetpig.loaders.engines.rules import Rules

from tests.conftest import DEMO
from tests.loaders.engines import byhand
from tests.making import ethernet, ipv4, pcap, tcp

COLUMNS = ("src", "sport", "dst", "dport", "gid", "sid", "rev", "priority", "message")
SHORT = 'alert tcp any any -> any any (msg:"%s"; content:"%s"; sid:%d; rev:3;)\n'


@dataclass(frozen=True)
class Engine:
    """One that is installed."""

    name: str
    program: str
    by_hand: Callable[[Path, Setup, Path, str], list[Any]]

    def alerts(self, *paths: object, **options: str) -> list[dict[str, Any]]:
        loader = "suricata" if self.name == "suricata" else "snort"
        batches = load(loader, [str(one) for one in paths], binary=self.program, **options)
        return [row for batch in batches for row in batch.to_pylist()]

    def hand(self, captures: list[Path], rules: str, folder: Path, **settings: Any) -> list[Any]:
        merged = byhand.merged(list(map(str, captures)), folder / "merged.pcap")
        return self.by_hand(merged, Setup(Rules.of(rules), **settings), folder / "hand", self.program)


PROGRAMS = {
    "suricata": (suricata.find(""), byhand.suricata),
    "snort3": (snort3.find(""), byhand.snort),
    "snort2": (snort2.find(os.environ.get("PACKETPIG_SNORT2", "")), byhand.snort2),
}
ENGINES = [
    pytest.param(
        Engine(name, program or "", hand), id=name, marks=pytest.mark.skipif(not program, reason=f"no {name} here")
    )
    for name, (program, hand) in PROGRAMS.items()
]
each = pytest.mark.parametrize("engine", ENGINES, scope="module")


def keys(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    # nanoseconds of a capture are more than a double says of today: a third of a microsecond is enough to round down
    return sorted((int(row["ts"] * 1e6 + 0.3), *(row[name] for name in COLUMNS)) for row in rows)


def one_packet(folder: Path, rules: str, payload: bytes = b"evil thing") -> tuple[Path, str]:
    (folder / "x.pcap").write_bytes(pcap([(1, ethernet(ipv4(tcp(payload))))]))
    (folder / "a.rules").write_text(rules)
    return folder / "x.pcap", str(folder / "a.rules")


@each
def test_the_same_as_by_hand_one_for_one_and_in_each_run(engine: Engine, tmp_path: Path) -> None:
    found = engine.alerts(DEMO)
    assert keys(found) == engine.hand([DEMO], "", tmp_path)
    assert len(found) > 200
    assert keys(engine.alerts(DEMO)) == keys(found)


@each
def test_an_attack_across_two_files_is_seen(engine: Engine, tmp_path: Path) -> None:
    back = ("10.0.0.2", "10.0.0.1")
    one = [
        (1, ethernet(ipv4(tcp(flags=2, seq=99)))),
        (1.1, ethernet(ipv4(tcp(flags=0x12, seq=9, ack=100, sport=80, dport=1025), *back))),
        (2, ethernet(ipv4(tcp(b"GET /ev", seq=100, ack=10)))),
    ]
    other = [
        (3, ethernet(ipv4(tcp(b"il HTTP/1.0\r\n\r\n", seq=107, ack=10)))),
        (4, ethernet(ipv4(tcp(flags=0x10, seq=10, ack=122, sport=80, dport=1025), *back))),
    ]
    both = [tmp_path / "a.pcap", tmp_path / "b.pcap"]
    for path, packets in zip(both, (one, other), strict=True):
        path.write_bytes(pcap(packets))
    rules = tmp_path / "a.rules"
    rules.write_text(SHORT.replace("; sid", "; http_uri; sid") % ("evil", "/evil", 1))
    found = engine.alerts(*both, rules=str(rules))
    assert [row["sid"] for row in found] == [1]
    assert not engine.alerts(both[0], rules=str(rules))
    assert keys(found) == engine.hand(both, str(rules), tmp_path)


@each
@pytest.mark.parametrize("link_type", [1, 101, 113])
def test_link_types(engine: Engine, link_type: int, tmp_path: Path) -> None:
    ahead = {1: ethernet(b""), 101: b"", 113: b"\0\0\0\1\0\6\2\0\0\0\0\1\0\0\x08\0"}[link_type]
    path, rules = one_packet(tmp_path, SHORT % ("evil", "evil", 1))
    path.write_bytes(pcap([(1.25, ahead + ipv4(tcp(b"evil thing")))], link_type=link_type))
    assert [row["ts"] for row in engine.alerts(path, rules=rules)] == [1.25]


@each
def test_thresholds_survive(engine: Engine, tmp_path: Path) -> None:
    line = SHORT % ("evil", "evil", 1)
    path, rules = one_packet(
        tmp_path, line.replace("sid", "threshold:type limit, track by_src, count 2, seconds 60; sid")
    )
    frames = [(k, ethernet(ipv4(tcp(b"evil", seq=1 + 4 * k, sport=2000 + k)))) for k in range(9)]
    path.write_bytes(pcap(frames))
    assert len(engine.alerts(path, rules=rules)) == 2


@each
def test_all_alerts_of_a_packet_are_kept(engine: Engine, tmp_path: Path) -> None:
    """Of this many an engine by itself gives 3, or 15."""
    path, rules = one_packet(tmp_path, "".join(SHORT % (k, "evil", k) for k in range(1, 61)))
    assert sorted(row["sid"] for row in engine.alerts(path, rules=rules)) == list(range(1, 61))


@each
def test_alerts_that_an_engine_drops_are_said(engine: Engine, tmp_path: Path) -> None:
    path, rules = one_packet(tmp_path, "".join(SHORT % (k, "evil", k) for k in range(1, 121)))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        assert len(engine.alerts(path, rules=rules)) == 100
    left = re.search(r"left out alerts, (\d+) at most: it keeps 100", " ".join(str(one.message) for one in said))
    assert left, [*map(str, said)]
    assert 20 <= int(left[1]) <= 40  # Snort 3 counts those twice


@each
def test_parallel_by_flows(engine: Engine) -> None:
    """Rules that look at one session give the same; here all but the one that counts what one source does to many."""
    found, apart = (
        Counter(row["sid"] for row in engine.alerts(DEMO, **options) if row["sid"] != 1990001)
        for options in ({}, {"parallel": "flows:3"})
    )
    assert apart == found


@each
def test_parallel_by_windows(engine: Engine) -> None:
    """What one session shows is the same; the rule that counts over time may speak again in a window."""
    found, apart = (
        keys([row for row in engine.alerts(DEMO, **options) if row["sid"] != 1990001])
        for options in ({}, {"parallel": "windows:3"})
    )
    assert apart == found


def test_parallel_is_said_right() -> None:
    for option, wrong in (("parallel", "hosts:3"), ("parallel", "windows:0"), ("warm", "-1")):
        with pytest.raises(OptionError, match=f"{option} is .*{wrong}"):
            setup({**{one.name: one.default for one in OPTIONS}, option: wrong})
