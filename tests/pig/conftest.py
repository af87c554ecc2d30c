"""Scripts that want a geolocation database get a small made-up one, so that their outputs are always the same."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from packetpig.udfs import _places

from tests.udfs import places


@pytest.fixture(scope="session")
def made_places(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of those databases."""
    return places.everything(tmp_path_factory.mktemp("geoip"))


@pytest.fixture(autouse=True)
def _places_are_made_up(made_places: Path) -> Iterator[None]:
    before = os.environ.get(_places.VARIABLE)
    os.environ[_places.VARIABLE] = str(made_places)
    yield
    if before is None:
        del os.environ[_places.VARIABLE]
    else:
        os.environ[_places.VARIABLE] = before
