"""What sessions say, in order: the contents of TCP streams, retransmissions once and holes named, and datagrams.

For loaders of protocols (see messages.py):

    for event in Contents(job, services={slots.HTTP}):
        …

One decode, one tracker; only payload that came before its turn is copied and kept, within bounds.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from packetpig.loaders.contract.loader import Job, Option
from packetpig.loaders.flows.extracting import Extractor, ordered
from packetpig.loaders.flows.merging import Packets
from packetpig.loaders.flows.rows import Sessions
from packetpig.loaders.flows.tracker import Tracker, size
from packetpig.loaders.kernels import slots

STREAM_MEMORY = Option("stream_memory", "bytes that one stream may keep of what came before its turn (k, m, g)", "1m")
STREAMS_MEMORY = Option("streams_memory", "bytes that all streams together may keep", "256m")


@dataclass(slots=True)
class Said:
    """Something that one side of a session said: of a stream a run of bytes in their turn, or a hole; or a datagram.

    `session`: the tracker's serial number. `side`: 0 or 1 as the tracker has it (slots.ORIGIN_B of the session tells
    which opened). `time`: nanoseconds, of the packet that made its first byte known. `data`: bytes, or None for a hole
    of `missing` bytes. `packet`: row of numbers (slots.P_…) of that packet. `datagram`: not part of a stream.
    `service`: what the session speaks, as far as that is known by then (slots.HTTP, …; 0: not known).
    """

    session: int
    side: int
    time: int
    data: bytes | None
    missing: int
    datagram: bool
    packet: Packets
    service: int = 0

    def at(self, offset: int) -> int:
        """Time at which the byte OFFSET of `data` was made known, nanoseconds."""
        return self.time


@dataclass(slots=True)
class Over:
    """A batch of sessions that have ended; nothing more will be said in them."""

    sessions: Sessions


@dataclass(slots=True)
class _Kept:
    """Payload of one side that came before its turn: pieces by offset."""

    pieces: dict[int, bytes] = field(default_factory=dict)
    held: int = 0


class Streams:
    """Puts payload in order, as the tracker says whose turn it is."""

    def __init__(self, job: Job) -> None:
        self._report = job.report
        self._one = size(job.options[STREAM_MEMORY.name], STREAM_MEMORY.name)
        self._all = size(job.options[STREAMS_MEMORY.name], STREAMS_MEMORY.name)
        self._kept: dict[int, _Kept] = {}
        self._held = 0

    def events(
        self, packets: Packets, moves: Packets, wanted: Callable[[Packets], np.ndarray[Any, np.dtype[np.bool_]]] | None
    ) -> Iterator[Said]:
        """What PACKETS said. WANTED: which services (by number) to follow; all if it is None."""
        news = (packets[:, slots.P_PAYLOAD] > 0) | (moves[:, slots.M_OTHER_AFTER] > moves[:, slots.M_OTHER_BEFORE])
        news &= packets[:, slots.P_SESSION] >= 0
        if wanted is not None:
            news &= wanted(moves[:, slots.M_SERVICE])
        for at in np.flatnonzero(news).tolist():
            packet, move = packets[at], moves[at]
            if (int(packet[slots.PORTS]) >> 48) & 0xFF != 6:
                yield self._said(
                    packet, int(packet[slots.P_SESSION]), _payload(packet), 0, int(move[slots.M_SERVICE]), True
                )
                continue
            yield from self._packet(packet, move.tolist())

    def _packet(self, packet: Packets, move: list[int]) -> Iterator[Said]:
        name = int(packet[slots.P_SESSION])
        offset, before, after, other_before, other_after, service = move
        if other_after > other_before:
            yield from self._turn(packet, name ^ 1, other_before, other_after, service)
        there = int(packet[slots.P_THERE])
        if not there or int(packet[slots.P_FLAGS]) & (slots.CUT | slots.RST) or offset < 0:
            if after > before:
                yield from self._turn(packet, name, before, after, service)
            return
        if after > before and offset <= before and offset + there == after and name not in self._kept:
            yield self._said(packet, name, _payload(packet)[before - offset :], 0, service)
            return
        if offset + there > before:
            self._keep(name, offset, _payload(packet))
        if after > before:
            yield from self._turn(packet, name, before, after, service)

    def _keep(self, name: int, offset: int, data: bytes) -> None:
        kept = self._kept.setdefault(name, _Kept())
        old = kept.pieces.get(offset)
        if old is not None and len(old) >= len(data):
            return
        more = len(data) - len(old or b"")
        if kept.held + more > self._one or self._held + more > self._all:
            self._report.losses = True
            self._report.count("stream bytes given up", more)
            return
        kept.pieces[offset] = data
        kept.held += more
        self._held += more

    def _turn(self, packet: Packets, name: int, at: int, end: int, service: int) -> Iterator[Said]:
        """Payload from AT to END is due: what is kept of it, and holes."""
        kept = self._kept.get(name)
        if kept is None:
            yield self._said(packet, name, None, end - at, service)
            return
        for offset in sorted(kept.pieces):
            if offset >= end:
                break
            data = kept.pieces.pop(offset)
            kept.held -= len(data)
            self._held -= len(data)
            stop = min(offset + len(data), end)
            if stop <= at:
                continue
            if offset > at:
                yield self._said(packet, name, None, offset - at, service)
                at = offset
            yield self._said(packet, name, data[at - offset : stop - offset], 0, service)
            if offset + len(data) > end:
                self._keep(name, end, data[end - offset :])
            at = stop
        if at < end:
            yield self._said(packet, name, None, end - at, service)
        if not kept.pieces:
            self._kept.pop(name, None)

    def _said(
        self, packet: Packets, name: int, data: bytes | None, missing: int, service: int, datagram: bool = False
    ) -> Said:
        if missing:
            self._report.count("stream bytes missing", missing)
        return Said(name >> 1, name & 1, int(packet[slots.P_TIME]), data, missing, datagram, packet, service)

    def forget(self, sessions: Packets) -> None:
        """Sessions that have ended: what is kept of them is of no use any more."""
        if not self._kept:
            return
        for serial in sessions[:, slots.SERIAL].tolist():
            for name in (2 * serial, 2 * serial + 1):
                kept = self._kept.pop(name, None)
                if kept:
                    self._held -= kept.held


def _payload(packet: Packets) -> bytes:
    """Payload of a packet, as far as it was captured."""
    there = int(packet[slots.P_THERE])
    return ctypes.string_at(int(packet[slots.P_ADDRESS]), there) if there and packet[slots.P_ADDRESS] else b""


class Contents:
    """What the sessions of a job say, in the order of time, and that they are over; to be gone through once.

    SERVICES: only sessions that speak one of these (slots.HTTP, …; 0: not known, or not yet), as soon as that is known;
    all if it is None. The job's options must have those of the tracker, STREAM_MEMORY and STREAMS_MEMORY.
    """

    def __init__(self, job: Job, services: Collection[int] | None = None) -> None:
        captures = ordered(job.captures)
        self._extractor = Extractor(captures, job.report, job.on_error)
        self._tracker, self._streams = Tracker(job.options, job.report, moves=True), Streams(job)
        self._names = [capture.capture for capture in captures]
        follow = np.isin(np.arange(256), list(services)) if services is not None else None
        self._wanted = None if follow is None else follow.__getitem__
        self._kept: list[Packets] = []
        self._ending: list[Packets] = []  # have ended, and it is not said yet
        self._left = 0  # sessions in the tracker's rows once it has finished

    def __iter__(self) -> Iterator[Said | Over]:
        for packets in self._extractor.merged():
            self._ending = [one.copy() for one in self._tracker.add(packets)]
            yield from self._streams.events(packets, self._tracker.moves, self._wanted)
            for one in self._ending:
                self._streams.forget(one)
                yield Over(self._sessions(one))
            self._ending = []
        self._left = int(self._tracker.state[slots.COUNT])
        for one in self._tracker.finish():
            yield Over(self._sessions(one.copy()))

    def _sessions(self, rows: Packets) -> Sessions:
        return Sessions(rows, self._names, self._extractor.sensors)

    def keep(self, sessions: Sessions, serials: set[int]) -> None:
        """Those of SESSIONS, which have ended, whose SERIALS will be asked for by `flows`."""
        if serials:
            rows = sessions.rows[np.isin(sessions.rows[:, slots.SERIAL], list(serials))]
            if len(rows):
                self._kept.append(rows)

    def flows(self, serials: Sequence[int]) -> Sessions:
        """The sessions with these numbers, one for each number: as they are, or were when they ended and were kept."""
        live = self._tracker.rows[: self._left or int(self._tracker.state[slots.COUNT])]
        rows = np.concatenate([*self._kept, *self._ending, live[np.isin(live[:, slots.SERIAL], serials)]])
        self._kept = []
        order = np.argsort(rows[:, slots.SERIAL])
        return self._sessions(rows[order[np.searchsorted(rows[:, slots.SERIAL], serials, sorter=order)]])
