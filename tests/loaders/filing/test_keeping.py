"""Files kept in a folder: under their names only when they are whole, and nothing half left when there is no room."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import resource
import signal
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from packetpig.loaders.contract.report import CaptureError, Report
from packetpig.loaders.filing.keeping import SMALL, Folder, Keeping

LARGE = bytes(2 * SMALL)


@contextlib.contextmanager
def no_files_above(size: int) -> Iterator[None]:
    """As on a full disk, a write fails."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def kept(folder: Folder, data: bytes) -> str | None:
    keeping = Keeping(folder)
    keeping.data(data)
    return keeping.finish(hashlib.sha256(data).hexdigest())


def test_the_same_twice_is_one_file(tmp_path: Path) -> None:
    folder = Folder(str(tmp_path), Report())
    assert kept(folder, b"small") == kept(folder, b"small") != kept(folder, LARGE)
    assert sorted(path.read_bytes() for path in tmp_path.iterdir()) == [LARGE, b"small"]


@pytest.fixture(params=["unnamed", "named"])
def files(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Files without names, and a file system that has none: how many names a file has while it is made."""
    if request.param == "unnamed":
        return 0
    real = os.open

    def refuses(path: str, flags: int, *more: int, **others: int) -> int:
        if flags & os.O_TMPFILE == os.O_TMPFILE:
            raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))
        return real(path, flags, *more, **others)

    monkeypatch.setattr(os, "open", refuses)
    return 1


def test_one_that_is_given_up_leaves_nothing(tmp_path: Path, files: int) -> None:
    folder = Folder(str(tmp_path), Report())
    keeping = Keeping(folder)
    keeping.data(LARGE)
    assert len(list(tmp_path.iterdir())) == files
    del keeping
    assert not list(tmp_path.iterdir())


def test_two_at_once_are_one_file(tmp_path: Path, files: int) -> None:
    one, two = (Keeping(Folder(str(tmp_path), Report())) for _ in range(2))
    for keeping in (one, two):
        keeping.data(LARGE)
    assert one.finish("name") == two.finish("name")
    (path,) = tmp_path.iterdir()
    assert path.read_bytes() == LARGE
    assert stat.S_IMODE(path.stat().st_mode) & 0o600 == 0o600


@pytest.mark.parametrize("files", ["named"], indirect=True)
def test_what_was_left_a_day_ago_goes(tmp_path: Path, files: int) -> None:
    old, young, other = (tmp_path / f".{name}.part" for name in ("0" * 32, "1" * 32, "mine"))
    for path, days in ((old, 1.1), (young, 0.9), (other, 9)):
        path.write_bytes(b"half")
        os.utime(path, (time.time() - days * 86400,) * 2)
    assert kept(Folder(str(tmp_path), Report()), LARGE)
    assert {path.name for path in tmp_path.glob(".*")} == {young.name, other.name}


def test_a_killed_process_leaves_nothing(tmp_path: Path) -> None:
    process = os.fork()
    if not process:
        keeping = Keeping(Folder(str(tmp_path), Report()))
        keeping.data(LARGE)
        os.kill(os.getpid(), signal.SIGKILL)
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == -signal.SIGKILL
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("data", [b"x" * SMALL, LARGE])
def test_no_room(data: bytes, tmp_path: Path) -> None:
    """One line says so; what is whole stays, what is not goes, also of files beside."""
    folder = Folder(str(tmp_path), Report())
    path = kept(folder, b"whole")
    beside = Keeping(folder)
    beside.data(LARGE)
    with no_files_above(1000), pytest.raises(CaptureError, match=f"^{tmp_path}: .*File too large"):
        kept(folder, data)
    assert [str(one) for one in tmp_path.iterdir()] == [path]
