"""Stages of what sessions say: their tables have the rows of sessions that began in the window, whole."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

from packetpig.loaders.contract.loader import Loader
from packetpig.pipelines.archive import Entry
from packetpig.pipelines.run import Run
from packetpig.pipelines.stage import UNKNOWN, Stage
from packetpig.pipelines.stages.sessions import Sessions, last_end
from packetpig.pipelines.tables import TYPES, Part


def plain(loader: Loader) -> str:
    """A loader's columns as Pig writes them, without those that are bags."""
    return ", ".join(column.pig for column in loader.schema() if column.type in TYPES)


class Spoken(Stage):
    """Reads the window's captures, and those behind it that the window's sessions go on in, as one sequence.

    A row belongs to the window that its session began in, so the script keeps rows of sessions that are in
    `$sessions`: what an earlier window's session says here is that window's. `services`: those whose sessions it
    follows, besides those that do not tell theirs; None: all. What comes later than the setting `follow` behind the
    window is not read for it: `$until`.
    """

    captures = True
    reads = ("sessions",)
    settings: ClassVar[tuple[str, ...]] = ("follow",)
    services: ClassVar[frozenset[str] | None] = None

    @classmethod
    def last(cls, run: Run, window: str) -> float | None:
        """When the last of the window's sessions that are of interest ended; None while that is not known."""
        key = Sessions.wanted(run, window)
        part = Part("sessions", window)
        if key == UNKNOWN or not run.tables.complete(part, key):
            return None
        return last_end(run.tables.note(part, key)["ends"], cls.services)

    @classmethod
    def until(cls, run: Run, window: str) -> float | None:
        """When the last session ends that is followed, or is followed no more; None while that is not known."""
        last = cls.last(run, window)
        return None if last is None else min(last, run.window(window).end + run.follow)

    @classmethod
    def behind(cls, run: Run, window: str) -> Sequence[Entry] | None:
        """Captures behind the window that are to be read."""
        until = cls.until(run, window)
        if until is None:
            return None
        here = run.archive.captures(run.window(window))
        return run.archive.between(run.window(window).end, until, here)

    @classmethod
    def more(cls, run: Run, window: str) -> Any:
        """Those captures."""
        behind = cls.behind(run, window)
        return UNKNOWN if behind is None else [entry.identity for entry in behind]

    @classmethod
    def reached(cls, run: Run, window: str) -> Sequence[Entry] | None:
        """See Stage."""
        behind = cls.behind(run, window)
        return None if behind is None else [*run.archive.captures(run.window(window)), *behind]

    @classmethod
    def reading(cls, run: Run, capture: Entry) -> list[str]:
        """See Stage: also windows before, whose sessions go on in it, or of whose sessions nobody knows."""
        windows = super().reading(run, capture)
        found, name = [], run.before(windows[0])
        while name is not None and (capture.first_ts or 0) <= run.window(name).end + run.follow:
            behind = cls.behind(run, name)
            if behind is None or capture in behind:
                found.append(name)
            name = run.before(name)
        return [*found, *windows]

    def parameters(self, work: str) -> dict[str, str]:
        """With when the last session ends that is followed: nobody asks for what comes behind it."""
        until = max(self.time.end, math.floor(self.until(self.run_of, self.window) or 0) + 1)
        return {**super().parameters(work), "until": str(until), "follow": str(self.run_of.follow)}
