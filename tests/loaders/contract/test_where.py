"""Expressions are read as Pig reads them, and what is wrong in one is said with its place."""

from __future__ import annotations

import pytest
from packetpig.loaders.contract.where import WhereError, columns_of, parse


@pytest.mark.parametrize(
    ("expression", "tree"),
    [
        ("dport == 80", ["==", ["column", "dport"], ["int", 80]]),
        ("a == 1 or b == 2 and not c == 3", ["or", ["==", ["column", "a"], ["int", 1]],
            ["and", ["==", ["column", "b"], ["int", 2]], ["not", ["==", ["column", "c"], ["int", 3]]]]]),
        ("(a == 1 OR b == 2) AND c", ["and", ["or", ["==", ["column", "a"], ["int", 1]],
            ["==", ["column", "b"], ["int", 2]]], ["column", "c"]]),
        ("ts > 1.5e9", [">", ["column", "ts"], ["double", 1.5e9]]),
        ("ts_ns >= 5L", [">=", ["column", "ts_ns"], ["long", 5]]),
        ("x < -1.5f", ["<", ["column", "x"], ["float", -1.5]]),
        ("s == 'it\\'s \\u0041\\n'", ["==", ["column", "s"], ["chararray", "it's A\n"]]),
        ("s matches '.*a'", ["matches", ["column", "s"], ["chararray", ".*a"]]),
        ("a is null", ["is null", ["column", "a"]]),
        ("a is not null", ["not", ["is null", ["column", "a"]]]),
        ("a in (1, 2)", ["in", ["column", "a"], ["int", 1], ["int", 2]]),
        ("a not in (1)", ["not", ["in", ["column", "a"], ["int", 1]]]),
        ("a + 2 * b == -c",
            ["==", ["+", ["column", "a"], ["*", ["int", 2], ["column", "b"]]], ["negate", ["column", "c"]]]),
        ("(long) ts % 60 == 0", ["==", ["%", ["cast", "long", ["column", "ts"]], ["int", 60]], ["int", 0]]),
        ("a == 3000000000", ["==", ["column", "a"], ["long", 3000000000]]),
    ],
)  # fmt: skip
def test_trees(expression: str, tree: list) -> None:
    assert parse(expression) == tree


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("dport = 80", "where: not understood at character 7, at '= 80'"),
        ("dport ==", "where: expected a column or a value at character 9"),
        ("(a == 1", "where: expected ) at character 8"),
        ("a == 1 b", "where: not expected here at character 8, at 'b'"),
        ("a in 1", "where: expected ( at character 6, at '1'"),
        ("", "where: expected a column or a value at character 1"),
        ("(" * 300 + "a" + ")" * 300, "where: nested more than 50 deep"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(expression: str, message: str) -> None:
    with pytest.raises(WhereError) as error:
        parse(expression)
    assert str(error.value) == message


def test_columns_of() -> None:
    assert columns_of(parse("a == 1 and (b is null or c + d > 2)")) == {"a", "b", "c", "d"}
