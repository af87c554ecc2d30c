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
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import luigi
import packetpig.pipelines.stages
from packetpig.pipelines import pig
from packetpig.pipelines.archive import Entry
from packetpig.pipelines.run import Run, current
from packetpig.pipelines.tables import ALL, WORK, Part, digest
from packetpig.pipelines.windows import Window

SCRIPTS = pig.ROOT / "pig" / "pipeline"
UNKNOWN = "?"


class StageError(Exception):
    """A stage that failed, in a line."""


class Stage(luigi.Task):
    """A window of some tables, made by one Pig script.

    `tables`: what the script stores below `$output` (the stage's name, if it says nothing). `written`: folders beside
    them that the class itself writes (in `make`). `captures`: the script
    reads `$captures`. `reads`: tables of the same window, as `$name`; without one of them the stage does not run.
    `uses`: tables that may be missing, and are empty then. `whole`: one table of the whole archive, which reads all
    windows. `columns`: the columns of a table, as Pig writes them, for those who use it where there is none. `after`:
    stages that are through with all windows first. `settings`: names of settings that the script takes as parameters.
    `version`: another number, and the tables are made anew.
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
        inputs = [cls.stage(), cls.version, [str(getattr(run.settings, name)) for name in cls.settings]]
        inputs.append(cls.more(run, window))
        if cls.captures:
            inputs.append(run.archive.key(run.window(window)))
        for table in (*cls.reads, *cls.uses):
            keys = run.keys(table, window, cls.whole)
            if table in cls.reads and (UNKNOWN in keys.values() or not keys):
                return UNKNOWN
            inputs.append([table, keys])
        return UNKNOWN if UNKNOWN in inputs else digest(inputs)

    @classmethod
    def more(cls, run: Run, window: str) -> Any:
        """What else goes into its key."""
        del run, window
        return ""

    def requires(self) -> Iterator[luigi.Task]:
        """The stages that make what it reads, and that run in the same round."""
        run = self.run_of
        for maker in dict.fromkeys(run.makers[table] for table in self.reads):
            if run.level(maker) == run.level(type(self)):
                yield run.task(maker, self.window)

    def why_not(self) -> str:
        """Why it cannot run: what it reads is not there, and does not come in the same round. Empty if it can."""
        run = self.run_of
        for table in self.reads:
            maker = run.makers[table]
            if run.level(maker) < run.level(type(self)) and not self._there(maker):
                return f"{table} is missing"
        if self.captures and not run.archive.whole(self.time):
            return "captures of this window are gone, and what they gave would be lost"
        return ""

    @classmethod
    def left_out(cls, run: Run) -> str:
        """Why it is left out of a run that is complete all the same; empty if it is not."""
        del run
        return ""

    def _there(self, maker: type[Stage]) -> bool:
        if self.whole and not maker.whole:
            return any(name != ALL for name in self.run_of.tables.windows(maker.stored()[0]))
        return self.run_of.task(maker, self.window).complete()

    def complete(self) -> bool:
        """Whether its tables are what they should be."""
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
            given["captures"] = run.capture_list(work, self.listed())
        for table in (*self.reads, *self.uses):
            given[table] = run.location(table, self.window, self.whole, work)
        return given

    def listed(self) -> list[Entry]:
        """The captures that it reads."""
        return self.run_of.archive.captures(self.time)

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
        if all(run.tables.complete(part, key) for part in parts):
            return
        work = f"{WORK}/{self.stage()}-{self.window}-{os.getpid()}-{time.monotonic_ns()}"
        run.store.make(work)
        began = time.monotonic()
        try:
            made = self.make(work)
            note = {"key": key, "rows": made.rows, "bytes": run.tables.size(work), **self.noted(work)}
            note["seconds"] = round(time.monotonic() - began, 3)
            run.tables.publish(work, {part: part.table for part in parts}, key, note)
            run.log.done(self.stage(), self.window, note, made.lines)
        except (pig.PigError, OSError) as error:
            run.log.failed(self.stage(), self.window, error)
            raise StageError(f"{self.stage()} {self.window}: {error}") from error
        finally:
            run.store.remove(work)

    def make(self, work: str) -> pig.Ran:
        """Run the script: folders of WORK, named as the tables are."""
        return self.run_of.pig(SCRIPTS / f"{self.stage()}.pig", self.parameters(work))


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
