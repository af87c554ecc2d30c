"""Python functions for Pig: found by their decorator, called with any value, answers that nothing can forge."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packetpig.loaders.bridge.functions import catalogue, schemas, shape
from packetpig.loaders.bridge.values import decode, encode

values = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False), st.text(), st.binary()
    ),
    lambda inner: st.one_of(
        st.tuples(inner, inner), st.lists(st.tuples(inner), max_size=4), st.dictionaries(st.text(), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(values)
def test_values_come_back(value: Any) -> None:
    out = bytearray()
    encode(value, out)
    back, end = decode(bytes(out))
    assert (back, end) == (value, len(out))


def test_a_number_has_the_width_that_the_schema_says() -> None:
    for kind, tag in (("int", b"i"), ("long", b"l"), ("double", b"d"), ("", b"i")):
        out = bytearray()
        encode(5, out, kind)
        assert out[:1] == tag


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ("n:long", "long"),
        ("place:(country:chararray, lat:double)", ("chararray", "double")),
        ("place:tuple(a:int,b)", ("int", "")),
        ("rows:bag{(ts:double, n:long)}", ("double", "long")),
        ("rows:{t:(ts:double, inner:bag{(x:float)}, m:map[])}", ("double", ("float",), "")),
        ("m:map[]", ""),
        ("m:[(a:int)]", ""),
        ("what", ""),
    ],
)
def test_types_of_a_schema(schema: str, expected: object) -> None:
    assert shape(schema) == expected


def test_numbers_in_bags_and_tuples_have_the_width_that_the_schema_says() -> None:
    out = bytearray()
    encode([(5, (6, 7))], out, ("double", ("long", "int")))
    assert out == b"g\0\0\0\1\0\0\0\2d" + struct.pack(">d", 5) + b"t\0\0\0\2l" + struct.pack(">q", 6) + b"i\0\0\0\7"


@pytest.fixture
def module(tmp_path: Path) -> Path:
    path = tmp_path / "mine.py"
    path.write_text(
        "from pig_util import outputSchema\n"
        "@outputSchema('text:chararray')\n"
        "def shout(text):\n"
        "    print('never between the answers')\n"
        "    return None if text is None else text.upper()\n"
        "@outputSchema('n:long')\n"
        "def size(bag):\n"
        "    return len(bag)\n"
        "@outputSchema('x:int')\n"
        "def fail(x):\n"
        "    raise ValueError('two\\nlines')\n"
        "def helper():\n"
        "    pass\n"
    )
    return path


class Process:
    def __init__(self, request: dict[str, Any]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "packetpig.loaders.bridge.functions"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        self.hello = json.loads(self.ask(json.dumps(request).encode()))

    def ask(self, payload: bytes) -> bytes:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(struct.pack(">i", len(payload)) + payload)
        self.process.stdin.flush()
        size = struct.unpack(">i", self.process.stdout.read(4))[0]
        return self.process.stdout.read(size)

    def call(self, number: int, *arguments: Any) -> Any:
        out = bytearray()
        encode((number, arguments), out)
        answer = self.ask(bytes(out))
        return decode(answer, 1)[0] if answer[:1] == b"1" else RuntimeError(answer[1:].decode())


def test_calls(module: Path) -> None:
    names = [[str(module), name] for name in ("shout", "size", "fail")]
    process = Process({"functions": names})
    assert process.hello == {"schemas": ["text:chararray", "n:long", "x:int"], "pure": [False, False, False]}
    for text in ("a|,_b", "|\t_", "\n\0", "é𝄞", "x" * 1_000_000, ""):
        assert process.call(0, text) == text.upper()
    assert process.call(0, None) is None
    assert process.call(1, [("a",), ("b",)]) == 2
    assert str(process.call(2, 1)) == "ValueError: two lines"
    assert process.call(0, "still there") == "STILL THERE"
    more = process.ask(json.dumps({"functions": [["packetpig.udfs.times", "bin"]]}).encode())
    assert json.loads(more)["schemas"] == ["bin:long"]
    assert process.call(3, 125.0, 60) == 120
    assert json.loads(process.ask(json.dumps({"list": str(module)}).encode()))["functions"] == schemas(module)
    process.process.stdin.close()  # type: ignore[union-attr]
    assert process.process.wait(10) == 0
    assert b"never between" in process.process.stderr.read()  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("functions", "line"),
    [
        ([["packetpig.udfs.nothing", "x"]], "ModuleNotFoundError: No module named 'packetpig.udfs.nothing'"),
        (
            [["packetpig.udfs.times", "nothing"]],
            "LookupError: packetpig.udfs.times has no function nothing with an @outputSchema; it has bin, iso",
        ),
    ],
)
def test_a_function_that_is_not_there(functions: list[list[str]], line: str) -> None:
    assert Process({"functions": functions}).hello["error"].startswith(line)


def test_found_by_their_decorator(module: Path) -> None:
    assert schemas(module) == {"shout": "text:chararray", "size": "n:long", "fail": "x:int"}
    assert catalogue()["packetpig.udfs.times"].items() >= {"bin": "bin:long", "iso": "time:chararray"}.items()
