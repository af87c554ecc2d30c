"""Windows of capture time: aligned to the epoch, UTC, named by their start."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

UNITS = {"m": 60, "h": 3600, "d": 86400}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def seconds(text: str) -> int:
    """The seconds of a length such as 15m, 6h, 1d. Raises ValueError."""
    found = re.fullmatch(r"(\d+)([mhd])", text.strip().lower())
    length = int(found[1]) * UNITS[found[2]] if found else 0
    if not 0 < length <= 366 * 86400:
        raise ValueError(f"a window is so many minutes, hours or days (15m, 6h, 1d), not {text!r}")
    return length


@dataclass(frozen=True, order=True)
class Window:
    """From `start` to before `end`, seconds since the epoch."""

    start: int
    end: int

    @property
    def name(self) -> str:
        """Its start, without the colon that Hadoop's paths cannot have: 2024-03-04, or 2024-03-04T0815."""
        start = EPOCH + timedelta(seconds=self.start)
        whole_days = self.start % 86400 == 0 and (self.end - self.start) % 86400 == 0
        return start.strftime("%Y-%m-%d" if whole_days else "%Y-%m-%dT%H%M")

    @classmethod
    def at(cls, time: float, length: int) -> Window:
        """The window of LENGTH seconds that TIME is in."""
        start = math.floor(time / length) * length
        return cls(start, start + length)
