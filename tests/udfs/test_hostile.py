"""No string makes any function fail, or take long: what comes out of traffic is hostile."""

from __future__ import annotations

import ast
import importlib
import time
from pathlib import Path

import pytest
from packetpig.loaders.bridge.functions import catalogue
from packetpig.loaders.bridge.values import decode, encode
from packetpig.udfs import _places

from tests.conftest import ROOT
from tests.udfs import places

LARGE = 1_000_000
SHORT = [
    "", " ", "|,_", "|\t_", "|&_", "a|,_b", "\n", "\r\n", "\0", "a\0b", "\ud800", "a\udfffb", "\ufffe", "%", "%zz", "://",
    "//", "http://", "http://[", "http://@:/", "[", "]", "xn--", "xn--\0", "..", ".a", "1.2.3.4\0", "1e400", "nan",
    "-1", "१२३", "\u202eexe.txt", "0x7f.1", "fe80::%", "=",
]  # fmt: skip
PARTS = ["a", ".", "a.", "\0", "/", "%41", "é", "(", "-", "Mozilla/5.0 (", "1", ":", "a=b&", "{", "\n"]
HOSTILE = [*SHORT, *(part * (LARGE // len(part)) for part in PARTS), "http://" + "?" * LARGE]
OTHERS = [
    b"", b"\xff\xfe|,_\0", b"\xff" * LARGE, 0, -1, 1 << 62, 1.5, float("nan"), float("-inf"), True, ("a", None),
    [("a",)], {},
]  # fmt: skip


def definition(module: str, name: str) -> ast.FunctionDef:
    source = ast.parse((ROOT / "udfs" / f"{module.rsplit('.', 1)[1]}.py").read_text())
    return next(node for node in source.body if isinstance(node, ast.FunctionDef) and node.name == name)


def arguments(module: str, name: str) -> list[str]:
    return [argument.arg for argument in definition(module, name).args.args]


def takes_values(module: str, name: str) -> bool:
    """Not a part of a macro, which takes bags that our own loaders made."""
    first = definition(module, name).args.args[0].annotation
    return first is None or not ast.unparse(first).startswith("list[")


FUNCTIONS = [(module, name) for module, found in catalogue().items() for name in found if takes_values(module, name)]


@pytest.fixture(scope="module", autouse=True)
def known(tmp_path_factory: pytest.TempPathFactory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(_places.VARIABLE, str(places.everything(tmp_path_factory.mktemp("geoip"))))
        _places.databases.cache_clear()
        _places.having.cache_clear()
        _places.place.cache_clear()
        yield
    _places.databases.cache_clear()
    _places.having.cache_clear()
    _places.place.cache_clear()


USUAL = {
    "port": 80,
    "src": "10.0.0.1", "dst": "10.0.0.2", "sport": 1, "dport": 2, "proto": "tcp", "ip": "10.0.0.1",
    "cidr": "10.0.0.0/8", "ts": 1.0, "seconds": 60, "list": str(ROOT / "tests/pig/lists/bad.txt"),
}  # fmt: skip


@pytest.mark.parametrize(("module", "name"), FUNCTIONS)
def test_any_string(module: str, name: str) -> None:
    function = getattr(importlib.import_module(module), name)
    names = arguments(module, name)
    start = time.perf_counter()
    for at, argument in enumerate(names):
        if argument == "list":  # the analyst's, not the traffic's
            continue
        given = [USUAL.get(one, "") for one in names]
        for value in [*HOSTILE, *OTHERS, None]:
            given[at] = value
            out = bytearray()
            encode(function(*given), out)  # it is a value that the bridge can carry
            decode(bytes(out))
        given[at] = None
        assert function(*given) is None or name == "community_id"
    assert time.perf_counter() - start < 10


@pytest.mark.parametrize(("module", "name"), FUNCTIONS)
def test_all_are_pure(module: str, name: str) -> None:
    """The functions here depend on their arguments alone (and on databases and lists, which are read once)."""
    assert getattr(importlib.import_module(module), name).pure is True


def test_the_template_is_pure() -> None:
    namespace: dict = {}
    exec(compile(Path(ROOT / "docs/templates/hosts.py").read_text(), "hosts.py", "exec"), namespace)
    assert namespace["label"].pure is True
    assert namespace["label"](None) is None
    assert namespace["label"]("A.b") == "a"
