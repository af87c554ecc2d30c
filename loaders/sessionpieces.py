"""Pieces of sessions: what the macro SESSIONS reads from splits of captures, to put them together."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
from packetpig.loaders.contract.columns import COMMON, integer, octets
from packetpig.loaders.contract.loader import Job, Loader, Option
from packetpig.loaders.contract.rows import assembled
from packetpig.loaders.flows.extracting import Extractor
from packetpig.loaders.flows.pieces import Pieces

ROWS = 256  # pieces in a batch


def rows(job: Job) -> Iterator[pa.RecordBatch]:
    """Batches of pieces."""
    extractor = Extractor(job.captures, job.report, job.on_error)
    extractor.entropies = job.options["entropies"] == "yes"
    waiting: list[tuple[int, int, int, bytes]] = []
    for piece in Pieces(extractor).split():
        job.report.count("bytes of pieces", len(piece[3]))
        waiting.append(piece)
        if len(waiting) == ROWS:
            yield _batch(job, waiting)
            waiting = []
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
    answers="one piece: what a part of a capture knows of the sessions of one bucket; SESSIONS puts them together",
    split="records",
    rows=rows,
    options=(Option("entropies", "with the entropy of payload, for FEATURES", "no", ("no", "yes")),),
    columns=(
        *COMMON,
        integer("bucket", "all packets between two hosts are in one bucket"),
        octets("piece", "packets of the bucket's sessions, as far as sessions need them"),
    ),
)
