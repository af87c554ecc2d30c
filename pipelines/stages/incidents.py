"""What belongs together: who attacked whom, and what came of it."""

from __future__ import annotations

from packetpig.pipelines.pig import Ran
from packetpig.pipelines.stage import Stage
from packetpig.pipelines.store import store


class Traces(Stage):
    """What a window has that incidents may be made of, summed so that sums of all windows can be summed again."""

    reads = ("sessions",)
    uses = ("http", "tls", "files", "fingerprints")
    settings = ("internal",)


class Incidents(Stage):
    """Alerts and anomalies by attacker and target over time, with what seems to have worked; and a page of each."""

    reads = ("traces",)
    uses = ("alerted", "anomalies", "enriched")
    tables = ("incidents", "incident_events")
    written = ("incident_pages",)
    whole = True
    settings = ("internal", "captures")

    def parameters(self, work: str) -> dict[str, str]:
        """With the folder of captures, as a command can name it."""
        given = super().parameters(work)
        del given["captures"]
        return {**given, "folder": store(self.run_of.settings.captures).root.replace("\\", "\\\\").replace("'", "\\'")}

    def make(self, work: str) -> Ran:
        """See Stage; a text for each incident."""
        made = super().make(work)
        run = self.run_of
        run.store.make(work, "incident_pages")
        for row in run.tables.rows(work, "incidents", columns=["incident", "story"]).to_pylist():
            run.store.write(row["story"].encode(), work, "incident_pages", f"{row['incident']}.txt")
        return made
