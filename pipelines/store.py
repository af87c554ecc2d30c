"""Where captures and tables are: a folder of this machine."""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

BUSY = 75
"""Exit code of who meets another run (sysexits.h: try again later)."""


class StoreError(Exception):
    """Something that cannot be read or written. One line."""


class BusyError(Exception):
    """Another run has the lock. One line says who."""


@dataclass(frozen=True)
class File:
    """A file: its full path as Pig names it, its path below the folder, bytes, and when it was changed (seconds)."""

    path: str
    below: str
    size: int
    changed: float


class Store:
    """A folder. Paths given to its methods are below it."""

    def __init__(self, root: str) -> None:
        self.root = root

    def path(self, *parts: str) -> str:
        """The full path, as Pig names it."""
        return "/".join((self.root, *parts))

    def names(self, *parts: str) -> list[str]:
        """What is in a folder; nothing if there is none."""
        raise NotImplementedError

    def exists(self, *parts: str) -> bool:
        """Whether there is such a file or folder."""
        raise NotImplementedError

    def files(self, *parts: str) -> list[File]:
        """All files below a folder, but for those with a part that begins with _ or a dot, by path."""
        raise NotImplementedError

    def read(self, *parts: str) -> bytes:
        """A file's contents."""
        with self.open(*parts) as file:
            return file.read()

    def open(self, *parts: str) -> IO[bytes]:
        """A file, to read."""
        raise NotImplementedError

    def write(self, data: bytes, *parts: str) -> None:
        """Write a file: the whole of it, or nothing."""
        raise NotImplementedError

    def make(self, *parts: str) -> None:
        """Make a folder and those above it."""
        raise NotImplementedError

    def move(self, source: str, target: str) -> None:
        """Move a folder or file to where there is none, at once where the file system can."""
        raise NotImplementedError

    def remove(self, *parts: str) -> None:
        """Remove a file or folder, if it is there."""
        raise NotImplementedError

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keep other runs out. Raises BusyError."""
        raise NotImplementedError


class LocalStore(Store):
    """A folder of this machine."""

    def _at(self, *parts: str) -> Path:
        return Path(self.root, *parts)

    def names(self, *parts: str) -> list[str]:
        """See Store."""
        try:
            return sorted(os.listdir(self._at(*parts)))  # noqa: PTH208
        except (FileNotFoundError, NotADirectoryError):
            return []

    def exists(self, *parts: str) -> bool:
        """See Store."""
        return self._at(*parts).exists()

    def files(self, *parts: str) -> list[File]:
        """See Store."""
        base = self._at(*parts)
        found = []
        for folder, folders, names in os.walk(base, followlinks=True):
            folders[:] = [name for name in folders if name[0] not in "._"]
            for name in names:
                if name[0] in "._":
                    continue
                path = os.path.join(folder, name)  # noqa: PTH118
                with suppress(FileNotFoundError):  # it went away, or a link to nowhere
                    status = os.stat(path)  # noqa: PTH116
                    found.append(File(path, os.path.relpath(path, base), status.st_size, status.st_mtime_ns / 1e9))
        return sorted(found, key=lambda file: file.path)

    def open(self, *parts: str) -> IO[bytes]:
        """See Store."""
        return self._at(*parts).open("rb")

    def write(self, data: bytes, *parts: str) -> None:
        """See Store."""
        target = self._at(*parts)
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{target.name}.{os.getpid()}")
        try:
            part.write_bytes(data)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)

    def make(self, *parts: str) -> None:
        """See Store."""
        self._at(*parts).mkdir(parents=True, exist_ok=True)

    def move(self, source: str, target: str) -> None:
        """See Store."""
        self._at(target).parent.mkdir(parents=True, exist_ok=True)
        self._at(source).rename(self._at(target))

    def remove(self, *parts: str) -> None:
        """See Store."""
        target = self._at(*parts)
        if target.is_dir() and not target.is_symlink():
            shutil.rmtree(target)
        else:
            target.unlink(missing_ok=True)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """See Store: the system lets go of it when the process ends, however that happens."""
        self.make()
        with self._at(".lock").open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                file.seek(0)
                raise BusyError(
                    f"{self.root}: another run is at work ({file.read().strip() or 'just begun'})"
                ) from error
            who = f"process {os.getpid()} since {time.strftime('%Y-%m-%d %H:%M:%S')}"
            with suppress(OSError):  # on a full disk it says less, but holds
                os.ftruncate(file.fileno(), 0)
                os.write(file.fileno(), who.encode())
            yield


def store(root: str) -> Store:
    """The folder ROOT: a path of this machine, or file://. Raises StoreError."""
    parts = urlsplit(root)
    if parts.scheme in ("", "file"):
        return LocalStore(str(Path(parts.path if parts.scheme else root).resolve()))
    raise StoreError(f"{root}: the pipeline knows folders of this machine only, so far")
