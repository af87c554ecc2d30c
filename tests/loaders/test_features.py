"""Features of sessions: the numbers, from captures and from pieces, and what memory they take."""

from __future__ import annotations

import random
from pathlib import Path
from statistics import fmean, pstdev

import numpy as np
from packetpig.loaders import load
from packetpig.loaders.captures.capture import local
from packetpig.loaders.contract.discovery import find
from packetpig.loaders.contract.loader import run
from packetpig.loaders.contract.report import Report

from tests.conftest import DEMO
from tests.loaders.test_sessionpieces import buckets, ranges, traffic
from tests.loaders.test_sessions import ACK, START, SYN, Talk
from tests.making import pcap

NAMES = [column.name for column in find("features").schema() if column.name != "capture"]


def test_the_numbers_of_one_session(tmp_path: Path) -> None:
    talk = Talk().open().c(ACK, 101, 501, b"a" * 64).s(ACK, 501, 165, bytes(range(64)), after=0.5).c(ACK, 165, 565)
    path = tmp_path / "a.pcap"
    path.write_bytes(pcap(talk.packets, nanos=True))
    (found,) = load("features", str(path)).read_all().to_pylist()
    assert all(isinstance(found[name], int | float) for name in NAMES if name not in ("sensor", "session_id"))
    assert (found["src_packets"], found["dst_packets"], found["src_first_bytes"], found["syn"]) == (4, 2, 64, 2)
    assert (found["src_entropy"], found["dst_entropy"]) == (0.0, 6.0)
    assert (found["src_data_packets"], found["dst_data_packets"], found["ack"]) == (1, 1, 5)
    assert round(found["reply_delay"], 6) == 0.01
    assert round(found["gap_max"], 6) == 0.5


def test_means_and_deviations(tmp_path: Path) -> None:
    dice, talk = random.Random(3), Talk().open()
    for at in range(50):
        talk.c(ACK, 101 + at, 501, b"x" * dice.randrange(1, 900), dice.uniform(0.001, 3))
    path = tmp_path / "a.pcap"
    path.write_bytes(pcap(talk.packets, nanos=True))
    (found,) = load("features", str(path)).read_all().to_pylist()
    packets = load("packets", str(path), ["ts", "ip_src", "ip_total_length"]).read_all().to_pylist()
    own = [row for row in packets if row["ip_src"] == packets[0]["ip_src"]]
    sizes = [row["ip_total_length"] for row in own]
    gaps = np.diff([row["ts"] for row in own])
    every = np.diff([row["ts"] for row in packets])
    wanted = {
        "src_size_mean": fmean(sizes), "src_size_std": pstdev(sizes), "src_size_max": max(sizes),
        "src_gap_mean": gaps.mean(), "src_gap_std": gaps.std(), "gap_mean": every.mean(), "gap_std": every.std(),
        "gap_min": every.min(), "gap_max": every.max(),
    }  # fmt: skip
    assert np.allclose([found[name] for name in wanted], list(wanted.values()), atol=1e-5)


def test_cuts_do_not_change_a_digit(tmp_path: Path) -> None:
    path = tmp_path / "a.pcap"
    path.write_bytes(pcap(traffic(4)))
    whole = load("features", str(path), NAMES).read_all().to_pylist()
    rows = []
    for pieces in buckets(ranges(path, [7000, 20_000, 31_111]), entropies="yes"):
        _, batches = run(find("features"), [], NAMES, pieces=iter(pieces))
        rows += [row for batch in batches for row in batch.to_pylist()]
    assert sorted(map(repr, rows)) == sorted(map(repr, whole))


def test_numbers_of_sessions_that_have_ended_are_given_back(tmp_path: Path) -> None:
    """Ten thousand sessions, each over before the next begins, where there is room for a thousand."""
    packets = [packet for number in range(10_000) for packet in Talk(start=START + 7 * number).c(SYN, number).packets]
    path = tmp_path / "a.pcap"
    path.write_bytes(pcap(packets))
    report = Report()
    _, batches = run(find("features"), [local(path)], ["session_id"], options={"memory": "1m"}, report=report)
    assert sum(batch.num_rows for batch in batches) == 10_000
    assert "sessions given up for want of memory" not in report.counters


def test_the_demo_has_the_sessions_of_the_demo() -> None:
    found = load("features", str(DEMO), ["session_id", "src_packets", "duration"]).read_all()
    wanted = load("sessions", str(DEMO), ["session_id", "src_packets", "duration"]).read_all()
    order = [("session_id", "ascending")]
    assert found.sort_by(order).to_pydict() == wanted.sort_by(order).to_pydict()
