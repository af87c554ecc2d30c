"""Keeps files that were carried in a folder: local, of HDFS or of S3, one for each content, named by its SHA-256.

A file gets its name when it is whole, so that it may be written twice at once, and a task that runs again finds what is
there. No name comes from traffic.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO
from weakref import WeakSet

from packetpig.loaders.contract.report import CaptureError, Report
from packetpig.loaders.filing.places import place_of
from packetpig.loaders.protocols.room import Room

SMALL = 256 << 10  # bytes of a file that wait in memory for its end
WAITING = 64 << 20  # of all of them together
OPEN = 256  # files that are being written at once


class Folder:
    """A folder to keep files in. Raises CaptureError where it cannot be written to."""

    def __init__(self, name: str, report: Report) -> None:
        self.name, self.report = name.rstrip("/") or "/", report
        with _said(self.name):
            self.place = place_of(self.name)
        self.room = Room(WAITING)
        self.begun: WeakSet[Keeping] = WeakSet()

    def path(self, name: str) -> str:
        """Where a file NAME is, as the user would say it."""
        return f"{self.name}/{name}"

    @contextmanager
    def using(self, place: str) -> Iterator[None]:
        """What goes wrong in PLACE is one line, and takes with it what is not whole."""
        try:
            with _said(place):
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
        self._file: IO[bytes] | None = None
        self.lost = False

    def data(self, data: bytes | memoryview) -> None:
        """More of it."""
        folder = self._folder
        if self.lost:
            return
        if self._file is None:
            if len(self._waiting) + len(data) <= SMALL and folder.room.take(len(data)):
                self._waiting += data
                return
            if len(folder.begun) >= OPEN:
                folder.report.losses = True
                folder.report.count("files not kept, too many were written at once")
                self.forget()
                self.lost = True
                return
        with folder.using(folder.place.spool):
            self._begun().write(data)

    def _begun(self) -> IO[bytes]:
        """Its file, in which it is so far."""
        if self._file is None:
            self._folder.begun.add(self)
            self._file = self._folder.place.begin()
            self._file.write(self._waiting)
            self._folder.room.free(len(self._waiting))
            self._waiting = bytearray()
        return self._file

    def finish(self, name: str) -> str | None:
        """It is whole: give it its NAME. Where it is then; None if it was not kept."""
        folder = self._folder
        if self.lost:
            return None
        with folder.using(folder.name):
            there = folder.place.has(name)
        if not there:
            with folder.using(folder.place.spool):
                file = self._begun()
                file.flush()
            with folder.using(folder.name):
                folder.place.keep(file, name)
            self._file = None
        self.forget()
        return folder.path(name)

    def forget(self) -> None:
        """It is not kept after all."""
        folder = self._folder
        folder.begun.discard(self)
        folder.room.free(len(self._waiting))
        self._waiting = bytearray()
        file, self._file = self._file, None
        if file is not None:
            folder.place.drop(file)

    def __del__(self) -> None:
        self.forget()


@contextmanager
def _said(place: str) -> Iterator[None]:
    """What goes wrong with a folder is one line."""
    try:
        yield
    except OSError as error:
        first = (str(error).splitlines() or ["?"])[0]
        raise CaptureError(f"{place}: {first}") from error
