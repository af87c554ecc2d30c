"""Scripts that want a geolocation database get a small made-up one, so that their outputs are always the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from packetpig.pipelines.pig import Pigs
from packetpig.udfs import _places

from tests.udfs import places


@pytest.fixture(scope="session")
def made_places(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of those databases."""
    return places.everything(tmp_path_factory.mktemp("geoip"))


@pytest.fixture(scope="package", autouse=True)
def _places_are_made_up(made_places: Path) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(_places.VARIABLE, str(made_places))
        yield


@pytest.fixture(scope="package")
def warm(_places_are_made_up: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pigs]:
    """A process of Pig that runs one script after another, as the pipeline has it: a start less for each."""
    pigs = Pigs(1, "local", (), tmp_path_factory.mktemp("pigs"))
    yield pigs
    pigs.close()
