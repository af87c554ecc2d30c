"""What engines see: an IDS's alerts, and hosts' fingerprints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from packetpig.loaders import p0f
from packetpig.loaders.contract.loader import OptionError
from packetpig.loaders.engines.detection import MOST_ALERTS, choose, identity
from packetpig.loaders.engines.difference import Change
from packetpig.loaders.engines.p0f import find
from packetpig.loaders.engines.process import EngineError
from packetpig.loaders.engines.rules import Rules
from packetpig.pipelines import rulesets
from packetpig.pipelines.pig import PigError, Ran
from packetpig.pipelines.run import Run
from packetpig.pipelines.settings import networks
from packetpig.pipelines.spoken import Spoken, plain
from packetpig.pipelines.stage import UNKNOWN
from packetpig.pipelines.tables import Part, digest
from packetpig.pipelines.warmed import Warmed

LEFT_OUT = "left out alerts"
"""What is said where an engine found more in a packet than it gives: which of them depends on all rules."""


class Alerts(Warmed, Spoken):
    """Alerts of Snort or Suricata, each with its session; under the window in which the session began.

    Where nothing but the rules has changed since a window's alerts were made, only rules that are new or changed are
    run; alerts of the others stay.
    """

    uses = ("continued",)
    regards = {"sessions": "named"}  # noqa: RUF012
    settings = (*Warmed.settings, *Spoken.settings, "engine", "internal")
    columns = {  # noqa: RUF012
        "alerts": "sensor:chararray, capture:chararray, ts:double, session_id:chararray, community_id:chararray, "
        "proto:chararray, src:chararray, sport:int, dst:chararray, dport:int, client:chararray, engine:chararray, "
        "gid:int, sid:long, rev:int, priority:int, classification:chararray, message:chararray, service:chararray"
    }
    _all_rules = False
    _left_out = False

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
    def due(cls, run: Run, window: str) -> str:
        """See Stage: the rules, too."""
        but_rules = super().due(run, window)
        return UNKNOWN if but_rules == UNKNOWN else digest(but_rules, rulesets.fingerprint(run.settings.rules))

    @classmethod
    def prepare(cls, run: Run) -> None:
        """Keep the rules, note which of them came, and find out what they change for windows that have alerts."""
        here = Rules.of(run.settings.rules)
        lines = rulesets.log(run.store)
        before = lines[-1]["rules"] if lines else ""
        new = rulesets.keep(run.store, here)
        notes = [run.tables.note(Part("alerts", name), key) for name, key in run.tables.windows("alerts").items()]
        used = {note.get("rules", "") for note in notes} | {new, before}
        rulesets.tidy(run.store, used)
        changes: dict[str, Change] = {}
        for old in used - {new, ""}:
            files = rulesets.restored(run.store, old, run.folder)
            if files:
                changes[old] = rulesets.difference(Rules.of(files), here)
        run.changes = changes
        last = changes.get(before)
        rulesets.enter(run.store, new, last.came if last else ())
        if last and last.whole and any(note.get("rules") == before for note in notes):
            run.log.say(f"alerts: {last.whole}: old windows are given all rules")
        elif last:
            run.log.say(f"alerts: {len(last.came):,} rules are new or changed, {len(last.gone - last.came):,} are gone")

    def parameters(self, work: str) -> dict[str, str]:
        """With the rules, and what is run instead of all of them."""
        run = self.run_of
        return {
            **super().parameters(work),
            "rules": run.settings.rules,
            "internal": ",".join(networks(run.settings.internal)),  # engines take no spaces
            **self._instead(work),
        }

    def _instead(self, work: str) -> dict[str, str]:
        """What is run instead of all rules, and what stays of the alerts that are there."""
        tables, found = self.run_of.tables, self._change()
        gone: Sequence[tuple[int, int]] = ()
        since, before = "", tables.empty(work, self.columns["alerts"])
        if found:
            old, change = found
            files = rulesets.restored(self.run_of.store, old, self.run_of.folder) or ()
            since, before = ",".join(map(str, files)), tables.location(Part("alerts", self.window))
            gone = sorted(change.gone)
        return {"since": since, "before": before, "gone": tables.small(work, "gid:int, sid:long", gone)}

    def _change(self) -> tuple[str, Change] | None:
        """The rules that this window's alerts were made with, and what differs; None if all rules are to be run."""
        run = self.run_of
        part, key = Part("alerts", self.window), run.tables.windows("alerts").get(self.window)
        if self._all_rules or not key or not run.here:
            return None
        note = run.tables.note(part, key)
        change = run.changes.get(note.get("rules", ""))
        same = note.get("but_rules") == super().due(run, self.window) and note.get("engine") == self._engine()
        return (note["rules"], change) if same and change and not change.whole and not note["left_out"] else None

    def _engine(self) -> str:
        return identity(self.run_of.settings.engine) if self.run_of.here else ""

    def make(self, work: str) -> Ran:
        """See Stage."""
        run, rules = self.run_of, rulesets.fingerprint(self.run_of.settings.rules)
        part = self._change()
        made = super().make(work)
        if part and (any(LEFT_OUT in line for line in made.lines) or self._crowded(work)):
            self._all_rules = True
            run.store.remove(work)
            run.store.make(work)
            made = super().make(work)
        self._left_out = any(LEFT_OUT in line for line in made.lines)
        if rulesets.fingerprint(run.settings.rules) != rules:
            raise PigError("the rules were changed while they were used; the next run has them")
        return made

    def _crowded(self, work: str) -> bool:
        """Whether a packet has so many alerts that all rules together might have been too many for the engine."""
        rows = self.run_of.tables.rows(work, "alerts", columns=["sensor", "capture", "ts"])
        if not rows.num_rows:
            return False
        counts = rows.group_by(["sensor", "capture", "ts"]).aggregate([([], "count_all")])["count_all"]
        return int(max(counts.to_pylist())) > MOST_ALERTS // 2

    def noted(self, work: str) -> dict[str, Any]:
        """What the alerts were made with, for when the rules change."""
        del work
        run = self.run_of
        return {
            "rules": rulesets.fingerprint(run.settings.rules),
            "but_rules": super().due(run, self.window),
            "engine": self._engine(),
            "left_out": self._left_out,
        }


class Fingerprints(Warmed):
    """What p0f learns of hosts: system, program, distance, uptime."""

    columns = {"fingerprints": plain(p0f.LOADER)}  # noqa: RUF012

    @classmethod
    def unable(cls, run: Run) -> str:
        """See Stage."""
        return "" if not run.here or find("") else p0f.MISSING
