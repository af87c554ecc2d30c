"""Ingest: which captures are new, and which windows they have packets of."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from packetpig.loaders import load
from packetpig.loaders.contract.report import CaptureError
from packetpig.pipelines import pig
from packetpig.pipelines.archive import EMPTY, GONE, READ, UNREADABLE, Archive, Entry
from packetpig.pipelines.run import Run
from packetpig.pipelines.tables import WORK

SCRIPT = pig.ROOT / "pig" / "pipeline" / "ingest.pig"
AGAIN = "; the next run tries again"
"""What is said of a reason that may pass while the capture stays as it is: permissions, a server that is down."""


@dataclass(frozen=True)
class News:
    """What an ingest found: captures that were new, tried again, could not be read, and are gone."""

    read: int
    again: int
    unreadable: Sequence[Entry]
    gone: int


def ingest(run: Run, found: Sequence[Entry], unlisted: Sequence[str] = (), lively: Sequence[str] = ()) -> News:
    """Bring the table `captures` up to date. Raises PigError.

    What is below folders UNLISTED stays as it was, and what was there already of LIVELY paths, which are written to.
    """
    archive = run.archive
    again = [entry for entry in found if _may_pass(archive.entries.get(entry.path), entry, run.settings.max_windows)]
    new = [*archive.news(found), *again]
    below, written = tuple(f"{folder}/" for folder in unlisted), set(lively)
    stay = [one for one in archive.entries.values() if one.path in written or one.path.startswith(below)]
    marked = archive.with_gone([*found, *stay])
    entries = dict(marked.entries)
    looked: list[Entry] = []
    if new:
        looked = _looked_at(run, new)
        entries |= {entry.path: entry for entry in looked}
    if entries != archive.entries:
        run.archive = Archive(entries.values(), archive.length, {entry.path for entry in looked})
        run.archive.write(run.store)
        run.renew()
    before = {entry.here for entry in archive.entries.values() if entry.state == GONE}
    gone = sum(entry.state == GONE and entry.here not in before for entry in marked.entries.values())
    return News(len(new) - len(again), len(again), [entry for entry in looked if entry.state == UNREADABLE], gone)


def _may_pass(before: Entry | None, now: Entry, most: int) -> bool:
    """Whether a capture is as it was when it could not be read, and may be readable all the same."""
    as_before = before is not None and before.state == UNREADABLE and before.here == now.here
    return bool(before and as_before and before.again is not None and before.again <= most)


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
    by_capture: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        by_capture.setdefault((row["sensor"], row["capture"]), []).append(row)
    return [_entry(run, entry, by_capture.get((entry.sensor, entry.capture), []), made.lines) for entry in new]


def _entry(run: Run, entry: Entry, rows: Sequence[dict[str, Any]], lines: Sequence[str]) -> Entry:
    timed = [row for row in rows if row["start"] is not None]
    if not entry.size:
        return replace(entry, state=UNREADABLE, reason="an empty file")
    if not rows:
        reason, passing = _reason(entry, lines)
        if not reason:
            return replace(entry, state=EMPTY, reason=None)
        said = reason + (AGAIN if passing else "")
        return replace(entry, state=UNREADABLE, reason=said, again=0 if passing else None)
    if len(timed) > run.settings.max_windows:
        reason = f"its packets are of {len(timed):,} windows, more than max_windows"
        return replace(entry, state=UNREADABLE, reason=reason, again=len(timed))
    return replace(
        entry,
        state=READ,
        reason=None,
        packets=sum(row["packets"] for row in rows),
        first_ts=min((row["first_ts"] for row in timed), default=None),
        last_ts=max((row["last_ts"] for row in timed), default=None),
        windows=sorted(row["start"] for row in timed),
    )


def _reason(entry: Entry, lines: Sequence[str]) -> tuple[str, bool]:
    """Why Pig has no packets of a capture, and whether that may pass; empty if it has none.

    It is looked at here, as LINES may not be all.
    """
    said = [line.partition(f"{entry.path}: ")[2] for line in lines if f"{entry.path}: " in line]
    skipped = next((line.removesuffix("; skipped") for line in said if line.endswith("; skipped")), "")
    try:
        with warnings.catch_warnings(action="ignore"):  # Pig has said them
            batch = next((batch for batch in load("volumes", entry.path, ["ts"]) if batch.num_rows), None)
    except (CaptureError, OSError) as error:
        passing = isinstance(error, OSError) or isinstance(error.__cause__, OSError)
        return str(error).removeprefix(f"{entry.path}: "), passing
    if skipped or batch:
        return skipped or "no packets of it came", True  # since now, and here, it can be read
    return "", False
