"""times: bins, ISO text, parts of a day."""

from __future__ import annotations

import pytest
from packetpig.udfs.times import bin, hour, iso, seconds, weekday

NO_TIMES = (None, 1e300, float("nan"), float("inf"))


def test_bin() -> None:
    assert bin(125.9, 60) == 120
    assert bin(-1.0, 60) == -60
    assert bin(None, 60) is None
    assert bin(1.0, None) is None
    assert bin(1.0, 0) is None
    for ts in NO_TIMES:
        assert bin(ts, 60) is None


def test_iso() -> None:
    assert iso(1322644980.171738) == "2011-11-30T09:23:00.171738Z"
    assert iso(-62135596800) == "0001-01-01T00:00:00.000000Z"
    for ts in NO_TIMES:
        assert iso(ts) is None


@pytest.mark.parametrize(
    ("text", "ts"),
    [
        ("2011-11-30T09:23:00.171738Z", 1322644980.171738),
        ("2024-03-05", 1709596800.0),
        ("2024-03-05 01:00:00+01:00", 1709596800.0),
        ("0001-01-01T00:00:00+23:00", -62135679600.0),
        ("yesterday", None),
        ("", None),
        (None, None),
    ],
)
def test_seconds(text: str | None, ts: float | None) -> None:
    assert seconds(text) == ts


def test_parts_of_a_day() -> None:
    assert hour(1709596800 + 3600 * 13.5) == 13
    assert weekday(1709596800) == 2
    for ts in NO_TIMES:
        assert hour(ts) is weekday(ts) is None
