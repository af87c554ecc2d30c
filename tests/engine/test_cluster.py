"""On a real HDFS and YARN, from the jars of build/lib."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import PIG, Pig
from .minicluster import MiniCluster

COUNT = "rows = LOAD '{0}/rows.txt' AS (n:int, word:chararray); words = GROUP rows BY word;"
COUNT += "counts = FOREACH words GENERATE group, COUNT(rows); STORE counts INTO '{0}/counts'; cat {0}/counts;"


@pytest.mark.cluster
@pytest.mark.parametrize("mode", ["mapreduce", "tez"])
def test_count_words(pig: Pig, cluster: MiniCluster, mode: str) -> None:
    folder = f"{cluster.file_system}/{mode}"
    script = f"fs -mkdir -p {folder}; fs -put rows.txt {folder}; " + COUNT.format(folder)
    done = pig("-x", mode, "-e", script, env=cluster.environment)
    assert (done.returncode, done.stderr) == (0, f"{folder}/counts: 3 rows\n")
    assert sorted(done.stdout.splitlines()) == ["one\t1", "three\t1", "two\t1"]


@pytest.mark.cluster
@pytest.mark.parametrize("mode", ["mapreduce", "tez"])
def test_a_task_that_fails_says_why(pig: Pig, cluster: MiniCluster, mode: str) -> None:
    folder = f"{cluster.file_system}/{mode}-fails"
    script = f"fs -mkdir -p {folder}; fs -put rows.txt {folder}/broken.gz;"
    script += f"rows = LOAD '{folder}/broken.gz'; STORE rows INTO '{folder}/out';"
    once = ["-D", "mapreduce.map.maxattempts=1", "-D", "tez.am.task.max.failed.attempts=1"]
    done = pig("-x", mode, *once, "-e", script, env=cluster.environment)
    assert done.returncode == 1
    assert done.stderr.splitlines()[0] == "pig: not a gzip file"


@pytest.mark.cluster
def test_no_input_on_the_cluster(pig: Pig, cluster: MiniCluster) -> None:
    done = pig("-x", "mapreduce", "-e", "rows = LOAD '/nowhere'; STORE rows INTO '/out';", env=cluster.environment)
    assert done.returncode == 1
    assert done.stderr.splitlines()[0] == f"pig: {cluster.file_system}/nowhere: no such file or folder"


@pytest.mark.cluster
@pytest.mark.parametrize("mode", ["mapreduce", "tez"])
def test_a_stopped_run_stops_on_the_cluster(pig: Pig, cluster: MiniCluster, tmp_path: Path, mode: str) -> None:
    folder = f"{cluster.file_system}/{mode}-stopped"
    pig("-x", mode, "-e", f"fs -mkdir -p {folder}; fs -put rows.txt {folder};", env=cluster.environment)
    script = f"rows = LOAD '{folder}/rows.txt'; slow = STREAM rows THROUGH `sleep 100`; STORE slow INTO '{folder}/out';"
    environment = {**os.environ, **cluster.environment, "PACKETPIG_LOGS": str(tmp_path)}
    with subprocess.Popen([PIG, "-x", mode, "-e", script], env=environment, stderr=subprocess.PIPE) as running:
        try:
            assert _until(lambda: _sleeps(cluster), seconds=60)
        finally:
            running.send_signal(signal.SIGTERM)
        assert running.communicate(timeout=30)[1] == b""
    assert running.returncode == 143
    assert _until(lambda: not cluster.unfinished() and not _sleeps(cluster), seconds=30)
    assert "out" not in pig("-x", mode, "-e", f"fs -ls {folder};", env=cluster.environment).stdout


def _sleeps(cluster: MiniCluster) -> bool:
    """Whether a task has come to its program: that one runs in the task's folder, below the cluster's."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if b"sleep\x00100" in (process / "cmdline").read_bytes():
                return str(cluster.folder) in str((process / "cwd").readlink())
        except OSError:
            continue
    return False


def _until(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.2)
    return False
