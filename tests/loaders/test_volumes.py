"""volumes: the sums are those of the packets, whatever the splits, the bins and the columns they are grouped by."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from packetpig.loaders import load
from packetpig.loaders.captures.capture import Capture, LocalSource
from packetpig.loaders.contract.discovery import find
from packetpig.loaders.contract.loader import OptionError, run

from tests.conftest import DEMO
from tests.making import conversation, pcap


def rows(source: Any) -> list[dict[str, Any]]:
    return [row for batch in source for row in batch.to_pylist()]


def summed(found: list[dict[str, Any]], *keys: str) -> dict[tuple[Any, ...], list[int]]:
    sums: dict[tuple[Any, ...], list[int]] = {}
    for row in found:
        total = sums.setdefault(tuple(row[key] for key in keys), [0] * 5)
        for place, name in enumerate(("packets", "bytes", "ip_bytes", "tcp_bytes", "udp_bytes")):
            total[place] += row[name]
    return sums


def by_hand(time: int, *keys: str, where: str | None = None) -> dict[tuple[Any, ...], list[int]]:
    found = rows(load("packets", str(DEMO), where=where))
    for row in found:
        row["ts"] = float(row["ts_ns"] // (time * 10**9) * time)
        row["packets"] = 1
        row["bytes"] = row["length"]
        for name, source in (("ip_bytes", "ip_total_length"), ("tcp_bytes", "tcp_len"), ("udp_bytes", "udp_len")):
            row[name] = row[source] or 0
    return summed(found, "capture", "ts", *keys)


@pytest.mark.parametrize("time", [1, 60, 86400])
def test_bins(time: int) -> None:
    assert summed(rows(load("volumes", str(DEMO), time=str(time))), "capture", "ts") == by_hand(time)


def test_by_columns_with_a_filter_on_packets() -> None:
    found = rows(load("volumes", str(DEMO), by="ip_proto, ip_src", packets="tcp_len > 100 or udp_len > 100"))
    wanted = by_hand(60, "ip_proto", "ip_src", where="tcp_len > 100 or udp_len > 100")
    assert summed(found, "capture", "ts", "ip_proto", "ip_src") == wanted
    assert set(found[0]) >= {"ip_proto", "ip_src"}


def test_where_is_over_the_sums() -> None:
    found = rows(load("volumes", str(DEMO), where="tcp_bytes > 10000", time="3600"))
    assert found
    assert all(row["tcp_bytes"] > 10000 for row in found)


def test_splits_add_up(tmp_path: Path) -> None:
    path = tmp_path / "a.pcap"
    path.write_bytes(pcap(conversation(12_000, gap=0.01)))
    size = path.stat().st_size
    names = ("packets", "bytes", "ip_bytes", "tcp_bytes", "udp_bytes")
    parts: Counter[tuple[float, str]] = Counter()
    for start, end in ((0, size // 3), (size // 3, size)):
        capture = Capture(str(path), lambda: LocalSource(str(path)), "a.pcap", start=start, end=end)
        for row in rows(run(find("volumes"), [capture])[1]):
            parts.update({(row["ts"], name): row[name] for name in names})
    assert parts == Counter(
        {(row["ts"], name): row[name] for row in rows(load("volumes", str(path))) for name in names}
    )


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"time": "0"}, "VolumeLoader: time is a number of seconds, not '0'"),
        ({"time": "a"}, "VolumeLoader: time is a number of seconds, not 'a'"),
        ({"by": "nothing"}, "VolumeLoader: by=nothing is no column of PacketLoader that rows can be grouped by"),
        ({"by": "frame"}, "VolumeLoader: by=frame is no column of PacketLoader that rows can be grouped by"),
    ],
)
def test_wrong_options(options: dict[str, str], line: str) -> None:
    with pytest.raises(OptionError, match=line.replace("(", r"\(")):
        rows(load("volumes", str(DEMO), **options))


def test_wrong_filter() -> None:
    with pytest.raises(ValueError, match="where: no column nothing"):
        rows(load("volumes", str(DEMO), packets="nothing == 1"))


def test_the_earliest_and_the_latest_packet_of_a_bin() -> None:
    wanted: dict[tuple[Any, ...], list[float]] = {}
    for row in rows(load("packets", str(DEMO), ["capture", "ts", "ts_ns"])):
        wanted.setdefault((row["capture"], row["ts_ns"] // (3600 * 10**9) * 3600.0), []).append(row["ts"])
    found: dict[tuple[Any, ...], list[float]] = {}
    for row in rows(load("volumes", str(DEMO), ["capture", "ts", "first_ts", "last_ts"], time="3600")):
        found.setdefault((row["capture"], row["ts"]), []).extend((row["first_ts"], row["last_ts"]))
    assert {key: (min(times), max(times)) for key, times in found.items()} == {
        key: (min(times), max(times)) for key, times in wanted.items()
    }
