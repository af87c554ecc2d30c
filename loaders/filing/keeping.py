"""Keeps files that were carried in a folder: local, of HDFS or of S3, one for each content, named by its SHA-256.

A file is written under a temporary name and renamed when it is whole, so that it may be written twice at once, and a
task that runs again finds what is there. No name comes from traffic.
"""

from __future__ import annotations

import posixpath
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from weakref import WeakSet

from packetpig.loaders.captures.finding import REMOTE
from packetpig.loaders.contract.report import CaptureError, Report
from packetpig.loaders.protocols.room import Room

SMALL = 256 << 10  # bytes of a file that wait in memory for its end
WAITING = 64 << 20  # of all of them together
OPEN = 256  # files that are being written at once


class Folder:
    """A folder to keep files in. Raises CaptureError where it cannot be written to."""

    def __init__(self, place: str, report: Report) -> None:
        self.place, self.report = place.rstrip("/") or "/", report
        self.system, self.root = _system(self.place)
        self.room = Room(WAITING)
        self.begun: WeakSet[Keeping] = WeakSet()
        self._made = False

    def path(self, name: str) -> str:
        """Where a file NAME is, as the user would say it."""
        return f"{self.place}/{name}"

    def inside(self, name: str) -> str:
        """The same for the file system; the folder is there."""
        if not self._made:
            self.system.create_dir(self.root, recursive=True)
            self._made = True
        return posixpath.join(self.root, name)

    def has(self, name: str) -> bool:
        """Whether there is a file NAME already."""
        from pyarrow import fs

        return bool(self.system.get_file_info(self.inside(name)).type == fs.FileType.File)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """What goes wrong with it is one line, and takes with it what is not whole."""
        try:
            with _said(self.place):
                yield
        except CaptureError:
            for keeping in list(self.begun):
                keeping.forget()
            raise


class Keeping:
    """One file on its way into a Folder."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._waiting = bytearray()
        self._stream: Any = None
        self._part = ""
        self.lost = False

    def data(self, data: bytes | memoryview) -> None:
        """More of it."""
        folder = self._folder
        if self.lost:
            return
        if self._stream is None:
            if len(self._waiting) + len(data) <= SMALL and folder.room.take(len(data)):
                self._waiting += data
                return
            if len(folder.begun) >= OPEN:
                folder.report.losses = True
                folder.report.count("files not kept, too many were written at once")
                self.forget()
                self.lost = True
                return
            self._begin()
        with folder.writing():
            self._stream.write(data)

    def _begin(self) -> None:
        folder = self._folder
        self._part = f".{uuid.uuid4().hex}.part"
        folder.begun.add(self)
        with folder.writing():
            self._stream = folder.system.open_output_stream(folder.inside(self._part))
            self._stream.write(self._waiting)
        folder.room.free(len(self._waiting))
        self._waiting = bytearray()

    def finish(self, name: str) -> str | None:
        """It is whole: give it its NAME. Where it is then; None if it was not kept."""
        folder = self._folder
        if self.lost:
            return None
        with folder.writing():
            if folder.has(name):
                self.forget()
                return folder.path(name)
            if self._stream is None:
                self._begin()
            stream, self._stream = self._stream, None
            stream.close()
            try:
                folder.system.move(folder.inside(self._part), folder.inside(name))
                self._part = ""
            except OSError:
                if not folder.has(name):  # another task was faster
                    raise
            self.forget()
        return folder.path(name)

    def forget(self) -> None:
        """It is not kept after all."""
        folder = self._folder
        folder.begun.discard(self)
        folder.room.free(len(self._waiting))
        self._waiting = bytearray()
        if self._stream is not None:
            stream, self._stream = self._stream, None
            with suppress(OSError):
                stream.close()
        if self._part:
            part, self._part = self._part, ""
            with suppress(OSError):
                folder.system.delete_file(folder.inside(part))

    def __del__(self) -> None:
        self.forget()


def _system(place: str) -> tuple[Any, str]:
    """The file system of a place, and the place in it."""
    from pyarrow import fs

    if not place.startswith(REMOTE):
        return fs.LocalFileSystem(), str(Path(place.removeprefix("file://")).absolute())
    with _said(place):
        system, inside = fs.FileSystem.from_uri(place.replace("s3a://", "s3://", 1))
    return system, str(inside)


@contextmanager
def _said(place: str) -> Iterator[None]:
    """What goes wrong with a folder is one line."""
    try:
        yield
    except OSError as error:
        first = (str(error).splitlines() or ["?"])[0]
        raise CaptureError(f"{place}: {first}") from error
