"""A Kerberos server on loopback, Hadoop's own for tests, and what a cluster is told to ask it."""

from __future__ import annotations

import contextlib
import ctypes
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import ROOT

LIB = ROOT / "build/minikdc"
REALM = "EXAMPLE.COM"
DAEMON = f"hadoop/localhost@{REALM}"
PAGES = f"HTTP/localhost@{REALM}"
USER = f"analyst@{REALM}"
SETTINGS = """org.name=EXAMPLE
org.domain=COM
instance=KDC
kdc.bind.address=127.0.0.1
kdc.port=0
transport=TCP
max.ticket.lifetime=86400000
max.renewable.lifetime=604800000
debug=false
"""
START_SECONDS = 120
PR_SET_PDEATHSIG = 1


@dataclass
class Kerberos:
    """A server that knows the daemons and a user."""

    folder: Path

    @property
    def conf(self) -> Path:
        """Where the realm and its server are."""
        return self.folder / "krb5.conf"

    @property
    def keytab(self) -> Path:
        """The keys of all."""
        return self.folder / "all.keytab"

    def properties(self, principal: str, file: Path) -> list[str]:
        """What somebody tells bin/pig who has a keytab, and has not run kinit."""
        settings = {
            "hadoop.security.krb5.principal": principal,
            "hadoop.security.krb5.keytab": self.keytab,
            "java.security.krb5.conf": self.conf,
        }
        file.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        return ["-P", str(file)]

    @property
    def settings(self) -> dict[str, dict[str, object]]:
        """Of a cluster that asks everybody who he is."""
        java = f"-Djava.security.krb5.conf={self.conf}"  # where machines have /etc/krb5.conf
        hdfs = {f"dfs.{daemon}.kerberos.principal": DAEMON for daemon in ("namenode", "datanode")}
        hdfs |= {f"dfs.{daemon}.keytab.file": str(self.keytab) for daemon in ("namenode", "datanode")}
        yarn = {f"yarn.{daemon}.principal": DAEMON for daemon in ("resourcemanager", "nodemanager")}
        yarn |= {f"yarn.{daemon}.keytab": str(self.keytab) for daemon in ("resourcemanager", "nodemanager")}
        return {
            "core-site": {
                "hadoop.security.authentication": "kerberos",
                "hadoop.security.authorization": "true",
                "hadoop.security.auth_to_local": f"RULE:[2:$1@$0](hadoop@{REALM})s/.*/hadoop/\nDEFAULT",
                "packetpig.bundle": "none",
            },
            "hdfs-site": {
                **hdfs,
                "dfs.block.access.token.enable": "true",
                "dfs.web.authentication.kerberos.principal": PAGES,
                "dfs.web.authentication.kerberos.keytab": self.keytab,
                "ignore.secure.ports.for.testing": "true",  # else data nodes must be root's, or have certificates
            },
            "yarn-site": yarn,
            "mapred-site": {
                "mapreduce.jobhistory.principal": DAEMON,
                "mapreduce.jobhistory.keytab": self.keytab,
                "yarn.app.mapreduce.am.staging-dir": "/user",
                "yarn.app.mapreduce.am.admin-command-opts": java,
                "mapreduce.admin.map.child.java.opts": java,
                "mapreduce.admin.reduce.child.java.opts": java,
            },
            "tez-site": {
                "tez.am.launch.cluster-default.cmd-opts": java,
                "tez.task.launch.cluster-default.cmd-opts": java,
            },
        }


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[Kerberos]:
    """Runs one, with its files in FOLDER."""
    settings = folder / "kdc.properties"
    settings.write_text(SETTINGS)
    running = Kerberos(folder)
    main = "org.apache.hadoop.minikdc.MiniKdc"
    names = [name.removesuffix(f"@{REALM}") for name in (DAEMON, PAGES, USER)]
    command = ["java", "-Xmx128m", "-XX:TieredStopAtLevel=1", "-cp", f"{LIB}/*", main]
    command += [str(folder), str(settings), str(running.keytab), *names]
    log = folder / "kdc.log"
    with (
        log.open("wb") as out,
        subprocess.Popen(command, stdout=out, stderr=out, preexec_fn=_die_with_parent) as server,
    ):
        try:
            deadline = time.monotonic() + START_SECONDS
            while b"Standalone MiniKdc Running" not in log.read_bytes():
                if server.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"MiniKdc did not start: see {log}")
                time.sleep(0.2)
            yield running
        finally:
            server.kill()
