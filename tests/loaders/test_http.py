"""HTTP: framing, pairs, what is missing, what is hostile."""

from __future__ import annotations

import gzip
import random
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import brotli
import pytest
from backports import zstd
from packetpig.loaders import load
from packetpig.loaders.captures.capture import local
from packetpig.loaders.contract.discovery import find
from packetpig.loaders.contract.loader import run
from packetpig.loaders.contract.report import Report
from packetpig.loaders.protocols.http1 import MESSAGE
from packetpig.loaders.protocols.room import Room

from tests.loaders.talking import Dialogue, capture

pytestmark = pytest.mark.usefixtures("rooms")
Rows = list[dict[str, Any]]
GET = b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


@pytest.fixture
def rows(tmp_path: Path) -> Callable[..., Rows]:
    """Rows of dialogues, in the order of time."""

    def read(*dialogues: Dialogue, **options: str) -> Rows:
        path = tmp_path / "a.pcap"
        path.write_bytes(capture(*dialogues))
        return sorted(load("http", str(path), **options).read_all().to_pylist(), key=lambda row: row["ts"])

    return read


def chunked(*parts: bytes, trailers: bytes = b"") -> bytes:
    return b"".join(b"%x;x=y\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n" + trailers + b"\r\n"


def some(row: dict[str, Any], *names: str) -> tuple[Any, ...]:
    return tuple(row[name] for name in names)


@pytest.mark.parametrize("size", [5, 7, 1400])
def test_exchange(size: int, rows: Callable[..., Rows]) -> None:
    ask = (
        b"POST /x?q=\xc3\xa4 HTTP/1.1\r\nHOST: h.example\r\nUser-Agent: one\r\nuser-agent: two\r\nX:  a \r\n\tb\r\n"
        b"Referer: r\r\nContent-Length: 3\r\n\r\nabc"
    )
    talk = Dialogue(size=size).c(ask).s(b"HTTP/1.1 100 Continue\r\n\r\n").s(OK.replace(b"OK", b"Very well"))
    (row,) = rows(talk.close())
    assert some(row, "method", "host", "uri", "version", "status", "reason") == (
        "POST", "h.example", "/x?q=ä", "1.1", 200, "Very well",
    )  # fmt: skip
    assert some(row, "user_agent", "referer", "request_bytes", "response_bytes") == ("one", "r", 3, 5)
    assert row["complete"]
    assert row["number"] == 1
    assert [(one["name"], one["value"]) for one in row["request_headers"]] == [
        ("HOST", "h.example"), ("User-Agent", "one"), ("user-agent", "two"), ("X", "a b"), ("Referer", "r"),
        ("Content-Length", "3"),
    ]  # fmt: skip
    assert row["src"] == "10.0.0.1"
    assert row["dport"] == 80


@pytest.mark.parametrize("size", [4, 5, 1400])
def test_pipelined_and_kept_alive(size: int, rows: Callable[..., Rows]) -> None:
    asked = b"".join(GET.replace(b"/a", b"/%d" % number) for number in range(40))
    given = b"".join(
        b"HTTP/1.1 20%d OK\r\nTransfer-Encoding: chunked\r\n\r\n" % (number % 2) + chunked(b"y" + b"x" * number, b"y")
        for number in range(40)
    )
    found = rows(Dialogue(size=size).c(asked).s(given).close())
    assert [some(row, "uri", "status", "response_bytes", "complete") for row in found] == [
        (f"/{number}", 200 + number % 2, number + 2, True) for number in range(40)
    ]


def test_no_body_where_there_can_be_none(rows: Callable[..., Rows]) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"
    talk = Dialogue().c(GET.replace(b"GET", b"HEAD")).s(head)
    for status in (b"204 No", b"304 Not"):
        talk.c(GET).s(head.replace(b"200 OK", status))
    talk.c(GET).s(OK)
    found = rows(talk.close())
    assert [some(row, "status", "response_bytes", "complete") for row in found] == [
        (200, 0, True), (204, 0, True), (304, 0, True), (200, 5, True),
    ]  # fmt: skip


def test_until_close(rows: Callable[..., Rows]) -> None:
    head = b"HTTP/1.0 200 OK\r\n\r\n"
    (whole,) = rows(Dialogue().c(GET).s(head + b"x" * 5000).close())
    assert some(whole, "response_bytes", "complete") == (5000, True)
    (cut,) = rows(Dialogue().c(GET).s(head + b"x" * 5000))
    assert some(cut, "response_bytes", "complete") == (5000, False)


def test_trailers_and_duplicates_are_headers(rows: Callable[..., Rows]) -> None:
    said = b"HTTP/1.1 200 OK\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nTransfer-Encoding: chunked\r\n\r\n"
    talk = Dialogue(size=4).c(GET).s(said + chunked(b"abc", trailers=b"Digest: d\r\n"))
    (row,) = rows(talk.close())
    assert [one["value"] for one in row["response_headers"]] == ["a", "b", "chunked", "d"]
    found = rows(talk, field="set-cookie")
    assert [some(one, "name", "value", "message", "number") for one in found] == [
        ("Set-Cookie", "a", "response", 1), ("Set-Cookie", "b", "response", 1),
    ]  # fmt: skip
    assert [one["name"] for one in rows(talk, field="*")] == [
        "Host", "Set-Cookie", "Set-Cookie", "Transfer-Encoding", "Digest",
    ]  # fmt: skip


TEXT = b"".join(b"line %d\n" % number for number in range(20_000))
PACKED = {
    b"gzip": gzip.compress(TEXT[:1000]) + gzip.compress(TEXT[1000:]),
    b"deflate": zlib.compress(TEXT),
    b"Deflate": zlib.compress(TEXT)[2:-4],
    b"br": brotli.compress(TEXT),
    b"zstd": zstd.compress(TEXT),
    b"gzip, br": brotli.compress(gzip.compress(TEXT)),
}


@pytest.mark.parametrize("coding", PACKED)
def test_codings(coding: bytes, rows: Callable[..., Rows]) -> None:
    body = PACKED[coding]
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: %s\r\nContent-Length: %d\r\n\r\n" % (coding, len(body))
    (row,) = rows(Dialogue(size=100).c(GET).s(head + body).close())
    assert some(row, "response_bytes", "response_encoded_bytes") == (len(TEXT), len(body))
    (gap,) = rows(Dialogue(size=100).c(GET).s(head + body, lost=[3]).close())
    assert some(gap, "response_bytes", "response_encoded_bytes", "complete") == (None, len(body), False)


def test_bombs_are_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("packetpig.loaders.protocols.codings.LEAST", 1 << 20)
    monkeypatch.setattr("packetpig.loaders.protocols.codings.RATIO", 100)
    body = gzip.compress(bytes(50 << 20))
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body)
    path = tmp_path / "a.pcap"
    path.write_bytes(capture(Dialogue().c(GET).s(head + body).close()))
    report = Report()
    _, batches = run(find("http"), [local(path)], report=report)
    (row,) = [row for batch in batches for row in batch.to_pylist()]
    assert some(row, "response_bytes", "response_encoded_bytes") == (None, len(body))
    assert report.counters["http: bodies that cannot be decompressed"] == 1


def test_windows_of_zstd_are_bounded(rows: Callable[..., Rows]) -> None:
    """8 MB, as RFC 9659 has it: each body that is open keeps one."""
    for log, size in ((23, 5), (24, None)):
        packer = zstd.ZstdCompressor(options={zstd.CompressionParameter.window_log: log})
        body = packer.compress(b"hello", packer.FLUSH_BLOCK) + packer.flush()
        head = b"HTTP/1.1 200 OK\r\nContent-Encoding: zstd\r\nContent-Length: %d\r\n\r\n" % len(body)
        (row,) = rows(Dialogue().c(GET).s(head + body).close())
        assert row["response_bytes"] == size


def test_a_hole_in_a_body_keeps_the_rest(rows: Callable[..., Rows]) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n"
    talk = Dialogue(size=1000).c(GET).s(head + b"x" * 10000, lost=[2, 5]).c(GET).s(OK).close()
    assert [some(row, "response_bytes", "complete") for row in rows(talk)] == [(10000, False), (5, True)]


def test_what_is_missing_is_not_paired_wrongly(rows: Callable[..., Rows]) -> None:
    """The second response is not there at all: neither it nor the request after it may be taken for another's."""
    talk = Dialogue()
    for number in range(4):
        talk.c(GET.replace(b"/a", b"/%d" % number)).s(OK.replace(b"200", b"20%d" % number), lost=[0] * (number == 1))
    found = rows(talk.close())
    assert [some(row, "uri", "status") for row in found] == [("/0", 200), ("/1", None), ("/2", 202), ("/3", 203)]


def test_a_lost_request(rows: Callable[..., Rows]) -> None:
    talk = Dialogue().c(GET).s(OK).c(GET, lost=[0]).s(OK.replace(b"200", b"404")).c(GET).s(OK).close()
    assert [some(row, "method", "status") for row in rows(talk)] == [("GET", 200), (None, 404), ("GET", 200)]


def test_connect_and_what_goes_through_it(rows: Callable[..., Rows]) -> None:
    talk = Dialogue(8080).c(b"CONNECT w.example:80 HTTP/1.1\r\n\r\n").s(b"HTTP/1.1 200 Connected\r\n\r\n")
    found = rows(talk.c(GET).s(OK).close())
    assert [some(row, "method", "host", "status", "response_bytes") for row in found] == [
        ("CONNECT", "w.example", 200, 0), ("GET", "h", 200, 5),
    ]  # fmt: skip
    socket = (
        Dialogue().c(GET).s(b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\n\r\n").s(b"\x81\x05hello").c(b"\x81\0")
    )
    assert [some(row, "status", "complete") for row in rows(socket.close())] == [(101, True)]


def test_smuggling(rows: Callable[..., Rows]) -> None:
    """Chunks go before a length (RFC 9112, 6.3)."""
    ask = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
    talk = Dialogue().c(ask + chunked(b"abcdef") + GET).s(OK + OK).close()
    assert [some(row, "method", "request_bytes", "status") for row in rows(talk)] == [
        ("POST", 6, 200), ("GET", 0, 200),
    ]  # fmt: skip
    two = b"POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"
    (row,) = rows(Dialogue().c(two).s(OK).close())
    assert some(row, "method", "status", "complete") == ("POST", 200, False)


def test_other_methods_targets_and_versions(rows: Callable[..., Rows]) -> None:
    for line, wanted in {
        b"BASELINE-CONTROL / HTTP/1.1": ("BASELINE-CONTROL", "/", "1.1"),
        b"GET http://user@p.example/x HTTP/1.1": ("GET", "http://user@p.example/x", "1.1"),
        b"GET /a b HTTP/1.1": ("GET", "/a b", "1.1"),
    }.items():
        (row,) = rows(Dialogue().c(line + b"\r\n\r\n").s(OK).close())
        assert some(row, "method", "uri", "version") == wanted
        assert row["host"] == ("p.example" if b"user" in line else None)
    (glued,) = rows(Dialogue().c(b"CCM_POST /HTTP/1.1\r\n").s(b"<html>no</html>").close())
    assert some(glued, "method", "uri", "version", "response_bytes") == ("CCM_POST", "/HTTP/1.1", "0.9", 15)
    (old,) = rows(Dialogue().c(b"GET /old\r\n").s(b"<html>old</html>").close())
    assert some(old, "method", "uri", "version", "status", "response_bytes") == ("GET", "/old", "0.9", None, 16)


def test_without_room_messages_are_still_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody asks and asks, and is never answered: headers of others are given up, which is said, but not framing."""
    ask = GET.replace(b"/a", b"/" + b"a" * 500)
    monkeypatch.setattr("packetpig.loaders.protocols.web.ROOM", 30 * (len(ask) + MESSAGE + 150) + 10)
    inner = b"GET /forged HTTP/1.1\r\nHost: evil\r\n\r\n"
    post = b"POST /form HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % len(inner) + inner
    path = tmp_path / "a.pcap"
    silent = Dialogue(sport=7).c(ask * 30)
    talk = Dialogue(start=1.7e9 + 60).c(post).s(OK).c(GET).s(OK.replace(b"200 OK", b"404 No"))
    path.write_bytes(capture(silent, talk))
    report = Report()
    columns = ["sport", "uri", "status", "response_bytes", "complete"]
    _, batches = run(find("http"), [local(path)], columns, report=report)
    found = [row for batch in batches for row in batch.to_pylist()]
    asked = [row for row in found if row["sport"] != 7]
    assert {row["uri"] for row in asked} == {"/form", "/a", None}
    assert [row["response_bytes"] for row in asked if row["status"]] == [5, 5]
    assert {row["status"] for row in asked} == {200, 404, None}
    assert len(found) - len(asked) == 30
    assert report.losses
    assert report.counters["http: headers given up for want of memory"] > 0


def test_trailers_of_a_request_that_was_given(
    rooms: list[Room], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its row is out, as too many waited; what comes of it later is held nowhere."""
    monkeypatch.setattr("packetpig.loaders.protocols.http1.PENDING", 100)
    path, report = tmp_path / "a.pcap", Report()
    begin = b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
    path.write_bytes(capture(Dialogue().c(begin).c(chunked(b"abc", trailers=b"X: y\r\n" * 3)).s(OK)))
    _, batches = run(find("http"), [local(path)], ["method", "request_headers"], report=report)
    asked = [row for batch in batches for row in batch.to_pylist() if row["method"]]
    assert [len(row["request_headers"]) for row in asked] == [2]
    assert report.counters["http: trailers of requests that were given before"] == 3
    assert rooms


HOSTILE = {
    "endless head": (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 200_000, "heads given up, too long"),
    "endless line": (b"GET /" + b"a" * 2_000_000, "heads given up, too long"),
    "spaces": (b"GET /" + b" " * 60_000 + b"x\r\n\r\n", None),
    "many headers": (
        b"GET / HTTP/1.1\r\n" + b":\r\n" * 60_000 + b"\r\n", "requests given without response, too many waited",
    ),
    "pipelined": (GET * 10_000, None),
    "chunks without end": (
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 100_000, None,
    ),
    "no chunks": (
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + b"-1\r\n" * 1000,
        "bodies whose chunks cannot be understood",
    ),
    "trailers": (
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + b"a: b\r\n" * 100_000,
        "trailers left out, too many",
    ),
    "huge length": (
        b"POST / HTTP/1.1\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n",
        "messages whose Content-Length is no number, or several",
    ),
    "codings": (
        b"POST / HTTP/1.1\r\nContent-Encoding: " + b"gzip," * 1000 + b"\r\nContent-Length: 5\r\n\r\nhello",
        "bodies with more codings than are believed, left as they are",
    ),
    "two lengths": (
        b"POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        "messages whose Content-Length is no number, or several",
    ),
    "length and chunks": (
        b"POST / HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(b"abcdef"),
        "messages with both Content-Length and Transfer-Encoding",
    ),
}  # fmt: skip
"""What a client sends, and the counter that says what was not taken; None: nothing is left out."""


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile(name: str, rows: Callable[..., Rows], tmp_path: Path) -> None:
    sent, said = HOSTILE[name]
    talk = Dialogue(size=60_000).c(sent).s(OK).close()
    found = rows(talk, Dialogue(sport=9, start=1.8e9).c(GET).s(OK))
    assert some(found[-1], "method", "status", "response_bytes") == ("GET", 200, 5)
    assert all(row["method"] in ("GET", "POST", None) for row in found)
    report = Report()
    (tmp_path / "b.pcap").write_bytes(capture(talk))
    for _ in run(find("http"), [local(tmp_path / "b.pcap")], report=report)[1]:
        pass
    told = {counter.removeprefix("http: ") for counter in report.counters if counter.startswith("http: ")}
    assert said in told if said else not told


def test_cut_anywhere_it_is_the_same(rows: Callable[..., Rows]) -> None:
    """The size of segments changes nothing but times."""
    pick = random.Random(3)
    asked, given = b"", b""
    for number in range(30):
        body = bytes(pick.randrange(256) for _ in range(pick.randrange(3000)))
        asked += b"PUT /%d HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (number, len(body)) + body
        given += pick.choice(
            (OK, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(body or b"x", b"z"))
        )
    tables = [rows(Dialogue(size=size).c(asked).s(given).close()) for size in (11, 300, 1460)]
    names = ("uri", "status", "request_bytes", "response_bytes", "request_headers", "response_headers", "complete")
    first, *others = [[some(row, *names) for row in sorted(table, key=lambda row: row["number"])] for table in tables]
    assert len(first) == 30
    assert all(other == first for other in others)
