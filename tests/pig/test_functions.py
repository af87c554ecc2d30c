"""Functions inside Pig: hostile strings go through the bridge unharmed, and every docstring's example runs."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from urllib.parse import quote

import pytest
from packetpig.udfs import _places

from tests.conftest import ROOT
from tests.pig.seen import form
from tests.udfs import places
from tests.udfs.test_hostile import FUNCTIONS as VALUES
from tests.udfs.test_hostile import LARGE, PARTS, SHORT, USUAL, arguments, takes_values

Pig = Callable[..., subprocess.CompletedProcess[str]]
FUNCTIONS = {
    f"{module.rsplit('.', 1)[1]}.{name}": getattr(importlib.import_module(module), name) for module, name in VALUES
}
WHOLE = [
    "8.8.8.8", "78.187.40.23", "2001:db8:1::1", "203.0.113.9", "www.bücher.co.uk", "x.bad.example",
    "2024-03-05T01:02:03Z", "http://u@198.51.100.7:8080/a.exe?x=%20|,_&y#z",
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "𝄞 å", "(1,2)", "{(x)}", "[a#b]", "\x01\x02", "null",
]  # fmt: skip
STRINGS = [
    *(text for text in SHORT if text.strip() and not re.search("[\ud800-\udfff]", text)),
    *WHOLE,
    *(part * (LARGE // len(part)) for part in PARTS[:6]),
]
BYTES = [b"\xff\xfe|,_", b"a\x00b", b"\xe5", b"8.8.8.8", b"\xf0\x9d\x84", b"|&_ \xc3"]


@pytest.fixture
def geoip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(_places.VARIABLE, str(places.everything(tmp_path / "geoip")))
    for one in (_places.databases, _places.having, _places.place):
        one.cache_clear()


def call(function: str, value: str) -> str:
    """A call in Pig with VALUE for the argument that comes from traffic."""
    module, name = function.split(".")
    names = arguments(f"packetpig.udfs.{module}", name)
    written = {"ts": "1.5", "seconds": "60", "sport": "1", "dport": "2", "port": "80"}
    given = [value, *(written.get(one) or f"'{USUAL[one]}'" for one in names[1:])]
    if names[0] == "ts":
        given[0] = "(double) n"
    return f"{function}({', '.join(given)})"


def seen(value: str, functions: Iterable[str]) -> str:
    """All calls, each with a column of its own."""
    calls = (f"seen.value({call(function, value)}) AS {function.replace('.', '_')}" for function in functions)
    return ", ".join(calls)


def wanted(function: str, value: object, number: int) -> str:
    """What Python gives for it, as the bridge gives it back."""
    module, name = function.split(".")
    names = arguments(f"packetpig.udfs.{module}", name)
    given = {**USUAL, "ts": 1.5, names[0]: float(number) if names[0] == "ts" else value}
    return form(FUNCTIONS[function](*(given[one] for one in names)))


def stored(folder: Path) -> list[list[str]]:
    lines = [line for part in sorted(folder.glob("part-*")) for line in part.read_text().split("\n") if line]
    return sorted((line.split("\t") for line in lines), key=lambda row: int(row[0]))


def run(pig: Pig, tmp_path: Path, script: str) -> None:
    (tmp_path / "script.pig").write_text(script)
    done = pig(tmp_path / "script.pig", cwd=ROOT)
    assert done.returncode == 0, done.stderr


def test_hostile_strings_in_every_function(geoip: None, tmp_path: Path, pig: Pig) -> None:
    """Each answer, seen by Python again after Pig had it, is what Python alone gives: nothing lost, nothing forged."""
    (tmp_path / "strings").write_text("".join(f"{n}\t{quote(text)}\n" for n, text in enumerate(STRINGS)))
    calls = seen("s", FUNCTIONS)
    run(
        pig,
        tmp_path,
        f"""REGISTER '{ROOT}/tests/pig/seen.py' USING packetpig.bridge.Python AS seen;
        quoted = LOAD '{tmp_path}/strings' AS (n:int, quoted:chararray);
        strings = FOREACH quoted GENERATE n, web.decode(quoted) AS s;
        seen = FOREACH strings GENERATE n, seen.value(s) AS s, {calls};
        STORE seen INTO '{tmp_path}/out';""",
    )
    rows = stored(tmp_path / "out")
    assert [row[1] for row in rows] == [form(text) for text in STRINGS]
    for row, text in zip(rows, STRINGS):
        for found, function in zip(row[2:], FUNCTIONS):
            assert found == wanted(function, text, int(row[0])), f"{function}({text[:40]!r})"


def test_bytes_and_nulls_in_every_function(geoip: None, tmp_path: Path, pig: Pig) -> None:
    (tmp_path / "bytes").write_bytes(b"".join(b"%d\t%s\n" % (n, data) for n, data in enumerate([*BYTES, b""])))
    functions = [one for one in FUNCTIONS if not one.startswith("times.") or one == "times.seconds"]
    calls = seen("data", functions)
    run(
        pig,
        tmp_path,
        f"""REGISTER '{ROOT}/tests/pig/seen.py' USING packetpig.bridge.Python AS seen;
        rows = LOAD '{tmp_path}/bytes' AS (n:int, data:bytearray);
        seen = FOREACH rows GENERATE n, {calls};
        STORE seen INTO '{tmp_path}/out';""",
    )
    rows = stored(tmp_path / "out")
    for row, data in zip(rows, [*BYTES, None]):
        for found, function in zip(row[1:], functions):
            assert found == wanted(function, data, int(row[0])), f"{function}({data!r})"


def examples() -> dict[str, str]:
    """The example in each function's docstring."""
    found = {}
    for module in sorted((ROOT / "udfs").glob("[a-z]*.py")):
        for node in ast.parse(module.read_text()).body:
            text = ast.get_docstring(node) if isinstance(node, ast.FunctionDef) else None
            if text and takes_values(f".{module.stem}", node.name) and (example := re.search("Pig: `([^`]*)`", text)):
                found[f"{module.stem}.{node.name}"] = example[1]
    return found


INPUTS = {
    "addresses": ("(ip:chararray)", ["8.8.8.8", "203.0.113.9", "224.0.0.1", "10.10.0.1", "", "x"]),
    "names": ("(name:chararray)", ["www.example.co.uk", "2024-03-05", "aGk=", "", "xn--bcher-kva.example"]),
    "agents": ("(agent:chararray)", ["curl/7.88.1", ""]),
    "links": ("(link:chararray)", ["http://example.com/a.exe?x=1", ""]),
    "flows": (
        "(src:chararray, sport:int, dst:chararray, dport:int, proto:chararray)",
        ["10.0.0.1\t1\t10.0.0.2\t80\ttcp", "::1\t8\t::2\t0\ticmp6", "\t\t\t\t"],
    ),
    "spoken": ("(service:chararray, dport:int)", ["ssh\t22", "ssh\t2222", "quic\t1", "\t"]),
    "packets": ("(ts:double, payload:bytearray)", ["1.5\thello", "\t"]),
}


def test_every_example(geoip: None, tmp_path: Path, pig: Pig) -> None:
    found = examples()
    assert set(found) == set(FUNCTIONS)
    script = []
    for name, (schema, lines) in INPUTS.items():
        (tmp_path / name).write_text("".join(f"{line}\n" for line in lines))
        script.append(f"{name} = LOAD '{tmp_path}/{name}' AS {schema};")
    for number, (function, example) in enumerate(found.items()):
        assert function in example, f"the example of {function} is one of another function: {example}"
        script += [f"example{number} = {example}", f"STORE example{number} INTO '{tmp_path}/out/{number}';"]
    run(pig, tmp_path, "\n".join(script))
    for number, example in enumerate(found.values()):
        lines = [
            line for part in (tmp_path / f"out/{number}").glob("part-*") for line in part.read_bytes().splitlines()
        ]
        assert lines, example


def test_no_database_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pig: Pig) -> None:
    monkeypatch.setenv(_places.VARIABLE, str(tmp_path))
    (tmp_path / "ips").write_text("8.8.8.8\n")
    done = pig("-e", f"a = LOAD '{tmp_path}/ips' AS (ip:chararray); b = FOREACH a GENERATE geo.country(ip); DUMP b;")
    assert done.returncode == 1
    assert "Python function packetpig.udfs.geo.country: LookupError: no geolocation database" in done.stderr
    assert "`make geoip` gets a free one" in done.stderr
