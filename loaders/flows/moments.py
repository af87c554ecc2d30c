"""Times of the packets of sessions, for the columns `timestamps` and `intervals`: the first so many of each."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from packetpig.loaders.contract.loader import Option
from packetpig.loaders.contract.report import Report
from packetpig.loaders.flows.merging import Packets
from packetpig.loaders.flows.rows import Sessions, seconds
from packetpig.loaders.kernels import slots

TIMES = Option(
    "times", "packets of a session whose times are in timestamps and intervals; more are only counted", "1000"
)
TIDY = 1 << 20  # packets after which those beyond the limit are thrown away


class Moments:
    """Collects times while sessions are tracked; gives those of sessions that have ended."""

    def __init__(self, most: int, report: Report) -> None:
        self._most, self._report = most, report
        self._names: list[Packets] = []
        self._times: list[Packets] = []
        self._count = 0
        self._tidy_at = TIDY

    def add(self, packets: Packets) -> None:
        """Note the times of packets that were tracked."""
        flags = packets[:, slots.P_FLAGS]
        own = (packets[:, slots.P_SESSION] >= 0) & (flags & slots.ERROR == 0)
        self._names.append(packets[own, slots.P_SESSION] >> 1)
        self._times.append(packets[own, slots.P_TIME])
        self._count += len(self._names[-1])
        if self._count >= self._tidy_at:
            self._tidy()
            self._tidy_at = max(TIDY, 2 * self._count)

    def _tidy(self) -> tuple[Packets, Packets]:
        """All of them by session, no more than so many of each."""
        nothing = np.empty(0, np.int64)
        names, times = np.concatenate([*self._names, nothing]), np.concatenate([*self._times, nothing])
        order = np.argsort(names, kind="stable")
        names, times = names[order], times[order]
        starts = np.flatnonzero(np.diff(names, prepend=-1))
        rank = np.arange(len(names)) - np.repeat(starts, np.diff(np.append(starts, len(names))))
        keep = rank < self._most
        self._report.count("timestamps left out", int(len(keep) - keep.sum()))
        names, times = names[keep], times[keep]
        self._names, self._times, self._count = [names], [times], len(names)
        return names, times

    def take(self, sessions: Sessions) -> dict[str, pa.Array]:
        """The two columns of sessions that have ended."""
        names, times = self._tidy()
        serials = sessions.rows[:, slots.SERIAL]
        low, high = np.searchsorted(names, serials), np.searchsorted(names, serials, side="right")
        counts = high - low
        at = np.repeat(low - np.append(0, np.cumsum(counts)[:-1]), counts) + np.arange(int(counts.sum()))
        chosen = times[at]
        left = np.ones(len(names), bool)
        left[at] = False
        self._names, self._times, self._count = [names[left]], [times[left]], int(left.sum())
        ends = np.append(0, np.cumsum(counts)).astype(np.int32)
        gaps = np.diff(chosen, prepend=0) / 1e9
        first = np.zeros(len(chosen), bool)
        first[ends[:-1][counts > 0]] = True
        gap_ends = np.append(0, np.cumsum(np.maximum(counts - 1, 0))).astype(np.int32)
        return {
            "timestamps": _bag(seconds(chosen), ends, "ts"),
            "intervals": _bag(gaps[~first], gap_ends, "gap"),
        }


def _bag(values: Any, ends: Any, name: str) -> pa.Array:
    rows = pa.StructArray.from_arrays([pa.array(values, pa.float64())], [name])
    return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), rows)
