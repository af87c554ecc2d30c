"""write the packets that a filter or a list of flows chooses into a pcap file"""

from __future__ import annotations

import argparse
import sys
from array import array
from collections.abc import Iterator, Sequence
from functools import cache, partial
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packetpig.loaders.captures.finding import found_captures, in_time_order
from packetpig.loaders.carving import choosing
from packetpig.loaders.carving.conditions import condition
from packetpig.loaders.carving.evidence import Evidence
from packetpig.loaders.contract.lean import without_pandas
from packetpig.loaders.contract.loader import Job, OptionError
from packetpig.loaders.contract.report import CaptureError, Report
from packetpig.loaders.contract.where import columns_of, parse
from packetpig.loaders.shell.progress import Progress
from packetpig.loaders.shell.writing import Target, failing, refuse_existing, there

if TYPE_CHECKING:
    from packetpig.loaders.captures.capture import Capture


def configure(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("captures", nargs="+", metavar="CAPTURE", help="files, folders, globs, - for standard input")
    parser.add_argument("output", metavar="OUT", help="the pcap to write; OUT-LINKTYPE for a second link type")
    parser.add_argument("--where", metavar="EXPR", help="a Pig expression over the columns of packets")
    parser.add_argument("--flows", type=Path, metavar="FILE", help="CSV or JSON lines: community_id, start, end")
    parser.add_argument("--force", action="store_true", help="replace the output if it exists")
    parser.add_argument("--sensors", choices=("folders",), help=argparse.SUPPRESS)


def run(options: argparse.Namespace) -> int:
    """Carve."""
    if not options.where and not options.flows:
        raise OptionError("carve needs --where, --flows or both: which packets?")
    with failing(options.output):
        found = there(options.output)
    if found == "other":
        raise CaptureError(
            f"{options.output}: not a file; carve writes a file and puts it in its place when it is whole"
        )
    if not options.force:
        refuse_existing(options.output)
    report = Report()
    tree = None if options.flows else parse(options.where)
    steps = condition(tree) if tree else None
    chosen = cache(partial(_filter, options))
    if steps is None:
        chosen()  # what is wrong with it is said before anything is looked for
    captures = in_time_order(found_captures(options.captures, options.sensors or "", report))
    with failing(options.output), Target(options.output) as target:
        evidence = Evidence(target, report)
        try:
            with Progress(report, sum(capture.size or 0 for capture in captures)) as progress:
                for plain, some in _together(captures, steps, bool(columns_of(tree) & {"ts", "ts_ns"})):
                    before = evidence.packets
                    if plain or not (steps and choosing.carve(some[0], steps, evidence, report)):
                        _columns(some, chosen(), evidence, report, progress)
                    progress.rows(evidence.packets - before)
            paths = evidence.finish()
        finally:
            evidence.discard()
    above = options.output[: -len(target.name)]
    print(f"packetpig: {', '.join(above + path.name for path in paths)}: {evidence.packets:,} packets", file=sys.stderr)
    for name, amount in sorted(report.counters.items()):
        if name.endswith("stored with 0"):
            print(f"packetpig: {amount:,} {name}", file=sys.stderr)
    return 1 if report.failures else 0


def _together(
    captures: Sequence[Capture], steps: array[int] | None, timed: bool
) -> Iterator[tuple[bool, list[Capture]]]:
    """Whether columns are needed, and captures: one that may be carved by a condition, or as many others as follow."""

    def plain(capture: Capture) -> bool:
        return steps is None or not choosing.possible(capture) or (timed and _indexed(capture))

    for others, some in groupby(captures, plain):
        if others:
            yield True, list(some)
        else:
            for capture in some:
                yield False, [capture]


def _indexed(capture: Capture) -> bool:
    """Whether a time index may say what need not be read."""
    from packetpig.loaders.captures.index import place  # it needs numpy

    return capture.local is not None and place(capture.local).exists()


def _columns(captures: Sequence[Capture], chosen: Any, evidence: Evidence, report: Report, progress: Progress) -> None:
    """Carve by a filter over columns."""
    without_pandas()
    from packetpig.loaders import packets
    from packetpig.loaders.carving.batches import COLUMNS, add

    for batch in packets.rows(Job(COLUMNS, captures, {}, chosen, report, "later")):
        if batch.num_rows:
            add(evidence, batch, report)
        progress.rows(0)


def _filter(options: argparse.Namespace) -> Any:
    from packetpig.loaders import packets
    from packetpig.loaders.carving.flows import Both, Flows
    from packetpig.loaders.contract.filters import Filter

    flows = Flows(options.flows) if options.flows else None
    where = None
    if options.where:
        where = Filter(parse(options.where), {column.name: column for column in packets.LOADER.schema()})
    return Both(where, flows) if where and flows else where or flows
