"""ngrams: counts are those of a plain loop over payloads, for every n, filter and split."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from packetpig.loaders import load, ngrams
from packetpig.loaders.captures.capture import Capture, LocalSource
from packetpig.loaders.contract.discovery import find
from packetpig.loaders.contract.loader import OptionError, run

from tests.conftest import DEMO
from tests.making import conversation, ethernet, ipv4, pcap, tcp


def counted(source) -> Counter[int]:
    counts: Counter[int] = Counter()
    for batch in source:
        for row in batch.to_pylist():
            counts[row["gram"]] += row["count"]
            assert row["count"] > 0
    return counts


def by_hand(n: int, where: str) -> Counter[int]:
    counts: Counter[int] = Counter()
    for batch in load("packets", str(DEMO), ["payload"], where=where):
        for row in batch.to_pylist():
            data = row["payload"]
            counts.update(int.from_bytes(data[i : i + n]) for i in range(len(data) - n + 1))
    return counts


@pytest.mark.parametrize("n", [1, 2, 3, 4])
@pytest.mark.parametrize(
    ("filter", "where"),
    [
        ("", "payload is not null"),
        ("tcp:80", "tcp_sport == 80 or tcp_dport == 80"),
        ("udp", "udp_len is not null and payload is not null"),
    ],
)
def test_counts(n: int, filter: str, where: str) -> None:
    assert counted(load("ngrams", str(DEMO), n=str(n), filter=filter)) == by_hand(n, where)


def test_what_was_not_captured_is_not_counted(tmp_path: Path) -> None:
    frame = ethernet(ipv4(tcp(b"abcdef")))[:-4]
    (tmp_path / "a.pcap").write_bytes(pcap([(1.0, frame), (2.0, ethernet(ipv4(tcp(b""))) + b"padding")]))
    assert counted(load("ngrams", str(tmp_path))) == {ord("a"): 1, ord("b"): 1}
    assert counted(load("ngrams", str(tmp_path), n="3")) == {}


def test_splits_add_up_and_a_full_table_is_given_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.pcap"
    path.write_bytes(pcap(conversation(12_000, gap=0.01)))
    whole = counted(load("ngrams", str(path), n="4"))
    monkeypatch.setattr(ngrams, "SLOTS", 1 << 12)
    size = path.stat().st_size
    parts: Counter[int] = Counter()
    for start, end in ((0, size // 3), (size // 3, size)):
        capture = Capture(str(path), lambda: LocalSource(str(path)), "a.pcap", start=start, end=end)
        parts += counted(run(find("ngrams"), [capture], options={"n": "4"})[1])
    assert parts == whole


@pytest.mark.parametrize("filter", ["ftp", "tcp:x", "tcp:70000", ":80", "tcp:80:90"])
def test_wrong_filter(filter: str) -> None:
    with pytest.raises(OptionError, match="NgramLoader: filter is empty, tcp, udp:53 or the like"):
        list(load("ngrams", str(DEMO), filter=filter))


def test_n_is_one_to_four() -> None:
    with pytest.raises(OptionError, match="NgramLoader: n is 1 or 2 or 3 or 4, not '5'"):
        load("ngrams", str(DEMO), n="5")


def test_several_filters_in_one_scan() -> None:
    table = load("ngrams", str(DEMO), ["filter", "gram", "count"], filter="any,tcp:80, udp:53").read_all()
    rows = table.to_pylist()
    for name, one in (("any", ""), ("tcp:80", "tcp:80"), ("udp:53", "udp:53")):
        alone = counted(load("ngrams", str(DEMO), filter=one))
        assert {row["gram"]: row["count"] for row in rows if row["filter"] == name} == alone
    with pytest.raises(OptionError, match="several filters only for n up to 2, not 3"):
        list(load("ngrams", str(DEMO), filter="tcp,udp", n="3"))
