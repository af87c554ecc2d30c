"""The captures that there are, and which windows each has packets of: the table `captures`."""

from __future__ import annotations

import json
import time
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace

import pyarrow as pa
import pyarrow.parquet as pq
from packetpig.pipelines.store import File, Store, StoreError, store
from packetpig.pipelines.tables import Tables
from packetpig.pipelines.windows import Window

TABLE, FILE = "captures", "captures.parquet"
ABOUT = (".about", "pipeline.json")
"""What says how long the windows of an output are."""
READ, UNREADABLE, EMPTY, GONE = "read", "unreadable", "empty", "gone"
COLUMNS = {
    "path": pa.string(), "capture": pa.string(), "sensor": pa.string(), "size": pa.int64(), "changed": pa.float64(),
    "state": pa.string(), "reason": pa.string(), "packets": pa.int64(), "first_ts": pa.float64(),
    "last_ts": pa.float64(), "windows": pa.list_(pa.int64()), "renamed": pa.string(), "again": pa.int64(),
}  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """A capture. `windows`: starts of those that it has packets of. `state`: read, unreadable, empty, or gone.

    `renamed`: its identity (as JSON) when it was read first, if it has another name since. `again`: the least
    max_windows with which one that cannot be read is tried again as it is (0: with any, by the next run); None: it must
    change first. `instead`: what was at its path before, while it is new; an archive has none of these.
    """

    path: str
    capture: str
    sensor: str
    size: int
    changed: float
    state: str = READ
    reason: str | None = None
    packets: int = 0
    first_ts: float | None = None
    last_ts: float | None = None
    windows: Sequence[int] = field(default=())
    renamed: str | None = None
    again: int | None = None
    instead: Entry | None = None

    @property
    def here(self) -> tuple[str, str, int, float]:
        """What says whether the file is still the same."""
        return self.path, self.sensor, self.size, self.changed

    @property
    def identity(self) -> tuple[str, str, int, float]:
        """What tables know it by."""
        if self.renamed is None:
            return self.here
        path, sensor, size, changed = json.loads(self.renamed)
        return path, sensor, size, changed

    @property
    def contents(self) -> tuple[str, int, float | None, float | None]:
        """What two captures share if one is the other, renamed or compressed."""
        return self.sensor, self.packets, self.first_ts, self.last_ts

    def covers(self, other: Entry) -> bool:
        """Whether nothing of OTHER, which was at its path before, is lost: it has grown, or was written anew."""
        if other.first_ts is None or other.last_ts is None:
            return True
        if self.first_ts is None or self.last_ts is None or not set(other.windows) <= set(self.windows):
            return False
        return self.first_ts <= other.last_ts and other.first_ts <= self.last_ts

    def line(self) -> str:
        """Its line in a list of captures for a LOAD (docs/bridge.md)."""
        return json.dumps({"path": self.path, "capture": self.capture, "sensor": self.sensor, "size": self.size})


def listed(place: str, sensors: str, settle: int, unlisted: list[str] | None = None) -> tuple[list[Entry], list[str]]:
    """The captures in a folder as they are now, by path, and the paths of those that were written to less than SETTLE
    seconds ago. Raises StoreError (see files)."""
    source = store(place)
    if not source.exists():
        raise StoreError(f"{place}: no such folder")
    files = source.files(unlisted=unlisted)
    now = time.time()
    calm, lively = [], []
    for file in files:
        if settle and now - file.changed < settle:
            lively.append(file.path)
        else:
            calm.append(_entry(file, sensors))
    return calm, lively


def _entry(file: File, sensors: str) -> Entry:
    head, _, rest = file.below.partition("/")
    sensor = head if sensors == "folders" and rest else "default"
    return Entry(file.path, file.below, sensor, file.size, file.changed)


def _settled(entries: Iterable[Entry], new: Collection[str]) -> dict[str, Entry]:
    """Captures by path; those whose path has another one since, by more than that.

    What is gone is dropped where all of it is there under another name that is NEW: that one is known as this one was.
    """
    there: list[Entry] = []
    gone: list[Entry] = []
    for entry in entries:
        (gone if entry.state == GONE else there).append(replace(entry, instead=None) if entry.instead else entry)
        if entry.instead and not entry.covers(entry.instead):
            gone.append(replace(entry.instead, state=GONE))
    lost = {entry.contents: entry for entry in gone if entry.packets}
    again = set()
    for number, entry in enumerate(there):
        if entry.path in new and entry.packets and (before := lost.pop(entry.contents, None)):
            there[number] = replace(entry, renamed=json.dumps(before.identity))
            again.add(before.here)
    found = {entry.path: entry for entry in there}
    for entry in (one for one in gone if one.here not in again):
        found[f"{entry.path}~{entry.size}~{entry.changed}" if entry.path in found else entry.path] = entry
    return found


class Archive:
    """All captures that were ever seen. `entries`: by path, also those that are gone, if another one has it now."""

    def __init__(self, entries: Iterable[Entry], length: int, new: Collection[str] = ()) -> None:
        """NEW: paths of captures that were not there before, or were others."""
        self.entries = _settled(entries, new)
        self.length = length
        self._by_window: dict[int, list[Entry]] = {}
        for entry in sorted(self.entries.values(), key=lambda one: one.identity):
            for start in entry.windows:
                self._by_window.setdefault(start, []).append(entry)
        self._starts = sorted(self._by_window)

    @classmethod
    def read(cls, place: Store, length: int) -> Archive:
        """As the table has it; empty if there is none. Raises StoreError."""
        return cls([Entry(**row) for row in Tables(place).rows(TABLE).to_pylist()], length)

    def write(self, place: Store) -> None:
        """Put the table in place, at once."""
        rows = [asdict(entry) for entry in self.entries.values()]  # the schema says which columns
        buffer = pa.BufferOutputStream()
        pq.write_table(pa.Table.from_pylist(rows, pa.schema(list(COLUMNS.items()))), buffer, compression="zstd")
        place.write(buffer.getvalue().to_pybytes(), TABLE, FILE)

    def news(self, found: Sequence[Entry]) -> list[Entry]:
        """Captures that are new or not what they were; they remember what was at their path."""
        known = {entry.here for entry in self.entries.values() if entry.state != GONE}
        return [replace(one, instead=self.entries.get(one.path)) for one in found if one.here not in known]

    def with_gone(self, found: Sequence[Entry]) -> Archive:
        """The same, with what is not there any more marked so."""
        there = {entry.path for entry in found}
        return Archive(
            [entry if entry.path in there else replace(entry, state=GONE) for entry in self.entries.values()],
            self.length,
        )

    def windows(self) -> list[Window]:
        """Windows that captures have packets of, in order."""
        return [Window(start, start + self.length) for start in self._starts]

    def captures(self, window: Window) -> list[Entry]:
        """The captures with packets of a window, by path."""
        return self._by_window.get(window.start, [])

    def tail(self, window: Window, seconds: float) -> list[Entry]:
        """Captures with packets of the last SECONDS before WINDOW that have none of it, by path."""
        begin, found = window.start - seconds, {}
        for at in self._between(begin - self.length, window.start - 1):
            for entry in self._by_window[at]:
                reaches = entry.first_ts is not None and entry.first_ts < window.start
                if reaches and (entry.last_ts or 0) >= begin and window.start not in entry.windows:
                    found[entry.identity] = entry
        return [found[one] for one in sorted(found)]

    def between(self, start: float, end: float, but: Collection[Entry]) -> list[Entry]:
        """Captures with packets of windows from START to END that begin before END, by path, BUT for some."""
        found, left = {}, {entry.identity for entry in but}
        for at in self._between(start, end):
            for entry in self._by_window[at]:
                if entry.identity not in left and entry.first_ts is not None and entry.first_ts <= end:
                    found[entry.identity] = entry
        return [found[one] for one in sorted(found)]

    def _between(self, first: float, last: float) -> Sequence[int]:
        """Starts of windows from FIRST to LAST."""
        return self._starts[bisect_left(self._starts, first) : bisect_right(self._starts, last)]
