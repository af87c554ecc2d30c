"""HDFS and S3, as the room of remote file systems gives them: alike but for what only one of them can."""

from __future__ import annotations

import contextlib
import gc
import io
import random
import subprocess
import sys
import time
from contextlib import closing
from typing import IO

import pytest
from packetpig.loaders.contract.report import Report
from packetpig.loaders.filing.keeping import Folder, Keeping
from packetpig.loaders.remote import s3
from packetpig.loaders.remote import system as remote
from packetpig.loaders.remote.hdfs import Hdfs

from docker.cluster import MiniCluster
from tests.conftest import ROOT

REMOTE = [pytest.param("hdfs", marks=pytest.mark.cluster), pytest.param("s3", marks=pytest.mark.slow)]
remotes = pytest.mark.parametrize("place", REMOTE, indirect=True)
ODD = "a b/c%20=#é+.pcap"


def put(system: remote.System, path: str, data: bytes) -> None:
    system.write(path, io.BytesIO(data))


@remotes
def test_files_come_and_go(place: str) -> None:
    system, top = remote.of(place)
    assert f"{system.name}{top}" == place
    assert system.status(top) is None
    assert system.entries(top) == []
    system.remove(top)
    for data in (b"one", b"", b"another"):  # one that is there is replaced
        put(system, f"{top}/{ODD}", data)
        found = system.status(f"{top}/{ODD}")
        assert found is not None
        assert (found.path, found.folder, found.size) == (f"{top}/{ODD}", False, len(data))
        with closing(remote.opened(system, found.path)) as file:
            assert file.read() == data
    assert found.changed > 1_700_000_000
    assert [entry.folder for entry in system.entries(top)] == [True]
    put(system, f"{top}/_hidden/x", b"x")
    assert [entry.path for entry in remote.walk(system, top)] == [f"{top}/{ODD}"]
    assert [entry.path for entry in remote.glob(system, f"{top}/a*/*.pcap")] == [f"{top}/{ODD}"]
    assert remote.glob(system, f"{top}/b*/*.pcap") == []
    system.remove(top)
    assert system.status(top) is None
    with pytest.raises(FileNotFoundError):
        system.open(f"{top}/{ODD}")


def content(system: remote.System, path: str) -> bytes:
    with closing(remote.opened(system, path)) as file:
        return file.read()


class Breaking(io.BytesIO):
    """A file that cannot be read to its end, but to GOOD."""

    def __init__(self, data: bytes, good: int) -> None:
        super().__init__(data)
        self._good = good

    def read(self, size: int | None = -1) -> bytes:
        if self.tell() >= self._good:
            raise OSError("the disk is broken")
        return super().read(min(size or 1 << 20, 1 << 20) if size != -1 else 1 << 20)


@remotes
def test_what_is_not_sent_to_its_end_is_not_there(place: str) -> None:
    """Nor is it where something was before: that stays. Files of one request, and of several parts."""
    system, top = remote.of(place)
    put(system, f"{top}/old", b"old")
    for name in ("old", "half"):
        for size, good in ((3 << 20, 1 << 20), (12 << 20, 1 << 20), (32 << 20, 25 << 20)):
            with pytest.raises(OSError):
                system.write(f"{top}/{name}", Breaking(bytes(size), good))
    gc.collect()
    assert [entry.path for entry in remote.walk(system, top)] == [f"{top}/old"]
    assert [entry.name for entry in system.entries(top)] == ["old"]  # nothing that is hidden, too
    assert content(system, f"{top}/old") == b"old"
    data = random.Random(3).randbytes(32 << 20)
    put(system, f"{top}/old", data)
    assert [(entry.name, entry.size) for entry in system.entries(top)] == [("old", 32 << 20)]
    assert content(system, f"{top}/old") == data


class Short(io.BytesIO):
    """A file that somebody cuts while it is read."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(1 << 20) if self.tell() < 2 << 20 else b""


@pytest.mark.parametrize("place", REMOTE[1:], indirect=True)
def test_what_ends_early_is_not_sent(place: str) -> None:
    system, top = remote.of(place)
    put(system, f"{top}/old", b"old")
    with pytest.raises(OSError, match=r"^offset 2,097,152: it ends early, of 3,145,728 bytes$"):
        system.write(f"{top}/old", Short(bytes(3 << 20)))
    assert content(system, f"{top}/old") == b"old"


@remotes
def test_what_a_process_that_ends_has_not_sent_is_not_there(place: str) -> None:
    """Streams are closed when a process ends, also those of what went wrong."""
    system, top = remote.of(place)
    put(system, f"{top}/old", b"old")
    code = "import io; from packetpig.loaders.remote import system as remote; "
    code += "from tests.loaders.remote.test_system import Breaking; "
    code += f"system, top = remote.of({place!r}); system.write(top + '/old', Breaking(bytes(32 << 20), 25 << 20))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert "the disk is broken" in done.stderr.splitlines()[-1]
    assert done.returncode == 1
    assert content(system, f"{top}/old") == b"old"


@remotes
def test_folders_move(place: str) -> None:
    system, top = remote.of(place)
    put(system, f"{top}/from/x/1", b"1")
    put(system, f"{top}/from/2", b"2")
    system.move(f"{top}/from", f"{top}/deep/down/to")
    assert system.status(f"{top}/from") is None
    assert [entry.path for entry in remote.walk(system, f"{top}/deep")] == [
        f"{top}/deep/down/to/2",
        f"{top}/deep/down/to/x/1",
    ]
    system.make(f"{top}/empty")
    system.move(f"{top}/empty", f"{top}/moved")
    assert system.status(f"{top}/empty") is None
    moved = system.status(f"{top}/moved")
    assert moved is not None
    assert moved.folder
    with pytest.raises(OSError):
        system.move(f"{top}/nowhere", f"{top}/anywhere")


@pytest.mark.parametrize("place", REMOTE[1:], indirect=True)
def test_s3_moves_what_the_server_does_not_copy(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3, "LARGEST", 9)
    system, top = remote.of(place)
    assert isinstance(system, s3.S3)
    sent: list[str] = []

    def write(path: str, file: IO[bytes]) -> None:
        sent.append(path)
        s3.S3.write(system, path, file)

    monkeypatch.setattr(system, "write", write)
    for name, size in (("small", 9), ("large", 3 << 20)):
        put(system, f"{top}/from/{name}", bytes(range(256)) * (size // 256) + b"x" * (size % 256))
    sent.clear()
    system.move(f"{top}/from", f"{top}/to")
    assert sent == [f"{top}/to/large"]
    system.move(f"{top}/to/large", f"{top}/alone")
    assert system.status(f"{top}/from") is None
    assert [entry.path for entry in remote.walk(system, f"{top}/to")] == [f"{top}/to/small"]
    with remote.opened(system, f"{top}/alone") as file:
        assert file.read() == bytes(range(256)) * (3 << 12)


@pytest.mark.parametrize("place", REMOTE[1:], indirect=True)
def test_s3_says_that_all_is_well_and_it_is_not(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As s3proxy does that has no memory left when it puts parts together."""
    system, top = remote.of(place)
    monkeypatch.setattr(system, "status", lambda path: remote.Status(path, False, 3, 0.0))
    put(system, f"{top}/small", b"abcd")
    with pytest.raises(OSError, match="of 6,291,456 bytes that were sent, 3 are there"):
        put(system, f"{top}/large", bytes(6 << 20))


@remotes
def test_ranges(place: str) -> None:
    """Any bytes, in any order, over the edges of blocks (1 MB here) and of what is read ahead."""
    system, top = remote.of(place)
    dice = random.Random(5)
    data = dice.randbytes(5_000_000)
    put(system, f"{top}/big", data)
    with closing(remote.Source(system, f"{top}/big")) as source:
        assert source.size == len(data)
        for _ in range(60):
            offset, size = dice.randrange(len(data) + 10), dice.choice((1, 100, 70_000, 1_500_000))
            if dice.random() < 0.5:
                offset = max(0, offset - size)
            read = bytearray()
            while len(read) < size:
                piece = bytearray(size - len(read))
                count = source.read(memoryview(piece), offset + len(read))
                if not count:
                    break
                read += piece[:count]
            assert read == data[offset : offset + size]
    with closing(remote.opened(system, f"{top}/big")) as file:
        file.seek(-10, io.SEEK_END)
        assert file.read(20) == data[-10:]


@pytest.mark.cluster
def test_hdfs_refuses(hdfs: MiniCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is replaced or lost by a move; what is wrong is one line."""
    monkeypatch.setenv("HADOOP_CONF_DIR", str(hdfs.conf))
    system, top = remote.of(f"{hdfs.file_system}/refuses")
    put(system, f"{top}/a", b"a")
    put(system, f"{top}/b", b"b")
    with pytest.raises(OSError, match="exists"):
        system.move(f"{top}/a", f"{top}/b")
    system.make(f"{top}/folder")
    with pytest.raises(OSError, match="must both be"):  # not into it, as plain RENAME would
        system.move(f"{top}/a", f"{top}/folder")
    with pytest.raises(IsADirectoryError):
        system.open(f"{top}/folder")
    monkeypatch.setenv("HADOOP_USER_NAME", "somebody")
    other, _ = remote.of(f"hdfs://localhost:{hdfs.ports['namenode']}/")
    monkeypatch.setenv("PACKETPIG_WEBHDFS", hdfs.pages["HDFS"])
    with pytest.raises(OSError, match=r"^Permission denied: user=somebody"):
        put(other, f"{top}/mine", b"")
    assert [entry.name for entry in system.entries(top)] == ["a", "b", "folder"]


@pytest.mark.cluster
def test_hdfs_what_was_left_a_day_ago_goes(hdfs: MiniCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HADOOP_CONF_DIR", str(hdfs.conf))
    place = f"{hdfs.file_system}/left"
    system, top = remote.of(place)
    assert isinstance(system, Hdfs)
    old, young, other, folder = f".a.{'0' * 32}", f".a.{'1' * 32}", ".a.mine", f".b.{'0' * 32}"
    for name in (old, young, other, f"{folder}/x"):
        put(system, f"{top}/{name}", b"half")
    for name, days in ((old, 1.1), (young, 0.9), (other, 9), (folder, 9)):
        changed = str(int((time.time() - days * 86400) * 1000))
        system._call("SETTIMES", "put", f"{top}/{name}", modificationtime=changed)
    keeping = Keeping(Folder(place, Report()))
    keeping.data(b"whole")
    keeping.finish("whole")
    assert {entry.name for entry in system.entries(top)} == {young, other, folder, "whole"}


@pytest.mark.cluster
def test_a_data_node_dies(hdfs: MiniCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """What nobody can send is an error, never other bytes; whoever comes later reads it."""
    monkeypatch.setenv("HADOOP_CONF_DIR", str(hdfs.conf))
    system, top = remote.of(f"{hdfs.file_system}/dies")
    data = random.Random(1).randbytes(3_000_000)
    put(system, f"{top}/big", data)
    with closing(remote.Source(system, f"{top}/big")) as source:
        for node in (1, 2):
            hdfs.kill(f"datanode-{node}")
        with pytest.raises(OSError):
            source.read(memoryview(bytearray(len(data))), 0)
        for node in (1, 2):
            hdfs.revive_soon(f"datanode-{node}")
        into = bytearray(len(data))
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:  # the NameNode takes a while to see that they were gone
            with contextlib.suppress(OSError):
                assert source.read(memoryview(into), 0) == len(data)
                break
            time.sleep(0.5)
        assert into == data


def test_nobody_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PACKETPIG_WEBHDFS", "http://127.0.0.1:1")
    system, path = remote.of("hdfs://nowhere:8020/x")
    with pytest.raises(OSError, match=r"^http://127\.0\.0\.1:1 cannot be reached \(Connection refused\)$"):
        system.status(path)


def test_local_runs_know_nothing_of_it() -> None:
    code = "import sys; from packetpig.loaders.shell import load; import packetpig.loaders.filing.places; "
    code += "print([name for name in ('requests', 'fsspec', 'pyarrow.fs', 'pandas') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
