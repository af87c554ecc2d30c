"""A filter that reaches the decoder gives the rows that it gives in Pig alone, whatever casts and nulls are in it."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import DEMO
from tests.making import conversation, pcap

Pig = Callable[..., subprocess.CompletedProcess[str]]

NUMBERS = ("length", "ip_version", "ip_ttl", "ip_total_length", "tcp_dport", "udp_sport", "sport", "vlan", "tcp_syn")
WIDE = ("offset", "number", "tcp_seq_id")
TEXTS = {"ip_src": ["10.0.0.1", "10.0.1.2", "2001:db8::1", "é"], "capture": ["a.pcap", "b.pcap", "zz"]}
COMPARE = ("==", "!=", "<", "<=", ">", ">=")


def atom(pick: random.Random) -> str:
    """One comparison, with or without a cast."""
    kind = pick.randrange(8)
    operator = pick.choice(COMPARE)
    if kind == 0:
        column = pick.choice([*NUMBERS, *WIDE, *TEXTS, "ts", "payload"])
        return f"{column} IS {pick.choice(['', 'NOT '])}NULL"
    if kind == 1:
        column, values = pick.choice(list(TEXTS.items()))
        return f"{column} {operator} '{pick.choice(values)}'"
    if kind == 2:
        cast = pick.choice(["", "(int) ", "(long) ", "(float) ", "(double) "])
        return f"{cast}ts {operator} {pick.choice(['1700000001', '1700000001L', '1700000001.5', '1.7000000015e9'])}"
    if kind == 3:
        cast = pick.choice(["", "(int) ", "(double) "])
        return f"{cast}{pick.choice(WIDE)} {operator} {pick.choice(['1', '1000L', '2.5'])}"
    if kind == 4:
        return f"(chararray) {pick.choice(NUMBERS)} {operator} '{pick.choice(['80', '6', '1'])}'"
    if kind == 5:
        return f"{pick.choice(list(TEXTS))} MATCHES '{pick.choice(['10.*', '.*:.*', 'a.pcap'])}'"
    if kind == 6:
        return f"{pick.choice(NUMBERS)} {operator} {pick.choice(NUMBERS)}"
    cast = pick.choice(["", "", "(long) ", "(float) ", "(double) "])
    return f"{cast}{pick.choice(NUMBERS)} {operator} {pick.choice(['80', '6', '1', '100', '53L', '443.0', '64'])}"


def expression(pick: random.Random, depth: int = 0) -> str:
    """A tree of comparisons."""
    if depth > 2 or pick.random() < 0.35:
        return atom(pick)
    if pick.random() < 0.25:
        return f"NOT ({expression(pick, depth + 1)})"
    return f"({expression(pick, depth + 1)} {pick.choice(['AND', 'OR'])} {expression(pick, depth + 1)})"


def script(expressions: list[str], captures: Path) -> str:
    """One map-only job: each expression on a LOAD of its own, since Pig pushes no filter into a LOAD used twice."""
    lines = []
    for number, text in enumerate(expressions):
        lines.append(f"p{number} = LOAD '{captures}' USING PacketLoader();")
        lines.append(f"f{number} = FILTER p{number} BY {text};")
        lines.append(f"r{number} = FOREACH f{number} GENERATE {number} AS which, capture, offset;")
    relations = ", ".join(f"r{number}" for number in range(len(expressions)))
    return "\n".join([*lines, f"all_of_them = UNION {relations};", "STORE all_of_them INTO '$output';"])


def rows(pig: Pig, path: Path, output: Path, *arguments: str) -> list[str]:
    result = pig("-p", f"output={output}", *arguments, path)
    assert result.returncode == 0, result.stderr
    return sorted(line for part in output.glob("part-*") for line in part.read_text().splitlines())


def same_with_and_without(pig: Pig, folder: Path, seed: int, count: int) -> None:
    captures = folder / "captures"
    captures.mkdir()
    for name, start in (("a", 1_700_000_000.0), ("b", 1_700_000_001.0)):
        (captures / f"{name}.pcap").write_bytes(pcap(conversation(60, start=start, gap=0.04)))
    pick = random.Random(seed)
    expressions = [expression(pick) for _ in range(count)]
    path = folder / "script.pig"
    path.write_text(script(expressions, captures))
    with_it = rows(pig, path, folder / "with")
    without = rows(pig, path, folder / "without", "-t", "PredicatePushdownOptimizer")
    for number, text in enumerate(expressions):
        ours, plain = ([row for row in found if row.startswith(f"{number}\t")] for found in (with_it, without))
        assert ours == plain, f"seed {seed}: {text}"
    assert 0 < len(without) < count * 120


def test_pushed_or_not_the_rows_are_the_same(pig: Pig, tmp_path: Path) -> None:
    same_with_and_without(pig, tmp_path, 1, 40)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 12))
def test_many_more_filters(pig: Pig, tmp_path: Path, seed: int) -> None:
    same_with_and_without(pig, tmp_path, seed, 60)


def test_a_filter_gives_what_the_shell_gives(pig: Pig) -> None:
    statements = f"p = LOAD '{DEMO}' USING PacketLoader(); s = FILTER p BY tcp_dport == 25; c = GROUP s ALL; "
    statements += "n = FOREACH c GENERATE COUNT(s); DUMP n;"
    assert pig("-e", statements).stdout.strip() == "(486)"


def test_where_in_pig_is_exact(pig: Pig) -> None:
    statements = f"p = LOAD '{DEMO}' USING PacketLoader('where=tcp_dport == 25'); c = GROUP p ALL; "
    statements += "n = FOREACH c GENERATE COUNT(p); DUMP n;"
    assert pig("-e", statements).stdout.strip() == "(486)"
