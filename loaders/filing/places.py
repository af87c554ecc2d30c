"""Where files are kept: a folder of this machine, or of S3. They come to be there at once, or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Protocol

from packetpig.loaders.captures.finding import REMOTE

COPIED = 1 << 20  # bytes at once


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
    """A folder of this machine: a file has another name there until it is whole."""

    def __init__(self, place: str) -> None:
        self._folder = Path(place.removeprefix("file://")).absolute()
        self.spool = place

    def has(self, name: str) -> bool:
        """See Place."""
        return (self._folder / name).is_file()

    def begin(self) -> IO[bytes]:
        """See Place."""
        self._folder.mkdir(parents=True, exist_ok=True)
        return (self._folder / f".{uuid.uuid4().hex}.part").open("xb")

    def keep(self, file: IO[bytes], name: str) -> None:
        """See Place."""
        file.close()
        Path(file.name).replace(self._folder / name)

    def drop(self, file: IO[bytes]) -> None:
        """See Place."""
        with suppress(OSError):
            file.close()
        with suppress(OSError):
            Path(file.name).unlink(missing_ok=True)


class RemotePlace:
    """A folder elsewhere: what is not whole waits in a file without a name on this machine, so that elsewhere nothing
    half is ever seen, and no more than one file at a time is on its way."""

    def __init__(self) -> None:
        self.spool = tempfile.gettempdir()

    def begin(self) -> IO[bytes]:
        """See Place."""
        return tempfile.TemporaryFile()

    def keep(self, file: IO[bytes], name: str) -> None:
        """See Place."""
        file.seek(0)
        self.put(file, name)
        file.close()

    def put(self, file: IO[bytes], name: str) -> None:
        """Send FILE; it is there under NAME at once, or not at all."""
        raise NotImplementedError

    def drop(self, file: IO[bytes]) -> None:
        """See Place."""
        with suppress(OSError):
            file.close()


class S3Place(RemotePlace):
    """A folder of S3, by pyarrow: keys and endpoint are what AWS's own variables of the environment say."""

    def __init__(self, place: str) -> None:
        super().__init__()
        # servers that are not Amazon's do not know the checksums that newer clients add to what they send
        os.environ.setdefault("AWS_REQUEST_CHECKSUM_CALCULATION", "when_required")
        from pyarrow import fs

        self._system: Any
        self._system, self._inside = fs.FileSystem.from_uri(f"s3://{place.partition('://')[2]}")

    def has(self, name: str) -> bool:
        """See Place."""
        return bool(self._system.get_file_info(f"{self._inside}/{name}").is_file)

    def put(self, file: IO[bytes], name: str) -> None:
        """See RemotePlace."""
        with self._system.open_output_stream(f"{self._inside}/{name}") as out:
            shutil.copyfileobj(file, out, COPIED)


def place_of(place: str) -> Place:
    """The place that a user calls PLACE."""
    if not place.startswith(REMOTE):
        return LocalPlace(place)
    if place.startswith("hdfs://"):
        raise OSError("files are not kept in HDFS yet: keep them in a local folder or in S3")
    return S3Place(place)
