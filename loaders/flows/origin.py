"""Where the packets of a job come from: captures, or pieces of sessions that splits of captures were made into."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from packetpig.loaders.contract.loader import Job
from packetpig.loaders.contract.times import window
from packetpig.loaders.flows.extracting import Extractor, Sensors, ordered
from packetpig.loaders.flows.merging import Packets
from packetpig.loaders.flows.together import Together


class Origin(Protocol):
    """Packets in the order of time; to be gone through once.

    `names`: of captures, by their numbers; `sensors` likewise. More may come while packets do. `until`: a time that is
    known to have passed when all packets have been given, or 0. `entropies`: whether packets have theirs.
    """

    names: list[str]
    sensors: Sensors
    until: int
    entropies: bool

    def merged(self) -> Iterator[Packets]:
        """Batches of packets; their payload stays where it is until the next batch is asked for."""


def origin(job: Job) -> Origin:
    """The packets of a job."""
    if job.pieces is not None:
        return Together(job.pieces, job.report)
    extractor = Extractor(ordered(job.captures), job.report, job.on_error)
    extractor.within = window(job.options) if "start" in job.options else None
    return extractor
