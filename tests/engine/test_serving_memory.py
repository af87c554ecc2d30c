"""A process of Pig that runs one script after another holds no more after many than after some."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from packetpig.pipelines.pig import PigError, Pigs

HELD = ("PigContext", "JobControl", "TaskFailures", "JobConf", "MetricsSourceAdapter")


def held(process: int) -> dict[str, int]:
    """How many there are of objects that a script needs, when what nobody holds is gone."""
    command = ["jcmd", str(process), "GC.class_histogram"]
    text = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    counts = dict.fromkeys(HELD, 0)
    for count, name in re.findall(r"^ *\d+: +(\d+) +\d+ +(\S+)", text, re.M):
        if (short := re.split(r"[.$]", name)[-1]) in counts:
            counts[short] += int(count)
    return counts


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("jcmd"), reason="the JDK has no jcmd")
def test_many_scripts(tmp_path: Path) -> None:
    """Also scripts that fail."""
    (tmp_path / "in").write_text("1\n2\n")
    good, bad = tmp_path / "good.pig", tmp_path / "bad.pig"
    good.write_text(
        "a = LOAD '$in' AS (x:int); g = GROUP a BY x; c = FOREACH g GENERATE group; STORE c INTO '$output';"
    )
    bad.write_text("a = LOAD '$in/none' AS (x:int); STORE a INTO '$output';")
    pigs = Pigs(1, "local", [], tmp_path)
    try:
        counts = []
        for run in range(24):
            given = {"in": str(tmp_path / "in"), "output": f"{tmp_path}/out{run}"}
            pigs.run(good, given)
            with pytest.raises(PigError):
                pigs.run(bad, given)
            if run % 8 == 7:
                counts.append(held(pigs._servers[0][1].pid))
    finally:
        pigs.close()
    assert counts[0]["PigContext"] > 0
    for name in HELD:
        assert counts[2][name] <= counts[0][name] + 2, counts
