"""What sessions say, in order."""

from __future__ import annotations

import random
from collections import defaultdict
from pathlib import Path

from packetpig.loaders.captures.capture import local
from packetpig.loaders.contract.loader import Job
from packetpig.loaders.flows.streams import STREAM_MEMORY, STREAMS_MEMORY, Contents, Datagrams, Over, Wanted
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
    assert job.report.counters["stream bytes given up"] == 9600  # a piece has 128 bytes of its own
    assert job.report.losses


CHANGED = "segments that say other bytes than one before"


def test_of_bytes_that_were_sent_twice_the_first_count(tmp_path: Path) -> None:
    """What was said, and what waits for its turn: neither is changed by what comes later, and that is counted."""
    talk = Talk().open()
    talk.c(ACK, 101, 501, b"abcdef").c(ACK, 103, 501, b"XXXXgh")  # said already, two bytes are new
    talk.c(ACK, 113, 501, b"mnop").c(ACK, 113, 501, b"MNOPqr").c(ACK, 111, 501, b"klYY")  # before their turn
    talk.c(ACK, 101, 501, b"abcdefgh").c(ACK, 109, 501, b"ijkl").c(ACK, 119, 501, b"st")
    streams, job = said(tmp_path / "a.pcap", closed(talk).packets)
    assert b"".join(streams[0, 0]) == b"abcdefghijklmnopqrst"
    assert job.report.counters[CHANGED] == 4  # also the first again: others have been there since


def test_a_byte_that_keeps_a_session_alive_is_no_other_one(tmp_path: Path) -> None:
    talk = Talk().open().c(ACK, 101, 501, b"abc").c(ACK, 103, 501, b"\0").s(ACK, 501, 104)
    streams, job = said(tmp_path / "a.pcap", closed(talk).packets)
    assert b"".join(streams[0, 0]) == b"abc"
    assert CHANGED not in job.report.counters


def test_segments_at_random_that_overlap(tmp_path: Path) -> None:
    """Whatever comes before its turn: of each byte the first that came is said."""
    for seed in range(40):
        draw = random.Random(seed)
        talk, doubted = Talk().open(), 0
        first: dict[int, int] = {}
        ever: dict[int, set[int]] = {}
        for number in range(12):
            at, size = draw.randrange(1, 18), draw.randrange(4, 12)  # so there are no more holes than are remembered
            piece = bytes([97 + number % 26]) * size if draw.random() < 0.7 else b"." * size
            talk.c(ACK, 101 + at, 501, piece)
            doubted += any(ever.get(at + k, {piece[k]}) != {piece[k]} for k in range(size))
            for k in range(size):
                ever[at + k] = {*ever.get(at + k, ()), piece[k]}
            for k in range(size):
                first.setdefault(at + k, piece[k])
        talk.c(ACK, 101, 501, b"!")
        first[0] = ord("!")
        streams, job = said(tmp_path / "a.pcap", closed(talk).packets)
        told, at = {}, 0
        for part in streams[0, 0]:
            if isinstance(part, bytes):
                told |= {at + k: byte for k, byte in enumerate(part)}
            at += len(part) if isinstance(part, bytes) else part
        whole = {k: byte for k, byte in first.items() if k < at}
        assert told == whole, seed
        assert doubted == job.report.counters.get(CHANGED, 0)


def test_only_the_services_asked_for(tmp_path: Path) -> None:
    web = Talk().open().c(ACK, 101, 501, b"GET / HTTP/1.1\r\n\r\n")
    other = Talk(41000).open().c(ACK, 101, 501, b"\1\2\3\4\5")
    streams, _ = said(tmp_path / "a.pcap", web.packets + other.packets, {slots.HTTP})
    assert list(streams.values()) == [[b"GET / HTTP/1.1\r\n\r\n"]]


def test_datagrams(tmp_path: Path) -> None:
    packets = [(START + at, ethernet(ipv4(udp(bytes([65 + at]), 5000, 6000), proto=17))) for at in range(3)]
    streams, _ = said(tmp_path / "a.pcap", packets)
    assert list(streams.values()) == [[b"A", b"B", b"C"]]


def test_a_run_until_the_other_side_speaks(tmp_path: Path) -> None:
    talk = Talk().open().c(ACK, 101, 501, b"one").s(ACK, 501, 104, b"aa").s(ACK, 503, 104).s(ACK, 503, 104, b"bbb")
    talk.c(ACK, 104, 506).s(ACK, 504, 104, b"bbcc").c(ACK, 104, 508, b"two")
    path = tmp_path / "a.pcap"
    path.write_bytes(pcap(talk.packets))
    runs = [one for one in Contents(Job((), [local(path)], OPTIONS)) if not isinstance(one, Over)]
    assert [(run.side, run.data) for run in runs] == [(0, b"one"), (1, b"aabbbcc"), (0, b"two")]
    answer = runs[1]
    times = [round((answer.at(at) / 1e9 - START) * 100) for at in range(7)]
    assert times == [5, 5, 7, 7, 7, 9, 9]  # hundredths of a second: packets 4, 6 and 8
    assert answer.time == answer.at(0)


def test_runs_of_many_sessions_at_once(tmp_path: Path) -> None:
    """Many sessions, with losses and repeats: what each side says is what it said, in its order with the other's."""
    dice = random.Random(5)
    talks, wanted = [], []
    for number in range(30):
        talk, texts = Talk(40000 + number, 80, START + dice.random()).open(), []
        sent = [101, 501]
        for turn in range(dice.randrange(1, 30)):
            side = turn % 2
            text = dice.randbytes(dice.randrange(1, 6000))
            texts.append((side, text))
            pieces = [(at, text[at : at + 1000]) for at in range(0, len(text), 1000)]
            if dice.random() < 0.3:
                dice.shuffle(pieces)
            for at, piece in pieces + pieces[: dice.randrange(2)]:
                say = talk.s if side else talk.c
                say(ACK, sent[side] + at, sent[1 - side], piece, 0.001)
            sent[side] += len(text)
        talks += talk.packets
        wanted.append(texts)
    path = tmp_path / "a.pcap"
    path.write_bytes(pcap(sorted(talks, key=lambda packet: packet[0])))
    found: dict[int, list[tuple[int, bytes]]] = defaultdict(list)
    for event in Contents(Job((), [local(path)], OPTIONS)):
        if not isinstance(event, Over):
            assert event.data
            said = found[event.session]
            if said and said[-1][0] == event.side:
                said[-1] = (event.side, said[-1][1] + event.data)
            else:
                said.append((event.side, event.data))
    assert sorted(found.values()) == sorted(wanted)


def test_announced_sessions(tmp_path: Path) -> None:
    control = Talk(40000, 21).open().s(ACK, 501, 101, b"227 Entering Passive Mode (10,0,0,2,195,80)\r\n", 0.5)
    data = Talk(40001, 50000, START + 1).open().s(ACK, 501, 101, b"\0file")
    other = Talk(40002, 50001, START + 1).open().s(ACK, 501, 101, b"\0no file")
    path = tmp_path / "a.pcap"
    path.write_bytes(pcap(sorted(control.packets + data.packets + other.packets, key=lambda packet: packet[0])))
    contents = Contents(Job((), [local(path)], OPTIONS), Wanted({slots.FTP, slots.FTP_DATA}, expecting=True))
    assert not [one for one in contents if not isinstance(one, Over)]
    contents = Contents(Job((), [local(path)], OPTIONS), Wanted({0, slots.FTP_DATA}, expecting=True))
    found = []
    for one in contents:
        if not isinstance(one, Over):
            found.append((one.service, one.data))
            if one.service == 0 and one.data and one.data.startswith(b"227"):
                contents.expected.expect(one.packet, 6, bytes([10, 0, 0, 2]), 50000, slots.FTP_DATA)
    assert found[1:] == [(slots.FTP_DATA, b"\0file"), (0, b"\0no file")]


def test_datagrams_at_once_and_unknown_sessions_by_port(tmp_path: Path) -> None:
    query = bytes.fromhex("000101000001000000000000") + b"\1a\2bc\0" + bytes.fromhex("00010001")
    packets = [
        (START + at, ethernet(ipv4(udp(data, sport, dport), proto=17)))
        for at, (data, sport, dport) in enumerate([(query, 5000, 6000), (b"?????", 5001, 53), (b"?????", 5002, 54)])
    ]
    talk = Talk(40000, 53, START).open().c(ACK, 101, 501, b"\0").c(ACK, 102, 501, b"\1\2\3")
    path = tmp_path / "a.pcap"
    path.write_bytes(pcap(sorted(packets + talk.packets, key=lambda packet: packet[0])))
    wanted = Wanted({slots.DNS}, {53}, ({slots.DNS}, {53}))
    events = list(Contents(Job((), [local(path)], OPTIONS), wanted))
    (many,) = [one for one in events if isinstance(one, Datagrams)]
    assert many.services.tolist() == [slots.DNS, 0]
    assert many.packets[:, slots.P_THERE].tolist() == [len(query), 5]
    stream = [one for one in events if not isinstance(one, Datagrams | Over)]
    assert [(one.data, one.service, sorted(one.ports)) for one in stream] == [(b"\0\1\2\3", 0, [53, 40000])]
