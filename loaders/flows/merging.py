"""Packets of many captures as one sequence in the order of time.

Captures that overlap are read side by side; what stands in two of them, to the same nanosecond and alike in all that
is looked at, counts once. Within a capture the order is that of the file.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from packetpig.loaders.kernels import native, slots

Packets = np.ndarray[Any, np.dtype[np.int64]]
FOREVER = (1 << 63) - 1


class Source(Protocol):
    """A sequence of packets that can be merged with others."""

    begin: int  # time of its first packet, or earlier
    rank: tuple[Any, ...]  # which comes first of packets of one time

    def batches(self) -> Iterator[Packets]:
        """Its packets. What they point to is there until the next batch is asked for."""


@dataclass
class _Open:
    """A source that is being read: its packets that are not given yet, and their times, which never go back."""

    rest: Iterator[Packets]
    packets: Packets
    rank: tuple[Any, ...]
    times: Packets = field(init=False)
    more: bool = True
    last: int = -FOREVER
    arena: bytes = b""

    def __post_init__(self) -> None:
        self._timed()

    def _timed(self) -> None:
        self.times = np.maximum.accumulate(np.maximum(self.packets[:, slots.P_TIME], self.last))

    def load(self) -> None:
        """More packets behind those that are there."""
        if len(self.packets):
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
        held = self.packets[self.packets[:, slots.P_THERE] > 0]
        pieces = [ctypes.string_at(int(one[slots.P_ADDRESS]), int(one[slots.P_THERE])) for one in held]
        self.arena = b"".join(pieces)
        begin = np.frombuffer(self.arena, np.uint8).ctypes.data if pieces else 0
        ends = np.cumsum(held[:, slots.P_THERE])
        self.packets[self.packets[:, slots.P_THERE] > 0, slots.P_ADDRESS] = begin + ends - held[:, slots.P_THERE]

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


def merged(sources: Sequence[Source]) -> Iterator[tuple[Packets, int]]:
    """Batches of packets in the order of time, each with how many doubles were left out of it."""
    waiting = sorted(sources, key=lambda source: source.begin)
    active: list[_Open] = []
    while waiting or active:
        if waiting and (not active or waiting[0].begin <= min(one.horizon() for one in active)):
            source = waiting.pop(0)
            active.append(_Open(source.batches(), np.empty((0, slots.PACKET), np.int64), source.rank))
            active[-1].load()
            active.sort(key=lambda one: one.rank)
            continue
        until = min([one.horizon() for one in active] + ([waiting[0].begin] if waiting else []))
        if len(active) == 1 and until != FOREVER and not (waiting and waiting[0].begin == until):
            until += 1  # nobody else has packets of that time
        taken = [one.take(until) for one in active]
        yield from _together([pair for pair in taken if len(pair[0])])
        active = [one for one in active if one.more or len(one.packets)]
        slowest = min(active, key=_Open.horizon, default=None)
        if slowest is not None and slowest.more and not (waiting and waiting[0].begin <= slowest.horizon()):
            slowest.load()


def _together(pairs: list[tuple[Packets, Packets]]) -> Iterator[tuple[Packets, int]]:
    if len(pairs) == 1:
        yield pairs[0][0], 0
    elif pairs:
        order = np.argsort(np.concatenate([times for _, times in pairs]), kind="stable")
        packets = np.concatenate([packets for packets, _ in pairs])[order]
        keep = np.empty(len(packets), np.uint8)
        dropped = native.drop_doubles(packets.ctypes.data, len(packets), keep.ctypes.data)
        yield (packets[keep.view(bool)] if dropped else packets), dropped
