"""A cluster that asks everybody who he is: HDFS and YARN with a Kerberos server on loopback."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from docker.cluster import MiniCluster
from tests.conftest import DEMO, ROOT

from . import kerberos as server
from .conftest import Pig

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(not (server.LIB / ".complete").exists(), reason="no MiniKdc: bin/setup tests gets it"),
]
CAPTURE = DEMO / "2024-03-06T04.pcap"
# Without a shuffle, for which a secure YARN needs Hadoop's native code; Maven has none of it.
ROWS = "p = LOAD '{0}' USING PacketLoader(); q = FOREACH p GENERATE ts, ip_src, length; STORE q INTO '{1}'; cat {1};"


@pytest.fixture(scope="module")
def kerberos(tmp_path_factory: pytest.TempPathFactory) -> Iterator[server.Kerberos]:
    with server.serving(tmp_path_factory.mktemp("kerberos")) as running:
        yield running


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory, kerberos: server.Kerberos) -> Iterator[MiniCluster]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JAVA_TOOL_OPTIONS", f"-Djava.security.krb5.conf={kerberos.conf}")
        cluster = MiniCluster(tmp_path_factory.mktemp("secure"), memory_mb=3072, more=kerberos.settings)
        with cluster:
            patch.undo()
            yield cluster


def test_nobody_comes_in_without_a_name(pig: Pig, secure: MiniCluster, kerberos: server.Kerberos) -> None:
    realms = {"PACKETPIG_JAVA_OPTS": f"-Djava.security.krb5.conf={kerberos.conf}"}
    done = pig("-x", "mapreduce", "-e", "fs -ls /;", env={**secure.environment, **realms})
    assert done.returncode != 0
    assert "Client cannot authenticate via:[TOKEN, KERBEROS]" in done.stderr.splitlines()[0]


@pytest.fixture(scope="module")
def home(secure: MiniCluster, kerberos: server.Kerberos, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The user's folder, as whoever runs the cluster makes it."""
    options = kerberos.properties(server.DAEMON, tmp_path_factory.mktemp("admin") / "admin.properties")
    script = "fs -mkdir -p /tmp /user/analyst; fs -chown analyst /user/analyst;"
    script += "fs -chmod 1777 /tmp; fs -chmod 755 /user /user/history;"
    command = [ROOT / "bin/pig", "-x", "mapreduce", *options, "-e", script]
    subprocess.run(command, check=True, timeout=120, env={**os.environ, **secure.environment})
    return "/user/analyst"


@pytest.mark.parametrize("mode", ["mapreduce", "tez"])
def test_a_loader_with_a_keytab(
    pig: Pig, secure: MiniCluster, kerberos: server.Kerberos, home: str, tmp_path: Path, mode: str
) -> None:
    """Captures in HDFS that are the user's alone, read by tasks on YARN."""
    options = kerberos.properties(server.USER, tmp_path / "mine.properties")
    script = f"fs -mkdir {mode}; fs -put {CAPTURE} {mode}/; fs -chmod -R go-rwx {mode};"
    script += ROWS.format(mode, f"{home}/{mode}-out") + f"fs -ls {home};"
    done = pig("-x", mode, *options, "-e", script, env=secure.environment)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    rows = pig("-e", ROWS.format(CAPTURE, "out")).stdout.splitlines()
    assert len(rows) > 100
    assert lines[: len(rows)] == rows
    assert [line for line in lines if line.startswith("drwx------") and " analyst " in line and line.endswith(mode)]
