"""Fixtures for tests of the pipeline."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import DEMO
from tests.pipelines.test_pipeline import pipeline


@pytest.fixture(scope="session")
def demo_tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All tables of the demo captures, made in one run with the settings that come with it. To be read only."""
    tables = tmp_path_factory.mktemp("demo") / "out"
    result = pipeline(DEMO, tables, "1d")
    assert result.returncode == 0, result.stderr
    return tables
