"""A sensor's time in windows, each for an engine of its own, which is first given what was just before it.

Captures are looked through once, for the times of their packets: windows have as many bytes each, about, and an engine
reads no other parts of captures than its own, where these can be read from anywhere (pcap that is not compressed).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from packetpig.loaders.captures.capture import Capture
from packetpig.loaders.captures.index import BLOCK, Builder, Index
from packetpig.loaders.captures.reading import is_pcap, tables
from packetpig.loaders.contract.loader import OptionError
from packetpig.loaders.contract.report import Report
from packetpig.loaders.contract.times import LEAST, MOST, Span
from packetpig.loaders.engines.feed import Feed
from packetpig.loaders.engines.process import Engine
from packetpig.loaders.engines.trail import Trail
from packetpig.loaders.kernels import frame

if TYPE_CHECKING:
    from packetpig.loaders.engines.detection import Alert

MICROSECOND = 1000  # nanoseconds


@dataclass(frozen=True)
class Window:
    """Alerts from `begin` to before `end` count; packets are given from `first` on. Nanoseconds.

    `captures`: those that have some, with their numbers among all.
    """

    first: int
    begin: int
    end: int
    captures: tuple[tuple[int, Capture], ...]

    def feed(self) -> Feed:
        """Its packets. What is wrong with captures was said when they were looked through."""
        return Feed([capture for _, capture in self.captures], _Quiet(), "skip", times=(self.first, self.end))


class Part:
    """An engine of one window: alerts of what it was given before are left out. See process.Engine."""

    def __init__(self, engine: Engine[Alert], window: Window) -> None:
        self._engine, self._begin = engine, window.begin
        self._numbers = [number for number, _ in window.captures]
        self.name, self.separate, self.line_by_line = engine.name, engine.separate, engine.line_by_line
        self.command, self.word, self.complaint, self.check = (
            engine.command,
            engine.word,
            engine.complaint,
            engine.check,
        )

    def records(self, lines: bytes, trail: Trail) -> Iterator[Alert]:
        """See process.Engine."""
        return self._own(self._engine.records(lines, trail))

    def rest(self, trail: Trail) -> Iterator[Alert]:
        """See process.Engine."""
        return self._own(self._engine.rest(trail))

    def _own(self, alerts: Iterable[Alert]) -> Iterator[Alert]:
        for alert in alerts:
            if alert.time >= self._begin:
                alert.capture = self._numbers[alert.capture] if alert.capture >= 0 else -1
                yield alert


class _Quiet(Report):
    """Of captures that are read once more."""

    TWICE = ("packets", "captures", "captures skipped", "bytes not read, by the time index")

    def count(self, name: str, amount: int = 1) -> None:
        """See Report."""
        if name not in self.TWICE:
            super().count(name, amount)

    def warn(self, line: str) -> None:
        """See Report."""

    def progress(self, amount: int) -> None:
        """See Report."""


def cut(
    captures: Sequence[Capture], count: int, warm: int, report: Report, on_error: str, times: tuple[int, int] | None
) -> list[Window]:
    """COUNT windows, or fewer where there is not enough to cut. WARM: nanoseconds. Raises CaptureError, OptionError."""
    for capture in captures:
        if capture.local is None or not Path(capture.local).is_file():
            raise OptionError(f"parallel=windows:N reads captures more than once, and {capture.path} is no file here")
    looks = [_look(number, capture, report, on_error, times) for number, capture in enumerate(captures)]
    begin, end = times or (LEAST, MOST)
    bounds = [begin, *(one for one in _bounds(looks, count) if begin < one < end), end]
    windows = []
    for low, high in pairwise(bounds):
        first = low if low == begin else max(begin, low - warm)
        ours = tuple((one.number, one.capture()) for one in looks if one.has((first, high - 1)))
        windows.append(Window(first, low, high, ours))
    return windows


@dataclass(frozen=True)
class _Look:
    """What is known of a capture. `whole`: it can only be read from its begin."""

    number: int
    of: Capture
    index: Index
    whole: bool

    @property
    def untimed(self) -> bool:
        """Whether there are blocks of packets without a time: they are before all others."""
        return bool((self.index.blocks[1] == MOST).any())

    def has(self, times: Span) -> bool:
        """Whether there are packets of that time."""
        return self.index.overlaps(times) or (self.untimed and times[0] == LEAST)

    def capture(self) -> Capture:
        """The capture, as one window has it."""
        return replace(self.of, index=None if self.whole or self.untimed else self.index)


def _look(number: int, capture: Capture, report: Report, on_error: str, times: tuple[int, int] | None) -> _Look:
    """Look through a capture. Only what has no faults is read from anywhere, so that these cost nothing twice."""
    assert capture.local
    builder, own = Builder(), Report()
    before = os.stat(capture.local)  # noqa: PTH116
    for table in tables([capture], own, on_error, number, (times[0], times[1] - 1) if times else None):
        own.count("packets", table.rows)
        builder.add(table.wide[frame.OFFSET, : table.rows], table.wide[frame.TIME, : table.rows])
    report.take(own)
    whole = own.losses or times is not None or not before.st_size or not is_pcap(capture)
    return _Look(number, capture, builder.index(before), whole)


def _bounds(looks: Sequence[_Look], count: int) -> list[int]:
    """Where to cut: whole microseconds, as engines have them."""
    begins: list[NDArray[np.int64]] = [np.empty(0, np.int64)]
    weights: list[NDArray[np.int64]] = [np.empty(0, np.int64)]
    for one in looks:
        offsets, first = one.index.blocks[0], one.index.blocks[1]
        timed = first < MOST
        after = np.append(offsets[1:], max(one.index.size, (offsets[-1] if len(offsets) else 0) + 1))
        begins.append(first[timed])
        weights.append(np.clip(after - offsets, 1, BLOCK)[timed])
    times, sizes = np.concatenate(begins), np.concatenate(weights)
    order = np.argsort(times, kind="stable")
    middle = np.cumsum(sizes[order]) - sizes[order] // 2
    if not len(middle):
        return []
    wanted = np.searchsorted(middle, sizes.sum() * np.arange(1, count) / count)
    found = np.unique(times[order][np.minimum(wanted, len(times) - 1)] // MICROSECOND * MICROSECOND)
    return [int(one) for one in found if one > times[order][0]]
