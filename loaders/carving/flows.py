"""A list of flows as a filter: which packets belong to one of them, in its time."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from packetpig.loaders.contract.report import CaptureError
from packetpig.loaders.contract.where import Tree
from packetpig.loaders.decode.arrays import bits, booleans, numbers

FIRST, LAST = -(1 << 63), (1 << 63) - 1
SLACK = 1e-6  # seconds: a time written as a decimal number is not exact


class Flows:
    """Used as a loader's filter: keeps the packets of the flows that a file lists.

    The file has a header line and is CSV, or JSON lines. `community_id` says which flow; from `start` (or `ts`, where
    there is `end_ts`) to `end` (or `end_ts`), in seconds, both if they are given. What a loader of sessions prints is
    such a list.
    """

    names = frozenset({"community_id", "ts_ns"})

    def __init__(self, path: Path) -> None:
        self._spans: dict[str, list[tuple[int, int]]] = {}
        for number, row in _rows(path):
            identity = row.get("community_id")
            if not identity or not isinstance(identity, str):
                raise CaptureError(f"{path}: line {number}: no community_id")
            begin = row.get("start") or (row.get("ts") if row.get("end_ts") else None)
            try:
                span = _nanos(begin, -SLACK, FIRST), _nanos(row.get("end") or row.get("end_ts"), SLACK, LAST)
            except (ValueError, TypeError, OverflowError) as error:
                raise CaptureError(f"{path}: line {number}: a time is seconds since the epoch ({error})") from error
            self._spans.setdefault(identity, []).append(span)
        spans = [span for several in self._spans.values() for span in several]
        low, high = min((low for low, _ in spans), default=0), max((high for _, high in spans), default=-1)
        self.tree: Tree = [
            "and", [">=", ["column", "ts_ns"], ["long", low]], ["<=", ["column", "ts_ns"], ["long", high]],
        ]  # fmt: skip

    def mask(self, batch: pa.RecordBatch) -> pa.BooleanArray:
        """Which rows of BATCH stay."""
        identities = batch.column("community_id")
        spans = [self._spans.get(name) for name in identities.dictionary.to_pylist()]
        index = numbers(identities.indices, np.int32)
        if identities.null_count:
            index = np.where(bits(identities.is_valid()), index, len(spans))
        listed = np.array([*(several is not None for several in spans), False])
        wanted = listed[index]
        places = np.flatnonzero(wanted)
        if len(places):
            times = numbers(batch.column("ts_ns"), np.int64)[places]
            of = index[places]
            inside = np.zeros(len(places), bool)
            for one in np.unique(of):
                mine = np.flatnonzero(of == one)
                for low, high in spans[one] or ():
                    inside[mine] |= (times[mine] >= low) & (times[mine] <= high)
            wanted[places] = inside
        return booleans(wanted)


class Both:
    """Keeps what two filters keep."""

    def __init__(self, a: Any, b: Any) -> None:
        self._a, self._b = a, b
        self.names = frozenset(a.names) | frozenset(b.names)
        self.tree: Tree = ["and", a.tree, b.tree]

    def mask(self, batch: pa.RecordBatch) -> pa.BooleanArray:
        """Which rows of BATCH stay."""
        import pyarrow.compute as pc

        return pc.and_(self._a.mask(batch), self._b.mask(batch))


def _nanos(value: Any, slack: float, default: int) -> int:
    if value is None or value == "":
        return default
    seconds = float(value)
    if not math.isfinite(seconds):
        raise ValueError(f"not {value!r}")
    return min(max(round((seconds + slack) * 1e9), FIRST), LAST)


def _rows(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            first = file.read(1)
            file.seek(0)
            if first == "{":
                for number, line in enumerate(file, 1):
                    if line.strip():
                        yield number, _object(path, number, line)
                return
            reader = csv.DictReader(file)
            if "community_id" not in (reader.fieldnames or ()):
                raise CaptureError(f"{path}: no column community_id in its first line")
            for row in reader:
                yield reader.line_num, row
    except OSError as error:
        raise CaptureError(f"{path}: {(error.strerror or str(error)).lower()}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise CaptureError(f"{path}: neither CSV nor JSON lines ({error})") from error


def _object(path: Path, number: int, line: str) -> Mapping[str, Any]:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise CaptureError(f"{path}: line {number}: not JSON ({error})") from error
    if not isinstance(row, dict):
        raise CaptureError(f"{path}: line {number}: not a JSON object")
    return row
