"""HTTP/2 in the clear (h2c): frames of two sides become messages as http1.py has them. Sources: RFC 9113, 7541, 7540.

A stream is an exchange. The bodies of DATA frames are passed on as they come; header blocks are held until they are
whole, HEAD bytes at most. Where bytes of anything but a body are missing, or headers cannot be unpacked, the rest of
that side is lost: what later headers mean depends on all before them.
"""

from __future__ import annotations

import copy
import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING

from packetpig.loaders.flows.streams import Said
from packetpig.loaders.protocols.http1 import HEAD, MESSAGE, Headers, Message, declared

if TYPE_CHECKING:
    from packetpig.loaders.protocols.http1 import Conversation

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
STREAMS = 1000  # of a session that are not over
TABLE = 4096  # bytes of a header table, unless settings say another
TABLE_MOST = 1 << 16
DATA, HEADERS, RST_STREAM, SETTINGS, PUSH_PROMISE, CONTINUATION = 0, 1, 3, 4, 5, 9
HELD = (HEADERS, RST_STREAM, SETTINGS, PUSH_PROMISE, CONTINUATION)
END_STREAM, ACK, END_HEADERS, PADDED, PRIORITY = 1, 1, 4, 8, 32
HEADER_TABLE_SIZE = 1
_ENTRY = struct.Struct(">HI")


class _Side:
    """One side. `left`: bytes of the frame that are not there yet; `body`: of these the last are padding."""

    def __init__(self, client: bool, skip: int) -> None:
        from hpack import Decoder  # takes a while to import

        self.client, self.skip = client, skip
        self.decoder = Decoder(HEAD)
        self.held = bytearray()
        self.block = bytearray()  # header block so far
        self.of: tuple[int, int, int] = (0, 0, 0)  # stream, flags and time of that block
        self.type = self.flags = self.stream = self.time = self.left = self.padding = 0
        self.weight = 0  # bytes of room that what is held has
        self.inside = self.lost = self.promised = False
        self.begun = False  # a header block, which is not whole


class _Stream:
    """A request and its response, as far as they are there."""

    def __init__(self) -> None:
        self.both: list[Message | None] = [None, None]  # response, request
        self.over = [False, False]
        self.upgraded = False


class Second:
    """A session that speaks HTTP/2. CLIENT: the side that asks; SKIP: bytes of its preface that are still to come.

    UPGRADED: the request by which HTTP/1 became HTTP/2; what answers it is stream 1.
    """

    def __init__(self, conversation: Conversation, client: int, skip: int, upgraded: Message | None = None) -> None:
        self._conversation, self._report = conversation, conversation.report
        self._sides = [_Side(client == side, skip if client == side else 0) for side in (0, 1)]
        self._streams: dict[int, _Stream] = {}
        self._count = self._tables = 0
        if upgraded is not None:
            stream = self._streams[1] = _Stream()
            stream.both[1] = request = copy.copy(upgraded)
            request.weight, request.over, request.answered_by = 0, True, None
            stream.over[1] = stream.upgraded = True
            self._count = request.number

    def said(self, run: Said) -> None:
        """Take what one side said."""
        if run.data is None:
            self._hole(self._sides[run.side], run.missing)
        else:
            self.data(run, run.data, 0)

    def data(self, run: Said, data: bytes, at: int) -> None:
        """Take DATA of a run, from AT on."""
        side = self._sides[run.side]
        end = len(data)
        while at < end and not side.lost:
            if side.skip:
                known = min(side.skip, end - at)
                begin = len(PREFACE) - side.skip
                if data[at : at + known] != PREFACE[begin : begin + known]:
                    self._lose(side, "http: sessions of HTTP/2 without its preface")
                    return
                side.skip -= known
                at += known
            elif not side.inside:
                if not side.held:
                    side.time = run.at(at)
                more = data[at : at + 9 - len(side.held)]
                side.held += more
                at += len(more)
                if len(side.held) == 9:
                    self._head(side, run, at)
            elif side.type == DATA and side.left > side.padding:
                at = self._body(side, run, data, at)
            else:
                size = min(side.left, end - at)
                if side.type in HELD:
                    side.held += data[at : at + size]
                side.left -= size
                at += size
                if not side.left:
                    self._whole(side, run, at)

    def _head(self, side: _Side, run: Said, at: int) -> None:
        """The head of a frame is there."""
        head, side.held = side.held, bytearray()
        side.left = head[0] << 16 | head[1] << 8 | head[2]
        side.type, side.flags = head[3], head[4]
        side.stream = int.from_bytes(head[5:], "big") & 0x7FFFFFFF
        side.padding, side.inside = 0, True
        odd = side.stream == 0 if side.type in (DATA, HEADERS, RST_STREAM, PUSH_PROMISE) else False
        if odd or (side.type == SETTINGS and side.stream) or (side.type != DATA and side.left > HEAD):
            self._lose(side, "http: frames of HTTP/2 that cannot be")
        elif side.begun != (side.type == CONTINUATION):
            self._lose(side, "http: header blocks of HTTP/2 that are not whole")
        elif not self._holds(side):
            self._report.losses = True
            self._lose(side, "http: sessions of HTTP/2 given up for want of memory")
        elif not side.left:
            self._whole(side, run, at)

    def _holds(self, side: _Side) -> bool:
        """Take room for a frame that is to be held; False if there is none."""
        if side.type not in HELD or not side.left:
            return True
        if not self._conversation.room.take(side.left):
            return False
        side.weight += side.left
        return True

    def _release(self, side: _Side) -> None:
        self._conversation.room.free(side.weight)
        side.weight = 0

    def _body(self, side: _Side, run: Said, data: bytes, at: int) -> int:
        """Bytes of a body; where padding is, the first says how much."""
        if side.flags & PADDED:
            side.flags &= ~PADDED
            side.left -= 1
            side.padding = data[at]
            if side.padding > side.left:
                self._lose(side, "http: frames of HTTP/2 that cannot be")
            elif not side.left:
                self._whole(side, run, at + 1)
            return at + 1
        size = min(side.left - side.padding, len(data) - at)
        message = self._message(side)
        if message is not None:
            if not message.size:
                message.began = run.at(at)
            message.size += size
            message.end = run.at(at + size - 1)
            if message.body is not None:
                message.body.data(memoryview(data)[at : at + size])
        side.left -= size
        if not side.left:
            self._whole(side, run, at + size)
        return at + size

    def _message(self, side: _Side) -> Message | None:
        """The message that a frame belongs to, unless it is over."""
        stream = self._streams.get(side.stream)
        return None if stream is None or stream.over[side.client] else stream.both[side.client]

    def _whole(self, side: _Side, run: Said, at: int) -> None:
        """A frame is there."""
        held, side.held = bytes(side.held), bytearray()
        side.inside = False
        time = run.at(max(0, at - 1))
        if side.type == DATA:
            if side.flags & END_STREAM:
                self._end(side.stream, side.client, time)
        elif side.type == SETTINGS:
            self._settings(side, held)
        elif side.type == RST_STREAM:
            self._give(side.stream)
        elif side.type in (HEADERS, PUSH_PROMISE):
            self._fragment(side, held)
        elif side.type == CONTINUATION:
            side.block += held
        if side.type in (HEADERS, PUSH_PROMISE, CONTINUATION) and not side.lost:
            if len(side.block) > HEAD:
                self._lose(side, "http: heads given up, too long")
            elif side.flags & END_HEADERS:
                self._block(side, time)
        if not side.begun:
            self._release(side)

    def _fragment(self, side: _Side, held: bytes) -> None:
        """The beginning of a header block."""
        at, end, number = 0, len(held), side.stream
        if side.flags & PADDED and held:
            at, end = 1, end - held[0]
        if side.type == PUSH_PROMISE:
            number = int.from_bytes(held[at : at + 4], "big") & 0x7FFFFFFF
            at += 4
        elif side.flags & PRIORITY:
            at += 5
        if at > end:
            self._lose(side, "http: frames of HTTP/2 that cannot be")
            return
        side.block, side.begun = bytearray(held[at:end]), True
        promised = side.type == PUSH_PROMISE
        side.of = number, END_STREAM if promised else side.flags & END_STREAM, side.time
        side.promised = promised

    def _settings(self, side: _Side, held: bytes) -> None:
        """SETTINGS: how large a table the other side may use."""
        if side.flags & ACK:
            return
        for name, value in _ENTRY.iter_unpack(held[: len(held) // 6 * 6]):
            if name == HEADER_TABLE_SIZE:
                size = min(value, TABLE_MOST)
                if size <= TABLE or self._conversation.room.take(size):
                    self._tables += size if size > TABLE else 0
                    self._sides[self._sides[0] is side].decoder.max_allowed_table_size = size

    # messages

    def _block(self, side: _Side, end: int) -> None:
        """A header block is whole."""
        from hpack import HPACKError

        number, flags, time = side.of
        block, side.block, side.begun = bytes(side.block), bytearray(), False
        try:
            given = side.decoder.decode(block, raw=True)
        except (HPACKError, ValueError, IndexError):
            self._lose(side, "http: header blocks of HTTP/2 that cannot be unpacked")
            return
        pseudo: dict[bytes, bytes] = {}
        headers: Headers = []
        for name, value, *_ in given:
            name, value = bytes(name), bytes(value)
            if name[:1] == b":":
                pseudo.setdefault(name, value)
            else:
                headers.append((name, value))
        request = side.client or side.promised
        stream = self._streams.get(number)
        message = stream.both[request] if stream else None
        if message is not None:  # trailers: once, and nothing after them
            if stream is None or stream.over[request] or not flags & END_STREAM:
                self._report.count("http: headers of HTTP/2 out of place")
                return
            self._conversation.keep(message, headers, len(block) + _size(headers))
        else:
            status = pseudo.get(b":status", b"")
            if not request and (len(status) != 3 or not status.isdigit()):
                self._report.count("http: responses of HTTP/2 without a status")
                return
            if not request and status[:1] == b"1":
                return
            message = self._begun(number, request, time, headers, len(block))
            message.method, message.target = pseudo.get(b":method", b""), pseudo.get(b":path", b"")
            message.authority = pseudo.get(b":authority", b"")
            message.status = 0 if request else int(status)
            self._conversation.listener.head(self._conversation.session, message)
        message.end = end
        if flags & END_STREAM:
            self._end(number, request, end)

    def messages(self) -> Iterator[Message | None]:
        """Of streams that are not over."""
        for stream in self._streams.values():
            yield from stream.both

    def _begun(self, number: int, request: bool, time: int, headers: Headers, size: int) -> Message:
        """A message of a stream, its first."""
        stream = self._streams.get(number)
        if stream is None:
            if len(self._streams) >= STREAMS:
                self._report.losses = True
                self._report.count("http: streams of HTTP/2 given up, too many at once")
                self._give(next(iter(self._streams)))
            stream = self._streams[number] = _Stream()
        message = Message(request, time, b"2")
        declared(message, headers)
        self._conversation.keep(message, headers, size + _size(headers) + MESSAGE)
        message.transfer = []
        if request:
            self._count += 1
            message.number = self._count
        else:
            message.asked_by = stream.both[1]
        stream.both[request] = message
        return message

    def _end(self, number: int, request: bool, time: int) -> None:
        """A side has said all in a stream."""
        stream = self._streams.get(number)
        if stream is None or stream.over[request]:
            return
        stream.over[request] = True
        message = stream.both[request]
        if message is not None:
            message.end = time
            self._close(message)
        if all(stream.over):
            self._give(number)

    def _close(self, message: Message) -> None:
        message.over = True
        if message.body is not None:
            message.body.end(message.complete)

    def _give(self, number: int) -> None:
        """A stream is over, whatever is missing of it."""
        stream = self._streams.pop(number, None)
        if stream is None:
            return
        response, request = stream.both
        for message, over in zip(stream.both, stream.over, strict=True):
            if message is not None and not over:
                message.complete = False
                self._close(message)
        if response is not None or (request is not None and not stream.upgraded):
            self._conversation.given(request, response)

    # what is missing

    def _hole(self, side: _Side, size: int) -> None:
        """SIZE bytes are missing."""
        if side.lost:
            return
        if side.skip or not side.inside or size > side.left or side.held or side.begun or side.flags & PADDED:
            self._lose(side, "http: sessions of HTTP/2 given up, bytes are missing")
            return
        if side.type in HELD:
            self._lose(side, "http: sessions of HTTP/2 given up, bytes are missing")
            return
        message = self._message(side) if side.type == DATA else None
        if message is not None:
            missing = max(0, min(size, side.left - side.padding))
            message.size += missing
            message.missing += missing
            message.complete = False
            if message.body is not None:
                message.body.hole(missing)
        side.left -= size
        if not side.left:
            side.inside = False
            if side.type == DATA and side.flags & END_STREAM and message is not None:
                self._end(side.stream, side.client, message.end)

    def _lose(self, side: _Side, why: str) -> None:
        """What this side says cannot be followed any more."""
        self._report.count(why)
        side.lost = True
        side.held, side.block = bytearray(), bytearray()
        self._release(side)

    def close(self) -> None:
        """The session is over."""
        for number in sorted(self._streams):
            self._give(number)
        self.forget()

    def forget(self) -> None:
        """What is held beside messages takes no room any more."""
        for side in self._sides:
            self._release(side)
        self._conversation.room.free(self._tables)
        self._tables = 0


def _size(headers: Headers) -> int:
    """Bytes of text: a byte of a block may stand for a whole header."""
    return sum(len(name) + len(value) for name, value in headers)
