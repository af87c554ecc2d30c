"""QUIC: the TLS hellos in Initial packets, whose keys follow from a connection ID that is in the clear.

Sources: RFC 9000 (17.2: headers, 19: frames), 9001 (5: protection), 9369 (version 2).
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from typing import Any

V1, V2 = 0x00000001, 0x6B3343CF
SALTS = {
    V1: (bytes.fromhex("38762cf7f55934b34d179ae6a4c80cadccbb7f0a"), "quic"),
    V2: (bytes.fromhex("0dede3def700a6db819381be6e269dcbf9bd2ed9"), "quicv2"),
}
DRAFTS = bytes.fromhex("afbfec289993d24c9e9786f19c6111e04390a899"), "quic"  # 29 to 32
SALTS |= {0xFF000000 | number: DRAFTS for number in range(29, 33)}
INITIAL, ZERO_RTT, HANDSHAKE, RETRY = range(4)
LONGEST_ID = 20
MOST_CRYPTO = 1 << 16  # bytes of hellos that a side may send
MOST_PIECES = 256  # of them that may come before their turn
CONNECTIONS = 4  # of one session, remembered at once
PIECE, CONNECTION = 100, 2048  # bytes that each takes beside the handshake's own, about


class Damaged(Exception):  # noqa: N818 - it is traffic that is damaged
    """Not a packet, or one that was cut."""


@dataclass(slots=True)
class Packet:
    """A packet with a long header. `begin`, `end`: where it is in the datagram; `number`: where its number is."""

    version: int
    kind: int
    target: bytes
    source: bytes
    token: bool
    begin: int
    number: int
    end: int


def packets(datagram: bytes) -> tuple[list[Packet], int]:
    """The packets with a long header that a datagram begins with, and how many were of a version that is not known."""
    found: list[Packet] = []
    at = 0
    while at + 7 <= len(datagram) and datagram[at] & 0xC0 == 0xC0:
        begin, version = at, int.from_bytes(datagram[at + 1 : at + 5], "big")
        if version not in SALTS:
            return found, int(version != 0)
        kind = (datagram[at] >> 4) & 3
        if version == V2:
            kind = (kind - 1) & 3
        target, at = _identifier(datagram, at + 5)
        source, at = _identifier(datagram, at)
        if kind == RETRY:
            found.append(Packet(version, kind, target, source, False, begin, at, len(datagram)))
            break
        size = 0
        if kind == INITIAL:
            size, at = integer(datagram, at)
            at += size
        length, at = integer(datagram, at)
        if length < 20 or at + length > len(datagram):
            raise Damaged
        found.append(Packet(version, kind, target, source, size > 0, begin, at, at + length))
        at += length
    return found, 0


def _identifier(data: bytes, at: int) -> tuple[bytes, int]:
    if at >= len(data) or data[at] > LONGEST_ID or at + 1 + data[at] > len(data):
        raise Damaged
    end = at + 1 + data[at]
    return data[at + 1 : end], end


def integer(data: bytes, at: int) -> tuple[int, int]:
    """A number of variable length (RFC 9000, 16), and where it ends."""
    if at >= len(data):
        raise Damaged
    size = 1 << (data[at] >> 6)
    if at + size > len(data):
        raise Damaged
    return int.from_bytes(data[at : at + size], "big") & ((1 << (8 * size - 2)) - 1), at + size


@dataclass(slots=True)
class Keys:
    """What protects Initial packets of one side. Ciphers are made when they are used: kept, they take kilobytes."""

    key: bytes
    vector: int
    mask: bytes

    @property
    def aead(self) -> Any:
        """What opens payload."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        return AESGCM(self.key)

    @property
    def header(self) -> Any:
        """What makes the masks of headers."""
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

        return Cipher(algorithms.AES(self.mask), modes.ECB()).encryptor()  # noqa: S305 - RFC 9001

    def opened(self, datagram: bytes, packet: Packet) -> bytes | None:
        """Frames of a packet; None: these are not its keys."""
        from cryptography.exceptions import InvalidTag

        mask = self.header.update(datagram[packet.number + 4 : packet.number + 20])
        first = datagram[packet.begin] ^ (mask[0] & 15)
        size = (first & 3) + 1
        number = int.from_bytes(datagram[packet.number : packet.number + size], "big")
        number ^= int.from_bytes(mask[1 : 1 + size], "big")
        head = bytes([first]) + datagram[packet.begin + 1 : packet.number] + number.to_bytes(size, "big")
        try:
            nonce = (self.vector ^ number).to_bytes(12, "big")
            return bytes(self.aead.decrypt(nonce, datagram[packet.number + size : packet.end], head))
        except InvalidTag:
            return None


def keys(version: int, target: bytes) -> tuple[Keys, Keys]:
    """Keys of the client and of the server, by the first destination connection ID (RFC 9001, 5.2)."""
    salt, label = SALTS[version]
    secret = hmac.digest(salt, target, "sha256")
    return _keys(_expand(secret, "client in", 32), label), _keys(_expand(secret, "server in", 32), label)


def _keys(secret: bytes, label: str) -> Keys:
    vector = int.from_bytes(_expand(secret, f"{label} iv", 12), "big")
    return Keys(_expand(secret, f"{label} key", 16), vector, _expand(secret, f"{label} hp", 16))


def _expand(secret: bytes, label: str, size: int) -> bytes:
    """HKDF-Expand-Label of RFC 8446, 7.1, for one block of SHA-256 at most."""
    name = b"tls13 " + label.encode()
    info = size.to_bytes(2, "big") + bytes([len(name)]) + name + b"\0\1"
    return hmac.digest(secret, info, "sha256")[:size]


@dataclass(slots=True)
class Crypto:
    """The stream of a side's handshake bytes: `data` from its begin, `later` what came before its turn."""

    data: bytearray = field(default_factory=bytearray)
    later: dict[int, bytes] = field(default_factory=dict)

    def add(self, offset: int, data: bytes) -> None:
        """Take in the bytes at OFFSET."""
        if offset + len(data) > MOST_CRYPTO:
            return
        if offset > len(self.data):
            if len(self.later) < MOST_PIECES:
                self.later[offset] = max(self.later.get(offset, b""), data, key=len)
            return
        self.data += data[len(self.data) - offset :]
        for begin in sorted(self.later):
            if begin > len(self.data):
                break
            part = self.later.pop(begin)
            self.data += part[len(self.data) - begin :]

    @property
    def size(self) -> int:
        """Bytes that are held."""
        return len(self.data) + PIECE * len(self.later) + sum(map(len, self.later.values()))

    def message(self) -> tuple[int, bytes] | None:
        """The first handshake message, if all of it is here: its type and body."""
        if len(self.data) < 4:
            return None
        end = 4 + int.from_bytes(self.data[1:4], "big")
        return (self.data[0], bytes(self.data[4:end])) if len(self.data) >= end else None


def frames(payload: bytes, crypto: Crypto) -> None:
    """Give what CRYPTO frames have to CRYPTO; other frames that an Initial may have are skipped (RFC 9000, 12.4)."""
    at = 0
    while at < len(payload):
        kind = payload[at]
        at += 1
        if kind <= 1:  # PADDING, PING
            if not kind:
                at = len(payload) - len(payload[at:].lstrip(b"\0"))
        elif kind in (2, 3):  # ACK
            for _ in range(2):
                _, at = integer(payload, at)
            ranges, at = integer(payload, at)
            for _ in range(1 + 2 * ranges + 3 * (kind == 3)):
                _, at = integer(payload, at)
        elif kind == 6:
            offset, at = integer(payload, at)
            size, at = integer(payload, at)
            crypto.add(offset, payload[at : at + size])
            at += size
        else:  # CONNECTION_CLOSE, or what must not be here
            return


@dataclass(slots=True)
class Connection:
    """A connection: `client` is the side that began it, `target` the ID that its keys follow from."""

    client: int
    target: bytes
    time: int
    keys: dict[int, tuple[Keys, Keys]] = field(default_factory=dict)
    crypto: tuple[Crypto, Crypto] = field(default_factory=lambda: (Crypto(), Crypto()))
    identifiers: set[bytes] = field(default_factory=set)
    given: bool = False

    def opened(self, datagram: bytes, packet: Packet, side: int) -> bytes | None:
        """Frames of a packet of one SIDE, if it belongs to this connection."""
        if packet.version not in self.keys:
            if len(self.keys) >= 2:
                return None
            self.keys[packet.version] = keys(packet.version, self.target)
        return self.keys[packet.version][side != self.client].opened(datagram, packet)


class Session:
    """The connections of a session."""

    def __init__(self) -> None:
        self.connections: list[Connection] = []

    @property
    def size(self) -> int:
        """Bytes of handshakes that are held, and of connections beside the first."""
        held = sum(crypto.size for one in self.connections for crypto in one.crypto)
        return held + CONNECTION * max(0, len(self.connections) - 1)

    def take(self, datagram: bytes, packet: Packet, side: int, time: int) -> Connection | None:
        """Take in an Initial packet; gives the connection that it is of, None if it cannot be opened or is known."""
        for one in reversed(self.connections):
            if one.given and packet.target in one.identifiers:
                return None
            payload = one.opened(datagram, packet, side)
            if payload is not None:
                return self._taken(one, packet, payload, side)
        fresh = Connection(side, packet.target, time)
        payload = fresh.opened(datagram, packet, side)
        if payload is None:
            raise Damaged
        last = self.connections[-1] if self.connections else None
        if packet.token and last and last.client == side and not last.crypto[1].data:
            fresh.time = last.time  # after a Retry the client begins again
            self.connections.pop()
        self.connections = [*self.connections, fresh][-CONNECTIONS:]
        return self._taken(fresh, packet, payload, side)

    def _taken(self, one: Connection, packet: Packet, payload: bytes, side: int) -> Connection | None:
        if len(one.identifiers) < 8:
            one.identifiers |= {packet.target, packet.source}
        if one.given:
            return None
        frames(payload, one.crypto[side != one.client])
        return one
