"""Features: one row of numbers a session, for machine learning: sizes, rates, gaps, directions, flags, entropy.

Undefined is 0, so that every row can be used as it is; `session_id` is the key, and no feature.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
from packetpig.loaders.contract.columns import COMMON, Column, double, integer, long
from packetpig.loaders.contract.loader import Job, Loader
from packetpig.loaders.contract.rows import assembled
from packetpig.loaders.flows.columns import COUNTS, FLOW
from packetpig.loaders.flows.extracting import Extractor
from packetpig.loaders.flows.features import COST, Running
from packetpig.loaders.flows.merging import Packets
from packetpig.loaders.flows.origin import origin
from packetpig.loaders.flows.rows import BUILDERS, OPENER, OTHER, Sessions
from packetpig.loaders.flows.tracker import COST as SESSION
from packetpig.loaders.flows.tracker import MEMORY, TIMEOUTS, Tracker, size
from packetpig.loaders.kernels import featureslots as at
from packetpig.loaders.kernels import slots

FLAGS = ("fin", "syn", "rst", "psh", "ack", "urg")  # bits 0 to 5
AT_ONCE = 1 << 15  # packets: so many sessions may end before their numbers are given back
SIDES = (("src", "from the side that opened"), ("dst", "from the other side"))


def sided(name: str, make: Callable[..., Column], meaning: str, unit: str = "") -> tuple[Column, ...]:
    """A column for each side."""
    return tuple(make(f"{side}_{name}", f"{meaning} {which}", unit) for side, which in SIDES)


COLUMNS: tuple[Column, ...] = (
    *COMMON,
    FLOW[0],
    integer("proto", "number of the protocol"),
    integer("sport", "port of the side that opened; of ICMP the type; 0: none"),
    integer("dport", "port of the other side; of ICMP the type that answers, or the code; 0: none"),
    double("duration", "from the first packet to the last", "seconds"),
    *COUNTS,
    double("packet_rate", "packets by duration", "packets a second"),
    double("byte_rate", "payload by duration", "bytes a second"),
    double("src_share", "part of the payload that the side that opened sent"),
    *(
        column
        for side, which in SIDES
        for column in (
            double(f"{side}_size_mean", f"size of IP packets {which}: mean", "bytes"),
            double(f"{side}_size_std", f"size of IP packets {which}: standard deviation", "bytes"),
            double(f"{side}_size_max", f"size of IP packets {which}: largest", "bytes"),
        )
    ),
    double("gap_mean", "from one packet to the next: mean", "seconds"),
    double("gap_std", "from one packet to the next: standard deviation", "seconds"),
    double("gap_min", "from one packet to the next: shortest", "seconds"),
    double("gap_max", "from one packet to the next: longest", "seconds"),
    *(
        column
        for side, which in SIDES
        for column in (
            double(f"{side}_gap_mean", f"from one packet to the next {which}: mean", "seconds"),
            double(f"{side}_gap_std", f"from one packet to the next {which}: standard deviation", "seconds"),
        )
    ),
    *sided("data_packets", long, "packets with payload"),
    *sided("first_bytes", long, "the first payload", "bytes"),
    *sided("entropy", double, "entropy of the first 64 bytes of the first payload", "bits a byte"),
    double("reply_delay", "from the first packet to the first of the other side; -1: there is none", "seconds"),
    *(long(name, f"packets with the flag {name.upper()}") for name in FLAGS),
)


def rows(job: Job) -> Iterator[pa.RecordBatch]:
    """Batches of features: of sessions that have ended, now and then, and of the rest at the end."""
    source, running = origin(job), Running()
    if isinstance(source, Extractor):
        source.entropies = True
    memory = size(job.options["memory"], "memory") * SESSION // (SESSION + COST)
    tracker = Tracker({**job.options, "memory": str(memory)}, job.report)
    for batch in source.merged():
        for low in range(0, len(batch), AT_ONCE):
            packets = batch[low : low + AT_ONCE]
            ended = list(tracker.add(packets))
            running.add(packets)
            for one in ended:
                yield _batch(Sessions(one, source.names, source.sensors), running, job)
    for one in tracker.finish(source.until):
        if len(one):
            yield _batch(Sessions(one, source.names, source.sensors), running, job)


def _batch(s: Sessions, running: Running, job: Job) -> pa.RecordBatch:
    job.report.count("sessions", s.count)
    made = features(s, *running.take(s))
    return assembled(job.columns, lambda name: made[name] if name in made else BUILDERS[name](s), s.count)


def features(s: Sessions, longs: Packets, doubles: Any) -> dict[str, pa.Array]:
    """Columns of sessions that have ended, from their running numbers; those of SessionLoader are not among them."""
    each = np.arange(s.count)
    sides = [np.where(s.from_b == bool(which), 0, 1) for which in (OPENER, OTHER)]
    duration = (s.rows[:, slots.LAST] - s.rows[:, slots.START]) / 1e9
    payload = (s.sizes(OPENER) + s.sizes(OTHER)).astype(float)
    counts = [longs[each, at.L_COUNTS + side] for side in sides]
    packets = s.side(OPENER, slots.PACKETS) + s.side(OTHER, slots.PACKETS)
    columns: dict[str, Any] = {"proto": s.protocol.astype(np.int32), "duration": duration}
    for name in ("sport", "dport"):
        columns[name] = BUILDERS[name](s).fill_null(0)
    with np.errstate(divide="ignore", invalid="ignore"):
        columns["packet_rate"] = np.where(duration > 0, packets / duration, 0.0)
        columns["byte_rate"] = np.where(duration > 0, payload / duration, 0.0)
        columns["src_share"] = np.where(payload > 0, s.sizes(OPENER) / payload, 0.0)
    columns["gap_mean"] = doubles[:, at.D_GAP]
    columns["gap_std"] = _deviation(doubles[:, at.D_GAP_SQUARES], counts[0] + counts[1] - 1)
    columns["gap_min"], columns["gap_max"] = doubles[:, at.D_GAP_LEAST], doubles[:, at.D_GAP_MOST]
    for (name, _), side, count in zip(SIDES, sides, counts, strict=True):
        columns[f"{name}_size_mean"] = doubles[each, at.D_SIZE + side]
        columns[f"{name}_size_std"] = _deviation(doubles[each, at.D_SIZE_SQUARES + side], count)
        columns[f"{name}_size_max"] = doubles[each, at.D_SIZE_MOST + side]
        columns[f"{name}_gap_mean"] = doubles[each, at.D_GAPS + side]
        columns[f"{name}_gap_std"] = _deviation(doubles[each, at.D_GAPS_SQUARES + side], count - 1)
        columns[f"{name}_data_packets"] = longs[each, at.L_DATA + side]
        columns[f"{name}_first_bytes"] = longs[each, at.L_BYTES + side]
        columns[f"{name}_entropy"] = longs[each, at.L_ENTROPY + side] / 16
    reply = (longs[each, at.L_FIRSTS + sides[1]] - s.rows[:, slots.START]) / 1e9
    columns["reply_delay"] = np.where(counts[1] > 0, reply, -1.0)
    for bit, name in enumerate(FLAGS):
        columns[name] = longs[:, at.L_FLAGS + bit]
    return {name: pa.array(values) for name, values in columns.items()}


def _deviation(squares: Any, count: Any) -> Any:
    """Standard deviation of COUNT values from their SQUARES."""
    return np.sqrt(squares / np.maximum(count, 1))


LOADER = Loader(
    pig="FeatureLoader",
    answers="one session as numbers: sizes, rates, gaps, directions, flags, entropy, for machine learning",
    split="never",
    rows=rows,
    sessions=True,
    options=(*TIMEOUTS, MEMORY),
    columns=COLUMNS,
)
