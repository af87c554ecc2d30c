"""The same captures through the pipeline here, and with HDFS and YARN on this machine: by MapReduce, and by Tez.

GIGABYTES in the environment: how many of captures (4); ENGINE and RULES: as the pipeline's. For the latter two all of
it is in HDFS, captures and tables. The clock counts, as daemons do the work. The NodeManager has all cores. A run whose
tables have not the rows of the local one's ends the bench.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

from packetpig.loaders.remote import system as remote
from packetpig.pipelines.store import store
from packetpig.pipelines.tables import DONE, Part, Tables

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
        wanted = _rows(f"{folder}/local")
        shutil.rmtree(f"{folder}/local")
        cores = os.cpu_count() or 1
        memory = (4 + cores) * CONTAINER  # masters of jobs, also of those that are just over, and a task for each core
        here = {"core-site": {"packetpig.bundle": "none"}}  # as `make cluster-up` has it before `make bundle`
        settings = {
            "memory_mb": memory, "container_mb": CONTAINER, "cores": cores, "block_size": 128 << 20, "more": here,
        }  # fmt: skip
        cluster = MiniCluster(Path(folder) / "cluster", **settings)
        with mock.patch.dict(os.environ, cluster.environment), cluster:
            there = f"{cluster.file_system}/captures"
            system, inside = remote.of(there)
            for path in captures.iterdir():
                with path.open("rb") as file:
                    system.write(f"{inside}/{path.name}", file)
            runs: dict[str, Run] = {}
            for mode in ("mapreduce", "tez"):
                tables = f"{cluster.file_system}/{mode}"
                runs[mode] = _pipeline(there, tables, size, "--mode", mode)
                if (found := _rows(tables)) != wanted:
                    raise ValueError(f"{mode}: rows of tables are {found}, those of the local run {wanted}")
                what = f"pipeline over {size:,} MB on YARN, {mode}; peer: local"
                yield share(what, runs[mode].wall, local.wall, 2)
    yield share("Tez; peer: MapReduce", runs["tez"].wall, runs["mapreduce"].wall, 1)


def _rows(place: str) -> Counter[str]:
    """The rows of each table of an output."""
    tables, found = Tables(store(place)), Counter[str]()
    for table in tables.store.names(DONE):
        for window, key in tables.windows(table).items():
            found[table] += tables.note(Part(table, window), key)["rows"].get(table, 0)
    return found


def _pipeline(captures: str, tables: str, size: int, *more: str) -> Run:
    done = pipelined(captures, tables, *more)
    print(f"bench: {more[-1] if more else 'local'}: {done.wall:.0f} s, {size / done.wall:.1f} MB/s", flush=True)
    return done
