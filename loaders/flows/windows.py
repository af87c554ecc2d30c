"""Sessions window after window: what is open at the end of one goes on in the next, as if there were no windows.

What a window hands on of one bucket is the tracker's own rows of the sessions that are open: about 400 bytes each
before compression, however many packets they had. So no window needs packets of another.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

import numpy as np
from packetpig.loaders.contract.report import Report
from packetpig.loaders.flows.merging import Packets
from packetpig.loaders.flows.pieces import body_of, framed, head_of, in_order
from packetpig.loaders.flows.rows import Sessions
from packetpig.loaders.flows.together import Together
from packetpig.loaders.flows.tracker import Tracker
from packetpig.loaders.kernels import native, slots

MAGIC = b"PPO1"
SENSOR = np.int64(0xFFFF << 32)
Name = TypeVar("Name", str, tuple[str, str])


class Window:
    """One bucket of one window: PIECES of its packets, and what the window before handed on, or None."""

    def __init__(self, pieces: Sequence[bytes], before: bytes | None, report: Report | None = None) -> None:
        self._report = report or Report()
        self.together = Together(in_order(pieces), self._report)
        self._before, captures, sensors = unpacked(before) if before else _nothing()
        self._renumber(self._before, captures, sensors)
        self.after = b""

    def _renumber(self, rows: Packets, captures: list[tuple[str, str]], sensors: list[str]) -> None:
        names = self.together.sensors
        places = np.array([self.together.capture(name, sensor) for sensor, name in captures] or [0], np.int64)
        numbers = np.array([names.number(name) for name in sensors] or [0], np.int64)
        tags = rows[:, slots.TAGS]
        rows[:, slots.TAGS] = (tags & ~SENSOR) | (numbers[(tags & SENSOR) >> 32] << 32)
        rows[:, slots.CAPTURE] = places[rows[:, slots.CAPTURE]]
        keys = np.ascontiguousarray(rows[:, : slots.HASH + 1])
        native.hash_keys(keys.ctypes.data, len(keys), names.digests.ctypes.data, len(names.digests))
        rows[:, slots.HASH] = keys[:, slots.HASH]

    def sessions(self, options: Mapping[str, str]) -> Iterator[tuple[Sessions, bool]]:
        """Sessions that ended (False), then those that go on, as they stand (True); `after` is what to hand on."""
        tracker = Tracker(options, self._report)
        tracker.resume(self._before)
        captures, sensors = self.together.names, self.together.sensors
        for packets in self.together.merged():
            for ended in tracker.add(packets):
                yield Sessions(ended.copy(), captures, sensors), False
        for rows in tracker.pause(self.together.until):
            yield Sessions(rows.copy(), captures, sensors), False
        rows = tracker.open()
        self.after = packed(rows, self.together.capture_names, sensors.names)
        if len(rows):
            yield Sessions(rows, captures, sensors), True


def packed(rows: Packets, captures: Sequence[tuple[str, str]], sensors: Sequence[str]) -> bytes:
    """Sessions as bytes, with the names that their numbers stand for; the same sessions are always the same bytes."""
    rows = rows[np.lexsort((rows[:, slots.HASH], rows[:, slots.START]))]
    tags = rows[:, slots.TAGS]
    known, numbers = _named((tags & SENSOR) >> 32, sensors)
    rows[:, slots.TAGS] = (tags & ~SENSOR) | (numbers << 32)
    used, rows[:, slots.CAPTURE] = _named(rows[:, slots.CAPTURE], captures)
    rows[:, slots.SERIAL] = 0
    head = {"sessions": len(rows), "captures": used, "sensors": known}
    return framed(head, np.ascontiguousarray(rows.T).tobytes(), MAGIC)


def _named(numbers: Packets, names: Sequence[Name]) -> tuple[list[Name], Packets]:
    """The names that NUMBERS stand for, in order, and which of them each is."""
    used, places = np.unique(numbers, return_inverse=True)
    known = sorted(names[one] for one in used.tolist())
    order = np.array([known.index(names[one]) for one in used.tolist()], np.int64)
    return known, order[places] if len(order) else places


def unpacked(data: bytes) -> tuple[Packets, list[tuple[str, str]], list[str]]:
    """Rows, captures and sensors. Raises ValueError."""
    if not data.startswith(MAGIC):
        raise ValueError("not what a window hands on")
    head = head_of(data)
    rows = np.frombuffer(body_of(data), np.int64).reshape(slots.SESSION, head["sessions"]).T.copy()
    return rows, [(sensor, name) for sensor, name in head["captures"]], head["sensors"]


def _nothing() -> tuple[Packets, list[tuple[str, str]], list[str]]:
    return np.empty((0, slots.SESSION), np.int64), [], []
