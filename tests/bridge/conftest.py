"""What the bridge's tests share: Pig with a fake Python behind it, and a probe into the bridge's Java."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
CLASS_PATH = f"{ROOT}/build/jars/packetpig.jar:{ROOT}/build/lib/*"


@pytest.fixture(scope="session")
def fake_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A command that Pig's side takes for its Python."""
    command = tmp_path_factory.mktemp("fake") / "python"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{HERE}/fake_python.py" "$@"\n')
    command.chmod(0o755)
    return command


class Run:
    """What a run of Pig printed."""

    def __init__(self, process: subprocess.CompletedProcess[str]) -> None:
        self.code = process.returncode
        self.errors = process.stderr
        self.rows = process.stdout.splitlines()


@pytest.fixture
def pig(fake_python: Path, tmp_path: Path) -> Callable[..., Run]:
    """Runs Pig Latin with the fake Python; properties as keywords, with _ for a dot."""

    def run(script: str, python: Path | str = fake_python, **properties: object) -> Run:
        file = tmp_path / "script.pig"
        file.write_text(script)
        defined = [f"-D{name.replace('_', '.')}={value}" for name, value in properties.items()]
        environment = {**os.environ, "PACKETPIG_PYTHON": str(python), "PACKETPIG_LOGS": str(tmp_path / "logs")}
        command = [str(ROOT / "bin/pig"), *defined, str(file)]
        return Run(subprocess.run(command, capture_output=True, text=True, env=environment, timeout=180, check=False))

    return run


class Probe:
    """Questions to tests/bridge/java/…/Probe.java, which runs as long as the tests do."""

    def __init__(self, classes: Path) -> None:
        command = ["java", "-Xmx256m", "-cp", f"{classes}:{CLASS_PATH}", "packetpig.bridge.Probe"]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )

    def ask_all(self, ask: str, **question: Any) -> dict[str, Any]:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps({"ask": ask, **question}).encode() + b"\n")
        self.process.stdin.flush()
        found: dict[str, Any] = json.loads(self.process.stdout.readline())
        assert "bug" not in found, found
        return found

    def ask(self, ask: str, **question: Any) -> Any:
        found = self.ask_all(ask, **question)
        assert "error" not in found, found
        return found["answer"]

    def error(self, ask: str, **question: Any) -> str:
        found = self.ask_all(ask, **question)
        assert "error" in found, found
        return str(found["error"])


@pytest.fixture(scope="session")
def probe(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Probe]:
    classes = tmp_path_factory.mktemp("classes")
    source = HERE / "java/packetpig/bridge/Probe.java"
    subprocess.run(["javac", "-nowarn", "-cp", CLASS_PATH, "-d", str(classes), str(source)], check=True)
    one = Probe(classes)
    yield one
    one.process.stdin.close()
    one.process.wait(20)
