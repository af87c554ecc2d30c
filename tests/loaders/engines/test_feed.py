"""What engines are fed is what mergecap makes of the same captures, byte for byte."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from packetpig.loaders.captures.finding import find, in_time_order
from packetpig.loaders.contract.report import CaptureError, Report
from packetpig.loaders.engines.feed import Feed

from tests.conftest import DEMO
from tests.making import ethernet, ipv4, ipv6, pcap, tcp, udp


def fed(
    *paths: Path, lanes: int = 1, tcp: bool = False, times: tuple[int, int] | None = None
) -> tuple[list[bytes], Feed]:
    feed = Feed(in_time_order(find(map(str, paths))), Report(), tcp=tcp, lanes=lanes, times=times)
    out = [feed.header] * lanes
    for lane, block in feed.blocks():
        out[lane] += bytes(block)
    return out, feed


def records(data: bytes) -> list[tuple[int, bytes]]:
    """Microseconds and frames."""
    found, at = [], 24
    while at < len(data):
        seconds, micros, size, _ = (int.from_bytes(data[at + k : at + k + 4], "little") for k in (0, 4, 8, 12))
        found.append((seconds * 1_000_000 + micros, data[at + 16 : at + 16 + size]))
        at += 16 + size
    return found


def test_all_formats_become_what_mergecap_makes(tmp_path: Path) -> None:
    merged = tmp_path / "merged.pcap"
    command = ["mergecap", "-F", "pcap", "-w", str(merged), *map(str, sorted(DEMO.iterdir()))]
    subprocess.run(command, check=True)
    (ours,), feed = fed(DEMO)
    assert ours == merged.read_bytes()
    assert feed.trails[0].count == 15019


def test_captures_that_overlap_are_merged_and_doubles_given_once(tmp_path: Path) -> None:
    packets = [(1000 + k / 1000, ethernet(ipv4(tcp(bytes(k % 50), seq=k)))) for k in range(20_000)]
    (tmp_path / "a.pcap").write_bytes(pcap(packets[::2]))
    (tmp_path / "b.pcap").write_bytes(pcap(packets[1::2]))
    (tmp_path / "c.pcap").write_bytes(pcap(packets[5000:15000]))
    (ours,), feed = fed(tmp_path)
    assert ours == pcap(packets)
    assert feed.report.counters["packets in two captures"] == 10_000


def test_only_packets_of_a_time(tmp_path: Path) -> None:
    packets = [(1000 + k / 1000, ethernet(ipv4(tcp(bytes(k % 50), seq=k)))) for k in range(20_000)]
    (tmp_path / "a.pcap").write_bytes(pcap(packets[:15000:2]))
    (tmp_path / "b.pcap").write_bytes(pcap(packets[1:15000:2]))
    (tmp_path / "c.pcap").write_bytes(pcap(packets[15000:]))
    (ours,), feed = fed(tmp_path, times=(1005 * 10**9, 1010 * 10**9))
    assert ours == pcap(packets[5000:10000])
    assert feed.trails[0].count == 5000


def test_within_a_capture_the_order_stays(tmp_path: Path) -> None:
    packets = [(time, ethernet(ipv4(tcp(seq=int(time))))) for time in (10, 30, 20, 40)]
    (tmp_path / "a.pcap").write_bytes(pcap(packets))
    (tmp_path / "b.pcap").write_bytes(pcap([(25, ethernet(ipv4(udp())))]))
    (ours,), _ = fed(tmp_path)
    assert (
        ours[24:] == pcap([*packets[:1], (25, ethernet(ipv4(udp()))), packets[1], (30, packets[2][1]), packets[3]])[24:]
    )


@pytest.mark.parametrize(
    ("times", "given"),
    [
        ((10, 9.9, 9.95, 10.1), (10, 10, 10, 10.1)),  # a bit out of order
        ((100, 1, 101), (100, 100, 101)),  # one packet of 1970
        ((100, 50, 51, 50.5, 52, 200), (100, 100, 101, 101, 102, 200)),  # a clock that was set back
        ((100, 4e9, 101, 102), (100, 4e9, 4e9, 4e9 + 1)),  # one packet of the future
        ((0, 5, 0, 4294967294, 4294967295, 0, 9), (0, 5, 5, 4294967294, 4294967295, 4294967295, 4294967295)),
    ],
)
def test_time_never_goes_back_and_a_map_leads_back(
    times: tuple[float, ...], given: tuple[float, ...], tmp_path: Path
) -> None:
    (tmp_path / "a.pcap").write_bytes(pcap([(time, ethernet(ipv4(udp()))) for time in times]))
    (ours,), feed = fed(tmp_path)
    stamps = [micros for micros, _ in records(ours)]
    assert stamps == [round(time * 1e6) for time in given]
    places = [feed.trails[0].place(number, micros).time for number, micros in enumerate(stamps, 1)]
    assert places == [round(time * 1e6) * 1000 for time in times]
    changed = sum(one != other for one, other in zip(times, given, strict=True))
    assert feed.report.counters["packets given with a later time"] == changed


def test_what_an_engine_puts_together_is_led_back_as_well(tmp_path: Path) -> None:
    times = (100, 50, 51, 52)
    (tmp_path / "a.pcap").write_bytes(pcap([(time, ethernet(ipv4(udp()))) for time in times]))
    _, feed = fed(tmp_path)
    assert feed.trails[0].place(None, 101_500_000).time == 51_500_000_000


def test_other_link_types_become_ethernet(tmp_path: Path) -> None:
    four, six = ipv4(udp(b"four")), ipv6(udp(b"six"), proto=17)
    cooked = b"\0\0\0\1\0\6\2\0\0\0\0\1\0\0"
    (tmp_path / "raw.pcap").write_bytes(pcap([(1, four), (2, six)], link_type=101))
    frames = [(3, cooked + b"\x08\0" + four), (4, cooked + b"\x08\x06" + bytes(28))]
    (tmp_path / "sll.pcap").write_bytes(pcap(frames, link_type=113))
    (ours,), feed = fed(tmp_path)
    assert ours[20:24] == b"\1\0\0\0"
    kinds = [b"\x08\0", b"\x86\xdd", b"\x08\0"]
    assert [frame for _, frame in records(ours)] == [
        bytes(12) + kind + packet for kind, packet in zip(kinds, (four, six, four), strict=True)
    ]
    missing = "packets without IP, of other link types than Ethernet: not given to the engine"
    assert feed.report.counters[missing] == 1


def test_tags_and_lengths(tmp_path: Path) -> None:
    frame = ethernet(ipv4(udp(b"x" * 100)), vlans=(30, 5))
    (tmp_path / "cut.pcap").write_bytes(pcap([(1, frame[:80])], lengths=len(frame)))
    (ours,), _ = fed(tmp_path)
    assert ours == (tmp_path / "cut.pcap").read_bytes()


def test_tcp_alone_as_ip(tmp_path: Path) -> None:
    segment = ipv4(tcp(b"hello"))
    packets = [(1, ethernet(ipv4(udp(), proto=17))), (2, ethernet(segment, vlans=(30,)))]
    (tmp_path / "a.pcap").write_bytes(pcap(packets))
    (ours,), _ = fed(tmp_path, tcp=True)
    assert ours[20] == 101
    assert records(ours) == [(2_000_000, segment)]


def test_lanes_have_each_pair_of_hosts_whole(tmp_path: Path) -> None:
    (ours, other), feed = fed(DEMO, lanes=2)
    (all_,), _ = fed(DEMO)
    assert sorted(records(ours) + records(other)) == sorted(records(all_))
    assert all(trail.count > 1000 for trail in feed.trails)


def hosts(data: bytes) -> set[frozenset[bytes]]:
    frames = [frame for _, frame in records(data) if frame[12:14] == b"\x08\0"]
    return {frozenset((frame[26:30], frame[30:34])) for frame in frames}


def test_lanes_share_no_pair_of_hosts() -> None:
    (one, other), _ = fed(DEMO, lanes=2)
    assert not hosts(one) & hosts(other)


def test_the_trail_knows_packets_by_number_and_time(tmp_path: Path) -> None:
    (tmp_path / "a.pcap").write_bytes(pcap([(1 + k / 8, ethernet(ipv4(tcp()))) for k in range(8)], nanos=True))
    (tmp_path / "b.pcap").write_bytes(pcap([(2.000000512, ethernet(ipv4(tcp())))], nanos=True))
    _, feed = fed(tmp_path)
    trail = feed.trails[0]
    by_number = trail.place(9, 2_000_000)
    assert (by_number.capture, by_number.time) == (1, 2_000_000_512)
    assert trail.place(9, 1_999_999).time == 1_999_999_000, "what an engine put together has a time of its own"
    by_time = trail.place(None, 1_300_000)
    assert (by_time.capture, by_time.time) == (0, 1_300_000_000)


def test_what_is_no_capture_fails(tmp_path: Path) -> None:
    (tmp_path / "a.pcap").write_bytes(b"no capture at all")
    with pytest.raises(CaptureError, match="not a capture"):
        fed(tmp_path)
