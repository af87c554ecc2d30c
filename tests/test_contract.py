"""What every loader, function and script has to keep, checked over all there are: a new one needs no edit here."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from packetpig.loaders.bridge.functions import catalogue
from packetpig.loaders.captures.capture import local
from packetpig.loaders.contract.columns import ARROW, COMMON, Column
from packetpig.loaders.contract.discovery import find, names
from packetpig.loaders.contract.loader import run
from packetpig.loaders.contract.report import CaptureError, Report

from tests.conftest import DEMO, ROOT
from tests.making import conversation, pcap

LOADERS = names()
LIST = subprocess.run([ROOT / "bin/run-script", "--list"], capture_output=True, text=True, check=True).stdout
SCRIPTS = sorted(ROOT / line for line in LIST.splitlines())
MODULES = sorted(path for path in (ROOT / "udfs").glob("*.py") if not path.name.startswith("_"))
FUNCTIONS = [(module, name) for module, found in catalogue().items() for name in found]


def every(column: Column) -> list[Column]:
    return [column, *(inner for field in column.fields for inner in every(field))]


def options(name: str) -> dict[str, str]:
    """Where a loader has a choice of programs, any that is installed will do."""
    return {"engine": "auto"} if any(option.name == "engine" for option in find(name).options) else {}


@pytest.mark.parametrize("name", LOADERS)
class TestLoader:
    def test_it_says_what_it_is(self, name: str) -> None:
        loader = find(name)
        module = sys.modules[f"packetpig.loaders.{name}"]
        assert (module.__doc__ or "").strip()
        assert re.fullmatch(r"[A-Z][A-Za-z0-9]*Loader", loader.pig)
        assert loader.answers
        assert "\n" not in loader.answers
        assert loader.split in ("records", "never", "sensor")

    def test_its_columns(self, name: str) -> None:
        schema = find(name).schema()
        assert schema[: len(COMMON)] == COMMON
        columns = [column for top in schema for column in every(top)]
        assert len({column.name for column in schema}) == len(schema)
        for column in columns:
            assert re.fullmatch(r"[a-z][a-z0-9_]*", column.name)
            assert column.type in (*ARROW, "bag", "tuple")
            assert column.meaning, f"{column.name} does not say what it means"

    def test_its_options(self, name: str) -> None:
        for option in find(name).options:
            assert re.fullmatch(r"[a-z][a-z0-9_]*", option.name)
            assert option.meaning

    def test_it_has_a_test(self, name: str) -> None:
        assert list((ROOT / "tests/loaders").glob(f"test_{name}*.py")), f"tests/loaders/test_{name}.py is missing"

    def test_no_capture_is_one_line(self, name: str, tmp_path: Path) -> None:
        path = tmp_path / "a.pcap"
        path.write_bytes(b"hello, world")
        with pytest.raises(CaptureError) as error:
            list(run(find(name), [local(path)], options=options(name))[1])
        assert str(error.value).startswith(f"{path}: ")
        assert "\n" not in str(error.value)

    def test_a_cut_capture_is_said(self, name: str, tmp_path: Path) -> None:
        path = tmp_path / "a.pcap"
        path.write_bytes(pcap(conversation(100))[:-3])
        report = Report()
        list(run(find(name), [local(path)], options=options(name), report=report)[1])
        assert any(line.startswith(f"{path}: offset ") for line in report.warnings)

    def test_any_columns_in_any_order(self, name: str, tmp_path: Path) -> None:
        path = tmp_path / "a.pcap"
        path.write_bytes(pcap(conversation(100)))
        schema = [column.name for column in find(name).schema()]
        whole = [
            row
            for batch in run(find(name), [local(path)], schema, options=options(name))[1]
            for row in batch.to_pylist()
        ]
        for columns in (["ts"], list(reversed(schema)), []):
            rows = [
                row
                for batch in run(find(name), [local(path)], columns, options=options(name))[1]
                for row in _rows(batch)
            ]
            assert rows == [{column: row[column] for column in columns} for row in whole]


def _rows(batch) -> list[dict]:
    return batch.to_pylist() if batch.num_columns else [{}] * batch.num_rows


@pytest.mark.parametrize(("module", "name"), FUNCTIONS)
class TestFunction:
    def test_it_says_what_it_does_with_an_example(self, module: str, name: str) -> None:
        text = ast.get_docstring(_definition(module, name)) or ""
        assert "Pig: `" in text, f"{module}.{name} has no example in Pig"

    def test_null_gives_null(self, module: str, name: str) -> None:
        function = getattr(__import__(module, fromlist=[name]), name)
        assert function(*[None] * len(_definition(module, name).args.args)) is None


def _definition(module: str, name: str) -> ast.FunctionDef:
    source = ast.parse((ROOT / "udfs" / f"{module.rsplit('.', 1)[1]}.py").read_text())
    return next(node for node in source.body if isinstance(node, ast.FunctionDef) and node.name == name)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_a_module_of_functions_hides_no_other(path: Path) -> None:
    command = [sys.executable, "-I", "-c", f"import importlib.util as u; print(u.find_spec({path.stem!r}))"]
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    assert found == "None", f"udfs/{path.name} has the name of another module: {found}"
    assert (ROOT / "tests/udfs" / f"test_{path.stem}.py").exists()
    assert (ast.get_docstring(ast.parse(path.read_text())) or "").strip()


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
class TestScript:
    def test_its_head_says_what_it_answers(self, path: Path) -> None:
        lines = path.read_text().splitlines()
        assert re.fullmatch(r"-- .*[?.)]", lines[0]), "the first line is the question that the script answers"
        assert any(line.startswith("-- Parameters: ") for line in lines)

    def test_its_parameters_have_defaults_that_work(self, path: Path) -> None:
        text = path.read_text()
        code = re.sub(r"--.*", "", text)
        used = set(re.findall(r"\$([a-z]\w*)", code))
        defaults = dict(re.findall(r"^%default (\w+) '?([^'\n]*)'?$", text, re.MULTILINE))
        declared = set(re.findall(r"^%declare (\w+)", text, re.MULTILINE))
        assert used <= set(defaults) | declared
        assert defaults.get("pcap", "tests/captures/demo") == str(DEMO.relative_to(ROOT))
        head = "\n".join(line for line in text.splitlines() if line.startswith("--"))
        for name in defaults:
            assert re.search(rf"\b{name}\b", head), f"the head does not speak of the parameter {name}"

    def test_it_is_stored_below_output(self, path: Path) -> None:
        for target in re.findall(r"^STORE \w+ INTO '([^']*)'", path.read_text(), re.MULTILINE):
            assert target.startswith("$output/")


def test_names_of_scripts_and_targets_are_unique() -> None:
    stems = [path.stem for path in SCRIPTS]
    targets = re.findall(r"^([a-z][\w-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert len(set(stems)) == len(stems)
    assert not set(stems) & set(targets)


def test_names_in_pig_are_unique() -> None:
    pig = [find(name).pig for name in LOADERS]
    assert len(set(pig)) == len(pig)
