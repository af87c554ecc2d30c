"""One large pcap, looked through by two threads: compiled code lets other threads run meanwhile.

The capture is dealt out in segments. Where the first record of a segment is, is guessed (see Pcap), but what is given
is proven: a segment counts only if it begins where the one before it ended, and the first one begins behind the file's
header. Where that is not so, or anything is wrong with a segment, the rest is left to the plain reader.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from packetpig.loaders.captures.capture import Capture
from packetpig.loaders.captures.pcap import HEADER, Pcap, RestartError
from packetpig.loaders.captures.window import Table, Window
from packetpig.loaders.contract.report import Report
from packetpig.loaders.kernels import frame

LEAST = 64 << 20  # bytes of a capture that is worth it
SEGMENT = 16 << 20  # bytes: about one table of packets
THREADS = 2

Bytes = np.ndarray[Any, Any]


@dataclass(frozen=True)
class _Segment:
    """Packets, and the offsets where the first one begins and where the one after the last does."""

    tables: list[Table]
    packets: int
    first: int | None
    after: int | None


def possible(capture: Capture, size: int) -> bool:
    """Whether a capture is large enough, and there is a processor to spare."""
    return capture.end is None and size >= LEAST and len(os.sched_getaffinity(0)) > 1


def tables(
    head: bytes, capture: Capture, mapping: Bytes, report: Report, prepare: Callable[[Table], None]
) -> Generator[Table, None, tuple[int, int] | None]:
    """Tables of packets in order, after PREPARE.

    Returns None, or the offset and the number of packets after which to read plainly.
    """
    free: deque[Table] = deque()
    size = len(mapping)
    starts = iter(range(0, size, SEGMENT))
    pool = ThreadPoolExecutor(THREADS)
    waiting: deque[Future[_Segment | None]] = deque()
    at, packets = HEADER, 0
    try:
        while True:
            while len(waiting) <= THREADS and (start := next(starts, None)) is not None:
                part = replace(capture, start=start, end=min(start + SEGMENT, size))
                waiting.append(pool.submit(_scan, head, part, mapping, free, prepare))
            if not waiting:
                return None
            segment = waiting.popleft().result()
            if segment is None or segment.first != at or segment.after is None:
                return at, packets
            for table in segment.tables:
                if table.noted:
                    table.wide[frame.NUMBER, : table.rows] += packets
                    yield table
                free.append(table)
            packets += segment.packets
            report.progress(segment.after - at)
            at = segment.after
    finally:
        pool.shutdown(cancel_futures=True)


def _scan(
    head: bytes, part: Capture, mapping: Bytes, free: deque[Table], prepare: Callable[[Table], None]
) -> _Segment | None:
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
    return _Segment(found, scanner.packets, scanner.first, scanner.after)
