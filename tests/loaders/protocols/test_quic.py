"""QUIC: keys and packets of RFC 9001 and 9369, hellos in any order of packets, Retry, several connections."""

from __future__ import annotations

import itertools
import struct
from pathlib import Path
from typing import Any

import pytest
from packetpig.loaders.captures.capture import local
from packetpig.loaders.contract.discovery import find
from packetpig.loaders.contract.loader import run
from packetpig.loaders.contract.report import Report
from packetpig.loaders.protocols import quic

from tests.loaders.test_sessions import START, Sent
from tests.making import ethernet, ipv4, pcap, udp

TARGET = bytes.fromhex("8394c8f03e515708")
# RFC 9001, A.2: the CRYPTO frame of the client's Initial, and its first bytes once protected (A.2; RFC 9369, A.2)
CRYPTO = bytes.fromhex(
    "060040f1010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e86804fe3a47f06a2b69484c00000413011302010000c000000010"
    "000e00000b6578616d706c652e636f6dff01000100000a00080006001d0017001800100007000504616c706e0005000501000000000033002600"
    "24001d00209370b2c9caa47fbabaf4559fedba753de171fa71f50f1ce15d43e994ec74d748002b0003020304000d0010000e04030503060302"
    "03080408050806002d00020101001c00024001003900320408ffffffffffffffff05048000ffff07048000ffff0801100104800075300901100f"
    "088394c8f03e51570806048000ffff"
)
PROTECTED = {
    quic.V1: "c000000001088394c8f03e5157080000449e7b9aec34",
    quic.V2: "d76b3343cf088394c8f03e5157080000449ea0c95e82",
}
HELLO = CRYPTO[4:]
ANSWER = bytes.fromhex(  # RFC 9001, A.3: the server's hello
    "020000560303eefce7f7b37ba1d1632e96677825ddf73988cfc79825df566dc5430b9a045a1200130100002e00330024001d00209d3c940d8969"
    "0b84d08a60993c144eca684d1081287c834d5311bcf32bb9da1a002b00020304"
)


def sealed(
    frames: bytes,
    number: int,
    version: int = quic.V1,
    target: bytes = TARGET,
    header: tuple[bytes, bytes] | None = None,
    server: bool = False,
    token: bytes = b"",
    size: int = 1162,
) -> bytes:
    """An Initial packet with FRAMES and padding. TARGET: what its keys follow from; HEADER: the IDs in it."""
    key = quic.keys(version, target)[server]
    to, source = header or (target, b"")
    first = 0xC3 | ((1 if version == quic.V2 else 0) << 4)
    payload = frames.ljust(size, b"\0")
    head = bytes([first]) + struct.pack(">I", version) + bytes([len(to)]) + to + bytes([len(source)]) + source
    head += bytes([len(token)]) + token + struct.pack(">H", 0x4000 | (4 + len(payload) + 16))
    head += struct.pack(">I", number)
    text = key.aead.encrypt((key.vector ^ number).to_bytes(12, "big"), payload, head)
    mask = key.header.update(text[:16])
    hidden = bytes(a ^ b for a, b in zip(head[-4:], mask[1:5], strict=True))
    return bytes([first ^ (mask[0] & 15)]) + head[1:-4] + hidden + text


def crypto(data: bytes, begin: int, end: int) -> bytes:
    return b"\6" + struct.pack(">HH", 0x4000 | begin, 0x4000 | (end - begin)) + data[begin:end]


def sent(datagram: bytes, server: bool = False, after: float = 0.0) -> Sent:
    ends, ports = (("10.0.0.2", "10.0.0.1"), (443, 5000)) if server else (("10.0.0.1", "10.0.0.2"), (5000, 443))
    return START + after, ethernet(ipv4(udp(datagram, *ports), *ends, 17))


def read(path: Path, packets: list[Sent], report: Report | None = None) -> list[dict[str, Any]]:
    path.write_bytes(pcap(packets))
    _, batches = run(find("tls"), [local(path)], report=report)
    return [row for batch in batches for row in batch.to_pylist()]


@pytest.mark.parametrize("version", PROTECTED)
def test_the_packet_of_the_specification(version: int) -> None:
    packet = sealed(CRYPTO, 2, version)
    assert packet.hex().startswith(PROTECTED[version])
    (found,), unknown = quic.packets(packet)
    assert (found.kind, found.target, found.source, unknown) == (quic.INITIAL, TARGET, b"", 0)
    connection = quic.Session().take(packet, found, 0, 1)
    assert connection
    assert connection.crypto[0].message() == (1, HELLO[4:])


@pytest.mark.parametrize("version", PROTECTED)
def test_a_row(version: int, tmp_path: Path) -> None:
    answer = sealed(crypto(ANSWER, 0, len(ANSWER)), 0, version, header=(b"", b"server"), server=True)
    (row,) = read(tmp_path / "a.pcap", [sent(sealed(CRYPTO, 2, version)), sent(answer, True, 0.1)])
    wanted = {"carrier": "quic", "version": "TLSv1.3", "sni": "example.com", "alpn_offered": "alpn", "resumed": False}
    wanted |= {"cipher": "TLS_AES_128_GCM_SHA256", "established": None, "ts": START}
    assert row.items() >= wanted.items()
    assert row["ja4"].startswith("q13d0211an_")


def test_hellos_over_many_packets_in_any_order(tmp_path: Path) -> None:
    cuts = [0, 30, 31, 90, 150, len(HELLO)]
    pieces = [crypto(HELLO, low, high) for low, high in itertools.pairwise(cuts)]
    first = sealed(b"\1\0\0" + pieces[4] + b"\2\0\0\0\0" + pieces[1], 1, size=600) + sealed(pieces[0], 2, size=500)
    second = sealed(crypto(HELLO, 80, 160) + pieces[2] + pieces[2], 3)
    (row,) = read(tmp_path / "a.pcap", [sent(first), sent(second, after=0.1)])
    assert (row["sni"], row["version"], row["ts"]) == ("example.com", None, START)


def test_retry_is_one_handshake(tmp_path: Path) -> None:
    retry = b"\xf0" + struct.pack(">I", quic.V1) + b"\0\6second" + b"token" + bytes(16)
    again = sealed(CRYPTO, 3, target=b"second", token=b"token")
    answer = sealed(crypto(ANSWER, 0, len(ANSWER)), 0, target=b"second", header=(b"", b"server"), server=True)
    packets = [sent(sealed(CRYPTO, 2)), sent(retry, True, 0.1), sent(again, after=0.2), sent(answer, True, 0.3)]
    (row,) = read(tmp_path / "a.pcap", [*packets, sent(again, after=0.4)])
    assert (row["ts"], row["cipher"]) == (START, "TLS_AES_128_GCM_SHA256")


def test_connections_with_the_same_ports(tmp_path: Path) -> None:
    packets = []
    for number, target in enumerate((b"firstone", b"secondone", b"thirdone")):
        answer = sealed(crypto(ANSWER, 0, len(ANSWER)), 0, target=target, header=(b"", b"s%d" % number), server=True)
        packets += [sent(sealed(CRYPTO, 0, target=target), after=number), sent(answer, True, number + 0.1)]
    assert [row["ts"] for row in read(tmp_path / "a.pcap", packets)] == [START, START + 1, START + 2]


def test_what_cannot_be_opened_is_counted(tmp_path: Path) -> None:
    report = Report()
    damaged = bytearray(sealed(CRYPTO, 2))
    damaged[200] ^= 1
    assert not read(tmp_path / "a.pcap", [sent(bytes(damaged)), sent(bytes(damaged[:300]), after=0.1)], report)
    assert report.counters["quic packets that cannot be opened"] == 2


def test_crypto_frames_are_bounded() -> None:
    stream = quic.Crypto()
    for at in range(100_000):
        stream.add(2 * at + 1, b"x")
    assert len(stream.later) <= quic.MOST_PIECES
    stream.add(0, b"a")
    assert bytes(stream.data) == b"ax"
