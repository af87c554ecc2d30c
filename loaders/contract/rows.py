"""Batches: of columns, and of rows for loaders that make one at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
from packetpig.loaders.contract.columns import Column
from packetpig.loaders.contract.loader import Job

ROWS = 8192  # in a batch
OCTETS = 16 << 20  # of bytes and text in a batch, about


def batched(job: Job, columns: Sequence[Column], rows: Iterable[Mapping[str, Any]]) -> Iterator[pa.RecordBatch]:
    """Batches with the job's columns from ROWS, each a mapping from column names to values (absent: null)."""
    schema = pa.schema([pa.field(column.name, column.arrow) for column in columns if column.name in job.columns])
    waiting: list[dict[str, Any]] = []
    size = 0
    for row in rows:
        kept = {name: row.get(name) for name in job.columns}
        waiting.append(kept)
        size += sum(len(value) for value in kept.values() if isinstance(value, str | bytes))
        if len(waiting) >= ROWS or size >= OCTETS:
            yield _batch(waiting, schema)
            waiting, size = [], 0
    if waiting:
        yield _batch(waiting, schema)


def assembled(names: Sequence[str], column: Callable[[str], pa.Array], rows: int) -> pa.RecordBatch:
    """A batch of the columns NAMES, each made by COLUMN; without names, of ROWS rows all the same."""
    if names:
        return pa.RecordBatch.from_arrays([column(name) for name in names], list(names))
    return pa.RecordBatch.from_arrays([pa.nulls(rows)], [""]).select([])


def _batch(rows: list[dict[str, Any]], schema: pa.Schema) -> pa.RecordBatch:
    if schema.names:
        return pa.RecordBatch.from_pylist(rows, schema=schema)
    return assembled((), schema.field, len(rows))
