"""store=hdfs:// where tasks run on YARN: the job's settings say where WebHDFS is."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from packetpig.loaders.remote import system as remote

from docker.cluster import MiniCluster
from tests.conftest import DEMO

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.mark.cluster
def test_files_are_kept_in_hdfs(
    cluster: MiniCluster, pig: Run, packetpig: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    capture = DEMO / "2024-03-05T12.pcap"
    local = packetpig("load", "files", capture, "--columns", "sha256,path", "--option", f"store={tmp_path}/kept")
    assert local.returncode == 0, local.stderr
    wanted = sorted(path.name for path in (tmp_path / "kept").iterdir())
    assert wanted
    monkeypatch.setenv("HADOOP_CONF_DIR", str(cluster.conf))
    place = f"{cluster.file_system}/keeping"
    system, inside = remote.of(place)
    with capture.open("rb") as file:
        system.write(f"{inside}/in/a.pcap", file)
    script = f"files = LOAD '{place}/in' USING FileLoader('store={place}/kept');"
    script += f"paths = FOREACH files GENERATE sha256, path; STORE paths INTO '{place}/out';"
    done = pig("-x", "mapreduce", "-e", script, env={**os.environ, "PACKETPIG_LOGS": str(tmp_path / "logs")})
    assert done.returncode == 0, done.stderr
    assert [entry.name for entry in system.entries(f"{inside}/kept")] == wanted
    for name in wanted:
        with remote.opened(system, f"{inside}/kept/{name}") as kept:
            assert kept.read() == (tmp_path / "kept" / name).read_bytes()
