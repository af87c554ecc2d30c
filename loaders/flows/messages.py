"""What loaders of protocols share: a parser takes what sessions say and gives rows; the session's columns are added.

A loader of a protocol is one module:

    class Parser(messages.Parser):
        services = frozenset({slots.DNS})

        def said(self, run):
            yield run.session, run.time, {"id": …}

    LOADER = messages.loader(pig="DnsLoader", answers="…", parser=Parser, columns=(…))
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import attrgetter
from typing import Any, ClassVar, Protocol

import numpy as np
import pyarrow as pa
from packetpig.loaders.contract.columns import COMMON, Column
from packetpig.loaders.contract.loader import Job, Loader, Option
from packetpig.loaders.contract.report import CaptureError
from packetpig.loaders.contract.rows import OCTETS, ROWS, assembled
from packetpig.loaders.contract.times import TIMES
from packetpig.loaders.flows.columns import FLOW
from packetpig.loaders.flows.expecting import Expected
from packetpig.loaders.flows.merging import FOREVER, Packets
from packetpig.loaders.flows.rows import Sessions, seconds
from packetpig.loaders.flows.streams import STREAM_MEMORY, STREAMS_MEMORY, Contents, Datagrams, Over, Said, Wanted
from packetpig.loaders.flows.tracker import MEMORY, TIMEOUTS
from packetpig.loaders.kernels import slots
from packetpig.loaders.protocols.blame import kind_of

Row = tuple[int, int, dict[str, Any]]
"""Session (its serial number), time in nanoseconds, and the values of the kind's own columns (absent: null).

A bag is a list of tuples of text.
"""


@dataclass
class Table:
    """Many rows at once: as Row, but each part for all of them. `columns`: all own columns that were asked for."""

    sessions: Packets
    times: Packets
    columns: Mapping[str, pa.Array]


OPTIONS = (*TIMEOUTS, MEMORY, STREAM_MEMORY, STREAMS_MEMORY, *TIMES)
WAITING = 2048  # rows of Python's that wait for a batch, each some kilobytes
FLOWS = frozenset(column.name for column in (*COMMON, *FLOW)) - {"ts"}


class Parser:
    """Makes rows of what sessions say. One object serves all sessions of a job.

    `services`: which sessions it wants (slots.HTTP, …; 0: those whose service is not known yet). `ports`: it wants
    those also that have such a port, while it is not known what they speak. `together`: it takes `datagrams` many at a
    time. `states`: what it remembers of a session, by serial number; `over` is called for those alone. All of it must
    be bounded. `announces`: whether it calls `expect` (then `services` have what it announces). `enough`: bytes of each
    side of a stream after which it needs no more; `doubt`: bytes of each side of a session that are kept for it where a
    split of a capture does not know what the session speaks.
    """

    services: ClassVar[frozenset[int]] = frozenset()
    ports: ClassVar[frozenset[int]] = frozenset()
    together: ClassVar[bool] = False
    announces: ClassVar[bool] = False
    enough: ClassVar[int] = FOREVER
    doubt: ClassVar[int] = FOREVER
    ended: Packets | None = None  # while `over` is called: the session's row of numbers (slots.STATUS, …)

    def __init__(self, job: Job) -> None:
        self.job, self.report = job, job.report
        self.columns = frozenset(job.columns)
        self.states: dict[int, Any] = {}
        self.expected: Expected | None = None

    def expect(self, run: Said, protocol: int, address: bytes, port: int, service: int) -> None:
        """RUN says that there will be sessions of SERVICE (slots.FTP_DATA, …) with this ADDRESS (packed) and PORT.

        The next 5 minutes' sessions whose content does not tell another service are then of this one.
        """
        if self.expected is not None:
            self.expected.expect(run.packet, protocol, address, port, service)

    def said(self, run: Said) -> Iterable[Row | Table]:
        """Rows that are known now. A run is never empty, and comes in its turn."""
        raise NotImplementedError

    def datagrams(self, datagrams: Datagrams) -> Iterable[Row | Table]:
        """Rows of many datagrams, some of which may be of sessions that other parsers want."""
        raise NotImplementedError

    def rest(self) -> Iterable[Row | Table]:
        """Rows of what was said and that it did not give at once; asked for before sessions end, and before a batch."""
        return ()

    def over(self, session: int, state: Any) -> Iterable[Row | Table]:
        """What is left of a session that has ended; its state is gone from `states`."""
        return ()


class State(Protocol):
    """A session, of a parser that is Following it."""

    def said(self, run: Said) -> None:
        """Take what one side said."""

    def close(self, finished: tuple[bool, bool]) -> None:
        """It is over. FINISHED: which sides said that they had said all."""


class Following(Parser):
    """A parser with a State for each session, which `begin` makes. Rows are what `give` was told."""

    states: dict[int, State]

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        self._rows: list[Row] = []

    def begin(self, run: Said) -> State | None:
        """What takes a session that begins with RUN; None: nobody."""
        raise NotImplementedError

    def give(self, session: int, time: int, row: dict[str, Any]) -> None:
        """A row: see Row."""
        self._rows.append((session, time, row))

    def said(self, run: Said) -> Iterable[Row]:
        """See Parser."""
        state = self.states.get(run.session)
        if state is None:
            state = self.begin(run)
            if state is None:
                return ()
            self.states[run.session] = state
        state.said(run)
        return self._given()

    def over(self, session: int, state: State) -> Iterable[Row]:
        """See Parser."""
        state.close(finished(self.ended))
        return self._given()

    def rest(self) -> Iterable[Row]:
        """See Parser: what was given before a state failed."""
        return self._given()

    def _given(self) -> Iterable[Row]:
        rows = self._rows
        if rows:
            self._rows = []
        return rows


def finished(session: Packets | None) -> tuple[bool, bool]:
    """Which sides of a session (its row of numbers) said that they had said all, and the other side has it."""
    if session is None:
        return False, False
    sides = (slots.SIDE, slots.SIDE + slots.SIDE_SIZE)
    return tuple(bool((session[side + slots.TCP] & 15) == slots.CLOSED) for side in sides)  # type: ignore[return-value]


class Collector:
    """Rows of one kind, and the batches they become. `prefix` names the kind in counters."""

    def __init__(self, parser: Parser, job: Job, columns: Sequence[Column], prefix: str) -> None:
        self.parser, self.prefix = parser, prefix
        self._job = job
        self._own = [column for column in columns if column.name in job.columns and column.name not in FLOWS]
        self._waiting: list[Row] = []
        self._tables: list[Table] = []
        self._count = self._size = 0
        self.full = False  # it is time for a batch

    def said(self, run: Said) -> None:
        """Hand RUN to the parser."""
        if not self._take(self.parser.said, run):
            self.parser.states.pop(run.session, None)

    def datagrams(self, datagrams: Datagrams) -> None:
        """Hand DATAGRAMS to the parser."""
        self._take(self.parser.datagrams, datagrams)

    def over(self, sessions: Sessions) -> None:
        """SESSIONS have ended."""
        self._take(self.parser.rest)
        states = self.parser.states
        if not states:
            return
        for at, session in enumerate(sessions.rows[:, slots.SERIAL].tolist()):
            if session in states:
                self.parser.ended = sessions.rows[at]
                self._take(self.parser.over, session, states.pop(session))

    def _take(self, parse: Callable[..., Iterable[Row | Table]], *given: Any) -> bool:
        """Take the rows that the parser gives; False if it failed on the way."""
        try:
            rows = parse(*given)
            if not rows:
                return True
            for row in rows:
                if isinstance(row, Table):
                    self._tables.append(row)
                    self._count += len(row.sessions)
                    self._size += sum(column.nbytes for column in row.columns.values())
                    continue
                self._waiting.append(row)
                self._count += 1
                for one in row[2].values():
                    if one.__class__ is str or one.__class__ is bytes:
                        self._size += len(one)
                    elif one.__class__ is list:
                        self._size += _weight(one)
        except CaptureError:  # not the traffic's fault: a folder that cannot be written to
            raise
        except Exception as error:  # hostile bytes must not end the run, whatever they found in a parser
            self._broken(error)
            if parse != self.parser.rest:  # rows that it had given before are right, and their session may end now
                self._take(self.parser.rest)
            return False
        self.full = self._count >= ROWS or len(self._waiting) >= WAITING or self._size >= OCTETS
        return True

    def _broken(self, error: Exception) -> None:
        kind = kind_of(error, self.prefix)
        self._job.report.losses = True
        self._job.report.count(f"{kind}: sessions given up, the parser failed")
        self._job.report.warn(f"{kind}: the parser failed on a session's bytes: {type(error).__name__}: {error}")

    @property
    def sessions(self) -> set[int]:
        """Sessions that rows are waiting of."""
        return {row[0] for row in self._waiting}.union(*(table.sessions.tolist() for table in self._tables))

    def batch(self, contents: Contents) -> pa.RecordBatch | None:
        """What waits, with the columns of the sessions."""
        self._take(self.parser.rest)
        tables = self._tables
        if self._waiting:
            tables.append(self._table(self._waiting))
        count, self._waiting, self._tables, self._count, self._size = self._count, [], [], 0, 0
        self.full = False
        if not count:
            return None
        self._job.report.count(f"{self.prefix} rows", count)
        sessions = np.concatenate([table.sessions for table in tables])
        more = {
            column.name: pa.concat_arrays([table.columns[column.name].cast(column.arrow) for table in tables])
            for column in self._own
            if column.name != "ts"
        }
        if "ts" in self._job.columns:
            more["ts"] = pa.array(seconds(np.concatenate([table.times for table in tables])))
        if theirs := [name for name in self._job.columns if name not in more]:
            distinct, which = np.unique(sessions, return_inverse=True)
            flows = contents.flows(distinct).batch(theirs)
            more |= zip(theirs, flows.take(pa.array(which)).columns, strict=True)
        return assembled(self._job.columns, more.__getitem__, count)

    def _table(self, rows: Sequence[Row]) -> Table:
        return Table(
            np.array([row[0] for row in rows], np.int64),
            np.array([row[1] for row in rows], np.int64),
            {
                column.name: _array([row[2].get(column.name) for row in rows], column)
                for column in self._own
                if column.name != "ts"
            },
        )


def _array(values: Sequence[Any], column: Column) -> pa.Array:
    """A column of VALUES; those of bags are lists of tuples of text."""
    if column.type != "bag":
        return pa.array(values, column.plain)
    ends = np.zeros(len(values) + 1, np.int32)
    np.cumsum([len(value or ()) for value in values], out=ends[1:])
    parts = zip(*chain.from_iterable(value or () for value in values), strict=True)
    arrays = [pa.array(part, field.plain) for part, field in zip(parts, column.fields, strict=False)]
    if not arrays:
        return pa.array(values, column.plain)
    inside = pa.StructArray.from_arrays(arrays, fields=list(column.plain.value_type))
    mask = pa.array([value is None for value in values]) if None in values else None
    return pa.ListArray.from_arrays(pa.array(ends), inside, type=column.plain, mask=mask)


def _weight(value: list[tuple[str | None, ...]]) -> int:
    """About the bytes that a bag keeps."""
    return sum(map(len, filter(None, chain.from_iterable(value)))) + 200 * len(value)


def collected(contents: Contents, collectors: Sequence[Collector]) -> Iterator[Over | None]:
    """Run CONTENTS through parsers. Gives None whenever a collector is full, and sessions that are over."""
    by_service: list[tuple[Collector, ...]] = [
        tuple(one for one in collectors if service in one.parser.services) for service in range(256)
    ]
    for one in collectors:
        one.parser.expected = contents.expected
    at_ports = [one for one in collectors if one.parser.ports and 0 not in one.parser.services]
    full = attrgetter("full")
    for event in contents:
        if isinstance(event, Over):
            for one in collectors:
                one.over(event.sessions)
            waiting: set[int] = set().union(*(one.sessions for one in collectors))
            contents.keep(event.sessions, waiting)
            yield event
        elif isinstance(event, Datagrams):
            for one in collectors:
                if one.parser.together:
                    one.datagrams(event)
        else:
            for one in by_service[event.service]:
                one.said(event)
            if not event.service:
                for one in at_ports:
                    if not one.parser.ports.isdisjoint(event.ports):
                        one.said(event)
        if any(map(full, collectors)):
            yield None


def wanted(parsers: Sequence[Parser | type[Parser]]) -> Wanted:
    """What PARSERS want to be given."""
    enough: dict[int, int] = {}
    for one in parsers:
        for service in one.services:
            enough[service] = max(enough.get(service, 0), one.enough)
    together = [one for one in parsers if one.together]
    none: frozenset[int] = frozenset()
    return Wanted(
        none.union(*(one.services for one in parsers)),
        none.union(*(one.ports for one in parsers)),
        (none.union(*(one.services for one in together)), none.union(*(one.ports for one in together))),
        any(one.announces for one in parsers),
        enough,
    )


def rows(parser: type[Parser], columns: Sequence[Column], prefix: str, job: Job) -> Iterator[pa.RecordBatch]:
    """Batches of the rows of one kind."""
    one = Collector(parser(job), job, columns, prefix)
    contents = Contents(job, wanted([one.parser]))
    for event in collected(contents, [one]):
        if event is None:
            batch = one.batch(contents)
            contents.forget()
            if batch:
                yield batch
    if batch := one.batch(contents):
        yield batch


def loader(
    pig: str,
    answers: str,
    parser: type[Parser],
    columns: Sequence[Column] | Callable[[Mapping[str, str]], Sequence[Column]],
    options: Sequence[Option] = (),
) -> Loader:
    """The loader of a protocol. COLUMNS: its own, which come after the session's, or what gives them for options."""
    prefix = pig.removesuffix("Loader").lower()

    def schema(given: Mapping[str, str]) -> tuple[Column, ...]:
        return (*COMMON, *FLOW, *(columns(given) if callable(columns) else columns))

    return Loader(
        pig=pig,
        answers=answers,
        columns=schema if callable(columns) else schema({}),
        rows=lambda job: rows(parser, schema(job.options), prefix, job),
        options=(*options, *OPTIONS),
        sessions=True,
        parser=parser,
    )
