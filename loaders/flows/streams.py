"""What sessions say, in order: the contents of TCP streams, retransmissions once and holes named, and datagrams.

For loaders of protocols (see messages.py):

    for event in Contents(job, services={slots.HTTP}):
        …

One decode, one tracker. What one side says without the other speaking in between comes as one run; payload that came
before its turn is kept, within bounds.
"""

from __future__ import annotations

import ctypes
from bisect import bisect_left, bisect_right, insort
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from packetpig.loaders.contract.loader import Job, Option
from packetpig.loaders.flows.expecting import Expected
from packetpig.loaders.flows.merging import FOREVER, Packets
from packetpig.loaders.flows.origin import origin
from packetpig.loaders.flows.rows import Sessions
from packetpig.loaders.flows.tracker import Tracker, size
from packetpig.loaders.kernels import native, slots

STREAM_MEMORY = Option(
    "stream_memory",
    "bytes that one stream may keep of what came before its turn (k, m, g); a piece has 128 more",
    "1m",
)
STREAMS_MEMORY = Option("streams_memory", "bytes that all streams together may keep", "256m")
RUN = 1 << 20  # bytes of a run, and no more than one packet beyond
GROUP = 1 << 21  # bytes that are copied at a time
PIECE = 128  # bytes that a piece takes beside its payload
BACK = 1024  # segments of a side that one is compared with
AT_PORT, GIVEN = 254, slots.R_GIVEN  # in place of a service: not known, and at a port that is wanted; given already
UDP = 17
Marks = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(slots=True)
class Said:
    """Something that one side of a session said: of a stream a run of bytes in their turn, or a hole; or a datagram.

    A run is of as many packets as came without the other side speaking in between, up to a megabyte.

    `session`: the tracker's serial number. `side`: 0 or 1 as the tracker has it (slots.ORIGIN_B of the session tells
    which opened). `time`: nanoseconds, of the packet that made its first byte known. `data`: bytes, or None for a hole
    of `missing` bytes. `packet`: row of numbers (slots.P_…) of that packet. `datagram`: not part of a stream.
    `service`: what the session speaks, as far as that is known by then (slots.HTTP, …; 0: not known). `offset`: bytes
    of that side of the stream before it.
    """

    session: int
    side: int
    time: int
    data: bytes | None
    missing: int
    datagram: bool
    packet: Packets
    service: int = 0
    times: Packets | None = None  # of the packets of a run of many, and
    ends: Packets | None = None  # where in `data` the payload of each ends
    offset: int = 0

    def at(self, offset: int) -> int:
        """Time at which the byte OFFSET of `data` was made known, nanoseconds."""
        if self.times is None or self.ends is None:
            return self.time
        return int(self.times[min(int(self.ends.searchsorted(offset, "right")), len(self.times) - 1)])

    def until(self, limit: int) -> bytes | None:
        """`data` without packets that begin at the stream's byte LIMIT or later, as if that were `Wanted.enough`."""
        room = limit - self.offset
        if self.data is None or self.ends is None or len(self.data) <= room:
            return self.data
        return self.data[: int(self.ends[self.ends.searchsorted(room)])]

    @property
    def ports(self) -> tuple[int, int]:
        """Ports of side 0 and of side 1."""
        ports = int(self.packet[slots.PORTS])
        return (ports >> 16) & 0xFFFF, ports & 0xFFFF


@dataclass(slots=True)
class Datagrams:
    """Datagrams that came one after the other, for parsers that take many at once: rows of numbers (slots.P_…).

    `services`: what the session of each speaks. What they point to is there until the next event.
    """

    packets: Packets
    services: Packets


@dataclass(frozen=True)
class Wanted:
    """What to follow: sessions that speak one of `services`; those that have one of `ports`, while it is not known
    what they speak; those that are announced (`expected`), if `expecting`.

    Datagrams of the services and ports in `together` are given as Datagrams. `enough`: of some services no more of each
    side of a stream is wanted than so many bytes.
    """

    services: Collection[int] = range(256)
    ports: Collection[int] = ()
    together: tuple[Collection[int], Collection[int]] = ((), ())
    expecting: bool = False
    enough: Mapping[int, int] = field(default_factory=dict)

    @property
    def limits(self) -> Packets:
        """For each service how many bytes of each side of a stream are wanted."""
        limits = np.zeros(256, np.int64)
        for service in self.services:
            limits[service] = self.enough.get(service, FOREVER)
        return limits


@dataclass(slots=True)
class Over:
    """A batch of sessions that have ended; nothing more will be said in them."""

    sessions: Sessions


@dataclass
class _Batch:
    """Packets that were tracked, and the runs that they make (slots.R_…); `following`: the next packet of a run."""

    packets: Packets
    moves: Packets
    following: np.ndarray[Any, np.dtype[np.int32]]
    runs: Packets

    @cached_property
    def base(self) -> int:
        """The lowest address of a payload."""
        addresses = self.packets[:, slots.P_ADDRESS]
        return int(addresses[addresses > 0].min(initial=1 << 62))

    def run(self, packet: int) -> Iterator[int]:
        """The packets of the run that begins with PACKET."""
        while packet >= 0:
            yield packet
            packet = int(self.following[packet])

    def copied(self, low: int, high: int, asked: bool = False) -> tuple[memoryview, Packets, Packets]:
        """The payload of runs, and of each of their packets the time and its end in the run; see `copy_runs`."""
        runs = self.runs[low:high]
        if asked and high == low + 1:
            size, count = int(runs[0, slots.R_SIZE]), int(runs[0, slots.R_COUNT])
        else:
            chosen = runs[:, slots.R_KIND] != slots.R_ODD
            if not asked:
                chosen &= runs[:, slots.R_ASKED] == 0
            size, count = int(runs[chosen, slots.R_SIZE].sum()), int(runs[chosen, slots.R_COUNT].sum())
        data, times, ends = np.empty(size, np.uint8), np.empty(count, np.int64), np.empty(count, np.int64)
        native.copy_runs(
            self.packets.ctypes.data, self.moves.ctypes.data, self.following.ctypes.data, len(self.packets),
            self.runs.ctypes.data, low, high, asked, self.base, self.base, data.ctypes.data, size, times.ctypes.data,
            ends.ctypes.data,
        )  # fmt: skip
        return data.data, times, ends


@dataclass(slots=True)
class _Kept:
    """Payload of one side that came before its turn: pieces by offset, which do not overlap."""

    offsets: list[int] = field(default_factory=list)
    pieces: dict[int, bytes] = field(default_factory=dict)
    held: int = 0

    def new(self, offset: int, data: bytes) -> Iterator[tuple[int, bytes]]:
        """The parts of DATA, which begins at OFFSET, that no piece has."""
        at, end = offset, offset + len(data)
        first = bisect_right(self.offsets, offset)
        if first:
            before = self.offsets[first - 1]
            at = max(at, before + len(self.pieces[before]))
        for start in self.offsets[first : bisect_left(self.offsets, end)]:
            if start > at:
                yield at, data[at - offset : start - offset]
            at = start + len(self.pieces[start])
        if at < end:
            yield at, data[at - offset :]

    def put(self, offset: int, data: bytes) -> None:
        """One more piece."""
        insort(self.offsets, offset)
        self.pieces[offset] = data

    def until(self, end: int) -> list[tuple[int, bytes]]:
        """Take away the pieces that begin before END."""
        count = bisect_left(self.offsets, end)
        taken = self.offsets[:count]
        del self.offsets[:count]
        return [(offset, self.pieces.pop(offset)) for offset in taken]


class Streams:
    """Puts payload in order, as the tracker says whose turn it is, of sessions that are WANTED."""

    def __init__(self, job: Job, wanted: Wanted) -> None:
        self._limits = wanted.limits
        self._limits[AT_PORT], self._limits[GIVEN] = FOREVER, 0
        self._ports = _marks(wanted.ports, 1 << 16)
        self._together = [_marks(wanted.together[0], 256), _marks(wanted.together[1], 1 << 16)]
        self.expecting, self.expected = wanted.expecting, Expected(job.report)
        self._report = job.report
        self._one = size(job.options[STREAM_MEMORY.name], STREAM_MEMORY.name)
        self._all = size(job.options[STREAMS_MEMORY.name], STREAMS_MEMORY.name)
        self._kept: dict[int, _Kept] = {}
        self._held = 0

    def events(self, packets: Packets, moves: Packets) -> Iterator[Said | Datagrams]:
        """What PACKETS said, which were tracked with these MOVES."""
        rows = len(packets)
        services, both = moves[:, slots.M_SERVICE], packets[:, slots.PORTS]
        if self._together[0].any():
            at_once = self._together[0][services] | (services == 0) & _at(self._together[1], both)
            at_once &= (
                ((both >> 48) & 0xFF == UDP) & (packets[:, slots.P_THERE] > 0) & (packets[:, slots.P_SESSION] >= 0)
            )
            at_once &= (services == 0) | (moves[:, slots.M_OFFSET] < self._limits[services])
            if at_once.any():
                yield Datagrams(packets[at_once], services[at_once])
                services[at_once] = GIVEN
        if not self._limits[0]:
            services[(services == 0) & _at(self._ports, both)] = AT_PORT
        size = 1 << max(4, (2 * rows - 1).bit_length())
        table, last, following = np.empty(size, np.int32), np.empty(rows, np.int32), np.empty(rows, np.int32)
        runs = np.empty((rows, slots.RUN), np.int64)
        count = native.find_runs(
            packets.ctypes.data, moves.ctypes.data, rows, self._limits.ctypes.data, self.expecting, table.ctypes.data,
            size, following.ctypes.data, runs.ctypes.data, RUN, last.ctypes.data,
        )  # fmt: skip
        batch = _Batch(packets, moves, following, runs[:count])
        highest = np.empty(rows, np.int64)
        changed = native.find_changed(
            packets.ctypes.data, moves.ctypes.data, rows, self._limits.ctypes.data, table.ctypes.data, size,
            last.ctypes.data, highest.ctypes.data, batch.base, batch.base, BACK,
        )  # fmt: skip
        if changed:
            self._report.count("segments that say other bytes than one before", changed)
        ready = (batch.runs[:, slots.R_KIND] != slots.R_ODD) & (batch.runs[:, slots.R_ASKED] == 0)
        ends = np.cumsum(np.where(ready, batch.runs[:, slots.R_SIZE], 0))
        low = 0
        while low < count:
            high = int(np.searchsorted(ends, (ends[low - 1] if low else 0) + GROUP)) + 1
            yield from self._group(batch, low, min(high, count))
            low = high

    def _group(self, batch: _Batch, low: int, high: int) -> Iterator[Said]:
        """The runs from LOW to HIGH, whose payload is copied at once."""
        packets, moves = batch.packets, batch.moves
        data, times, ends = batch.copied(low, high)
        at = place = 0
        offsets = moves[batch.runs[low:high, slots.R_FIRST], slots.M_BEFORE].tolist()
        for (first, count, length, name, kind, service, time, asked), offset in zip(
            batch.runs[low:high].tolist(), offsets, strict=True
        ):
            low += 1
            packet = packets[first]
            service = 0 if service == AT_PORT else service
            if asked or (self.expecting and (service == 0 or self.expected.has(name >> 1))):
                announced = self.expected.service(name >> 1, packet, service)
                service = announced or service
                if asked and not announced:
                    continue
            if kind == slots.R_ODD:
                yield from self._packet(packet, name, moves[first].tolist(), service)
                continue
            if asked:
                own, own_times, own_ends = batch.copied(low - 1, low, True)
                begin = number = 0
            else:
                own, own_times, own_ends, begin, number = data, times, ends, at, place
                at += length
                place += count
            if kind == slots.R_NEXT and name in self._kept:
                for one in batch.run(first):
                    yield from self._packet(packets[one], name, moves[one].tolist(), service)
                continue
            said = bytes(own[begin : begin + length])
            if count == 1:
                datagram = kind == slots.R_DATAGRAM
                yield Said(name >> 1, name & 1, time, said, 0, datagram, packet, service, offset=offset)
            else:
                own_times, own_ends = own_times[number : number + count], own_ends[number : number + count]
                yield Said(name >> 1, name & 1, time, said, 0, False, packet, service, own_times, own_ends, offset)

    def _packet(self, packet: Packets, name: int, move: list[int], service: int) -> Iterator[Said]:
        """One packet of a stream, of any kind."""
        offset, before, after, other_before, other_after, *_ = move
        if other_after > other_before:
            yield from self._turn(packet, name ^ 1, other_before, other_after, service)
        there = int(packet[slots.P_THERE])
        if not there or int(packet[slots.P_FLAGS]) & (slots.CUT | slots.RST) or offset < 0:
            if after > before:
                yield from self._turn(packet, name, before, after, service)
            return
        if after > before and offset <= before and offset + there == after and name not in self._kept:
            yield self._said(packet, name, _payload(packet)[before - offset :], 0, service, before)
            return
        if offset + there > before:
            at = max(offset, before)
            self._keep(name, at, _payload(packet)[at - offset :])
        if after > before:
            yield from self._turn(packet, name, before, after, service)

    def _keep(self, name: int, offset: int, data: bytes) -> None:
        """Keep of DATA what is not kept yet."""
        kept = self._kept.setdefault(name, _Kept())
        for begin, piece in list(kept.new(offset, data)):
            cost = len(piece) + PIECE
            if kept.held + cost > self._one or self._held + cost > self._all:
                self._report.losses = True
                self._report.count("stream bytes given up", len(piece))
                continue
            kept.put(begin, piece)
            kept.held += cost
            self._held += cost

    def _turn(self, packet: Packets, name: int, at: int, end: int, service: int) -> Iterator[Said]:
        """Payload from AT to END is due: what is kept of it, and holes."""
        kept = self._kept.get(name)
        if kept is None:
            yield self._said(packet, name, None, end - at, service, at)
            return
        for offset, data in kept.until(end):
            kept.held -= len(data) + PIECE
            self._held -= len(data) + PIECE
            stop = min(offset + len(data), end)
            if stop <= at:
                continue
            if offset > at:
                yield self._said(packet, name, None, offset - at, service, at)
                at = offset
            yield self._said(packet, name, data[at - offset : stop - offset], 0, service, at)
            if offset + len(data) > end:
                self._keep(name, end, data[end - offset :])
            at = stop
        if at < end:
            yield self._said(packet, name, None, end - at, service, at)
        if not kept.pieces:
            self._kept.pop(name, None)

    def _said(self, packet: Packets, name: int, data: bytes | None, missing: int, service: int, offset: int) -> Said:
        if missing:
            self._report.count("stream bytes missing", missing)
            if int(packet[slots.P_FLAGS]) & slots.LEFT_OUT:
                self._report.losses = True
                self._report.count("stream bytes left out by splits", missing)
        time = int(packet[slots.P_TIME])
        return Said(name >> 1, name & 1, time, data, missing, False, packet, service, offset=offset)

    def forget(self, sessions: Packets) -> None:
        """Sessions that have ended: what is kept of them is of no use any more."""
        self.expected.forget(sessions)
        if not self._kept:
            return
        for serial in sessions[:, slots.SERIAL].tolist():
            for name in (2 * serial, 2 * serial + 1):
                kept = self._kept.pop(name, None)
                if kept:
                    self._held -= kept.held


def _marks(numbers: Collection[int], size: int) -> Marks:
    marks = np.zeros(size, bool)
    marks[list(numbers)] = True
    return marks


def _at(ports: Marks, both: Packets) -> Marks:
    """Whether one of BOTH ports is among PORTS."""
    return np.asarray(ports[both & 0xFFFF] | ports[(both >> 16) & 0xFFFF])


def _payload(packet: Packets) -> bytes:
    """Payload of a packet, as far as it was captured."""
    there = int(packet[slots.P_THERE])
    return ctypes.string_at(int(packet[slots.P_ADDRESS]), there) if there and packet[slots.P_ADDRESS] else b""


class Contents:
    """What the sessions of a job say, in the order of time, and that they are over; to be gone through once.

    WANTED: which sessions, as soon as that is known; or services (slots.HTTP, …; 0: not known, or not yet); all if it
    is None. The job's options must have those of the tracker, STREAM_MEMORY and STREAMS_MEMORY.
    """

    def __init__(self, job: Job, wanted: Wanted | Collection[int] | None = None) -> None:
        self._origin = origin(job)
        self._tracker = Tracker(job.options, job.report, moves=True)
        if not isinstance(wanted, Wanted):
            wanted = Wanted() if wanted is None else Wanted(wanted)
        self._streams = Streams(job, wanted)
        self.expected = self._streams.expected
        self._kept: list[Packets] = []
        self._ending: list[Packets] = []  # have ended, and it is not said yet
        self._left = 0  # sessions in the tracker's rows once it has finished

    def __iter__(self) -> Iterator[Said | Datagrams | Over]:
        for packets in self._origin.merged():
            self._ending = [one.copy() for one in self._tracker.add(packets)]
            yield from self._streams.events(packets, self._tracker.moves)
            for one in self._ending:
                self._streams.forget(one)
                yield Over(self._sessions(one))
            self._ending = []
        self._left = int(self._tracker.state[slots.COUNT])
        for one in self._tracker.finish(self._origin.until):
            yield Over(self._sessions(one.copy()))

    def _sessions(self, rows: Packets) -> Sessions:
        return Sessions(rows, self._origin.names, self._origin.sensors)

    def keep(self, sessions: Sessions, serials: set[int]) -> None:
        """Those of SESSIONS, which have ended, whose SERIALS will be asked for by `flows`."""
        if serials:
            rows = sessions.rows[np.isin(sessions.rows[:, slots.SERIAL], list(serials))]
            if len(rows):
                self._kept.append(rows)

    def flows(self, serials: Sequence[int] | Packets) -> Sessions:
        """The sessions with these numbers, one for each number: as they are, or were when they ended and were kept."""
        live = self._tracker.rows[: self._left or int(self._tracker.state[slots.COUNT])]
        rows = np.concatenate([*self._kept, *self._ending, live[np.isin(live[:, slots.SERIAL], serials)]])
        order = np.argsort(rows[:, slots.SERIAL])
        found = rows[order[np.searchsorted(rows[:, slots.SERIAL], serials, sorter=order).clip(max=len(rows) - 1)]]
        if not np.array_equal(found[:, slots.SERIAL], serials):  # rather no row than one of another session
            raise LookupError("rows of sessions that are not remembered")
        return self._sessions(found)

    def forget(self) -> None:
        """Nobody will ask for the sessions that were kept any more."""
        self._kept = []
