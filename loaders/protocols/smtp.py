"""SMTP: the messages that a client sends, by DATA and BDAT (RFC 5321, 3030)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from packetpig.loaders.flows.streams import Said
from packetpig.loaders.protocols.lines import Lines, reply

END = b"\r\n.\r\n"
COMMANDS, ASKED, TEXT, CHUNK, CLOSED = range(5)


class Mail(Protocol):
    """Takes a message as it was before it was sent: its lines' extra dots are gone."""

    def data(self, data: bytes) -> None:
        """More of it."""

    def hole(self, size: int | None) -> None:
        """Bytes are missing."""

    def end(self, complete: bool) -> None:
        """That was all."""


class Delivery:
    """One SMTP session. BEGUN is asked for a Mail when a message begins, at a time in nanoseconds."""

    def __init__(self, begun: Callable[[int], Mail]) -> None:
        self._begun = begun
        self._lines = (Lines(), Lines())
        self._server: int | None = None
        self.state = COMMANDS
        self._mail: Mail | None = None
        self._tail = b""  # may be the beginning of the end of DATA
        self._left = 0  # of a chunk
        self._last = False
        self._secret = False  # STARTTLS was asked for
        self._fresh = True  # nothing of the message was passed on yet
        self._gap = False  # some of it is missing

    def said(self, run: Said) -> None:
        """Take what one side said."""
        if self.state == CLOSED:
            return
        if run.data is None:
            self._hole(run)
            return
        if self._server is None and not self._sides(run):
            return
        if run.side == self._server:
            for line, _ in self._lines[run.side].of(run.data):
                self._reply(line)
            return
        self._client(run, run.data)

    def _sides(self, run: Said) -> bool:
        data = run.data or b""
        if data[:3].isdigit() and data[3:4] in (b" ", b"-", b"\r"):
            self._server = run.side
        elif data[:4].isalpha():
            self._server = 1 - run.side
        return self._server is not None

    def _reply(self, line: bytes) -> None:
        said = reply(line)
        if said is None:
            return
        if self._secret and said[0] == 220:
            self.state = CLOSED  # what follows is encrypted
        self._secret = False
        if self.state == ASKED and said[0] >= 400:
            self.state = COMMANDS
        elif self.state == TEXT and self._gap and said[0] != 354:
            self.state = COMMANDS  # the end of the message was missing
            self._end(False)

    def _client(self, run: Said, data: bytes) -> None:
        at = 0
        while at < len(data) and self.state != CLOSED:
            if self.state == ASKED:
                self._mail, self.state, self._tail = self._begun(run.at(at)), TEXT, b"\r\n"
            if self.state == TEXT:
                at = self._text(data, at)
            elif self.state == CHUNK:
                at = self._chunk(run, data, at)
            else:
                at = self._commands(run, data, at)

    def _commands(self, run: Said, data: bytes, at: int) -> int:
        lines = self._lines[run.side]
        for line, end in lines.of(data, at):
            word, _, words = line.partition(b" ")
            word = word.upper()
            if word == b"DATA":
                lines.clear()
                self.state = ASKED
                return end
            if word == b"BDAT" and (parts := words.upper().split()) and parts[0].isdigit() and len(parts[0]) < 18:
                lines.clear()
                self._left, self._last, self.state = int(parts[0]), parts[1:2] == [b"LAST"], CHUNK
                if not self._left:
                    self._chunk(run, data, end)
                return end
            if word == b"STARTTLS":
                self._secret = True
            elif word in (b"RSET", b"MAIL", b"QUIT"):
                self._end(False)
        return len(data)

    def _text(self, data: bytes, at: int) -> int:
        """Text up to the line that is a dot."""
        tail = self._tail
        near = tail + data[at : at + 5]
        if (end := near.find(END)) >= 0:
            text, at = near[: end + 2], at + end + 5 - len(tail)
        elif (end := data.find(END, at)) >= 0:
            text, at = tail + data[at : end + 2], end + 5
        else:
            text = tail + data[at:]
            keep = next((len(one) for one in (b"\r\n.\r", b"\r\n.", b"\r\n", b"\r") if text.endswith(one)), 0)
            self._tail = text[len(text) - keep :]
            self._pass(text[: len(text) - keep])
            return len(data)
        self._tail = b""
        self._pass(text)
        self.state = COMMANDS
        self._end(True)
        return at

    def _pass(self, text: bytes) -> None:
        if not text or self._mail is None:
            return
        text = text.replace(b"\r\n..", b"\r\n.")
        if self._fresh:
            text, self._fresh = text[2:], False  # the line break that was put before the first line
        if text:
            self._mail.data(text)

    def _chunk(self, run: Said, data: bytes, at: int) -> int:
        if self._mail is None:
            self._mail = self._begun(run.at(min(at, len(data) - 1)))
        size = min(self._left, len(data) - at)
        if size:
            self._mail.data(data[at : at + size])
        self._left -= size
        if not self._left:
            self.state = COMMANDS
            if self._last:
                self._end(True)
        return at + size

    def _hole(self, run: Said) -> None:
        if self._server is None or run.side == self._server:
            self._lines[run.side].hole()
            return
        self._pass(self._tail)
        self._tail, self._fresh = b"", False
        if self._mail is not None:
            self._mail.hole(run.missing)
            self._gap = True
        if self.state == CHUNK and run.missing < self._left:
            self._left -= run.missing
        elif self.state == CHUNK or self.state == COMMANDS:
            self._lines[run.side].hole()
            self.state = COMMANDS
            self._end(False)
        elif self.state == ASKED:
            self.state = COMMANDS  # where the message begins is missing

    def _end(self, complete: bool) -> None:
        mail, self._mail = self._mail, None
        self._fresh, self._gap = True, False
        if mail is not None:
            mail.end(complete)

    def close(self, finished: tuple[bool, bool]) -> None:
        """The session is over."""
        if self.state == TEXT:
            self._pass(self._tail)
        self._end(False)
