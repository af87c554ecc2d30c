"""The captures of one sensor in the order of time, as the records of a classic pcap with microseconds.

That is what `mergecap` makes of them, but for this: frames of other link types become Ethernet; what two captures have
alike, to the nanosecond and the byte, is given once; time never goes back (kernels/feeding.py, `feed_clock`).
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from packetpig.loaders.captures.capture import Capture
from packetpig.loaders.captures.finding import packet_time
from packetpig.loaders.captures.reading import tables
from packetpig.loaders.contract.report import Report
from packetpig.loaders.engines.trail import Trail
from packetpig.loaders.kernels import fedslots, native

ETHERNET, IP = 1, 101
BLOCK = 1 << 20  # bytes that are written at once
LONGEST = fedslots.MOST + 38
FOREVER = (1 << 63) - 1
SLACK = 1000  # nanoseconds by which a capture may begin earlier than its first packet is said to
DOUBLES = 256  # packets of one time that are looked at for doubles

Rows = NDArray[np.int64]


class Feed:
    """One stream, or several: packets of the same two hosts are always in the same of LANES.

    TCP: only that, from the IP header on, for programs that look at nothing else. TIMES: only packets from the first
    nanosecond to before the second. The trails know what was given.
    """

    def __init__(
        self,
        captures: Sequence[Capture],
        report: Report,
        on_error: str = "fail",
        tcp: bool = False,
        lanes: int = 1,
        times: tuple[int, int] | None = None,
    ) -> None:
        self.captures, self.report, self._times = captures, report, times
        self._on_error, self._tcp = on_error, tcp
        self.trails = [Trail(detailed=tcp) for _ in range(lanes)]
        self._out = np.empty(BLOCK + LONGEST, np.uint8)
        self._done, self._cut = np.zeros(1, np.int64), np.zeros(1, np.int64)
        self._clock, self._odd = np.zeros(2, np.int64), np.zeros(2, np.int64)

    @property
    def header(self) -> bytes:
        """What each stream begins with."""
        return struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, fedslots.MOST, IP if self._tcp else ETHERNET)

    def blocks(self) -> Iterator[tuple[int, memoryview]]:
        """Lanes, and bytes to write there at once. Raises CaptureError."""
        for rows in self._merged():
            given = self._timed(self._possible(rows))
            if len(self.trails) == 1:
                yield from self._written(0, given)
                continue
            lanes = given[:, fedslots.PAIR] % len(self.trails)
            for lane in range(len(self.trails)):
                yield from self._written(lane, np.ascontiguousarray(given[lanes == lane]))

    def _possible(self, rows: Rows) -> Rows:
        given = rows[:, fedslots.HEAD] >= 0
        missing = len(rows) - int(np.count_nonzero(given))
        if not missing:
            return rows
        self.report.count("packets without IP, of other link types than Ethernet: not given to the engine", missing)
        return rows[given]

    def _timed(self, rows: Rows) -> Rows:
        native.feed_clock(rows.ctypes.data, len(rows), self._clock.ctypes.data, self._odd.ctypes.data)
        for which, name in enumerate(("packets of a time that pcap cannot say", "packets given with a later time")):
            self.report.count(name, int(self._odd[which]))
        self._odd[:] = 0
        return rows

    def _written(self, lane: int, rows: Rows) -> Iterator[tuple[int, memoryview]]:
        trail = self.trails[lane]
        trail.add(rows)
        at, before = 0, trail.count - len(rows)
        while at < len(rows):
            size = native.feed_records(
                0, rows.ctypes.data, at, len(rows), self._out.ctypes.data, len(self._out), self._done.ctypes.data,
                self._cut.ctypes.data,
            )  # fmt: skip
            at = int(self._done[0])
            trail.told = before + at
            yield lane, self._out.data[:size]
        self.report.count("packets cut for the engine", int(self._cut[0]))
        self._cut[:] = 0

    def _merged(self) -> Iterator[Rows]:
        """Rows of all captures in the order of time; within a capture, the order is that of the file."""
        waiting = sorted((_Source(self, number) for number in range(len(self.captures))), key=lambda one: one.begin)
        active: list[_Source] = []
        doubles = _Doubles(self.report)
        while waiting or active:
            slow = min(active, key=lambda one: (one.horizon, one.rank), default=None)
            if waiting and (slow is None or waiting[0].begin <= slow.horizon):
                source = waiting.pop(0)
                if source.load():
                    active.append(source)
                    active.sort(key=lambda one: one.rank)
                continue
            assert slow is not None
            until = slow.horizon
            taken = [one.take(until, one.rank <= slow.rank) for one in active]
            if len(active) == 1:
                doubles.forget()
                yield taken[0][0]
            else:
                yield doubles.without(taken)
            if not slow.load():
                active.remove(slow)

    def read(self, number: int) -> Iterator[Rows]:
        """Rows of one capture. What they point to is there until the next ones are asked for."""
        begin, end = self._times or (-FOREVER, FOREVER)
        span = (begin, end - 1) if self._times else None
        for table in tables([self.captures[number]], self.report, self._on_error, number, span):
            self.report.count("packets", table.rows)
            rows = np.empty((table.rows, fedslots.COLUMNS), np.int64)
            wide, places, _ = table.pointers
            address = table.buffer.ctypes.data
            count = native.feed_rows(
                address, address, table.valid, wide, places, table.capacity, table.rows, self._tcp, rows.ctypes.data
            )
            if self._times:
                within = (rows[:count, fedslots.TIME] >= begin) & (rows[:count, fedslots.TIME] < end)
                yield rows[:count][within]
            else:
                yield rows[:count]


class _Source:
    """One capture: the rows of it that are not given yet, and their times, which never go back."""

    def __init__(self, feed: Feed, number: int) -> None:
        capture = feed.captures[number]
        begin = packet_time(capture) if len(feed.captures) > 1 else 0
        # one whose begin is not easily found is opened at once
        self.begin = -FOREVER if begin == float("inf") else int(begin * 1e9) - SLACK
        self.rank = number
        self._rest = feed.read(number)
        self._rows: Rows = np.empty((0, fedslots.COLUMNS), np.int64)
        self._times: NDArray[np.int64] = np.empty(0, np.int64)
        self._last = -FOREVER

    @property
    def horizon(self) -> int:
        """The time of the last row that is here."""
        return int(self._times[-1])

    def load(self) -> bool:
        """The next rows; all before must have been taken. False where there are none."""
        for rows in self._rest:
            if len(rows):
                self._rows = rows
                self._times = np.maximum.accumulate(np.maximum(rows[:, fedslots.TIME], self._last))
                self._last = int(self._times[-1])
                return True
        return False

    def take(self, until: int, with_it: bool) -> tuple[Rows, NDArray[np.int64]]:
        """The rows before a time, or up to WITH IT, and the times that they are ordered by."""
        count = int(np.searchsorted(self._times, until, "right" if with_it else "left"))
        taken = self._rows[:count], self._times[:count]
        self._rows, self._times = self._rows[count:], self._times[count:]
        return taken


class _Doubles:
    """Leaves out what two captures have alike."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._tail: Rows = np.empty((0, fedslots.COLUMNS), np.int64)
        self._bytes: list[bytes] = []

    def forget(self) -> None:
        """Nothing that comes can be a double of what was."""
        self._tail = self._tail[:0]

    def without(self, pieces: list[tuple[Rows, NDArray[np.int64]]]) -> Rows:
        """The rows of several captures together, by time, each frame once."""
        order = np.argsort(np.concatenate([times for _, times in pieces]), kind="stable")
        rows = np.concatenate([self._tail, np.concatenate([rows for rows, _ in pieces])[order]])
        fresh = len(self._tail)
        keep = np.empty(len(rows), np.uint8)
        dropped = native.feed_doubles(0, rows.ctypes.data, len(rows), fresh, keep.ctypes.data)
        self._report.count("packets in two captures", dropped)
        self._keep_tail(rows)
        kept: Rows = rows[fresh:][keep[fresh:].view(bool)]
        return kept

    def _keep_tail(self, rows: Rows) -> None:
        """Copy the frames of the last time: doubles of them may be still to come."""
        if not len(rows):
            return
        last = rows[-DOUBLES:]
        tail = last[last[:, fedslots.TIME] == last[-1, fedslots.TIME]].copy()
        held = [ctypes.string_at(int(one[fedslots.ADDRESS]), int(one[fedslots.CAPTURED])) for one in tail]
        for one, data in zip(tail, held, strict=True):
            one[fedslots.ADDRESS] = np.frombuffer(data, np.uint8).ctypes.data if data else 0
        self._tail, self._bytes = tail, held
