"""DNS: every record type beside dnspython, sections, codes, streams in any pieces, and hostile messages."""

from __future__ import annotations

import ctypes
import random
import struct
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import dns.edns
import dns.message
import dns.opcode
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import dns.update
import pytest
from packetpig.loaders import dns as loader
from packetpig.loaders import load
from packetpig.loaders.captures.capture import local
from packetpig.loaders.contract.discovery import find
from packetpig.loaders.contract.loader import run
from packetpig.loaders.contract.report import Report
from packetpig.loaders.protocols.dns import CUT, FAILED, NAMELESS, PROBLEMS, Reader

from tests.conftest import DEMO
from tests.loaders.talking import Dialogue, Rows, rows_of
from tests.loaders.test_sessions import ACK, START, Sent, Talk
from tests.making import ethernet, ipv4, pcap, udp

RECORDS = {
    "A": "192.0.2.1",
    "AAAA": "2001:db8::1",
    "CNAME": "www.example.com.",
    "NS": "ns1.example.com.",
    "SOA": "ns.example.com. host\\.master.example.com. 2024030401 7200 900 1209600 4294967295",
    "MX": "10 mail.example.com.",
    "TXT": '"v=spf1 -all" "a \\"quoted\\" \\\\ part" "\\200\\007"',
    "PTR": "a\\.b.example.com.",
    "SRV": "0 5 5060 sip.example.com.",
    "CAA": '0 issue "letsencrypt.org"',
    "DS": "60485 5 1 2bb183af5f22588179a53b0a98631fad1a292118",
    "DNSKEY": "256 3 5 AQPSKmynfzW4kyBv015MUG2DeIQ3Cbl+BBZH4b/0PY1kxkmvHjcZc8no kfzj31GajIQKY+5CptLr3buXA10hWqTk",
    "RRSIG": "A 5 3 86400 20030322173103 20030220173103 2642 example.com. oJB1W6WNGv+ldvQ3WDG0MQkg5IEhjRip",
    "SVCB": '1 foo.example.com. alpn="h2,h3" port="8443" ipv4hint="192.0.2.1"',
    "HTTPS": "0 .",
    "NAPTR": '100 10 "S" "SIP+D2U" "!^.*$!sip:info@example.com!" _sip._udp.example.com.',
    "LOC": "42 21 54.000 N 71 06 18.000 W -24.00m 30.00m 10000.00m 10.00m",
    "NSEC": "host.example.com. A MX RRSIG NSEC TYPE1234",
    "TLSA": "0 0 1 d2abde240d7cd3ee6b4b28c54df034b9 7983a1d16e8a410e4561cb106618e971",
    "SSHFP": "2 1 123456789abcdef67890123456789abcdef67890",
    "DNAME": "frobozz-division.acme.example.",
    "TYPE65280": "\\# 3 010203",
}


def without_dots(text: str) -> str:
    """Presentation text with names as we have them: without the last dot."""
    return " ".join(
        part[:-1] if len(part) > 1 and part.endswith(".") and not part.endswith("\\.") else part
        for part in text.split(" ")
    )


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Rows]:
    """Rows of some packets; `report` has what was counted."""
    return partial(rows_of, "dns", tmp_path / "a.pcap")


def datagram(data: bytes, sport: int = 5000, dport: int = 53, after: float = 0) -> Sent:
    return START + after, ethernet(ipv4(udp(data, sport, dport), proto=17))


def response(*records: str, question: str = "example.com.", kind: str = "A") -> dns.message.Message:
    message = dns.message.make_response(dns.message.make_query(question, kind, id=7))
    for text in records:
        owner, ttl, group, name, data = text.split(" ", 4)
        message.answer.append(dns.rrset.from_text(owner, int(ttl), group, name, data))
    return message


@pytest.mark.parametrize("kind", RECORDS)
def test_data_of(kind: str, read: Callable[..., Rows]) -> None:
    message = response(f"example.com. 300 IN {kind} {RECORDS[kind]}", kind=kind)
    question, answer = read([datagram(message.to_wire())])
    assert question["data"] is question["ttl"] is None
    expected = message.answer[0][0].to_text()
    quoted = '"' in expected
    assert (answer["data"], answer["ttl"], answer["type"]) == (
        expected if quoted and kind == "TXT" else without_dots(expected),
        300,
        kind,
    )
    assert (answer["section"], answer["name"], answer["class"]) == ("answer", "example.com", "IN")


def test_what_a_message_says(read: Callable[..., Rows]) -> None:
    query = dns.message.make_query("ExAmple.COM.", "MX", id=4660, use_edns=0, payload=1232)
    denial = dns.message.make_response(query)
    denial.set_rcode(dns.rcode.BADVERS)
    denial.authority.append(dns.rrset.from_text("com.", 60, "IN", "SOA", "a.b. c.d. 1 2 3 4 5"))
    first, second, third = read([datagram(query.to_wire()), datagram(denial.to_wire(), after=0.5)])
    assert (first["ts"], second["ts"]) == (START, START + 0.5)
    shared = {"id": 4660, "opcode": "QUERY", "name": "ExAmple.COM", "type": "MX", "class": "IN", "section": "question"}
    assert first.items() >= (shared | {"kind": "query", "rcode": None, "flags": "rd", "length": 40}).items()
    assert second.items() >= (shared | {"kind": "response", "rcode": "BADVERS"}).items()
    assert (third["section"], third["data"]) == ("authority", "a.b c.d 1 2 3 4 5")


def test_opt_has_rows_on_request(read: Callable[..., Rows]) -> None:
    cookie = dns.edns.GenericOption(10, bytes(8))
    query = dns.message.make_query("a.", "A", use_edns=0, payload=1232, want_dnssec=True, options=[cookie])
    _, opt = read([datagram(query.to_wire())], opt="yes")
    assert (opt["type"], opt["class"], opt["ttl"]) == ("OPT", None, None)
    assert opt["data"].startswith("version 0; flags do; udp 1232; COOKIE")


def test_messages_without_records_have_a_row(read: Callable[..., Rows]) -> None:
    empty = struct.pack(">6H", 9, 0x8182, 0, 0, 0, 0)
    query = dns.message.make_query("a.", "A").to_wire()
    *_, row = read([datagram(query), (START + 1, ethernet(ipv4(udp(empty, 53, 5000), "10.0.0.2", "10.0.0.1", 17)))])
    assert (row["id"], row["rcode"], row["section"], row["name"], row["type"]) == (9, "SERVFAIL", None, None, None)


def test_updates(read: Callable[..., Rows]) -> None:
    update = dns.update.UpdateMessage("example.com.")
    update.add("new", 60, "A", "192.0.2.9")
    update.delete("old", "A")
    zone, added, gone = read([datagram(update.to_wire())])
    assert (zone["opcode"], zone["type"]) == ("UPDATE", "SOA")
    assert (added["section"], added["data"], gone["class"], gone["data"]) == ("authority", "192.0.2.9", "ANY", None)


def test_names_with_anything_in_them(read: Callable[..., Rows]) -> None:
    labels = [bytes(range(63)), bytes(range(63, 126)), bytes(range(126, 189)), bytes(range(189, 250))]
    name = b"".join(bytes([len(one)]) + one for one in labels) + b"\0"
    assert len(name) == 255
    (row,) = read([datagram(struct.pack(">6H", 1, 0x100, 1, 0, 0, 0) + name + b"\0\1\0\1")])
    assert row["name"] + "." == dns.name.from_wire(name, 0)[0].to_text().replace('\\"', '"').replace(
        "\\(", "("
    ).replace("\\)", ")").replace("\\;", ";").replace("\\@", "@").replace("\\$", "$")


def test_messages_in_streams_whatever_the_segments(read: Callable[..., Rows]) -> None:
    dice = random.Random(3)
    messages = [response(f'n{n}.example. 60 IN TXT "{"x" * dice.randrange(200)}"').to_wire() for n in range(40)]
    text = b"".join(struct.pack(">H", len(one)) + one for one in messages)
    wanted = [f"n{n}.example" for n in range(40)]
    for size in (1, 2, 3, 700, len(text)):
        talk = (
            Talk(40000, 53).open().c(ACK, 101, 501, b"\0\x1d" + dns.message.make_query("example.com.", "A").to_wire())
        )
        for at in range(0, len(text), size):
            talk.s(ACK, 501 + at, 132, text[at : at + size], 0.0001)
        found = read(talk.packets)
        assert [row["name"] for row in found if row["section"] == "answer"] == wanted, size
        assert {row["proto"] for row in found} == {"tcp"}


def test_a_hole_in_a_stream(read: Callable[..., Rows]) -> None:
    messages = [response(f"n{n}.example. 60 IN A 192.0.2.1").to_wire() for n in range(4)]
    text = b"".join(struct.pack(">H", len(one)) + one for one in messages)
    size = len(text) // 4
    for low, high, left in ((size + 20, size + 30, "023"), (size + 20, 2 * size + 20, "03"), (size, 2 * size, "023")):
        talk = Talk(40000, 53).open()
        talk.s(ACK, 501, 101, text[:low]).s(ACK, 501 + high, 101, text[high : 3 * size]).c(ACK, 101, 501 + 3 * size)
        talk.s(ACK, 501 + 3 * size, 101, text[3 * size :])
        report = Report()
        found = [row["name"] for row in read(talk.packets, report) if row["section"] == "answer"]
        assert found == [f"n{n}.example" for n in left]
        assert report.counters["dns messages with holes"] == 1


def test_what_is_held_is_bounded(read: Callable[..., Rows], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loader, "HELD", 1000)
    packets = []
    for number in range(50):
        packets += (
            Talk(20000 + number, 53, START + number / 100).open().c(ACK, 101, 501, b"\xff\xff" + bytes(98)).packets
        )
    report = Report()
    assert not read(sorted(packets, key=lambda packet: packet[0]), report)
    assert report.losses
    assert report.counters["dns stream bytes given up for want of memory"] == 4000
    assert report.counters["dns stream bytes after the last message"] == 1000


def framed(*parts: bytes) -> bytes:
    return b"".join(struct.pack(">H", len(one)) + one for one in parts)


def asked(name: str, answers: int = 0, data: bytes = b"\1\2\3\4", kind: int = 1) -> bytes:
    """A query, or a response with records."""
    labels = b"".join(bytes([len(one)]) + one.encode() for one in name.split(".")) + b"\0"
    record = b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 60, len(data)) + data
    head = struct.pack(">6H", 7, 0x8180 if answers else 0x100, 1, answers, 0, 0)
    return head + labels + b"\0\1\0\1" + record * answers


def merged(*talks: Dialogue) -> list[Sent]:
    return sorted(chain.from_iterable(talk.packets for talk in talks))


def many_at_once(monkeypatch: pytest.MonkeyPatch, many: int) -> list[loader.Parser]:
    """Read MANY messages out of streams at once; gives the parsers that are made."""
    parsers: list[loader.Parser] = []
    begin = loader.Parser.__init__

    def made(self: loader.Parser, *given: Any) -> None:
        begin(self, *given)
        parsers.append(self)

    monkeypatch.setattr(loader, "TOGETHER", (1 << 20, many))
    monkeypatch.setattr(loader.Parser, "__init__", made)
    return parsers


@pytest.mark.parametrize("kind", ["dns", "traffic"])
def test_messages_that_wait_when_sessions_end(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sessions minutes apart, in captures of their own, and between them so many others that room is needed."""
    monkeypatch.setattr("packetpig.loaders.flows.tracker.FIRST", 4)
    wanted = []
    for number in range(3):
        start, host, sport = START + 600 * number, f"10.0.{number}.1", 40000 + number
        talk = Dialogue(53, sport, start=start, hosts=(host, "10.9.9.9"))
        for turn in range(1100):
            name = f"n{turn}.s{number}.example"
            talk.c(framed(asked(name))).s(framed(asked(name, 8)))
            wanted += [(host, sport, name)] * 10
        (tmp_path / f"{number}.pcap").write_bytes(pcap(talk.close().packets, nanos=True))
        others = [(start + 300, ethernet(ipv4(udp(b"x", port, 9), proto=17))) for port in range(1000, 1200)]
        (tmp_path / f"{number}-then.pcap").write_bytes(pcap(others))
    if kind == "dns":
        rows = load("dns", str(tmp_path), ["src", "sport", "name"]).read_all().to_pylist()
    else:
        rows = [row["dns"] for row in load("traffic", str(tmp_path)).read_all().to_pylist() if row["dns"]]
    assert sorted((row["src"], row["sport"], row["name"]) for row in rows) == sorted(wanted)


def interrupted(bad: bytes) -> tuple[list[Sent], list[str]]:
    """Three sessions; the last of them begins a message with the bytes that make four messages, one of them BAD."""
    talks = [Dialogue(53, 40000 + number, start=START + number) for number in range(3)]
    talks[0].c(framed(asked("a.example")))
    talks[1].c(framed(bad, asked("b.example")))
    third = framed(asked("d.example"))
    talks[2].c(framed(asked("c.example")) + third[:15]).s(framed(asked("e.example"))).c(third[15:])
    return merged(*talks), [f"{letter}.example" for letter in "abced"]


@pytest.mark.parametrize("over", ["tcp", "udp"])
def test_a_record_that_fails_is_one_record(
    over: str, read: Callable[..., Rows], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = dns.rdata.from_wire

    def from_wire(group: Any, kind: Any, wire: bytes, at: int, size: int) -> Any:
        if wire[at : at + size] == b"boom":
            raise RuntimeError("on purpose")
        return real(group, kind, wire, at, size)

    monkeypatch.setattr(dns.rdata, "from_wire", from_wire)
    bad = asked("bad.example", 1, b"boom", 65280)
    if over == "tcp":
        many_at_once(monkeypatch, 4)
        packets, names = interrupted(bad)
    else:
        names = ["a.example", "b.example"]
        packets = [datagram(one) for one in (asked("a.example"), bad, asked("b.example"))]
    report = Report()
    rows = read(packets, report)
    assert [row["name"] for row in rows if row["name"] != "bad.example"] == names
    assert [row["data"] for row in rows if row["name"] == "bad.example"] == [None, "\\# 4 626f6f6d"]
    assert report.counters[FAILED] == 1
    assert not [name for name in report.counters if "given up" in name]


@pytest.mark.parametrize(
    ("names", "column", "given"),
    [
        (dns.rdatatype.RdataType, "type", "TYPE1"),
        (dns.rdataclass.RdataClass, "class", "CLASS1"),
        (dns.rcode.Rcode, "rcode", "0"),
        (dns.opcode.Opcode, "opcode", "0"),
    ],
)
def test_a_number_whose_name_fails(
    names: Any, column: str, given: str, read: Callable[..., Rows], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_: int) -> str:
        raise RuntimeError("on purpose")

    monkeypatch.setattr(names, "to_text", fails)
    report = Report()
    assert [row[column] for row in read([datagram(asked("a.example", 1), 53, 5000)], report)] == [given] * 2
    assert report.counters[NAMELESS] > 0


def test_data_that_dnspython_refuses_is_counted(read: Callable[..., Rows]) -> None:
    report = Report()
    *_, row = read([datagram(asked("a.example", 1, b"\1", dns.rdatatype.CAA), 53, 5000)], report)
    assert row["data"] == "\\# 1 01"
    assert report.counters["dns records with malformed data, given as bytes"] == 1


@pytest.mark.parametrize("over", ["tcp", "udp"])
def test_a_message_that_fails_is_one_message(
    over: str, read: Callable[..., Rows], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not those that are read with it; and the session that is on turn is not given up for another's message."""
    real = Reader.records

    def records(self: Reader, given: Any) -> Iterator[Any]:
        yield from real(self, given)
        if any(b"boom" in ctypes.string_at(address, size) for address, size, *_ in given.tolist()):
            raise RuntimeError("on purpose")

    monkeypatch.setattr(Reader, "records", records)
    report = Report()
    parsers = many_at_once(monkeypatch, 4)
    if over == "tcp":
        packets, names = interrupted(asked("boom.example"))
    else:
        names = [f"n{number}.example" for number in range(9)]
        packets = [datagram(asked(name)) for name in (*names[:4], "boom.example", *names[4:])]
    assert [row["name"] for row in read(packets, report)] == names
    assert report.counters["dns messages given up, the reader failed"] == len(report.warnings) == 1
    assert report.losses
    assert not [name for name in report.counters if "sessions given up" in name]
    (parser,) = parsers
    assert (parser._held, parser.states) == (0, {})


def lost(number: int) -> Dialogue:
    """A session whose begin is missing: where it has messages, nobody knows."""
    return Dialogue(53, 20000 + number, size=10, start=START + number).c(b"\xff" * 30, lost=[0])


def holey(number: int) -> Dialogue:
    """A session whose message has a hole, and is said to go on after it."""
    return Dialogue(53, 20000 + number, size=10, start=START + number).c(b"\xff" * 30, lost=[1])


@pytest.mark.parametrize(("made", "warnings"), [(lost, 0), (holey, 1)])
def test_sessions_with_holes_take_nothing_from_others(
    made: Callable[[int], Dialogue], warnings: int, read: Callable[..., Rows], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loader, "SESSIONS", 10)
    name = "long.example"
    last = Dialogue(53, 40000, size=10, start=START + 60).c(framed(asked(name))[:20])
    last.s(framed(asked(name, 1))).c(framed(asked(name))[20:])
    report = Report()
    rows = read(merged(*(made(number) for number in range(50)), last), report)
    assert [row["name"] for row in rows] == [name] * 3
    assert (len(report.warnings), report.losses) == (warnings, False)
    assert not report.counters["dns stream bytes given up for want of memory"]


def test_sessions_that_are_silent_for_longest_are_given_up(
    read: Callable[..., Rows], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those go on where a message begins, not amid the one that was given up."""
    monkeypatch.setattr(loader, "SESSIONS", 10)
    parsers = many_at_once(monkeypatch, 1)
    talks, wanted = [], []
    for number in range(50):
        answer = framed(asked(f"answer.n{number}.example", 1))
        first, last = (framed(asked(f"{name}.n{number}.example")) for name in ("first", "last"))
        talk, at, turns = Dialogue(53, 20000 + number, start=START + number / 100), 20, 1
        talk.c(first[:at]).s(answer)
        while number == 0 and turns < 10:  # that one is never silent for long, so it is not the one to go
            talk.now = START + turns / 20
            talk.c(first[at : at + 1]).s(answer)
            at, turns = at + 1, turns + 1
        talk.now = START + 60 + number / 100
        talks.append(talk.c(first[at:]).s(answer).c(last))
        wanted += [f"answer.n{number}.example"] * 2 * (turns + 1) + [f"last.n{number}.example"]
        wanted += [f"first.n{number}.example"] if number == 0 or number > 40 else []
    report = Report()
    assert sorted(row["name"] for row in read(merged(*talks), report)) == sorted(wanted)
    assert report.counters["dns stream bytes given up for want of memory"] == 40 * 20
    assert (len(report.warnings), report.losses) == (1, True)
    (parser,) = parsers
    assert (parser._held, len(parser._holds), parser.states) == (0, 0, {})


MULTICASTED = (
    struct.pack(">6H", 0, 0x8400, 0, 1, 0, 0)
    + b"\4host\5local\0"
    + struct.pack(">HHIH", 1, 0x8001, 120, 4)
    + b"\xc0\0\2\1"
)


@pytest.mark.parametrize("port", [5353, 5355])
@pytest.mark.parametrize("over", ["tcp", "udp"])
def test_multicast_on_request(port: int, over: str, read: Callable[..., Rows]) -> None:
    message = MULTICASTED if port == 5353 else asked("host.local", 1, b"\xc0\0\2\1")
    packets = [datagram(message, port, 5353 if port == 5353 else 50000)]
    if over == "tcp":
        packets = Dialogue(port, size=30).c(framed(asked("host.local"))).s(framed(message)).close().packets
    report = Report()
    assert not read(packets, report)
    assert not [name for name in report.counters if "dns" in name]
    row = read(packets, multicast="yes")[-1]
    assert (row["class"], row["name"], row["data"]) == ("IN", "host.local", "192.0.2.1")


def troubles(report: Report) -> dict[str, int]:
    return {name: count for name, count in report.counters.items() if name in (*PROBLEMS.values(), CUT)}


def read_cut(path: Path, packets: Sequence[Sent], report: Report) -> Rows:
    """Rows of packets that were longer on the wire, as far as their headers say so."""
    path.write_bytes(pcap(packets, lengths=1500))
    _, batches = run(find("dns"), [local(path)], report=report)
    return [row for batch in batches for row in batch.to_pylist()]


def test_messages_that_the_capture_cut(tmp_path: Path) -> None:
    message = asked("a-name-that-is.longer.example", 20)
    sizes = [*range(1, len(message), 7), *range(12, 60)]
    frames = [datagram(message, 53, 5000, number / 1000)[1] for number in range(len(sizes))]
    cut = [(START + n, frame[: len(frame) - len(message) + size]) for n, (frame, size) in enumerate(zip(frames, sizes))]
    report = Report()
    rows = read_cut(tmp_path / "a.pcap", cut, report)
    assert len(rows) > 100
    assert {row["length"] for row in rows} == {len(message)}
    assert troubles(report) == {CUT: len(sizes)}
    assert not report.losses


def test_malformed_and_cut(tmp_path: Path) -> None:
    """What is wrong with a message is counted, cut or not, if it is not the cut that makes it wrong."""
    pointer = HEADER[:6] + b"\0\3" + HEADER[8:] + QUESTION + b"\xc0\x13\0\1\0\1\0\0\0\1\0\0" * 2
    short = HEADER + QUESTION + b"\xc0\x0c\0\1\0\1\0\0\0\1\0\3\1\2\3"
    early = HEADER + QUESTION
    packets = [
        datagram(early, 53, 5000),
        *((when, frame[:-4]) for when, frame in (datagram(one + bytes(4), 53, 5000, 1) for one in (pointer, short))),
    ]
    report = Report()
    rows = read_cut(tmp_path / "a.pcap", packets, report)
    assert [row["length"] for row in rows] == [len(early)] + [len(pointer) + 4] * 3 + [len(short) + 4] * 2
    assert troubles(report) == {
        CUT: 2,
        "dns messages with a malformed name": 2,
        "dns messages that end within a record": 1,
        "dns records with malformed data, given as bytes": 1,
    }


HEADER = struct.pack(">6H", 1, 0x8180, 1, 1, 0, 0)
QUESTION = b"\1a\0\0\1\0\1"


@pytest.mark.parametrize(
    ("rest", "rows", "problem"),
    [
        (QUESTION + b"\xc0\x13", 1, "a malformed name"),  # a pointer to itself
        (QUESTION + b"\xc0\x15\xc0\x13", 1, "a malformed name"),  # forward, and back
        (QUESTION + b"\x40abc", 1, "a malformed name"),
        (QUESTION + b"\xc0\x0c\0\1\0\1\0\0\0\1\0\4\1\2", 2, "end within a record"),
        (QUESTION + b"\xc0\x0c\0\1\0\1\0\0\0\1\0\3\1\2\3", 2, "malformed data"),
        (QUESTION + b"\xc0\x0c\0\x0f\0\1\0\0\0\1\0\2\0\1", 2, "malformed data"),
        (QUESTION, 1, "end within a record"),
        (QUESTION + b"\xc0\x0c\0\1\0\1\0\0\0\1\0\4\1\2\3\4more", 2, "left over"),
    ],
)
def test_lies(rest: bytes, rows: int, problem: str, read: Callable[..., Rows]) -> None:
    report = Report()
    found = read([datagram(HEADER + rest, 53, 5000)], report)
    assert len(found) == rows
    assert [name for name in report.counters if problem in name]
    assert found[0]["name"] == "a"
    if "data" in problem:
        assert found[1]["data"].startswith("\\# ")
    elif rows == 2 and "left" not in problem:
        assert found[1]["data"] is None


def test_long_chains_of_pointers_are_quick(read: Callable[..., Rows]) -> None:
    """Each name leads to the one before it: 30,000 pointers, and as many records with a chain each."""
    body = b"\0" + b"".join(struct.pack(">H", 0xC000 | (12 if not n else 11 + 2 * n)) for n in range(8000))
    message = struct.pack(">6H", 1, 0x8180, 0, 3000, 0, 0) + body
    message += (struct.pack(">H", 0xC000 | (11 + 2 * 7999)) + struct.pack(">HHIH", 1, 1, 1, 4) + b"\1\2\3\4") * 3000
    talk = Talk(53, 40000).open().c(ACK, 101, 501, struct.pack(">H", len(message)) + message)
    begin = time.monotonic()
    read(talk.packets)
    assert time.monotonic() - begin < 5


def test_what_is_not_dns_on_its_port(read: Callable[..., Rows]) -> None:
    report = Report()
    assert not read([datagram(b"\xff" * 40)], report)
    assert report.counters["messages on ports of DNS that are not DNS"] == 1


def test_columns_one_by_one() -> None:
    """A column is the same whether others are asked for or not."""
    capture = str(next(iter(sorted(DEMO.iterdir()))))
    whole = load("dns", capture).read_all()
    assert whole.num_rows > 50
    for column in find("dns").schema():
        alone = load("dns", capture, [column.name]).read_all()
        assert alone[column.name].to_pylist() == whole[column.name].to_pylist()
    assert load("dns", capture, [], where="type == 'A'").read_all().num_rows == whole["type"].to_pylist().count("A")
