"""Parts of one file that come in any order, as HTTP's ranges and SMB's reads do, put together.

What comes in its turn goes on at once; what comes before it waits in an unnamed temporary file, within bounds.
"""

from __future__ import annotations

import bisect
import tempfile
from typing import IO

from packetpig.loaders.contract.report import Report
from packetpig.loaders.filing.file import File
from packetpig.loaders.protocols.room import Room

SCRATCH = 4 << 30  # bytes that wait, of all files of a job together
PARTS = 10_000  # pieces that wait, of one file
MEMORY = 64 << 10  # bytes that wait of one file before they go to disk
READ = 1 << 20
FILES = 256  # temporary files at once


class Waiting(Room):
    """Room for what waits; `files`: temporary files that there are."""

    files = 0


class Assembly:
    """Puts FILE together; ROOM is for what waits, shared."""

    def __init__(self, file: File, room: Waiting, report: Report) -> None:
        self.file, self._room, self._report = file, room, report
        self.at = 0  # all before this went on
        self._parts: list[tuple[int, int, int]] = []  # offset, size, place in the scratch file
        self._scratch: IO[bytes] | None = None
        self._written = 0

    def put(self, offset: int, data: bytes | memoryview) -> None:
        """DATA of the file at OFFSET. Of bytes that come twice the first count."""
        if offset < self.at:
            if offset + len(data) <= self.at:
                return
            data, offset = memoryview(data)[self.at - offset :], self.at
        if offset > self.at:
            self._wait(offset, data)
            return
        self.file.data(data)
        self.at += len(data)
        while self._parts and self._parts[0][0] <= self.at:
            self._go_on(self._parts.pop(0))

    def _wait(self, offset: int, data: bytes | memoryview) -> None:
        size = len(data)
        full = self._scratch is None and self._room.files >= FILES
        if full or len(self._parts) >= PARTS or not self._room.take(size):
            self._report.losses = True
            self._report.count("bytes of parts of files given up, too many waited", size)
            return
        if self._scratch is None:
            self._scratch = tempfile.SpooledTemporaryFile(MEMORY)  # noqa: SIM115
            self._room.files += 1
        self._scratch.seek(self._written)
        self._scratch.write(data)
        place, self._written = self._written, self._written + size
        at = bisect.bisect_left(self._parts, (offset, -1, -1))
        if at and (before := self._parts[at - 1])[0] + before[1] == offset and before[2] + before[1] == place:
            self._parts[at - 1] = (before[0], before[1] + size, before[2])
        else:
            self._parts.insert(at, (offset, size, place))

    def _go_on(self, part: tuple[int, int, int]) -> None:
        offset, size, place = part
        self._room.free(size)
        assert self._scratch is not None
        skip = max(0, self.at - offset)
        while skip < size:
            self._scratch.seek(place + skip)
            data = self._scratch.read(min(READ, size - skip))
            self.file.data(data)
            self.at += len(data)
            skip += len(data)

    def end(self, total: int | None, closed: bool = True) -> None:
        """Nothing more comes. TOTAL: bytes of the file; where it is not known CLOSED says whether that was all."""
        while self._parts:
            part = self._parts.pop(0)
            if part[0] > self.at:
                self.file.hole(part[0] - self.at)
                self.at = part[0]
            self._go_on(part)
        if self._scratch is not None:
            self._scratch.close()
            self._scratch = None
            self._room.files -= 1
        if total is not None and total > self.at:
            self.file.hole(total - self.at)
        self.file.end(closed if total is None else total == self.at)
