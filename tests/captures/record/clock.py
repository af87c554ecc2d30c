"""Scenes: what is recorded now, and where on the calendar of the captures it belongs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from .network import Network

SETTLE = 0.35  # seconds for the last frames of a scene to arrive


@dataclass
class Segment:
    """A stretch of real time that is moved as one."""

    scene: str
    label: str
    begin: float  # real time
    end: float
    offset: float  # capture time - real time


def stamp(text: str) -> float:
    """`2024-03-04T09:15:00` (UTC) in seconds since the epoch."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def iso(ts: float) -> str:
    """Seconds since the epoch as text, UTC, with microseconds."""
    return datetime.fromtimestamp(ts, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Clock:
    """Knows the capture time, and tells the programs (libfaketime reads the offset from a file)."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.segments: list[Segment] = []
        self.offset = 0.0

    def now(self) -> float:
        """The capture time."""
        return time.time() + self.offset

    def _open(self, scene: str, label: str, start: float) -> None:
        real = time.time()
        self.offset = start - real
        new = self.network.fake_time.with_suffix(".new")
        new.write_text(f"{self.offset:+.6f}\n")
        new.replace(self.network.fake_time)
        self.segments.append(Segment(scene, label, real, 0.0, self.offset))

    def _close(self, settle: float = SETTLE) -> None:
        time.sleep(settle)
        self.segments[-1].end = time.time()

    @contextmanager
    def scene(
        self, name: str, start: str | float, label: str = "normal", fresh: bool = True, settle: float = SETTLE
    ) -> Iterator[None]:
        """What is sent inside belongs at `start`."""
        if fresh:
            self.network.forget_neighbours()
            self.network.run(
                "dns", ["rndc", "-c", str(self.network.work / "dns-inside" / "rndc.conf"), "flush"], fake=False
            )
        self._open(name, label, stamp(start) if isinstance(start, str) else start)
        yield
        self._close(settle)

    def jump(self, seconds: float, settle: float = SETTLE) -> None:
        """Let capture time pass in the middle of a scene while nothing is sent."""
        self._close(settle)
        last = self.segments[-1]
        self._open(last.scene, last.label, last.end + last.offset + seconds)
