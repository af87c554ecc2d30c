"""The pipeline on two windows of the demo captures: its tables are those of loaders, whatever happened on the way."""

from __future__ import annotations

import contextlib
import fcntl
import ipaddress
import math
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.dataset as ds
import pytest
from packetpig.loaders import load
from packetpig.pipelines.stage import SCRIPTS, stages
from packetpig.pipelines.windows import Window, seconds
from packetpig.udfs.domains import registered_domain
from packetpig.udfs.sessions import NAMES

from tests.conftest import DEMO, ROOT

CAPTURES = ("2024-03-05T12.pcap", "2024-03-05T16.pcap.gz")
"""A mail goes on from one to the other."""
LATE = "2024-03-05T08.pcapng"
LENGTH, FIRST, SECOND = "8h", "2024-03-05T0800", "2024-03-05T1600"
OURS = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "2001:db8::/32")
INTERNAL = [ipaddress.ip_network(one) for one in OURS]
BOUNDARY = 1709654400  # where the second window begins


def pipeline(captures: Path, tables: Path, window: str = LENGTH, *more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "packetpig.pipelines", str(captures), str(tables), "--window", window]
    command += more if "--without" in more else [*more, "--without", "report"]  # tests/pipelines/report has that
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900, check=False)


def inputs(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True)
    for name in names:
        shutil.copy(DEMO / name, folder)
    return folder


def rows(tables: Path, table: str) -> list[dict[str, Any]]:
    found = ds.dataset(tables / table, format="parquet", partitioning="hive").to_table().to_pylist()
    return sorted(found, key=str)


def near(one: Any, other: Any) -> bool:
    return math.isclose(one, other, rel_tol=1e-12) if isinstance(one, float) and other is not None else one == other


def same(found: list[dict[str, Any]], wanted: list[dict[str, Any]], but: tuple[str, ...] = ()) -> None:
    """Sums of floating point may differ in their last digit, which depends on the order."""
    assert len(found) == len(wanted)
    for one, other in zip(found, wanted, strict=True):
        assert {name for name in one if name not in but and not near(one[name], other[name])} == set(), (one, other)


def same_tables(found: Path, wanted: Path, least: int, but: tuple[str, ...] = ()) -> None:
    """All tables of an output are those of another; there are LEAST of them and more."""
    tables = {path.name for path in wanted.iterdir() if path.is_dir() and path.name[0] != "."}
    assert len(tables) >= least
    for name in tables - {"incident_pages"}:
        same(rows(found, name), rows(wanted, name), ("known_since", *but))


def sessions(captures: Path) -> list[dict[str, Any]]:
    wanted = load("sessions", str(captures), list(NAMES)).read_all().to_pylist()
    for row in wanted:
        row["window"] = Window.at(row["ts"], seconds(LENGTH)).name
    return sorted(wanted, key=str)


def found_sessions(tables: Path) -> list[dict[str, Any]]:
    found = rows(tables, "sessions")
    for row in found:
        row["window"] = str(row["window"])
    return sorted(found, key=str)


def spoken(captures: Path, tables: Path, loader: str, **options: str) -> tuple[list[str], list[str]]:
    """Rows that the tables of a protocol have, and those of one run of its loader over all captures."""
    found = ds.dataset(tables / loader, format="parquet").to_table()
    wanted = load(loader, str(captures), found.column_names, **options).read_all()
    return sorted(map(str, found.to_pylist())), sorted(map(str, wanted.to_pylist()))


def things(captures: Path) -> Iterator[tuple[str, str | None, float]]:
    """What first_seen is about, by loaders alone: kind, value, time."""

    def table(loader: str, **options: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = load(loader, str(captures), **options).read_all().to_pylist()
        return found

    def ours(address: str) -> bool:
        return any(ipaddress.ip_address(address) in one for one in INTERNAL)

    for row in table("sessions"):
        yield "source", row["src"], row["ts"]
        service = f" {row['service']}" if row["service"] else ""
        if ours(row["src"]) and not ours(row["dst"]) and row["dst_packets"]:
            yield "outbound_flow", f"{row['src']} to {row['dst']}, {row['proto']} {row['dport']}{service}", row["ts"]
        answered = row["dst_bytes"] or row["state"] in ("S1", "SF")
        if ours(row["dst"]) and row["proto"] in ("tcp", "udp") and answered:
            yield "listening_port", f"{row['dst']}, {row['proto']} {row['dport']}", row["ts"]
    for row in table("http"):
        yield "user_agent", row["user_agent"], row["ts"]
        yield "domain", domain(re.sub(":[0-9]*$", "", row["host"] or "")), row["ts"]
    for row in table("tls"):
        yield "ja4", row["ja4"], row["ts"]
        yield "domain", domain(row["sni"] or ""), row["ts"]
    for row in table("dns"):
        asked = row["kind"] == "query" and row["section"] == "question" and not row["name"].lower().endswith(".arpa")
        yield "domain", domain(row["name"]) if asked else None, row["ts"]
    for row in table("files"):
        yield "file", row["sha256"], row["ts"]
    for row in table("snort", engine="auto"):
        yield "signature", f"{row['gid']}:{row['sid']} {row['message']}", row["ts"]


def domain(name: str) -> str | None:
    """What somebody registered of a name, else its last two labels."""
    name = name.lower()
    if not name.strip("0123456789.") or name.startswith("["):
        return None
    return registered_domain(name) or ".".join(name.split(".")[-2:])


def first_sightings(captures: Path) -> dict[tuple[str, str], float]:
    """What was first seen when, by loaders alone."""
    first: dict[tuple[str, str], float] = {}
    for kind, value, ts in things(captures):
        if value is not None:
            first[kind, value] = min(ts, first.get((kind, value), ts))
    return first


def found_sightings(tables: Path) -> dict[tuple[str, str], float]:
    found = rows(tables, "first_seen")
    assert len({(row["kind"], row["value"]) for row in found}) == len(found)
    return {(row["kind"], row["value"]): row["ts"] for row in found}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("pipeline")
    captures = inputs(folder / "in", *CAPTURES)
    result = pipeline(captures, folder / "out")
    assert result.returncode == 0, result.stderr
    return captures, folder / "out"


def test_sessions_are_those_of_one_run_under_the_window_they_began_in(made: tuple[Path, Path]) -> None:
    captures, tables = made
    found = found_sessions(tables)
    assert found == sessions(captures)
    assert {row["window"] for row in found} == {FIRST, SECOND}
    assert any(row["window"] == FIRST and row["end_ts"] > BOUNDARY for row in found)


def test_packets_add_up(made: tuple[Path, Path]) -> None:
    captures, tables = made
    volumes = load("volumes", str(captures), ["packets", "bytes"]).read_all().to_pylist()
    found = rows(tables, "packets")
    assert sum(row["sent_packets"] for row in found) == sum(row["packets"] for row in volumes)
    assert sum(row["sent_bytes"] for row in found) == sum(row["bytes"] for row in volumes)


@pytest.mark.parametrize("loader", ["dns", "http", "tls", "files"])
def test_what_sessions_say_is_what_one_run_finds(made: tuple[Path, Path], loader: str) -> None:
    found, wanted = spoken(*made, loader)
    assert found
    assert found == wanted


@pytest.mark.slow
def test_sensors_that_saw_the_same_do_not_mix(tmp_path: Path) -> None:
    """Each is read by a process of its own."""
    captures = tmp_path / "in"
    for sensor in ("north", "south"):
        inputs(captures / sensor, *CAPTURES)
    few = ("--without", ",".join(sorted(set(stages()) - {"tracked", "sessions", "said"})))
    result = pipeline(captures, tmp_path / "out", LENGTH, "--sensors", "folders", *few)
    assert result.returncode == 0, result.stderr
    for loader in ("sessions", "dns", "http", "tls", "files"):
        found, wanted = spoken(captures, tmp_path / "out", loader, sensors="folders")
        assert found == wanted
        assert all(any(f"'{sensor}'" in row for row in found) for sensor in ("north", "south"))


def test_alerts_and_fingerprints_are_those_of_one_run(made: tuple[Path, Path]) -> None:
    captures, tables = made
    for table, loader, options in (("alerts", "snort", {"engine": "auto"}), ("fingerprints", "p0f", {})):
        wanted = load(loader, str(captures), ["ts", "src", "dst", "dport"], **options).read_all().to_pylist()
        found = [{name: row[name] for name in ("ts", "src", "dst", "dport")} for row in rows(tables, table)]
        assert sorted(found, key=str) == sorted(wanted, key=str)


def test_first_sightings(made: tuple[Path, Path]) -> None:
    captures, tables = made
    assert found_sightings(tables) == first_sightings(captures)
    kinds = {row["kind"] for row in rows(tables, "first_seen")}
    assert kinds >= {"source", "outbound_flow", "listening_port", "domain", "user_agent", "file"}
    novelty = rows(tables, "novelty")
    assert {row["capture"] for row in novelty} == set(CAPTURES)
    assert sum(row["new_things"] for row in novelty) == len(rows(tables, "first_seen"))
    assert all(row["share"] == row["new_things"] / row["things"] for row in novelty)


def test_an_exchange_goes_on_into_the_next_window(tmp_path: Path) -> None:
    """A download begins before 12:00 and ends after it: it is whole, under the window in which its session began."""
    captures = inputs(tmp_path / "in", "2024-03-04T08.pcap", "2024-03-04T12.pcap")
    only = set(stages()) - {"tracked", "sessions", "said"}
    result = pipeline(captures, tmp_path / "out", "4h", "--without", ",".join(sorted(only)))
    assert result.returncode == 0, result.stderr
    found, wanted = spoken(captures, tmp_path / "out", "http")
    assert found == wanted
    noon = 1709553600
    over = [row for row in rows(tmp_path / "out", "http") if row["ts"] < noon < row["ts"] + (row["duration"] or 0)]
    assert [(row["window"], row["complete"]) for row in over] == [("2024-03-04T0800", True)]


def test_a_second_run_does_nothing_and_a_late_capture_reopens_its_window(made: tuple[Path, Path]) -> None:
    captures, tables = made
    before = {path: path.stat().st_mtime_ns for path in tables.rglob("*.parquet")}
    again = pipeline(captures, tables)
    assert again.returncode == 0
    assert {path: path.stat().st_mtime_ns for path in tables.rglob("*.parquet")} == before

    shutil.copy(DEMO / LATE, captures)
    (captures / "bad.pcap").write_bytes(b"hello, world")
    late = pipeline(captures, tables)
    assert late.returncode == 1
    assert f"{captures}/bad.pcap: " in late.stderr
    assert f"packets {FIRST}: " in late.stderr
    behind = {line.split()[1] for line in late.stderr.splitlines() if f" {SECOND}: " in line}
    assert behind == {"shapes"}  # whose first bins begin in the window before
    (captures / "bad.pcap").rename(captures / "_bad.pcap")
    assert found_sessions(tables) == sessions(captures)
    assert found_sightings(tables) == first_sightings(captures)


@pytest.mark.slow
def test_changed_rules_make_alerts_again_and_what_they_lead_to(made: tuple[Path, Path], tmp_path: Path) -> None:
    captures, tables = made
    rules = tmp_path / "site.rules"
    rules.write_text(
        'alert tcp any any -> any 25 (msg:"mail"; flow:to_server,established; content:"EHLO"; sid:7; rev:1;)\n'
    )
    result = pipeline(captures, tables, LENGTH, "--rules", str(rules))
    assert result.returncode == 0, result.stderr
    ran = {line.split()[1] for line in result.stderr.splitlines() if " rows, " in line}
    assert ran == {"alerts", "alerted", "signatures", "seen", "first_seen", "incidents"}
    assert {row["sid"] for row in rows(tables, "alerts")} == {7}
    assert all(row["session_id"] for row in rows(tables, "alerts"))


def test_another_length_of_windows_is_refused(made: tuple[Path, Path]) -> None:
    captures, tables = made
    result = pipeline(captures, tables, "1h")
    assert (result.returncode, result.stderr.count("\n")) == (2, 1)
    assert "windows of 8h" in result.stderr


def test_two_runs_at_once(tmp_path: Path) -> None:
    captures = inputs(tmp_path / "in", CAPTURES[0])
    (tmp_path / "out").mkdir()
    with (tmp_path / "out/.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        result = pipeline(captures, tmp_path / "out")
    assert result.returncode == 75
    assert "another run is at work" in result.stderr


FEW = ("--without", ",".join(sorted(set(stages()) - {"packets", "tracked", "sessions"})))


@pytest.mark.parametrize("more", [FEW, pytest.param((), marks=pytest.mark.slow)], ids=["few", "all"])
def test_killed_and_run_again(tmp_path: Path, more: tuple[str, ...], pytestconfig: pytest.Config) -> None:
    """At random points, without a chance to clean up; then all tables are those of one clean run."""
    times = 2 if more else pytestconfig.getoption("--kills")
    captures = inputs(tmp_path / "in", *CAPTURES)
    began = time.monotonic()
    clean = pipeline(captures, tmp_path / "clean", LENGTH, *more)
    assert clean.returncode == 0, clean.stderr
    most = max(8, (time.monotonic() - began) / 5)  # what is done stays done, so all stages have their turn
    dice = random.Random(7)
    for _ in range(times):
        command = [sys.executable, "-m", "packetpig.pipelines", str(captures), str(tmp_path / "out")]
        command += ["--window", LENGTH, *(more or ("--without", "report"))]
        with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL) as process:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(dice.uniform(1, most))
            process.send_signal(signal.SIGKILL)
        if process.returncode == 0:  # all was done: begin anew
            shutil.rmtree(tmp_path / "out")
    for _ in range(60):  # a Pig that was in the middle ends with its parent, and gives its lock back
        result = pipeline(captures, tmp_path / "out", LENGTH, *more)
        if result.returncode != 75:
            break
        time.sleep(0.5)
    assert result.returncode == 0, result.stderr
    assert found_sessions(tmp_path / "out") == sessions(captures)
    assert not (tmp_path / "out/.work").exists()
    same_tables(tmp_path / "out", tmp_path / "clean", 6 if more else 20)
    for page in (tmp_path / "clean/incident_pages").glob("*.txt"):
        assert (tmp_path / "out/incident_pages" / page.name).read_text() == page.read_text()


def test_names_of_windows() -> None:
    assert Window.at(1709596799.9, 86400).name == "2024-03-04"
    assert Window.at(1709596800, 900).name == "2024-03-05T0000"
    assert (seconds("15m"), seconds("6h"), seconds("1d")) == (900, 21600, 86400)
    with pytest.raises(ValueError, match="15m, 6h, 1d"):
        seconds("soon")


@pytest.mark.parametrize("name", sorted(stages()))
def test_a_stage_says_what_it_is(name: str) -> None:
    stage = stages()[name]
    assert (stage.__doc__ or "").strip()
    if name == "report":  # the only one whose scripts have a room of their own, pig/report
        return
    lines = (SCRIPTS / f"{name}.pig").read_text().splitlines()
    assert lines[0].startswith("-- ")
    assert lines[0].endswith("?")
    assert lines[1].startswith("-- Parameters: ")
    for table in stage.stored():
        assert f"INTO '$output/{table}' USING ParquetStorer();" in "\n".join(lines)
