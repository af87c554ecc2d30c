"""S3 by pyarrow: keys, region and endpoint are what AWS's own variables of the environment say.

A file is there at once when it is whole. Folders are names only: one that moves is copied, file by file, then removed.
"""

from __future__ import annotations

import ctypes
import os
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import IO, Any

from packetpig.loaders.remote.system import COPIED, Status, opened

PARTS = 5 << 20
"""Bytes from which on a file may be sent in parts."""
LARGEST = 5 << 30
"""Bytes of a file that S3 copies by itself."""


class S3:
    """See System: a bucket."""

    name = "s3a://"
    moves = False

    def __init__(self, bucket: str) -> None:
        # servers that are not Amazon's do not know the checksums that newer clients add to what they send
        os.environ.setdefault("AWS_REQUEST_CHECKSUM_CALCULATION", "when_required")
        from pyarrow import fs

        self._fs, self._bucket = fs, bucket
        self._inner: Any = None
        self._process = 0

    @property
    def _system(self) -> Any:
        if self._process != os.getpid():  # connections are not shared with a process that was forked
            # nothing is asked of the server before there is something to send
            self._inner, _ = self._fs.FileSystem.from_uri(f"s3://{self._bucket}?allow_delayed_open=true")
            self._process = os.getpid()
        return self._inner

    def _status(self, info: Any) -> Status:
        changed = info.mtime_ns / 1e9 if info.mtime_ns else 0.0
        return Status(info.path, info.type == self._fs.FileType.Directory, max(0, info.size or 0), changed)

    def status(self, path: str) -> Status | None:
        """See System."""
        with _said():
            info = self._system.get_file_info(path)
        return None if info.type == self._fs.FileType.NotFound else self._status(info)

    def entries(self, path: str) -> list[Status]:
        """See System."""
        with _said():
            found = self._system.get_file_info(self._fs.FileSelector(path, allow_not_found=True))
        return sorted((self._status(info) for info in found), key=lambda one: one.path)

    def open(self, path: str) -> _File:
        """See System."""
        with _said():
            return _File(self._system.open_input_file(path))

    def write(self, path: str, file: IO[bytes]) -> None:
        """See System. What went wrong leaves parts with the server that nobody sees (docs/cluster.md)."""
        begin, end = file.tell(), file.seek(0, os.SEEK_END)
        file.seek(begin)
        with _said():
            out = self._system.open_output_stream(path, compression=None)  # not by the name
            try:
                shutil.copyfileobj(file, out, COPIED)
                if file.tell() != end:
                    raise OSError(f"offset {file.tell():,}: it ends early, of {end:,} bytes")
                out.close()
            except BaseException:
                # pyarrow cannot give up what it sends, but completes it when the stream goes: so this one never does
                ctypes.pythonapi.Py_IncRef(ctypes.py_object(out))
                raise
        if end - begin >= PARTS:  # a server may fail to put parts together when it has said already that all is well
            there = self.status(path)
            if there is None or there.size != end - begin:
                raise OSError(f"of {end - begin:,} bytes that were sent, {there.size if there else 0:,} are there")

    def sweep(self, path: str) -> None:
        """See System: there is nothing to be seen of them."""

    def make(self, path: str) -> None:
        """See System."""
        with _said():
            self._system.create_dir(path, recursive=True)

    def move(self, source: str, target: str) -> None:
        """See System."""
        with _said():
            selector = self._fs.FileSelector(source, recursive=True, allow_not_found=True)
            files = [one for one in self._system.get_file_info(selector) if one.is_file]
            there = self._system.get_file_info(source)
            if not files and there.type == self._fs.FileType.NotFound:
                raise FileNotFoundError(2, "No such file or directory", source)
            if not files and there.is_file:
                files = [there]
            else:
                self._system.create_dir(target, recursive=True)
            for one in files:
                self._copy(one.path, target + one.path.removeprefix(source), one.size)
        self.remove(source)

    def _copy(self, source: str, target: str, size: int) -> None:
        if size <= LARGEST:
            self._system.copy_file(source, target)
        else:  # by way of this machine, in pieces
            with closing(opened(self, source)) as file:
                self.write(target, file)

    def remove(self, path: str) -> None:
        """See System."""
        with _said():
            info = self._system.get_file_info(path)
            if info.is_file:
                self._system.delete_file(path)
            elif info.type == self._fs.FileType.Directory:
                self._system.delete_dir(path)


class _File:
    """See Handle."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self.size = int(file.size())

    def fill(self, into: memoryview, offset: int) -> None:
        """See Handle."""
        with _said():
            data = self._file.read_at(len(into), offset)
        if len(data) < len(into):
            raise OSError(f"offset {offset + len(data):,}: it ends early")
        into[:] = data

    def close(self) -> None:
        """See Handle."""
        self._file.close()


@contextmanager
def _said() -> Iterator[None]:
    """What the server says is one line."""
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        raise OSError((str(error).splitlines() or ["?"])[0]) from error
