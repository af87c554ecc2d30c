"""TLS handshakes: over TCP, after STARTTLS, inside of proxies' tunnels; in QUIC; and DTLS. One row each."""

from __future__ import annotations

import base64
import ctypes
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from packetpig.loaders.contract.columns import boolean, double, integer, text
from packetpig.loaders.contract.loader import Job
from packetpig.loaders.flows import messages
from packetpig.loaders.flows.streams import Datagrams, Said
from packetpig.loaders.kernels import slots
from packetpig.loaders.protocols import dtls, fingerprints, quic, tls
from packetpig.loaders.protocols.tls import Hello
from packetpig.loaders.protocols.x509 import Certificate, certificate

CHANGE, ALERT, HANDSHAKE, DATA = 20, 21, 22, 23  # content types of records
LONGEST_RECORD = (1 << 14) + 2048  # RFC 5246, 6.2.3
LONGEST_MESSAGE = 1 << 20  # a handshake message with a chain of certificates
LONGEST_LINE = 1 << 16  # of FTP
PENDING = 1 << 16  # handshakes, begun and done, that are remembered at once
HELD = 64 << 20  # bytes of records, of messages that are not whole, hellos, certificates: of all of them together
WITHIN = {
    slots.SMTP: "smtp", slots.IMAP: "imap", slots.POP3: "pop3", slots.FTP: "ftp", slots.HTTP: "http",
    slots.LDAP: "ldap", slots.XMPP: "xmpp", slots.RDP: "rdp", slots.POSTGRESQL: "postgresql", slots.MYSQL: "mysql",
    slots.SOCKS: "socks", slots.IRC: "irc",
}  # fmt: skip
"""Protocols that go over to TLS, or carry it."""


@dataclass(slots=True)
class Handshake:
    """What is known of a handshake."""

    time: int
    carrier: str
    client: int = 0  # which side
    hello: Hello | None = None
    answer: Hello | None = None
    chain: tls.Chain = tls.NO_CHAIN
    client_chain: tls.Chain = tls.NO_CHAIN
    alert: str | None = None
    changed: list[bool] = field(default_factory=lambda: [False, False])
    data: list[bool] = field(default_factory=lambda: [False, False])

    @property
    def size(self) -> int:
        """Bytes that are held, of what is as long as its message."""
        held = len(self.chain.own) + len(self.client_chain.own)
        if self.hello:
            held += self.hello.size
        return held + self.answer.size if self.answer else held

    @property
    def version(self) -> int | None:
        """That is spoken."""
        return self.answer.chosen_version if self.answer else None

    @property
    def modern(self) -> bool:
        """TLS 1.3 or later, where all after the hellos is encrypted."""
        return self.answer is not None and bool(self.answer.versions)

    def established(self) -> bool | None:
        """Whether both sides went over to what they had agreed; null where that cannot be seen (QUIC)."""
        if self.carrier == "quic":
            return None
        return all(self.data if self.modern else self.changed)

    def resumed(self) -> bool | None:
        """Whether it goes on with an earlier session's keys: without a certificate, or by its ticket."""
        if self.answer is None:
            return None
        if self.modern:
            return tls.PRE_SHARED_KEY in self.answer.extensions
        return self.changed[1 - self.client] and not self.chain.number


@dataclass(slots=True)
class Stream:
    """One side of a TLS session over TCP. `over`: no more of it is of use.

    `lost`: where its messages begin is not known. `skip`: bytes left of a record that has a hole.
    """

    records: bytearray = field(default_factory=bytearray)
    messages: bytearray = field(default_factory=bytearray)
    lost: bool = False
    over: bool = False
    skip: int = 0
    line: bytearray = field(default_factory=bytearray)  # a token that is not whole (see _tokens)

    @property
    def size(self) -> int:
        """Bytes that are held."""
        return len(self.records) + len(self.messages) + len(self.line)

    def empty(self) -> None:
        """Hold nothing any more."""
        self.records.clear()
        self.messages.clear()
        self.line.clear()


@dataclass(slots=True)
class Talk:
    """A session over TCP in which a handshake has begun. `tokens`: in FTP's ADAT commands. `held`: its size."""

    handshake: Handshake
    tokens: bool = False
    sides: tuple[Stream, Stream] = field(default_factory=lambda: (Stream(), Stream()))
    held: int = 0

    @property
    def size(self) -> int:
        """Bytes that are held."""
        return self.handshake.size + self.sides[0].size + self.sides[1].size

    @property
    def over(self) -> bool:
        """Whether nothing more is to be learned."""
        return (self.sides[0].over and self.sides[1].over) or bool(self.handshake.established())


ADAT = b"ADAT "
TOKEN = re.compile(rb"(?:ADAT |[23]3[45][ -]ADAT=)([A-Za-z0-9+/=]+)\r?$")
DONE = object()  # the state of a session whose handshake is over
Row = messages.Row


class Parser(messages.Parser):
    """Takes handshakes out of records; looks at no more of a session than its beginning."""

    services = frozenset({slots.TLS, slots.QUIC, slots.DTLS, *WITHIN})
    ports = frozenset({443, 465, 563, 636, 853, 989, 990, 992, 993, 994, 995, 8443})
    together = True
    enough = doubt = 1 << 19

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        self._made = [(name, make) for name, make in COLUMNS.items() if name in self.columns]
        self._held = 0

    def said(self, run: Said) -> Iterator[Row]:
        """The row of a handshake that RUN ends."""
        state = self.states.get(run.session)
        if state is DONE or run.datagram or run.offset >= self.enough:
            return
        data = run.data
        last = run.offset + (run.missing if data is None else len(data)) >= self.enough
        if last:
            data = run.until(self.enough)
        if state is None:
            if data is None or not self._begins(run, data):
                if last:  # then none begins on either side: where runs begin is chance once one side is not followed
                    self.states[run.session] = DONE
                return
            yield from self._room()
            handshake = Handshake(run.time, WITHIN.get(run.service, "tls"))
            state = self.states[run.session] = Talk(handshake, data.startswith(ADAT))
        if isinstance(state, Talk):
            self._heard(state, run, data, last)
            if state.over:
                yield from self._ended(run.session, state)
            elif self._held > HELD:
                yield from self._relieved()

    def _heard(self, talk: Talk, run: Said, data: bytes | None, last: bool) -> None:
        """Take what a side says; LAST: no more of that side is of use."""
        stream = talk.sides[run.side]
        if stream.over:
            return
        if data is None:
            self._hole(stream, run.missing)
        else:
            for part in _tokens(stream, data) if talk.tokens else (data,):
                self._records(talk, run.side, part)
        stream.over |= last
        if stream.over:
            stream.empty()
        size = talk.size
        self._held += size - talk.held
        talk.held = size

    def _begins(self, run: Said, data: bytes) -> bool:
        """Whether a handshake seems to begin: a record with a hello, or with the beginning of one."""
        if data[0] == HANDSHAKE:
            if run.service == slots.TLS or not run.service:
                return data[1:2] in (b"", b"\3")
            return len(data) > 9 and data[1] == 3 and data[5] in (tls.CLIENT_HELLO, tls.SERVER_HELLO) and data[6] == 0
        if run.service in WITHIN:
            return run.service == slots.FTP and data.startswith(ADAT)
        if (
            data[0] & 0x80
            and len(data) > 5
            and data[2] == tls.CLIENT_HELLO
            and data[3:5] in (b"\0\2", b"\3\0", b"\3\1")
        ):
            return True
        if run.service == slots.TLS:  # begun before the capture did
            self.states[run.session] = DONE
        return False

    def _room(self) -> Iterator[Row]:
        """Bound what is remembered: done handshakes go first, then those that began first."""
        if len(self.states) < PENDING:
            return
        for session in [one for one, state in self.states.items() if state is DONE]:
            del self.states[session]
        for session in list(self.states)[: max(0, len(self.states) - PENDING // 2)]:
            yield from self._given_up(session)
            del self.states[session]

    def _relieved(self) -> Iterator[Row]:
        """Give up what holds most, until half of the bound is free: what a flood leaves behind, not what is new."""
        sizes = {session: state.size for session, state in self.states.items() if state is not DONE}
        self._held = sum(sizes.values())
        for session in sorted(sizes, key=sizes.__getitem__, reverse=True):
            if self._held <= HELD // 2:
                return
            yield from self._given_up(session)

    def _given_up(self, session: int) -> Iterator[Row]:
        self.report.count("tls handshakes given up for want of memory")
        if not self.report.losses:
            self.report.warn("tls: too many handshakes at once; of some there is only what was known by then")
        self.report.losses = True
        yield from self._ended(session, self.states[session])

    def _hole(self, stream: Stream, missing: int) -> None:
        """Go on after the record that has the hole, or where one seems to begin; with no message, for it may be cut."""
        left = stream.skip
        if len(stream.records) >= 5:
            left = 5 + int.from_bytes(stream.records[3:5], "big") - len(stream.records)
        stream.empty()
        stream.skip = max(0, left - missing)
        stream.lost = True

    def _ended(self, session: int, state: Any) -> Iterator[Row]:
        self.states[session] = DONE
        yield from self.over(session, state)

    def over(self, session: int, state: Any) -> Iterator[Row]:
        """Handshakes that never ended, or whose end cannot be seen."""
        if state is DONE:
            return
        self._held -= state.size
        if isinstance(state, Talk):
            yield from self._row(session, state.handshake)
        elif isinstance(state, quic.Session):
            for connection in state.connections:
                if not connection.given:
                    yield from self._connection(session, connection)
        elif isinstance(state, dtls.Session):
            yield from self._row(session, _of_datagrams(state))

    def _row(self, session: int, handshake: Handshake) -> Iterator[Row]:
        if handshake.hello or handshake.answer:
            yield session, handshake.time, {name: make(handshake) for name, make in self._made}

    def _records(self, talk: Talk, side: int, data: bytes) -> None:
        """Take records off a stream."""
        handshake, stream, records = talk.handshake, talk.sides[side], talk.sides[side].records
        records += data[stream.skip :]
        stream.skip -= min(stream.skip, len(data))
        if not records:
            return
        if records[0] & 0x80 and handshake.hello is None:
            _old(handshake, stream, side)
        while len(records) >= 5 and not stream.over:
            kind, size = records[0], int.from_bytes(records[3:5], "big")
            if not CHANGE <= kind <= DATA + 1 or records[1] != 3 or size > LONGEST_RECORD:
                stream.over = True
                if not stream.lost:
                    self.report.count("tls streams that go on with something else than records")
                return
            if kind == DATA:
                handshake.data[side] = stream.over = True
                return
            if len(records) < 5 + size:
                return
            body = bytes(records[5 : 5 + size])
            del records[: 5 + size]
            if kind == CHANGE:
                handshake.changed[side] = True
                stream.over = not handshake.modern and handshake.answer is not None
            elif kind == ALERT and len(body) == 2 and not handshake.changed[side]:
                handshake.alert = handshake.alert or tls.alert_name(body[1])
            elif kind == HANDSHAKE and not stream.lost and not handshake.changed[side]:
                stream.messages += body
                self._messages(handshake, stream, side)

    def _messages(self, handshake: Handshake, stream: Stream, side: int) -> None:
        """Take handshake messages that are whole."""
        waiting = stream.messages
        while len(waiting) >= 4:
            kind, size = waiting[0], int.from_bytes(waiting[1:4], "big")
            if size > LONGEST_MESSAGE:
                self.report.count("tls messages that are too long")
                stream.over = True
                return
            if len(waiting) < 4 + size:
                return
            body = bytes(waiting[4 : 4 + size])
            del waiting[: 4 + size]
            if kind == tls.CLIENT_HELLO and handshake.hello is None:
                handshake.hello, handshake.client = tls.client_hello(body), side
            elif kind == tls.SERVER_HELLO and (handshake.answer is None or handshake.answer.retry):
                handshake.answer, handshake.client = tls.server_hello(body), 1 - side
            elif kind == tls.CERTIFICATE and not handshake.modern:
                chain = tls.certificates(body)
                if handshake.client == side:
                    handshake.client_chain = chain
                else:
                    handshake.chain = chain

    def datagrams(self, datagrams: Datagrams) -> Iterator[Row]:
        """Rows of QUIC and DTLS."""
        fields = datagrams.packets[:, [slots.P_SESSION, slots.P_ADDRESS, slots.P_THERE, slots.P_TIME]].tolist()
        for (name, address, there, time), service in zip(fields, datagrams.services.tolist(), strict=True):
            if not address:
                continue
            first = ctypes.c_uint8.from_address(address).value
            if first & 0xC0 == 0xC0 and service in (slots.QUIC, 0):
                yield from self._quic(name >> 1, name & 1, ctypes.string_at(address, there), time)
            elif dtls.FIRST <= first <= dtls.LAST and service == slots.DTLS:
                yield from self._dtls(name >> 1, name & 1, ctypes.string_at(address, there), time)

    def _quic(self, session: int, side: int, datagram: bytes, time: int) -> Iterator[Row]:
        try:
            found, unknown = quic.packets(datagram)
            if unknown:
                self.report.count("quic packets of versions that are not known", unknown)
            for packet in found:
                if packet.kind == quic.INITIAL:
                    yield from self._initial(session, side, datagram, packet, time)
        except quic.Damaged:
            self.report.count("quic packets that cannot be opened")
        if self._held > HELD:
            yield from self._relieved()

    def _initial(self, session: int, side: int, datagram: bytes, packet: quic.Packet, time: int) -> Iterator[Row]:
        state = self.states.get(session)
        if state is None:
            yield from self._room()
            state = self.states[session] = quic.Session()
        if not isinstance(state, quic.Session):
            return
        before = state.size
        try:
            connection = state.take(datagram, packet, side, time)
            if connection and connection.crypto[0].message() and connection.crypto[1].message():
                connection.given = True
                yield from self._connection(session, connection)
                connection.crypto = (quic.Crypto(), quic.Crypto())
        finally:  # what is damaged may come behind what was taken
            self._held += state.size - before

    def _connection(self, session: int, connection: quic.Connection) -> Iterator[Row]:
        handshake = Handshake(connection.time, "quic", connection.client)
        for crypto in connection.crypto:
            message = crypto.message()
            if message and message[0] == tls.CLIENT_HELLO:
                handshake.hello = tls.client_hello(message[1])
            elif message and message[0] == tls.SERVER_HELLO:
                handshake.answer = tls.server_hello(message[1])
        yield from self._row(session, handshake)

    def _dtls(self, session: int, side: int, datagram: bytes, time: int) -> Iterator[Row]:
        state = self.states.get(session)
        if state is DONE:
            return
        if state is None:
            yield from self._room()
            state = self.states[session] = dtls.Session(time)
        before = state.size
        state.take(datagram, side)
        self._held += state.size - before
        if all(state.changed):
            yield from self._ended(session, state)
        elif self._held > HELD:
            yield from self._relieved()


def _tokens(stream: Stream, data: bytes) -> Iterator[bytes]:
    """What FTP's ADAT commands and their replies carry: base64 in a line (RFC 2228, 3)."""
    stream.line += data
    *lines, rest = stream.line.split(b"\n")
    stream.line = rest if len(rest) <= LONGEST_LINE else bytearray()
    for line in lines:
        if token := TOKEN.match(line):
            try:
                yield base64.b64decode(token[1])
            except ValueError:
                stream.over = True


def _old(handshake: Handshake, stream: Stream, side: int) -> None:
    """A hello in the form of SSL 2.0."""
    size = 2 + (int.from_bytes(stream.records[:2], "big") & 0x7FFF)
    if len(stream.records) >= size:
        handshake.hello, handshake.client = tls.old_hello(bytes(stream.records[2:size])), side
        del stream.records[:size]


def _of_datagrams(session: dtls.Session) -> Handshake:
    handshake = Handshake(session.time, "dtls", session.client, session.hello, session.answer)
    handshake.chain, handshake.client_chain = session.chains[1 - session.client], session.chains[session.client]
    handshake.alert, handshake.changed = session.alert, session.changed
    return handshake


def _of_hello(make: Callable[[Hello], Any]) -> Callable[[Handshake], Any]:
    """A column of the client's hello, null where there is none."""
    return lambda handshake: make(handshake.hello) if handshake.hello else None


def _of_certificate(make: Callable[[Certificate], Any]) -> Callable[[Handshake], Any]:
    return lambda handshake: make(certificate(handshake.chain.own)) if handshake.chain.number else None


def _of_clients(make: Callable[[Certificate], Any]) -> Callable[[Handshake], Any]:
    return lambda handshake: make(certificate(handshake.client_chain.own)) if handshake.client_chain.number else None


def _offered(hello: Hello) -> str:
    """The latest version that a client offers."""
    versions = [one for one in hello.versions if not tls.grease(one)] or [hello.version]
    return tls.version_name(min(versions) if versions[0] >> 8 == 0xFE else max(versions))


def _names(names: list[bytes]) -> str | None:
    return (
        ",".join(tls.text(one) for one in names if len(one) != 2 or not tls.grease(int.from_bytes(one, "big"))) or None
    )


def _ja4(handshake: Handshake) -> str | None:
    hello = handshake.hello
    transport = {"quic": "q", "dtls": "d"}.get(handshake.carrier, "t")
    return fingerprints.ja4(hello, transport) if hello and not hello.cut else None


def _ja3s(handshake: Handshake) -> str | None:
    answer = handshake.answer
    return fingerprints.md5(fingerprints.ja3s_text(answer)) if answer and not answer.cut else None


COLUMNS: dict[str, Callable[[Handshake], Any]] = {
    "carrier": lambda one: one.carrier,
    "version": lambda one: None if one.version is None else tls.version_name(one.version),
    "version_offered": _of_hello(_offered),
    "sni": _of_hello(lambda hello: None if hello.sni is None else tls.text(hello.sni)),
    "alpn": lambda one: _names(one.answer.alpn) if one.answer else None,
    "alpn_offered": _of_hello(lambda hello: _names(hello.alpn)),
    "cipher": lambda one: tls.cipher_name(one.answer.ciphers[0]) if one.answer and one.answer.ciphers else None,
    "ja3": _of_hello(lambda hello: None if hello.cut else fingerprints.md5(fingerprints.ja3_text(hello))),
    "ja3s": _ja3s,
    "ja4": _ja4,
    "resumed": Handshake.resumed,
    "established": Handshake.established,
    "alert": lambda one: one.alert,
    "subject": _of_certificate(lambda found: found.subject),
    "issuer": _of_certificate(lambda found: found.issuer),
    "not_before": _of_certificate(lambda found: found.not_before),
    "not_after": _of_certificate(lambda found: found.not_after),
    "cert_names": _of_certificate(lambda found: found.names),
    "cert_sha256": _of_certificate(lambda found: found.sha256),
    "chain": lambda one: one.chain.number or None,
    "client_subject": _of_clients(lambda found: found.subject),
    "client_issuer": _of_clients(lambda found: found.issuer),
    "client_sha256": _of_clients(lambda found: found.sha256),
}

LOADER = messages.loader(
    pig="TlsLoader",
    answers="one TLS handshake: over TCP, after STARTTLS, in QUIC, or DTLS",
    parser=Parser,
    columns=(
        text(
            "carrier",
            "tls, quic, dtls, or the protocol that went over to TLS or carries it: smtp, http, …",
            repeated=True,
        ),
        text("version", "TLSv1.3, …, DTLSv1.2, as the server chose it; null without its hello", repeated=True),
        text("version_offered", "the latest that the client knows", repeated=True),
        text("sni", "name of the server that the client asks for", repeated=True),
        text("alpn", "protocol that the server chose; null where it is encrypted (TLS 1.3)", repeated=True),
        text("alpn_offered", "protocols that the client offers, with commas", repeated=True),
        text("cipher", "cipher suite that the server chose, as IANA names it", repeated=True),
        text("ja3", "JA3 of the client's hello", repeated=True),
        text("ja3s", "JA3S of the server's hello", repeated=True),
        text("ja4", "JA4 of the client's hello", repeated=True),
        boolean("resumed", "an earlier session goes on; null without the server's hello"),
        boolean("established", "both sides began to encrypt; null in QUIC, where that cannot be seen"),
        text("alert", "the first alert in the clear: handshake_failure, …", repeated=True),
        text(
            "subject", "of the server's certificate, as RFC 4514 writes it; null in TLS 1.3: encrypted", repeated=True
        ),
        text("issuer", "of that certificate", repeated=True),
        double("not_before", "from when it is valid", "seconds since the epoch"),
        double("not_after", "until when", "seconds since the epoch"),
        text("cert_names", "names and addresses that it is for, with commas", repeated=True),
        text("cert_sha256", "SHA-256 of it", repeated=True),
        integer("chain", "certificates that the server sent"),
        text("client_subject", "of the client's certificate", repeated=True),
        text("client_issuer", "of that certificate", repeated=True),
        text("client_sha256", "SHA-256 of it", repeated=True),
    ),
)
