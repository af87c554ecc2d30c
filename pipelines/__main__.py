"""`python -m packetpig.pipelines CAPTURES TABLES`: captures to tables, window after window (docs/pipeline.md).

Exit codes: 0 done, 1 something failed (it has been said; the rest is done), 2 wrong usage, 75 another run is at work.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import luigi
from packetpig.loaders.engines.folders import work_folder
from packetpig.pipelines.archive import ABOUT, TABLE, UNREADABLE, Archive, Entry, listed
from packetpig.pipelines.ingest import ingest
from packetpig.pipelines.pig import PigError, Pigs
from packetpig.pipelines.run import Log, Run, set_current
from packetpig.pipelines.settings import Settings
from packetpig.pipelines.stage import Stage, StageError, ends, stages
from packetpig.pipelines.store import BUSY, BusyError, LocalStore, Store, StoreError, store
from packetpig.pipelines.tables import ALL, DONE, WORK
from packetpig.pipelines.windows import seconds

BOOT = Path("/proc/sys/kernel/random/boot_id")
CHECKED = (".about", "boot")
"""Which start of the machine the notes have been looked at in, as only what a power cut leaves can be wrong."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point: the exit code."""
    given = _parser().parse_args(arguments)
    logging.getLogger("luigi").setLevel(logging.CRITICAL)
    logging.getLogger("luigi-interface").setLevel(logging.CRITICAL)
    try:
        settings = Settings(**{name: value for name, value in vars(given).items() if value is not None})
        place = store(settings.tables)
        settings.check()
        _apart(settings, place)
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
    _sound(place, run.log)
    set_current(run)
    run.choose(without)
    unlisted: list[str] = []
    found, lively = listed(settings.captures, settings.sensors, settings.settle, unlisted)
    with work_folder() as folder:
        run.folder = folder
        run.pigs = Pigs(settings.workers, settings.mode, settings.options(), folder, settings.heap)
        try:
            went = _ingested(run, found, lively, unlisted)
            rounds = run.rounds()
            for number, kinds_of_round in enumerate(rounds, 1):
                run.forget()
                went &= _round(run, kinds_of_round, folder, rounds[number:])
        except PigError as error:
            run.log.say(f"ingest: failed: {error}")
            return 1
        finally:
            run.pigs.close()
            place.remove(WORK)
    return 0 if went else 1


def _ingested(run: Run, found: Sequence[Entry], lively: Sequence[str], unlisted: Sequence[str]) -> bool:
    """Bring the archive up to date, and say what was found. Raises PigError."""
    news = ingest(run, found, unlisted, lively)
    known_bad = sum(entry.state == UNREADABLE for entry in run.archive.entries.values())
    run.log.say(
        f"ingest: {len(found):,} captures, {news.read:,} of them new, in {len(run.names()):,} windows"
        + (f"; {len(lively):,} too new to be read" if lively else "")
        + (f"; {news.again:,} tried again" if news.again else "")
        + (f"; {news.gone:,} are gone" if news.gone else "")
        + (f"; {known_bad:,} cannot be read" if known_bad else "")
    )
    for entry in news.unreadable:
        run.log.say(f"ingest: {entry.path}: {entry.reason}")
    for path in unlisted:
        run.log.say(f"ingest: {path}: this folder cannot be listed; captures there stay as they were")
    return not news.unreadable and not unlisted


def _apart(settings: Settings, place: Store) -> None:
    """Tables are not taken for captures: raises ValueError where one of the two folders has the other's files."""
    captures, tables = store(settings.captures).root.rstrip("/"), place.root.rstrip("/")
    if _seen(f"{tables}/", f"{captures}/"):
        raise ValueError(f"{tables}: tables cannot be among the captures ({captures})")
    names = {TABLE, *(table for kind in stages().values() for table in (*kind.stored(), *kind.written))}
    if captures.startswith(f"{tables}/") and captures[len(tables) + 1 :].split("/")[0] in names:
        raise ValueError(f"{captures}: captures cannot be where a table is")


def _seen(folder: str, above: str) -> bool:
    """Whether FOLDER is one that is looked into for captures (hidden ones are not) when ABOVE is."""
    parts = folder[len(above) :].split("/")
    return folder.startswith(above) and not any(part[:1] in ("_", ".") for part in parts if part)


def _same_window(place: Any, window: str, length: int) -> None:
    """Tables have windows of one length."""
    if place.exists(*ABOUT):
        about = place.json(*ABOUT)
        if about["seconds"] != length:
            raise ValueError(f"{place.root} has windows of {about['window']}, not {window}")
    else:
        place.write(json.dumps({"window": window, "seconds": length}).encode(), *ABOUT)


def _sound(place: Store, log: Log) -> None:
    """Remove notes that a power cut has left empty: what they are of is not known to be complete."""
    boot = BOOT.read_text().strip() if BOOT.exists() else ""
    if not isinstance(place, LocalStore) or (place.exists(*CHECKED) and place.read(*CHECKED).decode() == boot):
        return
    notes = [(DONE, table, name) for table in place.names(DONE) for name in place.names(DONE, table)]
    broken = [note for note in notes if not _readable(place.read(*note))]
    for note in broken:
        place.remove(*note)
    if broken:
        log.say(f"{len(broken):,} notes of complete tables cannot be read: those are made again")
    with suppress(OSError):  # a full disk: then the next run looks again
        place.write(boot.encode(), *CHECKED)


def _readable(note: bytes) -> bool:
    with suppress(ValueError):
        return isinstance(json.loads(note), dict)
    return False


def _round(run: Run, kinds: Sequence[type[Stage]], folder: Path, later: Sequence[Sequence[type[Stage]]] = ()) -> bool:
    """Run stages of all windows; whether all went well. LATER: rounds that come then."""
    with run.tables.listed():
        possible, went = _due(run, kinds)
        if not possible:
            return went
        behind = sum(not task.there() for ones in later for kind in ones for task in _tasks(run, kind))
    run.log.expect(len(possible) + behind, folder / "done")
    more = {"scheduler_url": run.settings.scheduler} if run.settings.scheduler else {"local_scheduler": True}
    done = luigi.build(
        ends(possible), workers=min(run.settings.workers, len(possible)), detailed_summary=True, no_lock=True,
        log_level="CRITICAL", **more,
    )  # fmt: skip
    undone = [task for task in possible if not task.complete()] if run.settings.scheduler else []
    if undone and done.scheduling_succeeded:  # it looks after tasks of others, too, and may have left ours to them
        run.log.say(f"{len(undone):,} were not run: {run.settings.scheduler} has them with another run, or disabled")
    return bool(done.scheduling_succeeded) and went and not undone


def _due(run: Run, kinds: Sequence[type[Stage]]) -> tuple[list[Stage], bool]:
    """What is to be made, and whether that is all that should be; what cannot be is said."""
    possible: list[Stage] = []
    went = True
    for kind in kinds:
        _say_kept(run, kind)
        wanted = [task for task in _tasks(run, kind) if not task.complete()]
        if wanted and (unable := kind.unable(run)):
            run.log.say(f"{kind.stage()}: not run: {unable}")
            wanted, went = [], False
        if wanted:
            try:
                kind.prepare(run)
            except (OSError, StoreError) as error:
                run.log.say(f"{kind.stage()}: not run: {error}")
                wanted, went = [], False
        for task in wanted:
            if why := task.why_not():
                run.log.say(f"{task.stage()} {task.window}: not run: {why}")
                went = False
            else:
                possible.append(task)
    return possible, went


def _broken(task: Stage, error: BaseException) -> None:
    """Say what Luigi alone knows: a StageError has been said."""
    if not isinstance(error, StageError):
        said = " ".join(str(error).split())
        task.run_of.log.failed(task.stage(), task.window, StageError(f"{type(error).__name__}: {said}"))


def _killed(task: Stage, said: str) -> None:
    """Say that the process of a stage was killed."""
    code = said.rpartition(" ")[2]
    task.run_of.log.failed(task.stage(), task.window, StageError(f"its process died (exit code {code})"))


Stage.event_handler(luigi.Event.FAILURE)(_broken)
Stage.event_handler(luigi.Event.BROKEN_TASK)(_broken)
Stage.event_handler(luigi.Event.PROCESS_FAILURE)(_killed)


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
