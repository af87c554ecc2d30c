"""`make cluster-up` and `make cluster-down`: the command bin/cluster."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
import urllib.request
import xml.etree.ElementTree as ET
from collections.abc import Collection, Iterator
from pathlib import Path

import pytest

from docker.cluster import MiniCluster, _commands, _daemons_of, _mark, _place
from tests.conftest import ROOT, until

# Runs until it is ended, but where HDFS is formatted.
JAVA = f"#!{sys.executable}\nimport sys, time\n'-format' in sys.argv or time.sleep(600)\n"


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(ROOT / "bin/cluster"), "--folder", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)


def daemons(folder: Path, besides: Collection[int] = ()) -> int:
    """How many run, not counting some that ran before."""
    return len(set(_daemons_of(folder)) - set(besides))


@pytest.mark.cluster
def test_up_and_down(tmp_path: Path) -> None:
    assert run(tmp_path, "status").stdout == "cluster: none is running; bin/cluster up starts one\n"
    try:
        up = run(tmp_path, "up", "--memory", "3072")
        assert up.returncode == 0, up.stdout + up.stderr
        assert daemons(tmp_path) == 5
        lines = run(tmp_path, "status").stdout.splitlines()
        assert up.stdout.splitlines()[1:] == lines
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        for line in lines[1:4]:
            with opener.open(line.split()[-1], timeout=20) as page:
                assert page.status == 200, line
        environment = {**os.environ, "HADOOP_CONF_DIR": str(tmp_path / "conf")}
        script = "fs -mkdir -p /kept; fs -ls /;"
        command = [str(ROOT / "bin/pig"), "-x", "mapreduce", "-e", script]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=False)
        assert "/kept" in done.stdout, done.stderr
        assert run(tmp_path, "up").stdout.splitlines() == lines  # a second time, it only says what there is
        mark, history = os.fsencode(_mark(tmp_path)), b"org.apache.hadoop.mapreduce.v2.hs.JobHistoryServer"
        (one,) = (pid for pid, command in _commands() if {mark, history} <= set(command.split(b"\0")))
        os.kill(one, signal.SIGKILL)
        while daemons(tmp_path) > 4:
            time.sleep(0.1)
        again = run(tmp_path, "up")
        assert (again.returncode, again.stdout) == (1, "")
        told = f"1 of 5 daemons are gone: see {tmp_path}/logs; `make cluster-down` ends the others"
        assert again.stderr == f"cluster: {told}\n"
    finally:
        down = run(tmp_path, "down")
    assert (down.returncode, down.stdout) == (0, "cluster: 4 daemons were ended\n")
    assert daemons(tmp_path) == 0
    assert not (tmp_path / "conf").exists()
    assert (tmp_path / "hdfs/name").exists()
    assert run(tmp_path, "down", "--remove").stdout == "cluster: none was running\n"
    assert not tmp_path.exists()


@pytest.mark.cluster
def test_daemons_listen_on_loopback(cluster) -> None:  # type: ignore[no-untyped-def]
    """All but the shuffle's port and those of containers, for which Hadoop has no setting."""
    mine = set(cluster.pids().values())
    listening = subprocess.run(["ss", "-Htlnp"], capture_output=True, text=True, check=True).stdout.splitlines()
    ours = [line for line in listening if any(f"pid={pid}," in line for pid in mine)]
    assert len(ours) > 10
    outside = [line for line in ours if not line.split()[3].startswith(("127.", "[::ffff:127."))]
    assert len(outside) == cluster.nodes, outside  # one shuffle port a NodeManager


@pytest.mark.cluster
def test_a_daemon_that_dies_is_named(tmp_path: Path) -> None:
    (tmp_path / "hdfs").mkdir()
    (tmp_path / "hdfs/name").write_text("not a folder")
    up = run(tmp_path, "up")
    assert up.returncode == 1
    assert up.stderr == f"cluster: HDFS could not be formatted: see {tmp_path}/logs/format.log\n"
    assert daemons(tmp_path) == 0


def started(folder: Path) -> subprocess.Popen[str]:
    """A start that is on its way: its first daemons run."""
    command = [str(ROOT / "bin/cluster"), "--folder", str(folder), "up", "--memory", "3072"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert until(lambda: daemons(folder) > 1, 60)
    return process


@pytest.mark.cluster
def test_a_start_that_is_interrupted(tmp_path: Path) -> None:
    """It takes along what it started; where it could not, the next one begins with that."""
    ended = started(tmp_path)
    ended.terminate()
    ended.communicate(timeout=60)
    assert ended.returncode == 128 + signal.SIGTERM
    assert daemons(tmp_path) == 0
    killed = started(tmp_path)
    killed.kill()
    killed.communicate()
    left = daemons(tmp_path)
    assert left > 0
    try:
        up = run(tmp_path, "up", "--memory", "3072")
        assert up.returncode == 0, up.stdout + up.stderr
        assert "daemons of a start that was interrupted were ended\n" in up.stdout
        assert daemons(tmp_path) == 5
    finally:
        run(tmp_path, "down")


def test_who_looks_around_is_left_alone(tmp_path: Path) -> None:
    """What a container left is ended, but nobody with a terminal, nor whoever asks for it."""
    here = tmp_path / "workers/1/local"
    here.mkdir(parents=True)
    left = subprocess.Popen(["sleep", "60"], cwd=here, start_new_session=True)
    reader, terminal = pty.fork()
    if not reader:
        os.chdir(here)
        os.execvp("sleep", ["sleep", "60"])
    try:
        assert until(lambda: _place(reader) == os.fsencode(here) + b"/", 10)
        command = f"cd '{here}' && '{ROOT}/bin/cluster' --folder '{tmp_path}' down && echo still here"
        asked = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60, check=False)
        assert (asked.returncode, asked.stdout) == (0, "cluster: none was running\nstill here\n")
        assert left.wait(10) == -signal.SIGKILL
        assert os.waitpid(reader, os.WNOHANG) == (0, 0)
    finally:
        os.kill(reader, signal.SIGKILL)
        os.waitpid(reader, 0)
        os.close(terminal)
        left.kill()


@pytest.fixture
def starting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[subprocess.Popen[str]]:
    """`bin/cluster up` whose daemons have begun, but never come up: they are no Hadoop."""
    java = tmp_path / "java/bin/java"
    java.parent.mkdir(parents=True)
    java.write_text(JAVA)
    java.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "java"))
    process = begun(tmp_path)
    yield process
    process.kill()
    process.communicate()
    run(tmp_path, "down")
    assert daemons(tmp_path) == 0


def begun(folder: Path, before: Collection[int] = ()) -> subprocess.Popen[str]:
    command = [str(ROOT / "bin/cluster"), "--folder", str(folder), "up"]

    def heard() -> None:  # where tests themselves run in a shell's background, SIGINT is ignored
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, preexec_fn=heard)
    assert until(lambda: daemons(folder, before) == 5, 60)
    return process


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_start_that_is_stopped_leaves_no_daemon(
    tmp_path: Path, starting: subprocess.Popen[str], number: signal.Signals
) -> None:
    starting.send_signal(number)
    starting.communicate(timeout=60)
    assert starting.returncode in (128 + number, -number)
    assert daemons(tmp_path) == 0
    assert not (tmp_path / "conf").exists()


def test_after_a_start_that_was_killed_comes_another(tmp_path: Path, starting: subprocess.Popen[str]) -> None:
    second = run(tmp_path, "up")
    assert (second.returncode, second.stderr) == (1, "cluster: another bin/cluster up is at work\n")
    assert daemons(tmp_path) == 5
    starting.kill()
    starting.communicate()
    before = _daemons_of(tmp_path)
    assert len(before) == 5
    again = begun(tmp_path, before)
    again.terminate()
    said, _ = again.communicate(timeout=60)
    assert said.startswith("cluster: 5 daemons of a start that was interrupted were ended\n")


def test_what_containers_leave_goes_with_their_job(tmp_path: Path) -> None:
    """With it go keys; only tests that look at it keep it."""
    MiniCluster(tmp_path).configuration.write()
    settings = {one.findtext("name") for one in ET.parse(tmp_path / "daemons/yarn-site.xml").getroot()}
    assert "yarn.nodemanager.local-dirs" in settings
    assert "yarn.nodemanager.delete.debug-delay-sec" not in settings
