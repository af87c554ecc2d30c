"""Each script gives on the demo captures what it gave before: golden outputs in tests/golden/pig/."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from itertools import accumulate
from pathlib import Path

import pytest
from packetpig.loaders import load
from packetpig.pipelines.pig import Pigs

from tests.conftest import ROOT
from tests.test_contract import SCRIPTS

MANY = 400  # lines of a golden output; of larger ones the first lines, their number and a digest
LARGE = 100_000  # characters, likewise


def results(folder: Path) -> str:
    """All that a script stored, as text."""
    text = []
    for result in sorted(path.parent for path in folder.rglob("_SUCCESS")):
        if any(result.glob("part-*.pcap")):
            lines = packets(result)
        else:
            lines = [line for part in sorted(result.glob("part-*")) for line in part.read_text().splitlines()]
        header = (result / ".pig_header").read_text().strip() if (result / ".pig_header").exists() else ""
        ends = accumulate(len(line) for line in lines)
        shown = [line for line, end in zip(lines, ends, strict=True) if end <= LARGE][:MANY]
        text += [f"== {result.relative_to(folder)}: {len(lines)} rows", header, *shown]
        if len(lines) > len(shown):
            digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]
            text.append(f"… {len(lines) - len(shown)} more; all of them: {digest}")
    return "\n".join(text) + "\n"


def packets(folder: Path) -> list[str]:
    """The packets of captures, a line each, by time: which file has them depends on the machine."""
    columns = ["ts_ns", "link_type", "length", "captured", "ip_src", "ip_dst", "frame"]
    rows = [row for batch in load("packets", str(folder), columns) for row in batch.to_pylist()]
    rows.sort(key=lambda row: (row["ts_ns"], row["frame"]))
    return [",".join(str(value) for value in list(row.values())[:-1]) for row in rows]


@pytest.mark.golden
@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_golden(path: Path, tmp_path: Path, golden: Callable[[str, str], None], warm: Pigs) -> None:
    parameters = {"output": f"{tmp_path}/out"}
    if "%default engine" in path.read_text():  # engines do not agree with each other: goldens are Suricata's
        if not shutil.which("suricata"):
            pytest.skip("no Suricata on this machine")
        parameters["engine"] = "suricata"
    warm.run(path.relative_to(ROOT), parameters)
    golden(f"{path.relative_to(ROOT).with_suffix('')}.txt", results(tmp_path / "out"))


def test_binning_of_the_time_asked_for(tmp_path: Path, warm: Pigs) -> None:
    """Sums do not depend on the bins' size, and a bin without UDP is there all the same."""
    totals = []
    for time in (1, 86400):
        output = tmp_path / str(time)
        warm.run(Path("pig/packets/binning.pig"), {"output": str(output), "time": str(time)})
        rows = [
            line.split(",") for part in sorted(output.glob("binning/part-*")) for line in part.read_text().splitlines()
        ]
        assert all(int(row[0]) % time == 0 for row in rows)
        assert all(len(row) == 4 and all(row) for row in rows)
        assert [int(row[0]) for row in rows] == sorted(int(row[0]) for row in rows)
        totals.append([sum(int(row[column]) for row in rows) for column in (1, 2, 3)])
        shutil.rmtree(output)
    assert totals[0] == totals[1]
