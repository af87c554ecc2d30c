"""Fixtures for all tests: golden outputs, the demo captures, Pig and the shell command."""

from __future__ import annotations

import difflib
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from docker.cluster import MiniCluster

if TYPE_CHECKING:
    from tests.engine.s3 import S3

ROOT = Path(__file__).resolve().parent.parent
GOLDEN = ROOT / "tests" / "golden"
DEMO = ROOT / "tests" / "captures" / "demo"


def until(condition: Callable[[], bool], seconds: float) -> bool:
    """Wait for a condition, for so long at most; whether it came true."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--kills", type=int, default=20, help="how often the slow test of the pipeline kills it")
    parser.addoption("--golden", action="store_true", help="write golden outputs anew instead of comparing with them")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compare a text with tests/golden/NAME, line by line; with --golden, write it there."""

    def check(name: str, text: str) -> None:
        path = GOLDEN / name
        if request.config.getoption("--golden"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            return
        if not path.exists():
            pytest.fail(f"no golden output {name} yet; `make golden` writes it, then look at it")
        wanted = path.read_text()
        if text != wanted:
            lines = list(difflib.unified_diff(wanted.splitlines(), text.splitlines(), "golden", "now", lineterm=""))
            shown = "\n".join(lines[:60])
            pytest.fail(
                f"{name} is not what it was:\n{shown}\n"
                "Was that meant? If it was, `make golden` and say why in the commit; if not, mend the code."
            )

    return check


@pytest.fixture
def packetpig() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run bin/packetpig."""

    def run(*arguments: object, **settings: object) -> subprocess.CompletedProcess[str]:
        command = [str(ROOT / "bin/packetpig"), *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, **settings)  # type: ignore[call-overload,no-any-return]

    return run


@pytest.fixture
def pig() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run bin/pig."""

    def run(*arguments: object, **settings: object) -> subprocess.CompletedProcess[str]:
        command = [str(ROOT / "bin/pig"), *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, **settings)  # type: ignore[call-overload,no-any-return]

    return run


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MiniCluster]:
    """HDFS and YARN with two workers on loopback, for all tests of a session. Containers run out of no bundle.

    Their folders stay, so that tests can look into them.
    """
    more = {"core-site": {"packetpig.bundle": "none"}, "yarn-site": {"yarn.nodemanager.delete.debug-delay-sec": 600}}
    with MiniCluster(tmp_path_factory.mktemp("cluster"), nodes=2, memory_mb=3072, more=more) as running:
        yield running
    assert running.containers() == []


@pytest.fixture(scope="session")
def hdfs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MiniCluster]:
    """HDFS alone, with two data nodes and small blocks."""
    with MiniCluster(tmp_path_factory.mktemp("hdfs"), nodes=2, yarn=False) as running:
        yield running


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    """A server of S3's protocol on loopback."""
    from tests.engine import s3 as server

    if not (server.LIB / ".complete").exists():
        pytest.skip("no s3proxy: bin/setup tests gets it")
    with server.serving(tmp_path_factory.mktemp("s3")) as running:
        yield running


@pytest.fixture(
    params=[
        pytest.param("local"),
        pytest.param("hdfs", marks=pytest.mark.cluster),
        pytest.param("s3", marks=pytest.mark.slow),
    ]
)
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of a folder that is not there yet: of this machine, of HDFS, of S3."""
    if request.param == "local":
        return str(tmp_path / "place")
    if request.param == "hdfs":
        hdfs: MiniCluster = request.getfixturevalue("hdfs")
        monkeypatch.setenv("HADOOP_CONF_DIR", str(hdfs.conf))
        return f"{hdfs.file_system}/{tmp_path.name}"
    s3: S3 = request.getfixturevalue("s3")
    for name, value in s3.client.items():
        monkeypatch.setenv(name, value)
    return f"s3a://captures/{tmp_path.name}"
