"""MIME as it comes: parts in multiparts and messages in messages, decoded, with nothing kept but heads of parts.

Sources: RFC 2045, 2046, 2047, 2183, 2231, 5322, 7578. Nesting, heads and boundaries are bounded.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass
from email.header import decode_header, make_header
from email.message import Message
from email.parser import HeaderParser
from email.utils import collapse_rfc2231_value
from typing import Protocol

from packetpig.loaders.contract.report import Report
from packetpig.loaders.protocols.http1 import Body
from packetpig.loaders.protocols.room import Room
from packetpig.loaders.protocols.texts import text

ROOM = 32 << 20  # bytes of heads that all readers together may keep
HEAD = 64 << 10  # bytes of the head of a part; a longer one is given up
DEPTH = 40  # multiparts and messages one inside the other
PARAMETERS = 64  # of a header
BOUNDARY = 256  # bytes; RFC 2046 allows 70
_END = re.compile(rb"\n\r?\n")
_NO_BASE64 = bytes(set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="))

HEADERS, LEAF, BETWEEN = range(3)


@dataclass(frozen=True)
class Part:
    """What the head of a part says. `kind`: its MIME type; `name`: its file's name, or that of a form's field."""

    kind: str
    disposition: str
    filename: str | None
    encoding: str
    boundary: bytes | None
    headers: Message

    def header(self, name: str) -> str | None:
        """Value of a header."""
        value = self.headers.get(name)
        return None if value is None else str(value)


Found = Callable[[Part], Body | None]


class Sink(Protocol):
    """Takes what a transfer encoding leaves."""

    def data(self, data: bytes | memoryview) -> None:
        """More of it."""


def part_of(head: bytes) -> Part:
    """The part with this HEAD; what cannot be understood is as if it were not there."""
    headers = HeaderParser().parsestr(head.decode("utf-8", "backslashreplace"))
    for name in ("content-type", "content-disposition"):
        if name in headers:
            headers.replace_header(name, _bounded(str(headers[name])))
    boundary = parameter(headers, "boundary")
    return Part(
        _safe(headers.get_content_type) or "text/plain",
        _safe(headers.get_content_disposition) or "",
        filename(headers),
        str(headers.get("content-transfer-encoding", "")).strip().lower(),
        boundary.encode("utf-8", "replace") if boundary and len(boundary) <= BOUNDARY else None,
        headers,
    )


def _bounded(value: str) -> str:
    """As much of a header as parameters are looked for in: the library takes the square of their number."""
    return ";".join(value.split(";", PARAMETERS)[:PARAMETERS])


def _head_end(data: bytes | bytearray, begin: int, stop: int, search: int) -> int:
    """Where the head that begins at BEGIN ends, looked for from SEARCH on and before STOP; 0: not there."""
    if data.startswith((b"\n", b"\r\n"), begin):
        return data.find(b"\n", begin) + 1
    found = _END.search(data, search, min(stop, len(data)))
    return found.end() if found else 0


def _safe(get: Callable[[], str | None]) -> str | None:
    try:
        return get()
    except Exception:  # the library fails in many ways at what was never meant to be a header
        return None


def parameter(headers: Message, name: str, header: str = "content-type") -> str | None:
    """A parameter of a header; the form that says its character set goes first (RFC 2231, 6266)."""

    def get() -> str | None:
        found = [value for key, value in headers.get_params([], header)[1:] if key.lower() == name]
        found.sort(key=lambda value: isinstance(value, str))
        return collapse_rfc2231_value(found[0]).strip() if found else None

    return _safe(get)


def filename(headers: Message) -> str | None:
    """Name of the file, encoded words (RFC 2047) decoded as well."""
    found = parameter(headers, "filename", "content-disposition") or parameter(headers, "name")
    if not found:
        return None
    if "=?" in found:
        words = found
        found = _safe(lambda: str(make_header(decode_header(words)))) or words
    return text(found.encode("utf-8", "backslashreplace"))


def disposition(value: bytes) -> str | None:
    """File name in an HTTP header Content-Disposition."""
    headers = Message()
    headers["content-disposition"] = (
        _bounded(value.decode("utf-8", "backslashreplace")).replace("\r", " ").replace("\n", " ")
    )
    return filename(headers)


class Reader:
    """Reads one entity. FOUND is asked for a Body for each part that is no multipart or message.

    MULTIPART: the boundary of an entity whose head came otherwise (HTTP); without it a head comes first (mail).
    """

    def __init__(self, found: Found, report: Report, room: Room, multipart: bytes | None = None) -> None:
        self._found, self._report, self._room = found, report, room
        self._stack: list[bytes] = []
        self._state = HEADERS
        self._held = bytearray()  # a head that is not whole, or what may be the beginning of a delimiter
        self._fresh = True  # what comes begins a line
        self._body: Body | None = None
        self._decoder: Sink | None = None
        self._depth = 0
        if multipart is not None:
            self._push(multipart)

    def _push(self, boundary: bytes) -> None:
        self._stack.append(b"--" + boundary)
        self._state = BETWEEN

    def data(self, data: bytes | memoryview) -> None:
        """More of it."""
        data = bytes(data)
        if self._held and self._state != HEADERS:
            data = bytes(self._held) + data
            self._held = bytearray()
        at = 0
        while at < len(data):
            at = self._head(data, at) if self._state == HEADERS else self._content(data, at)

    # heads

    def _head(self, data: bytes, at: int) -> int:
        held = self._held
        before = len(held)
        if not before:
            end = _head_end(data, at, at + HEAD, at)
            if end:
                self._begin(data[at:end])
                return end
        more = data[at : at + HEAD - before]
        if not self._room.take(len(more)):
            self._too_long()
            return at
        held += more
        if end := _head_end(held, 0, HEAD, max(0, before - 2)):
            head = bytes(held[:end])
            self._let_go()
            self._begin(head)
            return at + end - before
        if len(held) == HEAD:
            self._too_long()
        return at + len(more)

    def _too_long(self) -> None:
        self._report.count("mime: heads of parts given up, too long")
        self._let_go()
        self._state, self._fresh = BETWEEN, False

    def _let_go(self) -> None:
        if self._state == HEADERS:
            self._room.free(len(self._held))
        self._held = bytearray()

    def _begin(self, head: bytes) -> None:
        self._fresh = True
        part = part_of(head)
        nested = part.kind.startswith("multipart/") and part.boundary is not None
        message = part.kind == "message/rfc822" and part.encoding in ("", "7bit", "8bit", "binary")
        if nested or message:
            if self._depth < DEPTH:
                self._depth += 1
                if nested:
                    assert part.boundary is not None
                    self._push(part.boundary)
                return  # a message: a head again
            self._report.count("mime: parts nested too deep")
            self._state = BETWEEN
            return
        self._state = LEAF
        self._body = self._found(part)
        self._decoder = _decoder(part.encoding, self._body) if self._body else None

    # what is between heads

    def _content(self, data: bytes, at: int) -> int:
        first = at
        while True:
            if self._fresh and at == first:
                if len(data) - at == 1 and data[at] == 45:
                    self._held += data[at:]
                    return len(data)
                line = at if data.startswith(b"--", at) else -1
            else:
                line = -1
            if line < 0:
                line = data.find(b"\n--", at) + 1
                if not line:
                    return self._pass(data, first)
            end = data.find(b"\n", line, line + BOUNDARY + 8)
            if end < 0 and len(data) - line < BOUNDARY + 8:
                start = self._start(data, first, line)
                self._out(data[first:start])
                self._held += data[start:]
                self._fresh = self._fresh and start == first
                return len(data)
            delimiter = data[line : end if end >= 0 else line + BOUNDARY + 8]
            level = self._level(delimiter)
            if level is None:
                at, self._fresh = max(line, at + 1), False
                continue
            self._out(data[first : self._start(data, first, line)])
            self._ended(level, delimiter)
            return end + 1

    @staticmethod
    def _start(data: bytes, first: int, line: int) -> int:
        """Where the line break before the LINE begins, but not before FIRST."""
        return max(first, line - 2 if data[line - 2 : line - 1] == b"\r" else line - 1) if line > first else first

    def _pass(self, data: bytes, first: int) -> int:
        """No delimiter in DATA from FIRST on, but one may begin at its end."""
        end = len(data)
        for tail in (b"\r\n-", b"\n-", b"\r\n", b"\n", b"\r"):
            if data.endswith(tail, first):
                end -= len(tail)
                break
        self._out(data[first:end])
        self._held += data[end:]
        self._fresh = False
        return len(data)

    def _out(self, data: bytes) -> None:
        if data and self._decoder is not None:
            self._decoder.data(data)

    def _level(self, line: bytes) -> int | None:
        """Which multipart a delimiter LINE belongs to; None: it is none."""
        line = line.rstrip(b" \t\r")
        for level in range(len(self._stack) - 1, -1, -1):
            boundary = self._stack[level]
            if line.startswith(boundary) and line[len(boundary) :] in (b"", b"--"):
                return level
        return None

    def _ended(self, level: int, delimiter: bytes) -> None:
        self._finish(True)
        delimiter = delimiter.rstrip(b" \t\r")
        self._depth = min(self._depth, level + 1)
        if delimiter == self._stack[level]:
            del self._stack[level + 1 :]
            self._state = HEADERS
        else:
            del self._stack[level:]
            self._state = BETWEEN
        self._fresh = True

    def _finish(self, complete: bool) -> None:
        body, decoder = self._body, self._decoder
        self._body = self._decoder = None
        if body is None:
            return
        if isinstance(decoder, _Base64 | _Quoted) and not decoder.finish():
            self._report.count("mime: parts whose encoding is damaged")
            complete = False
        body.end(complete)

    def hole(self, size: int | None) -> None:
        """SIZE bytes are missing."""
        if self._state == HEADERS:
            self._let_go()
            self._state = BETWEEN
        else:
            self._out(bytes(self._held))
            self._held = bytearray()
        self._fresh = False
        if self._body is not None:
            if isinstance(self._decoder, _Base64 | _Quoted):
                self._decoder.finish()
                self._decoder = None
            self._body.hole(None)  # delimiters may be missing too, so nobody knows how much of it is

    def end(self, complete: bool) -> None:
        """That was all."""
        held = bytes(self._held)
        if self._state == HEADERS:
            self._let_go()
        elif held:
            self._held = bytearray()
            line = held.removeprefix(b"\r").removeprefix(b"\n")
            level = self._level(line) if self._fresh or line != held else None
            if level is None:
                self._out(held)
            else:
                self._ended(level, line)  # a last delimiter without a line break
        self._finish(complete and not self._stack)
        self._state = BETWEEN


def _decoder(encoding: str, body: Body) -> Sink:
    if encoding == "base64":
        return _Base64(body)
    return _Quoted(body) if encoding == "quoted-printable" else body


class _Base64:
    def __init__(self, body: Body) -> None:
        self._body, self._rest, self._done = body, b"", False
        self._whole = True

    def data(self, data: bytes | memoryview) -> None:
        """See Sink. What is no character of base64 counts for nothing (RFC 2045, 6.8)."""
        letters = self._rest + bytes(data).translate(None, _NO_BASE64)
        if self._done:
            self._whole &= not letters.strip(b"=")  # it should have ended before
            return
        if (end := letters.find(b"=")) >= 0:
            self._whole &= not letters[end:].strip(b"=")
            letters, self._done = letters[:end], True
        whole = len(letters) & ~3
        self._rest = letters[whole:]
        self._give(letters[:whole])
        if self._done:
            self.finish()

    def _give(self, letters: bytes) -> None:
        if letters:
            self._body.data(binascii.a2b_base64(letters))

    def finish(self) -> bool:
        """Give what is left; whether it was whole."""
        rest, self._rest = self._rest, b""
        if len(rest) > 1:
            self._give(rest + b"=" * (4 - len(rest)))
        self._whole &= len(rest) != 1
        return self._whole and (self._done or not rest)


class _Quoted:
    LONG = 64 << 10  # bytes of a line, which should have 76

    def __init__(self, body: Body) -> None:
        self._body, self._rest = body, b""

    def data(self, data: bytes | memoryview) -> None:
        """See Sink."""
        data = self._rest + bytes(data)
        end = data.rfind(b"\n") + 1
        if not end and len(data) > self.LONG:
            at = data.rfind(b"=", len(data) - 2)
            end = at if at >= 0 else len(data)
        self._rest = data[end:]
        if end:
            self._give(data[:end])

    def _give(self, data: bytes) -> None:
        if out := binascii.a2b_qp(data):
            self._body.data(out)

    def finish(self) -> bool:
        """Give what is left."""
        rest, self._rest = self._rest, b""
        if rest:
            self._give(rest)
        return True
