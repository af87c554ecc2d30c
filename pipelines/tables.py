"""Tables: complete or absent, and what each was made from.

`OUTPUT/<table>/window=<start>/` has Parquet; of a table of the whole archive, `OUTPUT/<table>/` itself. Beside,
`OUTPUT/.done/<table>/` has one small file for each folder that is complete, named after the window and the key: a
digest of all that went into it. A table is what the key says or it is made anew.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq
from packetpig.pipelines.store import Store, StoreError

DONE, WORK, ALL = ".done", ".work", "all"
AHEAD, AT_ONCE = 64, 8
"""Notes that are read together from a store that is far, and how many of them at once."""
SMALL, FEW = 1 << 20, 3
"""Bytes up to which a part is put together with others, if there are more than FEW: Pig takes longer to open a file,
wherever a script reads it, than all of that takes here."""
TYPES = {"int": pa.int32(), "long": pa.int64(), "double": pa.float64(), "chararray": pa.string(),
         "bytearray": pa.binary(), "boolean": pa.bool_()}  # fmt: skip


def digest(*parts: Any) -> str:
    """What stands for PARTS: 16 hexadecimal digits."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:16]


class Gathered:
    """What stands for texts, in whatever order they come: the sum of their digests."""

    def __init__(self) -> None:
        self._sum = 0

    def add(self, text: str) -> None:
        """One more."""
        self._sum += int.from_bytes(hashlib.sha256(text.encode()).digest(), "big")

    def digest(self) -> str:
        """16 hexadecimal digits."""
        return digest(self._sum % (1 << 256))


@dataclass(frozen=True)
class Part:
    """A window of a table, or the table as a whole (`window` is ALL)."""

    table: str
    window: str = ALL

    @property
    def folder(self) -> tuple[str, ...]:
        """Its folder, below the output."""
        return (self.table,) if self.window == ALL else (self.table, f"window={self.window}")


class Tables:
    """The tables of one output folder."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._notes: dict[tuple[Part, str], dict[str, Any]] = {}
        self._listed: dict[str, set[tuple[str, str]]] | None = None

    def location(self, part: Part) -> str:
        """Where a part is, as Pig names it."""
        return self.store.path(*part.folder)

    def windows(self, table: str) -> dict[str, str]:
        """Windows of a table that are complete, and their keys."""
        return dict(sorted(self._marks(table)))

    def _marks(self, table: str) -> set[tuple[str, str]]:
        marks = [name.split("~") for name in self.store.names(DONE, table)]
        there = set(self.store.names(table))
        known = ((mark[0], mark[1]) for mark in marks if len(mark) == 2)
        return {(window, key) for window, key in known if (there if window == ALL else f"window={window}" in there)}

    @contextmanager
    def listed(self) -> Iterator[None]:
        """Until the end, what is complete is looked up once a table: where each look goes over a network."""
        self._listed = {}
        try:
            yield
        finally:
            self._listed = None

    def complete(self, part: Part, key: str) -> bool:
        """Whether a part is there and made from what KEY stands for."""
        if self._listed is not None:
            return (part.window, key) in self._marked(part.table)
        return self.store.exists(DONE, part.table, f"{part.window}~{key}") and self.store.exists(*part.folder)

    def _marked(self, table: str) -> set[tuple[str, str]]:
        assert self._listed is not None
        if table not in self._listed:
            self._listed[table] = self._marks(table)
        return self._listed[table]

    def note(self, part: Part, key: str) -> dict[str, Any]:
        """What was noted when a part was completed: rows, bytes, seconds, and what its stage wants to know again.

        Raises StoreError.
        """
        if (part, key) not in self._notes:
            if self._listed is not None and self.store.far:
                self._read_ahead(part, key)
            if (part, key) not in self._notes:
                self._notes[part, key] = self._read(part, key)
        return self._notes[part, key]

    def _read(self, part: Part, key: str) -> dict[str, Any]:
        note: dict[str, Any] = self.store.json(DONE, part.table, f"{part.window}~{key}")
        return note

    def _read_ahead(self, part: Part, key: str) -> None:
        """This note, and those of the windows behind it, which are asked for next: many at once."""

        def read(mark: tuple[str, str]) -> None:
            with suppress(StoreError, OSError):  # then who asks for it reads it, and fails
                one = Part(part.table, mark[0])
                self._notes[one, mark[1]] = self._read(one, mark[1])

        marks = sorted(mark for mark in self._marked(part.table) if mark >= (part.window, key))[:AHEAD]
        with ThreadPoolExecutor(AT_ONCE) as readers:
            list(readers.map(read, [mark for mark in marks if (Part(part.table, mark[0]), mark[1]) not in self._notes]))

    def publish(self, work: str, parts: Mapping[Part, str], key: str, note: Mapping[str, Any]) -> None:
        """Put folders of WORK (by part) to where they belong, each at once, then say that they are complete.

        On S3 files move one after the other: nothing says meanwhile that the part is complete.
        """
        self.store.check()
        for number, (part, made) in enumerate(parts.items()):
            old = [name for name in self.store.names(DONE, part.table) if name.split("~")[0] == part.window]
            for name in old:
                self.store.remove(DONE, part.table, name)
            final = "/".join(part.folder)
            if not self.store.moves:
                self.store.remove(*part.folder)
            elif self.store.exists(*part.folder):
                self.store.move(final, f"{work}.old{number}")
            self.store.move(f"{work}/{made}", final)
            self.store.write(json.dumps(note, default=str).encode(), DONE, part.table, f"{part.window}~{key}")
            self._notes.pop((part, key), None)
            self.store.remove(f"{work}.old{number}")

    def forget(self, part: Part) -> None:
        """Remove a part."""
        for name in self.store.names(DONE, part.table):
            if name.split("~")[0] == part.window:
                self.store.remove(DONE, part.table, name)
        self.store.remove(*part.folder)

    def size(self, work: str) -> int:
        """Bytes of a folder that is being made."""
        return sum(file.size for file in self.store.files(work))

    def rows(self, *folder: str, columns: Sequence[str] | None = None) -> pa.Table:
        """A table that fits into memory. Raises StoreError if a file of it is none of Parquet's."""
        parts = [name for name in self.store.names(*folder) if name.endswith(".parquet")]
        found = []
        for name in parts:
            with self._opened(*folder, name) as file:
                found.append(pq.read_table(file, columns=columns))
        return pa.concat_tables(found) if found else pa.table({})

    def batches(self, *folder: str, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """A table, a part after the other. Raises StoreError as `rows` does."""
        for name in self.store.names(*folder):
            if name.endswith(".parquet"):
                with self._opened(*folder, name) as file:
                    for batch in pq.ParquetFile(file).iter_batches(columns=columns):
                        yield pa.Table.from_batches([batch])

    @contextmanager
    def _opened(self, *path: str) -> Iterator[IO[bytes]]:
        """A file of Parquet; what is none is said with its name."""
        with self.store.open(*path) as file:
            try:
                yield file
            except pa.ArrowInvalid as error:
                raise StoreError(f"{self.store.path(*path)}: {error}") from error

    def together(self, parts: Sequence[Part], work: str) -> tuple[list[Part], str | None]:
        """Puts small parts of a table into one file: the parts that were left out, and where the others are, if so.

        Left out is what is large, has other columns than the first of them, or has bags.
        """
        if len(parts) <= FEW:
            return list(parts), None
        sizes: Counter[str] = Counter()
        for file in self.store.files(parts[0].table):
            sizes[file.below.split("/")[0]] += file.size
        small = [part for part in parts if sizes[part.folder[-1]] <= SMALL]
        if len(small) <= FEW:
            return list(parts), None
        first, joined = self.rows(*small[0].folder), {small[0]}
        schema = first.schema
        if not schema.names or any(pa.types.is_nested(kind) for kind in schema.types):
            return list(parts), None
        name = f"{work}/_together/{digest(parts)}"  # below what neither Pig nor `size` takes for a part of the output
        with self.store.folder(*name.split("/")) as folder:
            folder.mkdir()
            with pq.ParquetWriter(folder / "part-0.parquet", schema) as writer:
                writer.write_table(first)
                for part in small[1:]:
                    table = self.rows(*part.folder)
                    if table.schema.equals(schema):
                        writer.write_table(table)
                        joined.add(part)
        return [part for part in parts if part not in joined], self.store.path(name)

    def empty(self, work: str, columns: str) -> str:
        """A table without rows, with columns as Pig writes them: its location."""
        return self.small(work, columns, [])

    def small(self, work: str, columns: str, rows: Sequence[Sequence[Any]]) -> str:
        """A table of some rows, with columns as Pig writes them: its location."""
        fields = []
        for column in columns.split(","):
            name, kind = column.strip().split(":")
            fields.append(pa.field(name, TYPES[kind]))
        buffer = pa.BufferOutputStream()
        named = [dict(zip(pa.schema(fields).names, row, strict=True)) for row in rows]
        pq.write_table(pa.Table.from_pylist(named, pa.schema(fields)), buffer)
        name = f"{work}.small-{digest(columns, rows)}-{os.getpid()}"
        self.store.write(buffer.getvalue().to_pybytes(), name, "part-0.parquet")
        return self.store.path(name)
