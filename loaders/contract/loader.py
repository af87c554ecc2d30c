"""What a loader is, and how one is run: columns wanted, filter, options and captures in; Arrow batches out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from packetpig.loaders.contract.report import Report
from packetpig.loaders.contract.where import Tree, both, parse

if TYPE_CHECKING:
    import pyarrow as pa
    from packetpig.loaders.captures.capture import Capture
    from packetpig.loaders.contract.columns import Column
    from packetpig.loaders.contract.filters import Filter
    from packetpig.loaders.flows.messages import Parser


class OptionError(ValueError):
    """An option that the loader does not have, or a value it cannot take. The message is one line."""


@dataclass(frozen=True)
class Option:
    """An option: NAME=value in Pig and in the shell. `choices` limits the values; `schema`: it changes the columns."""

    name: str
    meaning: str
    default: str = ""
    choices: tuple[str, ...] = ()
    schema: bool = False


COMMON_OPTIONS = (
    Option("where", "a Pig expression over the columns: only rows for which it is true"),
    Option("on_error", "what a file that is no capture does", "fail", ("fail", "skip")),
    Option("sensors", "folders: each folder right below the input is a sensor of its own", "", ("", "folders")),
)
"""Every loader has these; they are not passed to it."""


@dataclass
class Job:
    """What a loader is asked for.

    `columns`: names, in the schema's order. `filter`: rows for which it is not true may be left out, or None.
    `captures`: what to read, in order, as one sequence. `pieces`: instead of captures, pieces of sessions by their time
    (loaders with `sessions`; flows/origin.py). `report`: where losses and progress go. `shared`: what parsers of one
    decode have in common.
    """

    columns: tuple[str, ...]
    captures: Sequence[Capture]
    options: Mapping[str, str] = field(default_factory=dict)
    filter: Filter | None = None
    report: Report = field(default_factory=Report)
    on_error: str = "fail"
    pieces: Iterable[bytes] | None = None
    shared: dict[str, Any] = field(default_factory=dict)


Rows = Callable[[Job], Iterator["pa.RecordBatch"]]


@dataclass(frozen=True)
class Loader:
    """A loader, as its module declares it under the name LOADER.

    `pig`: its name in Pig. `answers`: what a row is, in a line. `columns`: the contract, or a function of the options
    that gives it. `rows`: gives batches with the job's columns. `options`: beside the common ones. `split`: "records"
    if a capture may be read in parts, "never" if not, "sensor" if all captures of a sensor must be read together.
    `filters`: `rows` leaves out exactly what the filter says.
    `sessions`: its rows are made of the packets of sessions, so that it can be given pieces of them (docs/sessions.md).
    `parser`: of a protocol's loader (flows/messages.py), what makes its rows; TrafficLoader runs many at once.
    """

    pig: str
    answers: str
    columns: tuple[Column, ...] | Callable[[Mapping[str, str]], tuple[Column, ...]]
    rows: Rows
    options: tuple[Option, ...] = ()
    split: str = "never"
    filters: bool = False
    sessions: bool = False
    parser: type[Parser] | None = None

    def schema(self, options: Mapping[str, str] | None = None) -> tuple[Column, ...]:
        """The columns, with these options."""
        return self.columns(self.checked(options or {})) if callable(self.columns) else self.columns

    def checked(self, options: Mapping[str, str]) -> dict[str, str]:
        """All options with their values. Raises OptionError."""
        known = {option.name: option for option in (*self.options, *COMMON_OPTIONS)}
        for name, value in options.items():
            if name not in known:
                raise OptionError(f"{self.pig} has no option {name}; it has {', '.join(known)}")
            if known[name].choices and value not in known[name].choices:
                choices = " or ".join(choice for choice in known[name].choices if choice)
                raise OptionError(f"{self.pig}: {name} is {choices}, not {value!r}")
        return {name: options.get(name, option.default) for name, option in known.items()}


def run(
    loader: Loader,
    captures: Sequence[Capture],
    columns: Sequence[str] | None = None,
    where: str | None = None,
    pushed: Tree | None = None,
    options: Mapping[str, str] | None = None,
    report: Report | None = None,
    on_error: str | None = None,
    pieces: Iterable[bytes] | None = None,
) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    """Run a loader: the schema of what it gives, and the batches.

    `columns`: names, or None for all. `where`: an expression, applied exactly. `pushed`: a filter that Pig applies
    again itself. `on_error`: instead of the option, `later` too (see reading.tables). `pieces`: see Job. Raises
    OptionError, WhereError; while it gives batches, CaptureError.
    """
    import pyarrow as pa  # here: what a loader is can be said without, and it takes a while

    values = loader.checked(options or {})
    schema = loader.schema(options)
    by_name = {column.name: column for column in schema}
    wanted = tuple(by_name) if columns is None else tuple(columns)
    for name in wanted:
        if name not in by_name:
            raise OptionError(f"{loader.pig} has no column {name}; it has {', '.join(by_name)}")
    exact, chosen = _filters(where or values["where"], pushed, by_name)
    later = None if loader.filters else exact
    read = set(wanted) | (later.names if later else set())
    job = Job(
        columns=tuple(name for name in by_name if name in read),
        captures=captures,
        options=values,
        filter=chosen,
        report=report or Report(),
        on_error=on_error or values["on_error"],
        pieces=pieces,
    )
    shape = pa.schema([pa.field(name, by_name[name].arrow) for name in wanted])
    return shape, _shaped(loader.rows(job), later, shape)


def _filters(
    where: str | None, pushed: Tree | None, columns: Mapping[str, Column]
) -> tuple[Filter | None, Filter | None]:
    """The filter that the user asked for, and the one that may be applied early."""
    if not where and not pushed:
        return None, None
    from packetpig.loaders.contract.filters import Filter, hint  # pyarrow.compute takes a while to import

    exact = Filter(parse(where), columns) if where else None
    weak = hint(pushed, {name: column.type for name, column in columns.items()})
    tree = both(exact.tree if exact else None, weak)
    return exact, Filter(tree, columns) if tree else None


def _shaped(batches: Iterator[pa.RecordBatch], exact: Filter | None, shape: pa.Schema) -> Iterator[pa.RecordBatch]:
    names = shape.names
    for given in batches:
        batch = exact.apply(given) if exact else given
        if batch.num_rows:
            yield batch.select(names) if batch.schema.names != names else batch
