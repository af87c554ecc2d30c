"""Packets of many captures as one sequence in the order of time.

Captures come in the order in which they begin. Those that overlap are read side by side; what stands in two of them,
to the same nanosecond and alike in all that is looked at, counts once.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from packetpig.loaders.captures.capture import Capture
from packetpig.loaders.captures.reading import tables
from packetpig.loaders.captures.window import Table
from packetpig.loaders.contract.report import Report
from packetpig.loaders.kernels import native, slots

Packets = np.ndarray[Any, np.dtype[np.int64]]


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

    @property
    def digests(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        """32 bits for each sensor's name."""
        return np.array([zlib.crc32(name.encode()) for name in self.names], np.int64)


class Extractor:
    """Tables of packets to rows of them (slots.P_…)."""

    def __init__(self, captures: Sequence[Capture], report: Report) -> None:
        self.sensors = Sensors.of(captures)
        self.report = report
        self._of = self.sensors.of_capture if len(captures) else np.zeros(1, np.int64)
        self._seeds = self.sensors.digests[self._of] if len(captures) else np.zeros(1, np.int64)
        self._last = np.zeros(3, np.int64)

    def packets(self, table: Table, whole: bool = False) -> tuple[Packets, np.ndarray[Any, Any]]:
        """Rows of the table's packets, and the rows in the table of fragments that are to be put together first."""
        rows = table.rows
        out = np.empty((max(rows, 1), slots.PACKET), np.int64)
        parts = np.empty(rows + 1, np.int64)
        wide, places, _ = table.pointers
        count = native.flow_packets(
            table.buffer.ctypes.data, table.valid, wide, places, table.capacity, 0, rows, self._of.ctypes.data,
            self._seeds.ctypes.data, len(self._of), out.ctypes.data, self._last.ctypes.data, parts.ctypes.data, whole,
        )  # fmt: skip
        self.report.count("packets without IP", int(self._last[1]))
        self.report.count("packets with cut headers", int(self._last[2]))
        self._last[1:] = 0
        return out[:count], parts[1 : 1 + int(parts[0])]
