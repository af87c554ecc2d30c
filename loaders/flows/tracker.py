"""Packets in the order of time to sessions, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from packetpig.loaders.contract.loader import Option, OptionError
from packetpig.loaders.contract.report import Report
from packetpig.loaders.flows import ports
from packetpig.loaders.flows.merging import Packets
from packetpig.loaders.kernels import native, slots

TIMEOUTS = (
    Option("tcp_timeout", "seconds that a TCP session may be quiet", "300"),
    Option("udp_timeout", "seconds that a UDP session may be quiet", "60"),
    Option("icmp_timeout", "seconds that an ICMP session may be quiet", "60"),
    Option("other_timeout", "seconds that any other session may be quiet", "60"),
    Option("attempt_timeout", "seconds until a TCP connection that nobody answered is given up", "5"),
    Option("close_timeout", "seconds for which late packets still belong to a TCP session that was closed", "5"),
    Option("dns_timeout", "seconds between looks whether a DNS session over UDP has been quiet for as long", "10"),
)
MEMORY = Option(
    "memory", "bytes for sessions that are open at once (k, m, g); beyond it the quietest are given up", "512m"
)
UNITS = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
CHUNK = 1 << 14  # sessions that are given at a time
FIRST = 1 << 14  # sessions there is room for at first
COST = 8 * slots.SESSION + 16  # bytes a session, with its places in the table


def size(text: str, name: str) -> int:
    """A number of bytes, with k, m or g."""
    unit = UNITS.get(text[-1:].lower(), 1)
    digits = text[:-1] if unit > 1 else text
    if not digits.isdigit() or not int(digits):
        raise OptionError(f"{name} is a number of bytes such as 512m, not {text!r}")
    return int(digits) * unit


def number(options: Mapping[str, str], option: Option) -> int:
    """A number that is not negative."""
    text = options[option.name]
    if not text.isdigit():
        raise OptionError(f"{option.name} is a number, not {text!r}")
    return int(text)


def nanoseconds(text: str, name: str) -> int:
    """A number of seconds."""
    try:
        value = float(text)
    except ValueError:
        value = -1
    if not 0 < value < 1e9:
        raise OptionError(f"{name} is a number of seconds, not {text!r}")
    return int(value * 1e9)


class Tracker:
    """Sessions that are open. Give it packets with `add`; what has ended comes back as rows of numbers.

    `moves`, if asked for: what each packet of the last `add` did to the streams of its session (slots.M_…).
    """

    def __init__(self, options: Mapping[str, str], report: Report, moves: bool = False) -> None:
        self.report = report
        self.rows: Packets = np.empty((0, slots.SESSION), np.int64)
        self.capacity = 0
        self.moves: Packets = np.empty((1, slots.MOVE), np.int64)
        self._all_moves = moves
        self.settings = np.array([nanoseconds(options[one.name], one.name) for one in TIMEOUTS], np.int64)
        # a quarter is for the rows of those that leave, and for what the allocator keeps of them
        self.most = max(1024, size(options["memory"], "memory") * 3 // 4 // COST)
        self.state = np.zeros(slots.STATE, np.int64)
        self._known = ports.known()
        self._room(min(FIRST, self.most))

    def resume(self, rows: Packets) -> None:
        """Go on with sessions that another tracker gave with `open`. Before any packet."""
        capacity = self.capacity
        while capacity < 2 * len(rows):
            capacity *= 2
        self._room(capacity)
        self.rows[: len(rows)] = rows
        self.rows[: len(rows), slots.SERIAL] = np.arange(len(rows))
        self.state[[slots.COUNT, slots.NEXT_SERIAL]] = len(rows)
        self._part()

    def pause(self, until: int = 0) -> Iterator[Packets]:
        """What is over at the time of the last packet, or UNTIL if that is later; the sessions in `open` are not."""
        self.state[slots.NOW] = max(int(self.state[slots.NOW]), until)
        yield from self._ended(int(self.state[slots.NOW]))

    def open(self) -> Packets:
        """Rows of the sessions that have not ended, for another tracker."""
        return self.rows[: int(self.state[slots.COUNT])].copy()

    def _room(self, capacity: int) -> None:
        """Make room for CAPACITY sessions; those that are there stay."""
        rows = np.empty((capacity, slots.SESSION), np.int64)
        count = int(self.state[slots.COUNT])
        if count:
            rows[:count] = self.rows[:count]
        self.rows, self.capacity = rows, capacity
        self.table = np.empty(1 << (2 * capacity - 1).bit_length(), np.int32)
        self._part()

    def _part(self) -> int:
        """Sessions that have ended stand behind the others now; gives how many are left."""
        left = native.part_ended(
            self.rows.ctypes.data, int(self.state[slots.COUNT]), self.table.ctypes.data, len(self.table)
        )
        self.state[slots.COUNT] = left
        return int(left)

    def add(self, packets: Packets) -> Iterator[Packets]:
        """Take PACKETS in; gives sessions that have ended, now and then: look at them before the next are asked for."""
        self.state[slots.AT] = 0
        if self._all_moves:
            self.moves = np.zeros((len(packets), slots.MOVE), np.int64)
        while True:
            native.track(
                packets.ctypes.data, len(packets), self.rows.ctypes.data, self.capacity, self.table.ctypes.data,
                len(self.table), self.state.ctypes.data, self.settings.ctypes.data, self._known.ctypes.data,
                self.moves.ctypes.data, self._all_moves,
            )  # fmt: skip
            if self.state[slots.AT] >= len(packets):
                return
            yield from self._ended(int(self.state[slots.NOW]))
            self._grow()

    def _ended(self, now: int) -> Iterator[Packets]:
        """Sessions that are over at the time NOW, and others that have ended; they are gone from here."""
        count = int(self.state[slots.COUNT])
        if native.end_sessions(self.rows.ctypes.data, count, now, self.settings.ctypes.data):
            left = self._part()
            yield from _chunks(self.rows[left:count])

    def _grow(self) -> None:
        """After a sweep: at least half must be free, or there has to be more room, or the quietest are given up."""
        count = int(self.state[slots.COUNT])
        if 2 * count <= self.capacity:
            return
        if self.capacity < self.most:
            self._room(min(2 * self.capacity, self.most))
            return
        quiet = np.argpartition(self.rows[:count, slots.LAST], count // 4)[: count // 4 + 1]
        self.rows[quiet, slots.STATUS] |= slots.ENDED | (3 << slots.REASON)
        if not self.report.losses:
            self.report.warn("sessions: too many are open at once for `memory`; the quietest are given as they stand")
        self.report.losses = True
        self.report.count("sessions given up for want of memory", len(quiet))

    def finish(self, until: int = 0) -> Iterator[Packets]:
        """All that is left, as it stands at the time of the last packet, or UNTIL if that is later."""
        self.state[slots.NOW] = max(int(self.state[slots.NOW]), until)
        if lost := int(self.state[slots.LOST_HOLES]):
            self.report.count("holes given up in streams", lost)
        count = int(self.state[slots.COUNT])
        native.end_sessions(self.rows.ctypes.data, count, int(self.state[slots.NOW]), self.settings.ctypes.data)
        self.state[slots.COUNT] = 0
        self.table[:] = -1
        yield from _chunks(self.rows[:count])


def _chunks(rows: Packets) -> Iterator[Packets]:
    for low in range(0, len(rows), CHUNK):
        yield rows[low : low + CHUNK].copy()  # whoever keeps one must not keep all of the tracker's rows alive
