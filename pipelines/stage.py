"""What a stage is: a class of a few lines in pipelines/stages/, and its script in pig/pipeline/.

    class Dns(Stage):
        \"\"\"Questions and answers of DNS.\"\"\"

        captures = True

reads the window's captures with pig/pipeline/dns.pig into the table `dns`.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import re
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import luigi
import packetpig.pipelines.stages
from packetpig.pipelines import pig
from packetpig.pipelines.archive import GONE, Entry
from packetpig.pipelines.run import Run, current
from packetpig.pipelines.store import StoreError
from packetpig.pipelines.tables import ALL, WORK, Part, digest
from packetpig.pipelines.windows import Window

SCRIPTS = pig.ROOT / "pig" / "pipeline"
UNKNOWN = "?"
NAMED = 3  # captures in a line, before it says how many more there are


class StageError(Exception):
    """A stage that failed, in a line."""


class Stage(luigi.Task):
    """A window of some tables, made by one Pig script.

    `tables`: what the script stores below `$output` (the stage's name, if it says nothing). `written`: folders beside
    them that the class itself writes (in `make`). `captures`: the script
    reads `$captures`. `reads`: tables of the same window, as `$name`; without one of them the stage does not run.
    `uses`: tables that may be missing, and are empty then. `whole`: one table of the whole archive, which reads all
    windows. `columns`: the columns of a table, as Pig writes them, for those who use it where there is none. `after`:
    stages that are through with all windows first. `regards`: of a table that it reads, what in its note counts instead
    of all of it: where that is the same, nothing is made again. `settings`: names of settings that the script takes as
    parameters.
    Another script (or macro that it uses) has the tables made anew; so has another `version`, for changes elsewhere.
    """

    output_folder = luigi.Parameter()
    window = luigi.Parameter()
    key = luigi.Parameter(default="", significant=True)

    tables: ClassVar[tuple[str, ...]] = ()
    written: ClassVar[tuple[str, ...]] = ()
    captures: ClassVar[bool] = False
    reads: ClassVar[tuple[str, ...]] = ()
    uses: ClassVar[tuple[str, ...]] = ()
    whole: ClassVar[bool] = False
    columns: ClassVar[Mapping[str, str]] = {}
    after: ClassVar[tuple[str, ...]] = ()
    regards: ClassVar[Mapping[str, str]] = {}
    settings: ClassVar[tuple[str, ...]] = ()
    version: ClassVar[int] = 1

    # --- what it is called

    @classmethod
    def stage(cls) -> str:
        """Its name, and its script's: `FirstSeen` is first_seen."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()

    @classmethod
    def stored(cls) -> tuple[str, ...]:
        """The tables that its script stores."""
        return cls.tables or (cls.stage(),)

    @classmethod
    def parts(cls, window: str) -> list[Part]:
        """Its parts of a window."""
        return [Part(table, ALL if cls.whole else window) for table in (*cls.stored(), *cls.written)]

    @property
    def run_of(self) -> Run:
        """The run that it is part of."""
        return current()

    @property
    def time(self) -> Window:
        """Its window."""
        return self.run_of.window(self.window)

    # --- what it depends on

    @classmethod
    def wanted(cls, run: Run, window: str) -> str:
        """The key of what it makes: a digest of all that goes into it; UNKNOWN while something is not known yet."""
        known = run.known.get((cls.stage(), window))
        if known is None:
            known = cls._wanted(run, window)
            if known != UNKNOWN:
                run.known[cls.stage(), window] = known
        return known

    @classmethod
    def _wanted(cls, run: Run, window: str) -> str:
        return cls.kept(run, window) or cls.due(run, window)

    @classmethod
    def due(cls, run: Run, window: str) -> str:
        """The key as it would be if all captures were still there."""
        inputs = [cls.stage(), cls.version, [str(getattr(run.settings, name)) for name in cls.settings]]
        inputs.append([pig.program(script) for script in cls.scripts()])
        inputs.append(cls.more(run, window))
        if cls.captures:
            inputs.append(identities(run.archive.captures(run.window(window))))
        for table in (*cls.reads, *cls.uses):
            keys = run.keys(table, window, cls.whole)
            if table in cls.reads and (UNKNOWN in keys.values() or not keys):
                return UNKNOWN
            inputs.append([table, cls._regarded(run, table, keys)])
        return UNKNOWN if UNKNOWN in inputs else digest(inputs)

    @classmethod
    def _regarded(cls, run: Run, table: str, keys: Mapping[str, str]) -> dict[str, str]:
        """What counts of a table's parts that are there."""
        name = cls.regards.get(table)
        if name is None:
            return dict(keys)
        notes = {part: run.tables.note(Part(table, part), key) for part, key in keys.items() if key != UNKNOWN}
        return {part: notes[part][name] if part in notes else UNKNOWN for part in keys}

    @classmethod
    def kept(cls, run: Run, window: str) -> str:
        """The key of tables that stay as they are, as captures that they are made of are gone; else empty."""
        if not cls.captures or not any(entry.state == GONE for entry in cls.sources(run, window) or ()):
            return ""
        parts = cls.parts(window)
        key = run.there(parts[0].table).get(window, "")
        return key if key and all(run.tables.complete(part, key) for part in parts) else ""

    @classmethod
    def sources(cls, run: Run, window: str) -> Sequence[Entry] | None:
        """The captures that it reads, and those that are gone of which its tables are made; None while not known."""
        found = cls.reached(run, window)
        if found is None or all(entry.state != GONE for entry in found):
            return found
        made_of = cls.made_of(run, window)
        return [entry for entry in found if entry.state != GONE or made_of is None or digest(entry.identity) in made_of]

    @classmethod
    def made_of(cls, run: Run, window: str) -> Collection[str] | None:
        """What stands for the captures that its tables were made of when the round began; None if nothing tells."""
        part = cls.parts(window)[0]
        if key := run.there(part.table).get(window):
            found: list[str] | None = run.tables.note(part, key).get("made_of")
            return found
        return None if any(run.has(part) for part in cls.parts(window)) else ()

    @classmethod
    def reached(cls, run: Run, window: str) -> Sequence[Entry] | None:
        """The captures that it would read if all were still there; None while not known."""
        return run.archive.captures(run.window(window))

    @classmethod
    def added(cls, run: Run, window: str) -> list[Entry]:
        """Captures that should be added to tables, and cannot, as others that these are made of are gone."""
        key = cls.kept(run, window)
        sources = cls.sources(run, window) or () if key else ()
        if not key or run.tables.note(cls.parts(window)[0], key).get("captures") == identities(sources):
            return []
        made_of = cls.made_of(run, window) or ()
        return [entry for entry in sources if entry.state != GONE and digest(entry.identity) not in made_of]

    @classmethod
    def reading(cls, run: Run, capture: Entry) -> list[str]:
        """The windows that read a capture, or may do so."""
        return [Window(start, start + run.archive.length).name for start in capture.windows]

    @classmethod
    def done_with(cls, run: Run, window: str, capture: Entry) -> bool:
        """Whether tables are there that a capture went into, and nothing is to be added that would need it again."""
        parts = cls.parts(window)
        key, sources = run.there(parts[0].table).get(window, ""), cls.sources(run, window)
        if not key or sources is None or not all(run.tables.complete(part, key) for part in parts):
            return False
        if run.tables.note(parts[0], key).get("captures") == identities(sources):
            return True
        stays = any(entry.state == GONE for entry in sources)
        return stays and digest(capture.identity) in (cls.made_of(run, window) or ())

    @classmethod
    def scripts(cls) -> Sequence[Path]:
        """The scripts that it runs."""
        return [SCRIPTS / f"{cls.stage()}.pig"]

    @classmethod
    def more(cls, run: Run, window: str) -> Any:
        """What else goes into its key."""
        del run, window
        return ""

    def requires(self) -> Iterator[luigi.Task]:
        """The stages that make what it reads, and that run in the same round."""
        run = self.run_of
        for maker in dict.fromkeys(run.makers[table] for table in self.reads):
            if run.level(maker) == run.level(type(self)) and not (task := run.task(maker, self.window)).there():
                yield task

    def why_not(self) -> str:
        """Why it cannot run: what it reads is not there, and does not come in the same round. Empty if it can."""
        run = self.run_of
        for table in self.reads:
            maker = run.makers[table]
            if run.level(maker) < run.level(type(self)) and not self._there(maker):
                return f"{table} is missing"
        return self._why_not_read() if self.captures else ""

    def _why_not_read(self) -> str:
        """Why its captures are not read."""
        run = self.run_of
        sources = self.sources(run, self.window)
        if sources is not None and not sources:
            return "captures of this window are gone; nothing was made of them"
        if all(entry.state != GONE for entry in sources or ()):
            return ""
        if not self.there():
            return "captures of this window are gone, and what they gave would be lost"
        paths = [entry.path for entry in self.added(run, self.window)]
        if not paths:
            return ""
        more = f" and {len(paths) - NAMED:,} more" if len(paths) > NAMED else ""
        return f"captures of this window are gone, so its tables stay without {', '.join(paths[:NAMED])}{more}"

    @classmethod
    def unable(cls, run: Run) -> str:
        """Why none of its windows can be made in this run, which is not complete then; empty if they can."""
        del run
        return ""

    @classmethod
    def prepare(cls, run: Run) -> None:
        """What is done once, before its windows are made; only where there are such. Raises OSError."""

    @classmethod
    def left_out(cls, run: Run) -> str:
        """Why it is left out of a run that is complete all the same; empty if it is not."""
        del run
        return ""

    def _there(self, maker: type[Stage]) -> bool:
        if self.whole and not maker.whole:
            return any(name != ALL for name in self.run_of.tables.windows(maker.stored()[0]))
        return self.run_of.task(maker, self.window).there()

    def complete(self) -> bool:
        """Whether there is nothing to do, or to say: its tables are there, and no capture had to be left out."""
        return self.there() and not self.added(self.run_of, self.window)

    def there(self) -> bool:
        """Whether its tables are what they should be, as far as they can be made."""
        run = self.run_of
        key = self.wanted(run, self.window)
        return key != UNKNOWN and all(run.tables.complete(part, key) for part in self.parts(self.window))

    # --- what it does

    def parameters(self, work: str) -> dict[str, str]:
        """The script's parameters."""
        run = self.run_of
        given = {"output": run.store.path(work)}
        if not self.whole:
            given |= {"start": str(self.time.start), "end": str(self.time.end), "window": self.window}
        given |= {name: str(getattr(run.settings, name)) for name in self.settings}
        if self.captures:
            given["captures"] = run.capture_list(work, self.sources(run, self.window) or ())
        for table in (*self.reads, *self.uses):
            given[table] = run.location(table, self.window, self.whole, work)
        return given

    def noted(self, work: str) -> dict[str, Any]:
        """What to note beside rows, bytes and seconds."""
        del work
        return {}

    def run(self) -> None:
        """Make the tables. Raises StageError."""
        run = self.run_of
        key = self.wanted(run, self.window)
        parts = self.parts(self.window)
        if key == UNKNOWN:
            raise StageError(f"{self.stage()} {self.window}: what it reads is missing")
        there = all(run.tables.complete(part, key) for part in parts)
        if why := self.why_not():
            if there:  # else it has been said, and something else of this round wanted it
                run.log.say(f"{self.stage()} {self.window}: not run: {why}")
            raise StageError(f"{self.stage()} {self.window}: {why}")
        if there:
            return
        work = f"{WORK}/{self.stage()}-{self.window}-{os.getpid()}-{time.monotonic_ns()}"
        run.store.make(work)
        began = time.monotonic()
        try:
            made = self.make(work)
            if self.captures and self.sources(run, self.window) != self.reached(run, self.window):
                made.lines.append("captures of this window were gone before anything was made of them")
            note = {"key": key, "rows": made.rows, "bytes": run.tables.size(work), **self.noted(work)}
            note["settings"] = {name: getattr(run.settings, name) for name in self.settings}
            if self.captures:
                sources = self.sources(run, self.window) or ()
                note |= {"captures": identities(sources), "made_of": [digest(entry.identity) for entry in sources]}
            note["seconds"] = round(time.monotonic() - began, 3)
            run.tables.publish(work, {part: part.table for part in parts}, key, note)
            run.tell(type(self), self.window, key)
            run.log.done(self.stage(), self.window, note, made.lines)
        except (pig.PigError, StoreError, OSError) as error:
            run.log.failed(self.stage(), self.window, error)
            raise StageError(f"{self.stage()} {self.window}: {error}") from error
        finally:
            run.store.remove(work)

    def make(self, work: str) -> pig.Ran:
        """Run the script: folders of WORK, named as the tables are."""
        return self.run_of.pig(self.scripts()[0], self.parameters(work), small=not self.captures)


def identities(captures: Sequence[Entry]) -> str:
    """What stands for captures."""
    return digest([entry.identity for entry in captures])


def ends(tasks: Sequence[Stage]) -> list[Stage]:
    """Those of TASKS that no other one requires: Luigi finds the others itself, and goes through a chain but once."""
    required = {id(task) for one in tasks for task in one.requires()}  # Luigi has one object a task
    return [task for task in tasks if id(task) not in required]


def stages() -> dict[str, type[Stage]]:
    """All stages by name: the classes in modules of pipelines/stages/."""
    found: dict[str, type[Stage]] = {}
    for module in pkgutil.iter_modules(packetpig.pipelines.stages.__path__):
        one = importlib.import_module(f"packetpig.pipelines.stages.{module.name}")
        for kind in vars(one).values():
            if isinstance(kind, type) and issubclass(kind, Stage) and kind.__module__ == one.__name__:
                if kind.stage() in found:
                    raise StageError(f"two stages are called {kind.stage()}")
                found[kind.stage()] = kind
    return found
