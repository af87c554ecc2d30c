"""The bridge on a real HDFS and YARN: captures cut and pulled through Pig's side, functions shipped."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from docker.cluster import MiniCluster
from tests.conftest import ROOT

pytestmark = pytest.mark.cluster
PCAP = b"\xd4\xc3\xb2\xa1\x02\x00\x04\x00" + bytes(16)
Pig = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def cluster_pig(tmp_path_factory: pytest.TempPathFactory, cluster: MiniCluster, fake_python: Path) -> Pig:
    folder = tmp_path_factory.mktemp("logs")

    def run(script: str, mode: str = "mapreduce", **properties: object) -> subprocess.CompletedProcess[str]:
        defined = [f"-D{name.replace('_', '.')}={value}" for name, value in properties.items()]
        environment = {**os.environ, **cluster.environment, "PACKETPIG_LOGS": str(folder)}
        environment["PACKETPIG_PYTHON"] = str(fake_python)
        command = [str(ROOT / "bin/pig"), "-x", mode, *defined, "-e", script]
        return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300, check=False)

    return run


@pytest.mark.parametrize("mode", ["mapreduce", "tez"])
def test_captures_in_hdfs(cluster_pig: Pig, tmp_path: Path, mode: str) -> None:
    """Every byte arrives once, in ranges; a function of the user's runs in the tasks; a dead worker has its words."""
    big = PCAP + bytes(range(256)) * 20_000
    (tmp_path / "big.pcap").write_bytes(big)
    (tmp_path / "my.py").write_text("# what the fake knows\n")
    done = cluster_pig(
        f"""fs -mkdir -p /bridge-{mode}/north; fs -put {tmp_path}/big.pcap /bridge-{mode}/north/big.pcap;
        REGISTER '{tmp_path}/my.py' USING packetpig.bridge.Python AS my;
        a = LOAD '/bridge-{mode}' USING PythonLoader('pull', 'sensors=folders');
        b = FOREACH a GENERATE my.same(sensor) AS site, size, start;
        c = FOREACH (GROUP b BY site) GENERATE group, COUNT(b), SUM(b.size); DUMP c;""",
        mode,
        packetpig_split_bytes=2_000_000,
    )
    assert done.stdout.splitlines() == [f"(north,3,{len(big)})"], done.stderr
    done = cluster_pig(
        f"a = LOAD '/bridge-{mode}' USING PythonLoader('dies', 'mode=kill'); STORE a INTO '/bridge-{mode}/out';",
        mode,
        mapreduce_map_maxattempts=1,
        **{"tez.am.task.max.failed.attempts": 1},
    )
    assert done.returncode != 0
    expected = "loader dies died (killed by signal 9) while reading north/big.pcap: some words | last words"
    assert expected in done.stderr, done.stderr
