"""A loader's process under Pig: jobs come in on standard input, an Arrow stream goes out for each (docs/bridge.md)."""

from __future__ import annotations

import gc
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
from packetpig.loaders.bridge.frames import BridgeError, read_exactly, read_frame, read_length
from packetpig.loaders.captures.capture import Capture, LocalSource, Source
from packetpig.loaders.contract.discovery import find
from packetpig.loaders.contract.lean import without_freed_memory, without_pandas
from packetpig.loaders.contract.loader import OptionError, run
from packetpig.loaders.contract.report import CaptureError, Report
from packetpig.loaders.contract.where import WhereError
from packetpig.loaders.kernels.native import NotBuiltError

ASK = 4 << 20  # bytes asked for at a time: the next piece is on its way while one is decoded
TAIL = 64 << 10  # bytes asked for beyond a range
LARGE = 4 << 20  # bytes of a capture that is worth a message of its own
EVERY = 0.5  # seconds between reports of progress


class Stream:
    """The Arrow stream to Pig, with messages in the batches' metadata."""

    def __init__(self, sink: pa.NativeFile) -> None:
        self._sink = sink
        self._writer: pa.RecordBatchStreamWriter | None = None
        self._empty: pa.RecordBatch | None = None
        self._schema: pa.Schema | None = None
        self._lock = threading.Lock()  # a thread that reads captures asks for their bytes while another one gives rows

    def open(self, schema: pa.Schema) -> None:
        """Begin the stream."""
        self._schema = pa.schema([_sparse(one) if pa.types.is_struct(one.type) else one for one in schema])
        self._writer = pa.ipc.new_stream(self._sink, self._schema)
        self._empty = pa.RecordBatch.from_pylist([], schema=self._schema)

    def batch(self, batch: pa.RecordBatch, message: dict[str, Any] | None = None) -> None:
        """Write rows."""
        assert self._writer is not None
        if self._schema is not None and any(pa.types.is_struct(one.type) for one in batch.schema):
            columns = [_single(one) if pa.types.is_struct(one.type) else one for one in batch.columns]
            batch = pa.RecordBatch.from_arrays(columns, schema=self._schema)
        with self._lock:
            self._writer.write_batch(batch, custom_metadata=_metadata(message))

    def say(self, **message: Any) -> None:
        """Write a message without rows, at once."""
        if self._writer is None:
            self.open(pa.schema([]))
        assert self._empty is not None
        self.batch(self._empty, message)
        with self._lock:
            self._sink.flush()

    def close(self) -> None:
        """End the stream."""
        if self._writer is not None:
            self._writer.close()
        self._sink.close()


def _metadata(message: dict[str, Any] | None) -> dict[str, str] | None:
    return {"packetpig": json.dumps(message)} if message else None


def _sparse(field: pa.Field) -> pa.Field:
    """The field of a column of tuples, many of which may be null: as lists of one or none."""
    return pa.field(field.name, pa.list_(field.type), metadata={"packetpig": "tuple"})


def _single(tuples: pa.StructArray) -> pa.ListArray:
    """TUPLES as such lists."""
    rows, nulls = len(tuples), tuples.null_count
    there = np.full(rows, nulls == 0) if nulls in (0, rows) else tuples.is_valid().to_numpy(zero_copy_only=False)
    ends = np.concatenate([[0], np.cumsum(there)]).astype(np.int32)
    values = tuples if nulls == 0 else tuples[:0] if nulls == rows else tuples.filter(pa.array(there))
    return pa.ListArray.from_arrays(pa.array(ends), values)


class PigSource:
    """A capture whose bytes Pig reads, from HDFS or S3, and sends on request."""

    def __init__(self, number: int, capture: dict[str, Any], stream: Stream, answers: Answers) -> None:
        self.size: int | None = capture["size"]
        self._number, self._path, self._stream, self._answers = number, capture["path"], stream, answers
        self._end = capture["end"]
        self._next = -1  # offset that the answers go on at
        self._asked = -1  # offset up to which was asked

    def read(self, into: memoryview, offset: int) -> int:
        """See Source."""
        assert self.size is not None
        if offset >= self.size or not len(into):
            return 0
        if offset != self._next or self._answers.owner is not self:
            self._answers.discard()
            self._answers.owner = self
            self._next = self._asked = offset
        small = len(into) < TAIL
        if self._asked == offset:
            self._ask(len(into) if small else ASK)
        if not small and self._asked < self._end and self._asked - offset < ASK:
            self._ask(ASK)
        count = self._answers.read(into, self._path)
        while count == 0 and self._answers.waiting:
            count = self._answers.read(into, self._path)
        self._next += count
        return count

    def _ask(self, most: int) -> None:
        """Ask for MOST bytes; beyond the range only for small pieces, until its last record is whole."""
        assert self.size is not None
        piece = min(most, self._end - self._asked) if self._asked < self._end else min(most, TAIL)
        piece = min(piece, self.size - self._asked)
        if piece > 0:
            self._stream.say(read=[self._number, self._asked, piece])
            self._answers.waiting += 1
            self._asked += piece

    def mapped(self) -> None:
        """See Source."""
        return

    def close(self) -> None:
        """See Source."""
        if self._answers.owner is self:
            self._answers.discard()


class Answers:
    """Frames that answer read requests, in order. `owner`: the source whose requests they are; others start anew."""

    def __init__(self, file: int) -> None:
        self._file = file
        self._left = 0  # bytes of the frame that is being read
        self.waiting = 0  # requests whose answers have not ended
        self.owner: object = None

    def read(self, into: memoryview, path: str) -> int:
        """Some of the current answer's bytes; 0 where it ends."""
        if self._left == 0:
            length = read_length(self._file)
            if length == 0:
                self.waiting -= 1
                return 0
            if length < 0:
                self.waiting -= 1
                reason = bytearray(-length)
                read_exactly(self._file, memoryview(reason))
                raise CaptureError(f"{path}: {reason.decode(errors='replace')}")
            self._left = length
        count = min(self._left, len(into))
        read_exactly(self._file, into[:count])
        self._left -= count
        return count

    def discard(self) -> None:
        """Read past all that is still to come."""
        scratch = memoryview(bytearray(1 << 16))
        while self.waiting:
            self.read(scratch, "")


class Groups:
    """Groups of pieces from a pipe: a frame each, an empty one after each group, a negative length after the last."""

    def __init__(self, file: int) -> None:
        self._file = file

    def next(self) -> Iterator[bytes] | None:
        """The pieces of the next group, which must be gone through; None when there are no more."""
        length = read_length(self._file)
        return None if length < 0 else self._pieces(length)

    def _pieces(self, length: int) -> Iterator[bytes]:
        while length > 0:
            data = bytearray(length)
            read_exactly(self._file, memoryview(data))
            yield bytes(data)
            length = read_length(self._file)


class Worker:
    """Runs one job."""

    def __init__(self, standard_input: int, stream: Stream) -> None:
        self._input, self._stream = standard_input, stream
        self._said = time.monotonic()
        self._bytes = 0
        self.report = Report()

    def run(self, job: dict[str, Any]) -> None:
        """Write the job's rows to the stream."""
        loader = find(job["loader"])
        if loader.sessions:
            without_freed_memory()
        answers = Answers(self._input)
        captures = [
            Capture(
                path=one["path"],
                open=self._opener(number, one, answers),
                capture=one["capture"],
                sensor=one["sensor"],
                start=one["start"],
                end=one["end"] if (one["start"], one["end"]) != (0, one["size"]) else None,
                size=one["size"],
                local=one["local"],
            )
            for number, one in enumerate(job["captures"])
        ]
        schema, batches = run(
            loader,
            captures,
            job["columns"],
            job.get("where"),
            job.get("filter"),
            job["options"],
            self.report,
        )
        self._stream.open(schema)
        self.report.tell = self._tell
        for batch in batches:
            late = time.monotonic() - self._said > EVERY
            self._stream.batch(batch, self._news() if late else None)
        for split in self.report.splits:
            self._stream.say(split=split)
        answers.discard()
        self._stream.say(**self._news(), done=True, ready=True)

    def merge(self, job: dict[str, Any]) -> None:
        """The same for groups of pieces, one after the other; after the rows of each comes a message."""
        loader = find(job["loader"])
        if not loader.sessions:
            raise OptionError(f"{loader.pig} does not make its rows of pieces of sessions")
        without_freed_memory()
        groups, opened = Groups(self._input), False
        while True:
            pieces = groups.next()
            if pieces is None and opened:
                break  # else the stream is opened all the same: it has columns
            schema, batches = run(
                loader, [], job["columns"], job.get("where"), job.get("filter"), job["options"], self.report,
                pieces=pieces or iter(()),
            )  # fmt: skip
            if not opened:
                self._stream.open(schema)
                opened = True
            if pieces is None:
                break
            for batch in batches:
                self._stream.batch(batch)
            for _ in pieces:  # those that the loader had no need of
                pass
            self._stream.say(group=True, **self._news())
        self._stream.say(**self._news(), done=True, ready=True)

    def _opener(self, number: int, one: dict[str, Any], answers: Answers) -> Callable[[], Source]:
        def opened() -> Source:
            if one["size"] >= LARGE:
                self._stream.say(at=number)  # should this process die, Pig can say where
            return LocalSource(one["local"]) if one["local"] else PigSource(number, one, self._stream, answers)

        return opened

    def _tell(self) -> None:
        """Say how far things are: a task of which nothing is heard is taken for dead."""
        if time.monotonic() - self._said > EVERY:
            self._stream.say(**{"progress": 0, **self._news()})

    def _news(self) -> dict[str, Any]:
        """What Pig has not been told yet."""
        report = self.report
        news: dict[str, Any] = {}
        self._said = time.monotonic()
        if report.bytes != self._bytes:
            news["progress"] = report.bytes - self._bytes
            self._bytes = report.bytes
        if report.counters:
            news["counters"] = dict(report.counters)
            report.counters.clear()
        if report.warnings:
            news["warning"] = list(report.warnings)
            report.warnings.clear()
        return news


def main() -> int:
    """Entry point; the exit code is 1 if a job failed, for which the stream has a line."""
    without_pandas()
    output = os.dup(1)
    os.dup2(2, 1)  # nothing else may get between the rows
    while True:
        with os.fdopen(os.dup(output), "wb", buffering=0) as sink:
            stream = Stream(pa.PythonFile(sink, "w"))
            try:
                frame = read_frame(0)
                if frame is None:
                    return 0
                job = json.loads(frame)
                worker = Worker(0, stream)
                if job.get("pieces"):
                    worker.merge(job)
                else:
                    worker.run(job)
                stream.close()
            except (BrokenPipeError, BridgeError) as error:
                print(f"Pig went away: {error}", file=sys.stderr)
                return 1
            except (CaptureError, OptionError, WhereError, NotBuiltError) as error:
                stream.say(error=str(error))
                stream.close()
                return 1
        del job, worker, stream
        gc.collect()
        pa.default_memory_pool().release_unused()


if __name__ == "__main__":
    sys.exit(main())
