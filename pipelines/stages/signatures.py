"""What rules say of the whole archive, and since when they could have said it."""

from __future__ import annotations

from typing import Any

from packetpig.pipelines import rulesets
from packetpig.pipelines.run import Run
from packetpig.pipelines.stage import Stage


class Alerted(Stage):
    """The alerts of a window, summed: what `signatures` and `incidents` are made of."""

    uses = ("alerts",)
    columns = {  # noqa: RUF012
        "alerted": "sensor:chararray, opener:chararray, other:chararray, gid:int, sid:long, rev:int, priority:int, "
        "classification:chararray, message:chararray, service:chararray, day:long, ts:double, end_ts:double, "
        "count:long, first:chararray"
    }


class Signatures(Stage):
    """Each rule that alerted: first and last sighting, attackers, targets, and which change of the rules brought it."""

    reads = ("alerted",)
    whole = True

    @classmethod
    def more(cls, run: Run, window: str) -> Any:
        """The rule sets that were used, in order."""
        return rulesets.log(run.store)

    def parameters(self, work: str) -> dict[str, str]:
        """With when rules came."""
        run = self.run_of
        first, later = rulesets.known(run.store)
        came = [(gid, sid, one.since, one.change) for (gid, sid), one in sorted(later.items())]
        return {
            **super().parameters(work),
            "came": run.tables.small(work, "gid:int, sid:long, since:double, change:int", came),
            "began": repr(first.since if first else 0.0),
        }
