"""HTTP/1.x and 0.9 as two sides said it: messages, their bodies as they come, and exchanges. Sources: RFC 9110, 9112.

A Conversation takes the runs of one session. It tells its Listener of the head of each message, gives body bytes to the
Body that the listener hung on the message, and tells of each exchange: a request and its final response, either of
which may be missing. Bodies are never kept; what is kept is bounded by HEAD and PENDING.

How long a body is (RFC 9112, 6.3): a transfer coding goes before Content-Length where both are there (counted, since
request smuggling lives on that); several different lengths, or one that is no number, make a request's end unknowable
and let a response last until the connection closes.
"""

from __future__ import annotations

import re
from collections import deque
from typing import TYPE_CHECKING, Protocol

from packetpig.loaders.contract.report import Report
from packetpig.loaders.flows.streams import Said
from packetpig.loaders.protocols.room import Room

if TYPE_CHECKING:
    from packetpig.loaders.protocols.http2 import Second

ROOM = 64 << 20  # bytes of heads that all conversations together may keep
HEAD = 256 << 10  # bytes: a longer head, or chunk line, is given up
MESSAGE = 400  # bytes that one takes beside its headers
PENDING = 8 << 20  # bytes of the heads of requests that wait for their responses, a session
FIRST = 64 << 10  # bytes of a message's first line
TRAILERS_MOST = 200  # headers, beyond which trailers are left out
LINE = 4096  # bytes of a line between chunks
DIGITS = 18  # of a length

_END = re.compile(rb"\n\r?\n")
_METHOD = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}")
_VERSION = re.compile(rb"[0-9.]{1,8}")
_RESPONSE = re.compile(rb"HTTP/(\d(?:\.\d)?) +(\d{3})(?: ([^\r\n]*))?\r?(?:\n|$)")
_REQUEST_AGAIN = re.compile(rb" HTTP/1\.[01]\r?\n[A-Za-z][A-Za-z-]*:")
_RESPONSE_AGAIN = re.compile(rb"HTTP/1\.[01] [1-5]\d\d(?: [^\r\n]{0,100})?\r?\n[A-Za-z][A-Za-z-]*:")
_SECOND = b"PRI * HTTP/2.0\r\n\r\n"  # what HTTP/2 begins with (RFC 9113, 3.4)
_SETTINGS = re.compile(rb"\0\0[\0-\x60]\x04\0{5}")  # the first frame of its servers
_TARGET = re.compile(rb"[A-Z]{3,20} [/h*]\S*$")

# what a side is at
START, LENGTH, CHUNK_SIZE, CHUNK, CHUNK_END, TRAILERS, UNTIL_CLOSE, TUNNEL, SKIP, LOST, SECOND = range(11)

Headers = list[tuple[bytes, bytes]]

SEEN, SEEN_LINE = 4096, 256  # header lines that are remembered, since most come again and again; bytes of one
_SEEN: dict[bytes, tuple[bytes, bytes]] = {}


class Body(Protocol):
    """Takes a body's bytes: without the framing of chunks, still compressed."""

    def data(self, data: bytes | memoryview) -> None:
        """More of it."""

    def hole(self, size: int | None) -> None:
        """SIZE bytes that nobody captured; None: nobody knows how many."""

    def end(self, complete: bool) -> None:
        """That was all; COMPLETE: all of it was there."""


class Listener(Protocol):
    """Is told what happens in conversations (web.py)."""

    def head(self, session: int, message: Message) -> None:
        """The head of MESSAGE is known: hang a Body on it if its bytes are wanted."""

    def exchange(self, session: int, request: Message | None, response: Message | None) -> None:
        """A request and its final response: at least one is there."""


class Message:
    """A request or a response.

    `time`, `began`, `end`: nanoseconds, of the first byte, of the first of the body, and once it is over of the last.
    `size`: bytes of body, without framing of chunks, holes included; `missing`: of these not captured. `complete`: all
    of it is there; `over`: no more will come. `number`: of the request in its connection, from 1 on. `headers`: with
    the trailers, once those are there. `answered_by`, `asked_by`: the message that belongs to it; the listener hears of
    both when both are over.
    """

    __slots__ = (
        "answered_by", "asked_by", "authority", "began", "body", "codings", "complete", "end", "given", "headers",
        "length", "method", "missing", "number", "over", "reason", "request", "size", "status", "target", "time",
        "transfer", "version", "weight",
    )  # fmt: skip

    def __init__(self, request: bool, time: int, version: bytes | None) -> None:
        self.request, self.time, self.version = request, time, version
        self.headers: Headers = []
        self.began = self.end = time
        self.weight = 0  # bytes of room that it has
        self.method = self.target = self.reason = b""
        self.authority = b""  # HTTP/2's host
        self.status = self.number = self.size = self.missing = 0
        self.complete, self.over = True, False
        self.given = False  # the listener has heard of it: nothing of it is kept any more
        self.body: Body | None = None
        self.length: int | None = None  # what Content-Length says
        self.transfer: list[bytes] = []  # transfer codings
        self.codings: list[bytes] = []  # content codings, in the order in which they were applied
        self.answered_by: Message | None = None
        self.asked_by: Message | None = None  # of a response: its request

    def header(self, name: bytes) -> bytes | None:
        """Value of the first header NAME (lower case)."""
        for one, value in self.headers:
            if one.lower() == name:
                return value
        return None


class Conversation:
    """One session. `session`: its serial number; `room`: for what is kept of heads, shared by conversations."""

    __slots__ = (
        "_counted", "_pending", "_second", "_waiting", "listener", "pipelines", "report", "room", "session", "sides",
    )  # fmt: skip

    def __init__(self, session: int, listener: Listener, report: Report, room: Room) -> None:
        self.session, self.listener, self.report, self.room = session, listener, report, room
        self.sides = (_Side(self), _Side(self))
        self._pending: deque[Message] = deque()
        self._waiting = 0
        self._counted = 0
        self._second: Second | None = None
        self.pipelines = False  # a request was sent before the one before it was answered

    def said(self, run: Said) -> None:
        """Take what one side said."""
        side = self.sides[run.side]
        if self._second is not None:
            self._second.said(run)
        elif run.data is None:
            side.hole(run.missing)
        else:
            side.data(run, run.data)

    def close(self, finished: tuple[bool, bool] = (False, False)) -> None:
        """The session is over: give what is left. FINISHED: which sides said that they had said all."""
        if self._second is not None:
            self._second.close()
        for side, whole in zip(self.sides, finished, strict=True):
            side.close(whole)
        while self._pending:
            self._unanswered(self._pending.popleft())

    def drop(self) -> None:
        """It is given up, and takes no room any more."""
        for side in self.sides:
            self._free(side.message, side.message and side.message.asked_by)
            side.forget()
        self._free(*self._pending)
        if self._second is not None:
            self._free(*self._second.messages())
            self._second.forget()

    def _free(self, *messages: Message | None) -> None:
        for one in messages:
            if one is not None:
                self.room.free(one.weight)
                one.weight = 0

    def keep(self, message: Message, headers: Headers, size: int) -> None:
        """Give a message more HEADERS, which with it take SIZE bytes: all, or none where there is no room."""
        weight = size + 150 * len(headers)
        if message.given:
            self.report.count("http: trailers of requests that were given before", len(headers))
        elif self.room.take(weight):
            message.weight += weight
            message.headers = message.headers + headers
        else:
            self.report.losses = True
            self.report.count("http: headers given up for want of memory", len(headers))

    def other(self, side: _Side) -> _Side:
        """The other side."""
        return self.sides[self.sides[0] is side]

    def asked(self, request: Message) -> None:
        """A request's head is known."""
        self._counted += 1
        request.number = self._counted
        if self._pending and all(side.state != LOST for side in self.sides):
            self.pipelines = True
        self._pending.append(request)
        self._waiting += request.weight
        if request.weight and self._waiting <= PENDING:
            return
        # no room is left, and which response answers which request will not be known any more
        self.report.losses = True
        self.report.count("http: requests given without response, too many waited", len(self._pending))
        while self._pending:
            self._unanswered(self._pending.popleft())
        for side in self.sides:
            if side.is_request is False:
                side.lost()

    def _unanswered(self, request: Message) -> None:
        self._waiting -= request.weight
        self._exchange(request, None)

    def second(self, client: _Side, skip: int, upgraded: Message | None = None) -> None:
        """From here on it is HTTP/2, of whose preface SKIP bytes are to come."""
        from packetpig.loaders.protocols.http2 import Second

        self._second = Second(self, self.sides.index(client), skip, upgraded)
        for side in self.sides:
            side.state = SECOND

    def go_on(self, run: Said, data: bytes, at: int) -> None:
        """The rest of a run, which is HTTP/2."""
        assert self._second is not None
        self._second.data(run, data, at)

    def given(self, request: Message | None, response: Message | None) -> None:
        """An exchange of HTTP/2."""
        self._exchange(request, response)

    def _exchange(self, request: Message | None, response: Message | None) -> None:
        self._free(request, response)
        for one in (request, response):
            if one is not None:
                one.given = True
        self.listener.exchange(self.session, request, response)

    def request_of(self, response: Message, again: bool) -> Message | None:
        """The request that a response answers. AGAIN: messages were missed before it."""
        pending = self._pending
        if again:
            # one that does not pipeline has seen the answers to all its requests but the last
            while len(pending) > 1 and not self.pipelines:
                self._unanswered(pending.popleft())
            if len(pending) > 1 or (pending and pending[0].time > response.time):
                while pending:
                    self._unanswered(pending.popleft())
        if not pending:
            return None
        request = pending[0]
        if 0 < response.status < 200 and response.status != 101:
            return request
        pending.popleft()
        self._waiting -= request.weight
        request.answered_by, response.asked_by = response, request
        return request

    def simple(self, method: bytes) -> bool:
        """Whether a line without a version can be a request of HTTP/0.9: it is the first, and looks like one."""
        return not self._counted and method.isupper() and len(method) > 2

    def waiting(self) -> Message | None:
        """The first request that waits for its response."""
        return self._pending[0] if self._pending else None

    def ended(self, message: Message) -> None:
        """A message is over."""
        message.over = True
        if message.body is not None:
            message.body.end(message.complete)
        request, response = (message, message.answered_by) if message.request else (message.asked_by, message)
        if response is not None and response.over and (request is None or request.over):
            if response.status >= 200 or response.status == 101 or not response.status:
                self._exchange(request, response)
            else:
                self._free(response)

    def tunnel(self) -> None:
        """From here on something else is spoken, or HTTP again."""
        self.pipelines = False
        for side in self.sides:
            if side.idle:
                side.state = TUNNEL


class _Side:
    """What one side says. `is_request`: whether it is the client; None until it has begun."""

    __slots__ = ("_again", "_head", "_left", "_message", "_time", "conversation", "is_request", "state")

    def __init__(self, conversation: Conversation) -> None:
        self.conversation = conversation
        self.is_request: bool | None = None
        self.state = START
        self._head = bytearray()
        self._time = 0
        self._left = 0
        self._message: Message | None = None
        self._again = False

    @property
    def message(self) -> Message | None:
        """That is being said."""
        return self._message

    @property
    def idle(self) -> bool:
        """Whether no message is being said."""
        return self._message is None and not self._head

    def _keep(self, data: bytes) -> bool:
        """Keep DATA of a head; False if that would be too much."""
        if len(self._head) + len(data) > HEAD or not self.conversation.room.take(len(data)):
            return False
        self._head += data
        return True

    def forget(self) -> bytes:
        """What was kept of a head; it is kept no more."""
        head = bytes(self._head)
        self._head.clear()
        self.conversation.room.free(len(head))
        return head

    def data(self, run: Said, data: bytes) -> None:
        """Take a run of bytes."""
        at, end = 0, len(data)
        while at < end:
            state = self.state
            if state in (LENGTH, CHUNK):
                at = self._body(run, data, at, min(end, at + self._left))
            elif state == START:
                at = self._start(run, data, at)
            elif state in (CHUNK_SIZE, CHUNK_END, TRAILERS):
                at = self._line(run, data, at)
            elif state == UNTIL_CLOSE:
                self._left = end
                at = self._body(run, data, at, end)
            elif state == TUNNEL:
                self._tunnel(data)
            elif state == LOST:
                at = self._search(data, at)
            elif state == SECOND:
                self.conversation.go_on(run, data, at)
                return
            else:
                return

    def _body(self, run: Said, data: bytes, at: int, end: int) -> int:
        message = self._message
        assert message is not None
        if not message.size and message.asked_by is None and data.startswith(b"HTTP/1.", at) and not message.request:
            self._finish()  # the request was missed; it must have been HEAD
            return at
        if not message.size:
            message.began = run.at(at)
        message.size += end - at
        self._left -= end - at
        if end == len(data) or (not self._left and self.state == LENGTH):
            message.end = run.at(end - 1)
        if message.body is not None:
            whole = at == 0 and end == len(data)
            message.body.data(data if whole else memoryview(data)[at:end])
        if not self._left:
            if self.state == LENGTH:
                self._finish()
            elif self.state == CHUNK:
                self.state = CHUNK_END
        return end

    # heads

    def _start(self, run: Said, data: bytes, at: int) -> int:
        head = self._head
        if head:
            before = len(head)
            kept = self._keep(data[at : at + HEAD - before])
            if found := _END.search(head, max(0, before - 2)):
                at += found.end() - before
                self._parse(run, self.forget()[: found.end()], at)
                return at
        else:
            while data[at] in b"\r\n":
                at += 1
                if at == len(data):
                    return at
            self._time = run.at(at)
            if data[at] == 0 and self.is_request is not True and _SETTINGS.match(data, at):
                client = self.conversation.other(self)
                self.conversation.second(client, len(_SECOND) + 6 - len(client.forget()))
                return at
            asked = self.conversation.waiting()
            if asked is not None and asked.version == b"0.9" and self.is_request is not True:
                return self._raw(at)
            if found := _END.search(data, at, at + HEAD):
                self._parse(run, data[at : found.end()], found.end())
                return found.end()
            kept = self._keep(data[at : at + HEAD])
        if not kept or len(head) == HEAD:
            self.conversation.report.count("http: heads given up, too long")
            self._partial()
        else:
            self._unfinished(run)
        return len(data)

    def _unfinished(self, run: Said) -> None:
        """A head without an end yet: whether it can become one."""
        head = self._head
        line = head.find(b"\n")
        if line < 0 and len(head) < FIRST:
            return
        text = bytes(head[: line + 1])
        request = None if text.startswith(b"HTTP/") else _request_line(text)
        if request is not None and not request[2]:  # HTTP/0.9: a line, and no head
            self.forget()
            self._parse(run, text, 0)
        elif request is None and not _RESPONSE.match(text):
            self.forget()
            self._no_start()

    def _raw(self, at: int) -> int:
        """What answers HTTP/0.9: a body, and no head."""
        self.is_request = False
        message = Message(False, self._time, b"0.9")
        self.conversation.request_of(message, self._again)
        self._begin(message, UNTIL_CLOSE)
        return at

    def _no_start(self) -> None:
        """What is no beginning of a message."""
        self.conversation.report.count("http: bytes that are no message where one was to begin")
        self.lost()

    def _partial(self) -> None:
        """A head whose rest is missing: what is known of it, then the search for the next message."""
        head = self.forget()
        self.state = LOST
        line = head.rfind(b"\n")
        if line > 0:
            message = self._message_of(head[: line + 1])
            if message is not None:
                message.complete = False
                self.conversation.listener.head(self.conversation.session, message)
                self.conversation.ended(message)
        self.lost()

    def _message_of(self, head: bytes) -> Message | None:
        """The message with this head, made known; None if it is none, or the wrong side's."""
        conversation = self.conversation
        headers: Headers = []
        first, _, rest = head.partition(b"\n")
        for line in rest.rstrip(b"\r\n").split(b"\n"):
            header = _SEEN.get(line)
            if header is not None:
                headers.append(header)
            else:
                self._header(line, headers)
        if response := _RESPONSE.match(first):
            if self.is_request is True:
                return None
            self.is_request = False
            message = Message(False, self._time, response[1])
            declared(message, headers)
            conversation.keep(message, headers, len(head) + MESSAGE)
            message.status, message.reason = int(response[2]), (response[3] or b"").strip()
            conversation.request_of(message, self._again)
        else:
            request = _request_line(first)
            if request is None or self.is_request is False:
                return None
            method, target, version = request
            if not version and not (target and conversation.simple(method)):
                return None
            self.is_request = True
            message = Message(True, self._time, version or b"0.9")
            message.method, message.target = method, target
            declared(message, headers)
            conversation.keep(message, headers, len(head) + MESSAGE)
            conversation.asked(message)
        self._again = False
        return message

    def _header(self, line: bytes, headers: Headers) -> None:
        """Add a line to HEADERS."""
        bare = line.rstrip(b"\r")
        if bare[:1] in (b" ", b"\t"):  # obsolete folding
            if headers:
                name, value = headers[-1]
                headers[-1] = name, value + b" " + bare.strip()
            return
        name, colon, value = bare.partition(b":")
        if colon:
            header = name.strip(), value.strip()
            headers.append(header)
            if len(line) <= SEEN_LINE:
                if len(_SEEN) >= SEEN:
                    _SEEN.clear()
                _SEEN[line] = header
        elif bare:
            self.conversation.report.count("http: header lines without a colon")

    def _parse(self, run: Said, head: bytes, end: int) -> None:
        if head == _SECOND:
            self.conversation.second(self, 6)
            return
        message = self._message_of(head)
        if message is None:
            self._no_start()
            return
        message.end = run.at(end - 1) if end else self._time
        state = self._state(message)
        if message.transfer:
            message.codings += [one for one in message.transfer if one not in (b"chunked", b"identity")]
        self._begin(message, state)

    def _state(self, message: Message) -> int:
        """How the body's end will be found."""
        report = self.conversation.report
        if not message.request:
            asked = message.asked_by
            status = message.status
            if status == 101 or (asked is not None and asked.method == b"CONNECT" and 200 <= status < 300):
                return TUNNEL
            if status < 200 or status == 204 or status == 304 or (asked is not None and asked.method == b"HEAD"):
                return START
        if message.transfer:
            if message.length is not None:
                report.count("http: messages with both Content-Length and Transfer-Encoding")
            if message.transfer[-1] == b"chunked":
                return CHUNK_SIZE
            if message.transfer != [b"identity"]:
                return LOST if message.request else UNTIL_CLOSE
        if message.length is None:
            return START if message.request else UNTIL_CLOSE
        if message.length < 0:
            report.count("http: messages whose Content-Length is no number, or several")
            return LOST if message.request else UNTIL_CLOSE
        self._left = message.length
        return LENGTH if message.length else START

    def _begin(self, message: Message, state: int) -> None:
        conversation = self.conversation
        self._message = message
        conversation.listener.head(conversation.session, message)
        if state == START:
            self._finish()
        elif state == TUNNEL:
            request = message.asked_by
            self._finish()
            if message.status == 101 and b"h2c" in _tokens(message.header(b"upgrade") or b""):
                conversation.second(conversation.other(self), len(_SECOND) + 6, request)
            else:
                conversation.tunnel()
        elif state == LOST:
            message.complete = False
            conversation.report.count("http: requests whose end cannot be known")
            self._finish()
            self.lost()
        else:
            self.state = state

    def _finish(self) -> None:
        message = self._message
        assert message is not None
        self._message = None
        self.state = START
        self.conversation.ended(message)

    # chunks

    def _line(self, run: Said, data: bytes, at: int) -> int:
        """A line between chunks."""
        end = data.find(b"\n", at) + 1
        if not end or self._head:
            if not self._keep(data[at : end or at + LINE + 1]) or len(self._head) > LINE:
                self._no_chunks()
                return at
            if not end:
                return len(data)
            line = self.forget().strip()
        else:
            line = data[at:end].strip()
        message = self._message
        assert message is not None
        if self.state == CHUNK_SIZE:
            digits = line.partition(b";")[0].strip()
            try:
                size = int(digits, 16) if len(digits) <= 15 and digits[:1] not in (b"+", b"-") else -1
            except ValueError:
                size = -1
            if size < 0:
                self._no_chunks()
                return at
            self._left = size
            self.state = CHUNK if size else TRAILERS
        elif self.state == CHUNK_END:
            if line:
                self._no_chunks()
                return at
            self.state = CHUNK_SIZE
        elif not line:
            message.end = run.at(end - 1)
            self._finish()
        elif len(message.headers) < TRAILERS_MOST:
            name, _, value = line.partition(b":")
            self.conversation.keep(message, [(name.strip(), value.strip())], len(line))
        else:
            self.conversation.report.count("http: trailers left out, too many")
        return end

    def _no_chunks(self) -> None:
        self.conversation.report.count("http: bodies whose chunks cannot be understood")
        self._abort()

    def _abort(self) -> None:
        """The message cannot be followed any more."""
        message = self._message
        if message is not None:
            message.complete = False
            self._finish()
        self.lost()

    # what is missing, and what follows

    def hole(self, size: int) -> None:
        """SIZE bytes are missing."""
        message, state = self._message, self.state
        if state in (TUNNEL, SKIP, LOST):
            return
        if message is not None and state in (LENGTH, CHUNK, UNTIL_CLOSE):
            taken = size if state == UNTIL_CLOSE else min(size, self._left)
            message.size += taken
            message.missing += taken
            message.complete = False
            if message.body is not None:
                message.body.hole(taken)
            if state == UNTIL_CLOSE:
                return
            self._left -= taken
            if not self._left:
                if state == LENGTH:
                    self._finish()
                else:
                    self.state = CHUNK_END
            size -= taken
            if not size:
                return
        if self._message is not None:
            self._abort()
        elif self._head:
            self._partial()
        else:
            self.lost()

    def lost(self) -> None:
        """Where the next message begins is not known."""
        self.forget()
        self.state = LOST
        self._again = True

    def _search(self, data: bytes, at: int) -> int:
        """Look for the beginning of a message: its first line and a header."""
        found = -1
        if self.is_request is not True and (response := _RESPONSE_AGAIN.search(data, at)):
            found = response.start()
        elif self.is_request is not False:
            for request in _REQUEST_AGAIN.finditer(data, at):
                begin = max(at, request.start() - (8 << 10))
                line = max(data.rfind(b"\n", begin, request.start()) + 1, begin)
                if method := _TARGET.search(data[line : request.start()]):
                    found = line + method.start()
                    break
        if found < 0:
            return len(data)
        self.conversation.report.count("http: messages found again after what was missing")
        self.state = START
        return found

    def _tunnel(self, data: bytes) -> None:
        line = data[: data.find(b"\n") + 1]
        request = _request_line(line)
        spoken = _RESPONSE.match(line) if self.is_request is False else request and request[2]
        self.state = START if spoken else SKIP

    def close(self, finished: bool) -> None:
        """Nothing more will come. FINISHED: it said that this was all."""
        message = self._message
        if message is not None:
            if self.state != UNTIL_CLOSE or not finished:
                message.complete = False
            self.forget()
            self._finish()
        elif self._head:
            self._partial()


def _request_line(line: bytes) -> tuple[bytes, bytes, bytes] | None:
    """Method, target and version of a request's first line; the last two may be missing."""
    method, _, rest = line.rstrip(b"\r\n").partition(b" ")
    if not _METHOD.fullmatch(method):
        return None
    rest = rest.strip(b" ")
    at = rest.rfind(b"HTTP/")
    if at < 0 or (at and rest[at - 1] != 32) or not _VERSION.fullmatch(rest, at + 5):
        return method, rest, b""
    return method, rest[:at].rstrip(b" "), rest[at + 5 :]


def declared(message: Message, headers: Headers) -> None:
    """Note what the HEADERS of a MESSAGE say of its body, whether there is room to keep them or not."""
    for name, value in headers:
        size = len(name)
        if size == 14 and name.lower() == b"content-length":
            for one in value.split(b","):
                one = one.strip()
                number = int(one) if one.isdigit() and len(one) <= DIGITS else -1
                message.length = number if message.length in (None, number) else -1
        elif size == 17 and name.lower() == b"transfer-encoding":
            message.transfer += _tokens(value)
        elif size == 16 and name.lower() == b"content-encoding":
            message.codings += _tokens(value)


def _tokens(value: bytes) -> list[bytes]:
    """Tokens of a list, in lower case."""
    return [one for token in value.split(b",") if (one := token.partition(b";")[0].strip().lower())]
