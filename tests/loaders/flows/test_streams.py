"""What sessions say, in order."""

from __future__ import annotations

import random
from collections import defaultdict
from pathlib import Path

from packetpig.loaders.captures.capture import local
from packetpig.loaders.contract.loader import Job
from packetpig.loaders.flows.streams import STREAM_MEMORY, STREAMS_MEMORY, Contents, Over
from packetpig.loaders.flows.tracker import MEMORY, TIMEOUTS
from packetpig.loaders.kernels import slots

from tests.loaders.test_sessions import ACK, START, Sent, Talk, closed
from tests.making import ethernet, ipv4, pcap, udp

OPTIONS = {one.name: one.default for one in (*TIMEOUTS, MEMORY, STREAM_MEMORY, STREAMS_MEMORY)}


def said(path: Path, packets: list[Sent], services: set[int] | None = None, **options: str) -> tuple[dict, Job]:  # type: ignore[type-arg]
    """What each side of each session said; holes as their size."""
    path.write_bytes(pcap(packets))
    job = Job((), [local(path)], OPTIONS | options)
    streams = defaultdict(list)
    over = 0
    for event in Contents(job, services):
        if isinstance(event, Over):
            over += event.sessions.count
        else:
            streams[event.session, event.side].append(event.missing if event.data is None else event.data)
    assert over
    return streams, job


def test_in_order_whatever_the_order(tmp_path: Path) -> None:
    text = bytes(random.Random(1).randrange(256) for _ in range(5000))
    talk = Talk().open()
    pieces = [(at, text[at : at + 700]) for at in range(0, 5000, 500)]
    random.Random(2).shuffle(pieces)
    for at, piece in [*pieces, *pieces[:3]]:
        talk.c(ACK, 101 + at, 501, piece)
    streams, _ = said(tmp_path / "a.pcap", talk.packets, stream_memory="1m")
    parts = streams[0, 0]
    assert b"".join(part for part in parts if isinstance(part, bytes)) == text[: sum(map(len, parts))] == text


def test_a_hole_has_its_place_and_size(tmp_path: Path) -> None:
    talk = Talk().open().c(ACK, 101, 501, b"aaa").c(ACK, 114, 501, b"bbb").s(ACK, 501, 117)
    streams, job = said(tmp_path / "a.pcap", closed(talk).packets)
    assert streams[0, 0] == [b"aaa", 10, b"bbb"]
    assert job.report.counters["stream bytes missing"] == 10


def test_what_is_kept_is_bounded(tmp_path: Path) -> None:
    talk = Talk().open()
    for at in range(100):
        talk.c(ACK, 1101 + 100 * at, 501, b"x" * 100)
    talk.s(ACK, 501, 11101)
    streams, job = said(tmp_path / "a.pcap", talk.packets, stream_memory="1k")
    assert sum(len(one) if isinstance(one, bytes) else one for one in streams[0, 0]) == 11000
    assert job.report.counters["stream bytes given up"] == 9000
    assert job.report.losses


def test_only_the_services_asked_for(tmp_path: Path) -> None:
    web = Talk().open().c(ACK, 101, 501, b"GET / HTTP/1.1\r\n\r\n")
    other = Talk(41000).open().c(ACK, 101, 501, b"\1\2\3\4\5")
    streams, _ = said(tmp_path / "a.pcap", web.packets + other.packets, {slots.HTTP})
    assert list(streams.values()) == [[b"GET / HTTP/1.1\r\n\r\n"]]


def test_datagrams(tmp_path: Path) -> None:
    packets = [(START + at, ethernet(ipv4(udp(bytes([65 + at]), 5000, 6000), proto=17))) for at in range(3)]
    streams, _ = said(tmp_path / "a.pcap", packets)
    assert list(streams.values()) == [[b"A", b"B", b"C"]]
