"""text: entropy, what can be printed, hex, base64, explode."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packetpig.udfs import text


def test_entropy() -> None:
    assert text.entropy("") == 0
    assert text.entropy("aaaa") == 0
    assert text.entropy("ab") == 1
    assert text.entropy(bytes(range(256))) == 8
    assert 7.9 < text.entropy(os.urandom(1 << 16)) <= 8


def test_printable() -> None:
    assert text.printable("a\ttä|,_") == "a.t..|,_"
    assert text.printable(b"\0\xff~") == "..~"
    assert text.printable_ratio("ab\t\0") == 0.75
    assert text.printable_ratio("") is None


def test_hexdump() -> None:
    lines = text.hexdump(b"hello\0world 12345\xff").split("\n")
    assert lines == [
        "00000000  68 65 6c 6c 6f 00 77 6f  72 6c 64 20 31 32 33 34  |hello.world 1234|",
        "00000010  35 ff                                             |5.|",
    ]
    assert text.hexdump("") == ""
    for large in (b"x" * 1_000_000, "x" * 1_000_000):
        assert text.hexdump(large).splitlines()[-1] == "… 1000000 bytes in all"
        assert len(text.hexdump(large)) < 30_000
    assert text.hex("a\xff") == "61c3bf"


@given(st.binary(max_size=200))
def test_base64_there_and_back(data: bytes) -> None:
    encoded = text.base64_encode(data)
    assert text.base64_decode(encoded) == data
    assert text.base64_decode(encoded.rstrip("=").replace("+", "-").replace("/", "_").encode()) == data


@pytest.mark.parametrize("value", ["a", "a$b=", "ä", "====a", "\0"])
def test_what_is_no_base64(value: str) -> None:
    assert text.base64_decode(value) is None


def test_explode() -> None:
    assert text.explode(("a", 1, None, b"x")) == [("a",), ("1",), (None,), ("x",)]
    assert text.explode([("a", "b"), ("c",)]) == [("a",), ("b",), ("c",)]
    assert text.explode("ab") == [("ab",)]
    assert text.explode(7) == [("7",)]
    assert text.explode((("a", "b"),)) == [("('a', 'b')",)]
