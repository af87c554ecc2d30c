"""write time indexes beside captures, so that a narrow time is read without the rest"""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter

from packetpig.loaders.captures.capture import Capture
from packetpig.loaders.captures.finding import found_captures
from packetpig.loaders.contract.report import CaptureError, Report
from packetpig.loaders.shell.progress import Progress


def configure(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("captures", nargs="+", metavar="CAPTURE", help="files, folders, globs of this machine")
    parser.add_argument("--force", action="store_true", help="write those anew that are current, too")


def run(options: argparse.Namespace) -> int:
    """Index."""
    report = Report()
    captures = found_captures(options.captures, "", report)
    did: Counter[str] = Counter()
    total = sum(os.path.getsize(one.local) for one in captures if one.local and os.path.exists(one.local))  # noqa: PTH110, PTH202
    with Progress(report, total) as progress:
        for capture in captures:
            try:
                did[_index(capture, report, options.force)] += 1
            except CaptureError as error:
                report.failures += 1
                report.warn(str(error))
            progress.rows(0)
    said = ", ".join(f"{amount:,} {what}" for what, amount in did.items())
    print(f"packetpig: captures: {said or 'none'}", file=sys.stderr)
    return 1 if report.failures else 0


def _index(capture: Capture, report: Report, force: bool) -> str:
    """Index one capture; give what was done, in words."""
    from packetpig.loaders.captures import index
    from packetpig.loaders.captures.reading import is_pcap, tables
    from packetpig.loaders.kernels import frame

    if capture.local is None:
        raise CaptureError(f"{capture.path}: only captures of this machine have indexes")
    if not force and index.of(capture)[0]:
        return "current already"
    own = Report()
    builder = index.Builder()
    try:
        before = os.stat(capture.local)  # noqa: PTH116
    except OSError as error:
        raise CaptureError(f"{capture.path}: {(error.strerror or str(error)).lower()}") from error
    for table in tables([capture], own):
        builder.add(table.wide[frame.OFFSET, : table.rows], table.wide[frame.TIME, : table.rows])
    report.progress(before.st_size)
    if own.losses:
        for line in own.warnings:
            report.warn(line)
        index.place(capture.local).unlink(missing_ok=True)
        return "damaged, and so not indexed"
    builder.write(capture.local, is_pcap(capture), before)
    return "indexed"
