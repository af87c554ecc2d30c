"""Many kinds of rows from one decode: sessions, and what parsers make of what they say; each row is of one kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pyarrow as pa
from packetpig.loaders import sessions
from packetpig.loaders.contract import discovery
from packetpig.loaders.contract.columns import COMMON, Column
from packetpig.loaders.contract.loader import Job, Loader, Option, OptionError
from packetpig.loaders.contract.rows import assembled
from packetpig.loaders.contract.where import parse
from packetpig.loaders.flows import messages
from packetpig.loaders.flows.streams import Contents

if TYPE_CHECKING:
    from packetpig.loaders.contract.filters import Filter

SESSIONS = "sessions"
SHARED = frozenset(option.name for option in messages.OPTIONS)
KINDS = {SESSIONS: replace(sessions.LOADER, columns=sessions.COLUMNS, options=())} | {
    name: loader
    for name in discovery.names()
    if name != __name__.rpartition(".")[2] and (loader := discovery.find(name)).parser
}
"""Loaders by the names of their kinds: SessionLoader without its bags, and every loader that has a parser."""

WHICH = Option("kinds", "which kinds, with commas; all of them without it", schema=True)
ALL = 4  # of so many times that one is full, all are emptied once: sessions that rows wait of are remembered until then
DECODE = Option("decode", "of which of these there are rows, with commas; the columns of others are null")


def chosen(options: Mapping[str, str], option: Option = WHICH) -> list[str]:
    """The kinds that an option asks for. Raises OptionError."""
    names = [name.strip() for name in options[option.name].split(",") if name.strip()]
    for name in names:
        if name not in KINDS:
            raise OptionError(f"no kind {name}; there are {', '.join(KINDS)}")
    return [name for name in KINDS if name in names or not names]


def own(kind: str, options: Mapping[str, str]) -> dict[str, str]:
    """The options of a kind's own loader, out of those of TrafficLoader."""
    return {option.name: options[f"{kind}_{option.name}"] for option in _options(kind)}


def _options(kind: str) -> list[Option]:
    return [option for option in KINDS[kind].options if option.name not in SHARED]


def inside(kind: str, options: Mapping[str, str]) -> tuple[Column, ...]:
    """The columns of a kind, which its tuples have. Raises OptionError."""
    schema = KINDS[kind].schema(own(kind, options))
    wanted = [name.strip() for name in options[f"{kind}_columns"].split(",") if name.strip()]
    known = {column.name: column for column in schema}
    for name in wanted:
        if name not in known:
            raise OptionError(f"{kind}_columns: {kind} have no column {name}; they have {', '.join(known)}")
    return tuple(known[name] for name in wanted) or schema


def schema(options: Mapping[str, str]) -> tuple[Column, ...]:
    """A column a kind."""
    return (
        *COMMON,
        *(
            Column(kind, "tuple", f"{KINDS[kind].answers}; null in other rows", fields=inside(kind, options))
            for kind in chosen(options)
        ),
    )


@dataclass
class _Kind:
    """How the batches of one kind become those of all: `columns` are those of its tuples, null if nobody uses them."""

    name: str
    columns: tuple[Column, ...]
    job: Job
    where: Filter | None
    shape: pa.Schema
    collector: messages.Collector | None = None

    def rows(self, batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        """Rows of all kinds' columns, from a BATCH of this one's."""
        if self.where:
            batch = self.where.apply(batch)
        if not batch.num_rows:
            return

        def column(name: str) -> pa.Array:
            if name == self.name:
                arrays = [batch.column(field.name) for field in self.columns]
                return pa.StructArray.from_arrays(arrays, fields=list(self.shape.field(name).type))
            if name in COMMON_NAMES:
                return batch.column(name)
            return pa.nulls(batch.num_rows, self.shape.field(name).type)

        yield assembled(self.shape.names, column, batch.num_rows)


COMMON_NAMES = frozenset(column.name for column in COMMON)


def kinds(job: Job) -> dict[str, _Kind]:
    """The kinds that are to be decoded."""
    columns = {column.name: column for column in schema(job.options)}
    shape = pa.schema([pa.field(name, columns[name].arrow) for name in job.columns])
    common = [name for name in job.columns if name in COMMON_NAMES]
    decoded = chosen(job.options, DECODE)
    found = {}
    for name in chosen(job.options):
        if name not in decoded:
            continue
        options = {**job.options, **own(name, job.options)}
        whole = KINDS[name].schema(own(name, job.options))
        where = _filter(options[f"{name}_where"], whole)
        tuples = columns[name].fields if name in job.columns else ()
        read = {*common, *(column.name for column in tuples)} | (where.names if where else set())
        inner = replace(job, columns=tuple(one.name for one in whole if one.name in read), options=options, filter=None)
        one = found[name] = _Kind(name, tuples, inner, where, shape)
        if parser := KINDS[name].parser:
            one.collector = messages.Collector(parser(inner), inner, whole, name)
    return found


def _filter(where: str, columns: tuple[Column, ...]) -> Filter | None:
    if not where:
        return None
    from packetpig.loaders.contract.filters import Filter  # pyarrow.compute takes a while to import

    return Filter(parse(where), {column.name: column for column in columns})


def rows(job: Job) -> Iterator[pa.RecordBatch]:
    """Batches, each of one kind."""
    found = kinds(job)
    collecting = [one for one in found.values() if one.collector]
    collectors = [one.collector for one in collecting if one.collector]
    contents = Contents(job, messages.wanted([one.parser for one in collectors]))
    emptied = 0
    for event in messages.collected(contents, collectors):
        if event is None:
            emptied += 1
            yield from _emptied(collecting, contents, all_of_them=emptied % ALL == 0)
        elif SESSIONS in found:
            job.report.count("sessions", event.sessions.count)
            one = found[SESSIONS]
            yield from one.rows(event.sessions.batch(one.job.columns))
    yield from _emptied(collecting, contents, all_of_them=True)


def _emptied(collecting: list[_Kind], contents: Contents, all_of_them: bool) -> Iterator[pa.RecordBatch]:
    """What full collectors have, or all: then no session has to be remembered for them any more."""
    for one in collecting:
        assert one.collector
        if all_of_them or one.collector.full:
            batch = one.collector.batch(contents)
            if batch:
                yield from one.rows(batch)
    if all_of_them:
        contents.forget()


LOADER = Loader(
    pig="TrafficLoader",
    answers="one row of any kind: a session, a record of DNS, an exchange of HTTP, …; each kind is a column of tuples",
    columns=schema,
    rows=rows,
    sessions=True,
    options=(
        WHICH,
        DECODE,
        *(
            option
            for kind in KINDS
            for option in (
                Option(f"{kind}_columns", f"columns of {kind}, with commas; all without it", schema=True),
                Option(f"{kind}_where", f"a Pig expression over the columns of {kind}: only rows for which it is true"),
                *(replace(option, name=f"{kind}_{option.name}") for option in _options(kind)),
            )
        ),
        *messages.OPTIONS,
    ),
)
