"""How fast bin/pig starts, beside Pig's own main class with the same jars."""

from __future__ import annotations

from collections.abc import Iterator

from tests.bench.case import Case, faster
from tests.bench.measure import best
from tests.bench.workshop import Workshop
from tests.conftest import ROOT

SCRIPT = "rows = LOAD '{rows}' AS (n:int, word:chararray); DUMP rows;"
OPENS = [f"--add-opens=java.base/java.{package}=ALL-UNNAMED" for package in ("lang", "nio", "util")]


def cases(workshop: Workshop) -> Iterator[Case]:
    """A script that loads three lines and shows them."""
    rows = workshop.folder / "three.txt"
    rows.write_text("1\tone\n2\ttwo\n3\tthree\n")
    script = SCRIPT.format(rows=rows)
    ours = best([str(ROOT / "bin/pig"), "-e", script], 5)
    main = ["java", *OPENS, "-cp", f"{ROOT}/build/lib/*", "org.apache.pig.Main", "-x", "local"]
    plain = best(["env", "-C", str(workshop.folder), *main, "-e", script], 5)
    yield faster("bin/pig, three rows; peer: org.apache.pig.Main", ours, plain, 1.5)
