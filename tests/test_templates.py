"""The page "write your own" is true: each template works in its one file, with nothing else touched."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import DEMO, ROOT


@pytest.fixture
def copy(tmp_path: Path) -> tuple[Path, dict[str, str]]:
    """A copy of the project with what set-up made, and the environment in which it finds its own Python."""
    root = tmp_path / "packetpig"
    root.mkdir()
    for name in ("loaders", "udfs", "pig", "bin", "docs", "pipelines"):
        shutil.copytree(ROOT / name, root / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "build/python", root / "build/python", symlinks=True)
    shutil.copytree(ROOT / "build/jars", root / "build/jars")
    for name in ("lib", "cds"):
        (root / "build" / name).symlink_to(ROOT / "build" / name)
    (root / ".venv").symlink_to(ROOT / ".venv")
    (root / "pom.xml").symlink_to(ROOT / "pom.xml")
    return root, {**os.environ, "PYTHONPATH": str(root / "build/python")}


def run(root: Path, environment: dict[str, str], *command: str) -> str:
    result = subprocess.run(
        command, cwd=root, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_templates(copy: tuple[Path, dict[str, str]], tmp_path: Path) -> None:
    root, environment = copy
    shutil.copy(root / "docs/templates/arp.py", root / "loaders/arp.py")
    shutil.copy(root / "docs/templates/hosts.py", root / "udfs/hosts.py")
    shutil.copy(root / "docs/templates/arp_claims.pig", root / "pig/packets/arp_claims.pig")

    rows = run(root, environment, "bin/packetpig", "load", "arp", str(DEMO), "--columns", "op,src,dst").splitlines()
    assert rows[0] == "op,src,dst"
    assert "1,10.10.1.101,10.10.1.53" in rows
    assert "ArpLoader" in run(root, environment, "bin/packetpig", "describe")

    script = ["bin/pig", "-p", f"pcap={DEMO}", "-p", f"output={tmp_path}/out", "pig/packets/arp_claims.pig"]
    run(root, environment, *script)
    claims = [line for part in (tmp_path / "out/arp_claims").glob("part-*") for line in part.read_text().splitlines()]
    assert sum(int(line.split(",")[3]) for line in claims) == len(rows) - 1

    (tmp_path / "names.txt").write_text("Mail.Example.COM\n|,_\n")
    statements = (
        f"n = LOAD '{tmp_path}/names.txt' AS (name:chararray); s = FOREACH n GENERATE hosts.label(name); DUMP s;"
    )
    assert run(root, environment, "bin/pig", "-e", statements).splitlines() == ["(mail)", "(|,_)"]


def test_a_loader_outside_the_project(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/__init__.py").write_text("")
    shutil.copy(ROOT / "docs/templates/arp.py", tmp_path / "mine/arp.py")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    rows = run(ROOT, environment, "bin/packetpig", "load", "mine.arp", str(DEMO), "--columns", "ts").splitlines()
    statements = (
        f"m = LOAD '{DEMO}' USING PythonLoader('mine.arp'); g = GROUP m ALL; c = FOREACH g GENERATE COUNT(m); DUMP c;"
    )
    assert run(ROOT, environment, "bin/pig", "-e", statements) == f"({len(rows) - 1})\n"
