"""The bundle: nodes need Java, and no Python of ours."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from docker.cluster import MiniCluster
from tests.conftest import DEMO, ROOT

pytestmark = pytest.mark.cluster
WHERE = """from pig_util import outputSchema
import sys, time

@outputSchema("path:chararray")
def python(word):
    return sys.executable
"""
SCRIPT = """
REGISTER '{here}/where.py' USING packetpig.bridge.Python AS ours;
REGISTER '{here}/where.py' USING streaming_python AS pigs;
fs -mkdir -p /{mode}; fs -put {demo} /{mode};
packets = LOAD '/{mode}/demo' USING PacketLoader();
named = FOREACH packets GENERATE ip_src, domains.registered_domain('www.example.co.uk') AS domain;
counted = FOREACH (GROUP named BY (ip_src, domain)) GENERATE FLATTEN(group), COUNT(named);
one = LIMIT packets 1;
found = FOREACH one GENERATE ours.python('x') AS ours, pigs.python('x') AS pigs;
STORE counted INTO '/{mode}/counted';
STORE found INTO '/{mode}/found';
fs -cat /{mode}/found/p*;
"""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """build/bundle, made if it is not there or older than the project."""
    archive = ROOT / "build/bundle/packetpig.tar.gz"
    kept = archive.exists()
    subprocess.run([ROOT / "bin/bundle"], check=True, stdout=subprocess.DEVNULL)
    yield
    if not kept:  # or other runs on a cluster would use it from now on
        archive.unlink()


@pytest.fixture(scope="module")
def python_less(tmp_path_factory: pytest.TempPathFactory, bundle: None) -> Iterator[MiniCluster]:
    """A cluster whose workers find a python3 on their PATH that only fails."""
    bad = tmp_path_factory.mktemp("bad")
    for name in ("python", "python3"):
        (bad / name).write_text("#!/bin/sh\necho no Python here >&2\nexit 99\n")
        (bad / name).chmod(0o755)
    path = {"PATH": f"{bad}:{os.environ['PATH']}", "PYTHONPATH": "/nowhere", "PYTHONHOME": "/nowhere"}
    with MiniCluster(tmp_path_factory.mktemp("cluster"), memory_mb=3072, worker_environment=path) as cluster:
        yield cluster


def pig(cluster: MiniCluster, mode: str, script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **cluster.environment, "PACKETPIG_LOGS": str(folder)}
    command = [str(ROOT / "bin/pig"), "-x", mode, "-e", script]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300, check=False)


@pytest.mark.parametrize("mode", ["mapreduce", "tez"])
def test_nodes_need_no_python(python_less: MiniCluster, tmp_path: Path, mode: str) -> None:
    (tmp_path / "where.py").write_text(WHERE)
    done = pig(python_less, mode, SCRIPT.format(here=tmp_path, demo=DEMO, mode=mode), tmp_path)
    assert done.returncode == 0, done.stderr
    for python in done.stdout.split():
        assert python.startswith(str(python_less.folder / "workers/1")), python
        assert python.endswith("/packetpig/bin/python3")
    assert len(done.stdout.split()) == 2


def test_it_is_made_again_when_anything_in_it_has_changed(tmp_path: Path) -> None:
    """Rules and settings of engines as well as code: a cluster would go on with the old ones."""
    for folder in ("bin", ".venv/bin", "loaders", "udfs", "pipelines/rules"):
        (tmp_path / folder).mkdir(parents=True)
    program = shutil.copy(ROOT / "bin/bundle", tmp_path / "bin")
    python = tmp_path / ".venv/bin/python"
    edits = f"[ ! -e {tmp_path}/edit ] || touch {tmp_path}/udfs/a.py"
    python.write_text(f'#!/bin/sh\necho packed >> {tmp_path}/calls\n{edits}\ntouch "$3"\n')
    python.chmod(0o755)
    rules = tmp_path / "pipelines/rules/our.rules"

    def packed() -> int:
        subprocess.run([program], check=True)
        return len((tmp_path / "calls").read_text().splitlines())

    assert [packed(), packed()] == [1, 1]
    rules.write_text("alert")
    assert [packed(), packed()] == [2, 2]
    rules.unlink()
    (tmp_path / "edit").touch()  # in the middle of it
    assert packed() == 3
    (tmp_path / "edit").unlink()
    assert [packed(), packed()] == [4, 4]


def test_it_is_whole_and_holds_nothing_of_this_machine(bundle: None) -> None:
    with tarfile.open(ROOT / "build/bundle/packetpig.tar.gz") as archive:
        members = {member.name: member for member in archive}
    names = set(members)
    assert {member.uname for member in members.values()} == {""}
    for module in ("loaders/packets", "udfs/domains", "loaders/bridge/worker"):
        (found,) = [name for name in names if name.endswith(f"packetpig/{module}.py")]
        assert f"{Path(found).parent}/__pycache__/{Path(found).stem}.cpython-" in " ".join(names)
    assert any(name.endswith("kernels/compiled/kernels.so") for name in names)
    assert any(name.startswith("engine/pig-") for name in names)
    assert not any("/site-packages/numba/" in name or "/dist-packages/numba/" in name for name in names)


def test_the_first_row_is_there_soon_and_nothing_is_compiled(bundle: None, tmp_path: Path) -> None:
    """As in a fresh container. Processor time is what counts: a wall clock measures what else runs here."""
    with tarfile.open(ROOT / "build/bundle/packetpig.tar.gz") as archive:
        inside = [member for member in archive if not member.name.startswith("engine")]
        archive.extractall(tmp_path, members=inside)
    command = [str(tmp_path / "bin/python3"), "-v", "-m", "packetpig.loaders.shell.main"]
    command += ["load", "sessions", str(DEMO / "2024-03-05T08.pcapng"), "--format", "jsonl"]
    before = os.times()
    done = subprocess.run(command, capture_output=True, text=True, env={"HOME": "/nowhere"}, check=True)
    after = os.times()
    assert done.stdout.startswith('{"sensor":'), done.stderr[-2000:]
    seconds = after.children_user + after.children_system - before.children_user - before.children_system
    assert seconds < 2
    imported = [line for line in done.stderr.splitlines() if line.startswith("# code object from")]
    assert imported
    assert [line for line in imported if not line.endswith(".pyc'")] == []  # else it comes from source
    places = {line.split("'")[1].startswith(f"{tmp_path}/") for line in imported}
    assert places == {True}
    assert not [file for file in tmp_path.rglob("*") if file.is_file() and file.stat().st_mtime]  # as they were packed
