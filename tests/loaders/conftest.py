"""What tests of loaders share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from packetpig.loaders.protocols.lines import ROOM
from packetpig.loaders.protocols.room import Room


@pytest.fixture
def rooms(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Room]]:
    """The bounds that a test's parsers share; whatever was said, nothing may be held of it in the end."""
    made: list[Room] = []
    begin = Room.__init__

    def noting(self: Room, *arguments: int, **more: int) -> None:
        begin(self, *arguments, **more)
        made.append(self)

    monkeypatch.setattr(Room, "__init__", noting)
    yield made
    assert [room.held for room in made if room.held] == []
    assert ROOM.held == 0
