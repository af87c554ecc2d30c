"""The same captures through the pipeline here, and with HDFS and YARN on this machine: by MapReduce, and by Tez.

GIGABYTES in the environment: how many of captures (4); ENGINE and RULES: as the pipeline's. For the latter two all of
it is in HDFS, captures and tables. The clock counts, as daemons do the work. The NodeManager has all cores.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

from packetpig.loaders.remote import system as remote

from docker.cluster import MiniCluster
from tests.bench.case import Case, share
from tests.bench.measure import Run
from tests.bench.pipeline import EACH, pipelined
from tests.bench.workshop import Workshop

GIGABYTES = float(os.environ.get("GIGABYTES", "4"))
CONTAINER = 2048  # MiB: half of it Java's


def cases(workshop: Workshop) -> Iterator[Case]:
    """YARN beside local, then Tez beside MapReduce."""
    size = int(GIGABYTES * 1000)
    captures = workshop.rotated(size, EACH)
    with tempfile.TemporaryDirectory(dir=workshop.folder) as folder:
        local = _pipeline(str(captures), f"{folder}/local", size)
        shutil.rmtree(f"{folder}/local")
        cores = os.cpu_count() or 1
        memory = (2 + cores) * CONTAINER  # the masters of a job, and a task for each core
        settings = {"memory_mb": memory, "container_mb": CONTAINER, "cores": cores, "block_size": 128 << 20}
        cluster = MiniCluster(Path(folder) / "cluster", **settings)
        with mock.patch.dict(os.environ, cluster.environment), cluster:
            there = f"{cluster.file_system}/captures"
            system, inside = remote.of(there)
            for path in captures.iterdir():
                with path.open("rb") as file:
                    system.write(f"{inside}/{path.name}", file)
            runs = {
                mode: _pipeline(there, f"{cluster.file_system}/{mode}", size, "--mode", mode)
                for mode in ("mapreduce", "tez")
            }
    for mode, done in runs.items():
        yield share(f"pipeline over {size:,} MB on YARN, {mode}; peer: local", done.wall, local.wall, 2)
    yield share("Tez; peer: MapReduce", runs["tez"].wall, runs["mapreduce"].wall, 1)


def _pipeline(captures: str, tables: str, size: int, *more: str) -> Run:
    done = pipelined(captures, tables, *more)
    print(f"bench: {more[-1] if more else 'local'}: {done.wall:.0f} s, {size / done.wall:.1f} MB/s", flush=True)
    return done
