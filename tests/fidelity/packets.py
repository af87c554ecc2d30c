"""Compare PacketLoader's columns with tshark's: `python -m tests.fidelity.packets [--inner] CAPTURE…`.

CAPTURE: files, or folders in which all captures are taken. Prints what was compared and each kind of difference.
Exit code: 1 if more than 0.1% of the rows differ for reasons that are not known, else 0.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from packetpig.loaders.captures.capture import local
from packetpig.loaders.contract.discovery import find
from packetpig.loaders.contract.loader import run
from packetpig.loaders.contract.report import Report

from .kinds import DAMAGED, REASONS, kind_of
from .tshark import WIRETAP, Packet, available, frames, packets

SUFFIXES = tuple(kind + packed for kind in (".pcap", ".pcapng", ".cap") for packed in ("", ".gz", ".zst"))
ALLOWED = 0.001  # share of rows that may differ unexplained
NOT_COMPARED = ("sensor", "capture")  # not in the packet
BATCH = 10_000
UNKNOWN = "not explained"


@dataclass
class Difference:
    """One kind of difference: rows and cells of each column that have it, and an example of each column."""

    rows: int = 0
    columns: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)

    def lines(self, name: str) -> Iterator[str]:
        """As text."""
        yield f"{name}: {self.rows} rows: {', '.join(f'{column} {count}' for column, count in self.columns.items())}"
        if name in REASONS:
            yield f"    {REASONS[name]}"
            yield f"    {next(iter(self.examples.values()))}"
        else:
            yield from (f"    {column}: {example}" for column, example in self.examples.items())


@dataclass
class Comparison:
    """What was compared, and what differed, by kind; those of the kind UNKNOWN are not explained."""

    captures: int = 0
    rows: int = 0
    cells: Counter[str] = field(default_factory=Counter)
    differing_rows: int = 0
    differences: dict[str, Difference] = field(default_factory=dict)

    @property
    def unexplained_rows(self) -> int:
        """Rows that differ for a reason that is not known."""
        return self.differences[UNKNOWN].rows if UNKNOWN in self.differences else 0

    @property
    def failed(self) -> bool:
        """Whether too much differs."""
        return self.unexplained_rows > ALLOWED * self.rows

    def note(self, found: dict[str, tuple[str, str]]) -> None:
        """Count a row's differences: column to kind and example."""
        self.differing_rows += bool(found)
        for column, (kind, example) in found.items():
            known = self.differences.setdefault(kind, Difference())
            known.columns[column] += 1
            known.examples.setdefault(column, example)
        for kind in {kind for kind, _ in found.values()}:
            self.differences[kind].rows += 1

    def compare(self, capture: Path, inner: bool = False) -> None:
        """Compare all packets of a capture."""
        options = {"tunnel": "inner"} if inner else {}
        report = Report()
        ours = rows(run(find("packets"), [local(capture)], options=options, report=report)[1])
        self.captures += 1
        for row, packet, frame in itertools.zip_longest(ours, packets(capture, inner), frames(capture)):
            if row is None or packet is None:
                self.rows += 1
                example = f"{capture.name}: a packet that only {'we have' if packet is None else 'tshark has'}"
                self.note({"row": (DAMAGED if report.losses else UNKNOWN, example)})
                continue
            packet.columns["frame"] = frame
            self._row(capture, row, packet)

    def _row(self, capture: Path, row: dict[str, Any], packet: Packet) -> None:
        self.rows += 1
        found = {}
        for column, ours in row.items():
            if column in NOT_COMPARED:
                continue
            theirs = packet.columns.get(column)
            if column == "link_type":
                ours = WIRETAP.get(ours, ours)
            elif column == "payload":
                if theirs is None:
                    continue  # tshark has no field for it
                ours = ours or b""
            self.cells[column] += 1
            if ours == theirs:
                continue
            example = f"{capture.name} packet {row['number']}: ours {shown(ours)}, tshark's {shown(theirs)}"
            kind = kind_of(column, ours, theirs, row, packet) or UNKNOWN
            found[column] = (kind, f"{example} ({':'.join(packet.chain)})")
        self.note(found)

    def lines(self) -> Iterator[str]:
        """The result as text."""
        share = self.differing_rows / self.rows if self.rows else 0
        yield f"{self.captures} captures, {self.rows} rows and {sum(self.cells.values())} cells compared"
        yield (
            f"{self.differing_rows} rows ({share:.2%}) differ, {self.unexplained_rows} of them for reasons that are "
            "not known"
        )
        for name, found in sorted(self.differences.items()):
            yield from found.lines(name)


def shown(value: Any) -> str:
    """A value, not too long."""
    text = "null" if value is None else value.hex() if isinstance(value, bytes) else str(value)
    return text if len(text) <= 60 else f"{text[:60]}… ({len(text)} characters)"


def rows(batches: Iterable[Any]) -> Iterator[dict[str, Any]]:
    """The rows of Arrow batches."""
    for batch in batches:
        for start in range(0, batch.num_rows, BATCH):
            yield from batch.slice(start, BATCH).to_pylist()


def captures(paths: Iterable[str]) -> Iterator[Path]:
    """The captures that PATHS name."""
    for path in map(Path, paths):
        if path.is_dir():
            yield from sorted(one for one in path.rglob("*") if one.name.endswith(SUFFIXES) and one.is_file())
        else:
            yield path


def main(arguments: list[str] | None = None) -> int:
    """See the module."""
    parser = argparse.ArgumentParser(description="Compare PacketLoader's columns with tshark's.")
    parser.add_argument("captures", nargs="+", metavar="CAPTURE", help="files, or folders of them")
    parser.add_argument("--inner", action="store_true", help="compare the innermost packets of tunnels")
    options = parser.parse_args(arguments)
    if not available():
        print("fidelity: tshark is missing (apt-get install tshark)", file=sys.stderr)
        return 2
    comparison = Comparison()
    for capture in captures(options.captures):
        comparison.compare(capture, options.inner)
    print("\n".join(comparison.lines()))
    return 1 if comparison.failed else 0


if __name__ == "__main__":
    sys.exit(main())
