"""What a comparison of messages with another tool found: rows, and each kind of difference with its count."""

from __future__ import annotations

import argparse
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from .packets import captures

ALLOWED = 0.02


class Differing:
    """Counts of one comparison."""

    def __init__(self) -> None:
        self.captures = self.rows = self.differing = 0
        self.kinds: Counter[str] = Counter()
        self.examples: dict[str, str] = {}

    def note(self, kind: str, example: str, rows: int = 1) -> None:
        """A difference."""
        self.kinds[kind] += rows
        self.examples.setdefault(kind, example)

    def lines(self) -> Iterator[str]:
        """The result as text."""
        share = 100 * self.differing / max(1, self.rows)
        yield f"{self.captures} captures, {self.rows} rows compared, {self.differing} differ ({share:.1f}%)"
        for kind, count in self.kinds.most_common():
            yield f"{kind}: {count}"
            yield f"    {self.examples[kind]}"

    @property
    def failed(self) -> bool:
        """Whether too much differs."""
        return self.differing > ALLOWED * self.rows


def fields(capture: Path, wanted: str, names: Sequence[str], *options: str) -> Iterator[list[list[str]]]:
    """Of each packet that tshark's filter WANTED selects the values of its fields NAMES."""
    command = ["tshark", "-n", *options, "-r", str(capture), "-Y", wanted, "-T", "fields", "-E", "aggregator=\x1f"]
    command += [part for name in names for part in ("-e", name)]
    text = subprocess.run(command, capture_output=True, check=False).stdout.decode(errors="replace")
    for line in text.splitlines():
        yield [value.split("\x1f") if value else [] for value in line.split("\t")]


def compared(
    what: str,
    arguments: Sequence[str] | None,
    tshark: Callable[[Differing, Path], None],
    zeek: Callable[[Differing, Path, Path], None],
    log: str,
) -> int:
    """Compare by the command line's ARGUMENTS; with --baselines with Zeek's LOG of each capture, else with tshark."""
    parser = argparse.ArgumentParser(description=what)
    parser.add_argument("captures", nargs="+", metavar="CAPTURE", help="files, or folders of them")
    parser.add_argument("--baselines", type=Path, metavar="FOLDER", help=f"Zeek's logs, NAME/{log}")
    options = parser.parse_args(arguments)
    found = Differing()
    for capture in captures(options.captures):
        if not options.baselines:
            found.captures += 1
            tshark(found, capture)
        elif (path := options.baselines / capture.name / log).exists():
            found.captures += 1
            zeek(found, capture, path)
    print("\n".join(found.lines()))
    return 1 if found.failed else 0
