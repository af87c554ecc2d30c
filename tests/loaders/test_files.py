"""Files: bytes and hashes of each protocol, ranges, attachments, what is missing, what is hostile, what is kept."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import quopri
import random
import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from packetpig.loaders import load
from packetpig.loaders.captures.capture import local
from packetpig.loaders.contract.discovery import find
from packetpig.loaders.contract.loader import run
from packetpig.loaders.contract.report import CaptureError, Report
from packetpig.loaders.protocols import tftp
from packetpig.loaders.protocols.room import Room

from tests.conftest import DEMO, ROOT
from tests.loaders.talking import CLIENT, SERVER, START, Dialogue, Rows
from tests.making import ethernet, ipv4, pcap, udp

pytestmark = pytest.mark.usefixtures("rooms")
Packets = list[tuple[float, bytes]]
Read = Callable[..., Rows]
DATA = random.Random(1).randbytes(9000)
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + DATA[:3000]
ELF = Path("/bin/true").read_bytes()[:8000]


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def some(row: dict[str, Any], *names: str) -> tuple[Any, ...]:
    return tuple(row[name] for name in names)


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Rows of packets or dialogues, in the order of time."""

    def rows(*given: Dialogue | Packets, report: Report | None = None, **options: str) -> Rows:
        packets = [one for part in given for one in (part.packets if isinstance(part, Dialogue) else part)]
        path = tmp_path / "a.pcap"
        path.write_bytes(pcap(sorted(packets), nanos=True))
        _, batches = run(find("files"), [local(path)], options=options, report=report)
        return sorted((row for batch in batches for row in batch.to_pylist()), key=lambda row: row["ts"])

    return rows


# HTTP


def get(name: str = "/a", more: str = "") -> bytes:
    return f"GET {name} HTTP/1.1\r\nHost: h\r\n{more}\r\n".encode()


def answer(body: bytes, more: str = "", status: str = "200 OK") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{more}\r\n".encode() + body


@pytest.mark.parametrize("size", [5, 7, 1400])
def test_http(size: int, read: Read) -> None:
    talk = Dialogue(size=size).c(get("/x/y%20z.png?q=/n")).s(answer(PNG[:300], "Content-Type: text/plain\r\n"))
    talk.c(get().replace(b"GET", b"HEAD")).s(answer(b""))
    talk.c(answer(b"x").replace(b"HTTP/1.1 200 OK", b"PUT /up HTTP/1.1"))
    talk.s(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n").close()
    image, sent, text = read(talk)
    assert some(image, "name", "mime", "extension", "content_type", "size", "complete", "missing_bytes") == (
        "y z.png", "image/png", "png", "text/plain", 300, True, 0,
    )  # fmt: skip
    assert some(image, "protocol", "direction", "sha256", "path") == ("http", "to_client", sha256(PNG[:300]), None)
    assert image["md5"] == hashlib.md5(PNG[:300]).hexdigest()
    assert image["sha1"] == hashlib.sha1(PNG[:300]).hexdigest()
    assert some(sent, "name", "direction", "size") == ("up", "to_server", 1)
    assert some(text, "size", "sha256", "mime") == (4, sha256(b"abcd"), "text/plain")


def test_http_decompressed(read: Read) -> None:
    packed = gzip.compress(ELF)
    talk = Dialogue().c(get("/logo.gif")).s(answer(packed, "Content-Encoding: gzip\r\n"))
    for damaged in (packed[:-6], packed[:90] + b"xxxx" + packed[94:]):
        talk.c(get()).s(answer(damaged, "Content-Encoding: gzip\r\n"))
    whole, cut, broken = read(talk.close())
    assert some(whole, "size", "complete", "sha256") == (len(ELF), True, sha256(ELF))
    assert whole["mime"].startswith("application/x-")
    assert some(cut, "complete", "sha256", "missing_bytes") == (False, None, None)
    assert some(broken, "complete", "sha256", "missing_bytes") == (False, None, None)


def test_http_names(read: Read) -> None:
    said = {
        'attachment; filename="a b.exe"': "a b.exe",
        "attachment; filename=\"x\"; filename*=UTF-8''%e2%82%ac.pdf": "€.pdf",
        "inline": "a",
        'attachment; filename="../../etc/passwd"': "../../etc/passwd",
        'attachment; filename="' + "x" * 70_000 + '"': "x" * 4096,
    }
    talk = Dialogue()
    for value in said:
        talk.c(get()).s(answer(b"x", f"Content-Disposition: {value}\r\n"))
    assert [row["name"] for row in read(talk.close())] == list(said.values())


def test_http_gap(read: Read) -> None:
    talk = Dialogue(size=100).c(get()).s(answer(DATA), lost=[3, 4]).close()
    (row,) = read(talk)
    assert some(row, "size", "missing_bytes", "complete", "md5", "sha256") == (9000, 200, False, None, None)
    (row,) = read(Dialogue(size=100).c(get()).s(answer(DATA)[:5000]))
    assert some(row, "size", "complete", "sha256") == (9000, False, None)
    endless = Dialogue().c(get()).s(b"HTTP/1.0 200 OK\r\n\r\n" + DATA)
    (row,) = read(endless)  # it may well be whole: no length, and nobody closed
    assert some(row, "size", "complete", "missing_bytes", "sha256") == (9000, False, None, sha256(DATA))
    assert read(endless.close())[0]["complete"]


def ranged(first: int, last: int, total: int | str = len(DATA), data: bytes = DATA) -> bytes:
    return answer(data[first : last + 1], f"Content-Range: bytes {first}-{last}/{total}\r\n", "206 Partial Content")


def test_ranges_are_put_together(read: Read) -> None:
    one = Dialogue(sport=40001).c(get()).s(ranged(6000, 8999))
    two = Dialogue(sport=40002, start=one.now).c(get()).s(ranged(0, 3999))
    one.now = two.now
    one.c(get()).s(ranged(3000, 6100)).close()
    (row,) = read(one, two)
    assert some(row, "size", "complete", "sha256", "mime") == (9000, True, sha256(DATA), "application/octet-stream")
    assert row["sport"] == 40001
    (part,) = read(Dialogue().c(get()).s(ranged(100, 199)).close())
    assert some(part, "size", "complete", "missing_bytes", "sha256") == (9000, False, 8900, None)


def test_ranges_in_one_message(read: Read) -> None:
    parts = b"".join(
        b"\r\n--B\r\nContent-Type: x/y\r\nContent-Range: bytes %d-%d/9000\r\n\r\n" % (first, first + 2999)
        + DATA[first : first + 3000]
        for first in (3000, 6000, 0)
    )
    head = "Content-Type: multipart/byteranges; boundary=B\r\n"
    (row,) = read(Dialogue().c(get()).s(answer(parts + b"\r\n--B--\r\n", head, "206 Partial Content")).close())
    assert some(row, "sha256", "complete", "content_type") == (sha256(DATA), True, "x/y")


def test_ranges_that_lie(read: Read) -> None:
    data = bytes(9000)
    talk = Dialogue(size=700).c(get()).s(ranged(0, 3999)).c(get()).s(ranged(2000, 5999, data=data)).c(get())
    talk.s(answer(DATA, "Content-Range: bytes 5990-6009/9000\r\n", "206 P"))  # more than it says
    talk.c(get("/b")).s(answer(b"xyz", "Content-Range: bytes 99999999999999999-99999999999999999/*\r\n", "206 P"))
    talk.c(get("/c")).s(answer(b"xyz", "Content-Range: bytes 7-3/2\r\n", "206 P"))
    report = Report()
    rows = {row["name"]: row for row in read(talk.close(), report=report)}
    assert some(rows["a"], "size", "missing_bytes", "complete", "sha256") == (9000, 2990, False, None)
    assert some(rows["b"], "complete", "sha256") == (False, None)
    assert some(rows["c"], "size", "complete", "sha256") == (3, True, sha256(b"xyz"))


def test_many_ranges_are_bounded(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("packetpig.loaders.filing.ranges.PARTS", 10)
    monkeypatch.setattr("packetpig.loaders.filing.http.ASSEMBLIES", 3)
    talk = Dialogue()
    for number in range(40):
        talk.c(get(f"/{number % 5}")).s(ranged(8000 - 200 * number, 8010 - 200 * number))
    report = Report()
    rows = read(talk.close(), report=report)
    assert len(rows) == 40 - 0  # each time another one takes its place
    assert report.counters["files in ranges given before all ranges were there, too many at once"] == 37
    one = Dialogue()
    for number in range(40):
        one.c(get()).s(ranged(8000 - 200 * number, 8010 - 200 * number))
    (row,) = read(one.close(), report=report)
    assert row["missing_bytes"] == 9000 - 11 * 10
    assert report.counters["bytes of parts of files given up, too many waited"] == 30 * 11


def multipart(parts: Sequence[tuple[str, bytes]], boundary: bytes = b"--x--y") -> bytes:
    made = b"".join(b"--%s\r\n%s\r\n\r\n%s\r\n" % (boundary, head.encode(), body) for head, body in parts)
    return made + b"--" + boundary + b"--\r\n"


@pytest.mark.parametrize("size", [5, 6, 1400])
def test_uploads(size: int, read: Read) -> None:
    raw = PNG[:200] + b"\r\n--\r\n--x-\r\n-\r\n"
    form = 'Content-Disposition: form-data; name="{}"'
    body = multipart([
        (form.format("field"), b"value"), (form.format("f") + '; filename="p.png"\r\nContent-Type: image/gif', raw),
        (form.format("g") + '; filename=""', b""), (form.format("h") + '; filename="ä.txt"', b"--hello\n"),
    ])  # fmt: skip
    ask = answer(body, 'Content-Type: multipart/form-data; charset=x; boundary="--x--y"\r\n')
    ask = ask.replace(b"HTTP/1.1 200 OK", b"POST /up HTTP/1.1")
    image, text = read(Dialogue(size=size).c(ask).s(answer(b"")).close())
    assert some(image, "name", "content_type", "mime", "sha256") == ("p.png", "image/gif", "image/png", sha256(raw))
    assert some(text, "name", "direction", "sha256", "complete") == ("ä.txt", "to_server", sha256(b"--hello\n"), True)


# FTP


def ftp(*, passive: bool = True, extended: bool = False, store: bool = False, lost: Sequence[int] = ()) -> Packets:
    """A listing, then a file, over data connections of one kind; the control connection sends a line a segment."""
    control = Dialogue(dport=21)
    control.s(b"220 FTP ready\r\n").c(b"USER u\r\n").s(b"331 x\r\n").c(b"PASS p\r\n").s(b"230-x\r\n230 y\r\n")
    packets: Packets = []
    for port, command in ((50000, b"LIST"), (50001, "STOR dir/é.bin".encode() if store else b"RETR dir\\f.bin")):
        if passive:
            control.c(b"EPSV\r\n" if extended else b"PASV\r\n")
            said = b"229 x (|||%d|)" % port if extended else b"227 Entering (10,0,0,2,%d,%d)" % divmod(port, 256)
            control.s(said + b"\r\n")
        elif extended:
            control.c(b"EPRT |1|10.0.0.1|%d|\r\n" % port).s(b"200 ok\r\n")
        else:
            control.c(b"PORT 10,0,0,1,%d,%d\r\n" % divmod(port, 256)).s(b"200 ok\r\n")
        control.c(command + b"\r\n").s(b"150 here it comes\r\n")
        if passive:
            data = Dialogue(dport=port, sport=41000, start=control.now, size=100)
        else:
            data = Dialogue(dport=port, sport=20, start=control.now, hosts=(SERVER, CLIENT), size=100)
        say = data.c if (store and command[:4] == b"STOR") == passive else data.s
        say(DATA if b"." in command else b"-rw-rw- listing", lost=lost if b"." in command else ())
        packets += data.close(0 if say == data.c else 1).packets
        control.now = data.now
        control.s(b"226 done\r\n")
    return control.packets + packets


@pytest.mark.parametrize("store", [False, True])
@pytest.mark.parametrize("extended", [False, True])
@pytest.mark.parametrize("passive", [False, True])
def test_ftp(passive: bool, extended: bool, store: bool, read: Read) -> None:
    (row,) = read(ftp(passive=passive, extended=extended, store=store))
    assert some(row, "protocol", "direction", "name", "size", "complete", "sha256") == (
        "ftp", "to_server" if store else "to_client", "é.bin" if store else "f.bin", 9000, True, sha256(DATA),
    )  # fmt: skip
    (row,) = read(ftp(passive=passive, extended=extended, store=store, lost=[2]))
    assert some(row, "size", "missing_bytes", "complete", "sha256") == (9000, 100, False, None)


def test_ftp_goes_on_in_the_middle(read: Read) -> None:
    packets = ftp()
    packets = [(time, frame.replace(b"RETR dir\\f.bin", b"REST 500\r\nRETR")) for time, frame in packets]
    (row,) = read(packets)
    assert some(row, "size", "missing_bytes", "complete", "sha256", "mime") == (9500, 500, False, None, None)


# SMTP


def mail(body: bytes, size: int = 1400, lost: Sequence[int] = (), chunks: int = 0) -> Dialogue:
    talk = Dialogue(dport=25, size=size)
    talk.s(b"220 h ESMTP\r\n").c(b"EHLO x\r\n").s(b"250-h\r\n250 CHUNKING\r\n").c(b"MAIL FROM:<a>\r\n").s(b"250 ok\r\n")
    talk.c(b"RCPT TO:<b>\r\n").s(b"250 ok\r\n")
    if chunks:
        for at in range(0, len(body), chunks):
            part = body[at : at + chunks]
            talk.c(b"BDAT %d%s\r\n" % (len(part), b" LAST" * (at + chunks >= len(body))) + part).s(b"250 ok\r\n")
    else:
        talk.c(b"DATA\r\n").s(b"354 go on\r\n")
        talk.c(body.replace(b"\r\n.", b"\r\n..") + b"\r\n.\r\n", lost=lost).s(b"250 ok\r\n")
    return talk.c(b"QUIT\r\n").s(b"221 x\r\n").close(0)


def letter(*parts: tuple[str, bytes]) -> bytes:
    head = b'From: a\r\nSubject: x\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed;\r\n\tboundary="xx"\r\n\r\n'
    return head + b"preamble\r\n" + multipart(parts, b"xx") + b"epilogue"


PARTS = (
    ("Content-Type: text/plain", b"..hello\r\n.\n.."),
    ('Content-Disposition: attachment;\r\n filename="=?utf-8?q?=C3=A4.bin?="\r\nContent-Transfer-Encoding: base64',
     base64.encodebytes(DATA).replace(b"\n", b"\r\n")),
    ("Content-Type: image/png\r\nContent-Transfer-Encoding: BASE64", base64.b64encode(PNG)),
    ("Content-Type: text/csv; name=t.csv\r\nContent-Transfer-Encoding: quoted-printable",
     quopri.encodestring(b"a;\xe4;=\r\nb;c;" + b"d" * 200)),
    ("Content-Type: application/x; name=raw\r\nContent-Transfer-Encoding: 8bit", b"\r\n.\r\n..a\r\n\r\n"),
)  # fmt: skip
SENT = {
    "ä.bin": DATA, None: PNG, "t.csv": b"a;\xe4;=\r\nb;c;" + b"d" * 200, "raw": b"\r\n.\r\n..a\r\n\r\n",
}  # fmt: skip


@pytest.mark.parametrize("chunks", [0, 700, 100_000])
@pytest.mark.parametrize("size", [5, 1400])
def test_smtp(size: int, chunks: int, read: Read) -> None:
    sent = letter(*PARTS)
    rows = read(mail(sent.removesuffix(b"\r\nepilogue") if chunks else sent, size, chunks=chunks))
    assert {row["name"]: row["sha256"] for row in rows} == {name: sha256(data) for name, data in SENT.items()}
    assert {some(row, "protocol", "direction", "complete") for row in rows} == {("smtp", "to_server", True)}


def test_smtp_gap(read: Read) -> None:
    rows = {row["name"]: row for row in read(mail(letter(*PARTS), 500, lost=[10]))}
    assert some(rows["ä.bin"], "complete", "sha256", "missing_bytes") == (False, None, None)
    assert rows["t.csv"]["sha256"] == sha256(SENT["t.csv"])
    talk = mail(letter(*PARTS), 500)
    talk.packets = [one for one in talk.packets if b"QUIT" not in one[1]]
    assert all(row["complete"] for row in read(talk))


def test_mails_in_mails(read: Read) -> None:
    inner = letter(PARTS[1])
    for _ in range(10):
        inner = b"Subject: y\r\nContent-Type: message/rfc822\r\n\r\n" + inner
    (row,) = read(mail(inner))
    assert some(row, "name", "sha256") == ("ä.bin", sha256(DATA))
    report = Report()
    deep = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (number, number) for number in range(1000)
    )
    assert read(mail(deep + PARTS[1][0].encode() + b"\r\n\r\nx"), report=report) == []
    assert report.counters["mime: parts nested too deep"] == 1
    report = Report()
    assert read(mail(b"X: " + b"y" * 200_000 + b"\r\n\r\nz"), report=report) == []
    assert report.counters["mime: heads of parts given up, too long"] == 1


# SMB


def smb(number: int, body: bytes, message: int, answer: bool = False, status: int = 0, following: int = 0) -> bytes:
    flags = int(answer)
    return struct.pack(
        "<4sHHIHHIIQIIQ16s", b"\xfeSMB", 64, 1, status, number, 1, flags, following, message, 0, 5, 77, b""
    ) + body  # fmt: skip


def framed(*messages: bytes) -> bytes:
    joined = b"".join(messages)
    return struct.pack(">I", len(joined)) + joined


def opened(name: str, size: int, message: int, handle: bytes, action: int = 1) -> tuple[bytes, bytes]:
    path = name.encode("utf-16-le")
    ask = struct.pack("<H42xHHII", 57, 64 + 56, len(path), 0, 0) + path
    said = struct.pack("<HBBI32xQQII", 89, 0, 0, action, size, size, 0, 0) + handle + bytes(8)
    return smb(5, ask, message), smb(5, said, message, True)


def reading(offset: int, data: bytes, message: int, handle: bytes, claim: int | None = None) -> tuple[bytes, bytes]:
    ask = struct.pack("<HBBIQ", 49, 0, 0, len(data), offset) + handle + bytes(17)
    size = len(data) if claim is None else claim
    said = struct.pack("<HBBIII", 17, 80, 0, size, 0, 0) + data
    return smb(8, ask, message), smb(8, said, message, True)


def writing(offset: int, data: bytes, message: int, handle: bytes) -> tuple[bytes, bytes]:
    ask = struct.pack("<HHIQ", 49, 64 + 48, len(data), offset) + handle + bytes(16) + data
    return smb(9, ask, message), smb(9, struct.pack("<HHIIHH", 17, 0, len(data), 0, 0, 0), message, True)


def closing(message: int, handle: bytes) -> tuple[bytes, bytes]:
    return smb(6, struct.pack("<HHI", 24, 0, 0) + handle, message), smb(6, struct.pack("<H58x", 60), message, True)


def exchanged(talk: Dialogue, *pairs: tuple[bytes, bytes], lost: Sequence[int] = ()) -> Dialogue:
    for asked, said in pairs:
        talk.c(framed(asked)).s(framed(said), lost=lost if len(said) > 2000 else ())
    return talk


ONE, TWO = b"\x01" * 16, b"\x02" * 16


@pytest.mark.parametrize("size", [11, 1400])
def test_smb(size: int, read: Read) -> None:
    talk = exchanged(
        Dialogue(dport=445, size=size), opened("dir\\ä.bin", 9000, 1, ONE), opened("new.png", 0, 2, TWO, 2),
        reading(5000, DATA[5000:], 3, ONE), writing(0, PNG[:1000], 4, TWO), reading(0, DATA[:5000], 5, ONE),
        writing(1000, PNG[1000:], 6, TWO), closing(7, ONE), closing(8, TWO),
    )  # fmt: skip
    read_one, written = sorted(read(talk), key=lambda row: row["name"], reverse=True)
    assert some(read_one, "protocol", "direction", "name", "size", "sha256", "complete") == (
        "smb", "to_client", "ä.bin", 9000, sha256(DATA), True,
    )  # fmt: skip
    assert some(written, "direction", "name", "mime", "sha256", "complete") == (
        "to_server", "new.png", "image/png", sha256(PNG), True,
    )  # fmt: skip


def test_smb_in_part(read: Read) -> None:
    talk = Dialogue(dport=445, size=1000)
    exchanged(talk, opened("a", 9000, 1, ONE), reading(0, DATA[:4000], 2, ONE), closing(3, ONE))
    (row,) = read(talk)
    assert some(row, "size", "missing_bytes", "complete", "sha256") == (9000, 5000, False, None)
    talk = Dialogue(dport=445, size=1000)
    exchanged(talk, opened("a", 9000, 1, ONE), reading(0, DATA, 2, ONE), closing(3, ONE), lost=[4])
    (row,) = read(talk)
    assert some(row, "size", "missing_bytes", "complete", "sha256") == (9000, 1000, False, None)


def test_smb_lies(read: Read) -> None:
    talk = Dialogue(dport=445)
    exchanged(talk, opened("a", 9000, 1, ONE), reading(0, DATA[:100], 2, ONE, claim=0xFFFFFFFF))
    talk.c(b"\0\xff\xff\xff" + smb(8, b"", 9)).c(b"\0\0\0\x04abcd").c(framed(smb(5, b"", 10, following=5)))
    talk.s(framed(b"\xfdSMB" + bytes(100))).s(framed(b"\xffSMB" + bytes(100)))
    report = Report()
    (row,) = read(exchanged(talk, reading(100, DATA[100:], 11, ONE)), report=report)
    assert row["size"] == 9000
    assert report.counters["smb messages whose lengths lie"] >= 1
    assert report.counters["smb messages that are encrypted"] == 1
    assert report.counters["smb messages of version 1"] == 1


def test_smb_messages_that_are_held_have_a_bound_in_common(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    """The beginnings of large messages in many sessions: what there is no room for is passed over, and said."""
    monkeypatch.setattr("packetpig.loaders.filing.smb.ROOM", 100_000)
    large = framed(smb(5, bytes(30_000), 1))
    report = Report()
    many = [Dialogue(dport=445, sport=7000 + n, start=START + n).c(large[:9000]) for n in range(5)]
    last = exchanged(
        Dialogue(dport=445, start=START + 9), opened("a", 9000, 1, ONE), reading(0, DATA, 2, ONE), closing(3, ONE)
    )
    (row,) = read(*many, last, report=report)
    assert row["sha256"] == sha256(DATA)
    assert report.counters["smb messages passed over for want of memory"] == 2  # 30,064 are held for each
    assert report.losses


def test_a_path_of_smb_keeps_its_end(read: Read) -> None:
    talk = Dialogue(dport=445)
    exchanged(talk, opened("d" * 9000 + "\\a.bin", 9000, 1, ONE), reading(0, DATA, 2, ONE), closing(3, ONE))
    (row,) = read(talk)
    assert row["name"] == "a.bin"


# TFTP


class Tftp:
    """One transfer; each datagram a millisecond after the other."""

    def __init__(self, kind: int, options: bytes = b"", port: int = 33000) -> None:
        self.packets: Packets = []
        self.port = 69
        self.send(0, struct.pack(">H", kind) + b"d/fw.bin\0octet\0" + options)
        self.port = port

    def send(self, side: int, data: bytes) -> None:
        ports = (40000, self.port)
        hosts = (CLIENT, SERVER)
        frame = ethernet(ipv4(udp(data, ports[side], ports[1 - side]), hosts[side], hosts[1 - side], 17))
        self.packets.append((START + len(self.packets) / 1000, frame))

    def blocks(self, data: bytes, size: int = 512, sender: int = 1, lost: Sequence[int] = ()) -> Packets:
        number = 1
        for at in range(0, len(data) + 1, size):
            if at not in lost:
                self.send(sender, struct.pack(">HH", 3, number) + data[at : at + size])
                self.send(1 - sender, struct.pack(">HH", 4, number))
            number += 1
        return self.packets


@pytest.mark.parametrize("write", [False, True])
def test_tftp(write: bool, read: Read) -> None:
    (row,) = read(Tftp(2 if write else 1).blocks(DATA, sender=1 - write))
    assert some(row, "protocol", "direction", "name", "size", "complete", "sha256") == (
        "tftp", "to_server" if write else "to_client", "fw.bin", 9000, True, sha256(DATA),
    )  # fmt: skip
    (row,) = read(Tftp(2 if write else 1).blocks(DATA, sender=1 - write, lost=[1024]))
    assert some(row, "size", "missing_bytes", "complete", "sha256") == (9000, 512, False, None)


def test_tftp_options(read: Read) -> None:
    one = Tftp(1, b"blksize\x001000\0tsize\x000\0")
    one.send(1, b"\0\6BLKSIZE\x001000\0")
    one.send(0, b"\0\4\0\0")
    one.blocks(DATA, 1000)
    one.send(1, struct.pack(">HH", 3, 1) + b"again")
    (row,) = read(one.packets)
    assert some(row, "size", "complete", "sha256") == (9000, True, sha256(DATA))
    (row,) = read(Tftp(1).blocks(DATA)[:-4])
    assert some(row, "complete", "sha256") == (False, None)


class Taken:
    """A Body that keeps all."""

    def __init__(self) -> None:
        self.bytes, self.ends, self.holes = b"", [], []

    def data(self, data: bytes) -> None:
        self.bytes += data

    def hole(self, size: int | None) -> None:
        self.holes.append(size)

    def end(self, complete: bool) -> None:
        self.ends.append(complete)


@pytest.mark.parametrize("wrap", [0, 1])
def test_tftp_counts_round(wrap: int) -> None:
    body = Taken()
    transfer = tftp.Transfer(body, Room(0))
    transfer.take(b"\0\6blksize\x008\0", 0)
    number = 1
    for count in range(70_000):
        transfer.take(struct.pack(">HHQ", 3, number, count), 0)
        number = number + 1 if number < 65535 else wrap
    transfer.take(struct.pack(">HH", 3, number), 0)
    assert body.bytes == struct.pack(">70000Q", *range(70_000))
    assert (body.ends, body.holes) == ([True], [])


def windowed(lost: int, again: bool) -> Tftp:
    """Windows of four blocks; the block LOST did not arrive, and came AGAIN with what follows, or is not captured."""
    one = Tftp(1, b"windowsize\x004\0")
    one.send(1, b"\0\6windowsize\x004\0")
    one.send(0, b"\0\4\0\0")
    blocks = [(n, DATA[512 * (n - 1) : 512 * n]) for n in range(1, 19)]
    at = 0
    while at < len(blocks):
        window = blocks[at : at + 4]
        for number, data in window:
            if number != lost:
                one.send(1, struct.pack(">HH", 3, number) + data)
        hit = lost in [number for number, _ in window] and again
        at = lost - 1 if hit else at + len(window)
        one.send(0, struct.pack(">HH", 4, at))
        lost = 0 if hit else lost
    return one


def test_tftp_by_windows(read: Read) -> None:
    for lost in range(19):
        (row,) = read(windowed(lost, True).packets)
        assert some(row, "size", "complete", "sha256") == (9000, True, sha256(DATA)), lost
        (row,) = read(windowed(lost, False).packets)
        if lost == 18:  # the last one: nothing tells how long it was
            assert some(row, "complete", "sha256") == (False, None)
        elif lost:
            assert some(row, "size", "missing_bytes", "complete", "sha256") == (9000, 512, False, None), lost


def test_tftp_windows_without_room(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks for which there is no room do not wait: what is before them is missing then."""
    monkeypatch.setattr("packetpig.loaders.protocols.tftp.ROOM", 700)
    (row,) = read(windowed(6, True).packets)
    assert some(row, "size", "complete", "sha256") == (9000, False, None)


def test_tftp_flood(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("packetpig.loaders.filing.tftp.ASKED", 10)
    packets: Packets = []
    for number in range(100):
        frame = udp(b"\0\1f%d\0octet\0" % number, 1000 + number, 69)
        packets.append((START + number / 1000, ethernet(ipv4(frame, CLIENT, SERVER, 17))))
    report = Report()
    assert read(packets, report=report) == []
    assert report.counters["tftp requests forgotten, too many waited"] == 90


# sensors

OTHER = random.Random(2).randbytes(9000)


def two_sites(folder: Path, *sites: Packets) -> list[tuple[Any, ...]]:
    """Sensor, name and hash of the files of two sensors that have the same addresses at nearly the same time."""
    for number, packets in enumerate(sites):
        place = folder / f"site{number}"
        place.mkdir()
        later = sorted((time + number / 5000, frame) for time, frame in packets)
        (place / "a.pcap").write_bytes(pcap(later, nanos=True))
    rows = (
        load("files", str(folder), ["sensor", "name", "sha256", "complete"], sensors="folders").read_all().to_pylist()
    )
    assert all(row["complete"] for row in rows)
    return sorted(some(row, "sensor", "name", "sha256") for row in rows)


def replaced(packets: Packets, *pairs: tuple[bytes, bytes]) -> Packets:
    for old, new in pairs:
        packets = [(time, frame.replace(old, new)) for time, frame in packets]
    return packets


@pytest.mark.parametrize("passive", [False, True])
def test_ftp_of_two_sensors(passive: bool, tmp_path: Path) -> None:
    other = replaced(ftp(passive=passive), (b"f.bin", b"g.bin"), (DATA[100:200], OTHER[:100]))
    changed = DATA[:100] + OTHER[:100] + DATA[200:]
    assert two_sites(tmp_path, ftp(passive=passive), other) == [
        ("site0", "f.bin", sha256(DATA)),
        ("site1", "g.bin", sha256(changed)),
    ]


def test_tftp_of_two_sensors(tmp_path: Path) -> None:
    other = replaced(Tftp(1).blocks(OTHER), (b"fw.bin", b"gw.bin"))
    assert two_sites(tmp_path, Tftp(1).blocks(DATA), other) == [
        ("site0", "fw.bin", sha256(DATA)),
        ("site1", "gw.bin", sha256(OTHER)),
    ]


def test_ranges_of_two_sensors(tmp_path: Path) -> None:
    def site(data: bytes) -> Packets:
        talk = Dialogue().c(get()).s(ranged(0, 3999, data=data)).c(get()).s(ranged(4000, 8999, data=data))
        return talk.close().packets

    assert two_sites(tmp_path, site(DATA), site(OTHER)) == [
        ("site0", "a", sha256(DATA)),
        ("site1", "a", sha256(OTHER)),
    ]


# all of them


def test_types(read: Read) -> None:
    talk = Dialogue().c(get("/a.gif")).s(answer(ELF)).c(get("/b")).s(answer(PNG)).c(get("/c")).s(answer(b"text"))
    kept = lambda types: [row["name"] for row in read(talk, types=types)]  # noqa: E731
    assert kept("image/*, .exe") == ["b"]
    assert kept("png,text/plain") == ["b", "c"]
    assert kept("application/x-*") == ["a.gif"]


def test_kept(read: Read, tmp_path: Path, rooms: list[Room]) -> None:
    folder = tmp_path / "kept"
    big = DATA * 100
    talk = Dialogue().c(get("/../x")).s(answer(PNG)).c(get("/b")).s(answer(big)).c(get("/c")).s(answer(PNG))
    talk.c(get("/d")).s(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n" + DATA).close()
    for _ in range(2):
        rows = read(talk, store=str(folder))
        assert [row["path"] for row in rows] == [
            f"{folder}/{name}" for name in (sha256(PNG), sha256(big), sha256(PNG), sha256(DATA) + ".partial")
        ]
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
            sha256(PNG): PNG, sha256(big): big, f"{sha256(DATA)}.partial": DATA,
        }  # fmt: skip
    read(talk, store=str(tmp_path / "images"), types="image/*")
    assert [path.name for path in (tmp_path / "images").iterdir()] == [sha256(PNG)]
    (tmp_path / "file").touch()
    with pytest.raises(CaptureError, match="file"):
        read(talk, store=str(tmp_path / "file"))
    rooms.clear()  # what failed is not at its end


def test_no_hash_is_made_that_nobody_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def counted(name: str, real: Any) -> None:
        monkeypatch.setattr(f"packetpig.loaders.filing.file.hashlib.{name}", lambda **_: made.append(name) or real())

    for name in ("md5", "sha1", "sha256"):
        counted(name, getattr(hashlib, name))
    path = tmp_path / "a.pcap"
    path.write_bytes(pcap(Dialogue().c(get()).s(answer(b"x")).close().packets))
    assert load("files", str(path), columns=["size", "name"]).read_all().to_pylist() == [{"size": 1, "name": "a"}]
    assert made == []
    load("files", str(path), columns=["sha1"]).read_all()
    assert made == ["sha1"]


def test_demo() -> None:
    """All files that the programs of the demo carried are there, with their hashes; the break-in's too."""
    rows = load("files", str(DEMO)).read_all().to_pylist()
    found = {some(row, "protocol", "direction", "name", "sha256") for row in rows}
    truth = json.loads((ROOT / "tests/captures/truth.json").read_text())["files"]
    whole = [one for one in truth if "parts" not in one]
    wanted = {(one["protocol"], one["direction"], one["name"] or None, one["sha256"]) for one in whole}
    assert len(wanted) > 30
    assert wanted <= found
    (program,) = [row for row in rows if row["name"] == "logo.gif" and row["src"] == "10.10.1.80"]
    assert program["mime"] == "application/x-executable"
    parts = [row for row in rows if row["dst"] == "113.161.72.18" and row["name"] == "upload"]
    assert sum(row["size"] for row in parts if row["direction"] == "to_server") == 270_882
