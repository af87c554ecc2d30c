"""Rows with their keys, as databases take them."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa

Row = dict[str, Any]
Keyed = tuple[str, Row]
"""A row's key, 32 hexadecimal digits, and its values."""
Write = Callable[[list[Keyed]], None]


def keyed(batch: pa.RecordBatch, key: Sequence[str]) -> list[Keyed]:
    """The rows of a batch. Their keys come from the values of KEY alone, or of all columns."""
    found = []
    for row in batch.to_pylist():
        values = [row[name] for name in key] if key else list(row.items())
        text = json.dumps(values, default=_plain, ensure_ascii=True)
        found.append((hashlib.sha256(text.encode()).hexdigest()[:32], row))
    return found


def _plain(value: Any) -> Any:
    return value.hex() if isinstance(value, bytes) else str(value)


def finite(value: Any) -> Any:
    """A value without numbers that are none (NaN, infinity), which some databases refuse: null instead."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {name: finite(one) for name, one in value.items()}
    return [finite(one) for one in value] if isinstance(value, list) else value


def for_json(value: Any) -> Any:
    """A value as JSON can have it: bytes in hexadecimal, no number that is none."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {str(name): for_json(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [for_json(one) for one in value]
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
