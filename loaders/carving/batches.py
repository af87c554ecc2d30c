"""Packets as Arrow has them, put together as records of pcap files."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pyarrow as pa
from packetpig.loaders.carving.evidence import Evidence, Records
from packetpig.loaders.contract.report import Report
from packetpig.loaders.decode.arrays import bits, booleans, numbers
from packetpig.loaders.kernels import native

COLUMNS = ("capture", "ts_ns", "link_type", "length", "frame")
LATEST = (1 << 32) * 1_000_000_000  # nanoseconds: pcap says no later time


def add(evidence: Evidence, batch: pa.RecordBatch, report: Report) -> None:
    """Write the packets of a batch with COLUMNS."""
    types = numbers(batch.column("link_type"), np.int32)
    kinds = sorted(set(types.tolist()))
    for kind in kinds:
        _write(evidence, kind, batch if len(kinds) == 1 else batch.filter(booleans(types == kind)), report)


def _write(evidence: Evidence, link_type: int, batch: pa.RecordBatch, report: Report) -> None:
    time = batch.column("ts_ns")
    times = numbers(time, np.int64)
    if time.null_count:
        times = np.where(bits(time.is_valid()), times, 0)
        report.count("packets without a time, stored with 0", time.null_count)
    if len(times) and (times.min() < 0 or times.max() >= LATEST):
        wrong = int(np.count_nonzero((times < 0) | (times >= LATEST)))
        report.count("packets of a time that pcap cannot say, stored with 0", wrong)
    lengths = numbers(batch.column("length"), np.int32)
    frames = batch.column("frame")
    _, offsets, data = frames.buffers()
    ends = np.frombuffer(offsets, np.int32)[frames.offset : frames.offset + len(frames) + 1]
    sizes = np.diff(ends)
    out = np.empty(int(ends[-1] - ends[0]) + 16 * batch.num_rows, np.uint8)
    native.pcap_write(
        times.ctypes.data, lengths.ctypes.data, ends.ctypes.data, data.address if data else 0, batch.num_rows,
        out.ctypes.data,
    )  # fmt: skip
    captures = batch.column("capture")
    index = numbers(captures.indices, np.int32)
    begin = 0
    for low, high in pairwise([0, *(np.flatnonzero(np.diff(index)) + 1).tolist(), len(index)]):
        end = begin + int(sizes[low:high].sum()) + 16 * (high - low)
        first, last = int(times[low:high].min()), int(times[low:high].max())
        found = Records(high - low, int(sizes[low:high].max()), first, last)
        evidence.write(link_type, captures.dictionary[int(index[low])].as_py(), out[begin:end].data, found)
        begin = end
