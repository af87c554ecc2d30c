"""Column files: what is written is what comes back, whatever traffic put into it."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from packetpig.pipelines.report import store
from packetpig.pipelines.report.store import Store

from tests.pipelines.report.made import HOSTILE


def read(path: Path) -> object:
    text = path.read_text("ascii")
    assert text.startswith("packetpig.take(")
    assert text.count("\n") == 1
    return json.loads(f"[{text.removeprefix('packetpig.take(').removesuffix(');' + chr(10))}]")[1]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (pa.array([1, None, 254], pa.int32()), "u1"),
        (pa.array([1, None, 255], pa.int32()), "u2"),
        (pa.array([65535, 0], pa.int64()), "u4"),
        (pa.array([-1, None, 3], pa.int64()), "f8"),
        (pa.array([2**40, None], pa.int64()), "f8"),
        (pa.array([0.5, None, float("inf")], pa.float64()), "f8"),
    ],
)
def test_numbers(tmp_path: Path, values: pa.Array, kind: str) -> None:
    about = Store(tmp_path).write("t", pa.table({"n": values}))
    assert about["columns"]["n"] == {"kind": "number", "as": kind}
    data = np.frombuffer(base64.b64decode(str(read(tmp_path / "t/n.0.js"))), f"<{kind}")
    for found, wanted in zip(data.tolist(), values.to_pylist(), strict=True):
        if wanted is None:
            assert np.isnan(found) if kind == "f8" else found == np.iinfo(kind).max
        else:
            assert found == wanted


def test_words_are_in_their_order(tmp_path: Path) -> None:
    values = ["10.0.0.9", "10.0.0.10", None, "2001:db8::1", "10.0.0.9"]
    Store(tmp_path).write("t", pa.table({"src": values}))
    words = read(tmp_path / "t/src.words.js")
    assert words == ["10.0.0.9", "10.0.0.10", "2001:db8::1"]
    assert list(base64.b64decode(str(read(tmp_path / "t/src.0.js")))) == [0, 1, 255, 2, 0]


def test_texts_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "ROWS", 100)
    values = [f"{at} {HOSTILE[at % len(HOSTILE)]}" for at in range(250)]
    about = Store(tmp_path).write("t", pa.table({"uri": values}))
    assert about["columns"]["uri"] == {"kind": "text"}
    parts = [read(tmp_path / f"t/uri.{part}.js") for part in range(3)]
    assert [value for part in parts for value in part] == values  # type: ignore[attr-defined]


def test_long_values_are_cut_and_it_is_said(tmp_path: Path) -> None:
    Store(tmp_path).write("t", pa.table({"uri": ["x" * (store.LONGEST + 1500)]}))
    (value,) = read(tmp_path / "t/uri.words.js")  # type: ignore[misc]
    assert value == "x" * store.LONGEST + " … (1,500 more characters in the table)"


def test_bags_are_json(tmp_path: Path) -> None:
    Store(tmp_path).write("t", pa.table({"headers": [[{"name": "a", "value": "é"}], None]}))
    assert read(tmp_path / "t/headers.words.js") == ['[{"name": "a", "value": "é"}]']
