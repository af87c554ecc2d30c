"""Sessions from pieces, as Pig calls them."""

from __future__ import annotations

import random

from packetpig.loaders.bridge.functions import schemas
from packetpig.loaders.sessions import COLUMNS
from packetpig.udfs import sessions

from tests.conftest import ROOT


def test_the_schema_is_that_of_the_loader() -> None:
    columns = ", ".join(column.pig for column in COLUMNS)
    assert f"sessions:bag{{({columns}, goes_on:int)}}" in schemas(ROOT / "udfs/sessions.py")["window"]


def test_every_time_is_in_one_span() -> None:
    rest = (30.0, "10.0.0.1", 40000, "10.0.0.2", 80, "tcp", "http", "SF")
    spans = sessions.spans([(20.0, "b", *rest), (10.0, "a", *rest)])
    assert spans is not None
    assert [(name, begin < -1e9, until > 1e9) for name, _, begin, until, *_ in spans] == [
        ("a", True, False),
        ("b", False, True),
    ]
    assert spans[0][3] == spans[1][2] == 20.0
    assert spans[0][4:] == rest


def test_a_clock_is_regular_and_chance_is_not() -> None:
    clock = sessions.regularity([(60.0 * at + at % 3,) for at in range(100)])
    dice = random.Random(1)
    chance = sessions.regularity([(dice.uniform(0, 6000),) for _ in range(100)])
    assert clock is not None
    assert chance is not None
    assert clock[0] == 100
    assert clock[1] == 61.0
    assert clock[3] is not None
    assert chance[3] is not None
    assert clock[3] > 0.9
    assert chance[3] < 0.3
    assert sessions.regularity([(1.0,)]) == (1, None, None, None)


def test_times_in_parts_are_as_regular_as_together() -> None:
    dice = random.Random(2)
    times = [(30.0 * at + dice.uniform(0, 5),) for at in range(90)]
    dice.shuffle(times)
    parts = [(sessions.packed_times(some), 1.0) for some in (times[:20], [(None,)], times[21:])]
    parts += [(None, times[20][0]), (None, None)]  # a single call, and none
    assert sessions.packed_regularity(parts) == sessions.regularity(times)
    assert sessions.packed_regularity([]) == sessions.regularity([])
    assert sessions.packed_regularity(None) is None


def test_no_more_than_the_first_times_count() -> None:
    many = [(float(at),) for at in range(sessions.MOST_TIMES)]
    late = [(1e9 + 50.0 * at,) for at in range(10)]
    parts = [(sessions.packed_times(late), None), (sessions.packed_times(many), None)]
    assert sessions.packed_regularity(parts) == sessions.regularity(many)
