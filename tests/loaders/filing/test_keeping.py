"""Files kept in a folder: under their names only when they are whole, and nothing half left when there is no room."""

from __future__ import annotations

import contextlib
import hashlib
import resource
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


def test_one_that_is_given_up_leaves_nothing(tmp_path: Path) -> None:
    folder = Folder(str(tmp_path), Report())
    keeping = Keeping(folder)
    keeping.data(LARGE)
    assert len(list(tmp_path.iterdir())) == 1
    del keeping
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
