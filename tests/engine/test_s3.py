"""Captures and outputs on s3a://, held against s3proxy on loopback."""

from __future__ import annotations

import os
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from pyarrow import fs

from tests.conftest import DEMO, ROOT
from tests.engine import s3 as server

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (server.LIB / ".complete").exists(), reason="no s3proxy: bin/setup tests gets it"),
]
PACKETS = 8 * 1024
Packetpig = Callable[..., subprocess.CompletedProcess[str]]
ROWS = "p = LOAD '{0}' USING PacketLoader(); q = FOREACH p GENERATE ts, ip_src, length; STORE q INTO '{1}';"


def pig(s3: server.S3, script: str, logs: Path, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Where the server is stands in a file of properties, as a user would have it."""
    file = logs / "s3.properties"
    file.write_text("".join(f"{name}={value}\n" for name, value in s3.settings.items()))
    env = {**os.environ, "PACKETPIG_LOGS": str(logs / "logs"), **(environment or s3.environment)}
    command = [str(ROOT / "bin/pig"), "-P", str(file), *options, "-e", script]
    return subprocess.run(command, capture_output=True, text=True, env=env, timeout=300, check=False)


def test_captures_and_outputs(s3: server.S3, tmp_path: Path) -> None:
    """The rows of local captures; no secret in a log, nor in what a user sees."""
    local = pig(s3, ROWS.format(DEMO, tmp_path / "local"), tmp_path)
    assert local.returncode == 0, local.stderr
    put = f"fs -put {DEMO} s3a://captures/demo;"
    done = pig(s3, put + ROWS.format("s3a://captures/demo", "s3a://captures/out"), tmp_path)
    assert done.returncode == 0, done.stderr
    expected = server.rows(fs.LocalFileSystem(), str(tmp_path / "local"))
    assert len(expected) > 1000
    assert server.rows(s3.files, "captures/out") == expected
    names = {file.base_name for file in s3.files.get_file_info(fs.FileSelector("captures/out"))}
    assert {name for name in names if not name.startswith("part-")} == {"_SUCCESS"}
    said = [done.stdout, done.stderr, *(log.read_text() for log in (tmp_path / "logs").iterdir())]
    assert len(said) > 2
    assert not [text for text in said if server.SECRET in text]


def test_only_what_is_needed_is_read(s3: server.S3, tmp_path: Path) -> None:
    """A capture that is cut: each range once; 1 MB before it, to find records; its header; a record going beyond."""
    capture = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    capture += b"".join(struct.pack("<IIII", number, 0, 1008, 1008) + bytes(1008) for number in range(PACKETS))
    (tmp_path / "big.pcap").write_bytes(capture)
    put = f"fs -mkdir s3a://captures/one; fs -put {tmp_path}/big.pcap s3a://captures/one;"
    assert pig(s3, put, tmp_path).returncode == 0
    size = len(capture)
    script = "p = LOAD 's3a://captures/one' USING PacketLoader();"
    script += "c = FOREACH (GROUP p ALL) GENERATE COUNT(p); DUMP c;"
    before = s3.log.stat().st_size
    done = pig(s3, script, tmp_path, "-Dpacketpig.split.bytes=2m")
    assert done.stdout == f"({PACKETS})\n", done.stderr
    ranges = s3.ranges("big.pcap", before)
    assert len(ranges) >= 5
    assert None not in ranges
    asked = sum(min(last, size - 1) - first + 1 for first, last in filter(None, ranges))
    more = 5 * (1 << 20) + 10 * (64 << 10)
    assert size <= asked <= size + more, ranges
    assert len(ranges) <= 1 + 5 * 3


def kept(s3: server.S3, packetpig: Packetpig, place: str) -> subprocess.CompletedProcess[str]:
    command = ("load", "files", DEMO, "--columns", "sha256,path,complete", "--option", f"store={place}")
    return packetpig(*command, env={**os.environ, **s3.client})


def test_files_are_kept(s3: server.S3, packetpig: Packetpig, tmp_path: Path) -> None:
    """store=s3a://: the files that a local folder gets, by the same names; twice is as once."""
    for folder in ("s3a://captures/kept", str(tmp_path / "kept"), "s3a://captures/kept"):
        done = kept(s3, packetpig, folder)
        assert done.returncode == 0, done.stderr
    local = {path.name: path.read_bytes() for path in (tmp_path / "kept").iterdir()}
    assert len(local) > 20
    found = s3.files.get_file_info(fs.FileSelector("captures/kept"))
    assert {file.base_name: s3.files.open_input_file(file.path).read() for file in found} == local
    assert {row.split(",")[1] for row in done.stdout.splitlines()[1:]} - {""} <= {
        f"s3a://captures/kept/{name}" for name in local
    }


def test_files_that_cannot_be_kept(s3: server.S3, packetpig: Packetpig) -> None:
    """One line says where and why; no secret is in it."""
    done = kept(s3, packetpig, "s3a://nowhere/kept")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()[-1:]
    assert line.startswith("packetpig: s3a://nowhere/kept: ")
    assert server.SECRET not in done.stderr
