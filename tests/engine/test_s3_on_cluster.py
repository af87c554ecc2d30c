"""Captures and outputs on s3a:// with jobs on YARN: tasks have the keys, and nobody else sees them."""

from __future__ import annotations

import os
import pty
import stat
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from packetpig.loaders import load
from pyarrow import fs

from docker.cluster import MiniCluster
from tests.conftest import DEMO, ROOT

from . import s3 as server
from .conftest import Pig

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(not (server.LIB / ".complete").exists(), reason="no s3proxy: bin/setup tests gets it"),
]
ROWS = "p = LOAD '{0}' USING PacketLoader(); q = FOREACH p GENERATE ts, ip_src, length; STORE q INTO '{1}';"


def properties(s3: server.S3, folder: Path, more: Mapping[str, str] = {}) -> list[str]:
    """Where the server is, in a file, as a user would have it."""
    file = folder / "s3.properties"
    file.write_text("".join(f"{name}={value}\n" for name, value in {**s3.settings, **more}.items()))
    return ["-P", str(file)]


@pytest.fixture(scope="module")
def stored(s3: server.S3, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The demo captures are on S3; the rows of one machine."""
    folder = tmp_path_factory.mktemp("local")
    script = f"fs -put {DEMO} s3a://captures/yarn;" + ROWS.format(DEMO, folder / "rows")
    command = [ROOT / "bin/pig", *properties(s3, folder), "-e", script]
    subprocess.run(command, check=True, capture_output=True, timeout=120, env={**os.environ, **s3.environment})
    return server.rows(fs.LocalFileSystem(), str(folder / "rows"))


def create(store: str, name: str, secret: str) -> None:
    """What `hadoop credential create` does; it asks for the secret twice, at a terminal."""
    command = ["java", "-cp", f"{ROOT}/build/lib/*", "org.apache.hadoop.security.alias.CredentialShell"]
    command += ["create", name, "-provider", store]
    user, program = pty.openpty()
    with subprocess.Popen(command, stdin=program, stdout=program, stderr=program) as running:
        os.close(program)
        said = b""
        for question in (b"Enter alias password", b"again"):
            while question not in said:
                said += os.read(user, 1024)
            os.write(user, secret.encode() + b"\n")
        while running.poll() is None:
            try:
                said += os.read(user, 1024)
            except OSError:  # it has ended
                break
    os.close(user)
    assert running.returncode == 0, said


def seen(folder: Path) -> list[Path]:
    """The files below a folder that have the secret in them."""
    files = (file for file in folder.rglob("*") if file.is_file() and not file.is_symlink())
    return [file for file in files if server.SECRET.encode() in file.read_bytes()]


def is_private(file: Path) -> bool:
    """Others may not enter one of the folders that it is in."""
    return any(folder.stat().st_mode & stat.S_IRWXO == 0 for folder in list(file.parents)[:4])


@pytest.mark.parametrize(
    ("mode", "keys"), [("mapreduce", "environment"), ("tez", "properties"), ("mapreduce", "store")]
)
def test_rows_are_those_of_one_machine(
    pig: Pig, cluster: MiniCluster, s3: server.S3, stored: list[str], tmp_path: Path, mode: str, keys: str
) -> None:
    """The secret is in files of the job's tokens alone: not in its configuration, and in no log."""
    environment = s3.environment if keys == "environment" else {}
    more = {"fs.s3a.access.key": server.USER, "fs.s3a.secret.key": server.SECRET} if keys == "properties" else {}
    if keys == "store":
        store = f"localjceks://file{tmp_path}/keys.jceks"
        create(store, "fs.s3a.access.key", server.USER)
        create(store, "fs.s3a.secret.key", server.SECRET)
        more = {"hadoop.security.credential.provider.path": store}
    out = f"captures/{mode}-{keys}"
    options = properties(s3, tmp_path, more)
    script = ROWS.format("s3a://captures/yarn", f"s3a://{out}")
    done = pig("-x", mode, *options, "-e", script, env={**cluster.environment, **environment})
    assert done.returncode == 0, done.stderr
    assert server.rows(s3.files, out) == stored
    assert server.SECRET not in done.stdout + done.stderr
    assert not seen(tmp_path / "logs")
    assert not seen(tmp_path / "tmp")
    assert list(cluster.folder.rglob("job.xml"))
    with_secret = seen(cluster.folder)
    assert bool(with_secret) or keys == "store"
    deadline = time.monotonic() + 60  # the staging folder goes with the job, its blocks a few heartbeats later
    while any(file.name.startswith("blk_") for file in seen(cluster.folder)) and time.monotonic() < deadline:
        time.sleep(1)
    assert not [file for file in seen(cluster.folder) if file.name.startswith("blk_")]
    for file in with_secret:  # of HDFS's blocks, what is in the job's private folder until the job ends
        assert file.name.endswith(("tokens", "Tokens")) or file.name.startswith("blk_"), file
        assert is_private(file) or file.name.startswith("blk_"), file


def test_files_are_kept_on_s3(pig: Pig, cluster: MiniCluster, s3: server.S3, tmp_path: Path) -> None:
    """Python in a task has the keys as well, from the job's credentials; they are in no configuration."""
    script = f"fs -put {DEMO} {cluster.file_system}/demo;"
    script += f"f = LOAD '{cluster.file_system}/demo' USING FileLoader('store=s3a://captures/kept');"
    script += f"h = FOREACH f GENERATE sha256, path; STORE h INTO '{cluster.file_system}/kept-rows';"
    environment = {**cluster.environment, **s3.environment}
    done = pig("-x", "mapreduce", *properties(s3, tmp_path), "-e", script, env=environment)
    assert done.returncode == 0, done.stderr
    kept = {Path(one.path).name for one in s3.files.get_file_info(fs.FileSelector("captures/kept"))}
    wanted = set(load("files", str(DEMO), ["sha256"], "complete").read_all().column(0).drop_null().to_pylist())
    assert wanted
    assert wanted <= kept
    assert all(server.SECRET.encode() not in file.read_bytes() for file in cluster.folder.rglob("job.xml"))
