"""HTTP/2 in the clear: a recording of real programs, streams that are mixed, what is missing, what is hostile."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path
from typing import Any

import pytest
from hpack import Encoder
from packetpig.loaders import load
from packetpig.loaders.contract.report import Report
from packetpig.loaders.protocols import http2

from tests.conftest import ROOT
from tests.loaders.talking import Dialogue, rows_of

pytestmark = pytest.mark.usefixtures("rooms")
RECORDED = str(ROOT / "tests/captures/h2c.pcap")
SETTINGS = bytes.fromhex("000000040000000000")
BODY = random.Random(2).randbytes(5000)
Rows = list[dict[str, Any]]


def frame(kind: int, flags: int, stream: int, data: bytes = b"") -> bytes:
    return len(data).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + data


def head(encoder: Encoder, stream: int, flags: int, *headers: tuple[str, str]) -> bytes:
    return frame(http2.HEADERS, flags | http2.END_HEADERS, stream, encoder.encode(headers))


def asked(path: str, *more: tuple[str, str]) -> tuple[tuple[str, str], ...]:
    return ((":method", "GET"), (":scheme", "http"), (":authority", "h.example"), (":path", path), *more)


def some(rows: Rows, *names: str) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in names) for row in rows]


def test_recorded() -> None:
    """What curl and another client asked for; tshark has the same targets, statuses and lengths."""
    rows = load("http", RECORDED).read_all().to_pylist()
    assert some(rows, "method", "host", "uri", "version", "status", "request_bytes", "response_bytes", "complete") == [
        ("GET", "127.0.0.1:8768", "/one", "2", 200, 0, 19, True),
        ("GET", "127.0.0.1:8768", "/gz/two", "2", 200, 0, 11000, True),
        ("POST", "127.0.0.1:8768", "/post?x=1", "2", 200, 7, 24, True),
        ("GET", "127.0.0.1:8768", "/up", "1.1", 101, 0, 0, True),
        ("GET", "127.0.0.1:8768", "/up", "2", 200, 0, 18, True),
        ("GET", "h2.example", "/one", "2", 200, 0, 19, True),
        ("GET", "h2.example", "/gz/two", "2", 200, 0, 11000, True),
        ("GET", "h2.example", "/png", "2", 200, 0, 10256, True),
        ("POST", "h2.example", "/four", "2", 200, 3000, 20, True),
    ]
    assert ("x-trailer", "t") in [(one["name"], one["value"]) for one in rows[-1]["request_headers"]]
    files = load("files", RECORDED).read_all().to_pylist()
    known = {row["name"]: row for row in files if row["direction"] == "to_client"}
    assert known["two"]["sha256"] == hashlib.sha256(b"hello over h2 /gz/two\n" * 500).hexdigest()
    assert (known["png"]["mime"], known["png"]["size"]) == ("image/png", 10256)


def conversation(size: int, settings_first: bool = False) -> Dialogue:
    """Three streams whose frames are mixed, with padding, continuations, trailers and an interim response."""
    client, server = Encoder(), Encoder()
    block = client.encode(asked("/b", ("x", "y" * 300)))
    ask = (
        frame(http2.HEADERS, 1 | http2.PRIORITY, 3, bytes(5) + block[:20])
        + frame(http2.CONTINUATION, 0, 3, block[20:30])
        + frame(http2.CONTINUATION, http2.END_HEADERS, 3, block[30:])
    )
    ask += head(client, 1, 1, *asked("/a")) + head(client, 5, 0, *asked("/c")) + frame(http2.DATA, 1, 5, b"abc")
    answer = head(server, 1, 0, (":status", "103")) + head(server, 1, 0, (":status", "200"))
    answer += head(server, 3, 0, (":status", "404"), ("content-type", "text/plain"))
    answer += frame(http2.DATA, 8, 1, b"\4" + BODY[:2000] + bytes(4)) + frame(http2.DATA, 0, 3, b"no")
    answer += frame(http2.DATA, 0, 1, BODY[2000:]) + head(server, 1, 1, ("x-end", "t")) + frame(99, 0, 0, b"new")
    answer += frame(http2.DATA, 1, 3) + head(server, 5, 1, (":status", "204"))
    talk = Dialogue(size=size)
    if settings_first:
        talk.s(SETTINGS).c(http2.PREFACE + SETTINGS + ask)
    else:
        talk.c(http2.PREFACE + SETTINGS + ask).s(SETTINGS)
    return talk.s(answer).close()


@pytest.mark.parametrize("size", [5, 11, 1400])
@pytest.mark.parametrize("settings_first", [False, True])
def test_mixed(size: int, settings_first: bool, tmp_path: Path) -> None:
    talk = conversation(size, settings_first)
    rows = rows_of("http", tmp_path / "a.pcap", talk.packets)
    rows.sort(key=lambda row: row["uri"])
    assert some(rows, "uri", "host", "status", "request_bytes", "response_bytes", "complete", "content_type") == [
        ("/a", "h.example", 200, 0, 5000, True, None),
        ("/b", "h.example", 404, 0, 2, True, "text/plain"),
        ("/c", "h.example", 204, 3, 0, True, None),
    ]
    assert ("x-end", "t") in [(one["name"], one["value"]) for one in rows[0]["response_headers"]]
    files = rows_of("files", tmp_path / "a.pcap", talk.packets)
    assert hashlib.sha256(BODY).hexdigest() in [row["sha256"] for row in files]


def test_missing(tmp_path: Path) -> None:
    """A hole in a body costs that body; one where headers are costs the rest of that side, and nothing is invented."""
    client, server = Encoder(), Encoder()
    ask = head(client, 1, 1, *asked("/a")) + head(client, 3, 1, *asked("/b"))
    answer = head(server, 1, 0, (":status", "200")) + frame(http2.DATA, 1, 1, BODY)
    more = head(server, 3, 0, (":status", "200")) + frame(http2.DATA, 1, 3, b"whole")
    talk = Dialogue(size=500).c(http2.PREFACE + ask).s(answer, lost=[3]).s(more).close()
    rows = rows_of("http", tmp_path / "a.pcap", talk.packets)
    assert some(rows, "uri", "response_bytes", "complete") == [("/a", 5000, False), ("/b", 5, True)]
    report = Report()
    talk = Dialogue(size=9).c(http2.PREFACE + ask).s(answer + more, lost=[0]).close()
    rows = rows_of("http", tmp_path / "a.pcap", talk.packets, report=report)
    assert some(rows, "uri", "status", "complete") == [("/a", None, False), ("/b", None, False)]
    assert report.counters["http: sessions of HTTP/2 given up, bytes are missing"] == 1


def test_trailers_come_once(tmp_path: Path) -> None:
    """A byte of a block may be a header of thousands: what comes again in a stream is not kept."""
    client, server = Encoder(), Encoder()
    answer = head(server, 1, 0, (":status", "200")) + head(server, 1, 0, ("a", "b" * 20))
    answer += frame(http2.HEADERS, http2.END_HEADERS, 1, b"\xbe" * 500) * 100 + head(server, 1, 1, ("x-end", "t"))
    talk = Dialogue().c(http2.PREFACE + head(client, 1, 1, *asked("/a"))).s(answer).close()
    report = Report()
    (row,) = rows_of("http", tmp_path / "a.pcap", talk.packets, report=report)
    assert [(one["name"], one["value"]) for one in row["response_headers"]] == [("x-end", "t")]
    assert report.counters["http: headers of HTTP/2 out of place"] == 101


HOSTILE = {
    "nothing but heads": b"".join(frame(http2.CONTINUATION, 0, 1, bytes(9000)) for _ in range(100)),
    "head without end": frame(http2.HEADERS, 0, 1, b"\x82")
    + b"".join(frame(http2.CONTINUATION, 0, 1, bytes(9000)) for _ in range(100)),
    "index of nothing": frame(http2.HEADERS, 5, 1, b"\xff\xff\xff\xff\x0f"),
    "padding that lies": frame(http2.DATA, 8, 1, b"\xff1") + frame(http2.HEADERS, 12, 1, b"\xff"),
    "large table": frame(http2.SETTINGS, 0, 0, b"\0\1\xff\xff\xff\xff")
    + frame(http2.HEADERS, 5, 1, b"\x3f\xff\xff\xff\x7f"),
    "bomb": frame(http2.HEADERS, 4, 1, Encoder().encode([("a", "b" * 4000)]) + b"\xbe" * 200_000),
    "streams": b"".join(frame(http2.HEADERS, 4, 1 + 2 * n, b"\x82\x84\x86") for n in range(5000)),
    "empty": b"".join(frame(kind, 0xFF, 1) for kind in range(256)),
    "noise": random.Random(5).randbytes(20_000),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile(name: str, tmp_path: Path) -> None:
    """Bounded, said, and the next session has its row."""
    report = Report()
    talk = Dialogue(size=60_000).c(http2.PREFACE + SETTINGS + HOSTILE[name]).s(SETTINGS + HOSTILE[name]).close()
    client, server = Encoder(), Encoder()
    good = Dialogue(sport=9, start=1.8e9).c(http2.PREFACE + head(client, 1, 1, *asked("/x")))
    good.s(head(server, 1, 1, (":status", "200")))
    rows = rows_of("http", tmp_path / "a.pcap", talk.packets + good.packets, report=report)
    assert some([row for row in rows if row["sport"] == 9], "uri", "status") == [("/x", 200)]
    assert "http: sessions given up, the parser failed" not in report.counters
    assert any(key.startswith("http: ") and key != "http rows" for key in report.counters) or name == "empty"
    assert len(rows) <= 5001


def test_heads_that_never_end_have_a_bound_in_common(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each session may hold 64 KB of them; all together no more than there is room for."""
    monkeypatch.setattr("packetpig.loaders.protocols.web.ROOM", 200_000)
    half = http2.PREFACE + frame(http2.HEADERS, 0, 1, bytes(40_000))
    many = [Dialogue(size=60_000, sport=7000 + n, start=1.7e9 + n).c(half) for n in range(8)]
    report = Report()
    rows_of("http", tmp_path / "a.pcap", [one for talk in many for one in talk.packets], report=report)
    assert report.counters["http: sessions of HTTP/2 given up for want of memory"] == 3  # 40,000 are held for each
    assert report.losses


def test_a_session_that_is_given_up_leaves_no_room_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Amid a head, with a large table, the parser fails: `rooms` looks at what is held in the end."""

    def fails(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(http2.Second, "_end", fails)
    table = frame(http2.SETTINGS, 0, 0, b"\0\1" + (60_000).to_bytes(4, "big"))
    half = frame(http2.HEADERS, 0, 1, bytes(9000))
    talk = Dialogue(size=60_000).c(http2.PREFACE).s(table + half).c(head(Encoder(), 1, 1, *asked("/a")))
    report = Report()
    rows_of("http", tmp_path / "a.pcap", talk.packets, report=report)
    assert report.counters["http: sessions given up, the parser failed"] == 1
