"""`python -m tests.fuzz [--count N] [--seed N] [--jobs N] [--only NUMBER]`: the exit code is 1 if anything failed."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from typing import TextIO

from tests.fuzz.check import Checker
from tests.fuzz.mutate import case
from tests.fuzz.run import Failure, fuzz

OFTEN = 20  # seconds between two lines


class Progress:
    """Says failures as they come, and every now and then how far it is."""

    def __init__(self, count: int, to: TextIO) -> None:
        self._count, self._to = count, to
        self._began = self._last = time.monotonic()
        self._failures = 0

    def __call__(self, done: int, failures: list[Failure]) -> None:
        for failure in failures:
            print(f"--- {failure.number}: {failure.what}", flush=True)
        self._failures += len(failures)
        now = time.monotonic()
        if done and now - self._last >= OFTEN:
            self._last = now
            rate = done / (now - self._began)
            left = (self._count - done) / rate / 60
            line = f"{done:,} of {self._count:,}, {rate:.0f} a second, {self._failures} failures, {left:.0f} min left"
            print(line, file=self._to, flush=True)


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=sys.modules["tests.fuzz"].__doc__)
    parser.add_argument("--count", type=int, default=10_000, help="mutations (10000)")
    parser.add_argument("--seed", type=int, default=1, help="another seed gives other mutations")
    parser.add_argument("--first", type=int, default=0, help="number of the first one")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes (one for each core)")
    parser.add_argument("--only", type=int, help="do this one in this process")
    parser.add_argument("--keep", type=Path, help="with --only: write the capture there")
    options = parser.parse_args()
    if options.only is not None:
        name, data = case(options.seed, options.only)
        print(f"{name}, {len(data)} bytes")
        if options.keep:
            options.keep.write_bytes(data)
        Checker(everything=True).check(data, options.only)
        return 0
    numbers = range(options.first, options.first + options.count)
    began = time.monotonic()
    progress = Progress(options.count, sys.stderr)
    done, failures, note = fuzz(options.seed, numbers, options.jobs, told=progress)
    took = time.monotonic() - began
    print(f"{done:,} mutations in {took:.0f} s, {len(failures)} failures (seed {options.seed}). {note}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
