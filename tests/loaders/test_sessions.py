"""Sessions: each of Zeek's 13 states, sizes, holes, reuse, time-outs, services, memory; captures of our own."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from packetpig.loaders import load

from tests.making import ethernet, ipv4, pcap, tcp, udp

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
CLIENT, SERVER = "10.0.0.1", "10.0.0.2"
START = 1_700_000_000.0
Sent = tuple[float, bytes]


class Talk:
    """Packets of one connection: `c` and `s` send from the client and the server."""

    def __init__(self, sport: int = 40000, dport: int = 9999, start: float = START) -> None:
        self.sport, self.dport, self.now = sport, dport, start
        self.packets: list[Sent] = []

    def _send(self, frame: bytes, after: float) -> Talk:
        self.now += after
        self.packets.append((self.now, ethernet(frame)))
        return self

    def c(self, flags: int, seq: int = 1, ack: int = 1, payload: bytes = b"", after: float = 0.01) -> Talk:
        return self._send(ipv4(tcp(payload, self.sport, self.dport, flags, seq, ack), CLIENT, SERVER), after)

    def s(self, flags: int, seq: int = 1, ack: int = 1, payload: bytes = b"", after: float = 0.01) -> Talk:
        return self._send(ipv4(tcp(payload, self.dport, self.sport, flags, seq, ack), SERVER, CLIENT), after)

    def open(self, client: int = 100, server: int = 500) -> Talk:
        """The handshake; the next bytes are client + 1 and server + 1."""
        return self.c(SYN, client, 0).s(SYN | ACK, server, client + 1).c(ACK, client + 1, server + 1)


def closed(talk: Talk) -> Talk:
    return talk.c(FIN | ACK, 101, 501).s(FIN | ACK, 501, 102).c(ACK, 102, 502)


STATES: dict[str, Callable[[], Talk]] = {
    "S0": lambda: Talk().c(SYN, 100, 0),
    "S1": lambda: Talk().open().c(ACK | PSH, 101, 501, b"hello"),
    "SF": lambda: closed(Talk().open()),
    "REJ": lambda: Talk().c(SYN, 100, 0).s(RST | ACK, 0, 101),
    "S2": lambda: Talk().open().c(FIN | ACK, 101, 501).s(ACK, 501, 102),
    "S3": lambda: Talk().open().s(FIN | ACK, 501, 101).c(ACK, 101, 502),
    "RSTO": lambda: Talk().open().c(RST, 101, 0),
    "RSTR": lambda: Talk().open().s(RST, 501, 0),
    "RSTOS0": lambda: Talk().c(SYN, 100, 0).c(RST, 101, 0),
    "RSTRH": lambda: Talk().s(SYN | ACK, 500, 101).s(RST, 501, 0),
    "SH": lambda: Talk().c(SYN, 100, 0).c(FIN, 101, 0),
    "SHR": lambda: Talk().s(SYN | ACK, 500, 101).s(FIN | ACK, 501, 101),
    "OTH": lambda: Talk().c(ACK | PSH, 101, 501, b"hello").s(ACK | PSH, 501, 106, b"hi"),
}


@pytest.fixture
def sessions(tmp_path: Path) -> Callable[..., list[dict[str, Any]]]:
    """The sessions of some packets."""

    def read(packets: Iterable[Sent], **options: str) -> list[dict[str, Any]]:
        path = tmp_path / "a.pcap"
        path.write_bytes(pcap(packets, nanos=True))
        return sorted(load("sessions", str(path), **options).read_all().to_pylist(), key=lambda row: row["ts"])

    return read


@pytest.mark.parametrize("state", STATES)
def test_states(state: str, sessions: Callable[..., list[dict[str, Any]]]) -> None:
    (row,) = sessions(STATES[state]().packets)
    assert row["state"] == state
    assert (row["src"], row["sport"], row["dst"], row["dport"]) == (CLIENT, 40000, SERVER, 9999)


@pytest.mark.parametrize(
    ("talk", "end"),
    [
        (closed(Talk().open()), "close"),
        (Talk().open().c(RST, 101, 0), "reset"),
        (Talk().open(), "open"),
        (Talk().open().c(ACK, 101, 501), "open"),
    ],
)
def test_ends(talk: Talk, end: str, sessions: Callable[..., list[dict[str, Any]]]) -> None:
    assert [row["end_state"] for row in sessions(talk.packets)] == [end]


def test_time_out(sessions: Callable[..., list[dict[str, Any]]]) -> None:
    talk = Talk().open().c(ACK | PSH, 101, 501, b"a").c(ACK | PSH, 102, 501, b"b", after=301)
    first, second = sessions(talk.packets)
    assert (first["end_state"], second["state"]) == ("timeout", "OTH")
    assert len(sessions(talk.packets, tcp_timeout="400")) == 1


def test_an_attempt_is_given_up_after_five_seconds(sessions: Callable[..., list[dict[str, Any]]]) -> None:
    talk = Talk().c(SYN, 100, 0).c(SYN, 100, 0, after=3).c(SYN, 100, 0, after=4)
    assert [(row["state"], row["src_packets"]) for row in sessions(talk.packets)] == [("S0", 2), ("S0", 1)]


def test_bytes_count_once(sessions: Callable[..., list[dict[str, Any]]]) -> None:
    talk = Talk().open()
    talk.c(ACK, 101, 501, b"x" * 100).c(ACK, 101, 501, b"x" * 100)  # sent again
    talk.c(ACK, 151, 501, b"x" * 100)  # half of it again
    talk.c(ACK, 351, 501, b"x" * 10).c(ACK, 201 + 50, 501, b"x" * 100)  # out of order
    talk.s(ACK, 501, 361)
    (row,) = sessions(talk.packets)
    assert (row["src_bytes"], row["missed_bytes"], row["src_packets"]) == (260, 0, 7)


def test_a_hole_is_missed_when_it_is_acknowledged(sessions: Callable[..., list[dict[str, Any]]]) -> None:
    talk = Talk().open().c(ACK, 101, 501, b"x" * 100).c(ACK, 301, 501, b"x" * 100)
    assert sessions(talk.packets)[0]["missed_bytes"] == 0
    talk.s(ACK, 501, 401)
    (row,) = sessions(talk.packets)
    assert (row["src_bytes"], row["missed_bytes"]) == (300, 100)


def test_sequence_numbers_wrap(sessions: Callable[..., list[dict[str, Any]]]) -> None:
    first = (1 << 32) - 50
    talk = Talk().open(first, 500).c(ACK, first + 1, 501, b"x" * 100).s(ACK, 501, 51)
    talk.c(ACK, 51, 501, b"y" * 1000).s(ACK, 501, 1051)
    (row,) = sessions(talk.packets)
    assert (row["src_bytes"], row["missed_bytes"], row["state"]) == (1100, 0, "S1")


def test_ports_are_used_again(sessions: Callable[..., list[dict[str, Any]]]) -> None:
    talk = closed(Talk().open()).open(90_000, 70_000)
    rows = sessions(talk.packets)
    assert [row["state"] for row in rows] == ["SF", "S1"]
    assert rows[0]["community_id"] == rows[1]["community_id"]
    assert rows[0]["session_id"] != rows[1]["session_id"]


def test_simultaneous_open(sessions: Callable[..., list[dict[str, Any]]]) -> None:
    talk = Talk().c(SYN, 100, 0).s(SYN, 500, 0).c(SYN | ACK, 100, 501).s(SYN | ACK, 500, 101)
    (row,) = sessions(talk.packets)
    assert (row["state"], row["src"], row["src_packets"], row["dst_packets"]) == ("S1", CLIENT, 2, 2)


def test_keep_alives_and_window_probes_are_no_payload(sessions: Callable[..., list[dict[str, Any]]]) -> None:
    talk = Talk().open().c(ACK, 101, 501, b"x" * 10).s(ACK, 501, 111)
    for _ in range(3):
        talk.c(ACK, 110, 501, b"x", after=60).s(ACK, 501, 111)
    (row,) = sessions(talk.packets)
    assert (row["src_bytes"], row["missed_bytes"]) == (10, 0)


def test_an_injected_reset(sessions: Callable[..., list[dict[str, Any]]]) -> None:
    talk = Talk().open().c(ACK, 101, 501, b"x" * 10).s(RST, 501, 0).s(ACK, 501, 111, b"y" * 20).c(ACK, 111, 521)
    (row,) = sessions(talk.packets)
    assert (row["state"], row["end_state"], row["dst_packets"]) == ("RSTR", "reset", 3)


def test_a_fin_is_sent_again(sessions: Callable[..., list[dict[str, Any]]]) -> None:
    talk = closed(Talk().open()).s(FIN | ACK, 501, 102)
    (row,) = sessions(talk.packets)
    assert (row["state"], row["dst_bytes"], row["dst_packets"]) == ("SF", 0, 3)


def test_an_icmp_error_belongs_to_its_session(sessions: Callable[..., list[dict[str, Any]]]) -> None:
    asked = ipv4(udp(b"hello", 5000, 161), CLIENT, SERVER, proto=17)
    unreachable = b"\x03\x03\0\0\0\0\0\0" + asked
    error = ethernet(ipv4(unreachable, "10.0.0.254", CLIENT, proto=1))
    (row,) = sessions([(START, ethernet(asked)), (START + 0.1, error)])
    assert (row["proto"], row["state"], row["icmp_errors"], row["dst_packets"]) == ("udp", "S0", 1, 0)
    (row,) = sessions([(START, error)])
    assert (row["proto"], row["src"], row["sport"], row["dport"]) == ("icmp", "10.0.0.254", 3, 3)


def test_pings_by_their_number(sessions: Callable[..., list[dict[str, Any]]]) -> None:
    packets = []
    for number in (7, 8):
        for kind, src, dst in ((8, CLIENT, SERVER), (0, SERVER, CLIENT)):
            frame = ipv4(struct.pack(">BBHHH", kind, 0, 0, number, 1) + b"x" * 56, src, dst, proto=1)
            packets.append((START + number, ethernet(frame)))
    rows = sessions(packets)
    assert [(row["sport"], row["dport"], row["src_bytes"], row["dst_bytes"]) for row in rows] == [(8, 0, 56, 56)] * 2


def test_vlans_are_flows_of_their_own(sessions: Callable[..., list[dict[str, Any]]]) -> None:
    frame = ipv4(udp(b"hello", 5000, 6000), proto=17)
    rows = sessions((START, ethernet(frame, vlans=vlans)) for vlans in ((), (5,), (5, 6)))
    assert {(row["vlan"], row["inner_vlan"]) for row in rows} == {(None, None), (5, None), (5, 6)}
    assert len({row["session_id"] for row in rows}) == 3
    assert len({row["community_id"] for row in rows}) == 1


def test_fragments_are_one_packet(sessions: Callable[..., list[dict[str, Any]]]) -> None:
    whole = udp(b"x" * 3000, 5000, 6000)
    parts = [
        ipv4(whole[at : at + 1000], proto=17, fragment=(0x2000 if at < 3000 else 0) | at // 8)
        for at in range(0, 3008, 1000)
    ]
    (row,) = sessions((START + at, ethernet(parts[at])) for at in (2, 0, 3, 1))
    assert (row["src_packets"], row["src_bytes"], row["src_ip_bytes"]) == (1, 3000, 3028)


@pytest.mark.parametrize(
    ("client", "server", "service"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n", "http"),
        (b"\x16\x03\x01\x00\x30\x01\x00\x00\x2c\x03\x03", b"", "tls"),
        (b"", b"SSH-2.0-OpenSSH_9.2\r\n", "ssh"),
        (b"EHLO me\r\n", b"220 mail ready\r\n", "smtp"),
        (b"USER me\r\n", b"220 ready\r\n", "ftp"),
        (b"USER me\r\n", b"+OK ready\r\n", "pop3"),
        (b"\x00\x00\x00\x40\xfeSMB", b"", "smb"),
        (b"\x03\x00\x00\x0b\x06\xe0\x00\x00\x00\x00\x00", b"", "rdp"),
        (b"\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\x00\x80\x00", b"", "ldap"),
        (b"", b"\x4a\x00\x00\x00\x0a8.0.30\x00", "mysql"),
        (b"\x01\x02\x03\x04\x05", b"\x06\x07\x08\x09", None),
    ],
)
def test_services(client: bytes, server: bytes, service: str, sessions: Callable[..., list[dict[str, Any]]]) -> None:
    talk = Talk(40000, 12345).open()
    if server:
        talk.s(ACK | PSH, 501, 101, server)
    if client:
        talk.c(ACK | PSH, 101, 501 + len(server), client)
    (row,) = sessions(talk.packets)
    assert row["service"] == service


def test_times_of_packets(sessions: Callable[..., list[dict[str, Any]]]) -> None:
    talk = Talk().open().c(ACK, 101, 501, b"x", after=2)
    (row,) = sessions(talk.packets, times="3")
    assert [round(one["ts"] - START, 6) for one in row["timestamps"]] == [0.01, 0.02, 0.03]
    assert [round(one["gap"], 6) for one in row["intervals"]] == [0.01, 0.01]


def test_memory_is_bounded(tmp_path: Path) -> None:
    from packetpig.loaders.captures.capture import local
    from packetpig.loaders.contract.discovery import find
    from packetpig.loaders.contract.loader import run
    from packetpig.loaders.contract.report import Report

    packets = (
        (
            START + number / 1e6,
            ethernet(ipv4(tcp(b"", 1024 + number % 60000, 80, SYN, number), f"10.1.{number % 250}.9")),
        )
        for number in range(20_000)
    )
    path = tmp_path / "flood.pcap"
    path.write_bytes(pcap(packets))
    report = Report()
    _, batches = run(find("sessions"), [local(path)], options={"memory": "1m"}, report=report)
    assert sum(batch.num_rows for batch in batches) == 20_000
    assert report.losses
    assert [line for line in report.warnings if "too many are open at once" in line]
    assert report.counters["sessions given up for want of memory"] > 0


@pytest.mark.parametrize("options", [{"memory": "lots"}, {"tcp_timeout": "-1"}, {"times": "x"}])
def test_options_that_mean_nothing(options: dict[str, str], tmp_path: Path) -> None:
    from packetpig.loaders.contract.loader import OptionError

    path = tmp_path / "a.pcap"
    path.write_bytes(pcap(Talk().open().packets))
    with pytest.raises(OptionError):
        load("sessions", str(path), **options).read_all()
