"""Which packet was which: what a program says of a packet's number or time, put back to its capture and nanosecond."""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from packetpig.loaders.kernels import fedslots

MOST = 4 << 20  # packets that are kept in mind; a program lags no more than its pipe is long: about a megabyte


@dataclass(frozen=True)
class Stretch:
    """Packets that were given one after the other, from the one with the number FIRST on."""

    first: int
    times: NDArray[np.int64]  # nanoseconds
    given: NDArray[np.int64]  # the same, as the program has them: they never go back
    captures: NDArray[np.int32]
    rows: NDArray[np.int64] | None  # KEY, KIND and STAMP


@dataclass(frozen=True)
class Place:
    """Where a packet is: its time in nanoseconds, and its capture's number."""

    time: int
    capture: int


class Trail:
    """The last packets of a stream, numbered from 1. One thread adds them, another one looks them up."""

    def __init__(self, detailed: bool = False, most: int = MOST) -> None:
        self.count = 0
        self.told = 0  # number of the last packet that the program may have seen
        self._detailed, self._most, self._kept = detailed, most, 0
        self._stretches: deque[Stretch] = deque()
        self._earlier: list[tuple[int, int]] = []  # of what is out of mind: times, and captures that began there
        self._lock = threading.Lock()

    def add(self, rows: NDArray[np.int64]) -> None:
        """Rows of packets (kernels/fedslots.py) that are about to be given."""
        if not len(rows):
            return
        times = rows[:, fedslots.TIME].copy()
        details = np.ascontiguousarray(rows[:, fedslots.KEY : fedslots.STAMP + 1]) if self._detailed else None
        captures = rows[:, fedslots.CAPTURE].astype(np.int32)
        stretch = Stretch(self.count + 1, times, rows[:, fedslots.GIVEN].copy(), captures, details)
        with self._lock:
            self._stretches.append(stretch)
            self.count += len(rows)
            self._kept += len(rows)
            while self._kept > self._most and len(self._stretches) > 1:
                gone = self._stretches.popleft()
                self._kept -= len(gone.times)
                capture = int(gone.captures[-1])
                if not self._earlier or self._earlier[-1][1] != capture:
                    self._earlier.append((int(gone.given[0]), capture))

    def stretches(self) -> list[Stretch]:
        """What is kept in mind."""
        with self._lock:
            return list(self._stretches)

    def place(self, number: int | None, micros: int) -> Place:
        """Of the packet of that NUMBER, or the last one up to a time in microseconds.

        MICROS is what the program takes for the time. What it puts together has a time of its own, which is then the
        one that is told; where packets were given with other times than theirs, so much earlier as they are.
        """
        stretches = self.stretches()
        if not stretches:
            return Place(micros * 1000, -1)
        if number:
            at = bisect_right(stretches, number, key=lambda one: one.first) - 1
            if at >= 0 and number - stretches[at].first < len(stretches[at].times):
                index = number - stretches[at].first
                time, given = int(stretches[at].times[index]), int(stretches[at].given[index])
                own = given // 1000 != micros
                return Place(micros * 1000 + time - given if own else time, int(stretches[at].captures[index]))
        until = micros * 1000 + 999
        if self._earlier and until < int(stretches[0].given[0]):
            begun = max(0, bisect_right(self._earlier, until, key=lambda one: one[0]) - 1)
            return Place(micros * 1000, self._earlier[begun][1])
        one = stretches[max(0, bisect_right(stretches, until, key=lambda one: int(one.given[0])) - 1)]
        index = max(0, int(np.searchsorted(one.given, until, "right")) - 1)
        first = int(np.searchsorted(one.given, one.given[index]))  # of those of one time: they have been held
        return Place(micros * 1000 + int(one.times[first] - one.given[first]), int(one.captures[index]))
