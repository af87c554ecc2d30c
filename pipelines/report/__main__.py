"""`make report OUTPUT=out/`: summaries of the pipeline's tables by Pig, then the pages.

python -m packetpig.pipelines.report OUTPUT [--captures CAPTURES] [--only-pages]
"""

from __future__ import annotations

import argparse
import sys

from packetpig.pipelines.pig import PigError, options
from packetpig.pipelines.report.build import ROWS, build
from packetpig.pipelines.report.summaries import SummaryError, sources, step, summarize
from packetpig.pipelines.store import StoreError, store


def main(arguments: list[str] | None = None) -> int:
    """Run it; the exit code is 1 if something could not be read or written, 2 for wrong usage."""
    parser = argparse.ArgumentParser(prog="report", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("output", help="the pipeline's output: a folder of tables; the pages are its report/")
    parser.add_argument("--captures", help="captures, for the bytes of their payload and for commands that carve")
    parser.add_argument("--rows", type=int, default=ROWS, help="rows of a table that the pages have, the newest")
    parser.add_argument("--only-pages", action="store_true", help="take the summaries as they are")
    given = parser.parse_args(arguments)
    try:
        output = store(given.output)
        if not output.exists():
            raise SummaryError(f"{given.output}: there is no such folder; make pipeline writes one")
        bins = step(output)
        if not given.only_pages:
            summarize(output, captures=given.captures, step=bins, options=options(output.root, given.captures or ""))
        found = sources(output)
        if not found:
            raise SummaryError(f"{given.output}: there are no tables in it")
        with output.folder("report") as target:
            catalogue = build(found, target, captures=given.captures, step=bins, rows=given.rows)
    except (SummaryError, PigError, StoreError, OSError) as error:
        print(f"report: {error}", file=sys.stderr)
        return 1
    rows = sum(table["rows"] for table in catalogue["tables"].values())
    index, pages, tables = output.path("report", "index.html"), len(catalogue["pages"]), len(catalogue["tables"])
    print(f"{index}: {pages} pages, {rows:,} rows of {tables} tables")
    return 0


if __name__ == "__main__":
    sys.exit(main())
