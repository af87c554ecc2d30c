"""IP fragments put together (RFC 791, 8200), in bounded memory; bytes that came first stand."""

from __future__ import annotations

import struct
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from packetpig.loaders.captures.capture import Capture
from packetpig.loaders.captures.pcap import Pcap
from packetpig.loaders.captures.window import Table, Window
from packetpig.loaders.contract.report import Report
from packetpig.loaders.decode.tunnels import enter
from packetpig.loaders.flows.merging import Packets
from packetpig.loaders.kernels import frame, slots

if TYPE_CHECKING:
    from packetpig.loaders.flows.extracting import Extractor

MOST = 64 << 20  # bytes of fragments that wait for others
PATIENCE = 30_000_000_000  # nanoseconds that they wait
MANY = 1 << 16  # fragments that were read and whose turn has not come
RAW = 101  # link type of IP without a link layer


Part = tuple[tuple[Any, ...], bytes, int, bytes, bool]  # key, header of the first, offset, payload, whether the last
Whole = tuple[int, int, int, int, bytes]  # time, number of the capture, VLAN, inner VLAN, IP packet


@dataclass
class Datagram:
    """Fragments of one packet: time of the earliest, header of the first, pieces of payload by offset.

    `size`: of the whole, once it is known. `times`: of the pieces, and the capture that each is in.
    """

    time: int
    header: bytes = b""
    pieces: dict[int, bytes] = field(default_factory=dict)
    times: dict[int, tuple[int, int]] = field(default_factory=dict)
    size: int = -1
    held: int = 0

    def whole(self) -> bytes | None:
        """The packet if all of it is there."""
        if self.size < 0 or not self.header:
            return None
        body = bytearray()
        for offset in sorted(self.pieces):
            piece = self.pieces[offset]
            if offset > len(body):
                return None
            body += piece[len(body) - offset :]
        return bytes(body[: self.size]) if len(body) >= self.size else None


class Fragments:
    """Collects fragments of all captures of a job.

    `patient`: what has waited too long is not given up but left over, since what it waits for may be in another split.
    """

    def __init__(self, extractor: Extractor, report: Report) -> None:
        self._extractor, self._report = extractor, report
        self._waiting: OrderedDict[tuple[Any, ...], Datagram] = OrderedDict()
        self._old: list[tuple[tuple[Any, ...], Datagram]] = []
        self._parts: dict[int, Part] = {}
        self._next = 0
        self.patient = False
        self._held = 0
        self._keep: list[Table] = []

    def note(self, table: Table, packets: Packets) -> None:
        """Read the fragments among the PACKETS of a table; their turn comes with `resolve`."""
        at = np.flatnonzero(packets[:, slots.P_FLAGS] & slots.PART)
        rows = packets[at, slots.P_ADDRESS]
        chosen = table.places[[frame.NETWORK, frame.TOTAL, frame.CAPTURED, frame.VERSION, frame.HEADER, frame.FRAGMENT]]
        names = table.places[[frame.CAPTURE, frame.VLAN, frame.INNER_VLAN]][:, rows].T.tolist()
        positions = table.wide[frame.POSITION, rows].tolist()
        for row, position, places, name in zip(at, positions, chosen[:, rows].T.tolist(), names, strict=True):
            self._note(packets[row], self._read(table.buffer, position, places, name))
        self._forget_many()

    def noted(self, parts: Sequence[tuple[int, int, Part]]) -> Packets:
        """Fragments that were read elsewhere, as packets: time, number of the capture, and what they are."""
        packets = np.zeros((len(parts), slots.PACKET), np.int64)
        packets[:, slots.P_FLAGS], packets[:, slots.P_SESSION] = slots.PART, -1
        for packet, (time, capture, part) in zip(packets, parts, strict=True):
            packet[slots.P_TIME], packet[slots.P_CAPTURE] = time, capture
            self._note(packet, part)
        self._forget_many()
        return packets

    def _note(self, packet: Packets, part: Part | None) -> None:
        self._next += 1
        packet[slots.P_ADDRESS] = self._next
        if part:
            self._parts[self._next] = part
            packet[slots.HASH] = hash((part[0], *part[2:])) >> 1

    def _forget_many(self) -> None:
        while len(self._parts) > MANY:  # those of which another capture had the same
            self._parts.pop(next(iter(self._parts)))

    def resolve(self, packets: Packets) -> Packets:
        """Packets in the order of time, with what is whole now in place of its fragments."""
        part = packets[:, slots.P_FLAGS] & slots.PART != 0
        if not part.any():
            return packets
        done: list[Whole] = []
        for row in packets[part]:
            known = self._parts.pop(int(row[slots.P_ADDRESS]), None)
            time, capture = int(row[slots.P_TIME]), int(row[slots.P_CAPTURE])
            self.expire(time)
            if known:
                key, head, offset, body, last = known
                found = self.piece(key, time, capture, head, offset, body, last)
                if found:
                    done.append((time, capture, key[1], key[2], found))
        packets = packets[~part]
        if not done:
            return packets
        whole = self.decoded(done)
        order = np.searchsorted(packets[:, slots.P_TIME], whole[:, slots.P_TIME], side="right")
        return np.insert(packets, order, whole, axis=0)

    def left(self) -> list[tuple[tuple[Any, ...], Datagram]]:
        """What has not become whole, with its key; it is gone from here."""
        left = [*self._old, *self._waiting.items()]
        self._waiting.clear()
        self._old.clear()
        self._held = 0
        return left

    def finish(self) -> None:
        """Count what never became whole."""
        self._drop(len(self._waiting))

    def expire(self, time: int) -> None:
        """Give up what has waited too long."""
        while self._waiting:
            key = next(iter(self._waiting))
            if time - self._waiting[key].time <= PATIENCE:
                return
            if self.patient:
                self._old.append((key, self._waiting.pop(key)))
            else:
                self._forget(key)

    def _read(self, buffer: np.ndarray[Any, Any], position: int, places: list[int], name: list[int]) -> Part | None:
        network, total, captured, version, header, part = places
        start = position + network
        # a total shorter than the headers lies (tests/fuzz/kept)
        if captured - network < total or total < (header if version == 4 else part - network + 8):
            self._report.count("fragments cut")
            return None
        packet = buffer[start : start + total].tobytes()
        if version == 4:
            bits = (packet[6] << 8) | packet[7]
            offset, more = (bits & 0x1FFF) * 8, bits & 0x2000
            own: tuple[Any, ...] = (packet[12:20], packet[4:6], packet[9])
            head, at = packet[:header], header
        else:
            part -= network
            bits = (packet[part + 2] << 8) | packet[part + 3]
            offset, more = bits & 0xFFF8, bits & 1
            own = (packet[8:40], packet[part + 4 : part + 8], 0)
            # without extension headers: what follows the fragment header follows the IP header
            head, at = packet[:6] + packet[part : part + 1] + packet[7:40], part + 8
        key = (int(self._extractor.sensors.of_capture[name[0]]), name[1], name[2], *own)
        return key, b"" if offset else head, offset, packet[at:], not more

    def piece(
        self, key: tuple[Any, ...], time: int, capture: int, head: bytes, offset: int, body: bytes, last: bool
    ) -> bytes | None:
        """Take in a fragment; gives the packet if that makes it whole."""
        one = self._waiting.get(key)
        if one is None:
            one = self._waiting[key] = Datagram(time)
        if offset not in one.pieces and offset + len(body) <= 65535:
            one.pieces[offset] = body
            one.times[offset] = (time, capture)
            one.held += len(body)
            self._held += len(body)
        if head and not one.header:
            one.header = head
        if last and one.size < 0:
            one.size = offset + len(body)
        payload = one.whole()
        while self._held > MOST and len(self._waiting) > 1:
            if self._old:
                self._held -= self._old.pop(0)[1].held
                self._count()
            else:
                self._drop(1)
        if payload is None:
            return None
        self._waiting.pop(key, None)
        self._held -= one.held
        whole = bytearray(one.header)
        if whole[0] >> 4 == 4:
            struct.pack_into(">H", whole, 2, min(len(whole) + len(payload), 65535))
            struct.pack_into(">H", whole, 6, 0)
        else:
            struct.pack_into(">H", whole, 4, len(payload))
        return bytes(whole) + payload

    def _forget(self, key: tuple[Any, ...]) -> None:
        self._held -= self._waiting.pop(key).held
        self._count()

    def _count(self) -> None:
        self._report.count("fragmented packets that never were whole")

    def _drop(self, count: int) -> None:
        for key in list(self._waiting)[:count]:
            self._forget(key)

    def decoded(self, done: list[Whole]) -> Packets:
        """Rows of whole packets. The buffer they are in is kept until the next time."""
        records = [struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 1 << 18, RAW)]
        for *_, packet in done:
            records.append(struct.pack("<IIII", 0, 0, len(packet), len(packet)) + packet)
        data = np.frombuffer(b"".join(records), np.uint8)
        own = Table(len(done) + 1)
        own.buffer, own.valid = data, len(data)
        capture = Capture("fragments", open=lambda: None, number=0)  # type: ignore[arg-type,return-value]
        Pcap(data[:64].tobytes(), capture, Report()).scan(Window(data, 24, len(data), 0, True), own)
        for at, (time, number, vlan, inner, _) in enumerate(done):
            own.wide[frame.TIME, at] = time
            own.places[[frame.CAPTURE, frame.VLAN, frame.INNER_VLAN], at] = number, vlan, inner
        enter(own)
        self._keep = [own]
        return self._extractor.packets(own, whole=True)
