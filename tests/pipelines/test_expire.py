"""Old captures go only where nothing would be lost."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
from packetpig.pipelines import expire
from packetpig.pipelines.archive import Archive, Entry
from packetpig.pipelines.store import LocalStore
from packetpig.pipelines.tables import Part, Tables
from packetpig.pipelines.windows import Window

DAY = 86400
LONG_AGO = 1709596800  # 2024-03-05


def capture(folder: Path, name: str, *windows: int) -> Entry:
    path = folder / name
    path.write_bytes(b"packets")
    status = path.stat()
    return Entry(
        str(path), name, "default", status.st_size, status.st_mtime_ns / 1e9, packets=1, first_ts=windows[0],
        last_ts=windows[-1] + 1.0, windows=windows,
    )  # fmt: skip


@pytest.fixture
def archive(tmp_path: Path) -> tuple[Path, Path]:
    """Captures: old, changed since, of a window that is not complete, and of today."""
    captures, tables = tmp_path / "in", tmp_path / "out"
    captures.mkdir()
    today = int(time.time()) // DAY * DAY
    entries = [
        capture(captures, "old.pcap", LONG_AGO),
        capture(captures, "changed.pcap", LONG_AGO),
        capture(captures, "half.pcap", LONG_AGO, LONG_AGO + DAY),
        capture(captures, "today.pcap", today),
    ]
    place = LocalStore(str(tables))
    Archive(entries, DAY).write(place)
    place.write(json.dumps({"window": "1d", "seconds": DAY}).encode(), ".about", "pipeline.json")
    for table, starts in (("packets", (LONG_AGO, LONG_AGO + DAY, today)), ("alerts", (LONG_AGO, today))):
        for start in starts:
            place.make("work", table)
            part = Part(table, Window(start, start + DAY).name)
            Tables(place).publish("work", {part: table}, "key", {})
    os.utime(captures / "changed.pcap", (1, 1))
    return captures, tables


def test_what_goes_and_what_stays(archive: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    captures, tables = archive
    arguments = [str(captures), str(tables), "--days", "30"]
    assert expire.main([*arguments, "--dry-run"]) == 0
    assert len(list(captures.iterdir())) == 4
    assert expire.main(arguments) == 0
    assert sorted(path.name for path in captures.iterdir()) == ["changed.pcap", "half.pcap", "today.pcap"]
    said = capsys.readouterr().err
    assert "half.pcap stays: alerts 2024-03-06 is not complete" in said
    assert "changed.pcap stays: it is not what it was when it was read" in said
    assert "1 captures, 7 bytes are gone" in said


def test_nothing_outside_of_the_folder_goes(archive: tuple[Path, Path], tmp_path: Path) -> None:
    captures, tables = archive
    (tmp_path / "i").mkdir()
    assert expire.main([str(tmp_path / "i"), str(tables), "--days", "0"]) == 0
    assert len(list(captures.iterdir())) == 4


def test_no_output_of_the_pipeline(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert expire.main([str(tmp_path), str(tmp_path / "none"), "--days", "1"]) == 1
    assert "the pipeline has not written there" in capsys.readouterr().err
