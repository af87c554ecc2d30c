"""A capture to read: its names, the part of it that is wanted, and where its bytes come from."""

from __future__ import annotations

import errno
import mmap
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from packetpig.loaders.contract.report import CaptureError

if TYPE_CHECKING:
    import numpy as np
    from packetpig.loaders.captures.index import Index


class Source(Protocol):
    """Bytes of one capture. `size` is None where it is not known (a pipe)."""

    size: int | None

    def read(self, into: memoryview, offset: int) -> int:
        """Read from OFFSET; give how many bytes came, 0 at the end. A pipe only goes forward."""

    def mapped(self) -> np.ndarray[Any, Any] | None:
        """All bytes as an array without reading them, or None where that is not possible."""

    def close(self) -> None:
        """Give back what was opened."""


@dataclass
class Capture:
    """One capture, or a range of its records.

    `path`: as messages name it. `capture`, `sensor`: as in the rows. `start`, `end`: records that begin in this range
    of bytes; the whole capture if `end` is None. `open`: gives the bytes. `local`: its path, if it is a file of this
    machine. `index`: that of its packets' times, where this process has made one.
    """

    path: str
    open: Callable[[], Source]
    capture: str = ""
    sensor: str = "default"
    start: int = 0
    end: int | None = None
    number: int = 0  # in the job
    size: int | None = field(default=None)
    local: str | None = None
    index: Index | None = None


class LocalSource:
    """A file of this machine."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        status = os.fstat(self._file)
        self.size: int | None = status.st_size
        self._map: mmap.mmap | None = None
        if not os.path.isfile(path):  # a pipe or a device: it only goes forward  # noqa: PTH113
            self.size = None

    def read(self, into: memoryview, offset: int) -> int:
        """See Source."""
        if self.size is None:
            return os.readv(self._file, [into])
        return os.preadv(self._file, [into], offset)

    def mapped(self) -> np.ndarray[Any, Any] | None:
        """See Source."""
        if not self.size:
            return None
        if self._map is None:
            self._map = mmap.mmap(self._file, self.size, prot=mmap.PROT_READ)
            self._map.madvise(mmap.MADV_SEQUENTIAL)
        import numpy as np  # here: some who open captures need no arrays, and it takes a while

        return np.frombuffer(self._map, np.uint8)

    def close(self) -> None:
        """See Source. A map goes when its last array does."""
        os.close(self._file)


def beginning(source: Source, most: int) -> bytes:
    """The first bytes, MOST of them if there are so many."""
    buffer = bytearray(most)
    filled = 0
    while filled < most and (count := source.read(memoryview(buffer)[filled:], filled)):
        filled += count
    return bytes(buffer[:filled])


def opened(capture: Capture) -> Source:
    """Open a capture; raises CaptureError with one line that says why it cannot be."""
    try:
        return capture.open()
    except OSError as error:
        raise CaptureError(f"{capture.path}: {reason(error)}") from error


def reason(error: OSError) -> str:
    """What went wrong, in words."""
    if error.errno == errno.ENOENT:
        return "no such file"
    if error.errno == errno.EACCES:
        return "no permission to read it"
    if error.errno == errno.EISDIR:
        return "a folder, not a capture"
    return (error.strerror or str(error)).lower()


def local(path: str | Path, name: str | None = None, sensor: str = "default") -> Capture:
    """A file of this machine as a capture; `-` is standard input."""
    path = str(path)
    if path == "-":
        return Capture("standard input", lambda: LocalSource("/dev/stdin"), name or "-", sensor)
    return Capture(path, lambda: LocalSource(path), name or Path(path).name, sensor, local=path)
