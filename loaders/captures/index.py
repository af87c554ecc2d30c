"""Time indexes: a small file beside a capture that says which part of it holds packets of which time.

The index of `a.pcap` is `.packetpig/a.pcap.idx` in the same folder. It is used where it is there and the capture has
the size and the time of change that the index says; it is never needed, and never changes what is read of the time
that is asked for. A capture that is damaged gets none, so that its faults are said each time.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from packetpig.loaders.captures.capture import Capture, reason
from packetpig.loaders.contract.report import CaptureError
from packetpig.loaders.contract.times import Span

FOLDER, SUFFIX = ".packetpig", ".idx"
VERSION = 1
BLOCK = 1 << 20  # bytes of a capture that an entry is about

Numbers = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True)
class Run:
    """Records next to each other: they begin in BEGIN to END, and PACKETS of the capture stand before them."""

    begin: int
    end: int
    packets: int


@dataclass(frozen=True)
class Index:
    """`size`, `changed`: of the capture. `first`, `last`: times of its packets, nanoseconds.

    `blocks`: four rows (offset of the first record, earliest and latest time, packets before), one column a block. None
    for a capture that can only be read from its begin (compressed, or pcapng).
    """

    size: int
    changed: int
    first: int
    last: int
    blocks: Numbers

    def overlaps(self, times: Span) -> bool:
        """Whether there are packets of that time."""
        return self.last >= times[0] and self.first <= times[1]

    def runs(self, times: Span, start: int, end: int) -> list[Run]:
        """Where packets of that time are, among the records that begin in START to END."""
        offsets, first, last, packets = self.blocks
        ends = np.append(offsets[1:], self.size)
        wanted = (last >= times[0]) & (first <= times[1]) & (ends > start) & (offsets < end)
        runs: list[Run] = []
        for k in np.flatnonzero(wanted).tolist():
            stop = min(int(ends[k]), end)
            if runs and runs[-1].end == offsets[k]:
                runs[-1] = Run(runs[-1].begin, stop, runs[-1].packets)
            else:
                runs.append(Run(int(offsets[k]), stop, int(packets[k])))
        return runs


def place(path: str | Path) -> Path:
    """Where the index of a capture is."""
    path = Path(path)
    return path.parent / FOLDER / (path.name + SUFFIX)


def of(capture: Capture) -> tuple[Index | None, bool]:
    """The index of a capture, if there is one that is right; and whether there is one that is not."""
    if capture.index is not None:
        return capture.index, False
    if capture.local is None:
        return None, False
    try:
        text = place(capture.local).read_text()
    except (OSError, ValueError):
        return None, False
    try:
        status = os.stat(capture.local)  # noqa: PTH116
        index = _read(text)
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        return None, True
    current = (index.size, index.changed) == (status.st_size, status.st_mtime_ns)
    return (index, False) if current else (None, True)


def _read(text: str) -> Index:
    data = json.loads(text)
    blocks = np.array(data["blocks"], np.int64).reshape(4, -1)
    index = Index(int(data["size"]), int(data["changed"]), int(data["first"]), int(data["last"]), blocks)
    ordered = np.all(np.diff(blocks[0]) > 0) and np.all(blocks[0] >= 0) and np.all(blocks[0] < index.size)
    if data["version"] != VERSION or not ordered:
        raise ValueError("not an index that this version wrote")
    return index


class Builder:
    """Takes the places and times of a capture's packets, and writes its index."""

    def __init__(self) -> None:
        self._parts: list[Numbers] = []
        self._packets = 0

    def add(self, offsets: Numbers, times: Numbers) -> None:
        """Packets, in the order of the capture. Those without a time have the least number there is."""
        if not len(offsets):
            return
        _, starts = np.unique(offsets // BLOCK, return_index=True)
        timed = np.where(times == np.iinfo(np.int64).min, np.iinfo(np.int64).max, times)
        self._parts.append(
            np.array(
                [
                    offsets[starts],
                    np.minimum.reduceat(timed, starts),
                    np.maximum.reduceat(times, starts),
                    self._packets + starts,
                ]
            )
        )
        self._packets += len(offsets)

    def index(self, before: os.stat_result) -> Index:
        """The index of the capture, as it was BEFORE it was read."""
        whole = _joined(np.concatenate(self._parts, axis=1)) if self._parts else np.zeros((4, 0), np.int64)
        first, last = (int(whole[1].min()), int(whole[2].max())) if self._parts else (0, -1)
        return Index(before.st_size, before.st_mtime_ns, first, last, whole)

    def write(self, path: str, blocks: bool, before: os.stat_result) -> None:
        """Write the index of the capture at PATH, as it was BEFORE it was read; with what BLOCKS hold, or not."""
        found = self.index(before)
        index = {
            "version": VERSION, "size": found.size, "changed": found.changed, "first": found.first,
            "last": found.last, "blocks": (found.blocks if blocks else found.blocks[:, :0]).tolist(),
        }  # fmt: skip
        target = place(path)
        part = target.with_name(f"{target.name}.{os.getpid()}.part")
        try:
            target.parent.mkdir(exist_ok=True)
            part.write_text(json.dumps(index, separators=(",", ":")))
            part.replace(target)
        except OSError as error:
            raise CaptureError(f"{target}: the index cannot be written: {reason(error)}") from error
        finally:
            part.unlink(missing_ok=True)


def _joined(parts: Numbers) -> Numbers:
    """Parts of one block, which were noted one after the other, as one."""
    _, starts = np.unique(parts[0] // BLOCK, return_index=True)
    return np.array(
        [
            parts[0][starts],
            np.minimum.reduceat(parts[1], starts),
            np.maximum.reduceat(parts[2], starts),
            parts[3][starts],
        ]
    )
