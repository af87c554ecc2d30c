"""One capture through every loader, in this process. What must not be raises WrongError."""

from __future__ import annotations

import random
import time
from collections import Counter
from typing import Any

import numpy as np
from packetpig.loaders.captures import parallel, pcap, reading
from packetpig.loaders.captures.capture import Capture
from packetpig.loaders.contract.discovery import find, names
from packetpig.loaders.contract.loader import Loader, run
from packetpig.loaders.contract.report import CaptureError, Report
from packetpig.loaders.engines.process import MissingError

from tests.fuzz.walking import packets

SHARE = 0.08  # of the time, at most, for a loader that takes longer than others: one that starts an engine, mostly
SLOW = 2  # times the mean of the other loaders
AMONG = ("1", "2")  # of ngrams, which for larger n fill hundreds of megabytes with zeros first


class WrongError(Exception):
    """A loader did what it must not."""


class Bytes:
    """A capture in memory: as a file, as a pipe that comes in pieces, or mapped."""

    def __init__(self, data: bytes, kind: str, pick: random.Random) -> None:
        self._data, self._kind, self._pick = data, kind, pick
        self.size = None if kind == "pipe" else len(data)

    def read(self, into: memoryview, offset: int) -> int:
        """See Source."""
        most = len(into) if self._kind != "pipe" else self._pick.choice((1, 7, 100, 10_000, 1 << 20))
        piece = self._data[offset : offset + min(most, len(into))]
        into[: len(piece)] = piece
        return len(piece)

    def mapped(self) -> np.ndarray[Any, Any] | None:
        """See Source."""
        return np.frombuffer(self._data, np.uint8) if self._kind in ("mapped", "parallel") and self._data else None

    def close(self) -> None:
        """See Source."""


class Checker:
    """Runs captures through all loaders; slow ones see as many as they have time for."""

    def __init__(self, everything: bool = False) -> None:
        self._loaders = {name: find(name) for name in names()}
        self._took: dict[str, float] = dict.fromkeys(self._loaders, 0.0)
        self._runs: Counter[str] = Counter()
        self._everything = everything

    @property
    def summary(self) -> dict[str, int]:
        """Captures that each loader has seen."""
        return dict(self._runs)

    def check(self, data: bytes, number: int) -> None:
        """Raises WrongError, or whatever a loader raises beside the errors that it may."""
        wanted = packets(data)
        for name, loader in self._loaders.items():
            if self._spent(name) and not self._everything:
                continue
            began = time.perf_counter()
            # what is picked for one loader does not depend on which others there are
            if not _through(name, loader, data, wanted, random.Random(f"{number}:{name}")):
                continue
            if self._runs[name]:  # the first run imports what the loader needs
                self._took[name] += time.perf_counter() - began
            self._runs[name] += 1

    def _spent(self, name: str) -> bool:
        """Whether a loader is slow and has had its share."""
        took, runs = self._took[name], self._runs[name]
        others, captures = sum(self._took.values()) - took, self._runs.total() - runs
        return took * captures > SLOW * others * runs and took > SHARE * (others + took)


def _through(name: str, loader: Loader, data: bytes, wanted: int | None, pick: random.Random) -> bool:
    """Whether the loader could look at it: one whose program is not on this machine cannot."""
    options = {}
    for option in loader.options:
        choices = [choice for choice in option.choices if choice and (name != "ngrams" or choice in AMONG)]
        if choices and pick.random() < 0.5:
            options[option.name] = pick.choice(choices)
    columns = [column.name for column in loader.schema(options)]
    chosen = [column for column in columns if pick.random() < 0.3] if pick.random() < 0.5 else columns
    kind = pick.choice(("file", "pipe", "mapped", "parallel"))
    reading.MAPPED = 1 if kind in ("mapped", "parallel") else 4 << 20
    parallel.LEAST, parallel.SEGMENT = (
        (1, pick.choice((100, 1000, 5000))) if kind == "parallel" else (64 << 20, 16 << 20)
    )
    pcap.OVERLAP = 2000 if kind == "parallel" else 1 << 20
    report = Report()
    rows = 0
    try:
        _, batches = run(loader, [_capture(data, kind, pick)], chosen, None, None, options, report)
        for batch in batches:
            batch.validate(full=True)
            rows += batch.num_rows
    except MissingError:
        return False
    except CaptureError as error:
        if wanted is not None and wanted > 0:
            raise WrongError(f"{name}: {wanted} packets, and: {error}") from error
        if "\n" in str(error) or not str(error).startswith("fuzz: "):
            raise WrongError(f"{name}: not one line that names the capture: {error!r}") from error
        return True
    said = report.losses
    if said and not report.warnings:
        raise WrongError(f"{name}: losses, but no warning ({dict(report.counters)})")
    seen = report.counters.get("packets", 0)
    if wanted is None and not said:
        raise WrongError(f"{name}: a damaged capture ended in silence ({kind}, {rows} rows)")
    if wanted is not None and (said or seen != wanted):
        raise WrongError(f"{name}: {wanted} packets, but {seen} were seen, and said: {report.warnings} ({kind})")
    if name == "packets" and rows != seen:
        raise WrongError(f"{name}: {seen} packets, but {rows} rows")
    return True


def _capture(data: bytes, kind: str, pick: random.Random) -> Capture:
    return Capture("fuzz", lambda: Bytes(data, kind, pick), "fuzz")
