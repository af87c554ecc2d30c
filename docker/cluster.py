"""HDFS and YARN from the jars of build/lib: one process a daemon, on loopback; or one daemon in a container of its own.

    bin/cluster up [--nodes 3]     starts one below build/cluster, which bin/pig -x mapreduce and -x tez then use
    bin/cluster down [--remove]    ends it; its files in HDFS stay, but with --remove
    bin/cluster status             says what runs, and where its pages are
    bin/cluster run DAEMON         one daemon in the foreground, on this host (docker/compose.yaml)
    bin/cluster conf               writes the configuration for clients of such daemons

In tests, `with MiniCluster(folder) as cluster:` starts one on free ports and surely ends it. A worker is a DataNode and
a NodeManager; the first is the host 127.0.0.11, the second 127.0.0.12, and so on, so that data has a place.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import fcntl
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from xml.sax.saxutils import escape

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "build/cluster"
HOST = "127.0.0.1"
START_SECONDS = 300
STOP_SECONDS = 10
PR_SET_PDEATHSIG = 1
PARENT, TERMINAL = 1, 4  # where /proc/PID/stat has them, behind the name

DAEMONS = {
    "namenode": "org.apache.hadoop.hdfs.server.namenode.NameNode",
    "datanode": "org.apache.hadoop.hdfs.server.datanode.DataNode",
    "resourcemanager": "org.apache.hadoop.yarn.server.resourcemanager.ResourceManager",
    "nodemanager": "org.apache.hadoop.yarn.server.nodemanager.NodeManager",
    "historyserver": "org.apache.hadoop.mapreduce.v2.hs.JobHistoryServer",
}
MASTERS = ("namenode", "resourcemanager", "historyserver")
WORKERS = ("datanode", "nodemanager")
# Hadoop's own numbers
PORTS = {
    "namenode": 8020,
    "namenode.http": 9870,
    "rm": 8032,
    "rm.scheduler": 8030,
    "rm.tracker": 8031,
    "rm.admin": 8033,
    "rm.http": 8088,
    "history": 10020,
    "history.admin": 10033,
    "history.http": 19888,
    "nm": 8041,
    "nm.localizer": 8040,
    "nm.collector": 8048,
    "nm.http": 8042,
}
# A NameNode knows data nodes by the address that they call from, which is one for all on loopback: so by their ports.
DATA_PORTS = {"datanode": 9866, "datanode.http": 9864, "datanode.ipc": 9867}
# What Hadoop's libraries reach for inside the JDK since it is closed.
OPENS = ["--add-opens=java.base/java.lang=ALL-UNNAMED", "--add-opens=java.base/java.nio=ALL-UNNAMED"]
LOGGING = """log4j.rootLogger=INFO, console
log4j.appender.console=org.apache.log4j.ConsoleAppender
log4j.appender.console.target=System.err
log4j.appender.console.layout=org.apache.log4j.PatternLayout
log4j.appender.console.layout.ConversionPattern=%d{ISO8601} %p %c{2}: %m%n
"""
SMALL_JVM = ["-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.net.preferIPv4Stack=true"]


class Configuration:
    """Hadoop's configuration files: for clients in `conf`, for daemons in `daemons`.

    What differs between workers stands there as ${worker.…}, a system property.
    """

    def __init__(
        self,
        folder: Path,
        ports: Mapping[str, int],
        hosts: Mapping[str, str],
        *,
        memory_mb: int,
        container_mb: int,
        cores: int,
        block_size: int,
        replication: int,
        more: Mapping[str, Mapping[str, object]],
    ) -> None:
        """Bytes of containers and nodes in MiB; `more` adds settings to files: {"core-site": {name: value}}."""
        self.folder = folder
        self.conf = folder / "conf"
        self.daemons = folder / "daemons"
        self.ports = ports
        self.hosts = {**dict.fromkeys(MASTERS, HOST), **hosts}
        self.memory_mb = memory_mb
        self.container_mb = container_mb
        self.cores = cores
        self.block_size = block_size
        self.replication = replication
        self.more = more

    def write(self) -> None:
        """Writes the files."""
        # half of a container for Java, the rest for the loader's Python
        heap = f"-Xmx{self.container_mb // 2}m {' '.join(OPENS)} -XX:TieredStopAtLevel=1"
        files = {
            "core-site": self._core(),
            "hdfs-site": self._hdfs(),
            "yarn-site": self._yarn(),
            "mapred-site": self._mapred(heap),
            "tez-site": self._tez(heap),
        }
        workers = {"hdfs-site": self._data_node(), "yarn-site": self._node_manager()}
        for folder in (self.conf, self.daemons):
            folder.mkdir(parents=True, exist_ok=True)
        for name, settings in files.items():
            more = self.more.get(name, {})
            _write_xml(self.conf / f"{name}.xml", {**settings, **more})
            _write_xml(self.daemons / f"{name}.xml", {**settings, **workers.get(name, {}), **more})
        (self.daemons / "log4j.properties").write_text(LOGGING, encoding="utf-8")

    def _at(self, daemon: str, port: str) -> str:
        return f"{self.hosts[daemon]}:{self.ports[port]}"

    def _here(self, port: str) -> str:
        return f"${{worker.host}}:{self.ports[port]}"

    def _core(self) -> dict[str, object]:
        return {
            "fs.defaultFS": f"hdfs://{self._at('namenode', 'namenode')}",
            "hadoop.tmp.dir": self.folder / "tmp",
        }

    def _hdfs(self) -> dict[str, object]:
        return {
            "dfs.replication": self.replication,
            "dfs.blocksize": self.block_size,
            "dfs.namenode.fs-limits.min-block-size": 4096,
            "dfs.namenode.name.dir": self.folder / "hdfs/name",
            "dfs.namenode.http-address": self._at("namenode", "namenode.http"),
            "dfs.namenode.safemode.extension": 0,
            "dfs.namenode.datanode.registration.ip-hostname-check": "false",  # addresses of loopback have no names
            # a file that is closed sooner than its DataNode told of its block is asked for again, after that time
            "dfs.client.block.write.locateFollowingBlock.initial.delay.ms": 40,
            "dfs.client.block.write.locateFollowingBlock.retries": 9,
            "dfs.namenode.heartbeat.recheck-interval": 5000,  # a dead data node is known as such after 40 s
        }

    def _data_node(self) -> dict[str, object]:
        return {
            "dfs.datanode.data.dir": "${worker.folder}/data",
            "dfs.datanode.hostname": "${worker.host}",
            "dfs.datanode.address": "${worker.address}:${worker.datanode}",
            "dfs.datanode.http.address": "${worker.host}:${worker.datanode.http}",
            "dfs.datanode.ipc.address": "${worker.address}:${worker.datanode.ipc}",
        }

    def _yarn(self) -> dict[str, object]:
        scheduler = "org.apache.hadoop.yarn.server.resourcemanager.scheduler.capacity.CapacityScheduler"
        return {
            "yarn.resourcemanager.scheduler.class": scheduler,
            "yarn.scheduler.capacity.root.queues": "default",
            "yarn.scheduler.capacity.root.default.capacity": 100,
            # or the masters of many jobs at once leave no room for a single task, and wait for each other for ever
            "yarn.scheduler.capacity.maximum-am-resource-percent": 0.5,
            # heartbeats for which a task waits for a node that has its data: 8 s, as nodes report every 50 ms
            "yarn.scheduler.capacity.node-locality-delay": 160,
            "yarn.resourcemanager.hostname": self.hosts["resourcemanager"],
            "yarn.resourcemanager.address": self._at("resourcemanager", "rm"),
            "yarn.resourcemanager.scheduler.address": self._at("resourcemanager", "rm.scheduler"),
            "yarn.resourcemanager.resource-tracker.address": self._at("resourcemanager", "rm.tracker"),
            "yarn.resourcemanager.admin.address": self._at("resourcemanager", "rm.admin"),
            "yarn.resourcemanager.webapp.address": self._at("resourcemanager", "rm.http"),
            "yarn.resourcemanager.nodemanagers.heartbeat-interval-ms": 50,
            "yarn.nm.liveness-monitor.expiry-interval-ms": 20_000,  # a dead node's tasks run again after that
            # for as long a master asks a node that is gone to end its containers, and begins no others: 3 minutes
            "yarn.client.nodemanager-connect.max-wait-ms": 20_000,
            "yarn.client.nodemanager-connect.retry-interval-ms": 1000,
            "yarn.scheduler.minimum-allocation-mb": 128,
        }

    def _node_manager(self) -> dict[str, object]:
        return {
            "yarn.nodemanager.hostname": "${worker.host}",
            "yarn.nodemanager.address": self._here("nm"),
            "yarn.nodemanager.localizer.address": self._here("nm.localizer"),
            "yarn.nodemanager.collector-service.address": self._here("nm.collector"),
            "yarn.nodemanager.webapp.address": self._here("nm.http"),
            "yarn.nodemanager.local-dirs": "${worker.folder}/local",
            "yarn.nodemanager.log-dirs": "${worker.folder}/logs",
            "yarn.nodemanager.aux-services": "mapreduce_shuffle",
            "yarn.nodemanager.resource.memory-mb": self.memory_mb,
            "yarn.nodemanager.resource.cpu-vcores": self.cores,
            "yarn.nodemanager.vmem-check-enabled": "false",
            "yarn.nodemanager.disk-health-checker.max-disk-utilization-per-disk-percentage": 100,
        }

    def _mapred(self, heap: str) -> dict[str, object]:
        return {
            "mapreduce.framework.name": "yarn",
            "mapreduce.shuffle.port": 0,  # any: it listens on all addresses, and tells clients which it has
            "mapreduce.jobhistory.address": self._at("historyserver", "history"),
            "mapreduce.jobhistory.admin.address": self._at("historyserver", "history.admin"),
            "mapreduce.jobhistory.webapp.address": self._at("historyserver", "history.http"),
            "yarn.app.mapreduce.am.resource.mb": self.container_mb,
            "yarn.app.mapreduce.am.command-opts": heap,
            "yarn.app.mapreduce.am.scheduler.heartbeat.interval-ms": 50,
            "mapreduce.client.progressmonitor.pollinterval": 100,
            "mapreduce.client.completion.pollinterval": 100,
            "mapreduce.map.memory.mb": self.container_mb,
            "mapreduce.map.java.opts": heap,
            "mapreduce.reduce.memory.mb": self.container_mb,
            "mapreduce.reduce.java.opts": heap,
            "mapreduce.task.io.sort.mb": 32,
        }

    def _tez(self, heap: str) -> dict[str, object]:
        return {
            "tez.am.resource.memory.mb": self.container_mb,
            "tez.am.launch.cmd-opts": heap,
            "tez.task.resource.memory.mb": self.container_mb,
            "tez.task.launch.cmd-opts": heap,
            "tez.runtime.io.sort.mb": 32,
            "tez.session.am.dag.submit.timeout.secs": 30,
            "tez.am.am-rm.heartbeat.interval-ms.max": 50,
        }


def _write_xml(file: Path, settings: Mapping[str, object]) -> None:
    rows = "".join(
        f"  <property><name>{escape(key)}</name><value>{escape(str(value))}</value></property>\n"
        for key, value in settings.items()
    )
    file.write_text(f"<configuration>\n{rows}</configuration>\n", encoding="utf-8")


class MiniCluster:
    """A NameNode, a ResourceManager, a job history server, and workers: DataNode and NodeManager."""

    def __init__(
        self,
        folder: Path,
        nodes: int = 1,
        *,
        memory_mb: int = 4096,
        container_mb: int = 1024,
        cores: int = 2,
        block_size: int = 1 << 20,
        replication: int = 1,
        ports: Mapping[str, int] | None = None,
        worker_environment: Mapping[str, str] | None = None,
        more: Mapping[str, Mapping[str, object]] | None = None,
        yarn: bool = True,
    ) -> None:
        """Memory and cores are a node's. Ports are free ones unless given; `more` adds settings to files.

        Without `yarn` there is HDFS alone, which is up sooner.
        """
        self.folder = folder.resolve()
        self.nodes = nodes
        self.yarn = yarn
        self.ports = dict(ports or _free_ports([*PORTS, *_data_ports(nodes)]))
        self.worker_environment = worker_environment or {}
        self.logs = self.folder / "logs"
        self.configuration = Configuration(
            self.folder,
            self.ports,
            {},
            memory_mb=memory_mb,
            container_mb=container_mb,
            cores=cores,
            block_size=block_size,
            replication=replication,
            more=more or {},
        )
        self.conf = self.configuration.conf
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

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
        return f"hdfs://{HOST}:{self.ports['namenode']}"

    @property
    def pages(self) -> dict[str, str]:
        """What to look at in a browser."""
        return {
            "HDFS": f"http://{HOST}:{self.ports['namenode.http']}/",
            "YARN": f"http://{HOST}:{self.ports['rm.http']}/cluster",
            "finished jobs": f"http://{HOST}:{self.ports['history.http']}/jobhistory",
        }

    def start(self, stay: bool = False) -> None:
        """Starts all daemons, and waits until they are well. With `stay` they outlive this process."""
        self.configuration.write()
        environment = _environment(self.configuration)
        _format(self.configuration, environment)
        for name in self.daemons():
            self._spawn(name, environment, stay)
        self.wait_until_whole()

    def daemons(self) -> list[str]:
        """The daemons' names: namenode, datanode-1 …"""
        kinds = WORKERS if self.yarn else WORKERS[:1]
        workers = [f"{kind}-{number + 1}" for number in range(self.nodes) for kind in kinds]
        return [*(MASTERS if self.yarn else MASTERS[:1]), *workers]

    def stop(self) -> None:
        """Ends the daemons, and whatever containers they started."""
        for process in self._processes.values():
            process.terminate()
        for process in self._processes.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=STOP_SECONDS)
            process.kill()
            process.wait()
        self.kill_containers()
        self._processes.clear()

    def kill(self, name: str) -> None:
        """A daemon dies (SIGKILL), as when its machine goes down."""
        process = self._processes.pop(name)
        process.kill()
        process.wait()

    def revive(self, name: str) -> None:
        """A daemon that was killed begins anew; returns when the cluster is whole again."""
        self.revive_soon(name)
        self.wait_until_whole()

    def revive_soon(self, name: str) -> None:
        """A daemon that was killed begins anew."""
        self._spawn(name, _environment(self.configuration), stay=False)

    def wait_until_whole(self) -> None:
        """Returns when HDFS has its data nodes, YARN its nodes, and the history server answers."""
        self._wait("HDFS", self._has_data_nodes)
        if not self.yarn:
            return
        self._wait("YARN", self._has_nodes)
        self._wait("the job history server", self._history_answers)

    def pids(self) -> dict[str, int]:
        """The daemons' processes."""
        return {name: process.pid for name, process in self._processes.items()}

    def containers(self, worker: int | None = None) -> list[int]:
        """Processes that still run for this cluster, or for a worker (1 …): they name its folder, or work below it."""
        mark = os.fsencode(self.folder / ("workers" if worker is None else f"workers/{worker}/"))
        others = {*self.pids().values(), os.getpid()}
        return [pid for pid, command in _commands() if pid not in others and (mark in command or mark in _place(pid))]

    def kill_containers(self, worker: int | None = None) -> None:
        """Containers die."""
        for pid in self.containers(worker):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def unfinished(self) -> list[str]:
        """The applications that have not ended."""
        apps = self._get("rm.http", "/ws/v1/cluster/apps?states=NEW,NEW_SAVING,SUBMITTED,ACCEPTED,RUNNING")["apps"]
        return [app["id"] for app in (apps or {}).get("app", [])]  # type: ignore[attr-defined]

    def jobs(self) -> list[str]:
        """The finished MapReduce jobs, the oldest first."""
        jobs = self._get("history.http", "/ws/v1/history/mapreduce/jobs")["jobs"]
        return sorted(job["id"] for job in (jobs or {}).get("job", []))  # type: ignore[attr-defined]

    def counters(self, job: str) -> dict[str, int]:
        """The counters of a finished MapReduce job."""
        found = self._get("history.http", f"/ws/v1/history/mapreduce/jobs/{job}/counters")["jobCounters"]
        groups = found["counterGroup"]  # type: ignore[index]
        return {each["name"]: each["totalCounterValue"] for group in groups for each in group["counter"]}

    # --- processes

    def _spawn(self, name: str, environment: dict[str, str], stay: bool) -> None:
        kind, _, number = name.partition("-")
        worker = _worker(HOST, HOST, self.folder, DATA_PORTS)  # masters read some of their settings, too
        if number:
            ports = {port: self.ports[f"{port}-{number}"] for port in DATA_PORTS}
            worker = _worker(f"127.0.0.{10 + int(number)}", HOST, self.folder / "workers" / number, ports)
            environment = {**environment, **self.worker_environment}
        with (self.logs / f"{name}.log").open("wb") as log:
            self._processes[name] = subprocess.Popen(
                _command(self.configuration, worker, DAEMONS[kind]),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                start_new_session=stay,
                preexec_fn=None if stay else _die_with_parent,
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
        return _get_json(f"http://{HOST}:{self.ports[port]}{path}")

    def _has_data_nodes(self) -> bool:
        beans = self._get("namenode.http", "/jmx?qry=Hadoop:service=NameNode,name=FSNamesystemState")["beans"]
        return bool(beans[0]["NumLiveDataNodes"] == self.nodes)  # type: ignore[index]

    def _has_nodes(self) -> bool:
        metrics = self._get("rm.http", "/ws/v1/cluster/metrics")["clusterMetrics"]
        return bool(metrics["activeNodes"] == self.nodes)  # type: ignore[index]

    def _history_answers(self) -> bool:
        return "historyInfo" in self._get("history.http", "/ws/v1/history/info")


def _environment(configuration: Configuration) -> dict[str, str]:
    logs = configuration.folder / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    return {**os.environ, "HADOOP_CONF_DIR": str(configuration.daemons), "HADOOP_LOG_DIR": str(logs)}


def _command(configuration: Configuration, properties: list[str], main: str, *arguments: str) -> list[str]:
    home = os.environ.get("JAVA_HOME")
    parts = [configuration.daemons, ROOT / "docker/web", ROOT / "build/webapps", ROOT / "build/lib/*"]
    class_path = ":".join(map(str, parts))
    java = f"{home}/bin/java" if home else "java"
    return [java, *SMALL_JVM, *OPENS, _mark(configuration.folder), *properties, "-cp", class_path, main, *arguments]


def _worker(host: str, address: str, folder: Path, ports: Mapping[str, int]) -> list[str]:
    """What ${worker.…} stands for in the configuration."""
    named = [f"-Dworker.{name}={port}" for name, port in ports.items()]
    return [f"-Dworker.host={host}", f"-Dworker.address={address}", f"-Dworker.folder={folder}", *named]


def _mark(folder: Path) -> str:
    """By this a daemon's process is known to be one of the cluster in that folder."""
    return f"-Dminicluster={folder}"


def _format(configuration: Configuration, environment: Mapping[str, str]) -> None:
    if (configuration.folder / "hdfs/name/current").exists():
        return
    file = configuration.folder / "logs/format.log"
    worker = _worker(HOST, HOST, configuration.folder, DATA_PORTS)
    command = _command(configuration, worker, DAEMONS["namenode"], "-format", "-nonInteractive")
    with file.open("wb") as log:
        done = subprocess.run(command, stdout=log, stderr=log, check=False, env=environment)
    if done.returncode:
        raise RuntimeError(f"HDFS could not be formatted: see {file}")


def _get_json(url: str) -> dict[str, object]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=2) as answer:
        found: dict[str, object] = json.load(answer)
        return found


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except OSError:
            return False
    return True


def _free_ports(names: list[str]) -> dict[str, int]:
    """Not of those that the kernel gives to anybody who connects: one of these may be gone before its daemon is up."""
    free = (port for port in random.sample(range(10_000, 32_000), 22_000) if _is_free(port))
    return {name: next(free) for name in names}


def _data_ports(nodes: int) -> dict[str, int]:
    return {
        f"{name}-{node}": port + 10 * (node - 1) for node in range(1, nodes + 1) for name, port in DATA_PORTS.items()
    }


def _usual_ports(nodes: int) -> dict[str, int]:
    """Hadoop's own ports, but free ones where somebody has those."""
    usual = {**PORTS, **_data_ports(nodes)}
    return {**usual, **_free_ports([name for name, port in usual.items() if not _is_free(port)])}


def _die_with_parent() -> None:
    """A daemon does not outlive whoever started the cluster, even if that is killed."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _place(pid: int) -> bytes:
    """The folder in which a process works, with a slash; nothing if it is gone or not ours."""
    try:
        return os.fsencode(Path(f"/proc/{pid}/cwd").readlink()) + b"/"
    except OSError:
        return b""


def _commands() -> Iterator[tuple[int, bytes]]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                yield int(entry.name), (entry / "cmdline").read_bytes()


# --- the command


def _daemons_of(folder: Path) -> list[int]:
    mark = os.fsencode(_mark(folder))
    return [pid for pid, command in _commands() if mark in command.split(b"\0")]


def _up(options: argparse.Namespace) -> int:
    folder: Path = options.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    lock = os.open(folder, os.O_RDONLY)  # until this process ends
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print("cluster: another bin/cluster up is at work", file=sys.stderr)
        return 1
    if _daemons_of(folder):
        if (folder / "state.json").exists():
            return _status(options)
        print(f"cluster: {_end(folder)} daemons of a start that was interrupted were ended", flush=True)
    (folder / "state.json").unlink(missing_ok=True)  # of a cluster that ended otherwise than by `down`
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup has it
            signal.signal(number, lambda number, _: sys.exit(128 + number))  # what was started ends with it
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20
    cluster = MiniCluster(
        folder,
        options.nodes,
        memory_mb=options.memory or max(3072, min(16_384, memory // 2) // options.nodes),
        cores=max(1, (os.cpu_count() or 1)),
        block_size=128 << 20,
        replication=min(3, options.nodes),
        ports=_usual_ports(options.nodes),
    )
    print(f"cluster: HDFS and YARN with {options.nodes} worker{'s' * (options.nodes > 1)}: starting", flush=True)
    try:
        cluster.start(stay=True)
        state = {"pages": cluster.pages, "file system": cluster.file_system, "daemons": len(cluster.daemons())}
        (folder / "state.json").write_text(json.dumps(state), encoding="utf-8")
    except BaseException as error:
        _end(folder)
        shutil.rmtree(cluster.conf, ignore_errors=True)
        if not isinstance(error, RuntimeError | OSError):
            raise
        print(f"cluster: {error}", file=sys.stderr)
        return 1
    return _status(options)


def _status(options: argparse.Namespace) -> int:
    folder: Path = options.folder.resolve()
    running = len(_daemons_of(folder))
    try:
        state = json.loads((folder / "state.json").read_text(encoding="utf-8"))
    except OSError:
        state = None
    if not running or state is None:
        print("cluster: none is running; bin/cluster up starts one")
        return 1
    begun = state.get("daemons", running)  # of a cluster from before that was noted, nobody knows
    if running < begun:
        gone = f"{begun - running} of {begun} daemons are gone"
        print(f"cluster: {gone}: see {folder}/logs; `make cluster-down` ends the others", file=sys.stderr)
        return 1
    print(f"cluster: {running} daemons are running, with {state['file system']}")
    for name, page in state["pages"].items():
        print(f"  {name:14} {page}")
    print("  bin/pig -x mapreduce and -x tez use it; `make cluster-down` ends it")
    return 0


def _down(options: argparse.Namespace) -> int:
    folder: Path = options.folder.resolve()
    shutil.rmtree(folder / "conf", ignore_errors=True)  # from now on no client comes
    (folder / "state.json").unlink(missing_ok=True)
    ended = _end(folder)
    if options.remove:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"cluster: {ended} daemons were ended" if ended else "cluster: none was running")
    return 0


def _end(folder: Path) -> int:
    """End the daemons of a folder, and containers of theirs; how many daemons that were."""
    deadline = time.monotonic() + STOP_SECONDS
    pids = _daemons_of(folder)
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    while _daemons_of(folder) and time.monotonic() < deadline:
        time.sleep(0.1)
    for pid in [*_daemons_of(folder), *_left_by(folder)]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return len(pids)


def _left_by(folder: Path) -> list[int]:
    """Processes that work in folders of containers.

    But not somebody who looks around there: that one has a terminal, or it is us, or whoever called us.
    """
    mark = os.fsencode(folder / "workers") + b"/"
    found = [pid for pid, _ in _commands() if _place(pid).startswith(mark)]
    ours, pid = {0}, os.getpid()
    while pid not in ours:
        ours.add(pid)
        pid = int(_state(pid)[PARENT])
    return [pid for pid in found if pid not in ours and _state(pid)[TERMINAL] == "0"]


def _state(pid: int) -> list[str]:
    """What /proc/PID/stat says behind the name; of a process that is gone as of one that is nobody's."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    except OSError:
        return ["X", "0", "0", "0", "0"]


def _apart(options: argparse.Namespace) -> Configuration:
    """The configuration where each daemon is on a host of its own."""
    hosts = {"namenode": options.namenode, "resourcemanager": options.resourcemanager, "historyserver": options.history}
    return Configuration(
        options.folder.resolve(),
        PORTS,
        hosts,
        memory_mb=options.memory or 4096,
        container_mb=1024,
        cores=os.cpu_count() or 1,
        block_size=128 << 20,
        replication=options.replication,
        more={},
    )


def _conf(options: argparse.Namespace) -> int:
    configuration = _apart(options)
    configuration.write()
    print(f"export HADOOP_CONF_DIR={configuration.conf}")
    return 0


def _run(options: argparse.Namespace) -> int:
    configuration = _apart(options)
    configuration.write()
    environment = _environment(configuration)
    if options.daemon == "namenode":
        _format(configuration, environment)
    host = socket.gethostname()
    worker = _worker(host, host, configuration.folder / "worker", DATA_PORTS)
    command = _command(configuration, worker, DAEMONS[options.daemon])
    os.execvpe(command[0], command, environment)  # noqa: S606 -- an argument list, no shell


def main() -> int:
    """The command `bin/cluster`."""
    parser = argparse.ArgumentParser(prog="cluster", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where everything is kept (build/cluster)")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    up = commands.add_parser("up", help="start a cluster on loopback")
    up.add_argument("--nodes", type=int, default=1, metavar="N", help="workers (1)")
    up.add_argument("--memory", type=int, metavar="MB", help="of a worker, for containers (half of the machine's)")
    up.set_defaults(run=_up)
    down = commands.add_parser("down", help="end it")
    down.add_argument("--remove", action="store_true", help="remove its files in HDFS, its logs and all")
    down.set_defaults(run=_down)
    commands.add_parser("status", help="what is running").set_defaults(run=_status)
    for name, run in (("run", _run), ("conf", _conf)):
        apart = commands.add_parser(name, help="one daemon in the foreground" if run is _run else "only its clients")
        if run is _run:
            apart.add_argument("daemon", choices=DAEMONS)
        for host in ("namenode", "resourcemanager", "history"):
            apart.add_argument(f"--{host}", default=host, metavar="HOST", help=f"where the {host} is ({host})")
        apart.add_argument("--memory", type=int, metavar="MB", help="of a worker, for containers (4096)")
        apart.add_argument("--replication", type=int, default=1, metavar="N", help="copies of each block (1)")
        apart.set_defaults(run=run)
    options = parser.parse_args()
    if getattr(options, "nodes", 1) < 1:
        parser.error("--nodes: at least 1")
    if not (ROOT / "build/lib/.complete").exists():
        print("cluster: Hadoop's jars are missing: run 'make setup'", file=sys.stderr)
        return 2
    return int(options.run(options))


if __name__ == "__main__":
    sys.exit(main())
