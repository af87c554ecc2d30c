"""However captures are cut, pieces put together give the sessions of the whole."""

from __future__ import annotations

import random
import struct
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from packetpig.loaders import load
from packetpig.loaders.captures.capture import Capture, local
from packetpig.loaders.contract.discovery import find
from packetpig.loaders.contract.loader import run
from packetpig.loaders.sessions import COLUMNS, LOADER

from tests.conftest import DEMO
from tests.loaders.test_sessions import ACK, PSH, START, Sent, Talk, closed
from tests.making import ethernet, ipv4, pcap, udp

NAMES = tuple(column.name for column in COLUMNS if column.name != "capture")
Rows = list[tuple[Any, ...]]


def traffic(seed: int, count: int = 60) -> list[Sent]:
    """Sessions of all kinds at once, one of which lasts from the first packet to the last; and fragments."""
    dice = random.Random(seed)
    packets: list[Sent] = []
    for number in range(count):
        talk = Talk(40000 + number % 20, 80, START + dice.uniform(0, 600)).open(dice.randrange(1 << 32), 500)
        first = struct.unpack_from(">I", talk.packets[0][1], 38)[0] + 1
        for at in range(dice.randrange(8)):
            talk.c(ACK | PSH, (first + 10 * at) & 0xFFFFFFFF, 501, b"x" * 10, dice.choice((0.01, 1, 70, 310)))
            talk.s(ACK, 501, (first + 10 * at + dice.choice((0, 10))) & 0xFFFFFFFF)
        if dice.random() < 0.5:
            talk = closed(talk)
        packets += talk.packets
        whole = udp(b"y" * 2000, 5000 + number, 53)
        frames = [
            ipv4(whole[:1000], proto=17, ident=number, fragment=0x2000),
            ipv4(whole[1000:], proto=17, ident=number, fragment=125),
        ]
        packets += [
            (talk.now + gap, ethernet(frame)) for gap, frame in zip((0, dice.uniform(0, 20)), frames, strict=True)
        ]
        asked = ipv4(udp(b"z" * 40, 6000 + number % 3, 161), "10.0.0.7", "10.0.0.8", proto=17)
        unreachable = ipv4(b"\x03\x03\0\0\0\0\0\0" + asked[:28], f"10.0.0.{8 + number % 2}", "10.0.0.7", proto=1)
        later = talk.now + dice.choice((0.1, 30, 100))
        packets += [(talk.now, ethernet(asked)), (later, ethernet(unreachable))]
    long = Talk(39999, 80, START).open()
    for at in range(60):
        long.c(ACK | PSH, 101 + at, 501, b"z", 20)
    return sorted(packets + long.packets, key=lambda packet: packet[0])


def buckets(tasks: Iterable[Sequence[Capture]], **options: str) -> list[list[bytes]]:
    """The pieces of several tasks, by bucket and in the order of ts, as Pig gives them."""
    found: dict[int, list[tuple[float, bytes]]] = defaultdict(list)
    tasks = list(tasks)
    random.Random(1).shuffle(tasks)
    for captures in tasks:
        _, batches = run(find("sessionpieces"), captures, ["ts", "bucket", "piece"], options=options)
        for row in (row for batch in batches for row in batch.to_pylist()):
            found[row["bucket"]].append((row["ts"], row["piece"]))
    return [[piece for _, piece in sorted(pieces, key=lambda one: one[0])] for pieces in found.values()]


def merged(tasks: Iterable[Sequence[Capture]]) -> Rows:
    """Sessions from the pieces of several tasks."""
    rows: Rows = []
    for pieces in buckets(tasks):
        _, batches = run(LOADER, [], NAMES, pieces=iter(pieces))
        rows += [tuple(row.values()) for batch in batches for row in batch.to_pylist()]
    return sorted(rows, key=repr)


def expected(path: Path, **options: str) -> Rows:
    """Sessions of one run over all."""
    batch = load("sessions", str(path), **options).read_all().select(NAMES)
    return sorted((tuple(row.values()) for row in batch.to_pylist()), key=repr)


def ranges(path: Path, cuts: Sequence[int]) -> list[list[Capture]]:
    """A task for each range of a capture."""
    size = path.stat().st_size
    places = [0, *sorted(cuts), size]
    tasks = []
    for low, high in pairwise(places):
        capture = local(path)
        capture.start, capture.end, capture.size = low, high, size
        tasks.append([capture])
    return tasks


@pytest.mark.parametrize("seed", range(4))
def test_splits_at_any_byte(seed: int, tmp_path: Path) -> None:
    path = tmp_path / "a.pcap"
    path.write_bytes(pcap(traffic(seed)))
    dice = random.Random(seed)
    cuts = [dice.randrange(path.stat().st_size) for _ in range(dice.randrange(1, 12))]
    assert merged(ranges(path, cuts)) == expected(path)


@pytest.mark.parametrize("seed", range(4))
def test_files_rotated_at_any_packet(seed: int, tmp_path: Path) -> None:
    packets, dice = traffic(seed), random.Random(seed)
    whole = tmp_path / "whole.pcap"
    whole.write_bytes(pcap(packets))
    cuts = [0, *sorted(dice.randrange(len(packets)) for _ in range(7)), len(packets)]
    files = []
    for number, (low, high) in enumerate(pairwise(cuts)):
        path = tmp_path / "cut" / f"{number}.pcap"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(pcap(packets[low:high]))
        files.append(path)
    wanted = expected(whole)
    assert expected(tmp_path / "cut") == wanted
    assert merged([local(path)] for path in files) == wanted
    assert merged([[local(path) for path in files[:4]], [local(path) for path in files[4:]]]) == wanted


def test_captures_that_overlap(tmp_path: Path) -> None:
    """Two captures with a third of their packets in common, and one whose packets are between those of the others."""
    packets = traffic(9)
    third = len(packets) // 3
    whole, folder = tmp_path / "whole.pcap", tmp_path / "cut"
    folder.mkdir()
    whole.write_bytes(pcap(packets))
    rest = [packet for at, packet in enumerate(packets) if at % 5]
    between = [packet for at, packet in enumerate(packets) if not at % 5]
    (folder / "a.pcap").write_bytes(pcap(rest[: 2 * third]))
    (folder / "b.pcap").write_bytes(pcap(rest[third:]))
    (folder / "c.pcap").write_bytes(pcap(between))
    wanted = expected(whole)
    assert expected(folder) == wanted
    assert merged([local(path)] for path in sorted(folder.iterdir())) == wanted
    assert merged(task for path in sorted(folder.iterdir()) for task in ranges(path, [5000, 9000])) == wanted


def test_several_sensors(tmp_path: Path) -> None:
    for sensor, seed in (("north", 1), ("south", 2)):
        (tmp_path / "in" / sensor).mkdir(parents=True)
        (tmp_path / "in" / sensor / "a.pcap").write_bytes(pcap(traffic(seed)))
    tasks = []
    for sensor in ("south", "north"):
        for (capture,) in ranges(tmp_path / "in" / sensor / "a.pcap", [3000, 8000]):
            capture.sensor = sensor
            tasks.append([capture])
    assert merged(tasks) == expected(tmp_path / "in", sensors="folders")


def test_the_demo(tmp_path: Path) -> None:
    assert merged([local(path)] for path in sorted(DEMO.iterdir())) == expected(DEMO)


def test_rows() -> None:
    rows = load("sessionpieces", str(DEMO)).read_all()
    assert rows.column_names == ["sensor", "capture", "ts", "bucket", "piece"]
    assert set(rows["bucket"].to_pylist()) == set(range(256))
