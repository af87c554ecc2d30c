"""What is better seen than read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from packetpig.pipelines.pig import ROOT, PigError, Ran
from packetpig.pipelines.report.build import LIBRARIES, build
from packetpig.pipelines.report.summaries import SummaryError, sources, step, summarize
from packetpig.pipelines.run import Run
from packetpig.pipelines.stage import Stage


class Report(Stage):
    """A folder of pages for a browser, of all tables (docs/report.md); its scripts are in pig/report/."""

    reads = ("sessions",)
    uses = (
        "packets", "dns", "tls", "http", "files", "alerts", "fingerprints", "enriched", "first_seen", "novelty",
        "anomalies", "incidents", "incident_events",
    )  # fmt: skip
    whole = True

    @classmethod
    def left_out(cls, run: Run) -> str:
        """See Stage: set-up does not get what only the report needs."""
        del run
        there = all((LIBRARIES / name).exists() for name in ("d3.js", "topojson.js"))
        return "" if there else "`make report` gets the libraries of its pages, once"

    @classmethod
    def scripts(cls) -> Sequence[Path]:
        """See Stage."""
        return sorted((ROOT / "pig/report").glob("*.pig"))

    @classmethod
    def more(cls, run: Run, window: str) -> Any:
        """Where the captures are, which commands name."""
        return run.settings.captures

    def make(self, work: str) -> Ran:
        """See Stage."""
        run = self.run_of
        tables, captures = run.store, run.settings.captures
        bins = step(tables)
        try:
            summarize(tables, captures=captures, step=bins, options=run.settings.options())
            with tables.folder(work, "report") as folder:
                made = build(sources(tables), folder, captures=captures, step=bins)
        except SummaryError as error:
            raise PigError(str(error)) from error
        return Ran({"report": sum(table["rows"] for table in made["tables"].values())})
