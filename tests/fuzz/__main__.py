"""`python -m tests.fuzz [--count N] [--seed N] [--jobs N] [--only NUMBER]`: the exit code is 1 if anything failed."""

from __future__ import annotations

import argparse
import random
import sys
import time
from pathlib import Path

from tests.fuzz.check import Checker
from tests.fuzz.mutate import case
from tests.fuzz.run import fuzz


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=sys.modules["tests.fuzz"].__doc__)
    parser.add_argument("--count", type=int, default=10_000, help="mutations (10000)")
    parser.add_argument("--seed", type=int, default=1, help="another seed gives other mutations")
    parser.add_argument("--first", type=int, default=0, help="number of the first one")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--only", type=int, help="do this one in this process")
    parser.add_argument("--keep", type=Path, help="with --only: write the capture there")
    options = parser.parse_args()
    if options.only is not None:
        name, data = case(options.seed, options.only)
        print(f"{name}, {len(data)} bytes")
        if options.keep:
            options.keep.write_bytes(data)
        Checker(everything=True).check(data, random.Random(options.only))
        return 0
    began = time.monotonic()
    numbers = range(options.first, options.first + options.count)
    done, failures, note = fuzz(options.seed, numbers, options.jobs)
    for failure in failures[:50]:
        print(f"--- {failure.number}: {failure.what}")
    took = time.monotonic() - began
    print(f"{done:,} mutations in {took:.0f} s, {len(failures)} failures (seed {options.seed}). {note}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
