"""The README's examples run as they stand, in the project's folder."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from tests.conftest import ROOT

TEXT = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("block", blocks("sh"))
def test_shell(block: str) -> None:
    command = ["bash", "-e", "-o", "pipefail", "-c", block]
    of_make = ("MAKEFLAGS", "MAKEOVERRIDES", "MFLAGS", "ARGS")  # what `make test ARGS=…` was given is not the README's
    clean = {name: value for name, value in os.environ.items() if name not in of_make}
    result = subprocess.run(command, cwd=ROOT, env=clean, capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip()


@pytest.mark.parametrize("block", blocks("python"))
def test_python(block: str) -> None:
    command = [sys.executable, "-c", block]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("\n") > 10


@pytest.mark.parametrize("block", blocks("pig"))
def test_pig(block: str) -> None:
    script = block.replace("'captures/'", "'tests/captures/demo'")
    result = subprocess.run(
        [str(ROOT / "bin/pig"), "-e", script], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )
    assert result.returncode == 0, result.stderr
    assert "(78.187.40.23,1210)" in result.stdout.splitlines()  # 605 ports of two hosts: the scan in the demo


def test_links() -> None:
    for link in re.findall(r"\]\(([^)#]+)\)", TEXT):
        assert link.startswith("http") or (ROOT / link).exists(), link
