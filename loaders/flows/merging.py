"""Packets of many captures as one sequence in the order of time.

Captures that overlap are read side by side; what stands in two of them, to the same nanosecond and alike in all that
is looked at, counts once. Within a capture the order is that of the file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from packetpig.loaders.kernels import native, slots

Packets = np.ndarray[Any, np.dtype[np.int64]]
FOREVER = (1 << 63) - 1


class Source(Protocol):
    """A sequence of packets that can be merged with others."""

    @property
    def begin(self) -> int:
        """Time of its first packet, or earlier."""

    @property
    def rank(self) -> tuple[Any, ...]:
        """Which comes first of packets of one time."""

    @property
    def lasting(self) -> bool:
        """Whether what its packets point to stays there as long as it does."""

    def batches(self) -> Iterator[Packets]:
        """Its packets. What they point to is there until the next batch is asked for."""


@dataclass
class _Open:
    """A source that is being read: its packets that are not given yet, and their times, which never go back."""

    source: Source
    packets: Packets
    times: Packets = field(init=False)
    more: bool = True
    last: int = -FOREVER
    arena: np.ndarray[Any, Any] | None = None

    def __post_init__(self) -> None:
        self.rest, self.rank = self.source.batches(), self.source.rank
        self._timed()

    def _timed(self) -> None:
        self.times = np.maximum.accumulate(np.maximum(self.packets[:, slots.P_TIME], self.last))

    def load(self) -> None:
        """More packets behind those that are there."""
        if len(self.packets) and not self.source.lasting:
            self._keep()
        new = next(self.rest, None)
        if new is None:
            self.more = False
        elif len(self.packets):
            self.packets = np.concatenate([self.packets, new])
            self._timed()
        else:
            self.packets = new
            self._timed()

    def _keep(self) -> None:
        """Copy the payload of packets that are still here: it is about to be overwritten."""
        self.packets = self.packets.copy()
        self.arena = gathered(self.packets)

    def horizon(self) -> int:
        """The time before which all of its packets are here."""
        if not self.more:
            return FOREVER
        return int(self.times[-1]) if len(self.times) else self.last

    def take(self, until: int) -> tuple[Packets, Packets]:
        """Packets before the time UNTIL, and their times."""
        count = int(np.searchsorted(self.times, until)) if until != FOREVER else len(self.times)
        taken, times = self.packets[:count], self.times[:count]
        self.packets, self.times = self.packets[count:], self.times[count:]
        if count:
            self.last = int(times[-1])
        return taken, times


def gathered(packets: Packets) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """The payload of PACKETS copied together; from then on they point there, so keep it as long as them."""
    addresses = packets[:, slots.P_ADDRESS]
    size = int(packets[:, slots.P_THERE].sum())
    data = np.empty(size, np.uint8)
    if size:
        base = int(addresses.min(initial=FOREVER, where=addresses > 0))
        native.gather(packets.ctypes.data, len(packets), base, base, data.ctypes.data, data.ctypes.data, size)
    return data


def merged(sources: Iterable[Source]) -> Iterator[tuple[Packets, int]]:
    """Batches of packets in the order of time, each with how many doubles were left out of it.

    SOURCES are in the order of their `begin`; none is asked for before its turn.
    """
    rest = iter(sources)
    following = next(rest, None)
    active: list[_Open] = []
    while following or active:
        if following and (not active or following.begin <= min(one.horizon() for one in active)):
            active.append(_Open(following, np.empty((0, slots.PACKET), np.int64)))
            following = next(rest, None)
            active[-1].load()
            active.sort(key=lambda one: one.rank)
            continue
        until = min([one.horizon() for one in active] + ([following.begin] if following else []))
        if len(active) == 1 and until != FOREVER and not (following and following.begin == until):
            until += 1  # nobody else has packets of that time
        taken = [one.take(until) for one in active]
        yield from _together([pair for pair in taken if len(pair[0])])
        active = [one for one in active if one.more or len(one.packets)]
        slowest = min(active, key=_Open.horizon, default=None)
        if slowest is not None and slowest.more and not (following and following.begin <= slowest.horizon()):
            slowest.load()


def _together(pairs: list[tuple[Packets, Packets]]) -> Iterator[tuple[Packets, int]]:
    if len(pairs) == 1:
        yield pairs[0][0], 0
    elif pairs:
        order = np.argsort(np.concatenate([times for _, times in pairs]), kind="stable")
        yield without_doubles(np.concatenate([packets for packets, _ in pairs])[order])


def without_doubles(packets: Packets) -> tuple[Packets, int]:
    """PACKETS, which are in the order of time, without what two captures have alike, and how many that were."""
    keep = np.empty(len(packets), np.uint8)
    dropped = native.drop_doubles(packets.ctypes.data, len(packets), keep.ctypes.data)
    return (packets[keep.view(bool)] if dropped else packets), dropped
