"""What remote file systems have alike, and which one an address is of."""

from __future__ import annotations

import fnmatch
import functools
import io
import os
import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import IO, Protocol

PREFIXES = ("hdfs://", "s3a://", "s3://")
COPIED = 1 << 20  # bytes at once
LEAST, MOST = 64 << 10, 8 << 20  # bytes of a request: more where reading goes straight on
FORGOTTEN = 24 * 3600  # seconds after which half a file is nobody's


def is_remote(path: str) -> bool:
    """Whether a path is an address of HDFS or S3."""
    return path.startswith(PREFIXES)


def hidden(name: str) -> bool:
    """Whether a file or folder of that name is passed over."""
    return name.startswith((".", "_"))


@dataclass(frozen=True)
class Status:
    """A file or folder: its path in the file system, bytes, and when it was changed (seconds, the server's clock)."""

    path: str
    folder: bool
    size: int
    changed: float

    @property
    def name(self) -> str:
        """The last part of its path."""
        return self.path.rsplit("/", 1)[-1]


class Handle(Protocol):
    """An open file."""

    size: int

    def fill(self, into: memoryview, offset: int) -> None:
        """Read as many bytes as INTO has, all of them before the end of the file; raises OSError if one is missing."""

    def close(self) -> None:
        """Give back what was opened."""


class System(Protocol):
    """A file system. What goes wrong is an OSError of one line. `name`: what stands before a path in an address.

    `moves`: whether a folder moves at once; else its files do, one after the other.
    """

    name: str
    moves: bool

    def status(self, path: str) -> Status | None:
        """What is there; None if nothing is."""

    def entries(self, path: str) -> list[Status]:
        """What is right below a folder, by path; nothing if there is no such folder."""

    def open(self, path: str) -> Handle:
        """A file, to read."""

    def write(self, path: str, file: IO[bytes]) -> None:
        """Write a file: the whole of it at once, or nothing. One that is there is replaced."""

    def sweep(self, path: str) -> None:
        """Remove from a folder what was left, a day ago, of files that killed processes wrote."""

    def make(self, path: str) -> None:
        """Make a folder and those above it."""

    def move(self, source: str, target: str) -> None:
        """Move a file or folder to where there is none."""

    def remove(self, path: str) -> None:
        """Remove a file, or a folder with all that is in it, if it is there."""


def of(address: str) -> tuple[System, str]:
    """The file system of an address, and the path in it. Raises OSError."""
    scheme, _, rest = address.partition("://")
    host, slash, path = rest.partition("/")
    if scheme == "hdfs":
        return _hdfs(host), slash + path.rstrip("/") or "/"
    if not host:
        raise OSError("an address of S3 has a bucket: s3a://bucket/folder")
    return _s3(host), rest.rstrip("/")


@functools.lru_cache
def _hdfs(host: str) -> System:
    from packetpig.loaders.remote.hdfs import Hdfs

    return Hdfs(host)


@functools.lru_cache
def _s3(bucket: str) -> System:
    from packetpig.loaders.remote.s3 import S3

    return S3(bucket)


def walk(system: System, path: str) -> Iterator[Status]:
    """All files below a folder, but for those with a part that is hidden."""
    for entry in system.entries(path):
        if not hidden(entry.name):
            if entry.folder:
                yield from walk(system, entry.path)
            else:
                yield entry


def glob(system: System, pattern: str) -> list[Status]:
    """What matches a pattern (*, ?, [] in parts of the path), by path."""
    parts = pattern.split("/")
    first = next((number for number, part in enumerate(parts) if set(part) & set("*?[")), None)
    if first is None:
        found = system.status(pattern)
        return [found] if found else []
    matches: list[Status] = []
    for entry in system.entries("/".join(parts[:first]) or "/"):
        fits = fnmatch.fnmatchcase(entry.name, parts[first]) and not hidden(entry.name)
        if fits and len(parts) == first + 1:
            matches.append(entry)
        elif fits and entry.folder:
            matches += glob(system, "/".join([entry.path, *parts[first + 1 :]]))
    return matches


class Source:
    """A file's bytes, by ranges (see captures.capture.Source): large pieces where reading goes straight on."""

    def __init__(self, system: System, path: str) -> None:
        self._handle = system.open(path)
        self.size: int | None = self._handle.size
        self._all = self._handle.size
        self._kept, self._begin, self._end = bytearray(), 0, 0  # what was read ahead
        self._piece = LEAST

    def read(self, into: memoryview, offset: int) -> int:
        """See captures.capture.Source."""
        count = max(0, min(len(into), self._all - offset))
        if not count:
            return 0
        if self._begin <= offset < self._end:
            count = min(count, self._end - offset)
            into[:count] = memoryview(self._kept)[offset - self._begin : offset - self._begin + count]
            return count
        self._piece = min(MOST, self._piece * 4) if offset == self._end and offset else LEAST
        piece = min(max(self._piece, count), self._all - offset)
        if count >= piece:
            self._handle.fill(into[:count], offset)
            self._begin = self._end = offset + count
            return count
        if len(self._kept) < piece:
            self._kept = bytearray(piece)
        self._handle.fill(memoryview(self._kept)[:piece], offset)
        self._begin, self._end = offset, offset + piece
        return self.read(into[:count], offset)

    def mapped(self) -> None:
        """See captures.capture.Source."""
        return

    def close(self) -> None:
        """See captures.capture.Source."""
        self._handle.close()


class File(io.RawIOBase):
    """A file as Python has them: read only, with seek."""

    def __init__(self, system: System, path: str) -> None:
        super().__init__()
        self._source, self._at = Source(system, path), 0

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """See io.RawIOBase."""
        count = self._source.read(memoryview(buffer).cast("B"), self._at)
        self._at += count
        return count

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """See io.IOBase."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._source.size or 0}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        """See io.IOBase."""
        return self._at

    def close(self) -> None:
        """See io.IOBase."""
        if not self.closed:
            self._source.close()
        super().close()


def opened(system: System, path: str) -> IO[bytes]:
    """A file, to read and to seek in."""
    return io.BufferedReader(File(system, path), LEAST)


def fetch(system: System, path: str, target: IO[bytes]) -> None:
    """Copy a file into one that is open here."""
    with closing(opened(system, path)) as file:
        shutil.copyfileobj(file, target, COPIED)
