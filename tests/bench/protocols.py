"""What benchmarks of protocols share: a loader beside tshark with the same fields, and its memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tests.bench.case import Case, faster, share
from tests.bench.measure import best, run
from tests.bench.workshop import Workshop
from tests.conftest import ROOT

PACKETPIG = str(ROOT / "bin/packetpig")


def command(kind: str, capture: str, columns: str) -> list[str]:
    """A command that loads a kind into nothing."""
    return [
        *(PACKETPIG, "load", kind, capture, "--columns", columns),
        *("--format", "arrow", "--output", "/dev/null", "--force"),
    ]


def beside_tshark(workshop: Workshop, kind: str, columns: str, arguments: Sequence[str], what: str) -> Iterator[Case]:
    """COLUMNS of a KIND beside tshark with these ARGUMENTS (in short WHAT), and its memory."""
    big = str(workshop.warm(workshop.capture(1000)))
    ours = best(command(kind, big, columns), 3, cores="0")
    tshark = run(["taskset", "-c", "0", "tshark", "-n", "-r", big, *arguments])
    count = len(columns.split(","))
    yield faster(f"load {kind}, {count} columns, 1 GB, one core; peer: tshark {what}", ours, tshark, 15)
    memory = [run(command(kind, str(workshop.capture(size)), columns)).anonymous / 1e6 for size in (100, 2000)]
    yield share("its memory, 2 GB beside 100 MB", memory[1], memory[0], 1.2, "MB", 0.8)
    yield share("its memory for 2 GB; peer: 1 MB", memory[1], 1, 600, "MB")


def fields(chosen: str, names: Sequence[str]) -> list[str]:
    """tshark's arguments for fields of what is CHOSEN."""
    return ["-Y", chosen, "-T", "fields", *(part for name in names for part in ("-e", name))]
