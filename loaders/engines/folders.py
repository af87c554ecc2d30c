"""Work folders that nobody has to clean up after: what a killed run (SIGKILL) left behind, the next one removes.

A run holds a lock on its folder; the kernel lets go of it when the process ends, however it does.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

PREFIX = "packetpig-work-"


@contextlib.contextmanager
def work_folder() -> Iterator[Path]:
    """A folder of this run's own, below TMPDIR, which is gone afterwards. Raises OSError."""
    sweep()
    folder, lock = _locked()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def sweep() -> None:
    """Remove the folders of this user whose run is over."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):  # another run was faster, or it is somebody else's
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                if os.fstat(lock).st_uid == os.geteuid():
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(lock)


def _locked() -> tuple[Path, int]:
    """A new folder and the lock on it: one that was swept before it was locked is not taken."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        lock = -1
        try:
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            fcntl.flock(lock, fcntl.LOCK_EX)
            if folder.is_dir():
                return folder, lock
        except FileNotFoundError:
            pass
        if lock >= 0:
            os.close(lock)
