"""`python -m tests.bench [GROUP…]`: run the benchmarks and print a table."""

from __future__ import annotations

import importlib
import pkgutil
import sys

import tests.bench
from tests.bench.workshop import Workshop, environment_note


def main(wanted: list[str]) -> int:
    """Run the groups; the exit code says whether every bar was reached."""
    workshop = Workshop()
    missed = 0
    print(f"on {environment_note()}; page cache warm; the fastest of several runs\n")
    print(f"{'what':58} {'ours':>16} {'peer':>18} {'ratio':>8}  bar")
    for module in pkgutil.iter_modules(tests.bench.__path__):
        if wanted and module.name not in wanted:
            continue
        group = importlib.import_module(f"tests.bench.{module.name}")
        for case in group.cases(workshop) if hasattr(group, "cases") else ():
            missed += not case.good
            mark = "" if case.good else "   MISSED"
            print(f"{case.what:58} {case.ours:>16} {case.peer:>18} {case.ratio:8.2f}  {case.bar}{mark}", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
