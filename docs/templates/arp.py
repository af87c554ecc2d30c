"""ARP: who asked for which address, and who claimed it. (The template of a loader: docs/write-your-own.md.)

Source: RFC 826.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address
from typing import Any

import dpkt
import pyarrow as pa
from packetpig.loaders.contract.columns import COMMON, integer, text
from packetpig.loaders.contract.loader import Job, Loader
from packetpig.loaders.contract.rows import batched
from packetpig.loaders.decode.frames import frames

COLUMNS = (
    *COMMON,
    integer("op", "1 asks, 2 answers"),
    text("src_mac", "Ethernet address of who speaks", repeated=True),
    text("src", "IPv4 address of who speaks", repeated=True),
    text("dst", "IPv4 address asked for, or answered to", repeated=True),
)


def rows(job: Job) -> Iterator[pa.RecordBatch]:
    """Batches of ARP messages."""
    return batched(job, COLUMNS, _messages(job))


def _messages(job: Job) -> Iterator[dict[str, Any]]:
    for frame in frames(job, ether_type=0x0806):
        try:
            arp = dpkt.arp.ARP(frame.data[14:])
        except dpkt.UnpackError:
            job.report.count("arp messages damaged")
            continue
        if arp.pro == 0x0800:
            yield {
                "sensor": frame.capture.sensor,
                "capture": frame.capture.capture,
                "ts": frame.ts,
                "op": arp.op,
                "src_mac": arp.sha.hex(":"),
                "src": str(IPv4Address(arp.spa)),
                "dst": str(IPv4Address(arp.tpa)),
            }


LOADER = Loader(
    pig="ArpLoader", answers="one ARP message: who asks for, or claims, an address", columns=COLUMNS, rows=rows
)
