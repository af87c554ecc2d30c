"""FTP's control connection: which data connections it announces, and what goes over each.

Sources: RFC 959, 2428 (EPRT, EPSV), 3659.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass

from packetpig.loaders.flows.expecting import endpoint
from packetpig.loaders.flows.streams import Said
from packetpig.loaders.protocols.lines import Lines, reply

_SIX = re.compile(rb"(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3})")
_PASSIVE = re.compile(rb"\(?(.)\1\1(\d{1,5})\1\)?")
GIVES, TAKES, LISTS = (b"RETR",), (b"STOR", b"STOU", b"APPE"), (b"LIST", b"NLST", b"MLSD")


@dataclass
class Transfer:
    """A data connection that is announced. `command`, `name`: what it is for, once that is known.

    `client`: address of the control connection's client. `rest`: bytes of the file before what is sent. `refused`:
    the server said no to the command.
    """

    client: bytes
    command: bytes = b""
    name: bytes = b""
    rest: int = 0
    refused: bool = False


Announce = Callable[[Said, bytes, int, Transfer], None]
"""Is told that a Transfer will be with this address (4 or 16 bytes) and port."""


class Control:
    """One control connection. ANNOUNCE is told of data connections."""

    def __init__(self, announce: Announce) -> None:
        self._announce = announce
        self._lines = (Lines(), Lines())
        self._server: int | None = None  # which side
        self._next: Transfer | None = None  # has no command yet
        self._last: Transfer | None = None
        self._rest = 0
        self.over = False

    def said(self, run: Said) -> None:
        """Take what one side said."""
        if self.over:
            return
        if run.data is None:
            self._lines[run.side].hole()
            return
        for line, _ in self._lines[run.side].of(run.data):
            if self._server is None and (self._server_side(line, run.side)) is None:
                continue
            if run.side == self._server:
                self._reply(run, line)
            else:
                self._command(run, line)

    def _server_side(self, line: bytes, side: int) -> int | None:
        if reply(line) or line[3:4] == b"-":
            self._server = side
        elif line[:4].isalpha():
            self._server = 1 - side
        return self._server

    def _reply(self, run: Said, line: bytes) -> None:
        said = reply(line)
        if said is None:
            return
        code, words = said
        server, client = endpoint(run.packet, run.side)[0], endpoint(run.packet, 1 - run.side)[0]
        if code == 227 and (six := _SIX.search(words)):
            self._passive(run, [packed(six), server], _port(six), client)
        elif code == 229 and (found := _PASSIVE.search(words)):
            self._passive(run, [server], int(found[2]), client)
        elif code == 234 or (code == 334 and b"ADAT" in words):
            self.over = True  # what follows is encrypted
        elif code >= 400 and self._last is not None:
            self._last.refused = True
            self._last = None

    def _passive(self, run: Said, addresses: list[bytes], port: int, client: bytes) -> None:
        self._next = Transfer(client)
        self._all(run, addresses, port)

    def _all(self, run: Said, addresses: list[bytes], port: int) -> None:
        assert self._next is not None
        if 0 < port < 1 << 16:
            for address in dict.fromkeys(addresses):
                self._announce(run, address, port, self._next)

    def _command(self, run: Said, line: bytes) -> None:
        word, _, words = line.partition(b" ")
        word = word.upper()
        client = endpoint(run.packet, run.side)[0]
        if word == b"PORT" and (six := _SIX.match(words)):
            self._next = Transfer(client)
            self._all(run, [packed(six), client], _port(six))
        elif word == b"EPRT" and (place := _extended(words)):
            self._next = Transfer(client)
            self._all(run, [place[0], client], place[1])
        elif word == b"REST" and words.strip().isdigit() and len(words) < 20:
            self._rest = int(words)
        elif word in GIVES + TAKES + LISTS:
            transfer, self._next = self._next, None
            self._last = transfer
            if transfer is not None:
                transfer.command, transfer.name, transfer.rest = word, words, self._rest
            self._rest = 0

    def close(self, finished: tuple[bool, bool]) -> None:
        """It is over."""


def packed(six: re.Match[bytes]) -> bytes:
    """The address of PORT's six numbers."""
    return bytes(int(one) & 255 for one in six.groups()[:4])


def _port(six: re.Match[bytes]) -> int:
    return (int(six[5]) << 8 | int(six[6])) & 0xFFFF


def _extended(words: bytes) -> tuple[bytes, int] | None:
    """Address and port of EPRT: |1|192.0.2.1|6275|."""
    parts = words.strip().split(words.strip()[:1] or b"|")
    if len(parts) < 4 or not parts[3].isdigit() or len(parts[3]) > 5:
        return None
    try:
        return ipaddress.ip_address(parts[2].decode("ascii", "replace")).packed, int(parts[3])
    except ValueError:
        return None
