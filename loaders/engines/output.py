"""What a program writes: read from a pipe, or from a file in memory."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import subprocess
import time
from typing import Protocol

PIPE = 1 << 20  # bytes: what the kernel lets an ordinary user have
AT_ONCE = 1 << 20  # bytes of lines read at once
PAUSE = 0.002  # seconds: who waits on a pipe is woken at each page, or line, and costs both sides more than the work
MOST_BEHIND = 8 << 20  # bytes in memory that may wait to be read
ENOUGH, WHILE = 1 << 18, 0.05  # bytes that are worth to be read, seconds after which fewer are
KEEP_SIZE, PUNCH_HOLE = 1, 2  # of fallocate(2)
PAGE = os.sysconf("SC_PAGESIZE")


class Output(Protocol):
    """What a program writes."""

    def read(self) -> bytes:
        """The next bytes; nothing at its end. Waits for them."""

    def behind(self) -> bool:
        """Whether so much waits to be read that the program should not be given more."""

    def close(self) -> None:
        """Nothing more is read."""


class Pipe:
    """A pipe that the program writes into: it waits while this is full. `inner` is its end of it, to be closed here."""

    def __init__(self) -> None:
        end, self.inner = os.pipe()
        self._file = os.fdopen(end, "rb", buffering=0)
        enlarge(end)
        self._pause = False

    def read(self) -> bytes:
        """See Output."""
        if self._pause:
            time.sleep(PAUSE)
        data = os.read(self._file.fileno(), AT_ONCE)
        self._pause = len(data) < AT_ONCE // 2
        return data

    def behind(self) -> bool:
        """See Output."""
        return False

    def close(self) -> None:
        """See Output."""
        self._file.close()


class Memory:
    """A file in memory: it costs a program half as much as a pipe, if it writes line by line. Raises OSError.

    What was read is given back at once.
    """

    def __init__(self, name: str) -> None:
        self._file = os.fdopen(os.memfd_create(name), "rb", buffering=0)
        self.inner = os.dup(self._file.fileno())
        self._at = self._free = 0
        self._program: subprocess.Popen[bytes] | None = None
        if not _punch(self._file.fileno(), 0, PAGE):
            self.close()
            os.close(self.inner)
            raise OSError("files in memory do not shrink here")

    def of(self, program: subprocess.Popen[bytes]) -> None:
        """Say whose it is, for its end is the end of that."""
        self._program = program

    def read(self) -> bytes:
        """See Output."""
        assert self._program is not None
        since = time.monotonic()
        while True:
            ended = self._program.poll() is not None  # asked for before: what comes after is not missed
            if ended or self._waiting() >= ENOUGH or time.monotonic() - since > WHILE:
                data = os.pread(self._file.fileno(), AT_ONCE, self._at)
                self._at += len(data)
                self._give_back()
                if data or ended:
                    return data
            time.sleep(PAUSE)

    def behind(self) -> bool:
        """See Output."""
        return self._waiting() > MOST_BEHIND

    def close(self) -> None:
        """See Output."""
        self._file.close()

    def _waiting(self) -> int:
        return os.fstat(self._file.fileno()).st_size - self._at

    def _give_back(self) -> None:
        whole = self._at // PAGE * PAGE
        if whole > self._free:
            _punch(self._file.fileno(), self._free, whole - self._free)
            self._free = whole


def _punch(file: int, begin: int, size: int) -> bool:
    fallocate = ctypes.CDLL(None).fallocate
    fallocate.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64]
    return bool(fallocate(file, KEEP_SIZE | PUNCH_HOLE, begin, size) == 0)


def enlarge(pipe: int) -> None:
    """Make a pipe as large as this user may have it."""
    with contextlib.suppress(OSError):
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE)


def memory_or_pipe(name: str) -> Memory | Pipe:
    """A file in memory, where this system can do that."""
    try:
        return Memory(name)
    except (AttributeError, OSError):
        return Pipe()
