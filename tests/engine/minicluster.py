"""HDFS and YARN on loopback, from the jars of build/lib: one daemon each, in processes of their own.

As a context manager it starts the cluster and surely ends it; `python tests/engine/minicluster.py` runs one in the
foreground until Ctrl-C and says how to use it. Everything is kept below one folder; ports are free ones.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.sax.saxutils import escape

ROOT = Path(__file__).resolve().parents[2]
HOST = "127.0.0.1"
START_SECONDS = 90
PR_SET_PDEATHSIG = 1

DAEMONS = {
    "namenode": "org.apache.hadoop.hdfs.server.namenode.NameNode",
    "datanode": "org.apache.hadoop.hdfs.server.datanode.DataNode",
    "resourcemanager": "org.apache.hadoop.yarn.server.resourcemanager.ResourceManager",
    "nodemanager": "org.apache.hadoop.yarn.server.nodemanager.NodeManager",
    "historyserver": "org.apache.hadoop.mapreduce.v2.hs.JobHistoryServer",
}
# What Hadoop's libraries reach for inside the JDK since it is closed.
OPENS = ["--add-opens=java.base/java.lang=ALL-UNNAMED", "--add-opens=java.base/java.nio=ALL-UNNAMED"]
SMALL_JVM = ["-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.net.preferIPv4Stack=true"]


class MiniCluster:
    """One NameNode, DataNode, ResourceManager, NodeManager and job history server."""

    def __init__(self, folder: Path, memory_mb: int = 4096, cores: int = 2, block_size: int = 1 << 20) -> None:
        self.folder = folder.resolve()
        self.memory_mb = memory_mb
        self.cores = cores
        self.block_size = block_size
        self.conf = self.folder / "conf"
        self.logs = self.folder / "logs"
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._ports: dict[str, int] = {}

    def __enter__(self) -> MiniCluster:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def environment(self) -> dict[str, str]:
        """What a client needs in its environment, beside its own."""
        return {"HADOOP_CONF_DIR": str(self.conf)}

    @property
    def file_system(self) -> str:
        """The address of HDFS."""
        return f"hdfs://{HOST}:{self._ports['namenode']}"

    def start(self) -> None:
        """Returns when HDFS has its data node, YARN its node, and the history server answers."""
        for folder in (self.conf, self.logs):
            folder.mkdir(parents=True, exist_ok=True)
        self._ports = dict(zip(_PORTS, _free_ports(len(_PORTS)), strict=True))
        self._configure()
        self._format()
        for name in DAEMONS:
            self._spawn(name)
        self._wait("HDFS", self._live_data_nodes)
        self._wait("YARN", self._active_nodes)
        self._wait("the job history server", self._history_answers)

    def stop(self) -> None:
        """Ends the daemons, and whatever containers they started."""
        for process in self._processes.values():
            process.terminate()
        for process in self._processes.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=10)
            process.kill()
            process.wait()
        for pid in self.containers():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._processes.clear()

    def containers(self) -> list[int]:
        """Processes that still run for this cluster: their command lines name its folder."""
        mark = os.fsencode(self.folder / "yarn")
        return [pid for pid, command in _commands() if mark in command and pid != os.getpid()]

    def unfinished(self) -> list[str]:
        """The applications that have not ended."""
        apps = self._get("rm.http", "/ws/v1/cluster/apps?states=NEW,NEW_SAVING,SUBMITTED,ACCEPTED,RUNNING")["apps"]
        return [app["id"] for app in (apps or {}).get("app", [])]  # type: ignore[attr-defined]

    # --- configuration

    def _configure(self) -> None:
        p = {name: f"{HOST}:{port}" for name, port in self._ports.items()}
        data = self.folder
        container = self.memory_mb // 4  # half of it for Java, the rest for the loader's Python
        heap = f"-Xmx{container // 2}m {' '.join(OPENS)} -XX:TieredStopAtLevel=1"
        self._write("core-site", {"fs.defaultFS": f"hdfs://{p['namenode']}", "hadoop.tmp.dir": data / "tmp"})
        self._write(
            "hdfs-site",
            {
                "dfs.replication": 1,
                "dfs.blocksize": self.block_size,
                "dfs.namenode.fs-limits.min-block-size": 4096,
                "dfs.namenode.name.dir": data / "hdfs/name",
                "dfs.datanode.data.dir": data / "hdfs/data",
                "dfs.namenode.http-address": p["namenode.http"],
                "dfs.datanode.address": p["datanode"],
                "dfs.datanode.http.address": p["datanode.http"],
                "dfs.datanode.ipc.address": p["datanode.ipc"],
                "dfs.namenode.safemode.extension": 0,
            },
        )
        self._write(
            "yarn-site",
            {
                "yarn.resourcemanager.scheduler.class": "org.apache.hadoop.yarn.server.resourcemanager.scheduler.fifo"
                ".FifoScheduler",
                "yarn.resourcemanager.address": p["rm"],
                "yarn.resourcemanager.scheduler.address": p["rm.scheduler"],
                "yarn.resourcemanager.resource-tracker.address": p["rm.tracker"],
                "yarn.resourcemanager.admin.address": p["rm.admin"],
                "yarn.resourcemanager.webapp.address": p["rm.http"],
                "yarn.resourcemanager.nodemanagers.heartbeat-interval-ms": 200,
                "yarn.resourcemanager.am.max-attempts": 1,
                "yarn.nodemanager.address": p["nm"],
                "yarn.nodemanager.localizer.address": p["nm.localizer"],
                "yarn.nodemanager.collector-service.address": p["nm.collector"],
                "yarn.nodemanager.webapp.address": p["nm.http"],
                "yarn.nodemanager.local-dirs": data / "yarn/local",
                "yarn.nodemanager.log-dirs": data / "yarn/logs",
                "yarn.nodemanager.aux-services": "mapreduce_shuffle",
                "yarn.nodemanager.resource.memory-mb": self.memory_mb,
                "yarn.nodemanager.resource.cpu-vcores": self.cores,
                "yarn.nodemanager.vmem-check-enabled": "false",
                "yarn.nodemanager.disk-health-checker.max-disk-utilization-per-disk-percentage": 100,
                "yarn.nodemanager.delete.debug-delay-sec": 600,  # or a failed container's logs are gone
                "yarn.scheduler.minimum-allocation-mb": 128,
                "yarn.app.mapreduce.am.scheduler.heartbeat.interval-ms": 200,
            },
        )
        self._write(
            "mapred-site",
            {
                "mapreduce.framework.name": "yarn",
                "mapreduce.shuffle.port": self._ports["shuffle"],
                "mapreduce.jobhistory.address": p["history"],
                "mapreduce.jobhistory.admin.address": p["history.admin"],
                "mapreduce.jobhistory.webapp.address": p["history.http"],
                "yarn.app.mapreduce.am.resource.mb": container,
                "yarn.app.mapreduce.am.command-opts": heap,
                "yarn.app.mapreduce.am.scheduler.heartbeat.interval-ms": 200,
                "mapreduce.map.memory.mb": container,
                "mapreduce.map.java.opts": heap,
                "mapreduce.reduce.memory.mb": container,
                "mapreduce.reduce.java.opts": heap,
                "mapreduce.task.io.sort.mb": 32,
            },
        )
        self._write(
            "tez-site",
            {
                "tez.am.resource.memory.mb": container,
                "tez.am.launch.cmd-opts": heap,
                "tez.task.resource.memory.mb": container,
                "tez.task.launch.cmd-opts": heap,
                "tez.runtime.io.sort.mb": 32,
                "tez.session.am.dag.submit.timeout.secs": 30,
                "tez.am.am-rm.heartbeat.interval-ms.max": 200,
            },
        )

    def _write(self, name: str, settings: dict[str, object]) -> None:
        rows = "".join(
            f"  <property><name>{escape(key)}</name><value>{escape(str(value))}</value></property>\n"
            for key, value in settings.items()
        )
        (self.conf / f"{name}.xml").write_text(f"<configuration>\n{rows}</configuration>\n", encoding="utf-8")

    # --- processes

    def _command(self, main: str, *arguments: str) -> list[str]:
        class_path = ":".join([str(self.conf), str(ROOT / "build/webapps"), str(ROOT / "build/lib/*")])
        return ["java", *SMALL_JVM, *OPENS, f"-Dminicluster={self.folder}", "-cp", class_path, main, *arguments]

    def _environment(self) -> dict[str, str]:
        return {**os.environ, "HADOOP_CONF_DIR": str(self.conf), "HADOOP_LOG_DIR": str(self.logs)}

    def _format(self) -> None:
        if (self.folder / "hdfs/name").exists():
            return
        with (self.logs / "format.log").open("wb") as log:
            command = self._command(DAEMONS["namenode"], "-format", "-nonInteractive")
            subprocess.run(command, stdout=log, stderr=log, check=True, env=self._environment())

    def _spawn(self, name: str) -> None:
        with (self.logs / f"{name}.log").open("wb") as log:
            self._processes[name] = subprocess.Popen(
                self._command(DAEMONS[name]),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment(),
                preexec_fn=_die_with_parent,
            )

    # --- health

    def _wait(self, what: str, healthy: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            for name, process in self._processes.items():
                if process.poll() is not None:
                    raise RuntimeError(f"{name} ended: see {self.logs / name}.log")
            with contextlib.suppress(OSError, KeyError, TypeError, ValueError, IndexError):
                if healthy():
                    return
            time.sleep(0.2)
        raise RuntimeError(f"{what} did not come up within {START_SECONDS} s: see {self.logs}")

    def _get(self, port: str, path: str) -> dict[str, object]:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"http://{HOST}:{self._ports[port]}{path}", timeout=2) as answer:
            found: dict[str, object] = json.load(answer)
            return found

    def _live_data_nodes(self) -> bool:
        beans = self._get("namenode.http", "/jmx?qry=Hadoop:service=NameNode,name=FSNamesystemState")["beans"]
        return bool(beans[0]["NumLiveDataNodes"])  # type: ignore[index]

    def _active_nodes(self) -> bool:
        metrics = self._get("rm.http", "/ws/v1/cluster/metrics")["clusterMetrics"]
        return bool(metrics["activeNodes"])  # type: ignore[index]

    def _history_answers(self) -> bool:
        return "historyInfo" in self._get("history.http", "/ws/v1/history/info")


_PORTS = [
    "namenode",
    "namenode.http",
    "datanode",
    "datanode.http",
    "datanode.ipc",
    "rm",
    "rm.scheduler",
    "rm.tracker",
    "rm.admin",
    "rm.http",
    "nm",
    "nm.localizer",
    "nm.collector",
    "nm.http",
    "shuffle",
    "history",
    "history.admin",
    "history.http",
]


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as open_sockets:
        sockets = [open_sockets.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind((HOST, 0))
        return [each.getsockname()[1] for each in sockets]


def _die_with_parent() -> None:
    """A daemon does not outlive whoever started the cluster, even if that is killed."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _commands() -> Iterator[tuple[int, bytes]]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                yield int(entry.name), (entry / "cmdline").read_bytes()


def main() -> None:
    """Runs a cluster in the foreground."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--folder", type=Path, help="where to keep it (default: a temporary folder, removed at the end)"
    )
    folder = parser.parse_args().folder
    kept = folder is not None
    if folder is None:
        folder = Path(tempfile.mkdtemp(prefix="packetpig-cluster-"))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        with MiniCluster(folder) as cluster:
            print(f"export HADOOP_CONF_DIR={cluster.conf}\n# {cluster.file_system}; Ctrl-C ends it", flush=True)
            signal.pause()
    except KeyboardInterrupt:
        pass
    finally:
        if not kept:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
