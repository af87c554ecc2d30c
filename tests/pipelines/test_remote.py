"""The pipeline over hdfs:// and s3a://: the tables of a run over folders of this machine."""

from __future__ import annotations

import contextlib
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from packetpig.loaders.remote import system as remote
from packetpig.pipelines.expire import main as expire
from packetpig.pipelines.report.__main__ import main as report
from packetpig.pipelines.report.build import LIBRARIES
from packetpig.pipelines.store import store

from docker.cluster import MiniCluster
from tests.conftest import DEMO, ROOT
from tests.pipelines.test_faults import only
from tests.pipelines.test_pipeline import CAPTURES, LENGTH, found_sessions, inputs, rows, same_tables, sessions, spoken

REMOTE = [pytest.param("hdfs", marks=pytest.mark.cluster), pytest.param("s3", marks=pytest.mark.slow)]
remotes = pytest.mark.parametrize("place", REMOTE, indirect=True)
FEW = only("packets", "tracked", "sessions")


def sent(place: str, *names: str) -> str:
    system, inside = remote.of(f"{place}/in")
    for name in names:
        with (DEMO / name).open("rb") as file:
            system.write(f"{inside}/{name}", file)
    return f"{place}/in"


def brought(tables: str, folder: Path) -> Path:
    """The tables, as a folder of this machine."""
    for file in store(tables).files():
        target = folder / file.below
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(store(tables).read(*file.below.split("/")))
    return folder


def pipeline(
    captures: str, tables: str, *more: str, window: str = LENGTH, seconds: int = 600
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "packetpig.pipelines", captures, tables, "--window", window, *more]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=seconds, check=False)


@remotes
def test_its_tables_are_those_of_a_local_run(place: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A second run does nothing; a late capture opens its window; old captures go; the report is made."""
    captures, tables = sent(place, CAPTURES[0]), f"{place}/out"
    first = pipeline(captures, tables, *FEW)
    assert first.returncode == 0, first.stderr
    before = {file.path: file.changed for file in store(tables).files()}
    again = pipeline(captures, tables, *FEW)
    assert again.returncode == 0, again.stderr
    assert {file.path: file.changed for file in store(tables).files()} == before
    sent(place, CAPTURES[1])
    store(captures).write(b"hello, world", "bad.pcap")
    late = pipeline(captures, tables, *FEW)
    assert late.returncode == 1
    assert f"ingest: {captures}/bad.pcap: not a capture" in late.stderr
    local = inputs(tmp_path / "in", *CAPTURES)
    assert found_sessions(brought(tables, tmp_path / "out")) == sessions(local)
    assert not store(tables).exists(".work")
    assert store(tables).names(".lock") == []
    assert expire([captures, tables, "--days", "1", "--dry-run"]) == 0
    assert capsys.readouterr().out.split() == [f"{captures}/{name}" for name in CAPTURES]
    assert expire([captures, tables, "--days", "1"]) == 0
    assert store(captures).names() == ["bad.pcap"]
    if (LIBRARIES / "d3.js").exists():
        assert report([tables]) == 0
        assert b"<title>" in store(tables).read("report", "index.html")


@pytest.mark.slow
@remotes
def test_between_here_and_there(place: str, tmp_path: Path) -> None:
    """Captures here and tables there, and the other way round."""
    local = inputs(tmp_path / "in", *CAPTURES)
    out = pipeline(str(local), f"{place}/out", *FEW)
    assert out.returncode == 0, out.stderr
    assert found_sessions(brought(f"{place}/out", tmp_path / "brought")) == sessions(local)
    back = pipeline(sent(place, *CAPTURES), str(tmp_path / "out"), *FEW)
    assert back.returncode == 0, back.stderr
    assert found_sessions(tmp_path / "out") == sessions(local)


@pytest.mark.slow
@remotes
def test_killed_and_run_again(place: str, tmp_path: Path) -> None:
    """At random points, without a chance to clean up; then the tables are those of one run."""
    captures, tables = sent(place, *CAPTURES), f"{place}/out"
    dice = random.Random(11)
    for _ in range(3):
        command = [sys.executable, "-m", "packetpig.pipelines", captures, tables, "--window", LENGTH, *FEW]
        with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL) as process:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(dice.uniform(3, 25))
            process.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 120
    result = pipeline(captures, tables, *FEW)
    while result.returncode == 75 and time.monotonic() < deadline:  # its last process ends, and gives the lock back
        time.sleep(0.5)
        result = pipeline(captures, tables, *FEW)
    assert result.returncode == 0, result.stderr
    assert found_sessions(brought(tables, tmp_path / "out")) == sessions(inputs(tmp_path / "in", *CAPTURES))
    assert not store(tables).exists(".work")


@pytest.mark.cluster
@pytest.mark.parametrize("mode", ["mapreduce", pytest.param("tez", marks=pytest.mark.slow)])
def test_on_a_cluster(cluster: MiniCluster, mode: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One window, with its jobs on YARN: sessions, what they say, what p0f learns, from a list of captures there."""
    monkeypatch.setenv("HADOOP_CONF_DIR", str(cluster.conf))
    place = f"{cluster.file_system}/pipeline-{mode}"
    captures, tables = sent(place, CAPTURES[0]), f"{place}/out"
    stages = only("packets", "tracked", "sessions", "said", "fingerprints")
    result = pipeline(captures, tables, *stages, "--mode", mode, "--workers", "1")
    assert result.returncode == 0, result.stderr
    local, found = inputs(tmp_path / "in", CAPTURES[0]), brought(tables, tmp_path / "out")
    assert found_sessions(found) == sessions(local)
    for loader in ("dns", "http", "tls", "files"):
        there, wanted = spoken(local, found, loader)
        assert there == wanted
    here = pipeline(str(local), str(tmp_path / "here"), *stages)
    assert here.returncode == 0, here.stderr
    for table in ("packets", "fingerprints"):
        assert rows(found, table) == rows(tmp_path / "here", table)


@pytest.mark.slow
@pytest.mark.cluster
@pytest.mark.parametrize("mode", ["mapreduce", "tez"])
def test_all_of_it_on_a_cluster(
    cluster: MiniCluster, mode: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every stage over two windows, its jobs on YARN: each table is that of a run on this machine."""
    monkeypatch.setenv("HADOOP_CONF_DIR", str(cluster.conf))
    place = f"{cluster.file_system}/all-{mode}"
    settings = ("--engine", "suricata", "--without", "report")
    result = pipeline(sent(place, *CAPTURES), f"{place}/out", *settings, "--mode", mode, seconds=3600)
    assert result.returncode == 0, result.stderr
    here = pipeline(str(inputs(tmp_path / "in", *CAPTURES)), str(tmp_path / "here"), *settings)
    assert here.returncode == 0, here.stderr
    same_tables(brought(f"{place}/out", tmp_path / "out"), tmp_path / "here", 20, ("path", "changed", "carve", "story"))
