"""The summaries that the pages draw: each script of pig/report/, for which there are tables, gives some."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
from packetpig.loaders.engines.folders import work_folder
from packetpig.pipelines.pig import ROOT, PigError, Pigs

SCRIPTS = ROOT / "pig/report"
SUMMARIES = "summaries"
TABLES = (
    "sessions",
    "alerts",
    "anomalies",
    "incidents",
    "incident_events",
    "http",
    "tls",
    "dns",
    "files",
    "fingerprints",
    "first_seen",
    "novelty",
)
"""Tables whose rows the pages have, not only what is summed from them."""
BINS = 240
STEPS = (1, 5, 15, 60, 300, 900, 3600, 4 * 3600, 86400, 7 * 86400, 28 * 86400)


class SummaryError(Exception):
    """Something that could not be summed. One line."""


def parts(folder: Path) -> list[Path]:
    """The Parquet files of a table."""
    files = [*folder.glob("window=*/*.parquet"), *folder.glob("*.parquet")]
    return sorted(path for path in files if not path.name.startswith(("_", ".")))


def sources(output: Path) -> dict[str, Path]:
    """What there is to show: the tables, and the summaries."""
    tables = {name: output / name for name in TABLES if parts(output / name)}
    made = sorted(path for path in (output / SUMMARIES).glob("*") if parts(path))
    return tables | {path.name: path for path in made}


def step(output: Path) -> int:
    """Seconds of a bin of time, so that charts have some two hundred."""
    low, high = float("inf"), float("-inf")
    for name in ("packets", "sessions", "alerts"):
        for path in parts(output / name):
            with pq.ParquetFile(path) as parquet:
                if "ts" in parquet.schema_arrow.names and parquet.metadata.num_rows:
                    least, most = _extent(parquet)
                    low, high = min(low, least), max(high, most)
    span = max(0.0, high - low) if high > low else 0.0
    return next((seconds for seconds in STEPS if span <= seconds * BINS), STEPS[-1])


def _extent(parquet: pq.ParquetFile) -> tuple[float, float]:
    column = parquet.schema_arrow.names.index("ts")
    groups = [parquet.metadata.row_group(at).column(column).statistics for at in range(parquet.num_row_groups)]
    if all(group is not None and group.has_min_max for group in groups):
        return min(group.min for group in groups), max(group.max for group in groups)
    least, most = pc.min_max(parquet.read(["ts"])["ts"]).values()
    return least.as_py(), most.as_py()


def summarize(output: Path, *, captures: str | None, step: int) -> None:
    """Run the scripts whose tables are there, anew. Raises SummaryError if one of them failed, after the others."""
    target = output / SUMMARIES
    shutil.rmtree(target, ignore_errors=True)
    failed = []
    with work_folder() as folder:
        pigs = Pigs(1, "local", "", folder)
        try:
            for script, given in _possible(output, {"output": str(target), "step": str(step)}, captures):
                try:
                    pigs.run(script, given)
                except PigError as error:
                    failed.append(f"{script.name}: {error}")
        finally:
            pigs.close()
    if failed:
        raise SummaryError("; ".join(failed))


def _possible(output: Path, always: dict[str, str], captures: str | None) -> list[tuple[Path, dict[str, str]]]:
    """The scripts whose tables are there, with their parameters."""
    found = []
    for script in sorted(SCRIPTS.glob("*.pig")):
        given = dict(always)
        wanted = re.findall(r"LOAD '\$(\w+)'", script.read_text("utf-8"))
        for name in wanted:
            if name == "captures" and captures:
                given[name] = captures
            elif parts(output / name):
                windows = any((output / name).glob("window=*"))
                given[name] = f"{output / name}{'/window=*' if windows else ''}"
        if set(wanted) <= set(given):
            found.append((script, given))
    return found
