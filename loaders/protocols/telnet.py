"""Telnet: text without its commands (RFC 854, 855), and the names and secrets that prompts ask for.

No rule says where a login is. A prompt is the end of the server's line, as it stands when the client begins to type;
what is typed up to Enter is the answer. So it does not matter whether the server echoes it, or how it was cut into
packets.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from packetpig.loaders.flows.streams import Said

IAC, DONT, SB, SE = 255, 254, 250, 240
ENVIRONMENT, ENCRYPT, START_TLS = 39, 38, 46  # RFC 1572, RFC 2946, and Telnet's STARTTLS
LINE = 512  # bytes of a line that are looked at
OPTION = 512  # bytes of a sub-negotiation
AHEAD = 4  # lines that a client may type before it is asked
ANSWER = 256  # bytes of what a server says first after a secret
NAME, SECRET = 1, 2
_CONTROL = re.compile(rb"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[^\[]|\0")
_NAME = re.compile(rb"\b(?:(?<!last )log ?in|user ?name|user ?id|user|account)(?:\b[^:\n]{0,32}:|>) *$", re.I)
_SECRET = re.compile(rb"\bpass(?:wor[dt]|wd|code|phrase)?(?:\b[^:\n]{0,64}:|>) *$", re.I)
_ASKED = re.compile(_NAME.pattern[:-3] + rb"|" + _SECRET.pattern[:-3], re.I)  # in what was said since, not only last
_WELCOME = re.compile(rb"last (?:\w+ )?login\b", re.I)
_NO = re.compile(rb"incorrect|invalid|fail|denied|refused|bad (?:pass|secret|login)|unknown user|wrong|sorry", re.I)
_SHELL = re.compile(rb"[$#%>] ?$")
_KEYS = re.compile(rb"[^\r\n\x08\x7f\x15\x03]+|.", re.S)

Sent = Callable[[int, bytes | None, bytes, bool | None], None]
"""Takes time (nanoseconds), name, secret, whether it was taken (None: nobody knows)."""


class Text:
    """The bytes of one side without commands and options. `over`: what follows is encrypted."""

    __slots__ = ("_option", "_state", "environment", "over")

    def __init__(self) -> None:
        self._state = 0  # the command of which the end is awaited; 0: text
        self._option = bytearray()
        self.environment = b""  # what a client says of its environment
        self.over = False

    def of(self, data: bytes) -> list[tuple[int, bytes]]:
        """Where in DATA each piece of text ends, and the piece."""
        if not self._state and IAC not in data:
            return [(len(data), data)]
        found, at = [], 0
        while at < len(data) and not self.over:
            if not self._state:
                end = data.find(IAC, at)
                end = len(data) if end < 0 else end
                if end > at:
                    found.append((end, data[at:end]))
                if end < len(data):
                    self._state = IAC
                at = end + 1
                continue
            byte = data[at]
            at += 1
            if self._command(byte):
                found.append((at, b"\xff"))
        return found

    def _command(self, byte: int) -> bool:
        """A byte of a command; whether it was one of the text after all."""
        state = self._state
        if state == IAC:
            self._state = byte if SB <= byte <= DONT else 0
            self._option.clear()
            return byte == IAC
        if state == SB:
            if byte == IAC:
                self._state = SE  # or an escaped byte
            elif len(self._option) < OPTION:
                self._option.append(byte)
        elif state == SE:
            self._state = SB if byte == IAC else 0
            if byte == IAC:
                self._option.append(byte)
            else:
                self._negotiated(bytes(self._option))
        else:
            self._state = 0  # WILL, WONT, DO, DONT and their option
        return False

    def _negotiated(self, option: bytes) -> None:
        if option[:1] == bytes([ENVIRONMENT]) and option[1:2] in (b"\0", b"\2"):  # IS, INFO
            self.environment = option[2:]
        elif (option[0:1], option[1:2]) in ((bytes([ENCRYPT]), b"\3"), (bytes([START_TLS]), b"\1")):  # START, FOLLOWS
            self.over = True

    def hole(self) -> None:
        """Bytes are missing."""
        self._state = 0


class Logins:
    """A session of Telnet, and the names and secrets in it, which SENT is told. SERVER: the side that is one."""

    def __init__(self, server: int, sent: Sent) -> None:
        self._server, self._sent = server, sent
        self._texts = (Text(), Text())
        self._line = b""  # the server's, so far
        self._spoken = False  # the server said something since the client's last line
        self._typed: bytearray | None = None  # the client's line, once it has begun
        self._asks = 0  # what that line answers
        self._spoilt = self._return = False
        self._ahead: list[tuple[int, bytes]] = []
        self._user: bytes | None = None
        self._asked: tuple[int, bytes | None, bytes] | None = None  # waits to be answered
        self._answer = b""

    def said(self, run: Said) -> None:
        """Take what one side said."""
        text = self._texts[run.side]
        if run.data is None:
            self._hole(run.side)
        elif not (self._texts[0].over or self._texts[1].over):
            for end, piece in text.of(run.data):
                if run.side == self._server:
                    self._shown(piece)
                else:
                    self._keys(piece, run, end - len(piece))

    def _hole(self, side: int) -> None:
        self._texts[side].hole()
        self._ahead.clear()
        if side == self._server:
            self._line = b""
        elif self._typed is not None:
            self._spoilt = True
        else:
            self._typed, self._spoilt = bytearray(), True

    def _shown(self, data: bytes) -> None:
        """What the server shows."""
        self._spoken = True
        shown = _CONTROL.sub(b"", data).replace(b"\r", b"\n")
        while self._ahead and (found := _ASKED.search(lines := self._line + shown)):
            end = found.end() - len(self._line)
            self._show(shown[:end] if end > 0 else b"")
            shown = shown[max(end, 0) :]
            self._line = lines[: found.end()][-LINE:]
            self._taken(self._prompt(), *self._ahead.pop(0))
        self._show(shown)

    def _show(self, shown: bytes) -> None:
        if self._asked is not None and len(self._answer) < ANSWER:
            self._answer = (self._answer + shown).lstrip(b"\n")[:ANSWER]
        lines = self._line + shown
        self._line = lines[lines.rfind(b"\n") + 1 :][-LINE:]

    def _prompt(self) -> int:
        if _SECRET.search(self._line):
            return SECRET
        return NAME if _NAME.search(self._line) else 0

    def _keys(self, data: bytes, run: Said, at: int) -> None:
        """What the client types."""
        for key in _KEYS.finditer(data):
            some = key[0]
            if self._return:
                self._return = False
                some = some[1:] if some[0] in (0, 10) else some
                if not some:
                    continue
            if self._typed is None:
                self._begin()
            typed = self._typed
            assert typed is not None
            if some in (b"\r", b"\n"):
                self._enter(run.at(at + key.start()))
                self._return = some == b"\r"
            elif some in (b"\x08", b"\x7f"):
                del typed[-1:]
            elif some in (b"\x15", b"\x03"):  # ^U, ^C
                typed.clear()
            else:
                typed += some[: LINE - len(typed)]

    def _begin(self) -> None:
        self._typed, self._asks = bytearray(), self._prompt()
        self._judge()
        if self._spoken and not self._asks:
            self._ahead.clear()

    def _enter(self, time: int) -> None:
        line, self._typed = bytes(self._typed or b""), None
        spoilt, self._spoilt = self._spoilt, False
        spoken, self._spoken = self._spoken, False
        if not spoilt and self._asks:
            self._taken(self._asks, time, line)
        elif not spoilt and not spoken and len(self._ahead) < AHEAD:
            self._ahead.append((time, line))
        self._line = b""

    def _taken(self, asks: int, time: int, line: bytes) -> None:
        """LINE answers a prompt."""
        self._judge()
        self._line = b""
        if asks == NAME:
            self._user = line or None
        else:
            user = self._user or _environment(self._texts[1 - self._server].environment)
            self._asked, self._answer = (time, user, line), b""

    def _judge(self) -> None:
        """Whether the server took the last secret: it goes on, says no, or asks again. The client's turn has come."""
        if self._asked is None:
            return
        asked, self._asked = self._asked, None
        first = b"\n".join([line for line in self._answer.split(b"\n") if line.strip()][:2])
        accepted: bool | None = None
        if _WELCOME.search(first):
            accepted = True
        elif _NO.search(first) or self._prompt():
            accepted = False
        elif _SHELL.search(self._line):
            accepted = True
        if accepted:
            # of a secret that is asked for later nobody knows whose it is
            self._user, self._texts[1 - self._server].environment = None, b""
        self._sent(*asked, accepted)

    def close(self, finished: tuple[bool, bool]) -> None:
        """The session is over."""
        self._judge()


def _environment(said: bytes) -> bytes | None:
    """The USER of a client's environment (RFC 1572: 0 or 3 and a name, 1 and its value)."""
    found = re.search(rb"[\x00\x03]USER\x01([^\x00-\x03]+)", said)
    return found[1] if found else None
