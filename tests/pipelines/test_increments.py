"""Tables of the whole archive are made of sums of windows: they are those of one clean run, however captures came."""

from __future__ import annotations

import math
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from packetpig.pipelines.settings import Settings

from tests.conftest import DEMO, ROOT
from tests.pipelines.test_pipeline import inputs, pipeline, rows

WHOLE = ("anomalies", "incidents", "incident_events", "first_seen", "novelty", "signatures")
STEPS = (("2024-03-05T2", "2024-03-06T0"), ("2024-03-04", "2024-03-06T12"), ("2024-03-0",))
"""In the middle first, where the break-in is; then before and behind; the last step fills what is between."""


def near(one: Any, other: Any) -> bool:
    return math.isclose(one, other, rel_tol=1e-12) if isinstance(one, float) and other is not None else one == other


def same(found: list[dict[str, Any]], wanted: list[dict[str, Any]], but: tuple[str, ...] = ()) -> None:
    """Sums of floating point may differ in their last digit, which depends on the order."""
    assert len(found) == len(wanted)
    for one, other in zip(found, wanted, strict=True):
        assert {name for name in one if name not in but and not near(one[name], other[name])} == set(), (one, other)


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tables = tmp_path_factory.mktemp("clean") / "out"
    result = pipeline(DEMO, tables, "1d", "--engine", "suricata")
    assert result.returncode == 0, result.stderr
    return tables


@pytest.mark.slow
def test_anomalies_are_those_of_all_sessions(clean: Path, tmp_path: Path) -> None:
    internal = dict(Settings.get_params())["internal"]._default
    script = tmp_path / "all.pig"
    script.write_text(
        f"""sessions = LOAD '{clean}/sessions/window=*' USING ParquetLoader();
        dns = LOAD '{clean}/dns/window=*' USING ParquetLoader();
        found = ANOMALIES(sessions, dns, '{internal}');
        STORE found INTO '{tmp_path}/found' USING ParquetStorer();"""
    )
    subprocess.run([str(ROOT / "bin/pig"), str(script)], check=True, capture_output=True, timeout=900)
    wanted = sorted(pq.read_table(tmp_path / "found").to_pylist(), key=str)
    assert {row["kind"] for row in wanted} >= {"port_scan", "http_guessing", "beacon", "dns_tunnel", "first_port"}
    same(rows(clean, "anomalies"), wanted)


@pytest.mark.slow
def test_captures_that_come_in_another_order(clean: Path, tmp_path: Path) -> None:
    captures = inputs(tmp_path / "in")
    for names in STEPS:
        for path in DEMO.iterdir():
            if path.name.startswith(names) and not (captures / path.name).exists():
                shutil.copy(path, captures)
        result = pipeline(captures, tmp_path / "out", "1d", "--engine", "suricata")
        assert result.returncode == 0, result.stderr
    for table in WHOLE:
        found, wanted = rows(tmp_path / "out", table), rows(clean, table)
        assert wanted
        text = str(DEMO.resolve()), str(captures.resolve())
        moved = [
            {name: value.replace(*text) if isinstance(value, str) else value for name, value in row.items()}
            for row in wanted
        ]
        same(found, sorted(moved, key=str), ("known_since",))
