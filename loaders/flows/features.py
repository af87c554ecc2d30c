"""Numbers about each session, for machine learning: sizes, rates, gaps, directions, flags, entropy of first bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from packetpig.loaders.contract.report import Report
from packetpig.loaders.flows.merging import Packets
from packetpig.loaders.flows.pieces import in_order
from packetpig.loaders.flows.rows import BUILDERS, OPENER, OTHER, Sessions
from packetpig.loaders.flows.together import Together
from packetpig.loaders.flows.tracker import MEMORY, TIMEOUTS, Tracker
from packetpig.loaders.kernels import slots

Numbers = np.ndarray[Any, np.dtype[np.float64]]
OPTIONS = {one.name: one.default for one in (*TIMEOUTS, MEMORY)}
FLAGS = ("fin", "syn", "rst", "psh", "ack", "urg")  # bits 0 to 5
FIELDS = (slots.P_SESSION, slots.P_TIME, slots.P_FLAGS, slots.P_PAYLOAD, slots.P_LENGTH)


class Seen:
    """What is kept of packets: by session, in the order of time."""

    def __init__(self) -> None:
        self._batches: list[Packets] = []

    def add(self, packets: Packets) -> None:
        """Keep what features need of packets that were tracked."""
        own = (packets[:, slots.P_SESSION] >= 0) & (packets[:, slots.P_FLAGS] & slots.ERROR == 0)
        self._batches.append(packets[own][:, FIELDS])

    def grouped(self) -> tuple[Packets, Packets]:
        """All of them by session; and the serial numbers of sessions."""
        rows = np.concatenate([np.empty((0, len(FIELDS)), np.int64), *self._batches])
        self._batches.clear()
        rows = rows[np.argsort(rows[:, 0] >> 1, kind="stable")]
        return rows, rows[:, 0] >> 1


class Groups:
    """Statistics over the packets of each session, or those of them in a choice."""

    def __init__(self, serials: Packets, wanted: Packets) -> None:
        self.places = np.searchsorted(wanted, serials)
        self.count = len(wanted)

    def sum(self, values: Numbers, chosen: Any) -> Numbers:
        """Sum of the VALUES of CHOSEN packets."""
        return np.bincount(self.places[chosen], values[chosen], self.count).astype(np.float64)

    def spread(self, values: Numbers, chosen: Any) -> tuple[Numbers, Numbers, Numbers, Numbers]:
        """Mean, standard deviation, least and greatest; 0 where there is none."""
        number = np.maximum(np.bincount(self.places[chosen], minlength=self.count), 1)
        mean = self.sum(values, chosen) / number
        squares = self.sum((values - mean[self.places]) ** 2, chosen) / number
        least, most = np.full(self.count, np.inf), np.full(self.count, -np.inf)
        np.minimum.at(least, self.places[chosen], values[chosen])
        np.maximum.at(most, self.places[chosen], values[chosen])
        least[~np.isfinite(least)] = most[~np.isfinite(most)] = 0
        return mean, np.sqrt(squares), least, most

    def first(self, values: Numbers, chosen: Any, missing: float = 0) -> Numbers:
        """Value of the first of CHOSEN packets."""
        found = np.full(self.count, float(missing))
        at = np.flatnonzero(chosen)[::-1]
        found[self.places[at]] = values[at]
        return found


def rows(pieces: Sequence[bytes]) -> Iterator[pa.RecordBatch]:
    """Features of the sessions of one bucket."""
    seen, report = Seen(), Report()
    together, tracker = Together(in_order(pieces), report), Tracker(OPTIONS, report)
    ended: list[Packets] = []
    for packets in together.merged():
        ended += [one.copy() for one in tracker.add(packets)]
        seen.add(packets)
    ended += [one.copy() for one in tracker.finish(together.until)]
    if ended:
        whole = np.concatenate(ended)
        whole = whole[np.argsort(whole[:, slots.SERIAL])]
        yield features(Sessions(whole, together.names, together.sensors), seen)


def features(s: Sessions, seen: Seen) -> pa.RecordBatch:
    """One row a session."""
    packets, serials = seen.grouped()
    groups = Groups(serials, s.rows[:, slots.SERIAL])
    side, flags = packets[:, 0] & 1, packets[:, 2]
    from_src = (side == 1) == s.from_b[groups.places]
    size, payload = (packets[:, 4] & 0xFFFFFFFF).astype(float), packets[:, 3].astype(float)
    data = payload > 0
    begin = s.rows[groups.places, slots.START]
    since = (packets[:, 1] - begin) / 1e9
    duration = (s.rows[:, slots.LAST] - s.rows[:, slots.START]) / 1e9
    built: dict[str, Callable[[Sessions], pa.Array]] = BUILDERS
    columns: dict[str, Any] = {name: built[name](s) for name in ("session_id", "ts")}
    columns["proto"] = pa.array(s.protocol.astype(np.int32))
    for name in ("sport", "dport"):
        columns[name] = built[name](s).fill_null(0)
    columns["duration"] = duration
    for name in (
        "src_packets",
        "dst_packets",
        "src_bytes",
        "dst_bytes",
        "src_ip_bytes",
        "dst_ip_bytes",
        "missed_bytes",
    ):
        columns[name] = built[name](s)
    count = s.side(OPENER, slots.PACKETS) + s.side(OTHER, slots.PACKETS)
    sizes = (s.sizes(OPENER) + s.sizes(OTHER)).astype(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        columns["packet_rate"] = np.where(duration > 0, count / duration, 0.0)
        columns["byte_rate"] = np.where(duration > 0, sizes / duration, 0.0)
        columns["src_share"] = np.where(sizes > 0, s.sizes(OPENER) / sizes, 0.0)
    for name, own in (("src", from_src), ("dst", ~from_src)):
        mean, std, _, most = groups.spread(size, own)
        columns |= {f"{name}_size_mean": mean, f"{name}_size_std": std, f"{name}_size_max": most}
    gap, later = _gaps(since, serials, np.ones(len(serials), bool))
    mean, std, least, most = groups.spread(gap, later)
    columns |= {"gap_mean": mean, "gap_std": std, "gap_min": least, "gap_max": most}
    for name, own in (("src", from_src), ("dst", ~from_src)):
        gap, later = _gaps(since, serials, own)
        mean, std, _, _ = groups.spread(gap, later)
        columns |= {f"{name}_gap_mean": mean, f"{name}_gap_std": std}
    entropy = ((flags >> slots.ENTROPY) & 0x7F) / 16
    ones = np.ones(len(serials))
    both = (("src", from_src & data), ("dst", ~from_src & data))
    columns |= {f"{name}_data_packets": groups.sum(ones, own).astype(np.int64) for name, own in both}
    columns |= {f"{name}_first_bytes": groups.first(payload, own).astype(np.int64) for name, own in both}
    columns |= {f"{name}_entropy": groups.first(entropy, own) for name, own in both}
    columns["reply_delay"] = groups.first(since, ~from_src, -1)
    for bit, name in enumerate(FLAGS):
        columns[name] = groups.sum(ones, (flags >> bit) & 1 == 1).astype(np.int64)
    return pa.RecordBatch.from_pydict(columns)


def _gaps(since: Numbers, serials: Packets, own: Any) -> tuple[Numbers, Any]:
    """Seconds from the packet before among OWN packets of the session, and which packets have one."""
    at = np.flatnonzero(own)
    gap, later = np.zeros(len(since)), np.zeros(len(since), bool)
    if len(at) > 1:
        gap[at[1:]] = np.diff(since[at])
        later[at[1:]] = serials[at[1:]] == serials[at[:-1]]
    return gap, later
