"""Snort 3's alerts are those of Snort run by hand, where it is installed; its recorded output is read everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from packetpig.loaders import load
from packetpig.loaders.captures.finding import find, in_time_order
from packetpig.loaders.contract.report import Report
from packetpig.loaders.engines import snort2, snort3
from packetpig.loaders.engines.detection import Alert, Setup, choose
from packetpig.loaders.engines.feed import Feed
from packetpig.loaders.engines.process import EngineError
from packetpig.loaders.engines.rules import Rules

from tests.conftest import DEMO
from tests.loaders.engines.test_detection import SHORT

RECORDED = Path(__file__).parent / "engines/recorded/snort3.txt"
real = pytest.mark.skipif(not snort3.find(""), reason="no Snort 3 on this machine (PACKETPIG_SNORT names one)")


def alerts(*paths: object, **options: str) -> list[dict[str, Any]]:
    return [row for batch in load("snort", [str(one) for one in paths], **options) for row in batch.to_pylist()]


def recorded() -> tuple[list[Alert], snort3.Snort]:
    feed = Feed(in_time_order(find([str(DEMO)])), Report())
    for _ in feed.blocks():
        pass
    engine = snort3.Snort("snort", Setup(Rules.of("")), Report())
    return list(engine.records(RECORDED.read_bytes(), feed.trails[0])), engine


def test_recorded_output() -> None:
    found, engine = recorded()
    assert len(found) == 210
    engine.check(15019)
    with pytest.raises(EngineError, match="looked at 15019 of 15020 packets"):
        engine.check(15020)
    first = found[0]
    assert (first.time, first.src, first.sport, first.dst, first.sid, first.rev, first.priority) == (
        1709672680_274404_000, "78.187.40.23", 39212, "10.10.1.25", 1990001, 1, 3,
    )  # fmt: skip
    assert first.classification == "network-scan"
    assert first.message == "PACKETPIG many connections tried within seconds: a port scan"
    assert {one.opener for one in found} == {True, False}
    assert {one.src for one in found if one.src and ":" in one.src} == {"2001:db8:10::53"}


def test_messages() -> None:
    assert snort3.message('"a \\"quoted\\" one, with a comma"') == 'a "quoted" one, with a comma'
    assert snort3.message("bare") == "bare"


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        (
            "03/05/24-21:04:40.082812  [**] [1:2010937:3] ET POLICY, odd [x] {y} [**] [Classification: Misc activity] "
            "[Priority: 12] {TCP} 10.0.0.1:4321 -> 10.0.0.2:3306",
            (1709672680_082812_000, "10.0.0.1", 4321, "10.0.0.2", 3306, "tcp", 12, "ET POLICY, odd [x] {y}"),
        ),
        (
            "03/05/24-21:04:40.082812  [**] [116:456:1] odd [**] [Priority: 3] {IPV6-ICMP} 2001:db8::1 -> ff02::1:ff00",
            (1709672680_082812_000, "2001:db8::1", None, "ff02::1:ff00", None, "icmp6", 3, "odd"),
        ),
        (
            "03/05/24-21:04:40.082812  [**] [1:5:1] v6 [**] [Priority: 3] {UDP} 2001:db8::1:53 -> 2001:db8::2:1024",
            (1709672680_082812_000, "2001:db8::1", 53, "2001:db8::2", 1024, "udp", 3, "v6"),
        ),
    ],
)
def test_lines_of_snort_2(line: str, wanted: tuple[Any, ...]) -> None:
    """Rare forms, as its manual writes them."""
    feed = Feed([], Report())
    (one,) = snort2.Snort("snort", Setup(Rules.of("")), Report()).records(line.encode(), feed.trails[0])
    assert (one.time, one.src, one.sport, one.dst, one.dport, one.proto, one.priority, one.message) == wanted


def test_one_that_is_missing_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.delenv("PACKETPIG_SNORT", raising=False)
    with pytest.raises(EngineError, match=r"no snort on this machine's path; docs/threats.md says how"):
        choose("snort")


@real
def test_the_recording_is_what_it_says_today() -> None:
    found, _ = recorded()
    assert sorted((one.time, one.sid, one.src) for one in found) == sorted(
        (round(row["ts"] * 1e6) * 1000, row["sid"], row["src"]) for row in alerts(DEMO)
    )


@real
def test_a_refused_rule_ends_it_with_snorts_words(tmp_path: Path) -> None:
    (tmp_path / "a.rules").write_text(SHORT.replace("content", "kontent") % ("x", "x", 1))
    with pytest.raises(EngineError, match=r"(?s)Snort 3 died: exit 1.*kontent"):
        alerts(DEMO, rules=str(tmp_path / "a.rules"))
