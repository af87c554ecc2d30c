"""Captures to rows of packets (slots.P_…): one decode for all that looks at flows."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from packetpig.loaders.captures.capture import Capture
from packetpig.loaders.captures.finding import in_time_order, packet_time
from packetpig.loaders.captures.reading import tables
from packetpig.loaders.captures.window import Table
from packetpig.loaders.contract.report import Report
from packetpig.loaders.contract.times import Span
from packetpig.loaders.decode.tunnels import enter
from packetpig.loaders.flows.fragments import Fragments
from packetpig.loaders.flows.merging import FOREVER, Packets, merged
from packetpig.loaders.kernels import native, slots


@dataclass
class Sensors:
    """The sensors of a job: each capture's number of one, and what stands for its name in hashes."""

    names: list[str]
    of_capture: np.ndarray[Any, np.dtype[np.int64]]

    @classmethod
    def of(cls, captures: Sequence[Capture]) -> Sensors:
        """The sensors of CAPTURES."""
        names = sorted({capture.sensor for capture in captures})
        return cls(names, np.array([names.index(capture.sensor) for capture in captures], np.int64))

    def number(self, name: str) -> int:
        """The number of a sensor, which may be a new one."""
        if name not in self.names:
            self.names.append(name)
        return self.names.index(name)

    @property
    def digests(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        """32 bits for each sensor's name."""
        return np.array([zlib.crc32(name.encode()) for name in self.names], np.int64)


class Extractor:
    """The packets of some captures. See origin.Origin.

    `entropies`: whether to compute those of their payload. `times`: what a time index knows to be outside of that time
    is not read; packets are not looked at for it. `within`: `merged` gives no others than packets from the first of
    these nanoseconds to before the second.
    """

    def __init__(self, captures: Sequence[Capture], report: Report, on_error: str = "fail") -> None:
        self.captures = captures
        self.names = [capture.capture for capture in captures]
        self.sensors = Sensors.of(captures)
        self.until = 0
        self.report, self.on_error = report, on_error
        self.fragments = Fragments(self, report)
        self._know()
        self._last = np.zeros(4, np.int64)
        self._counts = np.zeros(256, np.int64)
        self.entropies = False
        self.times: Span | None = None
        self.within: Span | None = None

    def _know(self) -> None:
        self._of = np.append(self.sensors.of_capture, 0)
        self._seeds = np.append(self.sensors.digests, 0)[self._of]

    def add(self, name: str, sensor: str) -> int:
        """A capture that is not read here, but whose packets come; its number."""
        self.names.append(name)
        self.sensors.of_capture = np.append(self.sensors.of_capture, self.sensors.number(sensor))
        self._know()
        return len(self.names) - 1

    def packets(self, table: Table, whole: bool = False) -> Packets:
        """Rows of the table's packets; fragments are to be put together yet (see Fragments)."""
        rows = table.rows
        out = np.empty((2 * max(rows, 1), slots.PACKET), np.int64)
        parts = np.zeros(1, np.int64)
        wide, places, _ = table.pointers
        address = table.buffer.ctypes.data
        count = native.flow_packets(
            address, address, table.valid, wide, places, table.capacity, rows, self._of.ctypes.data,
            self._seeds.ctypes.data, len(self._of), out.ctypes.data, self._last.ctypes.data, parts.ctypes.data, whole,
            self._counts.ctypes.data, self.entropies,
        )  # fmt: skip
        self.report.count("packets without IP", int(self._last[1]))
        self.report.count("packets with cut headers", int(self._last[2]))
        self.report.count("packets that carry nothing", int(self._last[3]))
        self._last[1:] = 0
        packets = out[:count]
        if parts[0]:
            self.fragments.note(table, packets)
        return packets

    def read(self, number: int = 0, count: int | None = None) -> Iterator[Packets]:
        """Packets and fragments of COUNT captures from NUMBER on, one after the other."""
        end = len(self.captures) if count is None else number + count
        for table in tables(self.captures[number:end], self.report, self.on_error, number, self.times):
            self.report.count("packets", table.rows)
            self._enter(table)
            packets = self.packets(table)
            if len(packets):
                yield packets

    def _enter(self, table: Table) -> None:
        """Note the innermost packets of tunnels; fragments stay as they are until they have been put together."""
        wide, places, _ = table.pointers
        found = np.empty(table.rows, np.int64)
        count = native.find_fragments(
            table.buffer.ctypes.data, table.valid, wide, places, table.capacity, table.rows, found.ctypes.data
        )
        rows = found[:count]
        kept = table.wide[:, rows], table.places[:, rows]
        enter(table)
        table.wide[:, rows], table.places[:, rows] = kept

    def in_order(self) -> Iterator[Packets]:
        """Packets of all captures, one after the other; what came in fragments stands where the last of them came."""
        for packets in self.read():
            yield self.fragments.resolve(packets)

    def merged(self) -> Iterator[Packets]:
        """Packets of all captures in the order of time; what two captures have alike counts once."""
        if self.within is None:
            yield from self._merged()
            return
        begin, end = self.within
        self.times = (begin, end - 1)
        for packets in self._merged():
            time = packets[:, slots.P_TIME]
            if len(some := packets[(time >= begin) & (time < end)]):
                yield some

    def _merged(self) -> Iterator[Packets]:
        if len(self.captures) == 1:
            yield from self.in_order()
        else:
            sources = [_One(self, number) for number in range(len(self.captures))]
            for packets, doubles in merged(sorted(sources, key=lambda source: source.begin)):
                self.report.count("packets in two captures", doubles)
                if len(packets):
                    yield self.fragments.resolve(packets)
        self.fragments.finish()


class _One:
    """One capture as a source."""

    def __init__(self, extractor: Extractor, number: int) -> None:
        self._extractor, self._number = extractor, number
        self.rank = (extractor.captures[number].capture,)
        self.lasting = False
        begin = packet_time(extractor.captures[number])
        self.begin = FOREVER if begin == float("inf") else int(begin * 1e9) - 1000

    def batches(self) -> Iterator[Packets]:
        """See merging.Source."""
        return self._extractor.read(self._number, 1)


def ordered(captures: Sequence[Capture]) -> list[Capture]:
    """The captures by the time of their first packet, where that is easily found."""
    return in_time_order(list(captures))
