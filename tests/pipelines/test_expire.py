"""Old captures go only where nothing would be lost."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from packetpig.pipelines import expire
from packetpig.pipelines.archive import GONE, Archive, Entry
from packetpig.pipelines.run import CHOSEN, Run
from packetpig.pipelines.stage import Stage, identities
from packetpig.pipelines.stages.packets import Packets
from packetpig.pipelines.stages.said import Said
from packetpig.pipelines.stages.sessions import Sessions, Tracked
from packetpig.pipelines.store import LocalStore
from packetpig.pipelines.tables import Part, Tables
from packetpig.pipelines.windows import Window

from tests.pipelines.test_windows_many import faked

DAY = 86400
LONG_AGO = 1709596800  # 2024-03-05


def capture(folder: Path, name: str, *windows: int) -> Entry:
    path = folder / name
    path.write_bytes(b"packets")
    status = path.stat()
    return Entry(
        str(path), name, "default", status.st_size, status.st_mtime_ns / 1e9, packets=len(name), first_ts=windows[0],
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
    for table, starts in (("packets", (LONG_AGO, LONG_AGO + DAY, today)), ("fingerprints", (LONG_AGO, today))):
        for start in starts:
            place.make("work", table)
            window = Window(start, start + DAY)
            note = {"captures": identities(Archive(entries, DAY).captures(window))}
            Tables(place).publish("work", {Part(table, window.name): table}, "key", note)
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
    assert "half.pcap stays: fingerprints 2024-03-06 is not complete" in said
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


class Made:
    """An output without Pig: `run` has an archive, `make` the stages' tables, and `expired` says what would go."""

    def __init__(self, folder: Path, run_of: Callable[[Archive], Run]) -> None:
        self.captures, self.tables, self._run_of = folder / "in", folder / "out", run_of
        self.captures.mkdir()
        LocalStore(str(self.tables)).write(
            json.dumps({"window": "1d", "seconds": DAY}).encode(), ".about", "pipeline.json"
        )

    def run(self, *entries: Entry, without: tuple[str, ...] = ()) -> Run:
        for path in (self.tables.parent / "told").glob("*"):
            path.unlink()
        run = self._run_of(Archive(entries, DAY))
        run.archive.write(run.store)
        run.choose(without)
        return run

    def make(self, run: Run, *kinds: type[Stage]) -> None:
        for kind in kinds:
            run.forget()
            for name in run.names():
                run.task(kind, name).run()

    def expired(self, capsys: pytest.CaptureFixture[str]) -> tuple[list[str], str]:
        assert expire.main([str(self.captures), str(self.tables), "--days", "30", "--dry-run"]) == 0
        said = capsys.readouterr()
        return [Path(line).name for line in said.out.splitlines()], said.err


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Made:
    return Made(tmp_path, faked(tmp_path, monkeypatch))


ENGINES = ("alerts", "fingerprints")


def test_a_late_capture_that_no_table_has_yet(made: Made, capsys: pytest.CaptureFixture[str]) -> None:
    """The window has tables, but they were made without it; and those that have it would need the other one again."""
    early, late = (capture(made.captures, name, LONG_AGO) for name in ("early.pcap", "late.pcap"))
    without = (*ENGINES, "said")
    made.make(made.run(early, without=without), Packets, Tracked)
    assert made.expired(capsys)[0] == ["early.pcap"]
    run = made.run(early, late, without=without)
    made.make(run, Packets)  # and killed
    gone, said = made.expired(capsys)
    assert gone == []
    assert "late.pcap stays: tracked 2024-03-05 is not complete" in said
    made.make(run, Tracked)
    assert made.expired(capsys)[0] == ["early.pcap", "late.pcap"]


def test_a_capture_that_came_when_another_one_was_gone(made: Made, capsys: pytest.CaptureFixture[str]) -> None:
    """It is in no table: it stays. What is in the tables may go: they are not made again."""
    one, two, late = (capture(made.captures, name, LONG_AGO) for name in ("1.pcap", "two.pcap", "late.pcap"))
    without = (*ENGINES, "said")
    made.make(made.run(one, two, without=without), Packets, Tracked)
    made.run(replace(one, state=GONE), two, late, without=without)
    gone, said = made.expired(capsys)
    assert gone == ["two.pcap"]
    assert "late.pcap stays: packets 2024-03-05 is not complete" in said


def test_a_stage_that_could_never_run(made: Made, capsys: pytest.CaptureFixture[str]) -> None:
    """Captures are kept for it, unless the last run was without it."""
    one = capture(made.captures, "1.pcap", LONG_AGO)
    made.make(made.run(one, without=("alerts", "said")), Packets, Tracked)
    gone, said = made.expired(capsys)
    assert gone == []
    assert "1.pcap stays: fingerprints 2024-03-05 is not complete" in said
    made.run(one, without=(*ENGINES, "said"))
    assert made.expired(capsys)[0] == ["1.pcap"]
    LocalStore(str(made.tables)).remove(*CHOSEN)  # of an output that is older than that
    assert made.expired(capsys)[0] == ["1.pcap"]


def test_a_window_whose_sessions_go_on_in_the_next(
    made: Made, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A capture goes when what is said there of earlier sessions is in their window's table."""
    ends = {"http": LONG_AGO + DAY + 60.0}
    monkeypatch.setattr(Sessions, "noted", lambda self, work: {"ends": ends, "ids": "", "named": ""})
    monkeypatch.setattr(Said, "noted", lambda self, work: {})
    one, two = capture(made.captures, "1.pcap", LONG_AGO), capture(made.captures, "2.pcap", LONG_AGO + DAY)
    made.make(made.run(one, without=ENGINES), Packets, Tracked, Sessions, Said)
    assert made.expired(capsys)[0] == ["1.pcap"]
    run = made.run(one, two, without=ENGINES)
    made.make(run, Packets, Tracked, Sessions)
    run.forget()
    run.task(Said, "2024-03-06").run()
    gone, said = made.expired(capsys)
    assert gone == []
    assert "2.pcap stays: dns 2024-03-05 is not complete" in said
    run.task(Said, "2024-03-05").run()
    assert made.expired(capsys)[0] == ["1.pcap", "2.pcap"]
