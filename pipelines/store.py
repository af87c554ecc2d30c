"""Where captures and tables are: a folder of this machine, of HDFS or of S3."""

from __future__ import annotations

import errno
import fcntl
import io
import json
import os
import shutil
import stat
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from packetpig.loaders.engines.folders import work_folder
from packetpig.loaders.remote import system as remote
from packetpig.pipelines.claims import BusyError as BusyError
from packetpig.pipelines.claims import Claim, claimed
from packetpig.pipelines.claims import StoreError as StoreError

BUSY = 75
"""Exit code of who meets another run (sysexits.h: try again later)."""
WORK = ".work"
FSCK = "lost+found"
"""A folder in the root of a file system that only root may list: no captures are expected there."""


@dataclass(frozen=True)
class File:
    """A file: its full path as Pig names it, its path below the folder, bytes, and when it was changed (seconds)."""

    path: str
    below: str
    size: int
    changed: float


class Store:
    """A folder. Paths given to its methods are below it.

    `moves`: whether folders move at once. `far`: whether each call is a request to a server.
    """

    moves = True
    far = False

    def __init__(self, root: str) -> None:
        self.root = root

    def path(self, *parts: str) -> str:
        """The full path, as Pig names it."""
        return "/".join((self.root, *parts))

    def below(self, *parts: str) -> Store:
        """A folder of it, as a store."""
        raise NotImplementedError

    def names(self, *parts: str) -> list[str]:
        """What is in a folder; nothing if there is none."""
        raise NotImplementedError

    def exists(self, *parts: str) -> bool:
        """Whether there is such a file or folder."""
        raise NotImplementedError

    def files(self, *parts: str, unlisted: list[str] | None = None) -> list[File]:
        """All files below a folder, but for those with a part that begins with _ or a dot, by path.

        Raises StoreError if a folder among them cannot be listed; with UNLISTED it is put there instead.
        """
        raise NotImplementedError

    def file(self, path: str) -> File | None:
        """The file of a full path below the folder, as it is now; None if there is none, or only a link."""
        raise NotImplementedError

    def read(self, *parts: str) -> bytes:
        """A file's contents."""
        with self.open(*parts) as file:
            return file.read()

    def json(self, *parts: str) -> Any:
        """What a file of JSON says. Raises StoreError, with its name, if it is none."""
        try:
            return json.loads(self.read(*parts))
        except ValueError as error:
            raise StoreError(f"{self.path(*parts)}: {error}") from error

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

    @contextmanager
    def folder(self, *parts: str) -> Iterator[Path]:
        """Where, on this machine, a folder can be made that is in its place afterwards."""
        raise NotImplementedError
        yield  # pragma: no cover

    def check(self) -> None:
        """Raise StoreError if the lock that was taken is ours no more."""

    def remove(self, *parts: str) -> None:
        """Remove a file or folder, if it is there."""
        raise NotImplementedError

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keep other runs out. Raises BusyError."""
        raise NotImplementedError


class LocalStore(Store):
    """A folder of this machine. `scheme`: what stands before its paths where another file system is the usual one."""

    scheme = ""

    def _at(self, *parts: str) -> Path:
        return Path(self.root, *parts)

    def path(self, *parts: str) -> str:
        """See Store."""
        return self.scheme + super().path(*parts)

    def below(self, *parts: str) -> Store:
        """See Store."""
        return LocalStore(str(self._at(*parts)))

    def names(self, *parts: str) -> list[str]:
        """See Store."""
        try:
            return sorted(os.listdir(self._at(*parts)))  # noqa: PTH208
        except (FileNotFoundError, NotADirectoryError):
            return []

    def exists(self, *parts: str) -> bool:
        """See Store."""
        return self._at(*parts).exists()

    def files(self, *parts: str, unlisted: list[str] | None = None) -> list[File]:
        """See Store."""
        base = self._at(*parts)
        found = []

        def failed(error: OSError) -> None:
            if isinstance(error, FileNotFoundError) or Path(error.filename).name == FSCK:
                return
            if unlisted is None:
                raise StoreError(f"{error.filename}: cannot be listed: {error.strerror}") from error
            unlisted.append(error.filename)

        for folder, folders, names in os.walk(base, followlinks=True, onerror=failed):
            folders[:] = [name for name in folders if name[0] not in "._"]
            for name in names:
                if name[0] in "._":
                    continue
                path = os.path.join(folder, name)  # noqa: PTH118
                try:
                    status = os.stat(path)  # noqa: PTH116
                except FileNotFoundError:  # it went away, or a link to nowhere
                    continue
                except PermissionError as error:  # of the folder, or of one that a link leads through
                    failed(error)
                    continue
                found.append(File(path, os.path.relpath(path, base), status.st_size, status.st_mtime_ns / 1e9))
        return sorted(found, key=lambda file: file.path)

    def file(self, path: str) -> File | None:
        """See Store."""
        try:
            status = Path(path).lstat()
        except OSError:
            return None
        if not stat.S_ISREG(status.st_mode):
            return None
        return File(path, os.path.relpath(path, self.root), status.st_size, status.st_mtime_ns / 1e9)

    def open(self, *parts: str) -> IO[bytes]:
        """See Store."""
        return self._at(*parts).open("rb")

    def write(self, data: bytes, *parts: str) -> None:
        """See Store."""
        target = self._at(*parts)
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{target.name}.{os.getpid()}")
        lasts = not _passing(*parts)
        try:
            with part.open("wb") as file:
                file.write(data)
                if lasts:
                    file.flush()
                    os.fsync(file.fileno())
            part.replace(target)
            if lasts:
                _to_disk(target.parent)
        finally:
            part.unlink(missing_ok=True)

    def make(self, *parts: str) -> None:
        """See Store."""
        self._at(*parts).mkdir(parents=True, exist_ok=True)

    def move(self, source: str, target: str) -> None:
        """See Store."""
        final = self._at(target)
        final.parent.mkdir(parents=True, exist_ok=True)
        if _passing(target):
            self._at(source).rename(final)
            return
        for path in (self._at(source), *self._at(source).rglob("*")):
            _to_disk(path)
        self._at(source).rename(final)
        _to_disk(final.parent)

    @contextmanager
    def folder(self, *parts: str) -> Iterator[Path]:
        """See Store: it is made where it will be."""
        self._at(*parts[:-1]).mkdir(parents=True, exist_ok=True)
        yield self._at(*parts)

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


def _passing(*parts: str) -> bool:
    """Whether a path is one where tables are made: what is there when the power goes is of no use."""
    return parts[0].startswith(WORK)


def _to_disk(path: Path) -> None:
    """Have a file or folder on the disk, should the power go."""
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    except OSError as error:
        if error.errno != errno.EINVAL:  # a file system that has no such thing
            raise
    finally:
        os.close(file)


class RemoteStore(Store):
    """A folder of HDFS or S3. On S3 a folder does not move at once: what says that it is complete is written last."""

    far = True

    def __init__(self, root: str) -> None:
        try:
            self._system, self._top = remote.of(root)
        except OSError as error:
            raise StoreError(f"{root}: {error}") from error
        super().__init__(self._system.name + self._top.rstrip("/"))
        self.moves = self._system.moves
        self._claim: Claim | None = None

    def _at(self, *parts: str) -> str:
        return "/".join((self._top.rstrip("/"), *parts)) or "/"

    def below(self, *parts: str) -> Store:
        """See Store."""
        return RemoteStore(self.path(*parts))

    def names(self, *parts: str) -> list[str]:
        """See Store."""
        return sorted(entry.name for entry in self._system.entries(self._at(*parts)))

    def exists(self, *parts: str) -> bool:
        """See Store."""
        return self._system.status(self._at(*parts)) is not None

    def files(self, *parts: str, unlisted: list[str] | None = None) -> list[File]:
        """See Store: a folder that cannot be listed always raises."""
        base = self._at(*parts)
        found = [self._file(entry, base) for entry in remote.walk(self._system, base)]
        return sorted(found, key=lambda file: file.path)

    def _file(self, entry: remote.Status, base: str) -> File:
        below = entry.path[len(base.rstrip("/")) + 1 :]
        return File(self._system.name + entry.path, below, entry.size, entry.changed)

    def file(self, path: str) -> File | None:
        """See Store."""
        found = self._system.status(path.removeprefix(self._system.name))
        return None if found is None or found.folder else self._file(found, self._at())

    def open(self, *parts: str) -> IO[bytes]:
        """See Store."""
        return remote.opened(self._system, self._at(*parts))

    def write(self, data: bytes, *parts: str) -> None:
        """See Store."""
        self._system.write(self._at(*parts), io.BytesIO(data))

    def make(self, *parts: str) -> None:
        """See Store."""
        self._system.make(self._at(*parts))

    def move(self, source: str, target: str) -> None:
        """See Store."""
        self._system.move(self._at(source), self._at(target))

    @contextmanager
    def folder(self, *parts: str) -> Iterator[Path]:
        """See Store: it is made in a work folder, and sent."""
        with work_folder() as place:
            yield place / parts[-1]
            final = self._at(*parts)
            to = f"{final}.{uuid.uuid4().hex}" if self.moves else final
            if not self.moves:
                self._system.remove(final)
            for path in sorted((place / parts[-1]).rglob("*")):
                if path.is_file():
                    with path.open("rb") as file:
                        self._system.write(f"{to}/{path.relative_to(place / parts[-1])}", file)
            if self.moves:
                self._system.remove(final)
                self._system.move(to, final)

    def remove(self, *parts: str) -> None:
        """See Store."""
        self._system.remove(self._at(*parts))

    @contextmanager
    def lock(self) -> Iterator[None]:
        """See Store, and claims.py."""
        with claimed(self.root) as self._claim:
            yield

    def check(self) -> None:
        """See Store."""
        if self._claim is not None and not self._claim.holds():
            raise StoreError(f"{self.root}: the lock was lost: another run may be at work")


def store(root: str) -> Store:
    """The folder ROOT: a path of this machine, file://, hdfs:// or s3a://. Raises StoreError."""
    parts = urlsplit(root)
    if parts.scheme in ("", "file"):
        return LocalStore(str(Path(parts.path if parts.scheme else root).resolve()))
    if remote.is_remote(root):
        return RemoteStore(root)
    raise StoreError(f"{root}: folders are of this machine, of hdfs:// or of s3a://")
