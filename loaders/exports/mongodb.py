"""MongoDB: `mongodb://host:27017/database/collection`. A row's key is its _id."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from packetpig.loaders.contract.loader import OptionError
from packetpig.loaders.contract.report import CaptureError
from packetpig.loaders.exports.rows import Keyed, Write, finite
from packetpig.loaders.exports.table import Table

SCHEMES = ("mongodb", "mongodb+srv")
WAIT = 10_000
"""Milliseconds that a server has to be found; to answer it has six times as long."""


@contextmanager
def target(url: str, table: Table) -> Iterator[Write]:
    """A collection. Options of the connection follow a question mark, as MongoDB has them."""
    try:
        import pymongo
        from pymongo.errors import PyMongoError
    except ImportError as error:
        raise CaptureError("pymongo is missing: .venv/bin/pip install pymongo") from error
    parts = urlsplit(url)
    names = parts.path.strip("/").split("/")
    if len(names) != 2 or not all(names):
        raise OptionError(
            f"the target is mongodb://HOST/DATABASE/COLLECTION, not {parts.scheme}://{parts.hostname}{parts.path}"
        )
    server = urlunsplit((parts.scheme, parts.netloc, "/", parts.query, ""))
    try:
        client: pymongo.MongoClient[dict[str, Any]]
        with pymongo.MongoClient(server, serverSelectionTimeoutMS=WAIT, socketTimeoutMS=6 * WAIT) as client:
            collection: pymongo.collection.Collection[dict[str, Any]] = client[names[0]][names[1]]

            def write(rows: list[Keyed]) -> None:
                collection.bulk_write(
                    [pymongo.ReplaceOne({"_id": key}, finite(row), upsert=True) for key, row in rows], ordered=False
                )

            yield write
    except (PyMongoError, OverflowError) as error:
        raise CaptureError(f"{parts.scheme}://{parts.hostname}: {' '.join(str(error).split())[:300]}") from error
