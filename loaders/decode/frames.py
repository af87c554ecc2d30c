"""Frames one at a time, for loaders that parse with a library: slower than columns, and simpler."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from packetpig.loaders.captures.capture import Capture
from packetpig.loaders.captures.reading import tables
from packetpig.loaders.contract.loader import Job
from packetpig.loaders.kernels import frame


@dataclass(frozen=True)
class Frame:
    """One captured frame. `ts`: seconds since the epoch; `ether_type`: of what it carries, after VLAN tags, or None;
    `network`, `payload`: what begins at the IP header, and at the transport's payload, or None."""

    capture: Capture
    ts: float
    link_type: int
    ether_type: int | None
    data: bytes
    network: bytes | None
    payload: bytes | None


def frames(job: Job, ether_type: int | None = None) -> Iterator[Frame]:
    """The frames of the job's captures, in order; only those that carry ETHER_TYPE, if it is given."""
    for table in tables(job.captures, job.report, job.on_error):
        job.report.count("packets", table.rows)
        wide, places = table.wide, table.places
        for i in range(table.rows):
            kind = int(places[frame.ETHER_TYPE, i])
            if ether_type is not None and kind != ether_type:
                continue
            begin = int(wide[frame.POSITION, i])
            data = table.buffer[begin : begin + int(places[frame.CAPTURED, i])].tobytes()
            network, payload = int(places[frame.NETWORK, i]), int(places[frame.PAYLOAD, i])
            length = int(places[frame.PAYLOAD_LENGTH, i])
            yield Frame(
                capture=job.captures[int(places[frame.CAPTURE, i])],
                ts=int(wide[frame.TIME, i]) / 1e9,
                link_type=int(places[frame.LINK_TYPE, i]),
                ether_type=None if kind < 0 else kind,
                data=data,
                network=None if network < 0 else data[network:],
                payload=None if payload < 0 else data[payload : payload + length],
            )
