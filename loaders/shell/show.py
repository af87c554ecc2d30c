"""print the first rows of a result that Pig stored, as a table"""

from __future__ import annotations

import argparse
import csv
import io
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import IO, Any

from packetpig.loaders.contract.report import CaptureError
from packetpig.loaders.remote.system import is_remote, of, opened

WIDEST = 60  # characters of a cell


def configure(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("result", help="what a script stored: text, Parquet or captures; also hdfs:// and s3a://")
    parser.add_argument("--rows", type=int, default=20, help="how many (20)")
    parser.add_argument("--cluster", action="store_true", help="a path without hdfs:// is one of the cluster's HDFS")


def run(options: argparse.Namespace) -> int:
    """Print the table."""
    place = _on_cluster(options.result) if options.cluster else options.result
    files = _files(place)
    if files[0].endswith(".parquet"):
        names, rows = _parquet(files)
    elif files[0].endswith(".pcap"):
        names, rows = _packets(files)
    else:
        names, rows = _text(files)
    shown = [[_cell(value) for value in row] for row in islice(rows, options.rows)]
    _print(names, shown)
    if is_remote(place):  # all the rows of a cluster are not read to be counted
        if next(rows, None) is not None:
            print(f"… and more in {place}")
    elif rest := sum(1 for _ in rows):
        print(f"… and {rest:,} more in {place}")
    return 0


def _on_cluster(path: str) -> str:
    """The address of what a script on the cluster calls by a path."""
    if "://" in path:
        return path
    from packetpig.loaders.remote.hdfs import Hdfs

    system = Hdfs("")
    return f"{system.name}{path if path.startswith('/') else f'{system.home()}/{path}'}"


def _files(place: str) -> list[str]:
    """The files of a result, in order."""
    if is_remote(place):
        system, inside = of(place)
        names = sorted(entry.name for entry in system.entries(inside))
        alone = not names and system.status(inside) is not None
    else:
        folder = Path(place)
        names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
        alone = folder.is_file()
    files = [place] if alone else [f"{place.rstrip('/')}/{name}" for name in names if name.startswith("part-")]
    if not files:
        raise CaptureError(f"{place}: no result there")
    return files


def _opened(path: str) -> IO[bytes]:
    return opened(*of(path)) if is_remote(path) else Path(path).open("rb")


def _text(files: list[str]) -> tuple[list[str], Iterator[list[str]]]:
    text = ""
    with suppress(FileNotFoundError), _opened(f"{files[0].rpartition('/')[0] or '.'}/.pig_header") as header:
        text = header.read().decode("utf-8", "replace")
    comma = "," if "," in text or "\t" not in text else "\t"
    names = text.rstrip("\n").split(comma) if text else []

    def rows() -> Iterator[list[str]]:
        for path in files:
            with _opened(path) as file, io.TextIOWrapper(file, "utf-8", "replace", "") as lines:
                yield from csv.reader(lines, delimiter=comma, quoting=csv.QUOTE_NONE)

    return names, rows()


def _parquet(files: list[str]) -> tuple[list[str], Iterator[list[str]]]:
    def rows() -> Iterator[list[str]]:
        for path in files:
            with _table(path) as table:
                for batch in table.iter_batches():
                    yield from map(_texts, batch.to_pylist())

    with _table(files[0]) as first:
        return first.schema_arrow.names, rows()


@contextmanager
def _table(path: str) -> Iterator[Any]:
    """A file of Parquet, whose faults are one line."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with _opened(path) as file:
        try:
            yield pq.ParquetFile(file)
        except pa.ArrowException as error:
            raise CaptureError(f"{path}: {' '.join(str(error).split())}") from error


def _packets(files: list[str]) -> tuple[list[str], Iterator[list[str]]]:
    from packetpig.loaders import load

    names = ["ts", "ip_src", "sport", "ip_dst", "dport", "ip_proto", "length"]
    return names, (_texts(row) for batch in load("packets", files, names) for row in batch.to_pylist())


def _texts(row: dict[str, object]) -> list[str]:
    return ["" if value is None else str(value) for value in row.values()]


def _cell(value: str) -> str:
    plain = "".join(letter if letter.isprintable() else "·" for letter in value)
    return plain if len(plain) <= WIDEST else plain[: WIDEST - 1] + "…"


def _number(value: str) -> bool:
    return value.lstrip("-").replace(".", "", 1).isdigit()


def _print(names: list[str], rows: list[list[str]]) -> None:
    table = ([names] if names else []) + rows
    count = max((len(row) for row in table), default=0)
    padded = [row + [""] * (count - len(row)) for row in table]
    widths = [max(len(row[k]) for row in padded) for k in range(count)]
    right = [
        bool(rows) and all(_number(row[k]) or not row[k] for row in padded[len(table) - len(rows) :])
        for k in range(count)
    ]
    room = shutil.get_terminal_size((10_000, 20)).columns if os.isatty(1) else 10_000
    for place, row in enumerate(padded):
        cells = (
            cell.rjust(width) if at_right else cell.ljust(width)
            for cell, width, at_right in zip(row, widths, right, strict=True)
        )
        print("  ".join(cells).rstrip()[:room])
        if place == 0 and names:
            print("  ".join("-" * width for width in widths)[:room])
