"""print the first rows of a result that Pig stored, as a table"""

from __future__ import annotations

import argparse
import csv
import os
import shutil
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from packetpig.loaders.contract.report import CaptureError

WIDEST = 60  # characters of a cell


def configure(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("folder", type=Path, help="what a script stored: text, Parquet or captures")
    parser.add_argument("--rows", type=int, default=20, help="how many (20)")


def run(options: argparse.Namespace) -> int:
    """Print the table."""
    folder: Path = options.folder
    files = sorted(folder.glob("part-*")) if folder.is_dir() else [folder]
    if not files or not files[0].exists():
        raise CaptureError(f"{folder}: no result there")
    if files[0].suffix == ".parquet":
        names, rows = _parquet(files)
    elif files[0].suffix == ".pcap":
        names, rows = _packets(files)
    else:
        names, rows = _text(folder, files)
    shown = [[_cell(value) for value in row] for row in islice(rows, options.rows)]
    _print(names, shown)
    rest = sum(1 for _ in rows)
    if rest:
        print(f"… and {rest:,} more in {folder}")
    return 0


def _text(folder: Path, files: list[Path]) -> tuple[list[str], Iterator[list[str]]]:
    header = folder / ".pig_header"
    text = header.read_text() if header.exists() else ""
    comma = "," if "," in text or "\t" not in text else "\t"
    names = text.rstrip("\n").split(comma) if text else []

    def rows() -> Iterator[list[str]]:
        for path in files:
            with path.open(encoding="utf-8", errors="replace", newline="") as file:
                yield from csv.reader(file, delimiter=comma, quoting=csv.QUOTE_NONE)

    return names, rows()


def _parquet(files: list[Path]) -> tuple[list[str], Iterator[list[str]]]:
    import pyarrow.parquet as pq

    def rows() -> Iterator[list[str]]:
        for path in files:
            for batch in pq.ParquetFile(path).iter_batches():
                yield from ([str(value) for value in row.values()] for row in batch.to_pylist())

    return pq.ParquetFile(files[0]).schema_arrow.names, rows()


def _packets(files: list[Path]) -> tuple[list[str], Iterator[list[str]]]:
    from packetpig.loaders import load

    names = ["ts", "ip_src", "sport", "ip_dst", "dport", "ip_proto", "length"]
    batches = load("packets", [str(path) for path in files], names)
    rows = (row for batch in batches for row in batch.to_pylist())
    return names, (["" if value is None else str(value) for value in row.values()] for row in rows)


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
