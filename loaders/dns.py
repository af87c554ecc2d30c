"""DNS over UDP and TCP: one row a record of a message, and one a question; a message without either has one too."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from packetpig.loaders.contract.columns import integer, long, text
from packetpig.loaders.contract.loader import Job, Option
from packetpig.loaders.flows import messages
from packetpig.loaders.flows.merging import Packets
from packetpig.loaders.flows.streams import Datagrams, Said
from packetpig.loaders.kernels import dnsslots, slots
from packetpig.loaders.protocols.dns import Reader

MDNS, LLMNR, NETBIOS = 5353, 5355, 137
SMALLEST = 12  # bytes of a message: its header
HELD, SESSIONS = 64 << 20, 1 << 16  # bytes of messages that are not whole, and sessions amid a message, at once
TOGETHER = 1 << 20, 1024  # bytes of messages out of streams, and how many, that are read at once


@dataclass(slots=True)
class _Side:
    """What one side of a TCP session has begun to say: `rest` of a message, `skip` bytes of one that has a hole."""

    rest: bytearray = field(default_factory=bytearray)
    skip: int = 0
    lost: bool = False

    @property
    def amid(self) -> bool:
        """Whether it is known to be amid a message."""
        return bool(self.rest) or self.skip > 0


Sides = tuple[_Side, _Side]


class Parser(messages.Parser):
    """Takes datagrams as they come, and messages out of streams (RFC 1035, 4.2.2: each after its length).

    `states`: the sides of sessions that are amid a message; of others which sides are lost, if any (bits 1, 2). There
    are never more of the latter than sessions, and they are small.
    """

    services = frozenset({slots.DNS})
    ports = frozenset({53, MDNS, LLMNR})
    together = True

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        self._holds: OrderedDict[int, int] = OrderedDict()  # bytes of sessions amid a message, longest silent first
        self._held = 0  # of them all
        self._warned = False
        self._whole: list[tuple[bytes, int, int, int]] = []  # messages out of streams; session, time, M_KIND
        self._whole_size = 0
        self._multicast = job.options[MULTICAST.name] == "yes"
        self._others = frozenset({NETBIOS} if self._multicast else {NETBIOS, MDNS, LLMNR})
        self._reader = Reader(self.columns, job.options[OPT.name] == "yes", job.report)

    def datagrams(self, datagrams: Datagrams) -> Iterable[messages.Table]:
        """Records of all messages."""
        packets = datagrams.packets
        low, high = packets[:, slots.PORTS] & 0xFFFF, (packets[:, slots.PORTS] >> 16) & 0xFFFF
        there = (packets[:, slots.P_ADDRESS] != 0) & (packets[:, slots.P_THERE] > 0)
        there &= (datagrams.services == slots.DNS) | (datagrams.services == 0)
        there &= (low != NETBIOS) & (high != NETBIOS)
        multicast = (low == MDNS) | (high == MDNS)
        if not self._multicast:
            there &= ~multicast & (low != LLMNR) & (high != LLMNR)
        if not there.any():
            return ()
        packets, multicast = packets[there], multicast[there]
        kinds = dnsslots.MULTICAST * multicast + dnsslots.GUESSED * (datagrams.services[there] == 0)
        address, size, whole = (packets[:, one] for one in (slots.P_ADDRESS, slots.P_THERE, slots.P_PAYLOAD))
        found = np.stack([address, size, kinds, whole], axis=1)
        return self._tables(found, packets[:, slots.P_SESSION] >> 1, packets[:, slots.P_TIME])

    def _tables(self, found: Packets, sessions: Packets, times: Packets) -> list[messages.Table]:
        """Records of messages. If that fails each half is read alone: only a message that fails itself is lost."""
        try:
            return [
                messages.Table(sessions[which], times[which], columns) for which, columns in self._reader.records(found)
            ]
        except Exception as error:  # hostile bytes must not take messages of other sessions with them
            half = len(found) // 2
            if not half:
                self._broken(error)
                return []
        low, high = slice(half), slice(half, None)
        return self._tables(found[low], sessions[low], times[low]) + self._tables(
            found[high], sessions[high], times[high]
        )

    def _broken(self, error: Exception) -> None:
        self.report.losses = True
        self.report.count("dns messages given up, the reader failed")
        self.report.warn(f"dns: the reader failed on a message: {type(error).__name__}: {error}")

    def said(self, run: Said) -> Iterator[messages.Table]:
        """Records of messages, now and then; those that RUN completes wait until there are many."""
        if run.datagram or not self._others.isdisjoint(run.ports):
            return
        sides = self._sides(run.session)
        found, times = self._messages(sides[run.side], run)
        self._keep(run.session, sides)
        kind = dnsslots.GUESSED * (run.service == 0) + dnsslots.MULTICAST * (MDNS in run.ports)
        for message, time in zip(found, times, strict=True):
            self._whole.append((message, run.session, time, kind))
            self._whole_size += len(message)
        if self._whole_size >= TOGETHER[0] or len(self._whole) >= TOGETHER[1]:
            yield from self.rest()

    def rest(self) -> Iterable[messages.Table]:
        """Records of the messages out of streams; a table has its price, so they are read many at a time."""
        if not self._whole:
            return ()
        texts, sessions, times, kinds = zip(*self._whole, strict=True)
        self._whole, self._whole_size = [], 0
        text = b"".join(texts)
        sizes = np.array([len(one) for one in texts], np.int64)
        begin = np.frombuffer(text, np.uint8).ctypes.data
        found = np.stack([begin + np.cumsum(sizes) - sizes, sizes, np.array(kinds, np.int64), sizes], axis=1)
        return self._tables(found, np.array(sessions, np.int64), np.array(times, np.int64))

    def over(self, session: int, state: Sides | int) -> tuple[()]:
        """Parts of messages that never became whole."""
        left = self._holds.pop(session, 0)
        self._held -= left
        self.report.count("dns stream bytes after the last message", left)
        return ()

    def _sides(self, session: int) -> Sides:
        """The sides of a session, which is remembered no more until `_keep`: so nothing leaks if something fails."""
        self._held -= self._holds.pop(session, 0)
        state: Sides | int = self.states.pop(session, 0)
        if isinstance(state, int):
            return _Side(lost=bool(state & 1)), _Side(lost=bool(state & 2))
        return state

    def _keep(self, session: int, sides: Sides) -> None:
        """Remember of a session what it needs, and not too much of all."""
        first, second = sides
        if first.amid or second.amid:
            self.states[session] = sides
            self._holds[session] = len(first.rest) + len(second.rest)
            self._held += self._holds[session]
        elif lost := first.lost + 2 * second.lost:
            self.states[session] = lost
        while self._held > HELD or len(self._holds) > SESSIONS:
            self._give_up()

    def _give_up(self) -> None:
        """Of the session that was silent for longest remember only which of its sides are amid a message, so lost."""
        session, size = self._holds.popitem(last=False)
        self._held -= size
        if session in self.states:
            first, second = self.states[session]
            self.states[session] = (first.amid or first.lost) + 2 * (second.amid or second.lost)
        self.report.count("dns stream bytes given up for want of memory", size)
        self.report.losses |= size > 0
        if not self._warned:
            self._warned = True
            self.report.warn(
                f"dns: more than {HELD} bytes of messages that are not whole, or {SESSIONS} sessions with some; "
                "those that are silent for longest are given up (said once)"
            )

    def _messages(self, side: _Side, run: Said) -> tuple[list[bytes], list[int]]:
        """Whole messages, and the times of their last bytes."""
        if run.data is None:
            self._hole(side, run.missing)
            return [], []
        if side.lost and not _begins(run.data):
            self.report.count("dns stream bytes between a hole and the next message", len(run.data))
            return [], []
        side.lost = False
        data, shift, at = run.data, 0, 0
        if side.skip:
            at = min(side.skip, len(data))
            side.skip -= at
        if side.rest:
            shift = len(side.rest)
            data = bytes(side.rest) + data
        found, times = [], []
        while at + 2 <= len(data):
            end = at + 2 + int.from_bytes(data[at : at + 2], "big")
            if end > len(data):
                break
            found.append(data[at + 2 : end])
            times.append(run.at(max(0, end - shift - 1)))
            at = end
        side.rest = bytearray(data[at:])
        return found, times

    def _hole(self, side: _Side, missing: int) -> None:
        """Go on after the message that has the hole, if it ends after it; else where one seems to begin."""
        self.report.count("dns messages with holes")
        left = side.skip
        if len(side.rest) >= 2:
            left = 2 + int.from_bytes(side.rest[:2], "big") - len(side.rest)
        side.rest.clear()
        side.skip = left - missing
        side.lost = side.skip < 0
        side.skip = max(0, side.skip)


def _begins(data: bytes) -> bool:
    """Whether a message seems to begin here: its length, no reserved bit, and few questions."""
    size = int.from_bytes(data[:2], "big")
    return len(data) > 2 + SMALLEST and size > SMALLEST and not data[5] & 0x40 and 0 < data[7] <= 8 and not data[6]


OPT = Option("opt", "whether OPT, which is about the message (RFC 6891), has rows", "no", ("no", "yes"))
MULTICAST = Option("multicast", "whether to read mDNS and LLMNR (ports 5353 and 5355) too", "no", ("no", "yes"))

LOADER = messages.loader(
    pig="DnsLoader",
    answers="one question or record of a DNS message",
    parser=Parser,
    options=(MULTICAST, OPT),
    columns=(
        integer("id", "number of the message, the same in query and response"),
        text("kind", "query or response", repeated=True),
        text("opcode", "QUERY, STATUS, NOTIFY, UPDATE, …", repeated=True),
        text("rcode", "of a response NOERROR, NXDOMAIN, SERVFAIL, …, extended by OPT; null in queries", repeated=True),
        text("flags", "those that are set: aa tc rd ra ad cd", repeated=True),
        text("section", "question, answer, authority, additional; null: the message has no record", repeated=True),
        text("name", "of the question or record; without the last dot, the root is a dot; escapes as in zone files"),
        text("class", "IN, CH, …", repeated=True),
        text("type", "A, AAAA, …, TYPE65280", repeated=True),
        long("ttl", "how long the record may be kept; null in questions", "seconds"),
        text("data", "of the record, as in zone files, names without the last dot; null in questions"),
        integer("length", "of the message", "bytes"),
    ),
)
