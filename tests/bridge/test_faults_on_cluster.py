"""What dies in the middle of a job on HDFS and YARN: the rows are right, once each, and nothing is left behind."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from packetpig.loaders import load

from docker.cluster import MiniCluster
from tests.conftest import ROOT, until
from tests.loaders.talking import Dialogue
from tests.making import pcap

pytestmark = pytest.mark.cluster
FAULTY = Path(__file__).with_name("faulty_python.py")
MODES = pytest.mark.parametrize("mode", ["mapreduce", pytest.param("tez", marks=pytest.mark.slow)])
COLUMNS = ["ts_ns", "link_type", "length", "frame"]
PACKETS = 2500  # of a capture
LENGTH = 1005  # bytes of each
SCRIPT = """
packets = LOAD '/faults/captures' USING PacketLoader();
STORE packets INTO '{out}/evidence' USING PcapStorage();
counted = FOREACH (GROUP packets BY capture) GENERATE group, COUNT(packets), SUM(packets.length);
STORE counted INTO '{out}/counted';
"""
SETTINGS = {
    "packetpig.split.bytes": 1_000_000,
    "mapreduce.map.speculative": "false",
    "mapreduce.reduce.speculative": "false",
}
SPECULATION = {
    "mapreduce.map.speculative": "true",
    "mapreduce.job.speculative.minimum-allowed-tasks": 1,
    "mapreduce.job.speculative.retry-after-no-speculate": 1000,
}


class Run:
    """A run of Pig, to which the test does something while it goes on."""

    def __init__(
        self, cluster: MiniCluster, mode: str, folder: Path, script: str, fault: str = "", **properties: object
    ) -> None:
        self.mark = folder / "mark"
        (folder / "tmp").mkdir(exist_ok=True)
        own = {"PACKETPIG_LOGS": str(folder / "logs"), "TMPDIR": str(folder / "tmp")}
        environment = {**os.environ, **cluster.environment, **own}
        if fault:
            python = folder / "python"
            python.write_text(f'#!/bin/sh\nexec "{sys.executable}" {FAULTY} {fault} {self.mark} "$@"\n')
            python.chmod(0o755)
            environment["PACKETPIG_PYTHON"] = str(python)
        defined = [f"-D{name}={value}" for name, value in {**SETTINGS, **properties}.items()]
        command = [str(ROOT / "bin/pig"), "-x", mode, *defined, "-e", script]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, env=environment, text=True, stdout=pipe, stderr=pipe)

    def stopped(self) -> int:
        """Waits until a worker has stopped itself; its process."""
        assert until(lambda: self.mark.exists() or self.process.poll() is not None, 300)
        assert self.mark.exists(), self.process.communicate()[1]
        pid = int(self.mark.read_text())
        assert until(lambda: state(pid) == "T", 20)
        return pid

    def good(self) -> str:
        """Waits for a good end; what it printed."""
        out, errors = self.process.communicate(timeout=600)
        assert self.process.returncode == 0, errors
        return out


def state(pid: int) -> str:
    """As ps has it; nothing when it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


@pytest.fixture(scope="module")
def captures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two captures, each for three tasks; no packet is like another."""
    folder = tmp_path_factory.mktemp("faults") / "captures"
    folder.mkdir()
    for name in (1, 2):
        frames = [
            (1_700_000_000.0 + number, bytes([name]) + number.to_bytes(4, "big") + bytes(LENGTH - 5))
            for number in range(PACKETS)
        ]
        (folder / f"{name}.pcap").write_bytes(pcap(frames))
    return folder


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, captures: Path) -> Iterator[MiniCluster]:
    """A cluster of this module's own, whose workers may die, with the captures in it: each block on both workers."""
    more = {"core-site": {"packetpig.bundle": "none"}}
    folder = tmp_path_factory.mktemp("dying")
    with MiniCluster(folder, nodes=2, memory_mb=4096, replication=2, more=more) as cluster:
        Run(cluster, "mapreduce", captures.parent, f"fs -mkdir -p /faults; fs -put {captures} /faults;").good()
        yield cluster


class Scene:
    """Where a test begins runs, and looks at what they made."""

    def __init__(self, cluster: MiniCluster, folder: Path, captures: Path) -> None:
        self.cluster, self.folder, self.captures = cluster, folder, captures
        self.out = f"/faults/{folder.name}"
        self.runs: list[Run] = []

    def begin(self, mode: str, fault: str, script: str = SCRIPT, **properties: object) -> Run:
        self.runs.append(Run(self.cluster, mode, self.folder, script.format(out=self.out), fault, **properties))
        return self.runs[-1]

    def worker_of(self, pid: int) -> int:
        """The worker (1 …) in a container of which a process runs."""
        (found,) = (number for number in (1, 2) if pid in self.cluster.containers(number))
        return found

    def nothing_left(self) -> str:
        """No process, no temporary folder in HDFS or where Pig ran; what there is in HDFS."""
        assert until(lambda: not self.cluster.unfinished() and not self.cluster.containers(), 120)
        assert list((self.folder / "tmp").iterdir()) == []
        listing = Run(self.cluster, "mapreduce", self.folder, f"fs -ls -R /; fs -get {self.out} {self.folder}/got;")
        found = listing.good()
        assert [path for path in found.split() if "/_temporary" in path or "/.staging/" in path] == []
        assert [path for path in found.split() if path.startswith("/tmp/temp")] == []
        return found

    def right(self) -> None:
        """Each packet was stored once and counted once, and nothing is left."""
        self.nothing_left()
        assert packets(self.folder / "got/evidence") == packets(self.captures)
        counted = [part.read_text().splitlines() for part in (self.folder / "got/counted").glob("part-*")]
        expected = [f"{name}.pcap\t{PACKETS}\t{PACKETS * LENGTH}" for name in (1, 2)]
        assert sorted(line for lines in counted for line in lines) == expected


def packets(folder: Path) -> list[tuple]:
    rows = load("packets", str(folder), COLUMNS).read_all().to_pylist()
    return sorted(tuple(row.values()) for row in rows)


@pytest.fixture
def scene(filled: MiniCluster, tmp_path: Path, captures: Path) -> Iterator[Scene]:
    one = Scene(filled, tmp_path, captures)
    yield one
    for run in one.runs:  # those of a test that failed
        run.process.terminate()
        run.process.communicate()
    filled.kill_containers()


@MODES
def test_a_loader_process_is_killed_and_its_task_is_run_again(scene: Scene, mode: str) -> None:
    run = scene.begin(mode, "dies")
    run.good()
    assert run.mark.exists()
    scene.right()


KEPT = """
fs -mkdir -p {out}; fs -put {captures} {out}/in;
files = LOAD '{out}/in' USING FileLoader('store={place}/kept');
rows = FOREACH files GENERATE capture, sha256, path;
STORE rows INTO '{out}/rows';
"""


@MODES
def test_a_loader_process_is_killed_while_it_keeps_a_file(scene: Scene, tmp_path: Path, mode: str) -> None:
    """Half a file is nowhere, also not on the node; the task that runs again keeps all of them, once."""
    captures, wanted = tmp_path / "in", {}
    captures.mkdir()
    for port, name in enumerate(("a", "b"), 40000):
        talk = Dialogue(sport=port)
        for number in range(3):
            body = random.Random(f"{name}{number}").randbytes(400_000)  # bytes of a file that is not held in memory
            wanted[hashlib.sha256(body).hexdigest()] = body
            talk.c(b"GET /%d HTTP/1.1\r\nHost: h\r\n\r\n" % number)
            talk.s(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        (captures / f"{name}.pcap").write_bytes(pcap(talk.packets))
    place = f"{scene.cluster.file_system}{scene.out}"
    script = KEPT.replace("{captures}", str(captures)).replace("{place}", place)
    run = scene.begin(mode, "dies-keeping", script)
    run.good()
    assert run.mark.exists()
    scene.nothing_left()
    got = scene.folder / "got"
    assert {file.name: file.read_bytes() for file in (got / "kept").iterdir()} == wanted
    lines = [line for part in (got / "rows").glob("part-*") for line in part.read_text().splitlines()]
    assert sorted(line.split("\t")[1] for line in lines) == sorted(wanted)


@pytest.mark.slow
def test_a_task_is_run_twice_by_speculation(scene: Scene) -> None:
    """In MapReduce: Tez guesses by progress which tasks are slow, and does not think so of one that never had any."""
    run = scene.begin("mapreduce", "stops", **SPECULATION)
    pid = run.stopped()
    run.good()  # though one stands still
    assert until(lambda: not state(pid), 30)
    scene.right()


@pytest.mark.slow
@MODES
@pytest.mark.parametrize("dies", ["nodemanager", "datanode"])
def test_a_worker_dies_in_the_middle_of_a_job(scene: Scene, mode: str, dies: str) -> None:
    """The one where a loader is at work: with a NodeManager go its containers, and rows that others want."""
    run = scene.begin(mode, "stops")
    pid = run.stopped()
    worker = scene.worker_of(pid)
    scene.cluster.kill(f"{dies}-{worker}")
    if dies == "nodemanager":
        scene.cluster.kill_containers(worker)
    else:
        os.kill(pid, signal.SIGCONT)
    run.good()
    scene.cluster.revive(f"{dies}-{worker}")
    scene.right()
