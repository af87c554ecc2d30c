"""The time that a filter speaks of: never less than what the filter keeps."""

from __future__ import annotations

import random

import pyarrow as pa
import pytest
from packetpig.loaders import packets
from packetpig.loaders.contract.filters import Filter
from packetpig.loaders.contract.times import span
from packetpig.loaders.contract.where import parse

COLUMNS = {column.name: column for column in packets.LOADER.schema()}
SECOND = 1_000_000_000


@pytest.mark.parametrize(
    ("expression", "seconds"),
    [
        ("ts >= 1700000000 AND ts < 1700000060", (1_700_000_000, 1_700_000_060)),
        ("ts_ns >= 1700000000000000000L AND tcp_dport == 80 AND ts <= 1700000060.5", (1_700_000_000, 1_700_000_060.5)),
        ("1700000000 <= ts AND 1700000060 > ts", (1_700_000_000, 1_700_000_060)),
        ("ts >= 1700000000 + 5 - 5L AND ts < 60 + 1700000000.0", (1_700_000_000, 1_700_000_060)),
        ("ts == 5 OR ts == 9", (5, 9)),
        ("ts IN (5, 9, 7)", (5, 9)),
        ("(long) ts == 5", (4, 6)),
        ("ts > 5 AND ts < 2", (5, 2)),
    ],
)
def test_bounds(expression: str, seconds: tuple[float, float]) -> None:
    found = span(parse(expression))
    assert found is not None
    assert found[0] / SECOND == pytest.approx(seconds[0], abs=1e-5)
    assert found[1] / SECOND == pytest.approx(seconds[1], abs=1e-5)


@pytest.mark.parametrize(
    "expression",
    ["tcp_dport == 80", "ts > 5 OR tcp_dport == 80", "NOT (ts > 5)", "ts != 5", "ts + 1 > 5", "(float) ts > 5",
     "ts IS NULL",
     "ts > 2147483647 + 60", "ts > length + 60", "(int) ts == 2147483647", "length > ts"],
)  # fmt: skip
def test_says_nothing(expression: str) -> None:
    assert span(parse(expression)) is None


def test_what_a_filter_keeps_is_inside() -> None:
    pick = random.Random(1)
    edges = [0, 1, 999_999_999, SECOND, 1_700_000_000 * SECOND, 1_700_000_000_123_456_789, 4_294_967_295 * SECOND]
    times = [edge + pick.randrange(-2000, 2000) for edge in edges for _ in range(30)]
    batch = pa.record_batch({"ts_ns": pa.array(times), "ts": pa.array([time / 1e9 for time in times])})
    for _ in range(400):
        at = pick.choice(times)
        value = {
            "ts": pick.choice([repr(at / 1e9), str(at // SECOND)]),
            "ts_ns": pick.choice([f"{at}L", f"{at / 1:.1f}"]),
        }
        atoms = []
        for _ in range(pick.randrange(1, 4)):
            column = pick.choice(list(value))
            cast = (
                pick.choice(["", "", "(long) ", "(double) ", "(int) "])
                if column == "ts"
                else pick.choice(["", "(double) "])
            )
            atoms.append(f"{cast}{column} {pick.choice(['<', '<=', '>', '>=', '=='])} {value[column]}")
        expression = f" {pick.choice(['AND', 'OR'])} ".join(atoms)
        kept = batch.filter(Filter(parse(expression), COLUMNS).mask(batch)).column("ts_ns").to_pylist()
        low, high = span(parse(expression)) or (-(1 << 63), 1 << 63)
        assert all(low <= time <= high for time in kept), expression
