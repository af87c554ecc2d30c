"""`python -m packetpig.pipelines CAPTURES TABLES`: captures to tables, window after window (docs/pipeline.md).

Exit codes: 0 done, 1 something failed (it has been said; the rest is done), 2 wrong usage, 75 another run is at work.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import luigi
from packetpig.loaders.engines.folders import work_folder
from packetpig.pipelines.archive import ABOUT, UNREADABLE, Archive, Entry, listed
from packetpig.pipelines.ingest import ingest
from packetpig.pipelines.pig import PigError, Pigs
from packetpig.pipelines.run import Run, set_current
from packetpig.pipelines.settings import Settings
from packetpig.pipelines.stage import Stage, stages
from packetpig.pipelines.store import BUSY, BusyError, LocalStore, StoreError, store
from packetpig.pipelines.tables import ALL, WORK
from packetpig.pipelines.windows import seconds


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point: the exit code."""
    given = _parser().parse_args(arguments)
    logging.getLogger("luigi").setLevel(logging.CRITICAL)
    logging.getLogger("luigi-interface").setLevel(logging.CRITICAL)
    try:
        settings = Settings(**{name: value for name, value in vars(given).items() if value is not None})
        place = store(settings.tables)
        if isinstance(place, LocalStore) and not settings.here:
            place.scheme = "file://"  # a cluster's usual file system is another one
        with place.lock():
            return _run(settings, place)
    except BusyError as error:
        print(f"pipeline: {error}", file=sys.stderr)
        return BUSY
    except (luigi.parameter.MissingParameterException, ValueError) as error:
        print(f"pipeline: {error}", file=sys.stderr)
        return 2
    except (StoreError, OSError) as error:
        print(f"pipeline: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pipeline", description="From captures to tables and incidents, window after window of capture time."
    )
    for name, parameter in Settings.get_params():
        if name in ("captures", "tables"):
            parser.add_argument(name, metavar=name.upper(), help=parameter.description)
        else:
            parser.add_argument(
                f"--{name.replace('_', '-')}", help=parameter.description, type=parameter.parse, metavar="VALUE"
            )
    return parser


def _run(settings: Settings, place: Any) -> int:
    length = seconds(settings.window)
    _same_window(place, settings.window, length)
    place.remove(WORK)  # of a run that was ended
    kinds = stages()
    without = {name.strip() for name in settings.without.split(",") if name.strip()}
    if without - set(kinds):
        raise ValueError(f"no stage {', '.join(sorted(without - set(kinds)))}; there are {', '.join(sorted(kinds))}")
    run = Run(settings, place, Archive.read(place, length), kinds)
    set_current(run)
    run.choose(without)
    found, new = listed(settings.captures, settings.sensors, settings.settle)
    with work_folder() as folder:
        run.folder = folder
        run.pigs = Pigs(settings.workers, settings.mode, settings.options(), folder, settings.heap)
        try:
            went = _ingested(run, found, new)
            for kinds_of_round in run.rounds():
                run.forget()
                went &= _round(run, kinds_of_round, folder)
        except PigError as error:
            run.log.say(f"ingest: failed: {error}")
            return 1
        finally:
            run.pigs.close()
            place.remove(WORK)
    return 0 if went else 1


def _ingested(run: Run, found: Sequence[Entry], new: int) -> bool:
    """Bring the archive up to date, and say what was found. Raises PigError."""
    news = ingest(run, found)
    known_bad = sum(entry.state == UNREADABLE for entry in run.archive.entries.values())
    run.log.say(
        f"ingest: {len(found):,} captures, {news.read:,} of them new, in {len(run.names()):,} windows"
        + (f"; {new:,} too new to be read" if new else "")
        + (f"; {news.gone:,} are gone" if news.gone else "")
        + (f"; {known_bad:,} cannot be read" if known_bad else "")
    )
    for entry in news.unreadable:
        run.log.say(f"ingest: {entry.path}: {entry.reason}")
    return not news.unreadable


def _same_window(place: Any, window: str, length: int) -> None:
    """Tables have windows of one length."""
    if place.exists(*ABOUT):
        about = json.loads(place.read(*ABOUT))
        if about["seconds"] != length:
            raise ValueError(f"{place.root} has windows of {about['window']}, not {window}")
    else:
        place.write(json.dumps({"window": window, "seconds": length}).encode(), *ABOUT)


def _round(run: Run, kinds: Sequence[type[Stage]], folder: Path) -> bool:
    """Run stages of all windows; whether all went well."""
    possible: list[Stage] = []
    went = True
    for kind in kinds:
        _say_kept(run, kind)
        wanted = [task for task in _tasks(run, kind) if not task.complete()]
        if wanted and (unable := kind.unable(run)):
            run.log.say(f"{kind.stage()}: not run: {unable}")
            wanted, went = [], False
        if wanted:
            kind.prepare(run)
        for task in wanted:
            if why := task.why_not():
                run.log.say(f"{task.stage()} {task.window}: not run: {why}")
                went = False
            else:
                possible.append(task)
    if not possible:
        return went
    run.log.expect(len(possible), folder / "done")
    more = {"scheduler_url": run.settings.scheduler} if run.settings.scheduler else {"local_scheduler": True}
    done = luigi.build(
        possible, workers=min(run.settings.workers, len(possible)), detailed_summary=True, no_lock=True,
        log_level="CRITICAL", **more,
    )  # fmt: skip
    return bool(done.scheduling_succeeded) and went


def _tasks(run: Run, kind: type[Stage]) -> list[Stage]:
    return [run.task(kind, name) for name in ([ALL] if kind.whole else run.names())]


def _say_kept(run: Run, kind: type[Stage]) -> None:
    """Say what is not made again though it would be due, as captures are gone."""
    old = (
        [name for name in run.names() if kind.kept(run, name) not in ("", kind.due(run, name))] if kind.captures else []
    )
    if old:
        run.log.say(f"{kind.stage()}: {len(old):,} windows stay as they were made before: captures of theirs are gone")


if __name__ == "__main__":
    sys.exit(main())
