"""What holds for folders of this machine, of HDFS and of S3 alike: files, tables, one run at a time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from packetpig.loaders.remote import system as remote
from packetpig.pipelines import claims
from packetpig.pipelines import tables as tables_of
from packetpig.pipelines.store import BusyError, StoreError, store
from packetpig.pipelines.tables import FEW, Part, Tables

from tests.conftest import ROOT

REMOTE = [pytest.param("hdfs", marks=pytest.mark.cluster), pytest.param("s3", marks=pytest.mark.slow)]
remotes = pytest.mark.parametrize("place", REMOTE, indirect=True)
HOLD = """
import sys, time, os
from packetpig.pipelines.store import store
with store(sys.argv[1]).lock():
    child = os.fork()
    if child:
        print("held", flush=True)
        time.sleep(600)
    sys.stdin.read()
    os._exit(0)
"""


def test_files(place: str) -> None:
    folder = store(place)
    assert folder.root == place
    assert not folder.exists()
    assert folder.names() == folder.files() == []
    folder.write(b"one", "a", "1.pcap")
    folder.write(b"other", "a", "1.pcap")
    folder.write(b"", "2.pcap")
    folder.write(b"x", ".hidden", "3.pcap")
    folder.write(b"x", "a", "_4.pcap")
    assert folder.names() == [".hidden", "2.pcap", "a"]
    assert [(file.path, file.below, file.size) for file in folder.files()] == [
        (f"{place}/2.pcap", "2.pcap", 0),
        (f"{place}/a/1.pcap", "a/1.pcap", 5),
    ]
    for file in folder.files():
        assert abs(file.changed - time.time()) < 600
        assert folder.file(file.path) == file
    assert folder.file(f"{place}/a") is folder.file(f"{place}/none") is None
    assert folder.read("a", "1.pcap") == folder.below("a").read("1.pcap") == b"other"
    assert folder.exists("a", "1.pcap")
    assert not folder.exists("a", "1")
    folder.move("a", "b/c")
    assert not folder.exists("a")
    assert folder.read("b", "c", "1.pcap") == b"other"
    folder.remove("b")
    folder.remove("none")
    assert folder.names() == [".hidden", "2.pcap"]
    with pytest.raises(FileNotFoundError):
        folder.read("none")


def test_folders_made_here(place: str) -> None:
    folder = store(place)
    for text in ("one", "two"):
        with folder.folder("pages") as made:
            (made / "deep").mkdir(parents=True, exist_ok=True)
            (made / "deep" / "index.html").write_text(text)
        assert folder.read("pages", "deep", "index.html") == text.encode()
    assert folder.names() == ["pages"]


def test_a_table_is_complete_or_absent(place: str) -> None:
    """Also one without files, and where a run ended in the middle of putting it in its place."""
    folder = store(place)
    tables, part = Tables(folder), Part("sessions", "2024-03-05")
    for key in ("first", "second"):
        folder.make(".work", key, "sessions")
        folder.write(key.encode(), ".work", key, "sessions", "part-0")
        folder.make(".work", key, "pages")
        tables.publish(f".work/{key}", {part: "sessions", Part("pages"): "pages"}, key, {"rows": {}})
    assert tables.windows("sessions") == {"2024-03-05": "second"}
    assert tables.complete(part, "second")
    assert tables.complete(Part("pages"), "second")
    assert not tables.complete(part, "first")
    assert folder.read("sessions", "window=2024-03-05", "part-0") == b"second"

    class EndedError(Exception):
        pass

    def ended(*_: object) -> None:
        raise EndedError

    folder.make(".work", "third", "sessions")
    folder.write(b"third", ".work", "third", "sessions", "part-0")
    for at in ("write", "move"):  # before it says that it is complete; before it is in its place
        broken = Tables(store(place))
        setattr(broken.store, at, ended)
        with pytest.raises(EndedError):
            broken.publish(".work/third", {part: "sessions"}, "third", {})
        assert tables.windows("sessions") == {}
        if not folder.exists(".work", "third", "sessions"):
            folder.write(b"third", ".work", "third", "sessions", "part-0")
    folder.remove(".work", "third.old0")
    tables.publish(".work/third", {part: "sessions"}, "third", {})
    assert tables.windows("sessions") == {"2024-03-05": "third"}
    assert folder.names("sessions", "window=2024-03-05") == ["part-0"]


def test_what_is_complete_is_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of a table before the note that says so; should the power go, no note is of what is not there."""
    order: list[str] = []
    real = os.fsync

    def fsync(file: int) -> None:
        order.append(str(Path(f"/proc/self/fd/{file}").readlink().relative_to(tmp_path)))
        real(file)

    monkeypatch.setattr(os, "fsync", fsync)
    folder = store(str(tmp_path))
    folder.write(b"rows", ".work", "x", "dns", "part-0")
    folder.write(b"rows", ".work", "x", "dns", "deep", "part-1")
    assert order == []  # what is being made may go
    Tables(folder).publish(".work/x", {Part("dns", "2024-03-05"): "dns"}, "key", {})
    note = order.pop(-2)
    assert note.startswith(".done/dns/.2024-03-05~key.")
    assert sorted(order[:-1]) == [
        ".work/x/dns", ".work/x/dns/deep", ".work/x/dns/deep/part-1", ".work/x/dns/part-0", "dns"
    ]  # fmt: skip
    assert order[-2:] == ["dns", ".done/dns"]


def test_one_run_at_a_time(place: str) -> None:
    first, second = store(place), store(place)
    with first.lock():
        first.check()
        with (
            pytest.raises(BusyError, match=f"{place}: another run is at work \\(process {os.getpid()} "),
            second.lock(),
        ):
            pass
        first.check()
    with second.lock():
        second.check()


def test_a_run_that_was_killed(place: str) -> None:
    """Its lock is held as long as any of its processes is there, and gone soon after."""
    command = [sys.executable, "-c", HOLD, place]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, start_new_session=True) as run:
        assert run.stdin is not None
        assert run.stdout is not None
        assert run.stdout.readline() == b"held\n"
        run.send_signal(signal.SIGKILL)
        run.wait()
        with pytest.raises(BusyError), store(place).lock():  # its child goes on
            pass
        run.stdin.close()
        deadline, held = time.monotonic() + 60, False
        while not held and time.monotonic() < deadline:
            time.sleep(0.3)
            try:
                with store(place).lock():
                    held = True
            except BusyError:
                continue
    assert held


@remotes
def test_only_one_of_many(place: str) -> None:
    """Claimed at the same time by many: never by two; by one of them in the end."""
    inside, most, got = [], [], []

    def run() -> None:
        claim = claims.Claim(place, f"{threading.get_ident():x}")
        for _ in range(6):
            try:
                claim.take()
            except BusyError:
                time.sleep(0.2)
                continue
            inside.append(1)
            most.append(len(inside))
            got.append(1)
            time.sleep(0.05)
            inside.pop()
            claim.free()

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got
    assert max(most) == 1


@remotes
def test_a_claim_is_void_when_nobody_renews_it(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As when a machine goes down. Its owner, should it wake up, publishes nothing more."""
    gone = claims.Claim(place, "gone")
    gone.take()
    with pytest.raises(BusyError), store(place).lock():
        pass
    monkeypatch.setattr(claims, "LEASE", 2.0)
    time.sleep(3.5)
    folder = store(place)
    with folder.lock():
        assert not gone.holds()
    with folder.lock():
        system, inside = remote.of(place)
        for entry in system.entries(f"{inside}/{claims.FOLDER}"):
            system.remove(entry.path)
        folder.make(".work", "x", "t")
        with pytest.raises(StoreError, match="the lock was lost"):
            Tables(folder).publish(".work/x", {Part("t"): "t"}, "key", {})
        assert not folder.exists("t")


@remotes
def test_a_claim_is_renewed(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By keep(), until its standard input ends; one that was taken away is not made again."""
    monkeypatch.setattr(claims, "BEAT", 0.2)
    system, inside = remote.of(place)
    claim = claims.Claim(place, "mine")
    claim.take()
    path = f"{inside}/{claims.FOLDER}/mine"
    reading, writing = os.pipe()
    monkeypatch.setattr(claims.select, "select", lambda *_: _waited(reading))
    renewals = []
    real = claims.Claim.renew
    monkeypatch.setattr(claims.Claim, "renew", lambda self: renewals.append(real(self)))
    thread = threading.Thread(target=claims.keep, args=(place, "mine", "me"))
    monkeypatch.setattr(claims.signal, "signal", lambda *_: None)
    thread.start()
    deadline = time.monotonic() + 30
    while len(renewals) < 3 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert system.status(path) is not None
    os.close(writing)
    thread.join(30)
    assert len(renewals) >= 3
    assert system.status(path) is None
    os.close(reading)


def _waited(file: int) -> tuple[list[int], list[int], list[int]]:
    import select

    poll = select.poll()
    poll.register(file)
    return ([0] if poll.poll(200) else [], [], [])


def test_no_such_kind_of_folder(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"^ftp://x: folders are of this machine, of hdfs:// or of s3a://$"):
        store("ftp://x")
    with pytest.raises(StoreError, match="an address of S3 has a bucket"):
        store("s3a:///x")
    assert store(f"file://{tmp_path}").root == str(tmp_path)


def test_small_parts_are_put_together(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """All their rows, once each; what is large, of other columns, or has bags stays where it is."""
    monkeypatch.setattr(tables_of, "SMALL", 4000)
    folder = store(place)
    tables = Tables(folder)

    def part(number: int, table: pa.Table) -> Part:
        buffer = pa.BufferOutputStream()
        pq.write_table(table, buffer, compression="none")
        one = Part("sums", f"{number:02}")
        folder.write(buffer.getvalue().to_pybytes(), *one.folder, "part-0.parquet")
        return one

    small = [part(number, pa.table({"n": pa.array([number] * (number % 3), pa.int64())})) for number in range(FEW + 1)]
    folder.make("work")
    assert tables.together(small[:FEW], "work") == (small[:FEW], None)
    large = part(90, pa.table({"n": range(1000)}))
    other = part(91, pa.table({"m": [1]}))
    bag = part(92, pa.table({"n": [[1, 2]]}))
    left, there = tables.together([large, *small, other, bag], "work")
    assert left == [large, other, bag]
    assert there is not None
    assert tables.size("work") == 0
    rows = tables.rows(*there.removeprefix(f"{place}/").split("/"))
    assert rows["n"].to_pylist() == [number for number in range(FEW + 1) for _ in range(number % 3)]

    folder.write(b"PAR1 cut", *small[1].folder, "part-0.parquet")
    with pytest.raises(StoreError, match=r"sums/window=01/part-0\.parquet: .*Parquet"):
        tables.together(small, "work")
    with pytest.raises(StoreError, match=r"sums/window=01/part-0\.parquet: .*Parquet"):
        list(tables.batches(*small[1].folder))
