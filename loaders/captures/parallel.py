"""One large pcap, looked through by two threads: compiled code lets other threads run meanwhile.

The capture is dealt out in segments. Where the first record of a segment is, is guessed (see Pcap), but what is given
is proven: a segment counts only if it begins where the one before it ended, and the first one begins behind the file's
header. Where that is not so, or anything is wrong with a segment, the rest is left to the plain reader.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from packetpig.loaders.captures.ahead import in_order
from packetpig.loaders.captures.capture import Capture
from packetpig.loaders.captures.pcap import HEADER, Pcap, RestartError
from packetpig.loaders.captures.window import Table, Window
from packetpig.loaders.contract.report import Report
from packetpig.loaders.kernels import frame

if TYPE_CHECKING:
    import numpy as np

LEAST = 64 << 20  # bytes of a capture that is worth it
SEGMENT = 16 << 20  # bytes: about one table of packets
THREADS = 2

T = TypeVar("T")


@dataclass(frozen=True)
class Segment(Generic[T]):
    """What was found, how many packets there are, the offsets where the first begins and where the one after the last
    does."""

    found: T
    packets: int
    first: int | None
    after: int | None


def possible(capture: Capture, size: int) -> bool:
    """Whether a capture is large enough, and there is a processor to spare."""
    return capture.end is None and size >= LEAST and len(os.sched_getaffinity(0)) > 1


def proven(
    capture: Capture, size: int, report: Report, scan: Callable[[Capture], Segment[T] | None]
) -> Generator[Segment[T], None, tuple[int, int] | None]:
    """What SCAN says of the segments of a capture of SIZE bytes, in order; it gives None where not all is as it should.

    Returns None, or the offset and the number of packets after which to read plainly.
    """
    parts = (replace(capture, start=at, end=min(at + SEGMENT, size)) for at in range(0, size, SEGMENT))
    at, packets = HEADER, 0
    for segment in in_order(scan, parts, THREADS):
        if segment is None or segment.first != at or segment.after is None:
            return at, packets
        yield segment
        packets += segment.packets
        report.progress(segment.after - at)
        at = segment.after
    return None


def tables(
    head: bytes,
    capture: Capture,
    mapping: np.ndarray[Any, Any],
    report: Report,
    prepare: Callable[[Table], None],
) -> Generator[Table, None, tuple[int, int] | None]:
    """Tables of packets in order, after PREPARE. Returns as `proven` does."""
    free: deque[Table] = deque()
    segments = proven(capture, len(mapping), report, lambda part: _scan(head, part, mapping, free, prepare))
    packets = 0
    try:
        while True:
            segment = next(segments)
            for table in segment.found:
                if table.noted:
                    table.wide[frame.NUMBER, : table.rows] += packets
                    yield table
                free.append(table)
            packets += segment.packets
    except StopIteration as end:
        left: tuple[int, int] | None = end.value
        return left
    finally:
        segments.close()


def _scan(
    head: bytes,
    part: Capture,
    mapping: np.ndarray[Any, Any],
    free: deque[Table],
    prepare: Callable[[Table], None],
) -> Segment[list[Table]] | None:
    """The packets of one segment, numbered from its begin; None where not all is as it should be."""
    report = Report()
    scanner = Pcap(head, part, report)
    scanner.packets = 0
    window = Window(mapping, scanner.begin, len(mapping), 0, True)
    found: list[Table] = []
    why = frame.FULL
    while why == frame.FULL:
        table = free.pop() if free else Table()
        table.rows, table.buffer, table.valid = 0, mapping, window.valid
        found.append(table)
        try:
            why = scanner.scan(window, table)
        except RestartError:
            return None
        prepare(table)
    if report.counters or report.losses:
        return None
    return Segment(found, scanner.packets, scanner.first, scanner.after)
