"""Lines of one side, as its bytes come, and what is held of them."""

from __future__ import annotations

import random

import pytest
from packetpig.loaders.protocols import lines
from packetpig.loaders.protocols.lines import LINE, Lines
from packetpig.loaders.protocols.room import Room


@pytest.mark.parametrize("seed", range(20))
def test_wherever_they_are_cut(seed: int) -> None:
    draw = random.Random(seed)
    text = b"".join(
        bytes([97 + n % 26]) * draw.choice([0, 1, 30, LINE - 1, LINE, LINE + 7]) + b"\r\n" for n in range(9)
    )
    one, parts, at = Lines(), [], 0
    while at < len(text):
        size = draw.choice([1, 50, 5000, 20_000])
        parts += [line for line, _ in one.of(text[at : at + size])]
        at += size
    assert parts == [line[:LINE] for line in text.split(b"\r\n")[:-1]]


def test_a_line_with_a_hole_is_none() -> None:
    one = Lines()
    assert list(one.of(b"begin")) == []
    one.hole()
    assert [line for line, _ in one.of(b"end\nwhole\n")] == [b"whole"]


def test_what_is_held_has_a_bound_in_common(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond it the beginning of a line is not kept, and so no line comes of it; what is dropped makes room again."""
    room = Room(1000)
    monkeypatch.setattr(lines, "ROOM", room)
    many = [Lines() for _ in range(20)]
    for one in many:
        assert list(one.of(b"x" * 100)) == []
    assert room.held == 1000
    assert [[line for line, _ in one.of(b"!\nnext\n")] for one in many] == (
        [[b"x" * 100 + b"!", b"next"]] * 10 + [[b"next"]] * 10
    )
    assert room.held == 0
    assert list(many[0].of(b"x" * 700)) == []
    assert room.held == 700
    many.clear()
    assert room.held == 0
