"""However captures are cut, what is said in sessions comes to every kind as from one file."""

from __future__ import annotations

import hashlib
import json
import random
import ssl
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from packetpig.loaders import load
from packetpig.loaders.captures.capture import Capture, local
from packetpig.loaders.contract.discovery import find
from packetpig.loaders.contract.loader import OptionError, run
from packetpig.loaders.contract.report import CaptureError, Report
from packetpig.loaders.traffic import KINDS

from tests.conftest import DEMO, ROOT
from tests.loaders.talking import START, Dialogue, capture
from tests.loaders.test_sessionpieces import buckets, ranges, traffic
from tests.loaders.test_tls import handshake, server  # noqa: F401
from tests.making import pcap

Rows = list[str]


def names(kind: str) -> list[str]:
    """Columns that do not depend on where the captures were cut."""
    return [column.name for column in KINDS[kind].schema({}) if column.name != "capture"]


def shown(rows: Sequence[dict[str, Any]]) -> Rows:
    return sorted(json.dumps(row, default=str, sort_keys=True) for row in rows)


def whole(kind: str, path: Path) -> Rows:
    return shown(load(kind, str(path), names(kind)).read_all().to_pylist())


def merged(kind: str, tasks: Sequence[Sequence[Capture]], report: Report | None = None) -> Rows:
    """Rows of a kind from the pieces of several tasks, in any order."""
    rows: list[dict[str, Any]] = []
    for pieces in buckets(tasks, **{"for": kind}):
        _, batches = run(find(kind), [], names(kind), pieces=iter(pieces), report=report)
        rows += [row for batch in batches for row in batch.to_pylist()]
    return shown(rows)


def rotated(folder: Path, packets: Sequence[tuple[float, bytes]], cuts: Sequence[int]) -> list[list[Capture]]:
    """A task for each file of a capture that was rotated at these packets."""
    folder.mkdir()
    tasks = []
    for number, (low, high) in enumerate(pairwise([0, *sorted(cuts), len(packets)])):
        path = folder / f"{number:02}.pcap"
        path.write_bytes(pcap(packets[low:high], nanos=True))
        tasks.append([local(path)])
    return tasks


@pytest.mark.parametrize("kind", KINDS)
def test_the_demo_at_random_bytes_and_in_many_tasks(kind: str) -> None:
    dice = random.Random(kind)
    tasks = []
    for path in sorted(DEMO.iterdir()):
        cuts = [dice.randrange(path.stat().st_size) for _ in range(3)]
        tasks += ranges(path, cuts) if path.suffix == ".pcap" else [[local(path)]]
    found = merged(kind, tasks)
    assert found == whole(kind, DEMO)
    assert found


@pytest.mark.parametrize("kind", ["sessions", "http", "files"])
def test_http2_at_random_bytes(kind: str) -> None:
    path, dice = ROOT / "tests/captures/h2c.pcap", random.Random(kind)
    wanted = whole(kind, path)
    for _ in range(10):
        assert merged(kind, ranges(path, [dice.randrange(path.stat().st_size) for _ in range(3)])) == wanted


def test_all_kinds_at_once() -> None:
    tasks = [task for path in sorted(DEMO.glob("*.pcap")) for task in ranges(path, [path.stat().st_size // 2])]
    wanted = load("traffic", [str(path) for path in sorted(DEMO.glob("*.pcap"))]).read_all().to_pylist()
    rows: list[dict[str, Any]] = []
    for pieces in buckets(tasks, **{"for": ",".join(KINDS)}):
        _, batches = run(find("traffic"), [], pieces=iter(pieces))
        rows += [row for batch in batches for row in batch.to_pylist()]
    assert shown(rows) == shown(wanted)


def talks() -> list[tuple[float, bytes]]:
    """HTTP, with pipelining and payload out of its turn and lost; mail; FTP; what is no protocol; at once."""
    head = b"From: a\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
    part = b"Content-Disposition: attachment; filename=x.bin\r\n\r\n" + b"some data of a file\r\n" * 800
    mail = head + part + b"\r\n--b--\r\n"
    dice, found = random.Random(5), []
    for number in range(12):
        talk = Dialogue(
            sport=41000 + number, size=700, start=START + number / 7, hosts=("10.1.0.1", f"10.1.0.{number % 4 + 2}")
        )
        for _ in range(3):
            body = dice.randbytes(dice.randrange(9000))
            talk.c(b"GET /%d HTTP/1.1\r\nHost: h\r\n\r\n" % number)
            lost = [2] if number % 5 == 4 else []
            talk.s(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body, lost)
            talk.now += 0.4
        found += talk.close().packets
        post = Dialogue(25, 42000 + number, 900, START + number / 5, ("10.1.0.9", "10.1.0.25")).s(
            b"220 hello ESMTP\r\n"
        )
        post.c(b"EHLO x\r\n").s(b"250 hi\r\n").c(b"MAIL FROM:<a@b>\r\n").s(b"250 ok\r\n").c(b"RCPT TO:<c@d>\r\n")
        post.s(b"250 ok\r\n").c(b"DATA\r\n").s(b"354 go\r\n").c(mail + b".\r\n").s(b"250 done\r\n").c(b"QUIT\r\n")
        found += post.s(b"221 bye\r\n").close().packets
        odd = Dialogue(9999, 43000 + number, 400, START + number / 3).c(dice.randbytes(3000)).s(dice.randbytes(5000))
        found += odd.packets
    found.sort(key=lambda packet: packet[0])
    for at in range(3, len(found) - 1, 11):  # out of their turn
        (early, first), (late, second) = found[at], found[at + 1]
        found[at], found[at + 1] = (early, second), (late, first)
    return found


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", ["http", "files"])
def test_rotated_at_random_packets(kind: str, seed: int, tmp_path: Path) -> None:
    packets, dice = talks(), random.Random(seed)
    path = tmp_path / "whole.pcap"
    path.write_bytes(pcap(packets, nanos=True))
    wanted = whole(kind, path)
    assert len(wanted) > 20
    tasks = rotated(tmp_path / "cut", packets, [dice.randrange(len(packets)) for _ in range(8)])
    assert merged(kind, tasks) == wanted
    assert merged(kind, ranges(path, [dice.randrange(path.stat().st_size) for _ in range(8)])) == wanted


def test_captures_that_overlap(tmp_path: Path) -> None:
    packets = talks()
    path, third = tmp_path / "whole.pcap", len(packets) // 3
    path.write_bytes(pcap(packets, nanos=True))
    tasks = rotated(tmp_path / "a", packets[: 2 * third], [third]) + rotated(tmp_path / "b", packets[third:], [third])
    assert merged("http", tasks) == whole("http", path)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_hello_that_is_cut_in_two(version: ssl.TLSVersion, server: Any, tmp_path: Path) -> None:  # noqa: F811
    talk = Dialogue(443, size=100)
    for side, data in handshake(server[0], version):
        (talk.s if side else talk.c)(data)
    path = tmp_path / "whole.pcap"
    path.write_bytes(capture(talk))
    wanted = whole("tls", path)
    assert "www.site.example" in wanted[0]
    hello = 4  # three packets of the handshake, then segments of the hello
    for cut in range(2, 12):
        assert merged("tls", rotated(tmp_path / f"cut{cut}", talk.packets, [cut])) == wanted
    assert merged("tls", rotated(tmp_path / "cut", talk.packets, [hello, hello + 1, hello + 2])) == wanted


def test_only_what_is_wanted_travels(tmp_path: Path) -> None:
    """Payload of a protocol that nobody wants stays where it is, and sessions travel without any."""
    body = random.Random(2).randbytes(4_000_000)
    talk = Dialogue().c(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
    talk.s(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body).close()
    path = tmp_path / "a.pcap"
    path.write_bytes(capture(talk))
    sizes = {}
    for kind in ("sessions", "tls", "http"):
        report = Report()
        list(run(find("sessionpieces"), [local(path)], options={"for": kind}, report=report)[1])
        sizes[kind] = report.counters["bytes of pieces"]
    assert sizes["sessions"] < sizes["tls"] < 2_000_000 < len(body) < sizes["http"]


def test_what_is_no_piece(tmp_path: Path) -> None:
    (tmp_path / "a.pcap").write_bytes(pcap(traffic(1, 5)))
    some = next(one for one in buckets([[local(tmp_path / "a.pcap")]], **{"for": "http"}) if len(one[0]) > 300)
    for broken in (b"", b"PPS1" + some[0][4:], some[0][:40], some[0][:-20], some[0][:-20] + b"x" * 20):
        with pytest.raises(CaptureError, match="piece"):
            list(run(find("http"), [], pieces=iter([broken]))[1])
    with pytest.raises(OptionError, match="PacketLoader does not make its rows of pieces"):
        list(run(find("sessionpieces"), [local(tmp_path / "a.pcap")], options={"for": "packets"})[1])


@pytest.mark.slow
def test_a_large_download_over_ten_pieces(tmp_path: Path) -> None:
    """200 MB over one connection, whose capture is ten files and then ten splits of one."""
    body = random.Random(1).randbytes(1 << 20) * 200
    talk = Dialogue(size=16_000).c(b"GET /big.iso HTTP/1.1\r\nHost: h\r\n\r\n")
    talk.s(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body))
    for at in range(0, len(body), 1 << 20):
        talk.s(body[at : at + (1 << 20)])
    packets = talk.close().packets
    count = len(packets)
    (row,) = merged("files", rotated(tmp_path / "cut", packets, [count * part // 10 for part in range(1, 10)]))
    assert json.loads(row)["sha256"] == hashlib.sha256(body).hexdigest()
    assert json.loads(row)["complete"]
    path = tmp_path / "whole.pcap"
    path.write_bytes(pcap(packets, nanos=True))
    size = path.stat().st_size
    assert merged("files", ranges(path, [size * part // 10 for part in range(1, 10)])) == [row]
