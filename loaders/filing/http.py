"""Files in bodies of HTTP: whole ones, parts of multiparts, ranges put together."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote_to_bytes

from packetpig.loaders.filing.file import File, Filing
from packetpig.loaders.filing.ranges import SCRATCH, Assembly, Waiting
from packetpig.loaders.flows.expecting import endpoint, sensor
from packetpig.loaders.protocols import mime
from packetpig.loaders.protocols.blame import Blame
from packetpig.loaders.protocols.http1 import Body, Message
from packetpig.loaders.protocols.room import Room
from packetpig.loaders.protocols.texts import text
from packetpig.loaders.protocols.web import Conversations, Listener

ASSEMBLIES = 1024  # files that are put together at once
_RANGE = re.compile(r"bytes[ =]+(\d{1,18})-(\d{1,18})/(\d{1,18}|\*)$")
_BOUNDARY = re.compile(rb'multipart/[^;]*;.*?boundary *= *(?:"([^"]{1,256})"|([^";, ]{1,256}))', re.I | re.S)
Range = tuple[int, int, int | None]  # first byte, last, of how many


class Web(Listener):
    """Listens to CONVERSATIONS over HTTP for files."""

    opens, blame = True, Blame("files")

    def __init__(self, filing: Filing, conversations: Conversations, protocol: str = "http") -> None:
        self._filing, self._conversations, self._protocol = filing, conversations, protocol
        self._heads = Room(mime.ROOM)
        self._waiting = Waiting(SCRATCH)
        self._assemblies: dict[Any, Assembly] = {}
        self._of_session: dict[int, set[Any]] = {}
        self._sessions: dict[Any, dict[int, None]] = {}  # that have part in a file
        self._totals: dict[Any, int | None] = {}

    def open(self, session: int, message: Message) -> Body:
        """What takes the body of a MESSAGE, without its codings."""
        kind = said = ranges = None
        for header, value in message.headers:
            size = len(header)
            if size == 12 and kind is None and header.lower() == b"content-type":
                kind = value
            elif size == 13 and ranges is None and header.lower() == b"content-range":
                ranges = value
            elif size == 19 and said is None and header.lower() == b"content-disposition":
                said = value
        if kind and kind[:10].lower() == b"multipart/" and (boundary := _BOUNDARY.match(kind)):
            return mime.Reader(
                lambda part: self._part(session, message, part), self._filing.report, self._heads,
                (boundary[1] or boundary[2]).strip(),
            )  # fmt: skip
        name = _name(message, said)
        if ranges and (given := _range(ranges)):
            return self._ranged(session, message, given, name, text(kind))
        length = message.length
        if message.codings or message.transfer or (length is not None and length < 0):
            length = None
        return self._file(session, message, name, text(kind), length)

    def _file(
        self, session: int, message: Message, name: str | None, kind: str | None, length: int | None = None
    ) -> File:
        direction = "to_server" if message.request else "to_client"
        row = {"protocol": self._protocol, "direction": direction, "name": name, "content_type": kind or None}
        return File(self._filing, session, message.began, row, length)

    def _part(self, session: int, message: Message, part: mime.Part) -> Body | None:
        kind = part.header("content-type")
        if given := _range((part.header("content-range") or "").encode("ascii", "replace")):
            said = message.header(b"content-disposition")
            return self._ranged(session, message, given, _name(message, said), kind)
        if part.disposition == "form-data" and part.filename is None:
            return None  # a field
        return self._file(session, message, part.filename, kind)

    # ranges

    def _ranged(self, session: int, message: Message, given: Range, name: str | None, kind: str | None) -> Body:
        first, last, total = given
        if total is not None and not (first <= last < total):
            return self._file(session, message, name, kind)
        request = message if message.request else message.asked_by
        run = self._conversations.run
        assert run is not None
        key = (
            message.request, sensor(run.packet), endpoint(run.packet, 0)[0], endpoint(run.packet, 1)[0], total,
            request and (request.header(b"host") or request.authority, request.target),
            message.header(b"etag") or message.header(b"last-modified"),
            session if request is None else None,
        )  # fmt: skip
        assembly = self._assemblies.get(key)
        if assembly is None:
            if len(self._assemblies) >= ASSEMBLIES:
                self._filing.report.losses = True
                self._filing.report.count("files in ranges given before all ranges were there, too many at once")
                self._finish(next(iter(self._assemblies)))
            assembly = Assembly(self._file(session, message, name, kind, total), self._waiting, self._filing.report)
            self._assemblies[key], self._totals[key], self._sessions[key] = assembly, total, {}
        self._sessions[key][session] = None
        self._of_session.setdefault(session, set()).add(key)
        return _Range(self, key, assembly, first, last)

    def moved(self, key: Any) -> None:
        """More of a file came: whether that is all."""
        total = self._totals.get(key)
        if total is not None and self._assemblies[key].at >= total:
            self._finish(key)

    def _finish(self, key: Any) -> None:
        sessions = self._sessions.pop(key)
        for session in sessions:
            self._of_session[session].discard(key)
        assembly = self._assemblies.pop(key)
        assembly.file.session = next(iter(sessions))
        assembly.end(self._totals.pop(key), closed=False)

    def gone(self, session: int) -> None:
        """See Listener. Files that only this session had part in are over."""
        for key in sorted(self._of_session.pop(session, ()), key=lambda one: self._assemblies[one].file.time):
            sessions = self._sessions[key]
            if len(sessions) == 1:
                self._of_session[session] = {key}
                self._finish(key)
                del self._of_session[session]
            else:
                del sessions[session]


class _Range:
    """A Body that is a range of a file."""

    def __init__(self, web: Web, key: Any, assembly: Assembly, first: int, last: int) -> None:
        self._web, self._key, self._assembly, self._at, self._last = web, key, assembly, first, last

    def data(self, data: bytes | memoryview) -> None:
        """See Body."""
        data = data[: max(0, self._last + 1 - self._at)]
        if data and not self._assembly.file.ended:
            self._assembly.put(self._at, data)
            self._at += len(data)

    def hole(self, size: int | None) -> None:
        """See Body."""
        self._at = self._last + 1 if size is None else self._at + size

    def end(self, complete: bool) -> None:
        """See Body."""
        if not self._assembly.file.ended:
            self._web.moved(self._key)


def _range(value: bytes | None) -> Range | None:
    found = _RANGE.match((value or b"").decode("ascii", "replace").strip().lower())
    if not found or int(found[1]) > int(found[2]):
        return None
    return int(found[1]), int(found[2]), None if found[3] == "*" else int(found[3])


def _name(message: Message, said: bytes | None) -> str | None:
    """Name of a file: what Content-Disposition has SAID, else the end of the target's path."""
    if said and (name := mime.disposition(said)):
        return name
    request = message if message.request else message.asked_by
    if request is None:
        return None
    target = request.target
    if target[:1] != b"/" and b"://" in target[:12]:
        target = target.partition(b"://")[2].partition(b"/")[2]
    path = target.partition(b"?")[0].partition(b"#")[0].rpartition(b"/")[2]
    return text(unquote_to_bytes(path) if b"%" in path else path) or None
