"""Cassandra: `cassandra://host:9042/keyspace/table`. A row's key is the primary key, `row_key`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote, urlsplit

import pyarrow as pa
from packetpig.loaders.contract.loader import OptionError
from packetpig.loaders.contract.report import CaptureError
from packetpig.loaders.exports.rows import Keyed, Write, for_json
from packetpig.loaders.exports.table import Table

SCHEMES = ("cassandra",)
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,47}")
AT_ONCE = 64
WAIT = 20
"""Seconds that a server has to answer."""


def _type(kind: pa.DataType) -> str:
    """Cassandra's type; what is nested is JSON."""
    for known, name in (
        (pa.types.is_boolean, "boolean"),
        (pa.types.is_int64, "bigint"),
        (pa.types.is_integer, "int"),
        (pa.types.is_float64, "double"),
        (pa.types.is_floating, "float"),
        (pa.types.is_binary, "blob"),
    ):
        if known(kind):
            return name
    return "text"


@contextmanager
def target(url: str, table: Table) -> Iterator[Write]:
    """A table, made if it is not there (its keyspace too, with one replica: for more, make it before)."""
    try:
        from cassandra import DriverException
        from cassandra.auth import PlainTextAuthProvider
        from cassandra.cluster import Cluster, NoHostAvailable
        from cassandra.concurrent import execute_concurrent_with_args
        from cassandra.policies import RoundRobinPolicy
    except ImportError as error:
        raise CaptureError("cassandra-driver is missing: .venv/bin/pip install cassandra-driver") from error
    parts = urlsplit(url)
    names = parts.path.strip("/").split("/")
    if len(names) != 2 or not all(map(NAME.fullmatch, names)) or not parts.hostname:
        raise OptionError(
            f"the target is cassandra://HOST/KEYSPACE/TABLE, not {parts.scheme}://{parts.hostname}{parts.path}"
        )
    columns = [field.name for field in table.schema]
    user = PlainTextAuthProvider(unquote(parts.username), unquote(parts.password or "")) if parts.username else None
    cluster = Cluster(
        [parts.hostname],
        parts.port or 9042,
        auth_provider=user,
        connect_timeout=WAIT,
        load_balancing_policy=RoundRobinPolicy(),
    )
    try:
        session = cluster.connect()
        session.default_timeout = WAIT
        keyspace, name = names
        session.execute(
            f'CREATE KEYSPACE IF NOT EXISTS "{keyspace}" WITH replication = '
            "{'class': 'SimpleStrategy', 'replication_factor': 1}"
        )
        defined = ", ".join(f"{_quoted(field.name)} {_type(field.type)}" for field in table.schema)
        session.execute(f'CREATE TABLE IF NOT EXISTS "{keyspace}"."{name}" ("row_key" text PRIMARY KEY, {defined})')
        listed = ", ".join(['"row_key"', *map(_quoted, columns)])
        marks = ", ".join("?" * (len(columns) + 1))
        insert = session.prepare(f'INSERT INTO "{keyspace}"."{name}" ({listed}) VALUES ({marks})')  # noqa: S608

        def write(rows: list[Keyed]) -> None:
            values = [(key, *(_plain(row[column]) for column in columns)) for key, row in rows]
            execute_concurrent_with_args(session, insert, values, concurrency=AT_ONCE, raise_on_first_error=True)

        yield write
    except (DriverException, NoHostAvailable, TypeError, OSError) as error:
        raise CaptureError(f"cassandra://{parts.hostname}: {' '.join(str(error).split())[:300]}") from error
    finally:
        cluster.shutdown()


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _plain(value: Any) -> Any:
    if isinstance(value, list | dict | tuple):
        return json.dumps(for_json(value))
    return value if value is None or isinstance(value, bool | int | float | str | bytes) else str(value)
