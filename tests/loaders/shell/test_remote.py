"""The shell over hdfs:// and s3a://: what it gives for a folder of this machine."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from packetpig.loaders import load
from packetpig.loaders.remote import system as remote

from tests.conftest import DEMO
from tests.making import conversation, pcap

Run = Callable[..., subprocess.CompletedProcess[str]]
REMOTE = [pytest.param("hdfs", marks=pytest.mark.cluster), pytest.param("s3", marks=pytest.mark.slow)]
pytestmark = pytest.mark.parametrize("place", REMOTE, indirect=True)


def sent(source: Path, place: str) -> None:
    system, inside = remote.of(place)
    for path in sorted(source.rglob("*")):
        if path.is_file():
            with path.open("rb") as file:
                system.write(f"{inside}/{path.relative_to(source)}", file)


def bytes_of(address: str) -> bytes:
    with remote.opened(*remote.of(address)) as file:
        return file.read()


def test_load(packetpig: Run, place: str, tmp_path: Path) -> None:
    """Compressed captures, pcapng, folders, globs, sensors; into a file there."""
    sent(DEMO, f"{place}/in/north")
    shutil.copytree(DEMO, tmp_path / "in/north")
    columns = ("--columns", "sensor,capture,ts,length,ip_src")
    here, there = tmp_path / "in", f"{place}/in"
    for below in ("", "/north", "/north/*05T*", "/north/2024-03-05T16.pcap.gz"):
        command = ("load", "packets", *columns, "--option", "sensors=folders")
        wanted, found = (packetpig(*command, f"{top}{below}") for top in (here, there))
        assert found.returncode == 0, found.stderr
        assert found.stdout == wanted.stdout
        assert len(found.stdout) > 1000
    made = packetpig("load", "packets", there, *columns, "--output", f"{place}/out.parquet")
    assert made.returncode == 0, made.stderr
    assert bytes_of(f"{place}/out.parquet")[:4] == b"PAR1"
    again = packetpig("load", "packets", there, *columns, "--output", f"{place}/out.parquet")
    assert again.returncode == 1
    assert again.stderr.startswith(f"packetpig: {place}/out.parquet: exists already")
    assert load("packets", there, ["ts"]).read_all().num_rows == load("packets", str(here), ["ts"]).read_all().num_rows


def test_a_cut_capture_and_none(packetpig: Run, place: str, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/cut.pcap").write_bytes(pcap(conversation(100))[:-7])
    sent(tmp_path / "in", f"{place}/in")
    found, wanted = (packetpig("load", "packets", top, "--columns", "ts") for top in (f"{place}/in", tmp_path / "in"))
    assert (found.returncode, found.stdout) == (wanted.returncode, wanted.stdout)
    assert found.stderr.replace(place, str(tmp_path)) == wanted.stderr
    nothing = packetpig("load", "packets", f"{place}/none", "--columns", "ts")
    assert (nothing.returncode, nothing.stderr) == (1, f"packetpig: {place}/none: no such file or folder\n")


def test_carve(packetpig: Run, place: str, tmp_path: Path) -> None:
    sent(DEMO, f"{place}/in")
    where = ("--where", "tcp_dport == 25 OR tcp_sport == 25")
    assert packetpig("carve", *where, DEMO, tmp_path / "out.pcap").returncode == 0
    result = packetpig("carve", *where, f"{place}/in", f"{place}/out.pcap")
    assert (result.returncode, result.stderr) == (0, f"packetpig: {place}/out.pcap: 831 packets\n")
    assert bytes_of(f"{place}/out.pcap") == (tmp_path / "out.pcap").read_bytes()
    assert packetpig("carve", *where, f"{place}/in", f"{place}/out.pcap").returncode == 1
    into = packetpig("carve", *where, f"{place}/in", f"{place}/in")
    assert into.stderr.startswith(f"packetpig: {place}/in: not a file; carve writes a file")


def test_files_are_kept(packetpig: Run, place: str, tmp_path: Path) -> None:
    """store=: the files that a local folder gets; twice is as once."""
    sent(DEMO, f"{place}/in")
    command = ("load", "files", "--columns", "sha256,path,complete")
    assert packetpig(*command, DEMO, "--option", f"store={tmp_path}/kept").returncode == 0
    wanted = {path.name: path.read_bytes() for path in (tmp_path / "kept").iterdir()}
    assert len(wanted) > 20
    for _ in range(2):
        done = packetpig(*command, f"{place}/in", "--option", f"store={place}/kept")
        assert done.returncode == 0, done.stderr
    system, inside = remote.of(f"{place}/kept")
    assert {one.name: bytes_of(f"{place}/kept/{one.name}") for one in system.entries(inside)} == wanted
