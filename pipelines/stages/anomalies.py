"""What stands out by the shape of sessions, and by names that are asked of DNS."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from itertools import pairwise
from typing import Any

from packetpig.pipelines.run import Run
from packetpig.pipelines.stage import Stage
from packetpig.pipelines.tables import Part

REACH = 3600
"""Seconds of the longest bin: so far back a window looks."""


class Shapes(Stage):
    """What anomalies are made of: bins that reach into the window, above thresholds, and sums that can be summed.

    A bin that began before the window is made here of all its rows so far, whichever window has them.
    """

    reads = ("sessions",)
    uses = ("dns",)
    after = ("sessions",)
    settings = ("internal",)

    @classmethod
    def reaching(cls, run: Run, table: str, window: str) -> dict[str, str]:
        """Earlier windows of a table that have rows of the window's bins, and their keys."""
        starts, names, keys, late = cls._present(run, table)
        at, begin = bisect_left(starts, run.window(window).start), run.window(window).start - REACH
        near = names[bisect_right(starts, begin - run.archive.length) : at]
        far = [
            name for name, until in late.items() if until > begin and run.window(name).start < run.window(window).start
        ]
        return {name: keys[name] for name in sorted({*near, *far})}

    @classmethod
    def _present(cls, run: Run, table: str) -> tuple[list[int], list[str], dict[str, str], dict[str, float]]:
        """Windows that a table has: starts, names, keys, and when those end whose rows are not all within."""
        found = run.cache.get(("present", table))
        if found is None:
            keys = run.tables.windows(table)
            names = [name for name in run.names() if name in keys]
            late = {}
            for name in names if table == "dns" else ():
                until = run.tables.note(Part(table, name), keys[name]).get("until", math.inf)
                if until >= run.window(name).end:
                    late[name] = until
            found = run.cache["present", table] = ([run.window(name).start for name in names], names, keys, late)
        return found

    @classmethod
    def more(cls, run: Run, window: str) -> Any:
        """Those windows."""
        return [cls.reaching(run, table, window) for table in ("sessions", "dns")]

    def parameters(self, work: str) -> dict[str, str]:
        """With those windows."""
        run, given = self.run_of, super().parameters(work)
        for table in ("sessions", "dns"):
            here = [self.window] if self.window in self._present(run, table)[2] else []
            names = [*self.reaching(run, table, self.window), *here]
            given[table] = run.parts([Part(table, name) for name in names], table, work)
        return given


class Anomalies(Stage):
    """Scans, floods, guessing, beacons, foreign and first ports, DNS tunnels (docs/anomalies.md).

    Over the whole archive, because what is slow or new is so only beside all else.
    """

    reads = ("shapes",)
    whole = True
    columns = {  # noqa: RUF012
        "anomalies": "sensor:chararray, ts:double, end_ts:double, kind:chararray, severity:int, src:chararray, "
        "dst:chararray, dport:int, proto:chararray, count:long, score:double, detail:chararray, session_id:chararray"
    }

    def parameters(self, work: str) -> dict[str, str]:
        """With which window follows which."""
        run = self.run_of
        present = run.tables.windows("shapes")
        starts = [float(run.window(name).start) for name in run.names() if name in present]
        pairs = list(pairwise(starts))
        return {**super().parameters(work), "followed": run.tables.small(work, "window:double, next:double", pairs)}
