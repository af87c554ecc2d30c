"""HTTP: one row an exchange of request and response, or one a header."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from packetpig.loaders.contract.columns import Column, bag, boolean, double, integer, long, text
from packetpig.loaders.contract.loader import Job, Option
from packetpig.loaders.flows import messages
from packetpig.loaders.flows.streams import Said
from packetpig.loaders.kernels import slots
from packetpig.loaders.protocols.http1 import SEEN, SEEN_LINE, Message
from packetpig.loaders.protocols.texts import text as shown
from packetpig.loaders.protocols.web import Content, Conversations, Listener

FIELD = Option(
    "field",
    "one row a header of this name, in requests and responses, instead of one an exchange; *: of any name",
    schema=True,
)
HEADER = (text("name", "name of the header, as it was written"), text("value", "its value"))
NUMBER = integer("number", "which request of the session it is, from 1 on; null: a response without one")
EXCHANGE: tuple[Column, ...] = (
    text("method", "method of the request; null: the request is not there", repeated=True),
    text("host", "host that was asked: the header Host, else that of the target", repeated=True),
    text("uri", "target of the request, as it was written"),
    text("version", "of the response, else of the request, as Zeek has it: 0.9, 1.0, 1.1, 2", repeated=True),
    integer("status", "status of the final response; null: it is not there"),
    text("reason", "the words behind it", repeated=True),
    text("user_agent", "the program that asked, as it calls itself", repeated=True),
    text("referer", "where it was referred from"),
    text("content_type", "type of the response's body, as the server says", repeated=True),
    bag("request_headers", "headers of the request, in order, and its trailers", *HEADER),
    bag("response_headers", "headers of the response, likewise", *HEADER),
    long(
        "request_bytes",
        "body of the request: chunks taken apart and decompressed, missing bytes included; null: unknown",
        "bytes",
    ),
    long("response_bytes", "body of the response, likewise", "bytes"),
    double("duration", "from the first byte of the request to the last of the response", "seconds"),
    long("request_encoded_bytes", "body of the request as it was sent, still compressed, without chunks", "bytes"),
    long("response_encoded_bytes", "body of the response, likewise", "bytes"),
    NUMBER,
    boolean("complete", "all of the request and of the response is there"),
)
FIELDS: tuple[Column, ...] = (*HEADER, text("message", "request or response", repeated=True), NUMBER)


NAMED = {len(name): (name, column) for name, column in ((b"host", "host"), (b"referer", "referer"),
                                                        (b"user-agent", "user_agent"))}  # fmt: skip
_SHOWN: dict[tuple[bytes, bytes], tuple[str | None, str | None]] = {}


class Parser(messages.Following, Listener):
    """Rows of exchanges, or of headers."""

    services = frozenset({slots.HTTP})

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        self._field = job.options.get(FIELD.name, "").lower().encode()
        self.sizes = ("response_bytes" in self.columns, "request_bytes" in self.columns)
        self._web = Conversations.of(job)
        self._web.listen(self)

    def begin(self, run: Said) -> messages.State | None:
        """See messages.Following."""
        return None if run.datagram else self._web.session(run.session)

    def exchange(self, session: int, request: Message | None, response: Message | None) -> None:
        """See Listener."""
        if self._field:
            self._headers(session, request, response)
        else:
            first = request or response
            assert first is not None
            self.give(session, first.time, self._row(request, response))

    def _row(self, request: Message | None, response: Message | None) -> dict[str, Any]:
        columns = self.columns
        row: dict[str, Any] = {"complete": bool(request and response and request.complete and response.complete)}
        if request is not None:
            row["method"], row["uri"] = shown(request.method), shown(request.target)
            row["version"], row["number"] = shown((response or request).version), request.number
            row["request_encoded_bytes"], row["request_bytes"] = request.size, _size(request)
            for name, value in request.headers:
                named = NAMED.get(len(name))
                if named is not None and name.lower() == named[0]:
                    row.setdefault(named[1], shown(value))
            if not row.get("host"):
                row["host"] = shown(request.authority or _host(request.method, request.target))
            if "request_headers" in columns:
                row["request_headers"] = _pairs(request)
        if response is not None:
            row.setdefault("version", shown(response.version))
            row["status"], row["reason"] = response.status or None, shown(response.reason)
            row["response_encoded_bytes"], row["response_bytes"] = response.size, _size(response)
            if "content_type" in columns:
                row["content_type"] = shown(response.header(b"content-type"))
            if "response_headers" in columns:
                row["response_headers"] = _pairs(response)
            if request is not None:
                row["duration"] = max(0, response.end - request.time) / 1e9
        return row

    def _headers(self, session: int, *both: Message | None) -> None:
        number = both[0].number if both[0] else None
        for message in both:
            for name, value in message.headers if message else ():
                if self._field in (b"*", name.lower()):
                    assert message is not None
                    side = "request" if message.request else "response"
                    row = {"name": shown(name), "value": shown(value), "message": side, "number": number}
                    self.give(session, message.time, row)


def _size(message: Message) -> int | None:
    return message.body.size if isinstance(message.body, Content) else message.size


def _pairs(message: Message) -> list[tuple[str | None, str | None]]:
    return [_SHOWN.get(header) or _pair(header) for header in message.headers]


def _pair(header: tuple[bytes, bytes]) -> tuple[str | None, str | None]:
    """A header as text; most come again and again."""
    pair = shown(header[0]), shown(header[1])
    if len(header[0]) + len(header[1]) <= SEEN_LINE:
        if len(_SHOWN) >= SEEN:
            _SHOWN.clear()
        _SHOWN[header] = pair
    return pair


def _host(method: bytes, target: bytes) -> bytes | None:
    """The host in a target: of a proxy's request, or of CONNECT."""
    if method == b"CONNECT":
        return target.rpartition(b":")[0] or target
    _, scheme, rest = target.partition(b"://")
    return rest.partition(b"/")[0].rpartition(b"@")[2] or None if scheme else None


def columns(options: Mapping[str, str]) -> tuple[Column, ...]:
    """Columns beside the session's."""
    return FIELDS if options[FIELD.name] else EXCHANGE


LOADER = messages.loader(
    pig="HttpLoader",
    answers="one exchange over HTTP/1, or HTTP/2 in the clear: what was asked and answered; or one header (field=NAME)",
    parser=Parser,
    columns=columns,
    options=(FIELD,),
)
