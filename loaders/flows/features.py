"""Numbers of sessions that are open, from which their features are made: a few of each, however many its packets."""

from __future__ import annotations

from typing import Any

import numpy as np
from packetpig.loaders.flows.merging import Packets
from packetpig.loaders.flows.rows import Sessions
from packetpig.loaders.kernels import featureslots, native, slots

Numbers = np.ndarray[Any, np.dtype[np.float64]]
COST = 2 * 8 * (featureslots.LONGS + featureslots.DOUBLES + 1)  # bytes a session, with room for more


class Running:
    """Rows of numbers (featureslots) by the serial numbers of sessions, which only ever grow."""

    def __init__(self) -> None:
        self._serials = np.empty(0, np.int64)
        self._gone = np.empty(0, bool)
        self._longs = np.empty((0, featureslots.LONGS), np.int64)
        self._doubles = np.empty((0, featureslots.DOUBLES), np.float64)
        self._count = self._next = 0

    def add(self, packets: Packets) -> None:
        """Take in packets that were tracked."""
        names = packets[:, slots.P_SESSION] >> 1
        own = (names >= 0) & (packets[:, slots.P_FLAGS] & slots.ERROR == 0)
        self._begin(int(names.max(initial=-1)) + 1)
        places = np.where(own, np.searchsorted(self._serials[: self._count], names), -1)
        native.note_features(
            packets.ctypes.data, len(packets), places.ctypes.data, self._longs.ctypes.data, self._doubles.ctypes.data,
            len(self._longs),
        )  # fmt: skip

    def _begin(self, until: int) -> None:
        """Rows for new sessions, before that serial number."""
        more = until - self._next
        if more <= 0:
            return
        if self._count + more > len(self._serials):
            self._room(more)
        new = slice(self._count, self._count + more)
        self._serials[new] = np.arange(self._next, until)
        self._gone[new], self._longs[new], self._doubles[new] = False, 0, 0
        self._count += more
        self._next = until

    def _room(self, more: int) -> None:
        """Leave out those that are gone; then make room for MORE if a quarter would not be free."""
        left = np.flatnonzero(~self._gone[: self._count])
        size = len(self._serials)
        grown = size if 4 * (len(left) + more) <= 3 * size else max(1024, 3 * (len(left) + more) // 2)
        for name in ("_serials", "_gone", "_longs", "_doubles"):
            old = getattr(self, name)
            new = old if grown == size else np.empty((grown, *old.shape[1:]), old.dtype)
            new[: len(left)] = old[left]
            setattr(self, name, new)
        self._count = len(left)

    def take(self, sessions: Sessions) -> tuple[Packets, Numbers]:
        """The rows of sessions that have ended; they are gone from here."""
        places = np.searchsorted(self._serials[: self._count], sessions.rows[:, slots.SERIAL])
        self._gone[places] = True
        return self._longs[places], self._doubles[places]
