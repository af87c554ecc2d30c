"""print rows of captures as csv, jsonl, arrow or parquet"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
from packetpig.loaders.captures.finding import found_captures, in_time_order
from packetpig.loaders.contract.discovery import find
from packetpig.loaders.contract.lean import without_freed_memory
from packetpig.loaders.contract.loader import OptionError
from packetpig.loaders.contract.loader import run as run_loader
from packetpig.loaders.contract.report import Report
from packetpig.loaders.shell.output import FORMATS, output
from packetpig.loaders.shell.progress import Progress


def configure(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("loader", help="what a row is: see `packetpig describe`")
    parser.add_argument("captures", nargs="+", metavar="CAPTURE", help="files, folders, globs, - for standard input")
    parser.add_argument("--columns", metavar="A,B", help="columns wanted, in this order; all without it")
    parser.add_argument("--where", metavar="EXPR", help="a Pig expression: only rows for which it is true")
    parser.add_argument("--format", choices=sorted(FORMATS), help="csv, unless the name of the output tells another")
    parser.add_argument("--output", metavar="FILE", help="standard output without it")
    parser.add_argument("--force", action="store_true", help="replace the output if it exists")
    parser.add_argument("--option", action="append", default=[], metavar="NAME=VALUE", help="an option of the loader")


def run(options: argparse.Namespace) -> int:
    """Load, and write."""
    values = {}
    for option in options.option:
        name, equals, value = option.partition("=")
        if not equals:
            raise OptionError(f"--option takes NAME=VALUE, not {option!r}")
        values[name] = value
    columns = options.columns.split(",") if options.columns else None
    report = Report()
    if find(options.loader).sessions:
        without_freed_memory()
    schema, batches, total = _rows(options.loader, options.captures, columns, options.where, values, report, "later")
    with Progress(report, total) as progress, output(options.output, options.format, schema, options.force) as write:
        for batch in batches:
            progress.rows(batch.num_rows)
            write(batch)
    return 1 if report.failures else 0


def reader(
    loader: str, paths: Sequence[str], columns: Sequence[str] | None, where: str | None, options: Mapping[str, str]
) -> pa.RecordBatchReader:
    """See packetpig.loaders.load."""
    report = Report()
    schema, batches, _ = _rows(loader, paths, columns, where, options, report, "fail")
    return pa.RecordBatchReader.from_batches(schema, _warning(batches, report))


def _warning(batches: Iterator[pa.RecordBatch], report: Report) -> Iterator[pa.RecordBatch]:
    """The batches; what the report has to say is warned of as Python does it."""
    for batch in batches:
        yield batch
        _warn(report)
    _warn(report)


def _warn(report: Report) -> None:
    for line in report.warnings:
        warnings.warn(line, stacklevel=3)
    report.warnings.clear()


def _rows(
    name: str,
    paths: Sequence[str],
    columns: Sequence[str] | None,
    where: str | None,
    options: Mapping[str, Any],
    report: Report,
    on_error: str,
) -> tuple[pa.Schema, Iterator[pa.RecordBatch], int]:
    loader = find(name)
    values = loader.checked(options)
    captures = in_time_order(found_captures(paths, values["sensors"], report if on_error == "later" else None))
    chosen = dict(options)
    on_error = chosen.pop("on_error", on_error)
    schema, batches = run_loader(loader, captures, columns, where, None, chosen, report, on_error)
    return schema, batches, sum(_size(capture.open) for capture in captures) if sys.stderr.isatty() else 0


def _size(opener: Callable[[], Any]) -> int:
    try:
        source = opener()
    except OSError:
        return 0
    size = source.size or 0
    source.close()
    return int(size)
