"""Writes packets into pcap files with nanoseconds, one a link type, in the order of time.

What one capture has stays in its order. Captures that follow one another are written one after the other; where they
overlap in time, what was written is merged at the end.
"""

from __future__ import annotations

import heapq
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow as pa
from packetpig.loaders.contract.report import CaptureError, Report
from packetpig.loaders.decode.arrays import bits, booleans, numbers
from packetpig.loaders.kernels import native

COLUMNS = ("capture", "ts_ns", "link_type", "length", "frame")
ETHERNET = 1
ORDINARY = 262_144  # bytes: what readers expect of a frame
MAGIC = 0xA1B23C4D
HEADER = 24
LATEST = (1 << 32) * 1_000_000_000  # nanoseconds: pcap says no later time


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
    """Takes batches with COLUMNS; `finish` puts the files in their places, an exception before leaves nothing.

    The first link type goes to PATH, another one beside it: `out-113.pcap` for `out.pcap`.
    """

    def __init__(self, path: Path, report: Report) -> None:
        self.packets = 0
        self._path, self._report = path, report
        self._outputs: dict[int, _Output] = {}

    def add(self, batch: pa.RecordBatch) -> None:
        """Write the packets of a batch."""
        self.packets += batch.num_rows
        types = numbers(batch.column("link_type"), np.int32)
        kinds = sorted(set(types.tolist()))
        for kind in kinds:
            self._write(kind, batch if len(kinds) == 1 else batch.filter(booleans(types == kind)))

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

    def _write(self, link_type: int, batch: pa.RecordBatch) -> None:
        output = self._output(link_type)
        time = batch.column("ts_ns")
        times = numbers(time, np.int64)
        if time.null_count:
            times = np.where(bits(time.is_valid()), times, 0)
            self._report.count("packets without a time, stored with 0", time.null_count)
        if len(times) and (times.min() < 0 or times.max() >= LATEST):
            wrong = int(np.count_nonzero((times < 0) | (times >= LATEST)))
            self._report.count("packets of a time that pcap cannot say, stored with 0", wrong)
        lengths = numbers(batch.column("length"), np.int32)
        frames = batch.column("frame")
        _, offsets, data = frames.buffers()
        ends = np.frombuffer(offsets, np.int32)[frames.offset : frames.offset + len(frames) + 1]
        rows, size = batch.num_rows, int(ends[-1] - ends[0])
        output.longest = max(output.longest, int(np.diff(ends).max(initial=0)))
        out = np.empty(size + 16 * rows, np.uint8)
        native.pcap_write(
            times.ctypes.data, lengths.ctypes.data, ends.ctypes.data, data.address if data else 0, rows,
            out.ctypes.data,
        )  # fmt: skip
        output.file.write(out.data)
        self._note(output, batch.column("capture"), times, np.diff(ends) + 16)

    def _note(
        self,
        output: _Output,
        captures: pa.DictionaryArray,
        times: np.ndarray[tuple[int], np.dtype[np.int64]],
        sizes: np.ndarray[tuple[int], np.dtype[np.int32]],
    ) -> None:
        """Keep in mind which part of the file is of which capture."""
        index = numbers(captures.indices, np.int32)
        bounds = [0, *(np.flatnonzero(np.diff(index)) + 1).tolist(), len(index)]
        names = captures.dictionary
        for low, high in pairwise(bounds):
            name = names[int(index[low])].as_py()
            begin, output.size = output.size, output.size + int(sizes[low:high].sum())
            first, last = int(times[low:high].min()), int(times[low:high].max())
            run = output.runs[-1] if output.runs else None
            if run is None or run.capture != name:
                output.runs.append(_Run(name, first, last, begin, output.size))
            else:
                run.first, run.last, run.end = min(run.first, first), max(run.last, last), output.size

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
