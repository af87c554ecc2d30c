"""Local mode: every core, Parquet, nothing left behind."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.conftest import until

from .conftest import PIG, Pig

SLOW = "rows = LOAD 'in/*'; slow = STREAM rows THROUGH `sh -c \"date +%s.%N; sleep 3; cat\"`; STORE slow INTO 'out';"


@pytest.fixture
def several(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for number in range(2):
        (tmp_path / f"in/{number}.txt").write_text("1\n", encoding="utf-8")


@pytest.mark.usefixtures("several")
@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="there is one core")
def test_tasks_run_at_the_same_time(pig: Pig, tmp_path: Path) -> None:
    assert pig("-D", "pig.noSplitCombination=true", "-e", SLOW).returncode == 0
    began = [float(part.read_text().split()[0]) for part in (tmp_path / "out").glob("part-*")]
    assert len(began) == 2
    assert abs(began[0] - began[1]) < 2.5


@pytest.mark.parametrize("mode", ["local", "tez_local"])
def test_several_jobs(pig: Pig, tmp_path: Path, mode: str) -> None:
    done = pig(
        "-x",
        mode,
        "-e",
        """rows = LOAD 'rows.txt' AS (n:int, word:chararray);
           groups = GROUP rows BY n % 2;
           counts = FOREACH groups GENERATE group AS odd, COUNT(rows) AS count, MAX(rows.word) AS word;
           sorted = ORDER counts BY count DESC;
           STORE sorted INTO 'sorted';
           both = JOIN rows BY n, counts BY count;
           STORE both INTO 'both';
           DUMP sorted;""",
    )
    assert (done.returncode, done.stdout) == (0, "(1,2,three)\n(0,1,two)\n")
    assert sorted(done.stderr.splitlines()) == ["both: 2 rows", "sorted: 2 rows"]
    parts = sorted((tmp_path / "sorted").glob("part-*"))
    assert "".join(part.read_text() for part in parts) == "1\t2\tthree\n0\t1\ttwo\n"


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="there is one core")
@pytest.mark.parametrize("mode", ["local", "tez_local"])
def test_rows_are_counted_where_tasks_run_at_the_same_time(pig: Pig, tmp_path: Path, mode: str) -> None:
    """One that is over soon does not take those of the others with it."""
    (tmp_path / "in").mkdir()
    for name, count in (("long", 400_000), *((f"short{number}", 10) for number in range(4))):
        (tmp_path / "in" / name).write_text("".join(f"{number}\n" for number in range(count)))
    script = """rows = LOAD 'in' AS (n:int); SPLIT rows INTO odd IF n % 2 == 1, even OTHERWISE;
                STORE odd INTO 'odd'; STORE even INTO 'even' USING ParquetStorer();"""
    done = pig("-x", mode, "-D", "pig.noSplitCombination=true", "-e", script)
    assert done.returncode == 0, done.stderr
    assert sorted(done.stderr.splitlines()) == ["even: 200020 rows", "odd: 200020 rows"]


def test_parquet_there_and_back(pig: Pig) -> None:
    done = pig(
        "-e", "rows = LOAD 'rows.txt' AS (n:int, word:chararray); STORE rows INTO 'table' USING ParquetStorer();"
    )
    assert (done.returncode, done.stderr) == (0, "table: 3 rows\n")
    done = pig("-e", "rows = LOAD 'table' USING ParquetLoader(); DESCRIBE rows; DUMP rows;")
    assert (done.returncode, done.stdout) == (0, "rows: {n: int,word: chararray}\n(1,one)\n(2,two)\n(3,three)\n")


def test_nothing_temporary_is_left(pig: Pig, tmp_path: Path) -> None:
    assert pig("-e", "rows = LOAD 'rows.txt'; some = ORDER rows BY $0; DUMP some;").returncode == 0
    assert pig("-e", "rows = LOAD 'nowhere'; DUMP rows;").returncode == 1
    assert list((tmp_path / "tmp").iterdir()) == []
    assert sorted(each.name for each in tmp_path.iterdir()) == ["logs", "rows.txt", "tmp"]


def test_what_a_killed_run_left_the_next_one_removes(pig: Pig, tmp_path: Path) -> None:
    environment = {**os.environ, "PACKETPIG_LOGS": str(tmp_path / "logs"), "TMPDIR": str(tmp_path / "tmp")}
    (tmp_path / "tmp").mkdir()
    with subprocess.Popen([PIG, "-serve"], stdin=subprocess.PIPE, env=environment) as running:
        assert until(lambda: bool(list((tmp_path / "tmp").glob("*/tmp"))), 30)
        (folder,) = (tmp_path / "tmp").iterdir()
        pig("-e", "fs -ls;")
        assert list((tmp_path / "tmp").iterdir()) == [folder]
        running.kill()
    pig("-e", "fs -ls;")
    assert list((tmp_path / "tmp").iterdir()) == []


def test_what_a_run_elsewhere_works_in_stays(pig: Pig, tmp_path: Path) -> None:
    """On another host, or in another container, whose processes are not seen here: a lock is."""
    gone = subprocess.Popen(["true"])
    gone.wait()
    folder = tmp_path / "tmp" / f"packetpig-{gone.pid}-1"
    folder.mkdir(parents=True)
    older = tmp_path / "tmp" / f"packetpig-{os.getpid()}-1"  # of a version that held no lock
    older.mkdir()
    with (folder / "lock").open("w") as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX)
        pig("-e", "fs -ls;")
        assert set((tmp_path / "tmp").iterdir()) == {folder, older}
    pig("-e", "fs -ls;")
    assert list((tmp_path / "tmp").iterdir()) == [older]


@pytest.mark.usefixtures("several")
@pytest.mark.parametrize("mode", ["local", "tez_local"])
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_stopped(tmp_path: Path, mode: str, number: signal.Signals, code: int) -> None:
    (tmp_path / "tmp").mkdir()
    environment = {**os.environ, "PACKETPIG_LOGS": str(tmp_path / "logs"), "TMPDIR": str(tmp_path / "tmp")}
    pig = subprocess.Popen(
        [PIG, "-x", mode, "-e", SLOW], cwd=tmp_path, env=environment, stderr=subprocess.PIPE, start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # the background has it ignored
    )  # fmt: skip
    deadline = time.monotonic() + 30
    while not (children := _session(pig.pid)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert children
    pig.send_signal(number)
    assert pig.communicate(timeout=20)[1] == b""
    assert pig.returncode == code
    assert _session(pig.pid) == []
    assert list((tmp_path / "tmp").iterdir()) == []
    assert not (tmp_path / "out").exists()


def _session(leader: int) -> list[str]:
    """The commands of a session, but for its leader's."""
    found = subprocess.run(
        ["ps", "-o", "pid=,args=", "-s", str(leader)], capture_output=True, text=True, check=False
    ).stdout.splitlines()
    return [line for line in found if int(line.split()[0]) != leader and "sleep" in line and "<defunct>" not in line]
