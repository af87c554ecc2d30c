"""Writes packets into pcap files with nanoseconds, one a link type, in the order of time.

What one capture has stays in its order. Captures that follow one another are written one after the other; where they
overlap in time, what was written is merged at the end.
"""

from __future__ import annotations

import heapq
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import IO, NamedTuple

from packetpig.loaders.contract.report import CaptureError, Report

ETHERNET = 1
ORDINARY = 262_144  # bytes: what readers expect of a frame
MAGIC = 0xA1B23C4D
HEADER = 24

Mark = tuple[int, dict[int, "tuple[int, int, int, _Run | None]"]]


class Records(NamedTuple):
    """What is known of some records: how many, the bytes of the longest frame, first and last nanosecond."""

    packets: int
    longest: int
    first: int
    last: int


@dataclass
class _Run:
    """Records of one capture, next to each other in the file."""

    capture: str
    first: int
    last: int
    begin: int
    end: int


@dataclass
class _Output:
    """The packets of one link type."""

    path: Path
    part: Path
    file: IO[bytes]
    runs: list[_Run] = field(default_factory=list)
    longest: int = ORDINARY
    size: int = HEADER

    @property
    def ordered(self) -> bool:
        """Whether every run begins after those before it have ended."""
        return all(a.last <= b.first for a, b in pairwise(self.runs))


class Evidence:
    """Takes records; `finish` puts the files in their places; `discard` removes what it has not.

    The first link type goes to PATH, another one beside it: `out-113.pcap` for `out.pcap`.
    """

    def __init__(self, path: Path, report: Report) -> None:
        self.packets = 0
        self._path, self._report = path, report
        self._outputs: dict[int, _Output] = {}

    def _output(self, link_type: int) -> _Output:
        found = self._outputs.get(link_type)
        if found is None:
            path = self._path
            if self._outputs:
                path = path.with_name(f"{path.stem}-{link_type}{path.suffix}")
            part = path.with_name(f"{path.name}.{os.getpid()}.part")
            try:
                found = _Output(path, part, part.open("w+b"))
            except OSError as error:
                raise CaptureError(f"{path}: {(error.strerror or str(error)).lower()}") from error
            self._outputs[link_type] = found
            found.file.write(bytes(HEADER))
        return found

    def write(self, link_type: int, capture: str, records: bytes | memoryview, found: Records) -> None:
        """Write RECORDS, which follow one another in CAPTURE: little-endian, with nanoseconds."""
        output = self._output(link_type)
        output.file.write(records)
        output.longest = max(output.longest, found.longest)
        self.packets += found.packets
        begin, output.size = output.size, output.size + len(records)
        run = output.runs[-1] if output.runs else None
        if run is None or run.capture != capture:
            output.runs.append(_Run(capture, found.first, found.last, begin, output.size))
        else:
            run.first, run.last, run.end = min(run.first, found.first), max(run.last, found.last), output.size

    def mark(self) -> Mark:
        """What was written so far, for `rewind`."""
        return self.packets, {
            kind: (output.size, output.longest, len(output.runs), replace(output.runs[-1]) if output.runs else None)
            for kind, output in self._outputs.items()
        }

    def rewind(self, mark: Mark) -> None:
        """Take back what was written after the MARK."""
        self.packets, outputs = mark
        for kind, output in list(self._outputs.items()):
            if kind not in outputs:
                output.file.close()
                output.part.unlink(missing_ok=True)
                del self._outputs[kind]
                continue
            output.size, output.longest, runs, last = outputs[kind]
            del output.runs[runs:]
            if last is not None:
                output.runs[-1] = last
            output.file.seek(output.size)
            output.file.truncate()

    def finish(self) -> list[Path]:
        """Complete the files, and put them in their places; give their paths."""
        if not self._outputs:
            self._output(ETHERNET)
        for link_type, output in self._outputs.items():
            if not output.ordered:
                self._merge(output)
            output.file.seek(0)
            output.file.write(struct.pack("<IHHiIII", MAGIC, 2, 4, 0, 0, output.longest, link_type))
            output.file.close()
        for output in self._outputs.values():
            output.part.replace(output.path)
        return [output.path for output in self._outputs.values()]

    def _merge(self, output: _Output) -> None:
        """Write the runs anew, merged by time; of one time, the earlier run comes first."""
        output.file.flush()
        merged = output.part.with_suffix(".merged")
        try:
            with merged.open("wb") as file:
                file.write(bytes(HEADER))
                runs = [_records(output.part, run, number) for number, run in enumerate(output.runs)]
                for _, _, record in heapq.merge(*runs, key=lambda one: one[:2]):
                    file.write(record)
            output.file.close()
            merged.replace(output.part)
            output.file = output.part.open("r+b")
        finally:
            merged.unlink(missing_ok=True)

    def discard(self) -> None:
        """Remove what `finish` has not put in its place."""
        for output in self._outputs.values():
            output.file.close()
            output.part.unlink(missing_ok=True)


def _records(path: Path, run: _Run, number: int) -> Iterator[tuple[int, int, bytes]]:
    """The records of a run, each with the latest time so far (within a run the order stays) and the run's NUMBER."""
    latest = -1
    with path.open("rb") as file:
        file.seek(run.begin)
        left = run.end - run.begin
        while left > 0:
            head = file.read(16)
            seconds, nanos, captured, _ = struct.unpack("<IIII", head)
            latest = max(latest, seconds * 1_000_000_000 + nanos)
            left -= 16 + captured
            yield latest, number, head + file.read(captured)
