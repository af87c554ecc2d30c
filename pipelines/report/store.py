"""Tables as a page without a server can read them: one JavaScript file for each column and run of rows.

A page opened from a folder may load scripts of that folder, and nothing else. So each part of a column is a script that
hands over one literal, loaded when somebody looks at those rows, or sorts or filters by that column.
"""

from __future__ import annotations

import base64
import ipaddress
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

ROWS = 50_000
"""Rows of a part."""
LONGEST = 20_000
"""Characters of a value that the report keeps; the table of the pipeline has all of them."""
DICTIONARY = 100_000
"""Distinct values up to which addresses are put in the order of their numbers."""


@dataclass(frozen=True, slots=True)
class Store:
    """A folder of tables."""

    folder: Path

    def write(self, name: str, table: pa.Table) -> dict[str, Any]:
        """Write a table; gives what the catalogue says of it."""
        (self.folder / name).mkdir(parents=True)
        columns = {column: self._column(f"{name}/{column}", table[column]) for column in table.column_names}
        return {"rows": table.num_rows, "part": ROWS, "columns": columns}

    def _column(self, name: str, values: pa.ChunkedArray) -> dict[str, Any]:
        values = values.combine_chunks() if values.num_chunks != 1 else values.chunk(0)
        if pa.types.is_dictionary(values.type):
            values = values.cast(values.type.value_type)
        if pa.types.is_boolean(values.type):
            values = pc.if_else(values, "yes", "no")
        if pa.types.is_integer(values.type) or pa.types.is_floating(values.type):
            return self._numbers(name, values)
        if not (pa.types.is_string(values.type) or pa.types.is_null(values.type)):
            values = pa.array([_text(value) for value in values.to_pylist()], pa.string())
        return self._texts(name, values.cast(pa.string()))

    def _numbers(self, name: str, values: pa.Array) -> dict[str, Any]:
        kind = _narrowest(values)
        wide = values.cast(pa.float64() if kind == "f8" else pa.int64(), safe=False)
        none = math.nan if kind == "f8" else int(np.iinfo(kind).max)
        array = pc.fill_null(wide, none).to_numpy(zero_copy_only=False)
        self._parts(name, array.astype(kind), kind)
        return {"kind": "number", "as": kind}

    def _texts(self, name: str, values: pa.Array) -> dict[str, Any]:
        encoded = values.dictionary_encode()
        words = encoded.dictionary
        if len(words) > max(64, len(values) // 2):
            for part in range(0, len(values), ROWS):
                rows = [_short(value) for value in values[part : part + ROWS].to_pylist()]
                self.script(f"{name}.{part // ROWS}", rows)
            return {"kind": "text"}
        order = _order(words.to_pylist())
        ranks = np.empty(len(words) + 1, np.int64)
        ranks[order] = np.arange(len(words))
        kind = next(k for k in ("u1", "u2", "u4") if len(words) < np.iinfo(k).max)
        ranks[-1] = np.iinfo(kind).max
        codes = pc.fill_null(encoded.indices, len(words)).to_numpy(zero_copy_only=False)
        self._parts(name, ranks[codes].astype(kind), kind)
        self.script(f"{name}.words", [_short(words[int(at)].as_py()) for at in order])
        return {"kind": "word", "as": kind, "words": len(words)}

    def _parts(self, name: str, array: np.ndarray[Any, Any], kind: str) -> None:
        for part in range(0, len(array), ROWS):
            data = array[part : part + ROWS].astype(f"<{kind}").tobytes()
            self.script(f"{name}.{part // ROWS}", base64.b64encode(data).decode())

    def script(self, name: str, value: Any) -> None:
        """Write one literal; ASCII only, so that no reader can mistake where it ends."""
        path = self.folder / f"{name}.js"
        text = json.dumps(value, separators=(",", ":"), allow_nan=False)
        path.write_text(f"packetpig.take({json.dumps(name)},{text});\n", "ascii")


def _narrowest(values: pa.Array) -> str:
    """The smallest type that holds all values, and one more that stands for null (NaN among doubles)."""
    if pa.types.is_integer(values.type):
        low, high = (value.as_py() or 0 for value in pc.min_max(values).values())
        for kind in ("u1", "u2", "u4"):
            if low >= 0 and high < np.iinfo(kind).max:
                return kind
    return "f8"


def _order(words: list[str]) -> list[int]:
    """The order of a column's distinct values: addresses by number, all else by character."""
    if len(words) <= DICTIONARY and words and all(_address(word) for word in words):
        return sorted(range(len(words)), key=lambda at: _number(words[at]))
    return sorted(range(len(words)), key=words.__getitem__)


def _address(word: str) -> bool:
    return len(word) <= 45 and not set(word) - set("0123456789abcdefABCDEF:.")


def _number(word: str) -> tuple[int, int, str]:
    try:
        address = ipaddress.ip_address(word)
    except ValueError:
        return 9, 0, word
    return address.version, int(address), word


def _short(value: str | None) -> str | None:
    if value is None or len(value) <= LONGEST:
        return value
    return f"{value[:LONGEST]} … ({len(value) - LONGEST:,} more characters in the table)"


def _text(value: Any) -> str | None:
    """A bag or a tuple, as JSON."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode("ascii", "backslashreplace")
    return json.dumps(value, default=str, ensure_ascii=False)
