"""How bin/pig starts, and what it says when all goes well."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from .conftest import PIG, Pig

DUMP = "rows = LOAD 'rows.txt' AS (n:int, word:chararray); DUMP rows;"
ROWS = "(1,one)\n(2,two)\n(3,three)\n"


def test_results_on_standard_output_and_nothing_else_anywhere(pig: Pig) -> None:
    done = pig("-e", DUMP)
    assert (done.returncode, done.stdout, done.stderr) == (0, ROWS, "")


def test_from_standard_input(pig: Pig) -> None:
    done = pig(input=DUMP)
    assert (done.returncode, done.stdout, done.stderr) == (0, ROWS, "")


def test_through_a_symbolic_link_from_anywhere(pig: Pig, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/first").symlink_to(PIG)
    (tmp_path / "bin/second").symlink_to("first")
    done = pig(executable=str(tmp_path / "bin/second"))  # without input: an empty script
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_parameters_anywhere_on_the_line(pig: Pig, tmp_path: Path) -> None:
    (tmp_path / "script.pig").write_text(
        "%default keep 9\nrows = LOAD '$in' AS (n:int, word:chararray);\n"
        "some = FILTER rows BY n <= $keep;\nDUMP some;\n",
        encoding="utf-8",
    )
    (tmp_path / "parameters").write_text("in = rows.txt\n", encoding="utf-8")
    assert pig("-p", "in=rows.txt", "script.pig", "-p", "keep=2").stdout == "(1,one)\n(2,two)\n"
    assert pig("-m", "parameters", "-f", "script.pig").stdout == ROWS


@pytest.mark.parametrize(
    ("value", "filled_in"),
    [
        ("port == 80 and host matches '.*a$'", "port == 80 and host matches '.*a$'"),
        ("it's", "it's"),
        ("`date`", "`date`"),
        ("$in", "$in"),
        ("a # b -- c", "a # b -- c"),
        ("", ""),
        ("'two words'", "two words"),  # as Pig wants them quoted
        ("'a' == 'b'", "'a' == 'b'"),
    ],
)
def test_values_are_taken_as_they_are(pig: Pig, value: str, filled_in: str) -> None:
    done = pig("-r", "-e", "some = FILTER rows BY $where;", "-p", "in=rows.txt", "-p", f"where={value}")
    assert (done.returncode, done.stdout) == (0, f"some = FILTER rows BY {filled_in};\n")


def test_store_says_where_and_how_many(pig: Pig, tmp_path: Path) -> None:
    done = pig("-e", "rows = LOAD 'rows.txt'; STORE rows INTO 'out/copy';")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "out/copy: 3 rows\n")
    assert sorted(each.name for each in (tmp_path / "out/copy").iterdir()) == ["_SUCCESS", "part-m-00000"]


def test_check_and_dry_run_run_nothing(pig: Pig, tmp_path: Path) -> None:
    (tmp_path / "script.pig").write_text("rows = LOAD '$in';\nSTORE rows INTO 'out';\n", encoding="utf-8")
    done = pig("-c", "script.pig", "-p", "in=rows.txt")
    assert (done.returncode, done.stderr) == (0, "script: can be run\n")
    done = pig("-dryrun", "script.pig", "-p", "in=rows.txt")
    assert (done.returncode, done.stdout) == (0, "rows = LOAD 'rows.txt';\nSTORE rows INTO 'out';\n")
    assert not (tmp_path / "out").exists()


def test_help_and_version(pig: Pig) -> None:
    assert pig("-h").stdout.startswith("usage: pig")
    assert "Apache Pig version 0.18.0" in pig("-version").stdout


def test_without_java(pig: Pig, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for tool in ("bash", "env", "readlink", "find"):
        (tools / tool).symlink_to(shutil.which(tool) or tool)
    done = pig("-e", DUMP, env={"PATH": str(tools), "JAVA_HOME": ""})
    assert done.returncode == 127
    assert "make setup" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_without_jars(pig: Pig, tmp_path: Path) -> None:
    (tmp_path / "project/bin").mkdir(parents=True)
    shutil.copy(PIG, tmp_path / "project/bin/pig")
    done = pig(executable=str(tmp_path / "project/bin/pig"))
    assert done.returncode == 2
    assert done.stderr == f"pig: Pig's jars are missing: run 'make setup' in {os.path.realpath(tmp_path)}/project\n"


def test_logs_are_kept_but_not_for_ever(pig: Pig, tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    for number in range(50):
        (logs / f"pig-20200101-000000-{number:02}.log").touch()
    assert pig("-e", DUMP).returncode == 0
    assert len(list(logs.iterdir())) == 31
