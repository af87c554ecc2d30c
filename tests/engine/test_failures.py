"""A failure is said once, in a line or two, with the user's own names and line numbers."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from .conftest import Pig

LOAD = "rows = LOAD 'rows.txt' AS (n:int, word:chararray);\n"

# what a script does wrong: (script, exit code, what is said)
SCRIPTS = {
    "syntax": (
        "-- a comment\n%default limit 3\n" + LOAD + "some = FILTER rows\n    BY n > $limit;\n\nmore = FOREECH some;\n",
        2,
        "script.pig, line 7: Syntax error, unexpected symbol at or near 'more'",
    ),
    "column": (
        "rows = LOAD 'rows.txt'\n  AS (n:int, word:chararray);\na = FILTER rows\n   BY n > 1; b = FILTER a\n"
        "   BY n < 5;\n\nc = FOREACH b GENERATE nothing;\nDUMP c;\n",
        2,
        "script.pig, line 7: Invalid field projection. Projected field [nothing] does not exist in schema: "
        "n:int,word:chararray.",
    ),
    "alias": (LOAD + "\na = FILTER rwos BY n > 1;\nDUMP a;\n", 2, "script.pig, line 3: Undefined alias: rwos"),
    "loader": (
        "rows = LOAD 'rows.txt' USING NoSuchLoader();\nDUMP rows;\n",
        2,
        "script.pig, line 1: no loader or function is called NoSuchLoader",
    ),
    "function": (
        LOAD + "a = FOREACH rows GENERATE NoSuch(n);\nDUMP a;\n",
        2,
        "script.pig, line 2: no loader or function is called NoSuch",
    ),
    "parameter": ("rows = LOAD '$in';\nDUMP rows;\n", 2, "undefined parameter in: give it a value with -p in=…"),
    "unfinished": (
        LOAD + "a = FILTER rows BY word == 'two;\nDUMP a;\n",
        2,
        "the script ends within the statement after line 1: a quote, a bracket or a semicolon is missing",
    ),
    "dump of nothing": (LOAD + "DUMP nothing;\n", 2, "Unable to find an operator for alias nothing"),
    "input": ("rows = LOAD 'nowhere';\nSTORE rows INTO 'out';\n", 1, "{folder}/nowhere: no such file or folder"),
    "input of a dump": ("rows = LOAD 'nowhere';\nDUMP rows;\n", 1, "{folder}/nowhere: no such file or folder"),
    "output": (
        LOAD + "STORE rows INTO 'logs';\n",
        1,
        "script.pig, line 2: {folder}/logs: exists already; remove it, or write elsewhere",
    ),
    "task": ("rows = LOAD 'broken.gz';\nSTORE rows INTO 'out';\n", 1, "not a gzip file"),
    "fs": ("fs -ls nowhere;\n", 1, "ls: `nowhere': No such file or directory"),
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_one_line_for_a_failure(pig: Pig, tmp_path: Path, name: str) -> None:
    script, code, said = SCRIPTS[name]
    (tmp_path / "script.pig").write_text(script, encoding="utf-8")
    (tmp_path / "broken.gz").write_bytes(b"not at all" * 100)
    done = pig("script.pig")
    lines = done.stderr.splitlines()
    assert lines[0] == "pig: " + said.format(folder=tmp_path)
    assert lines[1].startswith(f"log: {tmp_path}/logs/pig-")
    assert len(lines) == 2
    assert done.stdout == ""
    assert done.returncode == code
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-x", "moon"], "-x is one of local, tez_local, mapreduce, tez, not 'moon'"),
        (["--nonsense"], "no such option: --nonsense"),
        (["-p", "in"], "-p takes NAME=VALUE, not 'in'"),
        (["-p"], "-p needs a value"),
        (["-D", "fs.s3a.secret.key=x"], "fs.s3a.secret.key is a secret, and a command line is seen by others"),
        (["-D", "mapreduce.map.env.AWS_SECRET_ACCESS_KEY=x"], "mapreduce.map.env.AWS_SECRET_ACCESS_KEY is a secret"),
        (["-D", "mapreduce.map.env=A=b,AWS_SESSION_TOKEN=x"], "mapreduce.map.env is a secret"),
        (["nowhere.pig"], "nowhere.pig: no such script"),
        (["."], ".: a folder, not a script"),
        (["-m", "nowhere", "-e", "fs -ls;"], "nowhere: no such parameter file"),
        (["-P", "nowhere", "-e", "fs -ls;"], "nowhere: no such file"),
        (["-x", "mapreduce", "-e", "fs -ls;"], "-x mapreduce needs a cluster: set HADOOP_CONF_DIR"),
    ],
)
def test_wrong_usage(pig: Pig, arguments: list[str], said: str) -> None:
    done = pig(*arguments, env={"HADOOP_CONF_DIR": "", "HADOOP_HOME": ""})
    assert done.returncode == 2
    assert done.stderr.startswith("pig: " + said)


def test_the_log_has_the_whole_story(pig: Pig, tmp_path: Path) -> None:
    (tmp_path / "broken.gz").write_bytes(b"not at all" * 100)
    done = pig("-e", "rows = LOAD 'broken.gz'; STORE rows INTO 'out';")
    log = Path(done.stderr.splitlines()[-1].removeprefix("log: "))
    assert "at org.apache.hadoop.io.compress.zlib.BuiltInGzipDecompressor" in log.read_text(encoding="utf-8")


def test_verbose_shows_the_stack_trace(pig: Pig) -> None:
    assert "\tat org.apache.pig." in pig("-v", "-e", "DUMP nothing;").stderr


def test_one_store_that_fails_fails_the_run(pig: Pig, tmp_path: Path) -> None:
    (tmp_path / "broken.gz").write_bytes(gzip.compress(b"1\n" * 10000)[:20])
    done = pig("-e", "good = LOAD 'rows.txt'; bad = LOAD 'broken.gz'; STORE good INTO 'good'; STORE bad INTO 'bad';")
    assert done.returncode == 1
    assert "good: 3 rows" in done.stderr
    assert (tmp_path / "good/_SUCCESS").exists()
    assert not (tmp_path / "bad").exists()
