"""Where files are kept: a folder of this machine, of HDFS or of S3. They come to be there at once, or not at all."""

from __future__ import annotations

import os
import tempfile
import time
import uuid
from contextlib import suppress
from pathlib import Path
from typing import IO, Protocol

from packetpig.loaders.remote import system
from packetpig.loaders.remote.system import FORGOTTEN


class Place(Protocol):
    """A folder. What goes wrong is an OSError. `spool`: where a file is until it is whole, as messages name it."""

    spool: str

    def has(self, name: str) -> bool:
        """Whether there is a file NAME already."""

    def begin(self) -> IO[bytes]:
        """A file without a name yet, to write to."""

    def keep(self, file: IO[bytes], name: str) -> None:
        """FILE is whole: here it is NAME from now on."""

    def drop(self, file: IO[bytes]) -> None:
        """FILE is not kept after all."""


class LocalPlace:
    """A folder of this machine: a file has no name there until it is whole, so that a killed process leaves nothing.

    Where the file system has no files without names, it has another one; such that were left go a day later.
    """

    def __init__(self, place: str) -> None:
        self._folder = Path(place.removeprefix("file://")).absolute()
        self.spool = place
        self._swept = False

    def has(self, name: str) -> bool:
        """See Place."""
        return (self._folder / name).is_file()

    def begin(self) -> IO[bytes]:
        """See Place."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with suppress(OSError):
            return os.fdopen(os.open(self._folder, os.O_TMPFILE | os.O_WRONLY, 0o666), "wb")
        self._sweep()
        return (self._folder / f".{uuid.uuid4().hex}.part").open("xb")

    def _sweep(self) -> None:
        if self._swept:
            return
        self._swept = True
        for path in self._folder.glob(f".{'[0-9a-f]' * 32}.part"):
            with suppress(OSError):  # another one was faster
                if path.stat().st_mtime < time.time() - FORGOTTEN:
                    path.unlink()

    def keep(self, file: IO[bytes], name: str) -> None:
        """See Place."""
        if isinstance(file.name, int):  # it has none
            file.flush()
            with suppress(FileExistsError):  # the same content, by another task
                here = file.fileno()  # linkat, which follows the link in /proc, is what a folder's number asks for
                os.link(f"/proc/self/fd/{here}", self._folder / name, src_dir_fd=here, follow_symlinks=True)
            file.close()
            return
        file.close()
        Path(file.name).replace(self._folder / name)

    def drop(self, file: IO[bytes]) -> None:
        """See Place."""
        with suppress(OSError):
            file.close()
        if not isinstance(file.name, int):
            with suppress(OSError):
                Path(file.name).unlink(missing_ok=True)


class RemotePlace:
    """A folder elsewhere: what is not whole waits in a file without a name on this machine, so that elsewhere nothing
    half is ever seen, and no more than one file at a time is on its way."""

    def __init__(self, place: str) -> None:
        self.spool = tempfile.gettempdir()
        self._system, self._inside = system.of(place)
        self._swept = False

    def has(self, name: str) -> bool:
        """See Place."""
        found = self._system.status(f"{self._inside}/{name}")
        return found is not None and not found.folder

    def begin(self) -> IO[bytes]:
        """See Place."""
        return tempfile.TemporaryFile()

    def keep(self, file: IO[bytes], name: str) -> None:
        """See Place."""
        if not self._swept:
            self._swept = True
            with suppress(OSError):  # others' files are not ours to remove
                self._system.sweep(self._inside)
        file.seek(0)
        self._system.write(f"{self._inside}/{name}", file)
        file.close()

    def drop(self, file: IO[bytes]) -> None:
        """See Place."""
        with suppress(OSError):
            file.close()


def place_of(place: str) -> Place:
    """The place that a user calls PLACE."""
    return RemotePlace(place) if system.is_remote(place) else LocalPlace(place)
