"""Windows by the thousand, and captures that come and go: what is due, without Pig."""

from __future__ import annotations

import errno
import os
import re
import shutil
import sys
import time
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import luigi
import pytest
from packetpig.pipelines import ingest
from packetpig.pipelines.__main__ import _round
from packetpig.pipelines.archive import GONE, UNREADABLE, Archive, Entry
from packetpig.pipelines.pig import Ran
from packetpig.pipelines.run import Run, set_current
from packetpig.pipelines.settings import Settings
from packetpig.pipelines.stage import UNKNOWN, Stage, ends, identities, stages
from packetpig.pipelines.stages.packets import Packets
from packetpig.pipelines.stages.sessions import Tracked
from packetpig.pipelines.store import LocalStore, StoreError
from packetpig.pipelines.tables import Part, Tables
from packetpig.pipelines.windows import Window

LENGTH = 900
BEGIN = 1709596800  # 2024-03-05


def capture(name: str, *starts: int, changed: float = 1.0, **more: Any) -> Entry:
    """A capture with packets of the windows that begin so many windows after BEGIN."""
    windows = [BEGIN + start * LENGTH for start in starts]
    given = {"packets": zlib.crc32(name.encode()), "first_ts": windows[0] + 1.0, "last_ts": windows[-1] + 9.0} | more
    return Entry(f"/in/{name}", name, "default", 7, changed, windows=windows, **given)


def faked(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Archive], Run]:
    """Makes runs over an archive, whose scripts write empty tables, and whose windows hand on their names."""

    def make(self: Stage, work: str) -> Ran:
        for table in (*self.stored(), *self.written):
            self.run_of.store.make(work, table)
        return Ran(dict.fromkeys(self.stored(), 0))

    def began(archive: Archive) -> Run:
        run = Run(Settings("/in", str(folder / "out")), LocalStore(str(folder / "out")), archive, stages())
        run.folder = folder / "told"
        run.folder.mkdir(exist_ok=True)
        run.log.stream = (folder / "said").open("a")
        set_current(run)
        return run

    monkeypatch.setattr(os, "fsync", lambda file: None)  # it is the disk that would take long
    monkeypatch.setattr(Stage, "make", make)
    monkeypatch.setattr(Tracked, "noted", lambda self, work: {"carried": self.window, "open": []})
    return began


@pytest.fixture
def run_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Archive], Run]:
    return faked(tmp_path, monkeypatch)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often keys are worked out."""
    counted: Counter[str] = Counter()
    due = Stage.due.__func__  # type: ignore[attr-defined]

    def counting(cls: type[Stage], run: Run, window: str) -> str:
        counted[cls.stage()] += 1
        return str(due(cls, run, window))

    monkeypatch.setattr(Stage, "due", classmethod(counting))
    return counted


def many(windows: int) -> Archive:
    return Archive([capture(f"{number:05}.pcap", number) for number in range(windows)], LENGTH)


@pytest.mark.parametrize("windows", [300, 2000])
def test_a_first_run_over_many_windows(run_of: Callable[[Archive], Run], calls: Counter[str], windows: int) -> None:
    """Each key is worked out once, however many wait for the first: not deeper, nor again and again."""
    run = run_of(many(windows))
    tasks = [run.task(Tracked, name) for name in run.names()]
    assert Tracked.wanted(run, run.names()[-1]) == UNKNOWN
    assert not any(task.complete() for task in tasks)
    assert not any(task.complete() for task in reversed(tasks))
    assert calls["tracked"] == windows


@pytest.mark.parametrize("processes", [1, 2])
def test_many_windows_one_after_the_other(
    run_of: Callable[[Archive], Run], calls: Counter[str], processes: int
) -> None:
    """Also where each is made in a process of its own, which knows what was known when all were looked at."""
    windows = 300
    run = run_of(many(windows))
    tasks = [run.task(Tracked, name) for name in run.names()]
    assert not any(task.complete() for task in tasks)
    for task in tasks:
        known, waiting = dict(run.known), dict(run.waiting)
        assert not task.complete()
        task.run()
        assert task.complete()
        if processes > 1:
            run.known, run.waiting = known, waiting
    assert calls["tracked"] <= 3 * windows
    run.forget()
    assert all(task.complete() for task in reversed(tasks))


def test_luigi_makes_many_windows(run_of: Callable[[Archive], Run], calls: Counter[str]) -> None:
    windows = 300
    run = run_of(many(windows))
    tasks = [run.task(Tracked, name) for name in run.names()]
    assert windows > sys.getrecursionlimit() // 4
    assert ends(tasks) == tasks[-1:]
    assert luigi.build(ends(tasks), workers=1, local_scheduler=True, no_lock=True, log_level="CRITICAL")
    assert all(task.complete() for task in tasks)
    assert calls["tracked"] <= 3 * windows


def test_what_is_complete_is_listed_not_looked_up(
    run_of: Callable[[Archive], Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On S3 each look is a request: for a run that finds nothing to do they are few, however many windows there are."""
    run = run_of(many(100))
    for name in run.names():
        run.task(Packets, name).run()
    asked: Counter[str] = Counter()
    for call in ("exists", "names"):
        real = getattr(LocalStore, call)
        monkeypatch.setattr(LocalStore, call, lambda self, *path, real=real: asked.update(["/"]) or real(self, *path))
    assert _round(run, [Packets], tmp_path)
    assert 0 < asked.total() < 10
    shutil.rmtree(tmp_path / "out/packets" / f"window={run.names()[7]}")
    done: list[Stage] = []
    monkeypatch.setattr(
        luigi, "build", lambda tasks, **_: done.extend(tasks) or SimpleNamespace(scheduling_succeeded=True)
    )
    run.forget()
    assert _round(run, [Packets], tmp_path)
    assert [task.window for task in done] == [run.names()[7]]


def test_notes_of_a_store_that_is_far_are_read_many_at_once(
    run_of: Callable[[Archive], Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And each once; one that cannot be read is said to whoever asks for it."""
    run = run_of(many(100))
    keys = {}
    for name in run.names():
        run.task(Packets, name).run()
        keys[name] = run.tables.windows("packets")[name]
    (broken, *_), tables = reversed(keys), Tables(run.store)
    run.store.write(b"{", ".done", "packets", f"{broken}~{keys[broken]}")
    read, now, most = Counter[str](), 0, 0
    real = LocalStore.json

    def slow(self: LocalStore, *parts: str) -> Any:
        nonlocal now, most
        read[parts[-1]] += 1
        now += 1
        most = max(most, now)
        time.sleep(0.01)
        now -= 1
        return real(self, *parts)

    monkeypatch.setattr(LocalStore, "json", slow)
    monkeypatch.setattr(LocalStore, "far", True)
    with tables.listed():
        for name, key in keys.items():
            if name == broken:
                with pytest.raises(StoreError, match=broken):
                    tables.note(Part("packets", name), key)
            else:
                assert tables.note(Part("packets", name), key)["key"] == key
    del read[f"{broken}~{keys[broken]}"]
    assert set(read.values()) == {1}
    assert most > 4


def test_what_is_left_is_that_of_all_rounds(run_of: Callable[[Archive], Run], tmp_path: Path) -> None:
    run = run_of(many(2))
    rounds = [[Packets], [Tracked]]
    for number, kinds in enumerate(rounds, 1):
        run.forget()
        assert _round(run, kinds, tmp_path, rounds[number:])
    counts = re.findall(r"\((\d of \d)(, about 1 s left)?\)", (tmp_path / "said").read_text())
    assert counts == [(f"{at} of 4", "" if at == 4 else ", about 1 s left") for at in range(1, 5)]


class Rounds:
    """Runs, each over the captures that there are then; what it said, and which captures were read for what."""

    def __init__(self, run_of: Callable[[Archive], Run], folder: Path) -> None:
        self.run_of, self.folder, self.said = run_of, folder, ""

    def __call__(self, *captures: Entry) -> bool:
        for path in (self.folder / "told").glob("*"):
            path.unlink()
        run = self.run_of(Archive(captures, LENGTH))
        (self.folder / "said").write_text("")
        went = _round(run, [Packets, Tracked], self.folder)
        self.said = (self.folder / "said").read_text()
        return went

    def made(self) -> list[str]:
        """The windows of `tracked` that were made."""
        return [line.split()[2][:-1] for line in self.said.splitlines() if " tracked " in line and " rows, " in line]


@pytest.fixture
def rounds(run_of: Callable[[Archive], Run], tmp_path: Path) -> Rounds:
    return Rounds(run_of, tmp_path)


NAMES = ["2024-03-05T0000", "2024-03-05T0015", "2024-03-05T0030"]


@pytest.mark.parametrize("name", sorted(stages()))
def test_each_stage_knows_what_to_do(run_of: Callable[[Archive], Run], name: str) -> None:
    run = run_of(Archive([capture("a", 0), gone(capture("b", 1)), capture("c", 1, 2)], LENGTH))
    for task in [run.task(stages()[name], window) for window in run.names()]:
        assert not task.complete()
        assert isinstance(task.why_not(), str)
        assert not any(one.complete() for one in task.requires() if isinstance(one, Stage))


def gone(entry: Entry) -> Entry:
    return replace(entry, state=GONE)


def test_a_capture_comes_where_another_one_is_gone(rounds: Rounds) -> None:
    """The window's tables stay without it, which is said; the windows behind it go on."""
    a, b, c, d = (capture(name, at) for name, at in (("a", 0), ("b", 1), ("c", 0), ("d", 2)))
    assert rounds(a, b)
    assert rounds.made() == NAMES[:2]
    for _ in range(2):  # in each run, until it is gone, too
        assert not rounds(gone(a), b, c, d)
        for stage in ("packets", "tracked"):
            assert (
                f"{stage} {NAMES[0]}: not run: captures of this window are gone, so its tables stay without /in/c\n"
                in (rounds.said)
            )
    assert rounds.made() == []
    assert rounds(gone(a), b, gone(c), replace(d, changed=2.0))
    assert rounds.made() == NAMES[2:]


def test_a_window_that_was_never_made(rounds: Rounds) -> None:
    """What is gone was in no table: what is there is read, and windows behind it go on from those before."""
    a, b, c, d = (capture(name, at) for name, at in (("a", 0), ("b", 1), ("c", 2), ("d", 1)))
    assert not rounds(a, gone(b), c)
    assert rounds.made() == [NAMES[0], NAMES[2]]
    assert f"tracked {NAMES[1]}: not run: captures of this window are gone; nothing was made of them" in rounds.said
    assert rounds(a, gone(b), c, d)
    assert rounds.made() == NAMES[1:]
    assert f"{NAMES[1]}: captures of this window were gone before anything was made of them" in rounds.said
    assert rounds(a, gone(b), c, d)
    assert rounds.made() == []
    assert rounds(a, gone(b), c, d, capture("e", 1))  # what is gone is still in no table
    assert rounds.made() == NAMES[1:2]


def test_marks_that_are_gone_with_the_captures(rounds: Rounds) -> None:
    """There are tables, and nobody knows of what: neither they nor what goes on from them is touched."""
    a, b, c = (capture(name, at) for name, at in (("a", 0), ("b", 1), ("c", 2)))
    assert rounds(a, b, c)
    shutil.rmtree(rounds.folder / "out/.done/tracked")
    shutil.rmtree(rounds.folder / "out/.done/carried")
    assert not rounds(gone(a), b, c)
    assert rounds.made() == []
    assert f"tracked {NAMES[0]}: not run: captures of this window are gone, and what they gave would be lost" in (
        rounds.said
    )
    for name in NAMES[1:]:
        assert f"tracked {name}: not run: it goes on from {NAMES[0]}, which cannot be made" in rounds.said


class Folder:
    """A folder of captures that the pipeline looks at again and again."""

    def __init__(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        self.run, self._contents = run, dict[tuple[Any, ...], Entry]()
        monkeypatch.setattr(ingest, "_looked_at", self._looked_at)

    def _looked_at(self, run: Run, new: Sequence[Entry]) -> list[Entry]:
        read = ((one, self._contents[one.here]) for one in new)
        return [
            replace(
                one, packets=it.packets, first_ts=it.first_ts, last_ts=it.last_ts, windows=it.windows, state=it.state
            )
            for one, it in read
        ]

    def __call__(self, *captures: Entry) -> tuple[int, int]:
        """How many are new, and how many are gone; the archive is then what the next run reads."""
        self._contents |= {one.here: one for one in captures}
        bare = [Entry(one.path, one.capture, one.sensor, one.size, one.changed) for one in captures]
        news = ingest.ingest(self.run, bare)
        again = Archive.read(self.run.store, LENGTH)
        assert again.entries == self.run.archive.entries
        return news.read, news.gone

    def of(self, window: int) -> list[tuple[str, str, float]]:
        """The captures of a window: path, state, and when it was changed."""
        start = BEGIN + window * LENGTH
        return [(one.path, one.state, one.changed) for one in self.run.archive.captures(Window(start, start + LENGTH))]

    def known(self) -> str:
        """What tables of the first window are made of."""
        return identities(self.run.archive.captures(Window(BEGIN, BEGIN + LENGTH)))


@pytest.fixture
def folder(run_of: Callable[[Archive], Run], monkeypatch: pytest.MonkeyPatch) -> Folder:
    return Folder(run_of(Archive([], LENGTH)), monkeypatch)


def test_a_scheduler_that_leaves_tasks_to_others(
    run_of: Callable[[Archive], Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it calls a success is none while tables are missing."""
    run = run_of(many(2))
    run.settings = Settings("/in", str(tmp_path / "out"), scheduler="http://luigid:8082")
    given: dict[str, Any] = {}
    monkeypatch.setattr(
        luigi, "build", lambda tasks, **more: given.update(more) or SimpleNamespace(scheduling_succeeded=True)
    )
    assert not _round(run, [Packets], tmp_path)
    assert given["scheduler_url"] == "http://luigid:8082"
    assert (
        "2 were not run: http://luigid:8082 has them with another run, or disabled\n" in (tmp_path / "said").read_text()
    )


def test_what_is_done_once_fails(
    run_of: Callable[[Archive], Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk, say: that stage is not run, others are."""
    run = run_of(many(1))

    def full(cls: type[Stage], run: Run) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Packets, "prepare", classmethod(full))
    monkeypatch.setattr(luigi, "build", lambda tasks, **more: SimpleNamespace(scheduling_succeeded=True))
    assert not _round(run, [Packets, Tracked], tmp_path)
    assert "packets: not run: [Errno 28] No space left on device\n" in (tmp_path / "said").read_text()


def test_a_ring_of_captures(folder: Folder) -> None:
    """What was overwritten is gone, and still what its windows were made of; what grows is not."""
    first, second = capture("eth0.pcap0", 0), capture("eth0.pcap1", 1)
    assert folder(first, second) == (2, 0)
    for number, start in enumerate((2, 3), 2):  # the ring goes round, twice
        again = capture("eth0.pcap0", start, changed=float(number))
        grown = capture("eth0.pcap0", start, changed=number + 0.5, last_ts=BEGIN + start * LENGTH + 800.0, packets=99)
        assert folder(again, second) == (1, 0)
        assert folder(grown, second) == (1, 0)
        assert folder(grown, second) == (0, 0)
    assert [folder.of(window) for window in range(4)] == [
        [("/in/eth0.pcap0", "gone", 1.0)],
        [("/in/eth0.pcap1", "read", 1.0)],
        [("/in/eth0.pcap0", "gone", 2.5)],
        [("/in/eth0.pcap0", "read", 3.5)],
    ]
    assert folder(second) == (0, 1)
    assert folder.of(3) == [("/in/eth0.pcap0", "gone", 3.5)]
    assert folder(capture("eth0.pcap0", 0, changed=5.0, first_ts=BEGIN + 500.0, last_ts=BEGIN + 600.0), second) == (
        1,
        0,
    )
    assert [state for _, state, _ in folder.of(0)] == ["gone", "read"]  # other minutes of the same window
    assert [folder.of(window)[0][1] for window in range(1, 4)] == ["read", "gone", "gone"]


def test_a_capture_that_is_emptied_to_be_written_anew(folder: Folder) -> None:
    full = capture("a", 0)
    empty = replace(full, changed=2.0, windows=[], packets=0, first_ts=None, last_ts=None, state=UNREADABLE)
    known = (folder(full), folder.known())[1]
    folder(empty)
    assert folder.of(0) == [("/in/a", "gone", 1.0)]
    folder(replace(full, changed=3.0))  # it was copied once more
    assert (folder.of(0), folder.known()) == ([("/in/a", "read", 3.0)], known)


def test_a_capture_has_another_name(folder: Folder) -> None:
    """Compressed, say: its tables are still what they should be; it is read where it is now."""
    plain, other = capture("a.pcap", 0, 1), capture("b.pcap", 0, 1, packets=7)
    folder(plain, other)
    before = folder.known()
    packed = replace(plain, path="/in/z.pcap.gz", capture="z.pcap.gz", size=3, changed=9.0)
    assert folder(other) == (0, 1)
    assert folder(packed, other) == (1, 0)
    assert folder(packed, other) == (0, 0)
    assert folder.known() == before
    assert folder.of(0) == [("/in/z.pcap.gz", "read", 9.0), ("/in/b.pcap", "read", 1.0)]
    assert folder(other) == (0, 1)
    assert folder.known() == before
    assert folder.of(0) == [("/in/z.pcap.gz", "gone", 9.0), ("/in/b.pcap", "read", 1.0)]
    moved = replace(packed, path="/in/old/z.pcap.gz")
    assert folder(moved, other) == (1, 0)  # and once more
    assert folder.known() == before


def test_captures_that_share_their_times_are_not_taken_for_each_other(folder: Folder) -> None:
    one, two = capture("a", 0), capture("b", 0, packets=8)
    folder(one)
    folder(two)
    assert folder.of(0) == [("/in/a", "gone", 1.0), ("/in/b", "read", 1.0)]


def test_a_copy_that_was_there_before_is_not_a_new_name(folder: Folder) -> None:
    """Tables have the packets of both: without one of them they stay as they were made."""
    one = capture("a", 0)
    copy = replace(one, path="/in/b", capture="b")
    assert folder(one, copy) == (2, 0)
    before = folder.known()
    assert folder(copy) == (0, 1)
    assert folder.of(0) == [("/in/a", "gone", 1.0), ("/in/b", "read", 1.0)]
    assert folder.known() == before
    assert folder(one, copy) == (1, 0)  # it is back
    assert folder.of(0) == [("/in/a", "read", 1.0), ("/in/b", "read", 1.0)]
