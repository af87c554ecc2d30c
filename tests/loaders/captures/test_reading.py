"""Captures of every format give the packets that were put into them; damaged ones give what can be had, and say so."""

from __future__ import annotations

import bz2
import gzip
import itertools
import lzma
import struct
import sys
from collections.abc import Callable
from pathlib import Path

import lz4.frame
import pytest
from backports import zstd
from hypothesis import given, settings
from hypothesis import strategies as st
from packetpig.loaders.captures import pcap as pcap_module
from packetpig.loaders.captures.capture import Capture, LocalSource, local
from packetpig.loaders.contract.discovery import find
from packetpig.loaders.contract.loader import run
from packetpig.loaders.contract.report import CaptureError, Report

from tests.making import block, conversation, enhanced, ethernet, interface, ipv4, pcap, section, tcp, udp

PACKETS = conversation(50)
TIMES = [ts for ts, _ in PACKETS]


def load(*captures: Capture, columns: list[str] | None = None, on_error: str = "fail") -> tuple[list[dict], Report]:
    report = Report()
    columns = columns or ["ts", "ts_ns", "offset", "number", "length", "captured", "frame"]
    _, batches = run(find("packets"), captures, columns, report=report, on_error=on_error)
    return [row for batch in batches for row in batch.to_pylist()], report


def write(folder: Path, data: bytes, name: str = "a.pcap") -> Capture:
    path = folder / name
    path.write_bytes(data)
    return local(path)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("nanos", [False, True])
def test_pcap_of_both_byte_orders_and_clocks(tmp_path: Path, order: str, nanos: bool) -> None:
    rows, report = load(write(tmp_path, pcap(PACKETS, order, nanos)))
    assert [row["frame"] for row in rows] == [frame for _, frame in PACKETS]
    assert [row["ts"] for row in rows] == TIMES
    assert [row["number"] for row in rows] == list(range(1, 51))
    assert not report.warnings


def test_nanoseconds_are_exact(tmp_path: Path) -> None:
    data = bytearray(pcap(PACKETS[:1], nanos=True))
    data[28:32] = struct.pack("<I", 123_456_789)
    rows, _ = load(write(tmp_path, bytes(data)))
    assert rows[0]["ts_ns"] == 1_700_000_000_123_456_789


def test_pcap_with_long_record_headers(tmp_path: Path) -> None:
    data = bytearray(pcap([]))
    data[:4] = struct.pack("<I", 0xA1B2CD34)
    for ts, frame in PACKETS:
        data += struct.pack("<IIIIIHBB", int(ts), 0, len(frame), len(frame), 1, 8, 0, 0) + frame
    rows, _ = load(write(tmp_path, bytes(data)))
    assert [row["frame"] for row in rows] == [frame for _, frame in PACKETS]


@pytest.mark.parametrize("order", ["<", ">"])
def test_pcapng_with_sections_interfaces_and_clocks(tmp_path: Path, order: str) -> None:
    raw = ipv4(udp(b"x"), proto=17)
    data = (
        section(order) + interface(1, order) + interface(101, order, resolution=9, offset=100)
        + block(0x0BAD, b"unknown!", order)
        + enhanced(1_700_000_000_250_000, PACKETS[0][1], 0, order)
        + enhanced(1_600_000_000_123_456_789, raw, 1, order)
        + section("<") + interface(1, "<", resolution=0x80 | 10)
        + enhanced((1_700_000_000 << 10) + 512, PACKETS[1][1], 0, "<")
        + block(3, struct.pack("<I", len(raw)) + raw)
    )  # fmt: skip
    rows, report = load(write(tmp_path, data), columns=["ts_ns", "link_type", "frame"])
    assert [(row["ts_ns"], row["link_type"]) for row in rows] == [
        (1_700_000_000_250_000_000, 1),
        (1_600_000_100_123_456_789, 101),
        (1_700_000_000_500_000_000, 1),
        (None, 1),
    ]
    assert rows[1]["frame"] == raw
    assert not report.warnings


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": zstd.compress,
    "lz4": lz4.frame.compress,
}


@pytest.mark.parametrize("packer", PACKERS.values(), ids=PACKERS)
@pytest.mark.parametrize("make", [lambda: pcap(PACKETS), lambda: section() + interface() + enhanced(10, b"abcd")])
def test_compressed(tmp_path: Path, packer: Callable[[bytes], bytes], make: Callable[[], bytes]) -> None:
    data = make()
    plain, _ = load(write(tmp_path, data, "plain"))
    half = len(data) // 2
    for packed in (packer(data), packer(data[:half]) + packer(data[half:])):
        rows, report = load(write(tmp_path, packed, "a.packed"))
        assert rows == plain
        assert not report.warnings


@pytest.mark.parametrize("packer", PACKERS.values(), ids=PACKERS)
def test_compressed_data_that_is_cut_gives_what_came_before(tmp_path: Path, packer: Callable[[bytes], bytes]) -> None:
    packets = conversation(3000)
    packed = packer(pcap(packets))
    rows, report = load(write(tmp_path, packed[: len(packed) - 200]))
    assert 0 <= len(rows) < len(packets)
    assert [row["frame"] for row in rows] == [frame for _, frame in packets[: len(rows)]]
    if packer is not bz2.compress and packer is not lz4.frame.compress:
        assert len(rows) > 0
    assert any("cut" in line or "damaged" in line for line in report.warnings)
    assert report.losses


def test_a_bomb_is_read_in_bounded_memory(tmp_path: Path) -> None:
    frame = bytes(1000)
    data = pcap([(1.0, frame)] * 200_000)  # 200 MB that compress to a few hundred KB
    import resource

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    capture = write(tmp_path, zstd.compress(data))
    del data
    report = Report()
    _, batches = run(find("packets"), [capture], ["ts"], report=report)
    assert sum(batch.num_rows for batch in batches) == 200_000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 450_000  # KB; the data itself was 200 MB


@pytest.mark.parametrize("left", [1, 8, 15, 16, 17, 60])
def test_cut_in_mid_packet_gives_all_whole_packets_and_a_warning(tmp_path: Path, left: int) -> None:
    whole = pcap(PACKETS[:-1])
    data = pcap(PACKETS)[: len(whole) + left]
    rows, report = load(write(tmp_path, data))
    assert len(rows) == 49
    assert report.warnings == [
        f"{tmp_path}/a.pcap: offset {len(whole)}: cut in the middle of a packet; "
        f"its {left} bytes are left out, all packets before it are read"
    ]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "an empty file, not a capture"),
        (b"hello, world", "not a capture (its first bytes are 68 65 6c 6c 6f 2c 20 77)"),
        (pcap([])[:10], "cut in the file header (10 of 24 bytes)"),
        (gzip.compress(b"hello", mtime=0), "not a capture (its first bytes are 68 65 6c 6c 6f)"),
    ],
)
def test_not_a_capture(tmp_path: Path, data: bytes, reason: str) -> None:
    with pytest.raises(CaptureError) as error:
        load(write(tmp_path, data))
    assert str(error.value) == f"{tmp_path}/a.pcap: {reason}"
    good = write(tmp_path, pcap(PACKETS), "good.pcap")
    rows, report = load(local(tmp_path / "a.pcap"), good, on_error="skip")
    assert len(rows) == 50
    assert report.counters["captures skipped"] == 1


def test_header_only(tmp_path: Path) -> None:
    rows, report = load(write(tmp_path, pcap([])))
    assert rows == []
    assert not report.warnings


@pytest.mark.parametrize("lie", [0xFFFFFFFF, 262_145, 0x7FFFFFFF])
def test_a_length_that_lies_loses_that_record_alone(tmp_path: Path, lie: int) -> None:
    first, second = pcap(PACKETS[:20]), pcap(PACKETS[20:])[24:]
    data = bytearray(first + second)
    data[len(first) + 8 : len(first) + 12] = struct.pack("<I", lie)
    rows, report = load(write(tmp_path, bytes(data)))
    frames = [frame for _, frame in PACKETS]
    assert [row["frame"] for row in rows] == frames[:20] + frames[21:]
    assert f"offset {len(first)}: a record of {lie} bytes" in report.warnings[0]
    assert f"skipped {16 + len(frames[20])} bytes" in report.warnings[1]
    assert report.counters["bytes skipped"] == 16 + len(frames[20])
    assert rows[20]["number"] is None


def test_any_number_of_lengths_that_lie(tmp_path: Path) -> None:
    """Damage takes no depth of calls: a hostile capture of many damaged records does not end the run."""
    packets = [(1_700_000_000.0 + i, bytes(40_000)) for i in range(2400)]
    data = bytearray(pcap(packets))
    record = 16 + 40_000
    for i in range(5, 2400, 12):
        at = 24 + i * record
        data[at + 8 : at + 12] = b"\xff\xff\xff\xff"
    capture = write(tmp_path, bytes(data))
    deepest = sys.getrecursionlimit()
    sys.setrecursionlimit(400)
    try:
        for source in (LocalSource, Stream):
            rows, report = load(
                Capture(capture.path, lambda kind=source: kind(capture.path), "a"), columns=["captured"]
            )
            assert len(rows) == 2400 - 200
            assert report.counters["records damaged"] == 200
            assert report.counters["bytes skipped"] == 200 * record
    finally:
        sys.setrecursionlimit(deepest)


def test_frames_of_no_bytes_and_beyond_the_snap_length(tmp_path: Path) -> None:
    packets = [(1.0, b""), (2.0, bytes(100)), (3.0, ethernet(ipv4(tcp())))]
    rows, report = load(write(tmp_path, pcap(packets, snap=64)))
    assert [row["captured"] for row in rows] == [0, 100, 54]
    assert not report.warnings


def test_time_that_runs_backwards(tmp_path: Path) -> None:
    packets = [(5.0, b"abcd"), (3.0, b"efgh"), (4.0, b"ijkl")]
    rows, _ = load(write(tmp_path, pcap(packets)))
    assert [row["ts"] for row in rows] == [5.0, 3.0, 4.0]


def test_a_pipe(tmp_path: Path, packetpig: Callable) -> None:
    path = tmp_path / "a.pcap"
    path.write_bytes(pcap(PACKETS))
    with path.open("rb") as file:
        import subprocess

        cat = subprocess.Popen(["cat"], stdin=file, stdout=subprocess.PIPE)
        result = packetpig("load", "packets", "-", "--columns", "ts,length", stdin=cat.stdout)
    assert result.returncode == 0
    assert len(result.stdout.splitlines()) == 51


class Dribble(LocalSource):
    """A file that comes a few bytes at a time, and never as a map."""

    def read(self, into: memoryview, offset: int) -> int:
        return super().read(into[: 1 + offset % 1000], offset)

    def mapped(self) -> None:
        return None


def dribbled(path: Path, start: int = 0, end: int | None = None) -> Capture:
    return Capture(str(path), lambda: Dribble(str(path)), "a", start=start, end=end)


def test_bytes_that_come_a_few_at_a_time(tmp_path: Path) -> None:
    capture = write(tmp_path, pcap(PACKETS))
    wanted, _ = load(capture)
    rows, _ = load(dribbled(tmp_path / "a.pcap"))
    assert rows == wanted


BIG = conversation(12_000, gap=0.001)


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A capture large enough to be mapped and cut."""
    path = tmp_path_factory.mktemp("big") / "big.pcap"
    path.write_bytes(pcap(BIG))
    assert path.stat().st_size > 5 << 20
    return path


@settings(max_examples=25, deadline=None)
@given(cuts=st.lists(st.integers(0, 8_300_000), max_size=6), streamed=st.booleans())
def test_any_split_gives_the_same_rows_as_none(big: Path, cuts: list[int], streamed: bool) -> None:
    columns = ["ts_ns", "offset", "length", "ip_src", "dport"]
    size = big.stat().st_size
    edges = [0, *sorted({cut for cut in cuts if 0 < cut < size}), size]
    whole, _ = load(local(big), columns=columns)
    rows: list[dict] = []
    splits: list[tuple[int, int]] = []
    for start, end in itertools.pairwise(edges):
        capture = (
            dribbled_fast(big, start, end)
            if streamed
            else Capture(str(big), lambda: LocalSource(str(big)), "a", start=start, end=end)
        )
        part, report = load(capture, columns=columns)
        rows += part
        splits += [(first, after) for _, first, after in report.splits]
    assert rows == whole
    assert [first for first, _ in splits[1:]] == [after for _, after in splits[:-1]]


class Stream(LocalSource):
    """A file that cannot be mapped."""

    def mapped(self) -> None:
        return None


def dribbled_fast(path: Path, start: int, end: int) -> Capture:
    return Capture(str(path), lambda: Stream(str(path)), "a", start=start, end=end)


def test_a_split_that_begins_inside_a_captured_capture(tmp_path: Path) -> None:
    """Payloads that are pcap files themselves do not mislead the search for a split's first record."""
    inner = pcap(conversation(18, gap=0.01))
    pieces = [inner[i : i + 1400] for i in range(0, len(inner), 1400)]
    packets = [(1_700_000_000 + i / 1000, ethernet(ipv4(tcp(pieces[i % len(pieces)])))) for i in range(6000)]
    path = tmp_path / "a.pcap"
    path.write_bytes(pcap(packets))
    size = path.stat().st_size
    whole, _ = load(local(path), columns=["offset"])
    edges = [0, size // 3, size // 3 + 777, size // 2 + 31, size - 100_000, size]
    rows, after = [], None
    for start, end in itertools.pairwise(edges):
        part, report = load(
            Capture(str(path), lambda: LocalSource(str(path)), "a", start=start, end=end), columns=["offset"]
        )
        rows += part
        ((_, first, last),) = report.splits
        assert after in (None, first)
        after = last
    assert rows == whole


def test_a_damaged_record_and_splits_agree(big: Path, tmp_path: Path) -> None:
    data = bytearray(big.read_bytes())
    whole, _ = load(local(big), columns=["offset"])
    victim = whole[6000]["offset"]
    data[victim + 8 : victim + 12] = b"\xff\xff\xff\xff"
    path = tmp_path / "a.pcap"
    path.write_bytes(data)
    expected = [row for row in whole if row["offset"] != victim]
    for edges in (
        [0, len(data)],
        [0, victim - 5, len(data)],
        [0, victim + 5, len(data)],
        [0, victim + 1_000_000, len(data)],
    ):
        rows = []
        for start, end in itertools.pairwise(edges):
            for source in (LocalSource, Stream):
                part, _ = load(
                    Capture(str(path), lambda kind=source: kind(str(path)), "a", start=start, end=end),
                    columns=["offset"],
                )
            rows += part
        assert rows == expected


def test_many_small_captures_fill_one_table(tmp_path: Path) -> None:
    captures = [write(tmp_path, pcap(conversation(10, start=1000.0 + i)), f"{i:03}.pcap") for i in range(300)]
    report = Report()
    _, batches = run(find("packets"), captures, ["capture", "ts", "frame"], report=report)
    rows = [row for batch in batches for row in batch.to_pylist()]
    assert len(rows) == 3000
    assert [row["capture"] for row in rows] == [f"{i:03}.pcap" for i in range(300) for _ in range(10)]
    assert [row["frame"] for row in rows[:10]] == [frame for _, frame in conversation(10)]
    assert report.counters["captures"] == 300


def test_a_record_larger_than_the_arena(tmp_path: Path) -> None:
    frame = bytes(9_000_000)
    data = pcap([(1.0, b"a"), (2.0, frame), (3.0, b"b")], snap=10_000_000)
    path = tmp_path / "a.pcap"
    path.write_bytes(data)
    rows, _ = load(Capture(str(path), lambda: Stream(str(path)), "a"), columns=["captured"])
    assert [row["captured"] for row in rows] == [1, 9_000_000, 1]
    assert pcap_module.LONGEST > 9_000_000
