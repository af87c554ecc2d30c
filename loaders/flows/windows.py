"""Sessions window after window: what is open at the end of one goes on in the next, as if there were no windows.

What a window hands on of one bucket is the tracker's own rows of the sessions that are open: about 400 bytes each
before compression, however many packets they had. So no window needs packets of another.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from packetpig.loaders.contract.report import Report
from packetpig.loaders.flows.extracting import Sensors
from packetpig.loaders.flows.merging import Packets
from packetpig.loaders.flows.pieces import Together, body_of, framed, head_of
from packetpig.loaders.flows.rows import Sessions
from packetpig.loaders.flows.tracker import Tracker
from packetpig.loaders.kernels import native, slots

MAGIC = b"PPO1"
SENSOR = np.int64(0xFFFF << 32)


class Window:
    """One bucket of one window: PIECES of its packets, and what the window before handed on, or None."""

    def __init__(self, pieces: Sequence[bytes], before: bytes | None, report: Report | None = None) -> None:
        rows, captures, sensors = unpacked(before) if before else _nothing()
        self.together = Together(pieces, report, {(sensor, name) for sensor, name in captures}, sensors)
        self._renumber(rows, captures, sensors)
        self._before = rows
        self.after = b""

    def _renumber(self, rows: Packets, captures: list[tuple[str, str]], sensors: list[str]) -> None:
        names, where = self.together.extractor.sensors, self.together.where
        numbers = np.array([names.names.index(name) for name in sensors] or [0], np.int64)
        tags = rows[:, slots.TAGS]
        rows[:, slots.TAGS] = (tags & ~SENSOR) | (numbers[(tags & SENSOR) >> 32] << 32)
        rows[:, slots.CAPTURE] = np.array([where[pair] for pair in captures] or [0], np.int64)[rows[:, slots.CAPTURE]]
        keys = np.ascontiguousarray(rows[:, : slots.HASH + 1])
        native.hash_keys(keys.ctypes.data, len(keys), names.digests.ctypes.data, len(names.digests))
        rows[:, slots.HASH] = keys[:, slots.HASH]

    def sessions(self, options: Mapping[str, str]) -> Iterator[tuple[Sessions, bool]]:
        """Sessions that ended (False), then those that go on, as they stand (True); `after` is what to hand on."""
        tracker = Tracker(options, self.together.report)
        tracker.resume(self._before)
        for ended in self.together.followed(tracker):
            yield ended, False
        captures, sensors = self.together.captures, self.together.extractor.sensors
        for rows in tracker.pause():
            yield Sessions(rows.copy(), captures, sensors), False
        rows = tracker.open()
        self.after = packed(rows, list(self.together.where), sensors)
        if len(rows):
            yield Sessions(rows, captures, sensors), True


def packed(rows: Packets, captures: Sequence[tuple[str, str]], sensors: Sensors) -> bytes:
    """Sessions as bytes, with the names that their numbers stand for; the same sessions are always the same bytes."""
    rows = rows[np.lexsort((rows[:, slots.HASH], rows[:, slots.START]))]
    used, numbers = np.unique(rows[:, slots.CAPTURE], return_inverse=True)
    rows[:, slots.CAPTURE] = numbers
    rows[:, slots.SERIAL] = 0
    head = {"sessions": len(rows), "captures": [captures[one] for one in used.tolist()],
            "sensors": sensors.names}  # fmt: skip
    return framed(head, np.ascontiguousarray(rows.T).tobytes(), MAGIC)


def unpacked(data: bytes) -> tuple[Packets, list[tuple[str, str]], list[str]]:
    """Rows, captures and sensors. Raises ValueError."""
    if not data.startswith(MAGIC):
        raise ValueError("not what a window hands on")
    head = head_of(data)
    rows = np.frombuffer(body_of(data), np.int64).reshape(slots.SESSION, head["sessions"]).T.copy()
    return rows, [(sensor, name) for sensor, name in head["captures"]], head["sensors"]


def _nothing() -> tuple[Packets, list[tuple[str, str]], list[str]]:
    return np.empty((0, slots.SESSION), np.int64), [], []
