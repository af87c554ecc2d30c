"""N-grams of payload: which runs of bytes a protocol is made of. One row a gram, for each task: scripts SUM them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from packetpig.loaders.captures.reading import tables
from packetpig.loaders.captures.window import Table
from packetpig.loaders.contract.columns import COMMON, long, text
from packetpig.loaders.contract.loader import Job, Loader, Option, OptionError
from packetpig.loaders.contract.rows import assembled
from packetpig.loaders.kernels import frame, native

PROTOCOLS = {"tcp": 6, "udp": 17, "icmp": 1, "icmp6": 58, "sctp": 132}
SEVERAL = 2  # largest n for which there may be several filters, whose counts are in memory side by side
DENSE = 3  # for n up to here every gram has a number of its own
SLOTS = 1 << 24  # of the hash table for larger n: 256 MB, and what is counted so far is given out when it is full
ROWS = 1 << 16  # in a batch

Counts = Iterator[tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]]
"""Grams, and how often each is there."""


def _filters(options: Mapping[str, str]) -> dict[str, tuple[int, int]]:
    """Protocol and port of each filter of `filter=tcp:80,udp:53`; -1 for any."""
    names = options["filter"].replace(" ", "").split(",")
    if len(names) > 1 and int(options["n"]) > SEVERAL:
        raise OptionError(f"NgramLoader: several filters only for n up to {SEVERAL}, not {options['n']}")
    return {name: _filter(name) for name in names}


def _filter(name: str) -> tuple[int, int]:
    match = re.fullmatch(r"(?:(\w+)(?::(\d{1,5}))?)?", "" if name == "any" else name)
    if not match or (match[1] and match[1] not in PROTOCOLS) or (match[2] and not 0 <= int(match[2]) < 1 << 16):
        raise OptionError(f"NgramLoader: filter is empty, tcp, udp:53 or the like, not {name!r}")
    return PROTOCOLS[match[1]] if match[1] else -1, int(match[2]) if match[2] else -1


class Single:
    """Counts of single bytes."""

    def __init__(self) -> None:
        self._counts = np.zeros(4 * 256, np.int64)

    def add(self, table: Table, protocol: int, port: int) -> Counts:
        """See Dense."""
        native.byte_counts(*_where(table), 0, table.rows, protocol, port, self._counts.ctypes.data)
        yield from ()

    def rest(self) -> Counts:
        """See Dense."""
        counts = self._counts.reshape(4, 256).sum(axis=0)
        grams = np.flatnonzero(counts)
        yield grams, counts[grams]


class Dense:
    """Counts of all grams, one number each."""

    def __init__(self, n: int) -> None:
        self._n = n
        self._counts = np.zeros(1 << (8 * n), np.int64)

    def add(self, table: Table, protocol: int, port: int) -> Counts:
        """Count a table's grams; grams and counts that had to be given out for want of room (never)."""
        native.dense_ngrams(*_where(table), 0, table.rows, protocol, port, self._n, self._counts.ctypes.data)
        yield from ()

    def rest(self) -> Counts:
        """Grams and counts."""
        grams = np.flatnonzero(self._counts)
        yield grams, self._counts[grams]


class Hashed:
    """Counts of the grams there are, in a table of bounded size."""

    def __init__(self, n: int) -> None:
        self._n = n
        self._keys = np.full(SLOTS, -1, np.int64)
        self._counts = np.zeros(SLOTS, np.int64)
        self._used = np.zeros(1, np.int64)

    def add(self, table: Table, protocol: int, port: int) -> Counts:
        """Count a table's grams; grams and counts that had to be given out for want of room."""
        done = 0
        while done < table.rows:
            done = native.hashed_ngrams(
                *_where(table), done, table.rows, protocol, port, self._n, self._keys.ctypes.data,
                self._counts.ctypes.data, SLOTS, self._used.ctypes.data,
            )  # fmt: skip
            if done < table.rows:
                yield from self.rest()

    def rest(self) -> Counts:
        """Grams and counts, after which the table is empty."""
        taken = np.flatnonzero(self._keys >= 0)
        grams, counts = self._keys[taken], self._counts[taken]
        order = np.argsort(grams)
        self._keys[taken], self._counts[taken], self._used[0] = -1, 0, 0
        yield grams[order], counts[order]


def _counter(n: int) -> Single | Dense | Hashed:
    return Single() if n == 1 else Dense(n) if n <= DENSE else Hashed(n)


def _where(table: Table) -> tuple[int, ...]:
    wide, places, _ = table.pointers
    return (table.buffer.ctypes.data, table.valid, wide, places, table.capacity)


def rows(job: Job) -> Iterator[pa.RecordBatch]:
    """Batches of grams and counts."""
    filters = _filters(job.options)
    n = int(job.options["n"])
    counters = {name: _counter(n) for name in filters}
    first: float | None = None
    for table in tables(job.captures, job.report, job.on_error):
        job.report.count("packets", table.rows)
        if first is None and table.rows:
            first = int(table.wide[frame.TIME, 0]) / 1e9
        for name, (protocol, port) in filters.items():
            for grams, counts in counters[name].add(table, protocol, port):
                yield from _batches(job, name, grams, counts, first)
    for name, counter in counters.items():
        for grams, counts in counter.rest():
            yield from _batches(job, name, grams, counts, first)


def _batches(
    job: Job, name: str, grams: np.ndarray[Any, Any], counts: np.ndarray[Any, Any], first: float | None
) -> Iterator[pa.RecordBatch]:
    sensors = {capture.sensor for capture in job.captures}
    whole = {
        "sensor": sensors.pop() if len(sensors) == 1 else None,
        "capture": job.captures[0].capture if len(job.captures) == 1 else None,
        "filter": name,
    }
    for low in range(0, len(grams), ROWS):
        size = len(grams[low : low + ROWS])
        columns: dict[str, pa.Array] = {
            column: pa.DictionaryArray.from_arrays(pa.array(np.zeros(size, np.int32)), pa.array([value], pa.string()))
            for column, value in whole.items()
        }
        columns["ts"] = pa.repeat(pa.scalar(first, pa.float64()), size)
        columns["gram"] = pa.array(grams[low : low + ROWS])
        columns["count"] = pa.array(counts[low : low + ROWS])
        yield assembled(job.columns, columns.__getitem__, size)


LOADER = Loader(
    pig="NgramLoader",
    answers="one run of n bytes of transport payload, and how often it is there: partial counts, to be added up",
    split="records",
    rows=rows,
    options=(
        Option("n", "bytes of a gram", "1", ("1", "2", "3", "4")),
        Option(
            "filter",
            "protocol, and a port on either side: tcp, udp:53, …; empty or any for all payload; several with commas "
            "(n up to 2)",
        ),
    ),
    columns=(
        *COMMON,
        text("filter", "the filter, as it was given (one of several)", repeated=True),
        long("gram", "the bytes as a number, the first byte the highest"),
        long("count", "times it is there"),
    ),
)
