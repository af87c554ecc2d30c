"""Raw captures that are old go; tables and history stay: `packetpig.pipelines.expire CAPTURES TABLES --days N`.

A capture goes if its last packet is older than N days, it is what it was when the pipeline read it, and each table that
is made of captures, by a stage of the last run or an earlier one, has been made with it in all windows that read it.
Exit codes as the pipeline's.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence

from packetpig.pipelines.archive import ABOUT, READ, Archive, Entry
from packetpig.pipelines.run import Run, chosen
from packetpig.pipelines.settings import Settings
from packetpig.pipelines.stage import Stage, stages
from packetpig.pipelines.store import BUSY, BusyError, File, Store, StoreError, store


def expired(run: Run, source: Store, before: float) -> tuple[list[Entry], list[tuple[Entry, str]]]:
    """Captures of SOURCE whose last packet is from before that time: those that may go, and those that may not, why."""
    reading = [kind for kind in run.kinds.values() if kind.captures]
    made = [kind for kind in reading if run.there(kind.stored()[0])]
    names = chosen(run.store)
    wanted = [kind for kind in reading if kind in made or kind.stage() in names]
    go, stay = [], []
    for entry in run.archive.entries.values():
        if entry.state != READ or entry.last_ts is None or entry.last_ts >= before:
            continue
        if not entry.path.startswith(f"{source.root}/"):
            continue
        missing = _missing(run, wanted, entry)
        if not made:
            stay.append((entry, "no table has been made of captures yet"))
        elif missing:
            stay.append((entry, f"{missing} is not complete"))
        elif not _same(entry, source.file(entry.path)):
            stay.append((entry, "it is not what it was when it was read"))
        else:
            go.append(entry)
    return go, stay


def _missing(run: Run, kinds: Sequence[type[Stage]], entry: Entry) -> str:
    """A table that a capture is still needed for; empty if there is none."""
    for kind in kinds:
        for window in kind.reading(run, entry):
            if not kind.done_with(run, window, entry):
                return f"{kind.stored()[0]} {window}"
    return ""


def _run(captures: str, place: Store, length: int) -> Run:
    """What the last run knew. Sessions are followed as the newest tables say."""
    run = Run(Settings(captures, place.root), place, Archive.read(place, length), stages())
    for kind in run.kinds.values():
        if "follow" in kind.settings and (windows := run.there(kind.stored()[0])):
            newest = max(windows)
            settings = run.tables.note(kind.parts(newest)[0], windows[newest]).get("settings", {})
            if "follow" in settings:
                run.settings = Settings(captures, place.root, follow=settings["follow"])
    return run


def _same(entry: Entry, now: File | None) -> bool:
    return now is not None and (now.size, now.changed) == (entry.size, entry.changed)


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point: the exit code."""
    parser = argparse.ArgumentParser(prog="expire", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("captures", help="folder of captures, as the pipeline was given it")
    parser.add_argument("tables", help="the pipeline's output")
    parser.add_argument("--days", type=float, required=True, help="captures whose last packet is older go")
    parser.add_argument("--dry-run", action="store_true", help="only say which")
    given = parser.parse_args(arguments)
    if given.days < 0:
        parser.error("--days is a number of days")
    try:
        place, source = store(given.tables), store(given.captures)
        if not place.exists(*ABOUT):
            raise StoreError(f"{given.tables}: the pipeline has not written there")
        with place.lock():
            length = place.json(*ABOUT)["seconds"]
            run = _run(given.captures, place, length)
            go, stay = expired(run, source, time.time() - given.days * 86400)
            for entry in go:
                print(entry.path)
                if not given.dry_run:
                    source.remove(*entry.path.removeprefix(f"{source.root}/").split("/"))
    except BusyError as error:
        print(f"expire: {error}", file=sys.stderr)
        return BUSY
    except (StoreError, OSError) as error:
        print(f"expire: {error}", file=sys.stderr)
        return 1
    for entry, why in stay:
        print(f"expire: {entry.path} stays: {why}", file=sys.stderr)
    what = "would go" if given.dry_run else "are gone"
    print(f"expire: {len(go):,} captures, {sum(entry.size for entry in go):,} bytes {what}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
