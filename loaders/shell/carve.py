"""write the packets that a filter or a list of flows chooses into a pcap file"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from packetpig.loaders.captures.finding import in_time_order
from packetpig.loaders.contract.loader import Job, OptionError
from packetpig.loaders.contract.report import CaptureError, Report
from packetpig.loaders.shell.load import found_captures
from packetpig.loaders.shell.output import failing, refuse_existing
from packetpig.loaders.shell.progress import Progress


def configure(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("captures", nargs="+", metavar="CAPTURE", help="files, folders, globs, - for standard input")
    parser.add_argument(
        "output", type=Path, metavar="OUT", help="the pcap to write; OUT-LINKTYPE for a second link type"
    )
    parser.add_argument("--where", metavar="EXPR", help="a Pig expression over the columns of packets")
    parser.add_argument("--flows", type=Path, metavar="FILE", help="CSV or JSON lines: community_id, start, end")
    parser.add_argument("--force", action="store_true", help="replace the output if it exists")
    parser.add_argument("--sensors", choices=("folders",), help=argparse.SUPPRESS)


def run(options: argparse.Namespace) -> int:
    """Carve."""
    from packetpig.loaders import packets
    from packetpig.loaders.carving.evidence import COLUMNS, Evidence

    if not options.where and not options.flows:
        raise OptionError("carve needs --where, --flows or both: which packets?")
    if options.output.exists() and not options.output.is_file():
        raise CaptureError(
            f"{options.output}: not a file; carve writes a file and puts it in its place when it is whole"
        )
    if not options.force:
        refuse_existing(options.output)
    report = Report()
    chosen = _filter(options)
    captures = in_time_order(found_captures(options.captures, options.sensors or "", report))
    job = Job(COLUMNS, captures, {}, chosen, report, "later")
    evidence = Evidence(options.output, report)
    try:
        with failing(options.output):
            with Progress(report, sum(capture.size or 0 for capture in captures)) as progress:
                for batch in packets.rows(job):
                    progress.rows(batch.num_rows)
                    if batch.num_rows:
                        evidence.add(batch)
            paths = evidence.finish()
    finally:
        evidence.discard()
    print(f"packetpig: {', '.join(map(str, paths))}: {evidence.packets:,} packets", file=sys.stderr)
    for name, amount in sorted(report.counters.items()):
        if name.endswith("stored with 0"):
            print(f"packetpig: {amount:,} {name}", file=sys.stderr)
    return 1 if report.failures else 0


def _filter(options: argparse.Namespace) -> Any:
    from packetpig.loaders import packets
    from packetpig.loaders.carving.flows import Both, Flows
    from packetpig.loaders.contract.filters import Filter
    from packetpig.loaders.contract.where import parse

    flows = Flows(options.flows) if options.flows else None
    where = None
    if options.where:
        where = Filter(parse(options.where), {column.name: column for column in packets.LOADER.schema()})
    return Both(where, flows) if where and flows else where or flows
