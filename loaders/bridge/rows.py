"""Arrow batches as a bag in the bridge's form of values (values.py), written by compiled code."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from packetpig.loaders.bridge.values import INT, Encoded
from packetpig.loaders.kernels import native

NUMBERS = {pa.int32(): ("i", 5), pa.int64(): ("l", 9), pa.float64(): ("d", 9)}
NOTHING = np.zeros(1, np.int64)


def bag(batches: Sequence[pa.RecordBatch]) -> Encoded:
    """A bag of all rows. Columns are numbers and texts."""
    rows = sum(batch.num_rows for batch in batches)
    return Encoded(b"".join([b"g", INT.pack(rows), *map(_rows, batches)]))


def _rows(batch: pa.RecordBatch) -> bytes:
    columns = [_Column(column) for column in batch.columns]
    sizes = np.full(batch.num_rows, 4, np.int64)
    for column in columns:
        sizes += column.sizes
    ends = np.cumsum(sizes)
    total = int(ends[-1]) if len(ends) else 0
    out = np.empty(total, np.uint8)
    at = ends - sizes
    for place, byte in enumerate(INT.pack(len(columns))):
        out[at + place] = byte
    at += 4
    for column in columns:
        column.put(at, out)
    return out.tobytes()


class _Column:
    """One column: its tag, its values, how many bytes each takes."""

    def __init__(self, array: pa.Array) -> None:
        self.rows = len(array)
        self.nulls = array.null_count > 0
        self.valid = pc.is_valid(array).to_numpy(zero_copy_only=False).view(np.uint8) if self.nulls else NOTHING
        self.values: Any = NOTHING
        self.index, self.ends, self.text = NOTHING.view(np.int32), NOTHING.view(np.int32), NOTHING.view(np.uint8)
        if array.type in NUMBERS:
            tag, width = NUMBERS[array.type]
            values = (pc.fill_null(array, 0) if self.nulls else array).to_numpy(zero_copy_only=False)
            self.values = values.view(np.int64) if tag == "d" else values.astype(np.int64)
            sizes = np.full(self.rows, width, np.int64)
        else:
            tag = "c"
            texts = array
            if isinstance(array, pa.DictionaryArray):
                texts = array.dictionary
                self.index = pc.fill_null(array.indices, 0).to_numpy(zero_copy_only=False).astype(np.int32)
            else:
                self.index = np.arange(self.rows, dtype=np.int32)
            _, ends, text = texts.buffers()
            self.ends = np.frombuffer(ends, np.int32)[texts.offset : texts.offset + len(texts) + 1]
            self.text = np.frombuffer(text, np.uint8) if text is not None and text.size else self.text
            lengths = np.diff(self.ends) if len(texts) else np.zeros(1, np.int32)
            sizes = 5 + lengths[self.index].astype(np.int64)
        self.tag = ord(tag)
        self.sizes = np.where(self.valid.view(bool), sizes, 1) if self.nulls else sizes

    def put(self, at: Any, out: Any) -> None:
        """Write all values; AT moves on."""
        native.put_column(
            self.tag, self.values.ctypes.data, self.valid.ctypes.data, self.nulls, self.index.ctypes.data,
            self.text.ctypes.data, self.ends.ctypes.data, at.ctypes.data, self.rows, out.ctypes.data, len(out),
        )  # fmt: skip
