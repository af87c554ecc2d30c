"""Sessions from pieces, as Pig calls them."""

from __future__ import annotations

import random
from pathlib import Path

from packetpig.loaders import load
from packetpig.loaders.bridge.functions import schemas
from packetpig.loaders.bridge.values import decode
from packetpig.loaders.sessions import COLUMNS
from packetpig.udfs import sessions

from tests.conftest import ROOT
from tests.loaders.test_sessions import ACK, Talk
from tests.making import pcap


def test_the_schema_is_that_of_the_loader() -> None:
    columns = ", ".join(column.pig for column in COLUMNS)
    assert f"sessions:bag{{({columns}, goes_on:int)}}" in schemas(ROOT / "udfs/sessions.py")["window"]


def test_every_time_is_in_one_span() -> None:
    rest = ("10.0.0.1", 40000, "10.0.0.2", 80, "tcp", "http", "SF")
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


def test_features_are_numbers_without_gaps(tmp_path: Path) -> None:
    talk = Talk().open().c(ACK, 101, 501, b"a" * 64).s(ACK, 501, 165, bytes(range(64)), after=0.5).c(ACK, 165, 565)
    path = tmp_path / "a.pcap"
    path.write_bytes(pcap(talk.packets))
    pieces = load("sessionpieces", str(path), entropies="yes").read_all()["piece"].to_pylist()
    answer = sessions.features([(piece,) for piece in pieces])
    assert answer is not None
    (row,) = decode(answer)[0]
    names = [part.split(":")[0].strip() for part in schemas(ROOT / "udfs/sessions.py")["features"][14:-2].split(",")]
    found = dict(zip(names, row, strict=True))
    assert all(isinstance(value, int | float) for name, value in found.items() if name != "session_id")
    assert (found["src_packets"], found["dst_packets"], found["src_first_bytes"], found["syn"]) == (4, 2, 64, 2)
    assert (found["src_entropy"], found["dst_entropy"]) == (0.0, 6.0)
    assert round(found["reply_delay"], 6) == 0.01
    assert round(found["gap_max"], 6) == 0.5
