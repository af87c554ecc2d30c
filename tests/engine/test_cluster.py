"""On a real HDFS and YARN, from the jars of build/lib."""

from __future__ import annotations

import getpass
import os
import signal
import struct
import subprocess
from pathlib import Path

import pytest

from docker.cluster import MiniCluster
from tests.conftest import ROOT, until

from .conftest import PIG, Pig

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
@pytest.mark.parametrize(
    ("captures", "found"),
    [("tests/captures/demo", "/user/{user}/tests/captures/demo"), ("{root}/README.md", "{root}/README.md")],
)
def test_captures_that_are_on_this_machine_only(pig: Pig, cluster: MiniCluster, captures: str, found: str) -> None:
    script = f"rows = LOAD '{captures.format(root=ROOT)}' USING PacketLoader(); DUMP rows;"
    done = pig("-x", "mapreduce", "-e", script, env=cluster.environment, cwd=ROOT)
    assert done.returncode == 1
    assert done.stderr.splitlines()[0] == (
        f"pig: no such file or folder: {cluster.file_system}{found.format(root=ROOT, user=getpass.getuser())}; "
        "there is one on this machine: fs -put, in Pig's shell, takes it there"
    )


@pytest.mark.cluster
@pytest.mark.parametrize("mode", ["mapreduce", "tez"])
def test_a_stopped_run_stops_on_the_cluster(pig: Pig, cluster: MiniCluster, tmp_path: Path, mode: str) -> None:
    folder = f"{cluster.file_system}/{mode}-stopped"
    pig("-x", mode, "-e", f"fs -mkdir -p {folder}; fs -put rows.txt {folder};", env=cluster.environment)
    script = f"rows = LOAD '{folder}/rows.txt'; slow = STREAM rows THROUGH `sleep 100`; STORE slow INTO '{folder}/out';"
    environment = {**os.environ, **cluster.environment, "PACKETPIG_LOGS": str(tmp_path)}
    with subprocess.Popen([PIG, "-x", mode, "-e", script], env=environment, stderr=subprocess.PIPE) as running:
        try:
            assert until(lambda: _sleeps(cluster), seconds=60)
        finally:
            running.send_signal(signal.SIGTERM)
        assert running.communicate(timeout=30)[1] == b""
    assert running.returncode == 143
    assert until(lambda: not cluster.unfinished() and not _sleeps(cluster), seconds=30)
    assert "out" not in pig("-x", mode, "-e", f"fs -ls {folder};", env=cluster.environment).stdout


@pytest.mark.cluster
@pytest.mark.slow
def test_a_stopped_run_ends_though_its_cluster_is_gone(pig: Pig, cluster: MiniCluster, tmp_path: Path) -> None:
    """Pig would wait for the ResourceManager for half an hour, to have its jobs killed."""
    folder = f"{cluster.file_system}/gone"
    pig("-x", "mapreduce", "-e", f"fs -mkdir -p {folder}; fs -put rows.txt {folder};", env=cluster.environment)
    script = f"rows = LOAD '{folder}/rows.txt'; slow = STREAM rows THROUGH `sleep 100`; STORE slow INTO '{folder}/out';"
    environment = {**os.environ, **cluster.environment, "PACKETPIG_LOGS": str(tmp_path)}
    try:
        with subprocess.Popen([PIG, "-x", "mapreduce", "-e", script], env=environment) as running:
            try:
                assert until(lambda: _sleeps(cluster), seconds=60)
                cluster.kill("resourcemanager")
            finally:
                running.send_signal(signal.SIGTERM)
            running.wait(timeout=60)
    finally:
        cluster.kill_containers()
        cluster.revive("resourcemanager")


def _sleeps(cluster: MiniCluster) -> bool:
    """Whether a task has come to its program: that one runs in the task's folder, below the cluster's."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if b"sleep\x00100" in (process / "cmdline").read_bytes():
                return str(cluster.folder) in str((process / "cwd").readlink())
        except OSError:
            continue
    return False


@pytest.mark.cluster
def test_tasks_read_blocks_of_their_host_and_small_files_are_combined(
    pig: Pig, cluster: MiniCluster, tmp_path: Path
) -> None:
    """Captures: a task a block, where the block is. Small files of others: one task."""
    packets = (tmp_path / "big.pcap").open("wb")
    with packets:
        packets.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for number in range(8 * 1024):
            packets.write(struct.pack("<IIII", number, 0, 1008, 1008) + bytes(1008))
    put = f"fs -mkdir -p /local/small; fs -put {tmp_path}/big.pcap /local/big.pcap;"
    put += "".join(f"fs -put rows.txt /local/small/{number};" for number in range(6))
    before = cluster.jobs()
    script = (
        put + "p = LOAD '/local/big.pcap' USING PacketLoader(); a = FOREACH (GROUP p ALL) GENERATE COUNT(p); DUMP a;"
    )
    once = ("-Dpacketpig.split.bytes=1m", "-Dmapreduce.map.speculative=false")  # or some are launched twice
    done = pig("-x", "mapreduce", *once, "-e", script, env=cluster.environment)
    assert done.stdout == "(8192)\n", done.stderr
    (job,) = set(cluster.jobs()) - set(before)
    counters = cluster.counters(job)
    assert counters["TOTAL_LAUNCHED_MAPS"] == 9
    assert counters["DATA_LOCAL_MAPS"] >= 5, counters
    assert counters["split balance"] == 0

    before = cluster.jobs()
    script = "r = LOAD '/local/small'; c = FOREACH (GROUP r ALL) GENERATE COUNT(r); DUMP c;"
    done = pig("-x", "mapreduce", "-e", script, env=cluster.environment)
    assert done.stdout == "(18)\n", done.stderr
    (job,) = set(cluster.jobs()) - set(before)
    assert cluster.counters(job)["TOTAL_LAUNCHED_MAPS"] == 1
