"""Time cut into windows: each packet in one of them, and what was before it ahead of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from packetpig.loaders.captures.finding import find, in_time_order
from packetpig.loaders.contract.loader import OptionError
from packetpig.loaders.contract.report import CaptureError, Report
from packetpig.loaders.engines.windows import Window, cut

from tests.conftest import DEMO
from tests.loaders.engines.test_feed import fed, records
from tests.making import ethernet, ipv4, pcap, tcp

SECOND = 10**9


def windows(*paths: Path, count: int, warm: int = 0, times: tuple[int, int] | None = None) -> list[Window]:
    return cut(in_time_order(find(map(str, paths))), count, warm * SECOND, Report(), "fail", times)


def given(window: Window) -> list[tuple[int, bytes]]:
    feed = window.feed()
    return records(bytes(24) + b"".join(bytes(block) for _, block in feed.blocks()))


@pytest.fixture
def long(tmp_path: Path) -> Path:
    """A capture of some megabytes, in two files that overlap."""
    packets = [(1000 + k / 100, ethernet(ipv4(tcp(bytes(2700), seq=k)))) for k in range(10_000)]
    (tmp_path / "a.pcap").write_bytes(pcap(packets[:6000] + packets[6000:8000:2]))
    (tmp_path / "b.pcap").write_bytes(pcap(packets[6001:8000:2] + packets[8000:]))
    return tmp_path


def test_each_packet_is_in_one_window(long: Path) -> None:
    (whole,), _ = fed(long)
    found = [given(one) for one in windows(long, count=4)]
    assert [packet for one in found for packet in one] == records(whole)
    sizes = [len(one) for one in found]
    assert len(sizes) == 4
    assert max(sizes) < 2 * min(sizes), "they are cut between blocks of a megabyte"


def test_all_formats() -> None:
    (whole,), _ = fed(DEMO)
    found = [given(one) for one in windows(DEMO, count=3)]
    assert len(found) == 3
    assert [packet for one in found for packet in one] == records(whole)


def test_what_was_before(long: Path) -> None:
    (whole,), _ = fed(long)
    each = records(whole)
    for one in windows(long, count=3, warm=5):
        assert one.first == (one.begin if one.begin < 0 else one.begin - 5 * SECOND)
        assert given(one) == [(time, frame) for time, frame in each if one.first <= time * 1000 < one.end]


def test_only_a_part_of_a_capture_is_read(long: Path) -> None:
    last = windows(long, count=6)[-1]
    assert [capture.capture for _, capture in last.captures] == ["b.pcap"]
    first = windows(long, count=4)[0]
    ((_, capture),) = first.captures
    assert capture.index is not None
    assert capture.index.runs((first.first, first.end - 1), 0, capture.index.size)[-1].end < capture.index.size // 2


def test_within_a_time(long: Path) -> None:
    found = windows(long, count=3, warm=5, times=(1010 * SECOND, 1060 * SECOND))
    assert (found[0].first, found[-1].end) == (1010 * SECOND, 1060 * SECOND)
    assert len({packet for one in found for packet in given(one)}) == 5000


def test_fewer_windows_than_asked_for(tmp_path: Path) -> None:
    (tmp_path / "a.pcap").write_bytes(pcap([(1, ethernet(ipv4(tcp())))]))
    assert len(windows(tmp_path, count=7)) == 1
    (tmp_path / "a.pcap").write_bytes(pcap([]))
    assert len(windows(tmp_path, count=7)) == 1


def test_what_cannot_be_read_twice(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OptionError, match=r"reads captures more than once, and .*pipe is no file here"):
        cut(find([str(tmp_path / "pipe")]), 2, 0, Report(), "fail", None)
    (tmp_path / "x.pcap").write_bytes(b"no capture at all")
    with pytest.raises(CaptureError, match="not a capture"):
        cut(find([str(tmp_path / "x.pcap")]), 2, 0, Report(), "fail", None)


def test_what_is_wrong_is_said_once(long: Path) -> None:
    whole = (long / "b.pcap").read_bytes()
    (long / "b.pcap").write_bytes(whole[:-10])
    report = Report()
    found = cut(in_time_order(find([str(long)])), 3, 0, report, "fail", None)
    assert sum("b.pcap" in line for line in report.warnings) == 1
    feeds = [one.feed() for one in found]
    assert sum(len(records(bytes(24) + b"".join(bytes(block) for _, block in feed.blocks()))) for feed in feeds) == 9999
    assert [feed.report.warnings for feed in feeds] == [[], [], []]
    assert report.counters["packets"] == 9999
