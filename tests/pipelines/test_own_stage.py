"""A stage of one's own, as docs/pipeline.md has it: a class and a script, found by being there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

from tests.conftest import ROOT
from tests.pipelines.test_pipeline import CAPTURES, LENGTH, inputs, rows

PAGE = (ROOT / "docs/pipeline.md").read_text()


def example(name: str) -> str:
    """The indented lines of the page that follow the name of a file."""
    found = re.search(rf"`{re.escape(name)}`[^\n]*(?:\n[^\n ][^\n]*)*:\n\n((?:    [^\n]*\n|\n)+)", PAGE)
    assert found, name
    return "".join(f"{line[4:]}\n" for line in found[1].splitlines())


def test_the_example(tmp_path: Path) -> None:
    project = tmp_path / "project"
    for folder in ("pipelines", "pig"):
        shutil.copytree(ROOT / folder, project / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for folder in ("bin", "build", "loaders", "udfs", ".venv"):
        (project / folder).symlink_to(ROOT / folder)
    package = tmp_path / "python/packetpig"
    package.mkdir(parents=True)
    for folder in ("loaders", "udfs", "pipelines"):
        (package / folder).symlink_to(project / folder)
    for name in ("pipelines/stages/talkers.py", "pig/pipeline/talkers.pig"):
        (project / name).write_text(example(name))

    captures = inputs(tmp_path / "in", CAPTURES[0])
    command = [sys.executable, "-m", "packetpig.pipelines", str(captures), str(tmp_path / "out"), "--window", LENGTH]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "python")}
    kinds = "import packetpig.pipelines.stage as one; print(*one.stages())"
    known = subprocess.run([sys.executable, "-c", kinds], env=environment, capture_output=True, text=True, check=True)
    others = set(known.stdout.split()) - {"tracked", "sessions", "talkers"}
    assert len(others) < len(known.stdout.split()) - 2
    command += ["--without", ",".join(others)]
    made = subprocess.run(
        command, cwd=project, env=environment, capture_output=True, text=True, timeout=600, check=False
    )
    assert made.returncode == 0, made.stderr
    wanted: Counter[str] = Counter()
    for row in rows(tmp_path / "out", "sessions"):
        wanted[row["src"]] += row["src_bytes"]
    assert {row["host"]: row["bytes"] for row in rows(tmp_path / "out", "talkers")} == wanted
