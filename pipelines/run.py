"""One run over one output folder: its settings, captures, tables, and what it says."""

from __future__ import annotations

import itertools
import json
import os
import sys
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packetpig.pipelines import pig
from packetpig.pipelines.archive import Archive, Entry
from packetpig.pipelines.store import Store
from packetpig.pipelines.tables import ALL, Part, Tables, digest
from packetpig.pipelines.windows import Window

if TYPE_CHECKING:
    from packetpig.loaders.engines.difference import Change
    from packetpig.pipelines.settings import Settings
    from packetpig.pipelines.stage import Stage


CHOSEN = (".about", "stages.json")
"""What says which stages the last run had, also those that could not be made: captures are kept for them."""


def chosen(store: Store) -> list[str]:
    """Those stages' names, sorted; empty if nothing says so."""
    found: list[str] = store.json(*CHOSEN) if store.exists(*CHOSEN) else []
    return found


class Log:
    """A line a stage, on standard error, with what is left to do."""

    def __init__(self, stream: Any = None) -> None:
        self.stream = stream or sys.stderr
        self._began = 0.0
        self._total = 0
        self._counter: Path | None = None

    def expect(self, stages: int, counter: Path) -> None:
        """So many stages are to come, besides those that were done; COUNTER is a file that counts them, across
        processes."""
        if self._counter is None:
            self._began, self._counter = time.monotonic(), counter
            counter.write_bytes(b"")
        self._total = self._counter.stat().st_size + stages

    def say(self, line: str) -> None:
        """Write a line at once: several processes write here."""
        self.stream.write(f"{time.strftime('%H:%M:%S')} {line}\n")
        self.stream.flush()

    def done(self, stage: str, window: str, note: Mapping[str, Any], lines: Iterable[str] = ()) -> None:
        """A stage has been completed."""
        for line in lines:
            self.say(f"{stage} {window}: {line}")
        rows = sum(note["rows"].values())
        self.say(f"{stage} {window}: {rows:,} rows, {note['bytes']:,} bytes, {note['seconds']:.1f} s{self._left()}")

    def failed(self, stage: str, window: str, error: Exception) -> None:
        """A stage has failed."""
        self.say(f"{stage} {window}: failed: {error}")

    def _left(self) -> str:
        if self._counter is None:
            return ""
        with self._counter.open("ab") as file:
            file.write(b".")
        done = self._counter.stat().st_size
        if done >= self._total:
            return f" ({done} of {max(done, self._total)})"
        left = (time.monotonic() - self._began) / done * (self._total - done)
        return f" ({done} of {self._total}, {_span(left)} left)"


def _span(seconds: float) -> str:
    if seconds < 90:
        return f"about {max(1, round(seconds))} s"
    return f"about {round(seconds / 60)} min" if seconds < 5400 else f"about {seconds / 3600:.1f} h"


class Run:
    """What stages ask for."""

    def __init__(self, settings: Settings, store: Store, archive: Archive, kinds: Mapping[str, type[Stage]]) -> None:
        self.settings, self.store, self.archive = settings, store, archive
        self.tables = Tables(store)
        self.log = Log()
        self.kinds = dict(kinds)
        self.pigs: pig.Pigs | None = None
        self.changes: dict[str, Change] = {}  # by the rules that alerts were made with: what those of now change
        self.folder = Path(os.devnull)  # of this machine, for what scripts are given beside tables
        self.makers = {table: kind for kind in kinds.values() for table in kind.stored()}
        self.known: dict[tuple[str, str], str] = {}
        self.cache: dict[tuple[str, str], Any] = {}  # what stages would work out again and again; for a round
        self.waiting: dict[str, tuple[Part, str]] = {}  # windows whose key waits for a table, and that one's key
        self._windows: dict[str, Window] = {}
        self._names: list[str] = []
        self._order: dict[str, int] = {}
        self.renew()

    def choose(self, without: Collection[str]) -> None:
        """Leave out the stages WITHOUT, those that leave themselves out, and those that read what these make."""
        out = {name: kind.left_out(self) for name, kind in self.kinds.items() if name not in without}
        out = dict.fromkeys(without, "") | {name: why for name, why in out.items() if why}
        before = -1
        while before != len(out):
            before = len(out)
            for name, kind in self.kinds.items():
                gone = [table for table in kind.reads if self.makers[table].stage() in out]
                if gone and name not in out:
                    out[name] = f"{', '.join(gone)} would be missing"
        for name in out:
            del self.kinds[name]
            if out[name]:
                self.log.say(f"{name}: left out: {out[name]}")
        if chosen(self.store) != sorted(self.kinds):
            self.store.write(json.dumps(sorted(self.kinds)).encode(), *CHOSEN)

    def renew(self) -> None:
        """Look at the archive again."""
        self.forget()
        self._windows = {window.name: window for window in self.archive.windows()}
        self._names = list(self._windows)
        self._order = {name: at for at, name in enumerate(self._names)}

    def forget(self) -> None:
        """What tables are there may have changed."""
        self.known.clear()
        self.waiting.clear()
        self.cache.clear()

    def pig(self, script: Path, parameters: Mapping[str, str], small: bool = False) -> pig.Ran:
        """Run a script as the settings say; SMALL: it reads tables alone."""
        assert self.pigs is not None
        return self.pigs.run(script, parameters, small)

    @property
    def follow(self) -> int:
        """Seconds behind a window in which its sessions are followed for what they say."""
        given = self.settings.follow
        return min(self.archive.length, 3600) if given < 0 else given

    @property
    def here(self) -> bool:
        """Whether scripts run on this machine, not on a cluster."""
        return self.settings.here

    # --- rounds

    def level(self, kind: type[Stage]) -> int:
        """The round that a stage runs in: after those rounds whose outcome it must know."""
        level = 0
        for table in (*kind.reads, *kind.uses):
            maker = self.makers[table]
            if maker.stage() in self.kinds:
                wait = table in kind.uses or (kind.whole and not maker.whole)
                level = max(level, self.level(maker) + wait)
        return max([level, *(self.level(self.kinds[name]) + 1 for name in kind.after if name in self.kinds)])

    def rounds(self) -> list[list[type[Stage]]]:
        """The stages, by rounds."""
        levels = {kind: self.level(kind) for kind in self.kinds.values()}
        return [[kind for kind, at in levels.items() if at == level] for level in sorted(set(levels.values()))]

    # --- windows

    def window(self, name: str) -> Window:
        """The window of a name."""
        return self._windows[name]

    def names(self) -> list[str]:
        """Names of all windows, in order."""
        return list(self._names)

    def before(self, name: str) -> str | None:
        """The window before, of those that have packets."""
        at = self._order[name]
        return self._names[at - 1] if at else None

    def behind(self, name: str) -> Iterator[str]:
        """The windows after one, in order."""
        return itertools.islice(self._names, self._order[name] + 1, None)

    # --- what processes of a run tell each other

    def tell(self, kind: type[Stage], window: str, key: str) -> None:
        """Leave word of the key that a window was made with, for those that run later in processes of their own."""
        with suppress(OSError):  # they find out by themselves, if it takes longer
            (self.folder / f"{kind.stage()}~{window}").write_text(key)

    def told(self, kind: type[Stage], window: str) -> str | None:
        """The key that a window has been made with in this run, if so."""
        try:
            return (self.folder / f"{kind.stage()}~{window}").read_text() or None
        except OSError:
            return None

    # --- tables

    def there(self, table: str) -> dict[str, str]:
        """Windows of a table that were complete when the round began, and their keys."""
        found: dict[str, str] | None = self.cache.get(("there", table))
        if found is None:
            found = self.cache["there", table] = self.tables.windows(table)
        return found

    def has(self, part: Part) -> bool:
        """Whether there was anything of a part when the round began, complete or not."""
        names: set[str] | None = self.cache.get(("names", part.table))
        if names is None:
            names = self.cache["names", part.table] = set(self.store.names(part.table))
        return part.folder[-1] in names or part.window in self.there(part.table)

    def keys(self, table: str, window: str, whole: bool) -> dict[str, str]:
        """Keys of a table's parts that a stage reads, by window, as they should be."""
        maker = self.makers[table]
        if whole and not maker.whole:
            return {name: key for name, key in self.tables.windows(table).items() if name != ALL}
        name = ALL if maker.whole else window
        key = maker.wanted(self, name)
        there = self.tables.complete(Part(table, name), key)
        return {name: key if there else "?"}

    def task(self, kind: type[Stage], window: str) -> Stage:
        """A stage of a window."""
        return kind(output_folder=self.store.root, window=ALL if kind.whole else window)

    def location(self, table: str, window: str, whole: bool, work: str) -> str:
        """Where a table is, for a LOAD; an empty table's if there is none."""
        maker = self.makers[table]
        if whole and not maker.whole:
            names = sorted(name for name in self.tables.windows(table) if name != ALL)
        else:
            name = ALL if maker.whole else window
            names = [name] if name in self.tables.windows(table) else []
        return self.parts([Part(table, name) for name in names], table, work)

    def parts(self, parts: Sequence[Part], table: str, work: str) -> str:
        """Where parts of a table are, for a LOAD."""
        if not parts:
            return self.tables.empty(work, self.makers[table].columns[table])
        left, joined = self.tables.together(parts, work)
        return ",".join([*([joined] if joined else []), *([self._places(left, table)] if left else [])])

    def _places(self, parts: Sequence[Part], table: str) -> str:
        if len(parts) == 1:
            return self.tables.location(parts[0])
        there = [name for name in self.store.names(table) if name.startswith("window=")]
        if len(there) == len(parts):
            return self.store.path(table, "window=*")
        return self.store.path(table, "window={" + ",".join(part.window for part in parts) + "}")

    def capture_list(self, work: str, captures: Sequence[Entry]) -> str:
        """A list of captures for a LOAD."""
        text = "".join(f"{entry.line()}\n" for entry in captures)
        name = f"{digest(text)}.captures"
        self.store.write(text.encode(), work, name)
        return self.store.path(work, name)


_current: list[Run] = []


def current() -> Run:
    """The run of this process, for Luigi's tasks, which know nothing but their parameters."""
    return _current[-1]


def set_current(run: Run) -> None:
    """The run from now on."""
    _current[:] = [run]
