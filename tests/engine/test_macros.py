"""Macros are there without IMPORT, and do not move the user's line numbers."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Pig

TOP = """-- TOP_ROWS(rows, field, count): the rows with the greatest values
DEFINE TOP_ROWS(rows, field, count) RETURNS top {
    sorted = ORDER $rows BY $field DESC;
    $top = LIMIT sorted $count;
};
"""
BROKEN = "DEFINE BROKEN(rows) RETURNS out {\n\n\n    $out = FILTER $rows BY nothing > 1;\n};\n"
LOAD = "rows = LOAD 'rows.txt' AS (n:int,\n    word:chararray);\n"


@pytest.fixture
def with_macros(tmp_path: Path) -> dict[str, str]:
    """An environment in which the project's folder has two macros."""
    macros = tmp_path / "project/pig/macros"
    macros.mkdir(parents=True)
    (macros / "top.pig").write_text(TOP, encoding="utf-8")
    (macros / "broken.pig").write_text(BROKEN, encoding="utf-8")
    return {"PACKETPIG_JAVA_OPTS": f"-Dpacketpig.root={tmp_path}/project"}


def test_ready_to_use(pig: Pig, with_macros: dict[str, str]) -> None:
    done = pig("-e", LOAD + "top = TOP_ROWS(rows, n, 2); DUMP top;", env=with_macros)
    assert (done.returncode, done.stdout, done.stderr) == (0, "(3,three)\n(2,two)\n", "")


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (
            LOAD + "top = TOP_ROWS(rows, n, 2);\nnames = FOREACH top\n    GENERATE nothing;\nDUMP names;\n",
            "script.pig, line 5: Invalid field projection. Projected field [nothing]",
        ),
        (
            LOAD + "\nout = BROKEN(rows);\nDUMP out;\n",
            "script.pig, line 4: in macro BROKEN: Invalid field projection. Projected field [nothing]",
        ),
        (
            LOAD + "out = BROKEN(rows, 1);\nDUMP out;\n",
            "script.pig, line 3: Failed to expand macro 'BROKEN'. Reason: Expected number of parameters: 1",
        ),
        ("\n" + TOP + LOAD + "DUMP rows;\n", "script.pig, line 3: Duplicated macro name 'TOP_ROWS'"),
    ],
)
@pytest.mark.parametrize("check", [True, False])
def test_line_numbers(
    pig: Pig, tmp_path: Path, with_macros: dict[str, str], script: str, said: str, check: bool
) -> None:
    (tmp_path / "script.pig").write_text(script, encoding="utf-8")
    done = pig(*(["-c"] if check else []), "script.pig", env=with_macros)
    assert done.returncode == 2
    assert done.stderr.startswith("pig: " + said)
    assert done.stdout == ""
