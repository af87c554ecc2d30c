"""What engines see: an IDS's alerts, and hosts' fingerprints."""

from __future__ import annotations

import functools
import hashlib
import math
from typing import Any

from packetpig.loaders import p0f
from packetpig.loaders.contract.loader import OptionError
from packetpig.loaders.engines.detection import choose
from packetpig.loaders.engines.p0f import find
from packetpig.loaders.engines.process import EngineError
from packetpig.loaders.engines.rules import Rules
from packetpig.pipelines.run import Run
from packetpig.pipelines.spoken import Spoken, plain
from packetpig.pipelines.stage import UNKNOWN
from packetpig.pipelines.warmed import Warmed


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


class Alerts(Warmed, Spoken):
    """Alerts of Snort or Suricata, each with its session; under the window in which the session began."""

    uses = ("continued",)
    settings = (*Warmed.settings, *Spoken.settings, "engine", "rules")
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


class Fingerprints(Warmed):
    """What p0f learns of hosts: system, program, distance, uptime."""

    columns = {"fingerprints": plain(p0f.LOADER)}  # noqa: RUF012

    @classmethod
    def unable(cls, run: Run) -> str:
        """See Stage."""
        return "" if not run.here or find("") else p0f.MISSING
