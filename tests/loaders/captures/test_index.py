"""Time indexes: the same rows with and without, and less that is read."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from packetpig.loaders.captures import index, reading
from packetpig.loaders.captures.capture import Capture, LocalSource, local
from packetpig.loaders.captures.finding import find as captures_of
from packetpig.loaders.contract.discovery import find
from packetpig.loaders.contract.loader import run
from packetpig.loaders.contract.report import Report

from tests.making import conversation, enhanced, interface, pcap, section

Run = Callable[..., subprocess.CompletedProcess[str]]
START = 1_700_000_000
LEFT_OUT = "bytes not read, by the time index"


def rows(captures: list[Capture], where: str, report: Report | None = None) -> list[tuple]:
    columns = ["capture", "ts_ns", "number", "offset", "length"]
    batches = run(find("packets"), captures, columns, where, report=report)[1]
    return [tuple(row.values()) for batch in batches for row in batch.to_pylist()]


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Five rotated captures of 1000 packets, ten seconds each; one of them with a packet from long ago."""
    monkeypatch.setattr(index, "BLOCK", 20_000)
    folder = tmp_path / "archive"
    folder.mkdir()
    for number in range(5):
        packets = conversation(1000, START + 10 * number, gap=0.01)
        if number == 3:
            packets[500] = (START - 1000.0, packets[500][1])
        (folder / f"{number}.pcap").write_bytes(pcap(packets))
    return folder


def indexed(folder: Path) -> None:
    from packetpig.loaders.shell.main import main

    assert main(["index", str(folder)]) == 0


RANGES = [(0, 50), (12.5, 13), (9.99, 10.01), (-2000, -900), (-2000, 1), (100, 200), (35, 35), (49.98, 60)]


@pytest.mark.parametrize(("low", "high"), RANGES)
@pytest.mark.parametrize("mapped", [1, 1 << 30])
def test_the_same_rows(archive: Path, monkeypatch: pytest.MonkeyPatch, low: float, high: float, mapped: int) -> None:
    monkeypatch.setattr(reading, "MAPPED", mapped)
    where = f"ts >= {START + low}d AND ts <= {START + high}d"
    plain = rows(captures_of([str(archive)]), where)
    indexed(archive)
    report = Report()
    assert rows(captures_of([str(archive)]), where, report) == plain
    assert report.counters["captures"] == 5
    assert report.bytes == sum(path.stat().st_size for path in archive.glob("*.pcap"))
    if high - low < 10:
        assert report.counters["packets"] <= len(plain) + 200
        assert report.counters[LEFT_OUT] > 0.8 * report.bytes


def test_splits_agree_and_have_the_same_rows(archive: Path) -> None:
    indexed(archive)
    path = archive / "1.pcap"
    size = path.stat().st_size
    where = f"ts >= {START + 12} AND ts < {START + 17}"
    plain = [row[1:2] + row[3:] for row in rows([local(path)], where)]
    cuts = [0, 1, size // 3, size // 2 + 1, size // 2 + 5, size - 3, size]
    found, ends = [], []
    for start, end in pairwise(cuts):
        report = Report()
        part = Capture(str(path), lambda: LocalSource(str(path)), "1.pcap", start=start, end=end, local=str(path))
        found += [row[1:2] + row[3:] for row in rows([part], where, report)]
        ends += report.splits
    assert found == plain
    assert [one[1] for one in ends[1:]] == [one[2] for one in ends[:-1]]


def test_compressed_and_pcapng_are_left_out_as_a_whole(archive: Path) -> None:
    (archive / "5.pcap.gz").write_bytes(gzip.compress((archive / "4.pcap").read_bytes()))
    blocks = [enhanced((START + 70 + k) * 1_000_000, frame) for k, (_, frame) in enumerate(conversation(20))]
    (archive / "6.pcapng").write_bytes(section() + interface() + b"".join(blocks))
    wheres = [f"ts > {START + low} AND ts < {START + low + 3}" for low in (41, 75, 100)]
    plain = [rows(captures_of([str(archive)]), where) for where in wheres]
    indexed(archive)
    assert [rows(captures_of([str(archive)]), where) for where in wheres] == plain
    report = Report()
    rows(captures_of([str(archive)]), wheres[2], report)
    assert report.counters["packets"] == 0


def test_a_stale_index_is_said_once_and_not_used(archive: Path) -> None:
    indexed(archive)
    where = f"ts >= {START + 12} AND ts < {START + 13}"
    for name in ("1", "2"):
        path = archive / f"{name}.pcap"
        status = path.stat()
        path.write_bytes(pcap(conversation(1000, START + 12.5 if name == "1" else START, gap=0.01)))
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    (archive / ".packetpig/3.pcap.idx").write_text("{}")
    report = Report()
    found = rows(captures_of([str(archive)]), where, report)
    assert len([row for row in found if row[0] == "1.pcap"]) == 50
    assert report.counters["time indexes not used"] == 3
    (line,) = report.warnings
    assert line.startswith(f"{archive}/1.pcap: its time index is not of this file as it is now")
    assert not report.losses
    shutil.rmtree(archive / ".packetpig")
    assert rows(captures_of([str(archive)]), where) == found


def test_the_command(packetpig: Run, tmp_path: Path) -> None:
    (tmp_path / "a.pcap").write_bytes(pcap(conversation(100)))
    (tmp_path / "b.pcap").write_bytes(pcap(conversation(100))[:-3])
    first, second = packetpig("index", tmp_path), packetpig("index", tmp_path)
    assert first.returncode == second.returncode == 0
    assert f"{tmp_path}/b.pcap: offset " in first.stderr
    assert first.stderr.endswith("packetpig: captures: 1 indexed, 1 damaged, and so not indexed\n")
    assert second.stderr.endswith("packetpig: captures: 1 current already, 1 damaged, and so not indexed\n")
    assert [path.name for path in (tmp_path / ".packetpig").iterdir()] == ["a.pcap.idx"]
    assert packetpig("index", tmp_path / "none").returncode == 1


def test_pig_reads_less(archive: Path, pig: Run) -> None:
    statements = f"p = LOAD '{archive}' USING PacketLoader('where=ts >= {START + 12} AND ts < {START + 13}'); "
    statements += "g = GROUP p ALL; n = FOREACH g GENERATE COUNT(p), MIN(p.ts), MAX(p.ts); DUMP n;"
    plain = pig("-D", "packetpig.split.bytes=100000", "-e", statements)
    indexed(archive)
    again = pig("-D", "packetpig.split.bytes=100000", "-e", statements)
    assert (again.returncode, again.stdout) == (0, plain.stdout)
    assert plain.stdout.startswith("(100,")
