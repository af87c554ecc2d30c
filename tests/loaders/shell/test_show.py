"""bin/packetpig show: the first rows of what Pig stored."""

from __future__ import annotations

import getpass
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.conftest import ROOT
from tests.loaders.shell.test_remote import REMOTE, sent
from tests.making import conversation, pcap

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def results(tmp_path: Path) -> Path:
    for name in ("text", "bare", "parquet", "packets"):
        (tmp_path / name).mkdir()
    (tmp_path / "text/.pig_header").write_text("host\tpackets\n")
    (tmp_path / "text/part-r-00000").write_text("ten.example\t10\n\x1b[2J\t7\n")
    (tmp_path / "text/part-r-00001").write_text("x" * 70 + "\t1\n")
    (tmp_path / "text/_SUCCESS").write_text("")
    (tmp_path / "bare/part-m-00000").write_text("1,2\n3,4\n")
    rows = pa.table({"ts": [1.5, 2.5], "ip_src": ["10.0.0.1", None]})
    pq.write_table(rows, tmp_path / "parquet/part-m-00000.parquet")
    (tmp_path / "packets/part-m-00000.pcap").write_bytes(pcap(conversation(100)))
    return tmp_path


TEXT = f"""host                                                          packets
------------------------------------------------------------  -------
ten.example                                                        10
·[2J                                                                7
{"x" * 59}…        1
"""


def test_text(results: Path, packetpig: Run) -> None:
    done = packetpig("show", results / "text")
    assert (done.returncode, done.stdout, done.stderr) == (0, TEXT, "")
    assert packetpig("show", results / "bare").stdout == "1  2\n3  4\n"
    alone = packetpig("show", results / "text/part-r-00001")
    assert alone.stdout.splitlines() == [TEXT.splitlines()[line] for line in (0, 1, -1)]


def test_first_rows(results: Path, packetpig: Run) -> None:
    done = packetpig("show", results / "text", "--rows", 1)
    assert done.stdout.splitlines()[-2:] == ["ten.example       10", f"… and 2 more in {results}/text"]


def test_parquet_and_packets(results: Path, packetpig: Run) -> None:
    assert packetpig("show", results / "parquet").stdout.split() == [
        "ts", "ip_src", "---", "--------", "1.5", "10.0.0.1", "2.5",
    ]  # fmt: skip
    names, _, first, *_ = packetpig("show", results / "packets").stdout.splitlines()
    assert names.split() == ["ts", "ip_src", "sport", "ip_dst", "dport", "ip_proto", "length"]
    assert len(first.split()) == 7


def test_nothing(tmp_path: Path, packetpig: Run) -> None:
    for place in (tmp_path, tmp_path / "none"):
        done = packetpig("show", place)
        assert (done.returncode, done.stderr) == (1, f"packetpig: {place}: no result there\n")


def test_no_parquet(tmp_path: Path, packetpig: Run) -> None:
    (tmp_path / "part-m-00000.parquet").write_text("PAR?")
    done = packetpig("show", tmp_path)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (1, "", 1)
    assert done.stderr.startswith(f"packetpig: {tmp_path}/part-m-00000.parquet: Parquet ")


@pytest.mark.parametrize("place", REMOTE, indirect=True)
def test_far_away(results: Path, packetpig: Run, place: str) -> None:
    """Rows that are not shown are not read, so they are not counted."""
    sent(results, place)
    for name in ("text", "bare", "parquet", "packets"):
        wanted, found = (packetpig("show", f"{top}/{name}", "--rows", 1000) for top in (results, place))
        assert (found.returncode, found.stdout) == (0, wanted.stdout), found.stderr
    assert packetpig("show", f"{place}/text", "--rows", 1).stdout.endswith(f"\n… and more in {place}/text\n")
    nothing = packetpig("show", f"{place}/none")
    assert (nothing.returncode, nothing.stderr) == (1, f"packetpig: {place}/none: no result there\n")


@pytest.mark.cluster
def test_a_script_on_the_cluster(cluster, packetpig: Run, pig: Run) -> None:  # type: ignore[no-untyped-def]
    """Its rows are shown, and what an earlier run left on this machine stays."""
    environment = {**os.environ, **cluster.environment}
    put = "fs -mkdir -p shown; fs -put tests/captures/demo shown;"
    assert pig("-x", "mapreduce", "-e", put, env=environment, cwd=ROOT).returncode == 0
    output = ROOT / "build/shown"
    (output / "who_talked").mkdir(parents=True)
    (output / "who_talked/kept").write_text("")
    settings = {"MODE": "mapreduce", "PCAP": "shown/demo", "OUTPUT": "build/shown"}
    command = [ROOT / "bin/run-script", "who_talked"]  # what `make who_talked` does
    done = subprocess.run(
        command, cwd=ROOT, env={**environment, **settings}, capture_output=True, text=True, timeout=300, check=False
    )
    kept = (output / "who_talked/kept").exists()
    shutil.rmtree(output)
    assert done.returncode == 0, done.stderr
    assert kept
    assert len(done.stdout.splitlines()) == 1 + 2 + 20 + 1, done.stdout
    there = f"{cluster.file_system}/user/{getpass.getuser()}/build/shown/who_talked"
    assert done.stdout.endswith(f"… and more in {there}\n")
