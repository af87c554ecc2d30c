"""What may go wrong around the pipeline: it says so in a line, does the rest, and nothing half-written counts."""

from __future__ import annotations

import contextlib
import errno
import gzip
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import urlopen

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from packetpig.loaders import load
from packetpig.loaders.contract.report import CaptureError
from packetpig.pipelines import pig, stage
from packetpig.pipelines.__main__ import _apart, _sound, main
from packetpig.pipelines.archive import EMPTY, GONE, READ, UNREADABLE, Archive, Entry, listed
from packetpig.pipelines.expire import main as expire
from packetpig.pipelines.ingest import AGAIN, News, ingest
from packetpig.pipelines.run import Log, Run
from packetpig.pipelines.settings import Settings
from packetpig.pipelines.stage import stages
from packetpig.pipelines.store import LocalStore, StoreError, store
from packetpig.pipelines.tables import Part, Tables

from tests.conftest import ROOT, until
from tests.making import pcap
from tests.pipelines.test_pipeline import CAPTURES, LENGTH, found_sessions, inputs, pipeline, rows, sessions

SMALL = 20_000  # bytes of a file: less than the run wants to write


def only(*kept: str) -> tuple[str, str]:
    return "--without", ",".join(sorted(set(stages()) - set(kept)))


def test_a_script_is_what_it_does(tmp_path: Path) -> None:
    """Its statements and those of macros that it uses, down to the last; comments do not count."""
    script, same, other = (tmp_path / f"{name}.pig" for name in ("one", "same", "other"))
    script.write_text("-- What?\nrows = LOAD 'x';\nfound = ANOMALIES(rows, rows, '');\n")
    same.write_text("-- What else?\n\nrows = LOAD 'x';\n  -- so\nfound = ANOMALIES(rows, rows, '');\n")
    other.write_text("-- What?\nrows = LOAD 'x';\nfound = ANOMALIES(rows, rows, '10.0.0.0/8');\n")
    assert pig.program(script) == pig.program(same) != pig.program(other)
    assert "DEFINE ANOMALY_BEACONS" in pig.program(script)
    assert "DEFINE SESSIONS(" not in pig.program(script)


def test_a_heap_that_java_would_not_take(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "in").mkdir()
    for heap in ("much", "1", "1k", "1m", "0g", "-1g", "1g -version"):
        assert main([str(tmp_path / "in"), str(tmp_path / "out"), f"--heap={heap}"]) == 2
        assert capfd.readouterr().err.endswith(f"pipeline: heap: {heap} is no amount of memory like 1g or 768m\n")


def test_settings_that_nothing_can_be_done_with(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """One line, before anything is made."""
    (tmp_path / "in").mkdir()
    for given, line in {
        "--workers=0": "workers: 0 is less than 1",
        "--max-windows=0": "max_windows: 0 is less than 1",
        "--settle=-1": "settle: -1 is less than 0",
        "--warm=-100": "warm: -100 is less than 0",
        "--follow=-2": "follow: -2 is less than -1",
        "--mode=lokal": "mode: lokal is none of local, mapreduce, tez, tez_local",
        "--internal=10.0.0.0/33": "internal: 10.0.0.0/33 is no network like 10.0.0.0/8 or fc00::/7",
        "--internal=10.0.0.0/8,it's": "internal: it's is no network like 10.0.0.0/8 or fc00::/7",
        "--internal=,": "internal: nothing is no network like 10.0.0.0/8 or fc00::/7",
    }.items():
        assert main([str(tmp_path / "in"), str(tmp_path / "out"), given]) == 2, given
        assert capfd.readouterr().err == f"pipeline: {line}\n"
    assert not (tmp_path / "out").exists()


def test_tables_among_captures(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Nor captures where a table is. What a capture is not looked for in is no matter."""
    both = tmp_path / "both"
    (both / "captures").mkdir(parents=True)
    for captures, tables in ((both, both), (both, both / "out"), (both / "captures", both)):
        assert main([str(captures), str(tables)]) == 2
        assert "be among the captures" in (said := capfd.readouterr().err) or "where a table is" in said
        assert said.count("\n") == 1
    for captures, tables in ((both, both / ".out"), (both / "in", both), (both / "captures", tmp_path / "both2")):
        captures.mkdir(exist_ok=True)
        _apart(Settings(captures=str(captures), tables=str(tables)), store(str(tables)))


def refused(monkeypatch: pytest.MonkeyPatch, name: str, path: Path) -> None:
    """Have a function of `os` refuse a path, as for somebody who is not root."""
    real = getattr(os, name)

    def function(given: object, *more: Any, **others: Any) -> Any:
        if str(given) == str(path):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return real(given, *more, **others)

    monkeypatch.setattr(os, name, function)


def ingested(captures: Path, tables: Path, **more: Any) -> tuple[News, dict[str, Entry]]:
    """Bring the table of captures up to date, without more: what is new, and the table."""
    place = LocalStore(str(tables))
    archive = Archive.read(place, 3600)
    run = Run(Settings(captures=str(captures), tables=str(tables), **more), place, archive, {})
    unlisted: list[str] = []
    found, lively = listed(str(captures), "", run.settings.settle, unlisted)
    run.pig = lambda *_: read(run, tables)  # type: ignore[method-assign]
    news = ingest(run, found, unlisted, lively)
    return news, {entry.capture: entry for entry in Archive.read(place, 3600).entries.values()}


def read(run: Run, tables: Path) -> pig.Ran:
    """As the script of `ingest` does it, but for lines that were lost: what cannot be read has no rows."""
    (work,) = (tables / ".work").iterdir()
    (text,) = work.glob("*.captures")
    made = []
    for capture in map(json.loads, text.read_text().splitlines()):
        with contextlib.suppress(CaptureError):
            columns = ["capture", "sensor", "ts", "packets", "first_ts", "last_ts"]
            table = load("volumes", capture["path"], columns, time="3600").read_all()
            for row in table.to_pylist():
                made.append(row | {"start": int(row.pop("ts")), "capture": capture["capture"]})
    (work / "ingested").mkdir()
    if made:
        pq.write_table(pa.Table.from_pylist(made), work / "ingested" / "part-0.parquet")
    return pig.Ran()


def test_what_cannot_be_read_is_not_empty(tmp_path: Path) -> None:
    """Also if nothing was said, and where its path looks like a reason."""
    captures = tmp_path / "in: captures"
    captures.mkdir()
    (captures / "no.pcap").write_bytes(b"nothing like it" * 100)
    (captures / "head.pcap").write_bytes(pcap([]))
    (captures / "cut.pcap.gz").write_bytes(gzip.compress(pcap([(1.0, bytes(60))]))[:12])
    (captures / "good.pcap").write_bytes(pcap([(1.0, bytes(60))]))
    news, table = ingested(captures, tmp_path / "out")
    assert {name: entry.state for name, entry in table.items()} == {
        "no.pcap": UNREADABLE, "head.pcap": EMPTY, "cut.pcap.gz": UNREADABLE, "good.pcap": READ
    }  # fmt: skip
    assert table["no.pcap"].reason == "not a capture (its first bytes are 6e 6f 74 68 69 6e 67 20)"
    assert {entry.capture for entry in news.unreadable} == {"no.pcap", "cut.pcap.gz"}
    again, _ = ingested(captures, tmp_path / "out")
    assert (again.read, again.again, list(again.unreadable)) == (0, 0, [])  # damaged: not until it changes


def test_what_may_pass_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    captures, tables = tmp_path / "in", tmp_path / "out"
    captures.mkdir()
    (captures / "a.pcap").write_bytes(pcap([(1.0, bytes(60))]))
    (captures / "b.pcap").write_bytes(pcap([(hour * 3600.0, bytes(60)) for hour in range(3)]))
    with monkeypatch.context() as patched:
        refused(patched, "open", captures / "a.pcap")
        for times in range(2):
            news, table = ingested(captures, tables, max_windows=2)
            assert table["a.pcap"].reason == f"no permission to read it{AGAIN}"
            assert (table["a.pcap"].again, table["b.pcap"].again) == (0, 3)
            assert table["b.pcap"].reason == "its packets are of 3 windows, more than max_windows"
            assert len(news.unreadable) == (1 if times else 2)  # the other would be the same
            assert news.again == times
    news, table = ingested(captures, tables, max_windows=3)
    assert (news.read, news.again, list(news.unreadable)) == (0, 2, [])
    assert {entry.state for entry in table.values()} == {READ}
    assert ingested(captures, tables)[0] == News(0, 0, [], 0)


def test_captures_that_are_still_written_to_are_left_alone(tmp_path: Path) -> None:
    """One that was read before, and is written to again, is not gone: it is what it was until it is left alone."""
    captures, tables = tmp_path / "in", tmp_path / "out"
    captures.mkdir()
    for name, ago in (("old.pcap", 90), ("just.pcap", 61), ("new.pcap", 30)):
        (captures / name).write_bytes(pcap([(1.0, bytes(60))]))
        os.utime(captures / name, (time.time() - ago,) * 2)
    found, lively = listed(str(captures), "", 60)
    assert ([entry.capture for entry in found], lively) == (["just.pcap", "old.pcap"], [f"{captures}/new.pcap"])
    _, before = ingested(captures, tables, settle=60)
    assert {name: entry.state for name, entry in before.items()} == {"just.pcap": READ, "old.pcap": READ}
    (captures / "old.pcap").write_bytes(pcap([(1.0, bytes(60)), (2.0, bytes(60))]))
    news, table = ingested(captures, tables, settle=60)
    assert (news, table) == (News(0, 0, [], 0), before)
    os.utime(captures / "old.pcap", (time.time() - 70,) * 2)
    news, table = ingested(captures, tables, settle=60)
    assert (news.read, news.gone, table["old.pcap"].packets) == (1, 0, 2)


@pytest.mark.parametrize("workers", [1, 2])
def test_so_many_stages_at_once_as_workers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], workers: int
) -> None:
    """Each of two waits for the other one to have begun, which only two workers let happen."""
    captures, tables = inputs(tmp_path / "in", CAPTURES[0]), tmp_path / "out"
    begun = tmp_path / "begun"
    begun.mkdir()

    def waits(one: stage.Stage, _: str) -> pig.Ran:
        (begun / one.stage()).touch()
        met = until(lambda: len(list(begun.iterdir())) == 2, 20 if workers == 2 else 1)
        if not met:
            (begun / one.stage()).unlink()
        raise pig.PigError("met" if met else "alone")

    for name in ("packets", "tracked"):
        monkeypatch.setattr(stages()[name], "make", waits)
    few = only("packets", "tracked")
    assert main([str(captures), str(tables), "--window", LENGTH, "--workers", str(workers), *few]) == 1
    said = [line.rpartition(" ")[2] for line in capfd.readouterr().err.splitlines() if ": failed: " in line]
    assert said == ["met" if workers == 2 else "alone"] * 2


def test_a_folder_that_cannot_be_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Captures there stay as they were. That of fsck, which only root may list, is no matter."""
    captures, tables = tmp_path / "in", tmp_path / "out"
    for second, name in enumerate(("north", "south", "lost+found")):
        (captures / name).mkdir(parents=True)
        (captures / name / "a.pcap").write_bytes(pcap([(second, bytes(60))]))
    ingested(captures, tables)
    refused(monkeypatch, "scandir", captures / "lost+found")
    assert {entry.below for entry in LocalStore(str(captures)).files()} == {"north/a.pcap", "south/a.pcap"}
    refused(monkeypatch, "scandir", captures / "south")
    news, table = ingested(captures, tables)
    assert news.gone == 1
    assert {name: entry.state for name, entry in table.items()} == {
        "north/a.pcap": READ, "south/a.pcap": READ, "lost+found/a.pcap": GONE
    }  # fmt: skip
    with pytest.raises(StoreError, match="south: cannot be listed: Permission denied"):
        LocalStore(str(captures)).files()


@pytest.mark.slow
def test_whatever_fails_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """What nobody thought of, in a stage and outside of its run; a process that is killed; a folder. Exit code 1."""
    captures, tables = inputs(tmp_path / "in", CAPTURES[0]), tmp_path / "out"
    (captures / "closed").mkdir()
    refused(monkeypatch, "scandir", captures / "closed")
    kinds = stages()

    def fails(error: BaseException, calls: int = 0) -> Any:
        """A function that fails, but for the first CALLS."""
        left = [""] * calls

        def function(*_: object) -> Any:
            if left:
                return left.pop()
            raise error

        return function

    monkeypatch.setattr(kinds["packets"], "make", fails(KeyError("what")))
    monkeypatch.setattr(kinds["fingerprints"], "unable", lambda *_: "")
    monkeypatch.setattr(kinds["fingerprints"], "why_not", fails(RuntimeError("two\nlines"), 1))
    monkeypatch.setattr(kinds["tracked"], "make", lambda *_: os.kill(os.getpid(), signal.SIGKILL))
    few = only("packets", "tracked", "fingerprints")
    assert main([str(captures), str(tables), "--window", LENGTH, "--workers", "2", *few]) == 1
    said = [line.split(" ", 1)[1] for line in capfd.readouterr().err.splitlines()]
    window = "2024-03-05T0800"
    assert sorted(line for line in said if "failed" in line) == [
        f"fingerprints {window}: failed: RuntimeError: two lines",
        f"packets {window}: failed: KeyError: 'what'",
        f"tracked {window}: failed: its process died (exit code -9)",
    ]
    assert sum("closed: this folder cannot be listed; captures there stay as they were" in line for line in said) == 1


def test_notes_that_a_power_cut_has_emptied(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Their tables are not complete; that is looked for once after each start of the machine."""
    (tmp_path / "in").mkdir()
    tables = Tables(LocalStore(str(tmp_path / "out")))
    for window in ("2024-03-05", "2024-03-06", "2024-03-07"):
        tables.store.make(".work", "x", "packets")
        tables.publish(".work/x", {Part("packets", window): "packets"}, "key", {"rows": {}})
    done = tmp_path / "out" / ".done" / "packets"
    (done / "2024-03-05~key").write_bytes(b"")
    (done / "2024-03-06~key").write_bytes(bytes(12))
    _sound(tables.store, Log())
    assert tables.windows("packets") == {"2024-03-07": "key"}
    assert "2 notes of complete tables cannot be read: those are made again" in capfd.readouterr().err
    (done / "2024-03-07~key").write_bytes(b"")
    _sound(tables.store, Log())
    assert tables.windows("packets") == {"2024-03-07": "key"}
    assert capfd.readouterr().err == ""
    for path in ((".about", "pipeline.json"), ("captures", "captures.parquet")):
        tables.store.write(b"", *path)
        assert main([str(tmp_path / "in"), str(tmp_path / "out")]) == 1
        assert capfd.readouterr().err.startswith(f"pipeline: {tables.store.path(*path)}: ")
        tables.store.remove(*path)


@pytest.mark.slow
def test_an_edited_script_has_its_tables_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """But for windows whose captures are gone: they stay as they are."""
    captures, tables = inputs(tmp_path / "in", *CAPTURES), tmp_path / "out"
    scripts = Path(shutil.copytree(stage.SCRIPTS, tmp_path / "scripts"))
    monkeypatch.setattr(stage, "SCRIPTS", scripts)
    run = [str(captures), str(tables), "--window", LENGTH, *only("packets", "tracked", "sessions")]
    assert main(run) == 0
    (scripts / "packets.pig").write_text((stage.SCRIPTS / "packets.pig").read_text().replace("time=60", "time=120"))
    (captures / CAPTURES[0]).unlink()
    pig.program.cache_clear()
    capfd.readouterr()
    assert main(run) == 0
    said = capfd.readouterr().err.splitlines()
    assert [line.split()[1:3] for line in said if " rows, " in line] == [["packets", "2024-03-05T1600:"]]
    assert sum("packets: 1 windows stay as they were made before" in line for line in said) == 1
    assert {row["ts"] % 120 for row in rows(tables, "packets") if str(row["window"]).endswith("T1600")} == {0}
    shutil.rmtree(tables / ".done")  # what it cannot make again is named, and it goes on
    assert main(run) == 1
    said = capfd.readouterr().err.splitlines()
    assert not any("failed" in line for line in said)
    assert sum(" not run: captures of this window are gone" in line for line in said) == 2
    assert [line.split()[1:3] for line in said if " rows, " in line] == [["packets", "2024-03-05T1600:"]]


@pytest.mark.slow
def test_without_an_engine_the_rest_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PACKETPIG_SNORT", "/nowhere")
    monkeypatch.setenv("PACKETPIG_SURICATA", "/nowhere")
    captures, tables = inputs(tmp_path / "in", CAPTURES[0]), tmp_path / "out"
    few = only("tracked", "sessions", "alerts", "seen", "first_seen")
    result = pipeline(captures, tables, LENGTH, *few)
    assert result.returncode == 1
    assert [line.split(" ", 1)[1] for line in result.stderr.splitlines() if "not run" in line or "failed" in line] == [
        "alerts: not run: no snort and no suricata on this machine's path; docs/threats.md says how to get one; "
        "PACKETPIG_SNORT or PACKETPIG_SURICATA may name the program"
    ]
    assert found_sessions(tables) == sessions(captures)
    assert rows(tables, "first_seen")
    assert not (tables / "alerts").exists()
    result = pipeline(captures, tables, LENGTH, *few, "--rules", f"{tmp_path}/none")
    assert result.returncode == 1
    assert f"alerts: not run: rules: no such file or folder: {tmp_path}/none" in result.stderr


@pytest.mark.slow
def test_a_full_disk(tmp_path: Path) -> None:
    """As root a small disk; else the size of files is limited. `expire`, which makes room, works on it."""
    captures, tables = inputs(tmp_path / "in", *CAPTURES), tmp_path / "out"
    tables.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=120k", "tmpfs", str(tables)]
    small = os.getuid() == 0 and subprocess.run(mount, capture_output=True, check=False).returncode == 0
    try:
        command = [sys.executable, "-m", "packetpig.pipelines", str(captures), str(tables), "--window", LENGTH]
        command += only("packets", "tracked", "sessions", "said")
        limit = None if small else lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (SMALL, SMALL))
        result = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False, preexec_fn=limit
        )
        assert result.returncode == 1
        failed = [line for line in result.stderr.splitlines() if "failed: " in line]
        assert failed
        assert all(("No space left on device" if small else "File too large") in line for line in failed)
        assert "Traceback" not in result.stderr
        assert not (tables / ".work").exists()
        if small:
            with (tables / "filled").open("wb") as file, pytest.raises(OSError, match="No space left"):
                file.write(bytes(1 << 20))
            assert expire([str(captures), str(tables), "--days", "1", "--dry-run"]) == 0
            (tables / "filled").unlink()
            subprocess.run(["mount", "-o", "remount,size=100m", str(tables)], check=True)
        again = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
        assert again.returncode == 0, again.stderr
        assert found_sessions(tables) == sessions(captures)
    finally:
        if small:
            subprocess.run(["umount", "--lazy", str(tables)], check=True)


@pytest.mark.slow
def test_with_a_scheduler_of_luigi(tmp_path: Path) -> None:
    """luigid shows the run: its page has every task, done."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    luigid = [str(Path(sys.executable).parent / "luigid"), "--port", str(port), "--address", "127.0.0.1"]
    luigid += ["--state-path", str(tmp_path / "state"), "--logdir", str(tmp_path)]
    server = subprocess.Popen(luigid, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        _answers(f"{url}/api/graph")
        captures = inputs(tmp_path / "in", *CAPTURES)
        result = pipeline(
            captures, tmp_path / "out", LENGTH, "--scheduler", url, *only("packets", "tracked", "sessions")
        )
        assert result.returncode == 0, result.stderr
        tasks = json.loads(
            _answers(f"{url}/api/task_list?data=" + quote(json.dumps({"status": "DONE", "upstream_status": ""})))
        )
    finally:
        server.terminate()
        server.wait()
    assert Counter(one["name"] for one in tasks["response"].values()) == {"Packets": 2, "Tracked": 2, "Sessions": 2}


def _answers(url: str) -> bytes:
    for _ in range(300):
        with contextlib.suppress(OSError), urlopen(url, timeout=10) as answer:
            return bytes(answer.read())
        time.sleep(0.1)
    raise TimeoutError(url)
