"""Sessions: tracked window after window, and published under the window that they began in."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import luigi
from packetpig.loaders.flows.windows import unpacked
from packetpig.loaders.kernels import slots
from packetpig.loaders.sessions import COLUMNS
from packetpig.pipelines.pig import Ran
from packetpig.pipelines.run import Run
from packetpig.pipelines.stage import UNKNOWN, Stage
from packetpig.pipelines.tables import Gathered, Part, digest
from packetpig.pipelines.windows import Window

ROW = ", ".join(column.pig for column in COLUMNS)
SPEAK = frozenset(
    {"dns", "tls", "dtls", "quic", "http", "smtp", "imap", "pop3", "ftp", "ftp_data", "smb", "tftp", "ldap", "xmpp"}
)
"""Services whose sessions are followed behind their window for what they say."""


class Tracked(Stage):
    """Sessions of a window, what earlier ones came to in it, and the open ones for the next window."""

    captures = True
    tables = ("tracked", "continued", "carried")
    columns = {"carried": "bucket:int, state:bytearray", "continued": f"{ROW}, goes_on:int, of_window:double"}  # noqa: RUF012

    @classmethod
    def wanted(cls, run: Run, window: str) -> str:
        """See Stage. From the last window whose key is known on, one by one: calls within calls would go too deep."""
        todo: list[str] = []
        name: str | None = window
        while name is not None and not cls._looked_at(run, name):
            todo.append(name)
            name = cls.before(run, name)
        for name in reversed(todo):
            if super().wanted(run, name) == UNKNOWN and (before := cls.before(run, name)):
                key = cls.wanted(run, before)
                carried = (Part("carried", before), key)
                run.waiting[name] = run.waiting[before] if key == UNKNOWN else carried
        return run.known.get((cls.stage(), window), UNKNOWN)

    @classmethod
    def _looked_at(cls, run: Run, window: str) -> bool:
        """Whether its key is known, or waits for a table that is still not there."""
        if (cls.stage(), window) not in run.known and (told := run.told(cls, window)):
            run.known[cls.stage(), window] = told
        if (cls.stage(), window) in run.known:
            return True
        return window in run.waiting and not run.tables.complete(*run.waiting[window])

    @classmethod
    def before(cls, run: Run, window: str) -> str | None:
        """The window before, of those that were made or can be: where captures went unread, nothing is handed on."""
        before = run.before(window)
        while before is not None and not cls.sources(run, before):
            before = run.before(before)
        return before

    @classmethod
    def more(cls, run: Run, window: str) -> Any:
        """What the window before hands on: its contents, so that a change that does not reach here is none."""
        before = cls.before(run, window)
        if before is None:
            return ""
        key = cls.wanted(run, before)
        if key == UNKNOWN or not run.tables.complete(Part("carried", before), key):
            return UNKNOWN
        return run.tables.note(Part("carried", before), key)["carried"]

    def requires(self) -> Iterator[luigi.Task]:
        """The window before."""
        run, before = self.run_of, self.before(self.run_of, self.window)
        if before and not (task := run.task(Tracked, before)).there():
            yield task

    def why_not(self) -> str:
        """See Stage; also where the window that it waits for cannot be made again."""
        run = self.run_of
        why, key, waits = super().why_not(), self.wanted(run, self.window), run.waiting.get(self.window)
        if why or key != UNKNOWN or not waits or not run.task(Tracked, waits[0].window).why_not():
            return why
        return f"it goes on from {waits[0].window}, which cannot be made"

    def parameters(self, work: str) -> dict[str, str]:
        """With what the window before hands on."""
        run, before = self.run_of, self.before(self.run_of, self.window)
        return {
            **super().parameters(work),
            "carried": run.parts([Part("carried", before)] if before else [], "carried", work),
        }

    def noted(self, work: str) -> dict[str, Any]:
        """What stands for the open sessions, and the windows that they began in."""
        rows = self.run_of.tables.rows(work, "carried")
        states = sorted(zip(rows["bucket"].to_pylist(), rows["state"].to_pylist(), strict=True))
        length = self.run_of.archive.length
        opened: set[str] = set()
        for _, state in states:
            starts = unpacked(state)[0][:, slots.START] // 1_000_000_000
            opened |= {Window.at(start, length).name for start in set(starts.tolist())}
        return {"carried": digest([[bucket, state.hex()] for bucket, state in states]), "open": sorted(opened)}


class Sessions(Stage):
    """Sessions that began in the window, as they ended or as they stand."""

    columns = {"sessions": ROW}  # noqa: RUF012
    reads = ("tracked",)
    after = ("tracked",)
    version = 3

    @classmethod
    def later(cls, run: Run, window: str) -> list[str]:
        """The windows after this one that its sessions went on in; the last has them open if tracking ends there."""
        found = [window]
        for name in run.behind(window):
            if not Tracked.sources(run, name):
                continue  # it was never made, as its captures are gone: what was handed on went to the next one
            key, carried = Tracked.wanted(run, found[-1]), Part("carried", found[-1])
            if key == UNKNOWN or not run.tables.complete(carried, key):
                break
            if window not in run.tables.note(carried, key)["open"]:
                break
            if not run.task(Tracked, name).there():
                break
            found.append(name)
        return found[1:]

    @classmethod
    def more(cls, run: Run, window: str) -> Any:
        """Those windows."""
        return [Tracked.wanted(run, name) for name in cls.later(run, window)]

    def parameters(self, work: str) -> dict[str, str]:
        """With what became of the sessions later."""
        run, later = self.run_of, self.later(self.run_of, self.window)
        given = super().parameters(work)
        given["continued"] = run.parts([Part("continued", name) for name in later], "continued", work)
        given["last"] = str(run.window(later[-1] if later else self.window).start)
        return given

    def make(self, work: str) -> Ran:
        """See Stage; says so once where sessions of the window begin to go on for longer than they are followed."""
        run = self.run_of
        made = super().make(work)
        self._note = self._noted(work)
        key = run.there("sessions").get(self.window)
        before = run.tables.note(Part("sessions", self.window), key)["ends"] if key else {}
        last = last_end(self._note["ends"], SPEAK)
        if last > self.time.end + run.follow >= last_end(before, SPEAK):
            made.lines.append(
                f"sessions go on for {last - self.time.end:,.0f} s after the window; what they say more than "
                f"{run.follow:,} s (--follow) after it is not looked for, but by the IDS"
            )
        return made

    def noted(self, work: str) -> dict[str, Any]:
        """What `make` has found."""
        del work
        return self._note

    def _noted(self, work: str) -> dict[str, Any]:
        """When the last session of each service ended, by its name ("" where none is known).

        And what stands for which sessions there are (`ids`), and for what alerts say of theirs (`named`): these stay
        the same while a session goes on and on.
        """
        ends: dict[str, float] = {}
        ids, named = Gathered(), Gathered()
        columns = ["session_id", "service", "end_ts"]
        for rows in self.run_of.tables.batches(work, "sessions", columns=columns):
            for session, service, end in zip(*(rows[name].to_pylist() for name in columns), strict=True):
                ids.add(session)
                named.add(f"{session} {service or ''} {end >= self.time.end}")
            for group in rows.group_by("service").aggregate([("end_ts", "max")]).to_pylist():
                service = group["service"] or ""
                ends[service] = max(ends.get(service, 0.0), group["end_ts_max"])
        return {"ends": ends, "ids": ids.digest(), "named": named.digest()}


def last_end(ends: Mapping[str, float], services: Collection[str] | None) -> float:
    """When the last session of SERVICES (None: of all), or of those that do not tell theirs, ended; 0 if none did."""
    return max((end for name, end in ends.items() if not name or services is None or name in services), default=0.0)
