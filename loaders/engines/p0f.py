"""p0f 3.09b: its command, what it says, and which packet it says it of. Source: p0f's README and its messages.

p0f says no times (its log has whole seconds). But it says things in the order of packets, and it is known what makes it
speak: a SYN, a SYN with ACK, the packet that ends the headers of an HTTP message, a time stamp whose clock it has just
measured. So each record is of the first packet of its flow that fits. Its lines are taken apart, and packets found, by
kernels (kernels/p0flines.py).
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from packetpig.loaders.contract.report import Report
from packetpig.loaders.engines.process import LONGEST, EngineError
from packetpig.loaders.engines.trail import Trail
from packetpig.loaders.kernels import native, p0fslots

FLOWS, HOSTS = 20_000, 200_000  # that p0f keeps in mind; its own limits are 1,000 and 10,000
FLOW_SLOTS, HOST_SLOTS = 1 << 18, 1 << 19  # of those whose last packet is kept here: half as many at least
AT_ONCE = 8192  # records
OCTETS = 4 << 20  # of their lines
ROOM = 4096  # records, and other lines, that are taken apart in one go
OTHER_LINES = 64

_DONE = re.compile(r"All done\. Processed (\d+) packets\.")


@dataclass(frozen=True)
class Said:
    """Records: `rows` of numbers (p0fslots.COLUMNS), and the lines that their texts are in."""

    lines: bytes
    rows: NDArray[np.int64]

    def texts(self, name: str) -> tuple[NDArray[np.int32], NDArray[np.uint8], int, list[str]]:
        """Distinct texts of one name, with an index of them, its validity bitmap, and how many records have none."""
        count = len(self.rows)
        slots = 1 << max(4, (2 * count - 1).bit_length())
        index, bitmap = np.empty(count, np.int32), np.zeros((count + 7) // 8, np.uint8)
        table, places, nulls = np.empty(slots, np.int32), np.empty((count, 2), np.int64), np.zeros(1, np.int64)
        text = np.frombuffer(self.lines, np.uint8)
        distinct = native.p0f_texts(
            text.ctypes.data, len(text), self.rows.ctypes.data, count, p0fslots.NAMES.index(name), index.ctypes.data,
            bitmap.ctypes.data, table.ctypes.data, slots, places.ctypes.data, nulls.ctypes.data,
        )  # fmt: skip
        said = [
            self.lines[at : at + size].decode("utf-8", "backslashreplace") for at, size in places[:distinct].tolist()
        ]
        return index, bitmap, int(nulls[0]), said


def find(binary: str) -> str | None:
    """The program's path, or None."""
    return shutil.which(binary or os.environ.get("PACKETPIG_P0F") or "p0f") or shutil.which("/usr/sbin/p0f")


class P0f:
    """One run. `fingerprints`: a file of the user's, or nothing."""

    name = "p0f"
    separate = False
    line_by_line = True

    def __init__(self, program: str, fingerprints: str, flows: int, hosts: int, report: Report) -> None:
        self._program, self._fingerprints = program, fingerprints
        self._limits = f"{flows},{hosts}"
        self._report = report
        self._rest = b""  # of lines: the begin of a record
        self._lines: list[bytes] = []
        self._size = 0  # bytes of these
        self._rows: list[NDArray[np.int64]] = []
        self._parser, self._packets = _Parser(), _Packets()
        self._seen: int | None = None
        self._word = ""

    def command(self, folder: Path, records: str) -> list[str]:
        """See process.Engine."""
        command = [self._program, "-r", "/dev/stdin", "-m", self._limits]
        if self._fingerprints:
            path = Path(self._fingerprints).expanduser().resolve()
            if not path.is_file():
                raise EngineError(f"p0f: no such file of fingerprints: {path}")
            command += ["-f", str(path)]
        return command

    def records(self, lines: bytes, trail: Trail) -> Iterator[Said]:
        """See process.Engine: thousands at once. Their packets are found at once, while they are known."""
        lines = self._rest + lines
        at = 0
        for rows, others, after in self._parser.parsed(lines, self._size):
            at = after
            self._packets.place(rows, trail)
            self._rows.append(rows)
            for other in others:
                self._other(other.decode("utf-8", "backslashreplace"))
        self._rest = lines[at:]
        if len(self._rest) > LONGEST:
            raise EngineError(f"p0f wrote a record of more than {LONGEST} bytes")
        self._lines.append(lines[:at])
        self._size += at
        if self._size > OCTETS or sum(map(len, self._rows)) >= AT_ONCE:
            yield self._taken()

    def _taken(self) -> Said:
        said = Said(b"".join(self._lines), np.concatenate(self._rows))
        self._lines, self._rows, self._size = [], [], 0
        return said

    def _other(self, line: str) -> None:
        """A line that belongs to no record."""
        if done := _DONE.search(line):
            self._seen = int(done[1])
        elif line.startswith("[-]"):
            self._word = line

    def rest(self, trail: Trail) -> Iterator[Said]:
        """See process.Engine."""
        if self._rest:
            yield from self.records(b"\n", trail)
        if self._rows:
            yield self._taken()
        for counter, amount in self._packets.counts():
            self._report.count(counter, amount)

    def word(self, line: str) -> None:
        """See process.Engine: the first line of an abort has the reason, others follow."""
        if "ABORT" in line or not self._word:
            self._word = line

    def complaint(self) -> str:
        """See process.Engine."""
        return self._word

    def check(self, given: int) -> None:
        """See process.Engine: p0f counts only what it gets as far as its own look at the headers."""
        if self._seen is None:
            raise EngineError(f"p0f ended without its last line{': ' + self._word if self._word else ''}")
        self._report.count("packets that p0f looked at", self._seen)


class _Parser:
    """Takes lines apart."""

    def __init__(self) -> None:
        self._room = np.empty((ROOM, p0fslots.COLUMNS), np.int64)
        self._odd = np.empty((OTHER_LINES, 2), np.int64)
        self._names = np.array(p0fslots.WORDS, np.int64)
        self._scratch, self._state = np.zeros(36, np.uint8), np.zeros(p0fslots.PARSING, np.int64)

    def parsed(self, lines: bytes, base: int) -> Iterator[tuple[NDArray[np.int64], list[bytes], int]]:
        """Rows of whole records, other lines, and where these end. BASE is added to the places of texts."""
        text, state = np.frombuffer(lines, np.uint8), self._state
        state[:] = 0
        more = len(text) > 0
        while more:
            found = native.p0f_records(
                text.ctypes.data, len(text), base, self._room.ctypes.data, ROOM, self._names.ctypes.data,
                len(self._names), self._scratch.ctypes.data, self._odd.ctypes.data, OTHER_LINES, state.ctypes.data,
            )  # fmt: skip
            others = [lines[at : at + size] for at, size in self._odd[: state[p0fslots.ODD]].tolist()]
            if state[p0fslots.WHY] == p0fslots.BAD:
                raise EngineError(f"p0f wrote what is not understood: {others[-1][:200].decode(errors='replace')}")
            yield self._room[:found].copy(), others, int(state[p0fslots.AT])
            more = state[p0fslots.WHY] == p0fslots.FULL


class _Packets:
    """Finds the packets that records are of."""

    def __init__(self) -> None:
        self._flows = np.zeros((2, FLOW_SLOTS, p0fslots.FLOW), np.int64)
        self._hosts = np.zeros((2, HOST_SLOTS, p0fslots.HOST_ENTRY), np.int64)
        self._scratch, self._state = np.zeros(20, np.int64), np.zeros(p0fslots.FINDING, np.int64)

    def place(self, rows: NDArray[np.int64], trail: Trail) -> None:
        """Write times and captures into rows of records, which come in the order in which p0f says them."""
        state = self._state
        state[p0fslots.LIMIT] = trail.told  # before the stretches are taken: they have it
        stretches = [one for one in trail.stretches() if one.first + len(one.times) > state[p0fslots.FLOOR]]
        table = np.array(
            [
                (
                    one.first,
                    len(one.times),
                    *(part.ctypes.data for part in (one.times, one.given, one.captures, one.rows) if part is not None),
                )
                for one in stretches
            ],
            np.int64,
        ).reshape(len(stretches), p0fslots.STRETCH)
        native.p0f_packets(
            rows.ctypes.data, len(rows), 0, 0, table.ctypes.data, len(table), self._flows.ctypes.data, FLOW_SLOTS,
            self._hosts.ctypes.data, HOST_SLOTS, self._scratch.ctypes.data, state.ctypes.data,
        )  # fmt: skip

    def counts(self) -> Iterator[tuple[str, int]]:
        """What is to be said of how they were found."""
        yield "fingerprints whose packet was not found", int(self._state[p0fslots.NOT_FOUND])
        yield "fingerprints whose packet is likely, not certain", int(self._state[p0fslots.NOT_CERTAIN])
