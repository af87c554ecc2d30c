"""Sessions that a message of another one announces: FTP's data connections, TFTP's transfers."""

from __future__ import annotations

from collections import OrderedDict

from packetpig.loaders.contract.report import Report
from packetpig.loaders.flows.merging import Packets
from packetpig.loaders.kernels import slots

PATIENCE = 300_000_000_000  # nanoseconds for which a session is expected
MANY = 1 << 16  # places that are remembered at once

Place = tuple[int, int, bytes, int]  # sensor, protocol, address, port


def endpoint(packet: Packets, side: int) -> tuple[bytes, int]:
    """Address (4 or 16 bytes) and port of a SIDE of a packet's flow."""
    high, low = (slots.B_HIGH, slots.B_LOW) if side else (slots.A_HIGH, slots.A_LOW)
    ports = int(packet[slots.PORTS])
    whole = (int(packet[high]) & 0xFFFFFFFFFFFFFFFF) << 64 | int(packet[low]) & 0xFFFFFFFFFFFFFFFF
    return whole.to_bytes(4 if ports >> 56 == 4 else 16, "big"), (ports >> (0 if side else 16)) & 0xFFFF


def sensor(packet: Packets) -> int:
    """Number of the sensor that captured a packet: addresses mean the same only within one."""
    return (int(packet[slots.TAGS]) >> 32) & 0xFFFF


class Expected:
    """Where sessions are expected. One of whose content it is not known what it speaks is then of that service."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._places: OrderedDict[Place, tuple[int, int]] = OrderedDict()
        self._sessions: dict[int, int] = {}
        self._ports: set[int] = set()  # of places, and of some that are no more

    def expect(self, packet: Packets, protocol: int, address: bytes, port: int, service: int) -> None:
        """PACKET announces sessions of SERVICE, one side of which is this ADDRESS (4 or 16 bytes) and PORT."""
        place = (sensor(packet), protocol, address, port)
        self._places.pop(place, None)
        self._places[place] = (service, int(packet[slots.P_TIME]) + PATIENCE)
        self._ports.add(port)
        if len(self._places) > MANY:
            self._places.popitem(last=False)
            self._report.losses = True
            self._report.count("announced sessions given up")

    def service(self, session: int, packet: Packets, known: int) -> int:
        """What a SESSION of service KNOWN (0: not known) was expected to speak; 0: it was not."""
        found = self._sessions.get(session, 0)
        if found or known or not self._places:
            return found
        ports = int(packet[slots.PORTS])
        if (ports & 0xFFFF) not in self._ports and (ports >> 16) & 0xFFFF not in self._ports:
            return 0
        protocol = (ports >> 48) & 0xFF
        for side in (0, 1):
            place = (sensor(packet), protocol, *endpoint(packet, side))
            service, until = self._places.get(place, (0, 0))
            if service and int(packet[slots.P_TIME]) <= until:
                self._sessions[session] = service
                return service
        return 0

    def has(self, session: int) -> bool:
        """Whether a session is one that was expected."""
        return session in self._sessions

    def forget(self, sessions: Packets) -> None:
        """Sessions that have ended."""
        if self._sessions:
            for serial in sessions[:, slots.SERIAL].tolist():
                self._sessions.pop(serial, None)
