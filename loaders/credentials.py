"""Credentials that were sent in the clear: FTP, SMTP, POP3, IMAP, Telnet, and HTTP Basic; one row each."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import replace
from functools import partial

from packetpig.loaders.contract.columns import boolean, text
from packetpig.loaders.contract.loader import Job
from packetpig.loaders.flows import messages
from packetpig.loaders.flows.streams import Said
from packetpig.loaders.kernels import slots
from packetpig.loaders.protocols.blame import Blame
from packetpig.loaders.protocols.http1 import Message
from packetpig.loaders.protocols.lines import Lines
from packetpig.loaders.protocols.telnet import Logins
from packetpig.loaders.protocols.texts import text as shown
from packetpig.loaders.protocols.web import Conversations, Listener

NAMES = {slots.FTP: "ftp", slots.SMTP: "smtp", slots.POP3: "pop3", slots.IMAP: "imap"}
TELNET = (23, 2323)
LONG = 256  # characters of a name or a secret
_LOGIN = re.compile(rb'LOGIN +("(?:[^"\\]|\\.)*"|\S+) +("(?:[^"\\]|\\.)*"|\S+)$', re.I)
_SERVER = re.compile(rb"\d{3}[ -]|\+|-ERR|\* ")
_PROTECTED = (b"STARTTLS", b"STLS", b"AUTH TLS", b"AUTH SSL", b"AUTH GSSAPI")


class Talk:
    """A session of lines. `asked`: a row that waits for the server's answer."""

    def __init__(self, parser: Parser, session: int, service: int) -> None:
        self._parser, self._session, self._service = parser, session, service
        self._lines = (Lines(), Lines())
        self._server: int | None = None
        self._user: bytes | None = None
        self._tag = b""
        self._step = ""  # of AUTH: what the client's next line is
        self._asked: tuple[int, str, bytes | None, bytes | None] | None = None
        self._over = self._protect = False

    def said(self, run: Said) -> None:
        """Take what one side said."""
        if self._over:
            return
        if run.data is None:
            self._lines[run.side].hole()
            return
        for line, _ in self._lines[run.side].of(run.data):
            if self._server is None:
                self._server = run.side if _SERVER.match(line) else 1 - run.side
            if run.side == self._server:
                self._answer(line)
            else:
                self._command(line, run.time)

    def _command(self, line: bytes, time: int) -> None:
        upper = line.upper()
        if self._step:
            self._continued(line, time)
        elif self._service == slots.IMAP:
            self._tag, _, rest = line.partition(b" ")
            if found := _LOGIN.match(rest):
                self._ask(time, "login", _unquoted(found[1]), _unquoted(found[2]))
            elif rest.upper().startswith(b"AUTHENTICATE "):
                self._authenticate(rest[13:], time)
            self._protect = rest.upper().startswith(b"STARTTLS")
        elif self._service != slots.SMTP and upper.startswith(b"USER "):
            self._user = line[5:]
        elif self._service != slots.SMTP and upper.startswith(b"PASS "):
            self._ask(time, "password", self._user, line[5:])
        elif self._service != slots.FTP and upper.startswith(b"AUTH "):
            self._authenticate(line[5:], time)
        self._protect = self._protect or upper.startswith(_PROTECTED)

    def _authenticate(self, words: bytes, time: int) -> None:
        method, _, first = words.strip().partition(b" ")
        method = method.upper()
        if method in (b"PLAIN", b"LOGIN"):
            self._step = "plain" if method == b"PLAIN" else "user"
            if first:
                self._continued(first, time)

    def _continued(self, line: bytes, time: int) -> None:
        """A line of base64 (RFC 4616, and LOGIN)."""
        step, self._step = self._step, ""
        try:
            said = base64.b64decode(line, validate=True)
        except (binascii.Error, ValueError):
            return
        if step == "plain":
            parts = said.split(b"\0")
            if len(parts) == 3:
                self._ask(time, "plain", parts[1], parts[2])
        elif step == "user":
            self._user, self._step = said, "secret"
        else:
            self._ask(time, "login", self._user, said)

    def _ask(self, time: int, method: str, user: bytes | None, secret: bytes | None) -> None:
        self._give(None)
        self._asked = (time, method, user, secret)

    def _answer(self, line: bytes) -> None:
        yes, no = self._judged(line)
        if self._protect and (yes or no):
            self._over, self._protect = yes or line[:3] in (b"220", b"234", b"334"), False
            return
        if self._asked and (yes or no):
            self._give(yes)
        if no:
            self._step = ""

    def _judged(self, line: bytes) -> tuple[bool, bool]:
        """Whether an answer says yes, and whether no; an answer that asks for more says neither."""
        if self._service == slots.POP3:
            return line.startswith(b"+OK"), line.startswith(b"-ERR")
        if self._service == slots.IMAP:
            tag, _, rest = line.partition(b" ")
            mine = tag == self._tag and tag != b"*"
            return mine and rest[:2].upper() == b"OK", mine and rest[:2].upper() in (b"NO", b"BA")
        final = line[:3].isdigit() and line[3:4] != b"-"
        return final and line[:1] == b"2", final and line[:1] in (b"4", b"5")

    def _give(self, accepted: bool | None) -> None:
        if self._asked:
            time, method, user, secret = self._asked
            self._asked = None
            self._parser.sent(self._session, NAMES[self._service], method, time, user, secret, accepted)

    def close(self, finished: tuple[bool, bool]) -> None:
        """The session is over."""
        self._give(None)


def _unquoted(word: bytes) -> bytes:
    return re.sub(rb"\\(.)", rb"\1", word[1:-1]) if word.startswith(b'"') else word


class Parser(messages.Following, Listener):
    """Finds credentials in sessions."""

    services = frozenset({slots.HTTP, slots.TELNET, *NAMES})
    ports = frozenset(TELNET)
    blame = Blame("credentials")

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        self._web = Conversations.of(job)
        self._web.listen(self)

    def sent(
        self, session: int, protocol: str, method: str, time: int, user: bytes | None, secret: bytes | None,
        accepted: bool | None,
    ) -> None:  # fmt: skip
        """What somebody sent, and whether it was ACCEPTED."""
        row = {"protocol": protocol, "method": method, "user": shown(user and user[:LONG]), "accepted": accepted}
        if "secret" in self.columns:
            row["secret"] = shown(secret and secret[:LONG])
        self.give(session, time, row)

    def begin(self, run: Said) -> messages.State | None:
        """See messages.Following."""
        if run.datagram:
            return None
        if run.service == slots.HTTP:
            return self._web.session(run.session)
        if run.service in NAMES:
            return Talk(self, run.session, run.service)
        ports = run.ports
        server = int(ports[1] in TELNET or (ports[0] not in TELNET and ports[1] < ports[0]))
        return Logins(server, partial(self.sent, run.session, "telnet", "password"))

    def exchange(self, session: int, request: Message | None, response: Message | None) -> None:
        """See Listener."""
        for name, refused in ((b"authorization", 401), (b"proxy-authorization", 407)):
            value = request.header(name) if request else None
            if request is None or value is None or value[:6].lower() != b"basic ":
                continue
            try:
                user, _, secret = base64.b64decode(value[6:].strip(), validate=True).partition(b":")
            except (binascii.Error, ValueError):
                continue
            accepted = response.status != refused if response else None
            self.sent(session, "http", "basic", request.time, user, secret, accepted)


# no kind of TrafficLoader's: secrets are to be asked for
LOADER = replace(
    messages.loader(
        pig="CredentialLoader",
        answers="one name and secret that were sent in the clear",
        parser=Parser,
        columns=(
            text("protocol", "http, ftp, smtp, pop3, imap, telnet", repeated=True),
            text("method", "basic, password, plain, login", repeated=True),
            text("user", "the name", repeated=True),
            text("secret", "the password itself"),
            boolean("accepted", "the server took it; null: nobody saw its answer"),
        ),
    ),
    parser=None,
)
