"""What a run has to say beside its rows: counters, warnings, progress. Nothing is lost in silence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable


class CaptureError(Exception):
    """A capture that cannot be read at all. The message is one line that names it, the offset and the reason."""


class Report:
    """Collects counters, warnings and progress; whoever runs the loader passes them on.

    `counters`: additions since they were last passed on. `warnings`: lines since then. `bytes`: capture bytes dealt
    with. `splits`: (capture, offset of the first record, offset after the last).
    """

    MAX_WARNINGS = 1000  # lines; hostile captures could make any number of them

    def __init__(self) -> None:
        self.counters: Counter[str] = Counter()
        self.warnings: list[str] = []
        self.bytes = 0
        self.losses = False
        self.splits: list[tuple[int, int, int]] = []
        self.failures = 0
        self.tell: Callable[[], None] = lambda: None  # to be called now and then while there are no rows for long
        self._warned = 0

    def count(self, name: str, amount: int = 1) -> None:
        """Add to a counter."""
        if amount:
            self.counters[name] += amount

    def warn(self, line: str) -> None:
        """A line for the user: which file, which offset, what and why."""
        self._warned += 1
        self.counters["warnings"] += 1
        if self._warned <= self.MAX_WARNINGS:
            self.warnings.append(line)
        elif self._warned == self.MAX_WARNINGS + 1:
            self.warnings.append(f"more than {self.MAX_WARNINGS} warnings; the rest is only counted")

    def progress(self, amount: int) -> None:
        """AMOUNT more bytes of captures are done with."""
        self.bytes += amount

    def take(self, other: Report) -> None:
        """Add what another one has collected."""
        self.counters.update(other.counters)
        self.warnings += other.warnings
        self.bytes += other.bytes
        self.failures += other.failures
        self.losses |= other.losses
