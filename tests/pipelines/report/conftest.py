"""One report of made-up tables, summed by Pig, and one browser, for all tests here."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from packetpig.pipelines.report.__main__ import main
from packetpig.pipelines.report.build import LIBRARIES

from tests.pipelines.report import made
from tests.pipelines.report.browser import Browser, browser


@pytest.fixture(scope="session")
def libraries() -> Path:
    """What pages are drawn with."""
    if not (LIBRARIES / "d3.js").exists():
        pytest.skip("the report's libraries are missing: bin/setup-report")
    return LIBRARIES


@pytest.fixture(scope="session")
def tables(libraries: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, pa.Table]]:
    """A folder of tables with its report, and the tables."""
    folder = tmp_path_factory.mktemp("tables")
    written = made.tables(folder)
    assert main([str(folder), "--captures", str(made.ROOT / "tests/captures/demo")]) == 0
    return folder, written


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser."""
    if not (shutil.which("chromium") and shutil.which("chromedriver")):
        pytest.skip("Chromium or its driver is missing: apt-get install chromium chromium-driver")
    with browser(tmp_path_factory.mktemp("profile")) as one:
        yield one
