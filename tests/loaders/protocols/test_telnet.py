"""Telnet: logins as real programs spoke them, however they were cut, and what is none."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from packetpig.loaders import load
from packetpig.loaders.protocols.telnet import OPTION, Text

from tests.conftest import ROOT
from tests.loaders.talking import Dialogue, rows_of

RECORDED = ROOT / "tests/captures/telnet.pcap"
# as they were typed (tests/captures/README.md)
TYPED = [
    ("10.9.0.2", "mara", "wrong one", False),
    ("10.9.0.2", "mara", "Tide-water 7", True),
    ("10.9.0.3", "mara", "Tide-water 7", True),
    ("10.9.0.3", None, "guess", False),  # of su
    ("10.9.0.1", "admin", "admin", False),
]
WILL_ECHO, BINARY = b"\xff\xfb\x01", b"\xff\xfa\x26\x01\xff\xf0"


def test_recorded() -> None:
    columns = ["protocol", "src", "user", "secret", "accepted"]
    rows = [tuple(row.values()) for batch in load("credentials", str(RECORDED), columns) for row in batch.to_pylist()]
    assert rows == [("telnet", *one) for one in TYPED]


def said(*lines: bytes | str, dport: int = 23, size: int = 1400) -> Dialogue:
    """The client's lines are text, the server's bytes."""
    talk = Dialogue(dport=dport, size=size)
    for line in lines:
        if isinstance(line, str):
            talk.c(line.encode("latin-1"))
        else:
            talk.s(line)
    return talk.close()


TALKS: dict[str, tuple[list[bytes | str], list[tuple[str | None, str, bool | None]]]] = {
    "a line at a time": ([b"login: ", "u\r\n", b"Password:", "p w\r\n", b"\r\nLast login: today\r\n$ "],
                         [("u", "p w", True)]),
    "echo, byte by byte": ([b"Username: ", "u", b"u", "x", b"x", "\x7f", b"\b \b", "\r\0", b"\r\nPassword: ", "p", "q",
                            "\r\0", b"\r\nrouter>"], [("u", "pq", True)]),
    "no": ([b"host login: ", "u\r\n", b"Password: ", "p\r\n", b"\r\nLogin incorrect\r\nhost login: "],
           [("u", "p", False)]),
    "asked again": ([b"login: ", "u\r\n", b"Password: ", "p\r\n", b"\r\nPassword: ", "q\r\n", b"\r\n~ # "],
                    [("u", "p", False), ("u", "q", True)]),
    "typed before it was asked": (["u\r\np\r\n", b"login: u\r\nPassword: ", b"\r\n$ "], [("u", "p", True)]),
    "typed at once": ([b"login: ", "u\r\np\r\n", b"u\r\nPassword: ", b"\r\nLogin incorrect\r\n"], [("u", "p", False)]),
    "options amid of all": ([WILL_ECHO + b"log" + BINARY + b"in: ", "\xff\xfd\1u\xff\xfa\x1f\0P\0\x18\xff\xf0s\r\n",
                             b"Pass" + WILL_ECHO + b"word: ", "p\xff\xffq\r\n", b"\r\n# "], [("us", r"p\xffq", True)]),
    "colours": ([b"\x1b[1;32mlogin\x1b[0m: \x1b[K", "u\r\n", b"\x1b[1mPassword:\x1b[0m ", "p\r\n"], [("u", "p", None)]),
    "the environment has the name": (["\xff\xfa\x27\0\0USER\x01u\xff\xf0", b"Password: ", "p\r\n", b"\r\n$ ", "su\r\n",
                                      b"Password: ", "r\r\n", b"\r\nsu: Authentication failure\r\n$ "],
                                     [("u", "p", True), (None, "r", False)]),
    "failures that are told afterwards": ([b"login: ", "u\r\n", b"Password: ", "p\r\n",
                                           b"\r\nLast failed login: 3 failed\r\n$ "], [("u", "p", True)]),
    "a page that speaks of it": ([b"$ ", "cat notes\r\n", b"password: x\r\nlogin: y\r\nuser-router> ", "ls\r\n",
                                  b"a b\r\n$ "], []),
    "encrypted": ([b"login: ", "\xff\xfa\x26\x03\0\xff\xf0u\r\n", b"Password: ", "p\r\n", b"\r\n$ "], []),
}  # fmt: skip


@pytest.mark.parametrize("size", [1, 3, 1400])
@pytest.mark.parametrize("name", TALKS)
def test_logins(name: str, size: int, tmp_path: Path) -> None:
    lines, expected = TALKS[name]
    rows = rows_of("credentials", tmp_path / "a.pcap", said(*lines, size=size).packets)
    found = [(row["user"], row["secret"], row["accepted"]) for row in rows]
    assert found == expected
    assert all(row["protocol"] == "telnet" and row["src"] == "10.0.0.1" for row in rows)


@pytest.mark.parametrize("dport", [2323, 4000])
def test_other_ports(dport: int, tmp_path: Path) -> None:
    """Where it is not the usual port, the options tell."""
    lines = [WILL_ECHO + b"login: ", "\xff\xfd\x01u\r\n", b"Password: ", "p\r\n", b"\r\n$ "]
    (row,) = rows_of("credentials", tmp_path / "a.pcap", said(*lines, dport=dport).packets)
    assert (row["user"], row["secret"], row["accepted"]) == ("u", "p", True)


def test_holes(tmp_path: Path) -> None:
    """A secret of which a part is missing is none; what comes next is read."""
    talk = Dialogue(dport=23, size=2).s(b"login: ").c(b"u\r\n").s(b"Password: ").c(b"secret\r\n", lost=[1])
    talk.s(b"\r\nlogin: ").c(b"v\r\n").s(b"Password: ").c(b"q\r\n").s(b"\r\n$ ")
    rows = rows_of("credentials", tmp_path / "a.pcap", talk.close().packets)
    assert [(row["user"], row["secret"], row["accepted"]) for row in rows] == [("v", "q", True)]


def test_the_secret_only_if_asked(tmp_path: Path) -> None:
    path = tmp_path / "a.pcap"
    rows_of("credentials", path, said(b"login: ", "u\r\n", b"Password: ", "hidden\r\n", b"\r\n$ ").packets)
    assert b"hidden" in path.read_bytes()
    rows = [row for batch in load("credentials", str(path), ["user", "accepted"]) for row in batch.to_pylist()]
    assert rows == [{"user": "u", "accepted": True}]


def test_options_end_where_they_end() -> None:
    """Text is the same however it was cut; an option without an end takes no more memory than one with it."""
    dice = random.Random(7)
    alphabet = [b"\xff", b"\xfa", b"\xf0", b"\xfb", b"\x27", b"text", b"\0", b"\xff\xff", b"\xff\xfa\x27\0x\xff\xf0"]
    for _ in range(200):
        data = b"".join(dice.choices(alphabet, k=30))
        whole, cut = Text(), Text()
        wanted, at, found = b"".join(piece for _, piece in whole.of(data)), 0, b""
        while at < len(data):
            step = dice.randrange(1, 6)
            found += b"".join(piece for _, piece in cut.of(data[at : at + step]))
            at += step
        assert (found, cut.environment) == (wanted, whole.environment)
    endless = Text()
    assert endless.of(b"\xff\xfa\x27" + b"x" * 100_000) == []
    assert len(endless._option) == OPTION
