"""A server of S3's protocol on loopback: s3proxy, whose log says what is asked for."""

from __future__ import annotations

import contextlib
import ctypes
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pyarrow import fs

from tests.conftest import ROOT

HERE = Path(__file__).parent
LIB = ROOT / "build/s3proxy"
USER = "packetpig-test-user"
SECRET = "not-to-be-seen-anywhere-8a1f"
START_SECONDS = 120
REQUEST = re.compile(r"^(\S+) request: Request\[?\(?(\w+) (?:https?:)?//[^/]+/(\S*?)\)?[@\]]")
RANGE = re.compile(r"^(\S+) header: Range: bytes=(\d+)-(\d*)", re.IGNORECASE)
PR_SET_PDEATHSIG = 1


@dataclass
class S3:
    """A server with the bucket `captures`."""

    endpoint: str
    log: Path

    @property
    def files(self) -> fs.FileSystem:
        """What it holds, seen by another client."""
        return fs.S3FileSystem(
            access_key=USER, secret_key=SECRET, endpoint_override=self.endpoint, allow_bucket_creation=True
        )

    @property
    def settings(self) -> dict[str, object]:
        """Where it is; who comes, and with what secret, is said otherwise."""
        return {
            "fs.s3a.endpoint": self.endpoint,
            "fs.s3a.endpoint.region": "us-east-1",
            "fs.s3a.path.style.access": "true",
            "fs.s3a.connection.ssl.enabled": "false",
        }

    @property
    def environment(self) -> dict[str, str]:
        """Who comes, as AWS's own tools are told."""
        return {"AWS_ACCESS_KEY_ID": USER, "AWS_SECRET_ACCESS_KEY": SECRET}

    @property
    def client(self) -> dict[str, str]:
        """The same for clients that are not Hadoop's, with where it is."""
        return {**self.environment, "AWS_ENDPOINT_URL": self.endpoint, "AWS_REGION": "us-east-1"}

    def ranges(self, name: str, since: int = 0) -> list[tuple[int, int] | None]:
        """What was asked for of objects with that in their path: first and last byte, None for the whole."""
        found: list[tuple[int, int] | None] = []
        wanted: dict[str, int] = {}  # the threads that answer such requests, and where in the list their ranges go
        for line in self.log.read_bytes()[since:].decode(errors="replace").splitlines():
            if request := REQUEST.match(line):
                wanted.pop(request[1], None)
                if request[2] == "GET" and name in request[3]:
                    wanted[request[1]] = len(found)
                    found.append(None)
            elif (part := RANGE.match(line)) and part[1] in wanted:
                found[wanted[part[1]]] = (int(part[2]), int(part[3] or 1 << 62))
        return found


def rows(files: fs.FileSystem, folder: str) -> list[str]:
    """The lines of what a script stored there, in their order by text."""
    parts = [file for file in files.get_file_info(fs.FileSelector(folder)) if file.base_name.startswith("part-")]
    return sorted(line for part in parts for line in files.open_input_file(part.path).read().decode().splitlines())


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[S3]:
    """Such a server, with its settings and its log in FOLDER."""
    port = _free_port()
    settings = {
        "s3proxy.endpoint": f"http://127.0.0.1:{port}",
        "s3proxy.authorization": "aws-v2-or-v4",
        "s3proxy.identity": USER,
        "s3proxy.credential": SECRET,
        "jclouds.provider": "transient",  # in memory; those in folders take a folder for an object
        "s3proxy.ignore-unknown-headers": "true",  # newer checksums
        "jclouds.identity": "nobody",
        "jclouds.credential": "none",
    }
    file = folder / "s3proxy.conf"
    file.touch(0o600)
    file.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    java = ["java", "-Xmx512m", "-XX:TieredStopAtLevel=1", f"-Dlogback.configurationFile={HERE / 'logback.xml'}"]
    command = [*java, "-cp", f"{LIB}/*", "org.gaul.s3proxy.Main", "--properties", str(file)]
    log = folder / "s3proxy.log"
    with (
        log.open("wb") as out,
        subprocess.Popen(command, stdout=out, stderr=out, preexec_fn=_die_with_parent) as server,
    ):
        try:
            _wait_for(port, server)
            running = S3(f"http://127.0.0.1:{port}", log)
            running.files.create_dir("captures")
            yield running
        finally:
            server.kill()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.2)
    raise RuntimeError("s3proxy did not start")
