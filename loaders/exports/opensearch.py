"""OpenSearch or Elasticsearch: `opensearch://host:9200/index`, or `opensearch+https://…`. A row's key is its _id."""

from __future__ import annotations

import base64
import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import pyarrow as pa
from packetpig.loaders.contract.loader import OptionError
from packetpig.loaders.contract.report import CaptureError
from packetpig.loaders.exports.rows import Keyed, Write, for_json
from packetpig.loaders.exports.table import Table

SCHEMES = ("opensearch", "opensearch+https")
BODY = 8 << 20
"""Bytes of a request, about."""
LONGEST = 8000
"""Characters of a text that can be searched for."""
TRIES = 6
WAIT = 60
"""Seconds that a server has to answer."""


class _BusyError(Exception):
    """The server wants to be asked again later."""


@contextmanager
def target(url: str, table: Table) -> Iterator[Write]:
    """An index, made if it is not there. A row with `ts` gets `@timestamp` as well."""
    parts = urlsplit(url)
    index = parts.path.strip("/")
    if not index or "/" in index or not parts.hostname:
        raise OptionError(
            f"the target is opensearch://HOST:9200/INDEX, not {parts.scheme}://{parts.hostname}{parts.path}"
        )
    secure = "s" if parts.scheme.endswith("https") else ""
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    server = f"http{secure}://{host}:{parts.port or 9200}"
    headers = {"Content-Type": "application/x-ndjson"}
    if parts.username:
        user = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["Authorization"] = "Basic " + base64.b64encode(user.encode()).decode()

    _make(f"{server}/{quote(index)}", headers, table)

    def write(rows: list[Keyed]) -> None:
        waiting = [_lines(key, row) for key, row in rows]
        while waiting:
            body: list[bytes] = []
            size = 0
            while waiting and (not body or size + len(waiting[-1]) < BODY):
                body.append(waiting.pop())
                size += len(body[-1])
            _send(f"{server}/{quote(index)}/_bulk", headers, body)

    yield write


def _make(url: str, headers: dict[str, str], table: Table) -> None:
    """Make the index with the columns' types (left alone, numbers would be floats of 32 bits)."""
    properties: dict[str, Any] = {"@timestamp": {"type": "date"}}
    for field in table.schema:
        if (kind := _type(field.type)) is not None:
            properties[field.name] = {"type": kind, **({"ignore_above": LONGEST} if kind == "keyword" else {})}
    body = json.dumps({"mappings": {"properties": properties}}).encode()
    try:
        _ask("PUT", url, {**headers, "Content-Type": "application/json"}, body)
    except CaptureError as error:
        if "resource_already_exists" not in str(error):
            raise
    except _BusyError as error:
        raise CaptureError(f"{url}: {error}") from error


def _type(kind: pa.DataType) -> str | None:
    """OpenSearch's type; null where it is to find out by itself."""
    for known, name in (
        (pa.types.is_boolean, "boolean"),
        (pa.types.is_integer, "long"),
        (pa.types.is_floating, "double"),
        (pa.types.is_string, "keyword"),
        (pa.types.is_large_string, "keyword"),
    ):
        if known(kind):
            return name
    return None


def _lines(key: str, row: dict[str, Any]) -> bytes:
    """Two lines: what to do, and the row."""
    document = for_json(row)
    ts = document.get("ts")
    if isinstance(ts, int | float) and "@timestamp" not in document:
        with suppress(ValueError, OverflowError, OSError):
            document["@timestamp"] = datetime.fromtimestamp(ts, UTC).isoformat(timespec="microseconds")
    text = json.dumps({"index": {"_id": key}}) + "\n" + json.dumps(document) + "\n"
    return text.encode("ascii")


def _send(url: str, headers: dict[str, str], documents: list[bytes]) -> None:
    """One request; what the server was too busy for is sent again, more and more slowly."""
    for attempt in range(TRIES):
        try:
            answer = _ask("POST", url, headers, b"".join(documents))
        except _BusyError as busy:
            if attempt == TRIES - 1:
                raise CaptureError(f"{url}: {busy}") from busy
        else:
            failed = []
            for document, item in zip(documents, answer.get("items", []), strict=False):
                result = item.get("index", {})
                status = int(result.get("status", 500))
                if status == 429:
                    failed.append(document)
                elif status >= 300:
                    raise CaptureError(f"{url}: {json.dumps(result.get('error', result))[:300]}")
            if len(answer.get("items", [])) != len(documents):
                raise CaptureError(f"{url}: {len(answer.get('items', []))} answers to {len(documents)} rows")
            if not failed:
                return
            documents = failed
        time.sleep(0.2 * 2**attempt)
    raise CaptureError(f"{url}: the server was too busy for {len(documents)} rows")


def _ask(method: str, url: str, headers: dict[str, str], body: bytes) -> dict[str, Any]:
    request = urllib.request.Request(url, body, headers, method=method)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=WAIT) as response:  # noqa: S310
            found = json.loads(response.read())
    except urllib.error.HTTPError as error:
        words = " ".join(error.read(300).decode("utf-8", "replace").split())
        if error.code in (429, 502, 503, 504):
            raise _BusyError(f"HTTP {error.code} {words}") from error
        raise CaptureError(f"{url}: HTTP {error.code} {words}") from error
    except (OSError, ValueError) as error:
        raise CaptureError(f"{url}: {error}") from error
    return found if isinstance(found, dict) else {}
