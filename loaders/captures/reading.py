"""Reads captures, one after the other, into tables of packets: one decode, whatever the rows are made of.

A large local capture is mapped into memory; small ones, compressed ones and those that come through a pipe go through
one arena of bounded size, so that many small captures fill one table and memory does not grow with the input.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
from packetpig.loaders.captures import parallel
from packetpig.loaders.captures.ahead import ahead
from packetpig.loaders.captures.capture import Capture, Source, beginning, opened, reason
from packetpig.loaders.captures.compression import Unpacked, compression
from packetpig.loaders.captures.index import Index
from packetpig.loaders.captures.index import of as index_of
from packetpig.loaders.captures.pcap import Pcap, RestartError
from packetpig.loaders.captures.pcapng import Pcapng
from packetpig.loaders.captures.window import Table, Window
from packetpig.loaders.contract.report import CaptureError, Report
from packetpig.loaders.contract.times import Span
from packetpig.loaders.kernels import frame

HEAD = 64  # bytes that tell the format
ARENA = 8 << 20  # bytes; more only for a single record that needs it
ROOM = 1 << 20  # bytes that must be free before another capture begins in the arena
MAPPED = 4 << 20  # bytes from which a local capture is mapped
FORMATS = (Pcap, Pcapng)


class Scanner(Protocol):
    """What the formats have alike."""

    first: int | None
    after: int | None

    @property
    def begin(self) -> int:
        """See Pcap.begin."""

    def scan(self, window: Window, table: Table) -> int:
        """See Pcap.scan."""


class Head:
    """A source that only goes forward, with its first bytes given back."""

    size: int | None = None

    def __init__(self, head: bytes, rest: Source) -> None:
        self._head, self._rest = head, rest

    def read(self, into: memoryview, offset: int) -> int:
        """See Source."""
        if offset < len(self._head):
            piece = self._head[offset : offset + len(into)]
            into[: len(piece)] = piece
            return len(piece)
        return self._rest.read(into, offset)

    def mapped(self) -> None:
        """See Source."""
        return

    def close(self) -> None:
        """See Source."""
        self._rest.close()


def tables(
    captures: Sequence[Capture],
    report: Report,
    on_error: str = "fail",
    first: int = 0,
    times: Span | None = None,
    keep: Callable[[Table], None] | None = None,
) -> Iterator[Table]:
    """Give tables of packets; each is used again for the next, so be done with it before. Captures count from FIRST.

    A file that is no capture raises CaptureError; with ON_ERROR `skip` it is counted and said, with `later` too, and
    counts as a failure of the whole. With TIMES, what a time index knows to be outside is not read. KEEP leaves out
    rows of a table, in any thread, before it is given; it must not look at packets' numbers.
    """
    reader = _Reader(report, times, keep)
    for number, capture in enumerate(captures, first):
        capture.number = number
        try:
            yield from reader.read(capture)
        except CaptureError as error:
            if on_error == "fail":
                raise
            if on_error == "later":
                report.failures += 1
                report.warn(str(error))
            else:
                report.count("captures skipped")
                report.warn(f"{error}; skipped")
    yield from reader.flush()


class _Reader:
    def __init__(self, report: Report, times: Span | None, keep: Callable[[Table], None] | None) -> None:
        self.report, self.times, self._keep = report, times, keep
        self.stale = False
        self.table = Table()
        self.spare: list[Table] = []  # noted ahead of the one that is made use of
        self.arena = np.empty(ARENA, np.uint8)
        self.filled = 0

    def flush(self) -> Iterator[Table]:
        """Give the table if it has rows, and empty it."""
        if self.table.rows:
            self._prepare(self.table)
            yield self.table
            self.table.rows = 0

    def _prepare(self, table: Table) -> None:
        """Leave out what is not wanted."""
        table.noted = table.rows
        if self._keep and table.rows:
            self._keep(table)

    def read(self, capture: Capture) -> Iterator[Table]:
        index = self._index(capture) if self.times else None
        if index and self.times and not index.overlaps(self.times):
            self._leave_out(capture, capture.start, capture.end or index.size)
            self._finish_indexed(capture)
            return
        source = opened(capture)
        try:
            if index and self.times and index.blocks.size:
                yield from self._indexed(capture, source, index, self.times)
            else:
                yield from self._recognised(capture, source)
        except OSError as error:
            raise CaptureError(f"{capture.path}: {reason(error)}") from error
        finally:
            source.close()

    def _index(self, capture: Capture) -> Index | None:
        index, stale = index_of(capture)
        if stale:
            self.report.count("time indexes not used")
            if not self.stale:
                self.report.warn(
                    f"{capture.path}: its time index is not of this file as it is now, and not used; "
                    "`packetpig index` writes it anew (said once)"
                )
            self.stale = True
        return index

    def _indexed(self, capture: Capture, source: Source, index: Index, times: Span) -> Iterator[Table]:
        """Read those blocks of a pcap that have packets of the time."""
        head = _head(source)
        end = capture.end if capture.end is not None else index.size
        mapping = source.mapped() if (source.size or 0) >= MAPPED else None
        done = capture.start
        for run in index.runs(times, capture.start, end):
            self._leave_out(capture, done, run.begin)
            part = replace(capture, start=max(run.begin, capture.start), end=run.end)
            scanner = Pcap(head, part, self.report)
            scanner.go_to(run.begin, run.packets if capture.start == 0 else -1)
            if mapping is not None:
                yield from self._mapped(scanner, mapping)
            else:
                yield from self._streamed(scanner, source, part)
            done = run.end
        self._leave_out(capture, done, end)
        self._finish_indexed(capture)

    def _leave_out(self, capture: Capture, begin: int, end: int) -> None:
        """Say that a part is not read."""
        if end > begin:
            self.report.progress(end - begin)
            self.report.count("bytes not read, by the time index", end - begin)

    def _finish_indexed(self, capture: Capture) -> None:
        """What begins and ends a range is known without looking: neighbours that do so too agree."""
        self.report.count("captures")
        if capture.end is not None:
            self.report.splits.append((capture.number, capture.start, capture.end))

    def _recognised(self, capture: Capture, source: Source) -> Iterator[Table]:
        head = _head(source)
        packed = compression(head)
        if packed:
            source = Unpacked(
                source if source.size is not None else Head(head, source), capture.path, packed, self.report
            )
            head = _head(source)
            if not head:
                raise CaptureError(f"{capture.path}: no data in the {packed[0]} file")
        scanner = _scanner(head, capture, self.report)
        if source.size is None:
            source = Head(head, source)
        elif source.size >= MAPPED:
            mapping = source.mapped()
            if mapping is not None:
                yield from self._mapping(scanner, mapping, head, capture)
                self._finish(capture, scanner)
                return
        while True:
            try:
                yield from self._streamed(scanner, source, capture)
                break
            except RestartError:
                scanner.restart()  # type: ignore[attr-defined]
        self._finish(capture, scanner)

    def _mapping(
        self, scanner: Scanner, mapping: np.ndarray[Any, Any], head: bytes, capture: Capture
    ) -> Iterator[Table]:
        if isinstance(scanner, Pcap) and parallel.possible(capture, len(mapping)):
            yield from self.flush()
            left = yield from parallel.tables(head, capture, mapping, self.report, self._prepare)
            if left is None:
                return
            scanner.go_to(*left)
        yield from self._mapped(scanner, mapping)

    def _finish(self, capture: Capture, scanner: Scanner) -> None:
        self.report.count("captures")
        if capture.end is not None and scanner.first is not None and scanner.after is not None:
            self.report.splits.append((capture.number, scanner.first, scanner.after))

    def _mapped(self, scanner: Scanner, mapping: np.ndarray[Any, Any]) -> Iterator[Table]:
        """A thread notes the packets of the next table while the last one is made use of."""
        yield from self.flush()
        window = Window(mapping, scanner.begin, len(mapping), 0, True)

        def scanned(table: Table) -> bool:
            table.rows, table.buffer, table.valid = 0, mapping, window.valid
            before = window.at
            try:
                more = scanner.scan(window, table) == frame.FULL
            except RestartError:
                scanner.restart()  # type: ignore[attr-defined]
                window.at, more = scanner.begin, True
            self.report.progress(max(0, window.at - before))
            self._prepare(table)
            return more

        self.spare = self.spare or [Table(self.table.capacity) for _ in range(2)]
        for table in ahead(scanned, [self.table, *self.spare]):
            if table.noted:
                yield table
        self.table.rows, self.table.buffer = 0, self.arena

    def _streamed(self, scanner: Scanner, source: Source, capture: Capture) -> Iterator[Table]:
        compressed = source.size is None
        if len(self.arena) - self.filled < min(source.size or ROOM, ROOM):
            yield from self.flush()
            self.filled = 0
        self.table.buffer = self.arena
        offset = scanner.begin
        window = Window(self.arena, self.filled, self.filled, offset - self.filled, False)
        while True:
            room = len(self.arena) - window.valid
            count = source.read(
                self.arena.data[window.valid : window.valid + self._piece(capture, offset, room)], offset
            )
            if not compressed:
                self.report.progress(count if capture.end is None else max(0, min(count, capture.end - offset)))
            offset += count
            window.valid += count
            window.last = count == 0
            self.table.valid = window.valid
            why = scanner.scan(window, self.table)
            while why == frame.FULL:
                yield from self.flush()
                why = scanner.scan(window, self.table)
            if why == frame.STOP:
                self.filled = window.valid
                return
            if window.valid == len(self.arena):
                yield from self.flush()
                self._make_room(window)

    def _piece(self, capture: Capture, offset: int, room: int) -> int:
        """How much to read: no more of a range than it has, but for completing its last record."""
        if capture.end is None:
            return room
        return min(room, max(capture.end - offset, 1 << 16))

    def _make_room(self, window: Window) -> None:
        """Move what is not read yet to the front, into a larger arena if it fills this one."""
        left = window.valid - window.at
        arena = self.arena if left <= len(self.arena) // 2 else np.empty(2 * len(self.arena), np.uint8)
        arena[:left] = self.arena[window.at : window.valid].copy()
        window.base += window.at
        window.buffer, window.at, window.valid = arena, 0, left
        window.address = arena.ctypes.data
        self.arena = self.table.buffer = arena
        self.table.valid = left


def is_pcap(capture: Capture) -> bool:
    """Whether a capture is a pcap that is not compressed, which can be read from any record on."""
    source = opened(capture)
    try:
        return source.size is not None and Pcap.recognises(_head(source))
    finally:
        source.close()


def _head(source: Source) -> bytes:
    """The first bytes, as many as tell the format."""
    return beginning(source, HEAD)


def _scanner(head: bytes, capture: Capture, report: Report) -> Scanner:
    if not head:
        raise CaptureError(f"{capture.path}: an empty file, not a capture")
    for known in FORMATS:
        if known.recognises(head):
            return known(head, capture, report)  # type: ignore[return-value]
    raise CaptureError(f"{capture.path}: not a capture (its first bytes are {head[:8].hex(' ')})")
