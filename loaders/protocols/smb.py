"""SMB 2 and 3 in the clear: what is read from and written to files (MS-SMB2), as it comes.

SMB 1, messages that are encrypted and compressed ones are passed over and counted.
"""

from __future__ import annotations

import struct
from collections import OrderedDict
from typing import Protocol

from packetpig.loaders.contract.report import Report
from packetpig.loaders.flows.streams import Said
from packetpig.loaders.protocols.room import Room

HEADER = 64
WHOLE = 64 << 10  # bytes of a message that is looked at as a whole
OPENS = 4096  # files that are open, and requests without an answer, in a session
NAME = 1024  # bytes of a path, from its end
WEIGHT = 2000  # bytes of room that each takes
ROOM = 128 << 20
TREE_CONNECT, CREATE, CLOSE, READ, WRITE = 3, 5, 6, 8, 9
PENDING = 0x103  # status of an answer that is none yet
PIPE = 2  # type of share
RELATED = b"\xff" * 16  # the file of the command before
LENGTH, HEAD, STREAM, SKIP, LOST = range(5)
_KINDS = {b"\xffSMB": "of version 1", b"\xfdSMB": "that are encrypted", b"\xfcSMB": "that are compressed"}


class Open:
    """A file that is open. `size`: when it was opened; `fresh`: it was made or emptied then; None: not known.

    `failed`: something was not written. `state` is the listener's.
    """

    __slots__ = ("failed", "fresh", "handle", "name", "size", "state")

    def __init__(self, name: bytes) -> None:
        self.name = name  # UTF-16
        self.handle = b""  # what the server calls it
        self.size: int | None = None
        self.fresh: bool | None = None
        self.failed = False
        self.state: object = None


class Listener(Protocol):
    """Is told of bytes of files."""

    def bytes_of(self, session: int, file: Open, written: bool, offset: int, data: bytes, time: int) -> None:
        """DATA at OFFSET was WRITTEN to FILE, or read from it."""

    def closed(self, session: int, file: Open, orderly: bool) -> None:
        """FILE is not open any more; ORDERLY: it was closed."""


class _Stream:
    """What one side says: where in it its messages are."""

    __slots__ = ("command", "file", "held", "left", "need", "offset", "skip", "state", "stream", "weight", "written")

    def __init__(self) -> None:
        self.state = LENGTH
        self.need = 4  # bytes to go on
        self.held = bytearray()
        self.left = 0  # bytes of the message, but for those held
        self.command = 0  # of these, and of those held, the ones of this command; 0: all
        self.skip = self.stream = 0  # bytes to pass over, then to give
        self.file: Open | None = None
        self.written = False
        self.offset = 0
        self.weight = 0  # bytes of room that what is held has


class Share:
    """One SMB session over TCP."""

    def __init__(self, session: int, listener: Listener, report: Report, room: Room) -> None:
        self._session, self._listener, self._report, self._room = session, listener, report, room
        self._streams = (_Stream(), _Stream())
        self._pending: OrderedDict[int, tuple[int, Open | None, int]] = OrderedDict()
        self._opens: OrderedDict[bytes, Open] = OrderedDict()
        self._pipes: set[int] = set()  # trees that are pipes
        self._compound: Open | None = None  # of the command before, in requests

    def said(self, run: Said) -> None:
        """Take what one side said."""
        stream = self._streams[run.side]
        if run.data is None:
            self._hole(stream, run.missing)
            return
        data, at = run.data, 0
        while at < len(data):
            if stream.state in (LENGTH, HEAD):
                more = data[at : at + stream.need - len(stream.held)]
                stream.held += more
                at += len(more)
                if stream.state == HEAD:
                    stream.left -= len(more)
                if len(stream.held) == stream.need:
                    self._needed(stream)
            elif stream.state == LOST:
                at = self._search(stream, data, at)
            elif stream.state == SKIP:
                size = min(stream.skip, len(data) - at)
                at += size
                stream.skip -= size
                stream.left -= size
                if not stream.skip:
                    self._skipped(stream)
            else:
                size = min(stream.stream, len(data) - at)
                if stream.file is not None and size:
                    time = run.at(at)
                    self._listener.bytes_of(
                        self._session, stream.file, stream.written, stream.offset, data[at : at + size], time
                    )
                at += size
                self._streamed(stream, size)

    def _needed(self, stream: _Stream) -> None:
        """Enough is held for the next step."""
        held = stream.held
        if stream.state == LENGTH:
            stream.left = int.from_bytes(held[1:4], "big")
            held.clear()
            if stream.left >= HEADER:
                stream.state, stream.need = HEAD, HEADER
            else:
                self._pass(stream, stream.left)
            return
        if len(held) == HEADER:
            if held[:4] != b"\xfeSMB" or held[4:6] != b"\x40\0":
                kind = _KINDS.get(bytes(held[:4]), "that are none")
                self._report.count(f"smb messages {kind}")
                self._compound = None
                if kind == "that are none":
                    held.clear()
                    stream.state = LOST
                    return
                self._pass(stream, stream.left)
                return
            following = int.from_bytes(held[20:24], "little")
            whole = HEADER + stream.left
            if following and (following < HEADER or following > whole):
                self._report.count("smb messages whose lengths lie")
                following = 0
            stream.command = following or whole
            number, answer = int.from_bytes(held[12:14], "little"), bool(held[16] & 1)
            if number == READ and answer:
                stream.need = HEADER + 16
            elif number == WRITE and not answer:
                stream.need = HEADER + 48
            else:
                stream.need = min(stream.command, WHOLE)
            if stream.need > stream.command:
                stream.need = HEADER  # too short for what it says it is, or an error
            if stream.need > WEIGHT:
                if not self._room.take(stream.need):
                    self._report.losses = True
                    self._report.count("smb messages passed over for want of memory")
                    self._pass(stream, stream.left)
                    return
                stream.weight = stream.need
            if stream.need > HEADER:
                return
        self._release(stream)
        self._command(stream, bytes(held))

    def _release(self, stream: _Stream) -> None:
        """What is held needs no room of its own any more."""
        self._room.free(stream.weight)
        stream.weight = 0

    def _pass(self, stream: _Stream, size: int) -> None:
        stream.held.clear()
        stream.skip, stream.stream, stream.state = size, 0, SKIP
        if not size:
            self._skipped(stream)

    def _skipped(self, stream: _Stream) -> None:
        if stream.stream:
            stream.state = STREAM
        else:
            self._following(stream)

    def _following(self, stream: _Stream) -> None:
        """After a command: the next of its message, or the next message."""
        stream.file = None
        stream.held.clear()
        if stream.left >= HEADER:
            stream.state, stream.need = HEAD, HEADER
        elif stream.left:
            self._pass(stream, stream.left)
        else:
            stream.state, stream.need = LENGTH, 4

    def _streamed(self, stream: _Stream, size: int) -> None:
        stream.stream -= size
        stream.left -= size
        stream.offset += size
        if not stream.stream:
            self._pass(stream, stream.command)

    def _command(self, stream: _Stream, held: bytes) -> None:
        """A command, as far as it is held; where its data are streams follows."""
        number, answer = int.from_bytes(held[12:14], "little"), bool(held[16] & 1)
        rest = stream.command - len(held)
        body = held[HEADER:]
        if not answer and not held[16] & 4:
            self._compound = None
        try:
            data = (self._answer if answer else self._request)(stream, number, held, body)
        except struct.error:
            self._report.count("smb messages that are cut short")
            data = None
        if data is None:
            self._pass(stream, rest)
            return
        begin, size = data[0] - len(held), data[1]
        if begin < 0 or begin + size > rest:
            self._report.count("smb messages whose lengths lie")
            begin = max(begin, 0)
            size = max(0, min(size, rest - begin))
        if begin + size > rest:
            begin, size = rest, 0
        stream.command = rest - begin - size
        stream.held.clear()
        stream.stream, stream.skip, stream.state = size, begin, SKIP
        if not begin:
            self._skipped(stream)

    def _request(self, stream: _Stream, number: int, held: bytes, body: bytes) -> tuple[int, int] | None:
        key = int.from_bytes(held[24:32], "little")
        if number == CREATE:
            at, size = struct.unpack_from("<HH", body, 44)
            pipe = int.from_bytes(held[36:40], "little") in self._pipes
            file = None if pipe else Open(held[at : at + size][-NAME:])
            self._compound = file
            self._ask(key, number, file, 0)
        elif number in (READ, WRITE):
            size, offset = struct.unpack_from("<IQ", body, 4)
            file = self._file(body[16:32], held)
            if number == READ:
                self._ask(key, number, file, offset)
                return None
            self._ask(key, number, file, 0)
            stream.file, stream.written, stream.offset = file, True, offset
            return int.from_bytes(body[2:4], "little"), size
        elif number == CLOSE:
            file = self._file(body[8:24], held)
            self._ask(key, number, file, 0)
        elif number == TREE_CONNECT:
            self._ask(key, number, None, 0)
        return None

    def _ask(self, key: int, number: int, file: Open | None, offset: int) -> None:
        if len(self._pending) >= OPENS:
            self._pending.popitem(last=False)
            self._room.free(WEIGHT)
            self._report.count("smb requests forgotten, too many waited")
        if key in self._pending:
            del self._pending[key]
        elif not self._room.take(WEIGHT):
            self._report.count("smb requests forgotten for want of memory")
            return
        self._pending[key] = number, file, offset

    def _file(self, name: bytes, held: bytes) -> Open | None:
        """The file that a request is about."""
        if name == RELATED:
            return self._compound
        found = self._opens.get(name)
        if found is None and int.from_bytes(held[36:40], "little") not in self._pipes:
            found = self._remember(name, Open(b""))  # it was opened before the capture began
        return found

    def _remember(self, name: bytes, file: Open) -> Open | None:
        if len(self._opens) >= OPENS:
            self._report.count("smb files given up, too many were open")
            self._listener.closed(self._session, self._opens.popitem(last=False)[1], False)
            self._room.free(WEIGHT)
        if not self._room.take(WEIGHT):
            self._report.count("smb files given up for want of memory")
            return None
        self._opens[name], file.handle = file, name
        return file

    def _answer(self, stream: _Stream, number: int, held: bytes, body: bytes) -> tuple[int, int] | None:
        status = int.from_bytes(held[8:12], "little")
        if status == PENDING:
            return None
        asked = self._pending.pop(int.from_bytes(held[24:32], "little"), None)
        if asked is None:
            return None
        self._room.free(WEIGHT)
        known, file, offset = asked
        if known != number:
            return None
        if number == TREE_CONNECT and not status and body[2:3] == bytes([PIPE]):
            if len(self._pipes) < OPENS:
                self._pipes.add(int.from_bytes(held[36:40], "little"))
        elif file is None:
            return None
        elif number == CREATE and not status:
            action, size = struct.unpack_from("<I40xQ", body, 4)
            file.size, file.fresh = size, action != 1
            self._forget(body[64:80], False)
            self._remember(body[64:80], file)
        elif number == READ and not status and len(body) >= 16:
            stream.file, stream.written, stream.offset = file, False, offset
            return body[2], int.from_bytes(body[4:8], "little")
        elif number == WRITE and status:
            file.failed = True
        elif number == CLOSE and not status:
            self._forget(file.handle, True)
        return None

    def _forget(self, name: bytes, orderly: bool) -> None:
        file = self._opens.pop(name, None)
        if file is not None:
            self._room.free(WEIGHT)
            self._listener.closed(self._session, file, orderly)

    # what is missing

    def _hole(self, stream: _Stream, size: int) -> None:
        if stream.state == STREAM and size <= stream.stream:
            self._streamed(stream, size)
        elif stream.state in (STREAM, SKIP) and size <= stream.left:
            # the rest of the message is passed over: what follows in it may begin in the hole
            stream.left -= size
            stream.file = None
            self._pass(stream, stream.left)
        elif stream.state != LOST:
            self._release(stream)
            stream.held.clear()
            stream.file = None
            stream.state = LOST

    def _search(self, stream: _Stream, data: bytes, at: int) -> int:
        """Look for the next message."""
        found = data.find(b"\xfeSMB\x40\0", at + 4)
        while found >= 0 and data[found - 4]:
            found = data.find(b"\xfeSMB\x40\0", found + 1)
        if found < 0:
            return len(data)
        self._report.count("smb messages found again after what was missing")
        stream.state, stream.need = LENGTH, 4
        return found - 4

    def close(self, finished: tuple[bool, bool]) -> None:
        """The session is over."""
        for stream in self._streams:
            self._release(stream)
        self._room.free(WEIGHT * (len(self._pending) + len(self._opens)))
        for file in self._opens.values():
            self._listener.closed(self._session, file, False)
        self._opens.clear()
        self._pending.clear()
