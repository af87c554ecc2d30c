"""Running bin/pig from tests."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import ROOT

PIG = ROOT / "bin/pig"
Pig = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def pig(tmp_path: Path) -> Pig:
    """Runs bin/pig in a folder of its own, where rows.txt lies; its logs go there, too."""
    (tmp_path / "rows.txt").write_text("1\tone\n2\ttwo\n3\tthree\n", encoding="utf-8")

    def run(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PACKETPIG_LOGS": str(tmp_path / "logs"), "TMPDIR": str(tmp_path / "tmp")}
        environment.update(options.pop("env", {}))  # type: ignore[call-overload]
        (tmp_path / "tmp").mkdir(exist_ok=True)
        defaults = {"capture_output": True, "text": True, "timeout": 120, "cwd": tmp_path, "env": environment}
        if "input" not in options:
            defaults["stdin"] = subprocess.DEVNULL
        return subprocess.run([str(PIG), *arguments], check=False, **{**defaults, **options})  # type: ignore[call-overload]

    return run
