"""TLS: real handshakes in any segments and records, STARTTLS, holes and lies; the columns of certificates."""

from __future__ import annotations

import base64
import datetime
import hashlib
import random
import ssl
import struct
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from packetpig.loaders import load, tls
from packetpig.loaders.contract.discovery import find
from packetpig.loaders.contract.report import Report

from tests.conftest import DEMO
from tests.loaders.protocols import test_quic as quic
from tests.loaders.talking import Rows, rows_of
from tests.loaders.test_sessions import ACK, START, Sent, Talk
from tests.making import ethernet, ipv4, pcap, udp

Said = list[tuple[int, bytes]]
BEGIN, END = (datetime.datetime(year, 1, 1, tzinfo=datetime.UTC) for year in (2024, 2025))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, x509.Certificate]:
    """A self-signed certificate with its key, as a file, and itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "www.site.example")])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 7, BEGIN, END)
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName("www.site.example"), x509.DNSName("b.example")]), False
        )
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
    return path, made


def handshake(pem: Path, version: ssl.TLSVersion, alpn: str = "h2") -> Said:
    """What both sides of a real handshake say, and some data: 0 is the client."""
    contexts = [ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)]
    contexts[0].check_hostname, contexts[0].verify_mode = False, ssl.CERT_NONE
    contexts[1].load_cert_chain(pem)
    for context in contexts:
        context.minimum_version = context.maximum_version = version
        context.set_alpn_protocols([alpn])
    buffers = [(ssl.MemoryBIO(), ssl.MemoryBIO()) for _ in range(2)]
    sides = [
        contexts[0].wrap_bio(*buffers[0], server_hostname="www.site.example"),
        contexts[1].wrap_bio(*buffers[1], True),
    ]
    said: Said = []
    done = [False, False]
    while not all(done):
        for side in (0, 1):
            try:
                sides[side].do_handshake()
                done[side] = True
            except ssl.SSLWantReadError:
                pass
            if data := buffers[side][1].read():
                said.append((side, data))
                buffers[1 - side][0].write(data)
    for side in (0, 1):
        sides[side].write(b"data" * 100)
        said.append((side, buffers[side][1].read()))
    return said


def talk_of(said: Said, size: int = 1400, port: int = 443, before: Said = ()) -> list[Sent]:  # type: ignore[assignment]
    """A session in segments of SIZE bytes."""
    talk, sent = Talk(40000, port).open(), [101, 501]
    for side, data in [*before, *said]:
        for at in range(0, len(data), size):
            say = talk.s if side else talk.c
            say(ACK, sent[side], sent[1 - side], data[at : at + size], 0.0001)
            sent[side] += len(data[at : at + size])
    return talk.packets


def in_small_records(data: bytes, size: int) -> bytes:
    """Records of handshake messages cut into more records."""
    out, at = b"", 0
    while at < len(data):
        length = int.from_bytes(data[at + 3 : at + 5], "big")
        body, head = data[at + 5 : at + 5 + length], data[at : at + 3]
        if data[at] == tls.HANDSHAKE:
            parts = [body[low : low + size] for low in range(0, length, size)]
            out += b"".join(head + struct.pack(">H", len(part)) + part for part in parts)
        else:
            out += data[at : at + 5 + length]
        at += 5 + length
    return out


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Rows]:
    """Rows of some packets; `report` has what was counted."""
    return partial(rows_of, "tls", tmp_path / "a.pcap")


@pytest.mark.parametrize("size", [1, 5, 7, 300, 1400])
def test_a_handshake_in_segments(size: int, server: tuple[Path, x509.Certificate], read: Callable[..., Rows]) -> None:
    (row,) = read(talk_of(handshake(server[0], ssl.TLSVersion.TLSv1_2), size))
    wanted = {
        "carrier": "tls", "version": "TLSv1.2", "version_offered": "TLSv1.2", "sni": "www.site.example", "alpn": "h2",
        "alpn_offered": "h2", "resumed": False, "established": True, "alert": None, "chain": 1,
        "subject": "CN=www.site.example", "issuer": "CN=www.site.example", "not_before": BEGIN.timestamp(),
        "not_after": END.timestamp(), "cert_names": "www.site.example,b.example",
        "cert_sha256": server[1].fingerprint(hashes.SHA256()).hex(), "client_subject": None,
    }  # fmt: skip
    assert row.items() >= wanted.items()
    assert row["cipher"].startswith("TLS_ECDHE_ECDSA_WITH_")
    assert row["ja4"].startswith("t12d")
    assert (len(row["ja3"]), len(row["ja3s"])) == (32, 32)
    assert row["ts"] == pytest.approx(START + 0.0301, abs=1e-6)


def test_tls_13(server: tuple[Path, x509.Certificate], read: Callable[..., Rows]) -> None:
    (row,) = read(talk_of(handshake(server[0], ssl.TLSVersion.TLSv1_3)))
    assert (row["version"], row["subject"], row["alpn"], row["alpn_offered"]) == ("TLSv1.3", None, None, "h2")
    assert (row["cipher"][:8], row["established"], row["resumed"]) == ("TLS_AES_", True, False)


@pytest.mark.parametrize("size", [1, 3, 100])
def test_messages_in_many_records(size: int, server: tuple[Path, x509.Certificate], read: Callable[..., Rows]) -> None:
    said = handshake(server[0], ssl.TLSVersion.TLSv1_2)
    small = [(side, in_small_records(data, size) if number < 2 else data) for number, (side, data) in enumerate(said)]
    whole, cut = read(talk_of(said)), read(talk_of(small))
    assert [row["cert_sha256"] for row in cut] == [whole[0]["cert_sha256"]]
    assert cut[0]["ja4"] == whole[0]["ja4"]


STARTTLS: dict[str, tuple[int, Said]] = {
    "smtp": (25, [(1, b"220 SMTP\r\n"), (0, b"EHLO m\r\n"), (1, b"250 a\r\n"), (0, b"STARTTLS\r\n"), (1, b"220\r\n")]),
    "imap": (143, [(1, b"* OK ready\r\n"), (0, b"a STARTTLS\r\n"), (1, b"a OK begin\r\n")]),
    "pop3": (110, [(1, b"+OK ready\r\n"), (0, b"STLS\r\n"), (1, b"+OK begin\r\n")]),
    "ftp": (21, [(1, b"220 FTP server\r\n"), (0, b"AUTH TLS\r\n"), (1, b"234 go\r\n")]),
    "http": (8080, [(0, b"CONNECT www.site.example:443 HTTP/1.1\r\nHost: a\r\n\r\n"), (1, b"HTTP/1.1 200 OK\r\n\r\n")]),
}  # fmt: skip


@pytest.mark.parametrize("protocol", STARTTLS)
def test_starttls(protocol: str, server: tuple[Path, x509.Certificate], read: Callable[..., Rows]) -> None:
    port, before = STARTTLS[protocol]
    (row,) = read(talk_of(handshake(server[0], ssl.TLSVersion.TLSv1_2), port=port, before=before))
    assert (row["carrier"], row["sni"], row["subject"]) == (protocol, "www.site.example", "CN=www.site.example")


@pytest.mark.parametrize("size", [7, 1400])
def test_tokens_in_ftp(size: int, server: tuple[Path, x509.Certificate], read: Callable[..., Rows]) -> None:
    """GridFTP: the handshake is spelled in commands (RFC 2228)."""
    said: Said = []
    for side, data in handshake(server[0], ssl.TLSVersion.TLSv1_2)[:-2]:
        token = base64.b64encode(data) + b"\r\n"
        said.append((side, b"335 ADAT=" + token if side else b"ADAT " + token))
    before = [(1, b"220 FTP server\r\n"), (0, b"AUTH GSSAPI\r\n"), (1, b"334 go on\r\n")]
    (row,) = read(talk_of(said, size, 2811, before))
    assert (row["carrier"], row["established"], row["subject"]) == ("ftp", True, "CN=www.site.example")


def test_no_handshake_in_text(read: Callable[..., Rows]) -> None:
    _, before = STARTTLS["smtp"]
    assert not read(
        talk_of(
            [(0, b"DATA\r\n"), (1, b"354 go\r\n"), (0, b"\x16\3\1 is no hello\r\n.\r\n")], port=25, before=before[:3]
        )
    )


def test_an_alert(server: tuple[Path, x509.Certificate], read: Callable[..., Rows]) -> None:
    hello = handshake(server[0], ssl.TLSVersion.TLSv1_2)[0]
    (row,) = read(talk_of([hello, (1, b"\x15\3\3\0\2\2\x28")]))
    assert (row["alert"], row["version"], row["established"], row["resumed"]) == (
        "handshake_failure",
        None,
        False,
        None,
    )


def test_the_old_hello(read: Callable[..., Rows]) -> None:
    body = b"\1\3\1\0\6\0\0\0\x10\0\0\x2f\1\0\x80" + bytes(16)
    (row,) = read(talk_of([(0, struct.pack(">H", 0x8000 | len(body)) + body)]))
    assert (row["version_offered"], row["sni"], row["ja4"][:8]) == ("TLSv1.0", None, "t10i0100")


def test_a_hole_costs_what_is_in_it(server: tuple[Path, x509.Certificate], read: Callable[..., Rows]) -> None:
    said = handshake(server[0], ssl.TLSVersion.TLSv1_2)
    packets = talk_of(said, 200)
    answer = next(
        at
        for at, (_, frame) in enumerate(packets)
        if b"\x16\3\3" in frame[54:57] and frame[26:30] == bytes([10, 0, 0, 2])
    )
    (row,) = read(packets[: answer + 1] + packets[answer + 2 :])
    assert (row["version"], row["cert_sha256"], row["established"]) == ("TLSv1.2", None, True)


def test_sessions_from_their_middle_have_no_row(
    server: tuple[Path, x509.Certificate], read: Callable[..., Rows]
) -> None:
    said = handshake(server[0], ssl.TLSVersion.TLSv1_2)
    assert not read(talk_of(said[-2:]))
    (row,) = read(talk_of(said[1:]))
    assert (row["sni"], row["version"], row["ja4"]) == (None, "TLSv1.2", None)


def test_hellos_that_lie(server: tuple[Path, x509.Certificate], read: Callable[..., Rows]) -> None:
    """Bytes of a hello changed at random: no failure, and fingerprints only of hellos that are whole."""
    said, dice = handshake(server[0], ssl.TLSVersion.TLSv1_2), random.Random(1)
    hello = said[0][1]
    packets = []
    for number in range(300):
        damaged = bytearray(hello)
        for _ in range(dice.randrange(1, 4)):
            damaged[dice.randrange(9, len(hello))] = dice.randrange(256)
        talk = Talk(20000 + number, 443, START + number).open().c(ACK, 101, 501, bytes(damaged))
        packets += talk.packets
    report = Report()
    rows = read(sorted(packets, key=lambda packet: packet[0]), report)
    assert len(rows) > 250
    assert not [name for name in report.counters if "given up" in name]
    (row,) = read(talk_of([(0, hello[:9] + hello[9:43] + b"\xff" + hello[44:])]))
    assert (row["version_offered"], row["ja3"], row["ja4"]) == ("TLSv1.2", None, None)


def test_what_is_remembered_is_bounded(
    monkeypatch: pytest.MonkeyPatch, server: tuple[Path, x509.Certificate], read: Callable[..., Rows]
) -> None:
    monkeypatch.setattr(tls, "PENDING", 10)
    hello = handshake(server[0], ssl.TLSVersion.TLSv1_2)[0][1]
    packets = []
    for number in range(40):
        packets += Talk(20000 + number, 443, START + number / 100).open().c(ACK, 101, 501, hello).packets
    report = Report()
    assert len(read(sorted(packets, key=lambda packet: packet[0]), report)) == 40
    assert report.counters["tls handshakes given up for want of memory"] >= 20


def test_what_is_held_is_bounded(monkeypatch: pytest.MonkeyPatch, read: Callable[..., Rows]) -> None:
    """Records, and messages of DTLS, that are never whole."""
    monkeypatch.setattr(tls, "HELD", 200_000)
    packets = []
    for number in range(40):
        packets += (
            Talk(20000 + number, 443, START + number / 100)
            .open()
            .c(ACK, 101, 501, b"\x16\3\1\x40\0\1" + bytes(8000))
            .packets
        )
        part = b"\1\0\xff\xff" + bytes(5) + b"\0\0\1x"
        record = b"\x16\xfe\xfd" + bytes(8) + struct.pack(">H", len(part)) + part
        packets.append((START + number / 100, ethernet(ipv4(udp(record, 30000 + number, 4433), proto=17))))
    report = Report()
    assert not read(sorted(packets, key=lambda packet: packet[0]), report)
    assert report.counters["tls handshakes given up for want of memory"] > 40
    assert report.losses


def long_hello(body: bytes = b"", size: int = 60_000) -> bytes:
    """A ClientHello message that offers ciphers of SIZE bytes. BODY: its beginning, of TLS without it."""
    body = (body or b"\3\3" + bytes(32) + b"\0") + struct.pack(">H", size) + b"\xc0\x2f" * (size // 2) + b"\1\0"
    return b"\1" + len(body).to_bytes(3, "big") + body


def in_records(data: bytes) -> bytes:
    """A handshake message, or some, in the records of TLS."""
    parts = [data[at : at + (1 << 14)] for at in range(0, len(data), 1 << 14)]
    return b"".join(b"\x16\3\3" + struct.pack(">H", len(part)) + part for part in parts)


def test_hellos_are_bounded(
    monkeypatch: pytest.MonkeyPatch, server: tuple[Path, x509.Certificate], read: Callable[..., Rows]
) -> None:
    """Clients that say no more than a long hello: these are given up, not the handshake that goes on meanwhile."""
    monkeypatch.setattr(tls, "HELD", 500_000)
    whole = talk_of(handshake(server[0], ssl.TLSVersion.TLSv1_2))
    packets = [(time + 100 * (number > 3), frame) for number, (time, frame) in enumerate(whole)]
    for number in range(40):
        talk, at = Talk(20000 + number, 443, START + 1 + number).open(), 101
        for part in (long := in_records(long_hello()))[:30000], long[30000:]:
            talk.c(ACK, at, 501, part, 0.001)
            at += len(part)
        packets += talk.packets
    report = Report()
    rows = read(sorted(packets, key=lambda packet: packet[0]), report)
    assert len([row for row in rows if row["ja3"] and row["sni"] is None]) == 40
    assert [(row["established"], row["chain"]) for row in rows if row["sni"]] == [(True, 1)]
    assert 30 < report.counters["tls handshakes given up for want of memory"] <= 40
    assert report.losses


def test_of_a_chain_only_what_is_told_is_held(monkeypatch: pytest.MonkeyPatch, read: Callable[..., Rows]) -> None:
    monkeypatch.setattr(tls, "HELD", 300_000)
    answer = b"\2\0\0\x26\3\3" + bytes(33) + b"\xc0\x2f\0"

    def given_up(*sizes: int) -> int:
        packets = []
        for number in range(20):
            chain = b"".join(size.to_bytes(3, "big") + bytes([number]) * size for size in sizes)
            body = len(chain).to_bytes(3, "big") + chain
            message = b"\x0b" + len(body).to_bytes(3, "big") + body
            said = [(0, in_records(long_hello(size=2))), (1, in_records(answer + message))]
            moved = 40000 + number
            packets += [
                (time + number, frame.replace(struct.pack(">H", 40000), struct.pack(">H", moved), 1))
                for time, frame in talk_of(said)
            ]
        report = Report()
        rows = read(sorted(packets, key=lambda packet: packet[0]), report)
        wanted = [(len(sizes), hashlib.sha256(bytes([number]) * sizes[0]).hexdigest()) for number in range(20)]
        assert [(row["chain"], row["cert_sha256"]) for row in sorted(rows, key=lambda row: row["ts"])] == wanted
        return report.counters["tls handshakes given up for want of memory"]

    assert given_up(5_000, 60_000, 60_000) == 0
    assert given_up(60_000, 5_000) > 10


def test_hellos_of_dtls_are_bounded(monkeypatch: pytest.MonkeyPatch, read: Callable[..., Rows]) -> None:
    monkeypatch.setattr(tls, "HELD", 200_000)
    hello = long_hello(b"\xfe\xfd" + bytes(32) + b"\0\0", 20_000)
    part = hello[:4] + b"\0\0\0\0\0" + hello[1:4] + hello[4:]
    record = b"\x16\xfe\xfd" + bytes(8) + struct.pack(">H", len(part)) + part
    packets = [(START + at, ethernet(ipv4(udp(record, 30000 + at, 4433), proto=17))) for at in range(40)]
    report = Report()
    assert len(read(packets, report)) == 40
    assert 20 < report.counters["tls handshakes given up for want of memory"] <= 40


def test_quic_before_damage_is_bounded(monkeypatch: pytest.MonkeyPatch, read: Callable[..., Rows]) -> None:
    """A part of a hello, and a frame that is cut behind it."""
    monkeypatch.setattr(tls, "HELD", 1000)
    packet = quic.sealed(quic.crypto(quic.HELLO, 0, 100).ljust(1000, b"\0") + b"\6", 1, size=0)
    packets = [(START + at, ethernet(ipv4(udp(packet, 30000 + at, 443), proto=17))) for at in range(40)]
    report = Report()
    assert not read(packets, report)
    assert report.counters["quic packets that cannot be opened"] == 40
    assert 20 < report.counters["tls handshakes given up for want of memory"] <= 40


LIMIT = tls.Parser.enough


@pytest.mark.parametrize("bulk", [1, LIMIT - 3000, LIMIT - 1500, LIMIT - 900, LIMIT - 300, LIMIT - 100, LIMIT, 300_000])
@pytest.mark.parametrize("uploaded", [False, True])
def test_what_others_want_makes_no_difference(
    bulk: int, uploaded: bool, server: tuple[Path, x509.Certificate], tmp_path: Path
) -> None:
    """HTTP and files want all of a stream, TLS its beginning: whichever side has said much before a CONNECT."""
    http, before = STARTTLS["http"]
    long = b"Content-Length: %d\r\n\r\n" % bulk + bytes(bulk)
    first = [(0, b"POST / HTTP/1.1\r\n" + long), (1, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")]
    if not uploaded:
        first = [(0, b"GET / HTTP/1.1\r\n\r\n"), (1, b"HTTP/1.1 200 OK\r\n" + long)]
    path = tmp_path / "a.pcap"
    said = handshake(server[0], ssl.TLSVersion.TLSv1_2)
    path.write_bytes(pcap(talk_of(said, 600, port=http, before=[*first, *before])))
    columns = [column.name for column in find("tls").schema()]
    alone = load("tls", str(path), columns).read_all().to_pylist()
    rows = load("traffic", str(path), kinds="tls,http,files").read_all().to_pylist()
    assert [row["tls"] for row in rows if row["tls"]] == alone
    assert len(alone) == (bulk < LIMIT)
    assert len([row for row in rows if row["http"]]) == 2


def test_dtls(server: tuple[Path, x509.Certificate], read: Callable[..., Rows]) -> None:
    """Messages of a TLS 1.2 handshake as DTLS has them, in fragments that overlap and come out of order."""
    said = handshake(server[0], ssl.TLSVersion.TLSv1_2)
    packets = []
    for side, data in said[:2]:
        at = number = 0
        messages = b""
        while at < len(data) and data[at] == tls.HANDSHAKE:
            size = int.from_bytes(data[at + 3 : at + 5], "big")
            messages += data[at + 5 : at + 5 + size]
            at += 5 + size
        while messages:
            size = int.from_bytes(messages[1:4], "big")
            kind, body, messages = messages[0], messages[4 : 4 + size], messages[4 + size :]
            if kind == 1:  # version, random, session; then the cookie
                body = b"\xfe\xfd" + body[2 : 35 + body[34]] + b"\4cook" + body[35 + body[34] :]
                size = len(body)
            elif kind == 2:
                body = b"\xfe\xfd" + body[2:]
            pieces = [(low, body[low : low + 120]) for low in range(0, size, 100)]
            for low, piece in reversed(pieces):
                part = bytes([kind]) + size.to_bytes(3, "big") + struct.pack(">H", number)
                part += low.to_bytes(3, "big") + len(piece).to_bytes(3, "big") + piece
                record = b"\x16\xfe\xfd" + bytes(8) + struct.pack(">H", len(part)) + part
                ends = ("10.0.0.2", "10.0.0.1") if side else ("10.0.0.1", "10.0.0.2")
                ports = (4433, 5000) if side else (5000, 4433)
                packets.append((START + len(packets) / 1000, ethernet(ipv4(udp(record, *ports), *ends, 17))))
            number += 1
    (row,) = read(packets)
    assert (row["carrier"], row["version"], row["sni"], row["ja4"][:4]) == (
        "dtls",
        "DTLSv1.2",
        "www.site.example",
        "dd2d",
    )
    assert row["cert_sha256"] == server[1].fingerprint(hashes.SHA256()).hex()


def test_columns_one_by_one() -> None:
    """A column is the same whether others are asked for or not."""
    capture = str(DEMO / "2024-03-04T12.pcap")
    whole = load("tls", capture).read_all()
    assert whole.num_rows
    for column in find("tls").schema():
        assert load("tls", capture, [column.name]).read_all()[column.name].to_pylist() == whole[column.name].to_pylist()
