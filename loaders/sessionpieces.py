"""Pieces of sessions: what the macros SESSIONS, HTTP, … read from splits of captures, to put them together."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
from packetpig.loaders.contract.columns import COMMON, integer, octets
from packetpig.loaders.contract.discovery import find
from packetpig.loaders.contract.loader import Job, Loader, Option, OptionError
from packetpig.loaders.contract.rows import OCTETS, assembled
from packetpig.loaders.contract.times import TIMES, window
from packetpig.loaders.flows.carrying import Carrying
from packetpig.loaders.flows.extracting import Extractor
from packetpig.loaders.flows.pieces import Pieces

ROWS = 256  # pieces in a batch


def rows(job: Job) -> Iterator[pa.RecordBatch]:
    """Batches of pieces."""
    wanted = [find(name.strip()) for name in job.options["for"].split(",")]
    for loader in wanted:
        if not loader.sessions:
            raise OptionError(f"{loader.pig} does not make its rows of pieces of sessions")
    extractor = Extractor(job.captures, job.report, job.on_error)
    extractor.entropies = job.options["entropies"] == "yes"
    parsers = [loader.parser for loader in wanted if loader.parser]
    waiting: list[tuple[int, int, int, bytes]] = []
    pieces = Pieces(extractor, Carrying(parsers) if parsers else None)
    pieces.times = window(job.options)
    if pieces.times:
        extractor.times = (pieces.times[0], pieces.times[1] - 1)
    size = 0
    for piece in pieces.split():
        job.report.count("bytes of pieces", len(piece[3]))
        waiting.append(piece)
        size += len(piece[3])
        if len(waiting) == ROWS or size > OCTETS:
            yield _batch(job, waiting)
            waiting, size = [], 0
    if waiting:
        yield _batch(job, waiting)


def _batch(job: Job, pieces: list[tuple[int, int, int, bytes]]) -> pa.RecordBatch:
    bucket, time, capture, data = zip(*pieces, strict=True)
    columns = {
        "sensor": lambda: pa.array([job.captures[one].sensor for one in capture]).dictionary_encode(),
        "capture": lambda: pa.array([job.captures[one].capture for one in capture]).dictionary_encode(),
        "ts": lambda: pa.array([one / 1e9 for one in time], pa.float64()),
        "bucket": lambda: pa.array(bucket, pa.int32()),
        "piece": lambda: pa.array(data, pa.binary()),
    }
    return assembled(job.columns, lambda name: columns[name](), len(pieces))


LOADER = Loader(
    pig="SessionPieceLoader",
    answers="one piece: what a part of a capture knows of the sessions of one bucket; macros put them together",
    split="records",
    rows=rows,
    options=(
        Option("for", "loaders whose rows will be made of the pieces: sessions,http,…", "sessions"),
        Option("entropies", "with the entropy of payload, for FEATURES", "no", ("no", "yes")),
        *TIMES,
    ),
    columns=(
        *COMMON,
        integer("bucket", "all packets between two hosts are in one bucket"),
        octets("piece", "packets of the bucket's sessions, as far as sessions need them"),
    ),
)
