"""TFTP: requests, and the blocks of a transfer put in order (RFC 1350, 2347, 2348, 2349, 7440)."""

from __future__ import annotations

from dataclasses import dataclass, field

from packetpig.loaders.protocols.http1 import Body

READ, WRITE, DATA, ACK, ERROR, OACK = range(1, 7)
BLOCK = 512
LARGEST = 65464


@dataclass(frozen=True)
class Request:
    """A file is asked for, or sent (`write`)."""

    write: bool
    name: bytes
    mode: bytes
    options: dict[bytes, bytes] = field(default_factory=dict)


def request(data: bytes) -> Request | None:
    """The request in a datagram; None if it is none."""
    if len(data) < 6 or data[0] or data[1] not in (READ, WRITE):
        return None
    name, mode, *rest = (*data[2:].split(b"\0"), b"")
    if not name or not mode:
        return None
    return Request(data[1] == WRITE, name, mode.lower(), _options(rest))


def _options(parts: list[bytes]) -> dict[bytes, bytes]:
    return {name.lower(): value for name, value in zip(parts[::2], parts[1::2], strict=False) if name}


class Transfer:
    """The blocks of one file, as they come; BODY takes them. `over`: it has ended."""

    def __init__(self, body: Body) -> None:
        self._body = body
        self._size = BLOCK
        self._next = 1
        self._agreed = self._wrapped = self._zero = False
        self.over = self.begun = False

    def take(self, data: bytes, cut: int) -> None:
        """A datagram, the last CUT bytes of which were not captured."""
        kind = int.from_bytes(data[:2], "big")
        number = int.from_bytes(data[2:4], "big")
        if self.over or len(data) < 4:
            return
        if kind == OACK:
            size = _options(data[2:].split(b"\0")).get(b"blksize", b"")
            if size.isdigit() and len(size) < 6 and 8 <= int(size) <= LARGEST:
                self._size, self._agreed = int(size), True
        elif kind == ACK:
            self._zero = self._zero or (self._wrapped and number == 0)
        elif kind == ERROR:
            self._end(False)
        elif kind == DATA:
            self._block(number, data[4:], cut)

    def _block(self, number: int, data: bytes, cut: int) -> None:
        size = len(data) + cut
        if not self.begun and size > BLOCK and not self._agreed:
            self._size = size  # the agreement about it is missing
        self.begun = True
        if self._wrapped and self._next == 0 and number == 1 and not self._zero:
            self._next = 1  # some count on from 65535 with 1
        ahead = (number - self._next) & 0xFFFF
        if ahead >= 0x8000:
            return  # sent again
        if ahead:
            self._body.hole(ahead * self._size)
        if data:
            self._body.data(data)
        if cut:
            self._body.hole(cut)
        following = (number + 1) & 0xFFFF
        self._wrapped, self._zero = following < self._next or self._wrapped, self._zero and following != 0
        self._next = following
        if size < self._size:
            self._end(True)

    def _end(self, complete: bool) -> None:
        if self.over:
            return
        self.over = True
        if not complete and self.begun:
            self._body.hole(None)
        self._body.end(complete)

    def close(self) -> None:
        """Nothing more will come."""
        self._end(False)
