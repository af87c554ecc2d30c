"""IP fragments put together (RFC 791, 8200), in bounded memory; bytes that came first stand."""

from __future__ import annotations

import struct
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from packetpig.loaders.captures.capture import Capture
from packetpig.loaders.captures.pcap import Pcap
from packetpig.loaders.captures.window import Table, Window
from packetpig.loaders.contract.report import Report
from packetpig.loaders.flows.merging import Packets
from packetpig.loaders.kernels import frame, slots

if TYPE_CHECKING:
    from packetpig.loaders.flows.extracting import Extractor

MOST = 16 << 20  # bytes of fragments that wait for others
PATIENCE = 30_000_000_000  # nanoseconds that they wait
RAW = 101  # link type of IP without a link layer


Whole = tuple[int, int, int, int, bytes]  # time, number of the capture, VLAN, inner VLAN, IP packet


@dataclass
class Datagram:
    """Fragments of one packet: header of the first, pieces of payload by offset, size of the whole once known."""

    time: int
    capture: int = 0
    header: bytes = b""
    pieces: dict[int, bytes] = field(default_factory=dict)
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
    """Collects fragments of all captures of a job."""

    def __init__(self, extractor: Extractor, report: Report) -> None:
        self._extractor, self._report = extractor, report
        self._waiting: OrderedDict[tuple[Any, ...], Datagram] = OrderedDict()
        self._held = 0
        self._keep: list[Table] = []

    def add(self, table: Table, rows: np.ndarray[Any, Any], packets: Packets) -> Packets:
        """Take in the fragments in ROWS of the table; gives PACKETS with those that are whole now."""
        done: list[Whole] = []
        for row in rows:
            found = self._take(table, int(row))
            if found:
                places = [int(table.places[place, row]) for place in (frame.CAPTURE, frame.VLAN, frame.INNER_VLAN)]
                done.append((int(table.wide[frame.TIME, row]), *places, found))  # type: ignore[arg-type]
        if not done:
            return packets
        whole = self.decoded(done)
        places = np.searchsorted(packets[:, slots.P_TIME], whole[:, slots.P_TIME], side="right")
        return np.insert(packets, places, whole, axis=0)

    def left(self) -> list[tuple[tuple[Any, ...], Datagram]]:
        """What has not become whole, with its key; it is gone from here."""
        left = list(self._waiting.items())
        self._waiting.clear()
        self._held = 0
        return left

    def finish(self) -> None:
        """Count what never became whole."""
        self._drop(len(self._waiting))

    def _take(self, table: Table, row: int) -> bytes | None:
        places = table.places[:, row]
        start = int(table.wide[frame.POSITION, row]) + int(places[frame.NETWORK])
        size = min(int(places[frame.TOTAL]), int(places[frame.CAPTURED] - places[frame.NETWORK]))
        packet = table.buffer[start : start + size].tobytes()
        if size < int(places[frame.TOTAL]):
            self._report.count("fragments cut")
            return None
        if places[frame.VERSION] == 4:
            header = int(places[frame.HEADER])
            bits = struct.unpack_from(">H", packet, 6)[0]
            offset, more = (bits & 0x1FFF) * 8, bits & 0x2000
            name: tuple[Any, ...] = (packet[12:20], packet[4:6], packet[9])
            head = packet[:header]
            at = header
        else:
            part = int(places[frame.FRAGMENT] - places[frame.NETWORK])
            bits = struct.unpack_from(">H", packet, part + 2)[0]
            offset, more = bits & 0xFFF8, bits & 1
            name = (packet[8:40], packet[part + 4 : part + 8])
            # without extension headers: what follows the fragment header follows the IP header
            head = packet[:6] + packet[part : part + 1] + packet[7:40]
            at = part + 8
        sensor = int(self._extractor.sensors.of_capture[places[frame.CAPTURE]])
        key = (sensor, int(places[frame.VLAN]), int(places[frame.INNER_VLAN]), *name)
        time = int(table.wide[frame.TIME, row])
        return self.piece(
            key, time, int(places[frame.CAPTURE]), head if offset == 0 else b"", offset, packet[at:], not more
        )

    def piece(
        self, key: tuple[Any, ...], time: int, capture: int, head: bytes, offset: int, body: bytes, last: bool
    ) -> bytes | None:
        """Take in a fragment; gives the packet if that makes it whole."""
        one = self._waiting.get(key)
        if one is not None and time - one.time > PATIENCE:
            self._forget(key)
            one = None
        if one is None:
            one = self._waiting[key] = Datagram(time, capture)
        if offset not in one.pieces and offset + len(body) <= 65535:
            one.pieces[offset] = body
            one.held += len(body)
            self._held += len(body)
        if head and not one.header:
            one.header = head
        if last and one.size < 0:
            one.size = offset + len(body)
        payload = one.whole()
        while self._held > MOST and len(self._waiting) > 1:
            self._drop(1)
        if payload is None:
            return None
        self._waiting.pop(key, None)
        self._held -= one.held
        if one.header[0] >> 4 == 4:
            head = bytearray(one.header)
            struct.pack_into(">H", head, 2, min(len(head) + len(payload), 65535))
            struct.pack_into(">H", head, 6, 0)
        else:
            head = bytearray(one.header)
            struct.pack_into(">H", head, 4, len(payload))
        return bytes(head) + payload

    def _forget(self, key: tuple[Any, ...]) -> None:
        self._held -= self._waiting.pop(key).held
        self._report.losses = True
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
        self._keep = [own]
        return self._extractor.packets(own, whole=True)
