"""What a script or a stage stored, read back as Arrow batches: Parquet, or Pig's text with its schema."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from packetpig.loaders.contract.report import CaptureError

TYPES = {
    5: pa.bool_(),
    10: pa.int32(),
    15: pa.int64(),
    20: pa.float32(),
    25: pa.float64(),
    50: pa.binary(),
}
"""Pig's types by their number in .pig_schema; all others are read as text."""


@dataclass(frozen=True)
class Table:
    """A folder of part files (in folders of windows, too), or one file."""

    path: Path
    schema: pa.Schema
    files: tuple[Path, ...]
    delimiter: str = ""  # of text; empty: Parquet

    def batches(self, rows: int) -> Iterator[pa.RecordBatch]:
        """All of it, at most so many rows at a time."""
        for file in self.files:
            try:
                if self.delimiter:
                    yield from self._text(file, rows)
                else:
                    import pyarrow.parquet as pq

                    for batch in pq.ParquetFile(file).iter_batches(rows):
                        yield pa.RecordBatch.from_struct_array(batch.to_struct_array().cast(pa.struct(self.schema)))
            except (pa.ArrowException, OSError, ValueError, KeyError) as error:
                raise CaptureError(f"{file}: {_line(error)}") from error

    def _text(self, file: Path, rows: int) -> Iterator[pa.RecordBatch]:
        """Pig writes no quotes and no escapes; an empty field is null."""
        with file.open("rb") as source:
            number = 0
            while lines := [line for line in (source.readline() for _ in range(rows)) if line]:
                table = [line.rstrip(b"\n").split(self.delimiter.encode()) for line in lines]
                for fields in table:
                    number += 1
                    if len(fields) != len(self.schema):
                        raise ValueError(
                            f"line {number} has {len(fields)} fields where the schema has {len(self.schema)}: a text "
                            "with a delimiter or a line end in it; store such tables as Parquet"
                        )
                columns = [
                    _column([fields[at] for fields in table], field.type) for at, field in enumerate(self.schema)
                ]
                yield pa.RecordBatch.from_arrays(columns, schema=self.schema)


def _column(values: list[bytes], kind: pa.DataType) -> pa.Array:
    found = [value or None for value in values]
    if pa.types.is_binary(kind):
        return pa.array(found, kind)
    texts = pa.array([None if one is None else one.decode("utf-8", "replace") for one in found], pa.string())
    return texts if pa.types.is_string(kind) else texts.cast(kind)


def _line(error: Exception) -> str:
    return " ".join(str(error).split())


def read(path: Path) -> Table:
    """The table that lies there."""
    if path.is_dir():
        files = [
            one
            for one in sorted(path.rglob("*"))
            if one.is_file() and not any(part.startswith(("_", ".")) for part in one.relative_to(path).parts)
        ]
    else:
        files = [path] if path.exists() else []
    if not files:
        raise CaptureError(f"{path}: no table there")
    if files[0].suffix == ".parquet" or _is_parquet(files[0]):
        import pyarrow.parquet as pq

        try:
            schema = pq.read_schema(files[0]).remove_metadata()
        except (pa.ArrowException, OSError) as error:
            raise CaptureError(f"{files[0]}: {_line(error)}") from error
        return Table(path, schema, tuple(files))
    folder = files[0].parent
    if not (folder / ".pig_schema").exists() or not (folder / ".pig_header").exists():
        raise CaptureError(f"{path}: neither Parquet nor text with a schema: PigStorage(',', '-schema') writes one")
    fields = json.loads((folder / ".pig_schema").read_text())["fields"]
    schema = pa.schema([(str(one["name"]), TYPES.get(one["type"], pa.string())) for one in fields])
    header = (folder / ".pig_header").read_text().rstrip("\n")
    delimiter = header[len(str(fields[0]["name"])) : len(str(fields[0]["name"])) + 1] or "\t"
    return Table(path, schema, tuple(files), delimiter)


def _is_parquet(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"PAR1"
