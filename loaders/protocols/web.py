"""Conversations over HTTP of a job's sessions: parsed once, and their bodies unpacked once, for all who listen."""

from __future__ import annotations

from packetpig.loaders.contract.loader import Job
from packetpig.loaders.contract.report import Report
from packetpig.loaders.flows.streams import Said
from packetpig.loaders.protocols.blame import Blame
from packetpig.loaders.protocols.codings import LAYERS, CodingError, Unpacker, known
from packetpig.loaders.protocols.http1 import ROOM, Body, Conversation, Message
from packetpig.loaders.protocols.room import Room

HTTP = Blame("http")


class Listener:
    """Is told what happens in conversations.

    `blame`: whose fault its errors are. `sizes`: whether it wants to know how large bodies are without their codings,
    of responses and of requests. `opens`: it takes bodies.
    """

    blame = HTTP
    sizes = (False, False)
    opens = False

    def open(self, session: int, message: Message) -> Body:
        """What takes the body of a MESSAGE, without its codings; asked for once there is a first byte."""
        raise NotImplementedError

    def exchange(self, session: int, request: Message | None, response: Message | None) -> None:
        """A request and its final response: at least one is there."""

    def gone(self, session: int) -> None:
        """A session is over, and all of its exchanges were told."""


class Content:
    """A body on its way out of its codings, to what LISTENER opens for it, if anybody does."""

    __slots__ = (
        "_blame",
        "_coded",
        "_damaged",
        "_listener",
        "_message",
        "_report",
        "_session",
        "_sink",
        "_size",
        "_unpacker",
    )

    def __init__(
        self, session: int, message: Message, codings: list[bytes], listener: Listener | None, report: Report
    ) -> None:
        self._session, self._message, self._listener, self._report = session, message, listener, report
        self._blame = listener.blame if listener else HTTP
        self._sink: Body | None = None
        self._coded = bool(codings)
        self._unpacker = Unpacker(codings, self._out) if codings else None
        self._damaged = False
        self._size: int | None = None

    @property
    def size(self) -> int | None:
        """Bytes that came out, of those without codings also what is missing; None: it cannot be known."""
        return self._size if self._coded else self._message.size

    def _opened(self) -> Body | None:
        if self._sink is None and self._listener is not None:
            with self._blame:
                self._sink = self._listener.open(self._session, self._message)
        return self._sink

    def _out(self, data: bytes | memoryview) -> None:
        sink = self._sink or self._opened()
        if sink is not None:
            with self._blame:
                sink.data(data)

    def data(self, data: bytes | memoryview) -> None:
        """See Body."""
        if self._unpacker is None:
            if not self._coded:
                self._out(data)
            return
        try:
            self._unpacker.data(data)
        except CodingError:
            self._report.count("http: bodies that cannot be decompressed")
            self._break()

    def _break(self) -> None:
        """What comes from here on cannot be known."""
        self._unpacker = None
        self._damaged = True
        if sink := self._opened():
            with self._blame:
                sink.hole(None)

    def hole(self, size: int | None) -> None:
        """See Body."""
        if self._coded:
            self._break()
        elif sink := self._opened():
            with self._blame:
                sink.hole(size)

    def end(self, complete: bool) -> None:
        """See Body."""
        if self._unpacker is not None:
            self._size, complete = self._unpacker.size, complete and self._unpacker.whole
            self._unpacker = None
        sink = self._sink
        if sink is None:
            return
        with self._blame:
            if not complete and not self._damaged and (self._coded or self._message.transfer):
                sink.hole(None)
            sink.end(complete)


class Conversations:
    """Those of a job. Every parser that wants them hands each run to them; the first of these counts.

    `run`: what is being said now.
    """

    def __init__(self, report: Report) -> None:
        self._report, self._room = report, Room(ROOM)
        self._listeners: list[Listener] = []
        self._opener: Listener | None = None
        self._sizes = [False, False]
        self._conversations: dict[int, Conversation] = {}
        self.run: Said | None = None

    @classmethod
    def of(cls, job: Job) -> Conversations:
        """Those of a JOB, which all parsers of one decode share."""
        found = job.shared.setdefault("http", None) or cls(job.report)
        job.shared["http"] = found
        assert isinstance(found, cls)
        return found

    def listen(self, listener: Listener) -> None:
        """Tell LISTENER too. One at most may open bodies."""
        self._listeners.append(listener)
        if listener.opens:
            assert self._opener is None
            self._opener = listener
        self._sizes = [any(one.sizes[side] for one in self._listeners) for side in (0, 1)]

    def session(self, session: int) -> Part:
        """What a parser keeps of a session."""
        return Part(self, session)

    def said(self, run: Said) -> None:
        """Take what one side said."""
        if run is self.run:
            return
        self.run = run
        session = run.session
        conversation = self._conversations.get(session)
        if conversation is None:
            conversation = self._conversations[session] = Conversation(session, self, self._report, self._room)
        try:
            with HTTP:
                conversation.said(run)
        except BaseException:
            del self._conversations[session]  # it is in no state to go on
            conversation.drop()
            raise

    def close(self, session: int, finished: tuple[bool, bool]) -> None:
        """A session is over."""
        conversation = self._conversations.pop(session, None)
        if conversation is not None:
            with HTTP:
                conversation.close(finished)
        for one in self._listeners:
            with one.blame:
                one.gone(session)

    def head(self, session: int, message: Message) -> None:
        """See http1.Listener."""
        if not message.request and message.status < 200:
            return
        codings = known(message.codings) if message.codings else message.codings
        if len(message.codings) > LAYERS and not codings:
            self._report.count("http: bodies with more codings than are believed, left as they are")
        if self._opener or (codings and self._sizes[message.request]):
            message.body = Content(session, message, codings, self._opener, self._report)

    def exchange(self, session: int, request: Message | None, response: Message | None) -> None:
        """See http1.Listener."""
        for one in self._listeners:
            with one.blame:
                one.exchange(session, request, response)


class Part:
    """A session as a parser keeps it; see messages.State."""

    __slots__ = ("_conversations", "_session")

    def __init__(self, conversations: Conversations, session: int) -> None:
        self._conversations, self._session = conversations, session

    def said(self, run: Said) -> None:
        """Take what one side said."""
        self._conversations.said(run)

    def close(self, finished: tuple[bool, bool]) -> None:
        """The session is over."""
        self._conversations.close(self._session, finished)
