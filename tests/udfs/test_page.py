"""docs/functions.md speaks of every function and macro there is, and of no other."""

from __future__ import annotations

import re

from tests.conftest import ROOT
from tests.udfs.test_hostile import FUNCTIONS

PAGE = (ROOT / "docs/functions.md").read_text(encoding="utf-8")


def test_every_function() -> None:
    there = {f"{module.rsplit('.', 1)[1]}.{name}" for module, name in FUNCTIONS}
    modules = {one.partition(".")[0] for one in there}
    named = {one for one in re.findall(r"`(\w+\.\w+)\(", PAGE) if one.partition(".")[0] in modules}
    assert named == there


def test_every_macro_of_functions() -> None:
    there = set()
    for name in ("places", "names", "intel", "summaries", "threats"):
        there |= set(re.findall(r"^DEFINE (\w+)\(", (ROOT / f"pig/macros/{name}.pig").read_text(), re.MULTILINE))
    assert set(re.findall(r"`([A-Z_]+)\(", PAGE)) == there
