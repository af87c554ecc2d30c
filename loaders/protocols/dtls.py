"""DTLS: handshake messages out of the fragments in datagrams (RFC 6347, 4.2; 9147, 5)."""

from __future__ import annotations

from dataclasses import dataclass, field

from packetpig.loaders.protocols import tls

FIRST, LAST = 20, 22  # content types that are read: change cipher spec, alert, handshake
LONGEST_MESSAGE = 1 << 17
MOST_MESSAGES = 16  # that one side sends in the clear


@dataclass(slots=True)
class _Message:
    """A message of which some bytes are there: `have` says which."""

    kind: int
    body: bytearray
    have: bytearray


@dataclass(slots=True)
class Session:
    """A session's handshake. Sides as the tracker has them; `client` is that of the ClientHello."""

    time: int
    client: int = 0
    hello: tls.Hello | None = None
    answer: tls.Hello | None = None
    chains: list[tls.Chain] = field(default_factory=lambda: [tls.NO_CHAIN, tls.NO_CHAIN])
    changed: list[bool] = field(default_factory=lambda: [False, False])
    alert: str | None = None
    parts: tuple[dict[int, _Message], dict[int, _Message]] = field(default_factory=lambda: ({}, {}))

    @property
    def size(self) -> int:
        """Bytes that are held."""
        known = sum(hello.size for hello in (self.hello, self.answer) if hello)
        known += sum(len(chain.own) for chain in self.chains)
        return known + sum(2 * len(one.body) for parts in self.parts for one in parts.values())

    def take(self, datagram: bytes, side: int) -> None:
        """Take in a datagram of one SIDE."""
        at = 0
        while at + 13 <= len(datagram) and FIRST <= datagram[at] <= LAST and datagram[at + 1] == 0xFE:
            kind, epoch = datagram[at], int.from_bytes(datagram[at + 3 : at + 5], "big")
            end = at + 13 + int.from_bytes(datagram[at + 11 : at + 13], "big")
            if end > len(datagram) or epoch:
                return
            body = datagram[at + 13 : end]
            if kind == 20:
                self.changed[side] = True
            elif kind == 21 and len(body) == 2:
                self.alert = self.alert or tls.alert_name(body[1])
            elif kind == 22:
                self._fragments(body, side)
            at = end

    def _fragments(self, body: bytes, side: int) -> None:
        parts = self.parts[side]
        at = 0
        while at + 12 <= len(body):
            size, number = int.from_bytes(body[at + 1 : at + 4], "big"), int.from_bytes(body[at + 4 : at + 6], "big")
            offset, length = int.from_bytes(body[at + 6 : at + 9], "big"), int.from_bytes(body[at + 9 : at + 12], "big")
            part = body[at + 12 : at + 12 + length]
            if offset + length > size or size > LONGEST_MESSAGE or len(part) < length:
                return
            message = parts.get(number)
            if message is None:
                if len(parts) >= MOST_MESSAGES:
                    return
                message = parts[number] = _Message(body[at], bytearray(size), bytearray(size))
            if len(message.body) == size and message.kind == body[at]:
                message.body[offset : offset + length] = part
                message.have[offset : offset + length] = b"\1" * length
                if 0 not in message.have:
                    body_of_all, message.kind = bytes(message.body), -1
                    self._message(body[at], body_of_all, side)
                    message.body, message.have = bytearray(), bytearray()
            at += 12 + length

    def _message(self, kind: int, body: bytes, side: int) -> None:
        if kind == tls.CLIENT_HELLO and self.hello is None:
            self.hello, self.client = tls.client_hello(body, datagrams=True), side
        elif kind == tls.SERVER_HELLO and (self.answer is None or self.answer.retry):
            self.answer, self.client = tls.server_hello(body), 1 - side
        elif kind == tls.CERTIFICATE and not self.chains[side].number:
            self.chains[side] = tls.certificates(body)
