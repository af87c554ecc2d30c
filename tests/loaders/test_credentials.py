"""Credentials in the clear: each protocol, what was accepted, and what is none."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from tests.loaders.talking import Dialogue, rows_of

b64 = base64.b64encode
TALKS = {
    "ftp": (21, [b"220 FTP", "USER u", b"331 more", "PASS p w", b"230 in"], ("password", "u", "p w", True)),
    "ftp no": (21, [b"220 FTP", "USER u", b"331 more", "PASS p", b"530 no"], ("password", "u", "p", False)),
    "pop3": (110, [b"+OK hi", "USER u", b"+OK", "PASS p", b"-ERR no"], ("password", "u", "p", False)),
    "pop3 plain": (110, [b"+OK hi", "AUTH PLAIN", b"+ ", b64(b"\0u\0p").decode(), b"+OK"], ("plain", "u", "p", True)),
    "imap": (143, [b"* OK hi", r'a1 LOGIN "u \"x" p', b"* CAPABILITY", b"a1 OK in"], ("login", 'u "x', "p", True)),
    "smtp plain": (25, [b"220 h ESMTP", "EHLO x", b"250 AUTH", "AUTH PLAIN " + b64(b"\0u\0p").decode(), b"235 ok"],
                   ("plain", "u", "p", True)),
    "smtp login": (25, [b"220 h ESMTP", "EHLO x", b"250 AUTH", "AUTH LOGIN", b"334 VXNlcm5hbWU6", b64(b"u").decode(),
                        b"334 UGFzc3dvcmQ6", b64(b"p").decode(), b"535 no"], ("login", "u", "p", False)),
    "unanswered": (21, [b"220 FTP", "USER u", b"331 more", "PASS p"], ("password", "u", "p", None)),
}  # fmt: skip


def talked(port: int, lines: list[bytes | str]) -> Dialogue:
    """The client's lines are text, the server's bytes."""
    talk = Dialogue(dport=port)
    for line in lines:
        if isinstance(line, str):
            talk.c(line.encode() + b"\r\n")
        else:
            talk.s(line + b"\r\n")
    return talk.close()


@pytest.mark.parametrize("name", TALKS)
def test_lines(name: str, tmp_path: Path) -> None:
    port, lines, expected = TALKS[name]
    (row,) = rows_of("credentials", tmp_path / "a.pcap", talked(port, lines).packets)
    assert row["protocol"] == name.split()[0] if name != "unanswered" else "ftp"
    assert tuple(row[one] for one in ("method", "user", "secret", "accepted")) == expected


def test_basic(tmp_path: Path) -> None:
    talk = Dialogue()
    for given, status in ((b64(b"u:p:q"), 200), (b64(b"u:x"), 401), (b"!", 200)):
        talk.c(b"GET / HTTP/1.1\r\nHost: h\r\nAuthorization: Basic " + given + b"\r\n\r\n")
        talk.s(b"HTTP/1.1 %d OK\r\nContent-Length: 0\r\n\r\n" % status)
    rows = rows_of("credentials", tmp_path / "a.pcap", talk.close().packets)
    assert [(row["user"], row["secret"], row["accepted"]) for row in rows] == [("u", "p:q", True), ("u", "x", False)]


def test_what_is_none(tmp_path: Path) -> None:
    lines: list[bytes | str] = [b"220 FTP", "AUTH TLS", b"234 go on", "PASS p", b"230 x"]
    assert rows_of("credentials", tmp_path / "a.pcap", talked(21, lines).packets) == []
    lines = [b"220 h ESMTP", "EHLO x", b"250 x", "AUTH PLAIN ????", b"501 no", "AUTH LOGIN", b"334 x", "*", b"501 x"]
    assert rows_of("credentials", tmp_path / "a.pcap", talked(25, lines).packets) == []
