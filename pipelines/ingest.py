"""Ingest: which captures are new, and which windows they have packets of."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from packetpig.pipelines import pig
from packetpig.pipelines.archive import EMPTY, GONE, READ, UNREADABLE, Archive, Entry
from packetpig.pipelines.run import Run
from packetpig.pipelines.tables import WORK

SCRIPT = pig.ROOT / "pig" / "pipeline" / "ingest.pig"


@dataclass(frozen=True)
class News:
    """What an ingest found: captures that were read, those that could not be, and those that are gone."""

    read: int
    unreadable: Sequence[Entry]
    gone: int


def ingest(run: Run, found: Sequence[Entry]) -> News:
    """Bring the table `captures` up to date. Raises PigError."""
    archive = run.archive
    new = archive.news(found)
    marked = archive.with_gone(found)
    entries = dict(marked.entries)
    looked: list[Entry] = []
    if new:
        looked = _looked_at(run, new)
        entries |= {entry.path: entry for entry in looked}
    if entries != archive.entries:
        run.archive = Archive(entries.values(), archive.length)
        run.archive.write(run.store)
        run.renew()
    gone = sum(entry.state == GONE and archive.entries[path].state != GONE for path, entry in marked.entries.items())
    return News(len(looked), [entry for entry in looked if entry.state == UNREADABLE], gone)


def _looked_at(run: Run, new: Sequence[Entry]) -> list[Entry]:
    work = f"{WORK}/ingest-{os.getpid()}"
    run.store.make(work)
    try:
        filled = [entry for entry in new if entry.size]
        made = pig.Ran()
        rows: list[dict[str, Any]] = []
        if filled:
            parameters = {
                "captures": run.capture_list(work, filled),
                "seconds": str(run.archive.length),
                "output": run.store.path(work),
            }
            made = run.pig(SCRIPT, parameters)
            rows = run.tables.rows(work, "ingested").to_pylist()
    finally:
        run.store.remove(work)
    for line in made.lines:
        run.log.say(f"ingest: {line}")
    reasons = _reasons(made.lines)
    by_capture: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        by_capture.setdefault((row["sensor"], row["capture"]), []).append(row)
    return [
        _entry(entry, by_capture.get((entry.sensor, entry.capture), []), reasons, run.settings.max_windows)
        for entry in new
    ]


def _entry(entry: Entry, rows: Sequence[dict[str, Any]], reasons: dict[str, str], most: int) -> Entry:
    timed = [row for row in rows if row["start"] is not None]
    if not entry.size:
        return replace(entry, state=UNREADABLE, reason="an empty file")
    if not rows:
        reason = reasons.get(entry.path)
        return replace(entry, state=UNREADABLE if reason else EMPTY, reason=reason)
    if len(timed) > most:
        reason = f"its packets are of {len(timed):,} windows, more than max_windows"
        return replace(entry, state=UNREADABLE, reason=reason)
    return replace(
        entry,
        state=READ,
        reason=None,
        packets=sum(row["packets"] for row in rows),
        first_ts=min((row["first_ts"] for row in timed), default=None),
        last_ts=max((row["last_ts"] for row in timed), default=None),
        windows=sorted(row["start"] for row in timed),
    )


def _reasons(lines: Sequence[str]) -> dict[str, str]:
    """What was said about captures that could not be read."""
    found = {}
    for line in lines:
        match = re.search(r"(?:^|: )((?:/|\w+://).*?): (.*?)(?:; skipped)$", line)
        if match:
            found[match[1]] = match[2]
    return found
