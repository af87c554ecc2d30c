"""Writes batches in the formats that people's tools read. Bytes are hexadecimal in text formats; bags are JSON."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
from packetpig.loaders.contract.loader import OptionError
from packetpig.loaders.remote.system import is_remote
from packetpig.loaders.shell.writing import Target, failing, refuse_existing, there

Write = Callable[[pa.RecordBatch], None]


def _text(column: pa.Array) -> pa.Array:
    """A column as csv has it: quoted where it must be, and where it is empty, so that null is nothing at all."""
    import pyarrow.compute as pc

    if isinstance(column, pa.DictionaryArray):
        return pc.take(_text(column.dictionary), column.indices)
    if pa.types.is_binary(column.type):
        column = pa.array([None if value is None else value.hex() for value in column.to_pylist()], pa.string())
    elif pa.types.is_nested(column.type):
        texts = [None if value is None else json.dumps(value, default=_plain) for value in column.to_pylist()]
        column = pa.array(texts, pa.string())
    elif not pa.types.is_string(column.type):
        return column.cast(pa.string())
    special = pc.match_substring_regex(column, r'[",\r\n]|^$')
    if not pc.any(special).as_py():
        return column
    quoted = pc.binary_join_element_wise('"', pc.replace_substring(column, '"', '""'), '"', "")
    return pc.if_else(special, quoted, column)


def _plain(value: Any) -> Any:
    return value.hex() if isinstance(value, bytes) else str(value)


@contextmanager
def _csv(file: BinaryIO, schema: pa.Schema) -> Iterator[Write]:
    import pyarrow.compute as pc

    file.write((",".join(schema.names) + "\n").encode())

    def write(batch: pa.RecordBatch) -> None:
        columns = [_text(column) for column in batch.columns]
        lines = pc.binary_join_element_wise(*columns, ",", null_handling="replace", null_replacement="")
        whole = pa.ListArray.from_arrays(pa.array([0, len(lines)], pa.int32()), lines)
        file.write(pc.binary_join(whole, "\n")[0].as_buffer())
        file.write(b"\n")

    yield write


@contextmanager
def _jsonl(file: BinaryIO, schema: pa.Schema) -> Iterator[Write]:
    def write(batch: pa.RecordBatch) -> None:
        rows = (json.dumps(row, default=_plain, ensure_ascii=False) for row in batch.to_pylist())
        file.write("".join(row + "\n" for row in rows).encode("utf-8", "replace"))

    yield write


@contextmanager
def _arrow(file: BinaryIO, schema: pa.Schema) -> Iterator[Write]:
    with pa.ipc.new_stream(pa.PythonFile(file, "w"), schema) as writer:
        yield writer.write_batch


@contextmanager
def _parquet(file: BinaryIO, schema: pa.Schema) -> Iterator[Write]:
    import pyarrow.parquet as pq

    with pq.ParquetWriter(file, schema, compression="zstd") as writer:
        yield writer.write_batch


FORMATS = {"csv": _csv, "jsonl": _jsonl, "arrow": _arrow, "parquet": _parquet}
SUFFIXES = {
    ".csv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".arrow": "arrow",
    ".arrows": "arrow",
    ".parquet": "parquet",
}


@contextmanager
def output(path: str | None, kind: str | None, schema: pa.Schema, force: bool) -> Iterator[Write]:
    """A function that writes batches to PATH (standard output without one) as KIND.

    A file is written beside its place and put there when it is whole: it is complete or absent. One of HDFS or S3 is
    written to TMPDIR, and sent when it is whole.
    """
    chosen = FORMATS[kind or SUFFIXES.get(Path(path or "").suffix, "csv")]
    if path is None:
        if chosen in (_arrow, _parquet) and sys.stdout.isatty():
            raise OptionError("this format is not for a terminal; use --output FILE, or a pipe")
        with failing("standard output"), os.fdopen(os.dup(1), "wb") as file, chosen(file, schema) as write:
            yield write
        return
    if not is_remote(path) and there(path) == "other":
        # a pipe or a device is written to, and stays what it is
        with failing(path), Path(path).open("wb") as file, chosen(file, schema) as write:
            yield write
        return
    if not force:
        refuse_existing(path)
    with failing(path), Target(path) as target:
        part = target.with_name(f"{target.name}.{os.getpid()}.part")
        try:
            with part.open("wb") as file, chosen(file, schema) as write:
                yield write
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
