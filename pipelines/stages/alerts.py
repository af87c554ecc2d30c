"""What engines see: an IDS's alerts, and hosts' fingerprints."""

from __future__ import annotations

import functools
import hashlib
import math
from collections.abc import Sequence
from typing import Any, ClassVar

from packetpig.loaders import p0f
from packetpig.loaders.contract.loader import OptionError
from packetpig.loaders.engines.detection import choose
from packetpig.loaders.engines.p0f import find
from packetpig.loaders.engines.process import EngineError
from packetpig.loaders.engines.rules import Rules
from packetpig.pipelines.archive import GONE, Entry
from packetpig.pipelines.pig import Ran
from packetpig.pipelines.run import Run
from packetpig.pipelines.spoken import Spoken, plain
from packetpig.pipelines.stage import UNKNOWN, Stage, identities


@functools.lru_cache(4)
def _digest(rules: str) -> str:
    """What stands for a set of rules: a changed rule has the alerts made again, and nothing else."""
    try:
        found = Rules.of(rules)
    except (OptionError, OSError) as error:
        return f"{error}"  # the engine says so, too
    whole = hashlib.sha256()
    for path in (*found.files, found.classes):
        whole.update(path.read_bytes())
    return whole.hexdigest()


class Engine(Stage):
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


class Alerts(Engine, Spoken):
    """Alerts of Snort or Suricata, each with its session; under the window in which the session began."""

    uses = ("continued",)
    settings = (*Engine.settings, *Spoken.settings, "engine", "rules")
    columns = {  # noqa: RUF012
        "alerts": "sensor:chararray, capture:chararray, ts:double, session_id:chararray, community_id:chararray, "
        "proto:chararray, src:chararray, sport:int, dst:chararray, dport:int, client:chararray, engine:chararray, "
        "gid:int, sid:long, rev:int, priority:int, classification:chararray, message:chararray, service:chararray"
    }

    @classmethod
    def unable(cls, run: Run) -> str:
        """See Stage: the engine, or its rules. On a cluster its nodes know."""
        try:
            Rules.of(run.settings.rules)
            if run.here:
                choose(run.settings.engine)
        except (OptionError, EngineError) as error:
            return str(error)
        return ""

    @classmethod
    def more(cls, run: Run, window: str) -> Any:
        """The rules, too."""
        more = super().more(run, window)
        return UNKNOWN if more == UNKNOWN else [more, _digest(run.settings.rules)]

    def parameters(self, work: str) -> dict[str, str]:
        """With when the last session ends that is followed: nobody asks for what comes behind it."""
        run, end = self.run_of, self.time.end
        last = min(self.last(run, self.window) or 0, end + self.follow(run))
        return {**super().parameters(work), "until": str(max(end, math.floor(last) + 1))}


class Fingerprints(Engine):
    """What p0f learns of hosts: system, program, distance, uptime."""

    columns = {"fingerprints": plain(p0f.LOADER)}  # noqa: RUF012

    @classmethod
    def unable(cls, run: Run) -> str:
        """See Stage."""
        return "" if not run.here or find("") else p0f.MISSING
