"""Stages of programs with a memory, which begins before the window."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from packetpig.pipelines.archive import GONE, Entry
from packetpig.pipelines.pig import Ran
from packetpig.pipelines.run import Run
from packetpig.pipelines.stage import UNKNOWN, Stage, identities


class Warmed(Stage):
    """Feeds a program that has a memory: first with the last seconds (setting `warm`) of what was before the window.

    So what it counts by host is counted across the window's edge. The script has that time as `$warm`, and keeps rows
    of its window alone.
    """

    captures = True
    settings: ClassVar[tuple[str, ...]] = ("warm",)

    @classmethod
    def tail(cls, run: Run, window: str) -> list[Entry]:
        """Captures that are read for what was before alone. Some may be gone."""
        return run.archive.tail(run.window(window), run.settings.warm)

    @classmethod
    def more(cls, run: Run, window: str) -> Any:
        """Those captures."""
        more, tail = super().more(run, window), cls.tail(run, window)
        return UNKNOWN if more == UNKNOWN else [more, identities(tail)] if tail else more

    def parameters(self, work: str) -> dict[str, str]:
        """With them, and when the engine begins."""
        tail = [entry for entry in self.tail(self.run_of, self.window) if entry.state != GONE]
        sources: Sequence[Entry] = self.sources(self.run_of, self.window) or ()
        return {
            **super().parameters(work),
            "captures": self.run_of.capture_list(work, sorted([*tail, *sources], key=lambda entry: entry.path)),
            "warm": str(self.time.start - self.run_of.settings.warm),
        }

    def make(self, work: str) -> Ran:
        """See Stage; says where what was before is gone."""
        made = super().make(work)
        if any(entry.state == GONE for entry in self.tail(self.run_of, self.window)):
            made.lines.append("captures from before the window are gone: the engine began without them")
        return made
