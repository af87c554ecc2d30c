"""TFTP: requests, and the blocks of a transfer put in order (RFC 1350, 2347, 2348, 2349, 7440)."""

from __future__ import annotations

from dataclasses import dataclass, field

from packetpig.loaders.protocols.http1 import Body
from packetpig.loaders.protocols.room import Room

READ, WRITE, DATA, ACK, ERROR, OACK = range(1, 7)
BLOCK = 512
LARGEST = 65464
ROOM = 64 << 20  # bytes of blocks that wait for one before them, of all transfers together
WEIGHT = 128  # bytes that a block takes beside what it carries
WINDOW = 1024  # blocks of a transfer that wait at most; more are never looked through at each acknowledgment


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


def _number(options: dict[bytes, bytes], name: bytes, least: int, most: int) -> int:
    """The value of an option; 0 if it has none that can be."""
    value = options.get(name, b"")
    return int(value) if value.isdigit() and len(value) < 6 and least <= int(value) <= most else 0


class Transfer:
    """The blocks of one file, as they come; BODY takes them, and ROOM is for those that wait. `over`: it has ended.

    Where blocks are sent by the window, those after one that was lost are sent again: they wait for it until the other
    side says that it has it, when it is missing in the capture alone.
    """

    def __init__(self, body: Body, room: Room) -> None:
        self._body, self._room = body, room
        self._window = 1
        self._waiting: dict[int, tuple[bytes, int]] = {}  # by number
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
            options = _options(data[2:].split(b"\0"))
            if size := _number(options, b"blksize", 8, LARGEST):
                self._size, self._agreed = size, True
            self._window = min(_number(options, b"windowsize", 1, 65535) or 1, WINDOW)
        elif kind == ACK:
            self._zero = self._zero or (self._wrapped and number == 0)
            self._until((number + 1) & 0xFFFF)
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
        if ahead and ahead < self._window:
            if number in self._waiting:
                return
            if self._room.take(len(data) + WEIGHT):
                self._waiting[number] = data, cut
                return
        if ahead:
            self._until(number)
        self._given(number, data, cut)
        while self._next in self._waiting and not self.over:
            self._waited(self._next)

    def _until(self, end: int) -> None:
        """The receiver has all before the block END: what is not there is missing in the capture."""
        begin, most = self._next, (end - self._next) & 0xFFFF
        if most < 0x8000:
            for ahead in sorted((number - begin) & 0xFFFF for number in self._waiting):
                if ahead >= most or self.over:
                    return
                self._waited((begin + ahead) & 0xFFFF)

    def _waited(self, number: int) -> None:
        """A block that waited waits no more."""
        data, cut = self._waiting.pop(number)
        self._room.free(len(data) + WEIGHT)
        self._given(number, data, cut)

    def _given(self, number: int, data: bytes, cut: int) -> None:
        """A block whose turn it is."""
        size = len(data) + cut
        if ahead := (number - self._next) & 0xFFFF:
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
        if not complete:
            self._until((self._next + WINDOW) & 0xFFFF)
            if self.over:
                return
        for data, _ in self._waiting.values():
            self._room.free(len(data) + WEIGHT)
        self._waiting.clear()
        self.over = True
        if not complete and self.begun:
            self._body.hole(None)
        self._body.end(complete)

    def close(self) -> None:
        """Nothing more will come."""
        self._end(False)
