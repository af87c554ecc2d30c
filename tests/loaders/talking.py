"""TCP conversations for tests of protocols: what two sides say becomes packets, whole, cut, or with holes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from packetpig.loaders.captures.capture import local
from packetpig.loaders.contract.discovery import find
from packetpig.loaders.contract.loader import run
from packetpig.loaders.contract.report import Report

from tests.making import ethernet, ipv4, pcap, tcp

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
START = 1_700_000_000.0
CLIENT, SERVER = "10.0.0.1", "10.0.0.2"


Rows = list[dict[str, Any]]


def rows_of(
    loader: str, path: Path, packets: Sequence[tuple[float, bytes]], report: Report | None = None, **options: str
) -> Rows:
    """Rows that a LOADER gives of some packets, which are written to PATH; REPORT has what was counted."""
    path.write_bytes(pcap(packets))
    _, batches = run(find(loader), [local(path)], options=options, report=report)
    return [row for batch in batches for row in batch.to_pylist()]


class Dialogue:
    """One connection: `c` and `s` speak, in segments of SIZE bytes, a millisecond from packet to packet."""

    def __init__(
        self,
        dport: int = 80,
        sport: int = 40000,
        size: int = 1400,
        start: float = START,
        hosts: tuple[str, str] = (CLIENT, SERVER),
    ) -> None:
        self.ports, self.hosts, self.size, self.now = (sport, dport), hosts, size, start
        self.packets: list[tuple[float, bytes]] = []
        self._next = [100, 500]
        self._send(0, SYN)
        self._send(1, SYN | ACK)
        self._send(0, ACK)

    def _send(self, side: int, flags: int, payload: bytes = b"", kept: bool = True) -> None:
        self.now += 0.001
        segment = tcp(payload, self.ports[side], self.ports[1 - side], flags, self._next[side], self._next[1 - side])
        if kept:
            self.packets.append((self.now, ethernet(ipv4(segment, self.hosts[side], self.hosts[1 - side]))))
        self._next[side] += len(payload) + bool(flags & (SYN | FIN))

    def _say(self, side: int, data: bytes, lost: Sequence[int]) -> Dialogue:
        for number, at in enumerate(range(0, len(data), self.size)):
            self._send(side, ACK | PSH, data[at : at + self.size], number not in lost)
        self._send(1 - side, ACK)
        return self

    def c(self, data: bytes, lost: Sequence[int] = ()) -> Dialogue:
        """The client says DATA, of which nobody captured the segments LOST."""
        return self._say(0, data, lost)

    def s(self, data: bytes, lost: Sequence[int] = ()) -> Dialogue:
        """The server says DATA."""
        return self._say(1, data, lost)

    def close(self, first: int = 1) -> Dialogue:
        """Both sides close; FIRST begins."""
        self._send(first, FIN | ACK)
        self._send(1 - first, FIN | ACK)
        self._send(first, ACK)
        return self


def capture(*dialogues: Dialogue) -> bytes:
    """The packets of all of them, by time."""
    return pcap(sorted(packet for one in dialogues for packet in one.packets), nanos=True)
