"""The summaries that the pages draw: each script of pig/report/, for which there are tables, gives some."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import IO

import pyarrow.compute as pc
import pyarrow.parquet as pq
from packetpig.loaders.engines.folders import work_folder
from packetpig.pipelines.pig import ROOT, PigError, Pigs
from packetpig.pipelines.store import Store
from packetpig.pipelines.tables import ALL, DONE

SCRIPTS = ROOT / "pig/report"
SUMMARIES = "summaries"
WINDOW = "window="
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


class Source:
    """A table that is shown: what is complete of it (all of it, where nothing says what is)."""

    def __init__(self, output: Store, *folder: str) -> None:
        """A FOLDER of two names is a summary, which was made just now."""
        self.summary = len(folder) > 1
        self._output, self.folder = output, folder
        done = None if self.summary or not output.exists(DONE) else output.names(DONE, *folder)
        self._complete = None if done is None else {name.split("~")[0] for name in done}

    @cached_property
    def parts(self) -> list[tuple[str, ...]]:
        """Its Parquet files, below its folder."""
        paths = (tuple(file.below.split("/")) for file in self._output.files(*self.folder))
        return [path for path in paths if path[-1].endswith(".parquet") and self._counts(path[:-1])]

    def _counts(self, folders: tuple[str, ...]) -> bool:
        if len(folders) > 1 or not all(name.startswith(WINDOW) for name in folders):
            return False
        window = folders[0].removeprefix(WINDOW) if folders else ALL
        return self._complete is None or window in self._complete

    def open(self, path: tuple[str, ...]) -> IO[bytes]:
        """One of these files."""
        return self._output.open(*self.folder, *path)

    def location(self) -> str:
        """Where Pig reads them."""
        windows = sorted({path[0] for path in self.parts if len(path) > 1})
        if not windows:
            return self._output.path(*self.folder)
        every = {name for name in self._output.names(*self.folder) if name.startswith(WINDOW)}
        return self._output.path(*self.folder, "window=*" if every == set(windows) else f"{{{','.join(windows)}}}")


def sources(output: Store) -> dict[str, Source]:
    """What there is to show: the tables, and the summaries."""
    names = set(output.names())
    tables = {name: Source(output, name) for name in TABLES if name in names}
    made = {name: Source(output, SUMMARIES, name) for name in output.names(SUMMARIES)}
    return {name: source for name, source in (tables | made).items() if source.parts}


def step(output: Store) -> int:
    """Seconds of a bin of time, so that charts have some two hundred."""
    low, high = float("inf"), float("-inf")
    for name in ("packets", "sessions", "alerts"):
        source = Source(output, name)
        for path in source.parts:
            with source.open(path) as file, pq.ParquetFile(file) as parquet:
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


def summarize(output: Store, *, captures: str | None, step: int, options: Sequence[str] = ()) -> None:
    """Run the scripts whose tables are there, anew. Raises SummaryError if one of them failed, after the others."""
    output.remove(SUMMARIES)
    failed = []
    with work_folder() as folder:
        pigs = Pigs(1, "local", options, folder)
        try:
            for script, given in _possible(output, {"output": output.path(SUMMARIES), "step": str(step)}, captures):
                try:
                    pigs.run(script, given)
                except PigError as error:
                    failed.append(f"{script.name}: {error}")
        finally:
            pigs.close()
    if failed:
        raise SummaryError("; ".join(failed))


def _possible(output: Store, always: dict[str, str], captures: str | None) -> list[tuple[Path, dict[str, str]]]:
    """The scripts whose tables are there, with their parameters."""
    found = []
    for script in sorted(SCRIPTS.glob("*.pig")):
        given = dict(always)
        wanted = re.findall(r"LOAD '\$(\w+)'", script.read_text("utf-8"))
        for name in wanted:
            if name == "captures" and captures:
                given[name] = captures
            elif (source := Source(output, name)).parts:
                given[name] = source.location()
        if set(wanted) <= set(given):
            found.append((script, given))
    return found
