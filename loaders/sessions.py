"""Sessions: one row each, with both sides' packets and bytes, how it went and how it ended."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa
from packetpig.loaders.contract.columns import COMMON, Column, bag, double, long, text
from packetpig.loaders.contract.loader import Job, Loader
from packetpig.loaders.flows.columns import COUNTS, FLOW
from packetpig.loaders.flows.merging import Packets
from packetpig.loaders.flows.moments import TIMES, Moments
from packetpig.loaders.flows.origin import origin
from packetpig.loaders.flows.rows import Sessions
from packetpig.loaders.flows.tracker import MEMORY, TIMEOUTS, Tracker, number

COLUMNS: tuple[Column, ...] = (
    *COMMON,
    *FLOW,
    double("end_ts", "time of the last packet (of TCP: before both sides had closed)", "seconds since the epoch"),
    double("duration", "from the first packet to that one", "seconds"),
    text(
        "service", "protocol that is spoken, by what is said and not by port; null: that does not tell", repeated=True
    ),
    text("state", "Zeek's conn_state: S0 S1 S2 S3 SF REJ RSTO RSTR RSTOS0 RSTRH SH SHR OTH", repeated=True),
    text("end_state", "how it ended: close, reset, timeout, or open: the captures end before it does", repeated=True),
    *COUNTS,
    long("icmp_errors", "ICMP errors about the session"),
)
BAGS = (
    bag("timestamps", "times of its packets, the first so many (option times)", double("ts", "time", "seconds")),
    bag("intervals", "gaps between them", double("gap", "from one packet to the next", "seconds")),
)


def rows(job: Job) -> Iterator[pa.RecordBatch]:
    """Batches of sessions: those that have ended, now and then, and the rest at the end."""
    source = origin(job)
    tracker = Tracker(job.options, job.report)
    moments = (
        Moments(number(job.options, TIMES), job.report) if {"timestamps", "intervals"} & set(job.columns) else None
    )
    for packets in source.merged():
        ended: Iterable[Packets] = tracker.add(packets)
        if moments:
            ended = [one.copy() for one in ended]
            moments.add(packets)
        for one in ended:
            yield from _batches(Sessions(one, source.names, source.sensors), moments, job)
    for one in tracker.finish(source.until):
        yield from _batches(Sessions(one, source.names, source.sensors), moments, job)


def _batches(sessions: Sessions, moments: Moments | None, job: Job) -> Iterator[pa.RecordBatch]:
    job.report.count("sessions", sessions.count)
    if sessions.count:
        yield sessions.batch(job.columns, moments.take(sessions) if moments else {})


LOADER = Loader(
    pig="SessionLoader",
    answers="one session: who talked to whom, from when to when, how much, and how it ended",
    split="never",
    rows=rows,
    sessions=True,
    options=(*TIMEOUTS, MEMORY, TIMES),
    columns=(*COLUMNS, *BAGS),
)
