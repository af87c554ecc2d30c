"""A capture read by two threads: the same packets, numbers and warnings as by one, whatever is in it."""

from __future__ import annotations

import random
import struct
from pathlib import Path

import pytest
from packetpig.loaders.captures import parallel, pcap, reading
from packetpig.loaders.captures.capture import local
from packetpig.loaders.captures.window import Table
from packetpig.loaders.contract.discovery import find
from packetpig.loaders.contract.loader import run
from packetpig.loaders.contract.report import Report
from packetpig.loaders.kernels import frame

from tests.making import conversation
from tests.making import pcap as made


def both(
    path: Path, monkeypatch: pytest.MonkeyPatch, segment: int = 40_000, where: str | None = None
) -> list[tuple[list[dict], list[str], int]]:
    """Rows, warnings and progress, plainly and by two threads."""
    monkeypatch.setattr(reading, "MAPPED", 1)
    monkeypatch.setattr(pcap, "OVERLAP", 10_000)
    monkeypatch.setattr(parallel, "SEGMENT", segment)
    answers = []
    for possible in (False, True):
        monkeypatch.setattr(parallel, "possible", lambda capture, size, possible=possible: possible)
        report = Report()
        columns = ["ts_ns", "offset", "number", "frame"]
        batches = run(find("packets"), [local(path)], columns, where, report=report)[1]
        rows = [row for batch in batches for row in batch.to_pylist()]
        answers.append((rows, report.warnings, report.bytes))
    return answers


@pytest.mark.parametrize("segment", [1_000, 40_000, 1 << 20])
@pytest.mark.parametrize("order", ["<", ">"])
def test_the_same_packets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, order: str, segment: int) -> None:
    path = tmp_path / "a.pcap"
    path.write_bytes(made(conversation(2000, gap=0.01), order))
    plain, shared = both(path, monkeypatch, segment)
    assert shared == plain
    assert shared[2] == path.stat().st_size - 24
    assert [row["number"] for row in shared[0]] == list(range(1, 2001))


@pytest.mark.parametrize("where", ["offset % 7 == 1", "number % 5 == 2", "offset < 0"])
def test_packets_that_a_filter_keeps_have_the_same_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    path = tmp_path / "a.pcap"
    path.write_bytes(made(conversation(2000, gap=0.01)))
    plain, shared = both(path, monkeypatch, where=where)
    assert shared == plain
    assert bool(shared[0]) == (where != "offset < 0")


def test_the_segments_are_really_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.pcap"
    path.write_bytes(made(conversation(9000, gap=0.01)))
    monkeypatch.setattr(parallel, "SEGMENT", 1 << 20)
    source = local(path).open()
    report = Report()

    def prepare(table: Table) -> None:
        table.noted = table.rows

    tables = parallel.tables(path.read_bytes()[:64], local(path), source.mapped(), report, prepare)
    assert sum(table.rows for table in tables) == 9000
    assert report.bytes == path.stat().st_size - 24


def test_a_capture_inside_a_capture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Payloads that look like records, over many segments: the guess goes wrong, the answer does not."""
    inner = made(conversation(800, gap=0.01))[24:]
    packets = conversation(50)
    whole = made([*packets, (1_700_000_100.0, b"\0" * 14 + inner[:250_000]), *packets])
    path = tmp_path / "a.pcap"
    path.write_bytes(whole)
    monkeypatch.setattr(frame, "CHAIN_BYTES", 2_000)
    plain, shared = both(path, monkeypatch, 20_000)
    assert shared == plain
    assert len(shared[0]) == 101


@pytest.mark.parametrize("seed", range(12))
def test_damaged_captures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    pick = random.Random(seed)
    data = bytearray(made(conversation(3000, gap=0.01)))
    for _ in range(3):
        at = pick.randrange(24, len(data) - 100)
        if pick.random() < 0.3:
            del data[at : at + pick.choice((1, 50))]
        else:
            struct.pack_into("<I", data, at, pick.choice((0, 0xFFFFFFFF, 70_000)))
    if pick.random() < 0.5:
        del data[-7:]
    path = tmp_path / "a.pcap"
    path.write_bytes(data)
    plain, shared = both(path, monkeypatch)
    for a, b in zip(plain[0], shared[0], strict=True):
        assert a["offset"] == b["offset"]
    assert shared[:2] == plain[:2]
