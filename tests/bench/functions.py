"""Python functions in Pig: the bridge beside Pig's own streaming, and macros beside a call for every row."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path

from tests.bench.case import Case
from tests.bench.measure import best
from tests.bench.workshop import Workshop
from tests.conftest import ROOT
from tests.udfs import places

ROWS, DISTINCT = 1_000_000, 50_000
PIG = str(ROOT / "bin/pig")
PLAIN = """
from pig_util import outputSchema

@outputSchema("s:chararray")
def same(s):
    return s

@outputSchema("n:int")
def count(bag):
    return len(bag)
"""


def cases(workshop: Workshop) -> Iterator[Case]:
    """All cases of functions; times are those of whole runs less that of the same script without the function."""
    folder = workshop.folder
    rows = _addresses(folder / "addresses.txt")
    (folder / "plain.py").write_text(PLAIN)
    (folder / "geoip").mkdir(exist_ok=True)
    places.cities(folder / "geoip")
    os.environ["PACKETPIG_GEOIP"] = str(folder / "geoip")
    path = f"{ROOT}/.venv/bin:{os.environ['PATH']}"  # Pig's streaming takes the python3 that it finds there

    def seconds(statements: str, column: str, register: str = "", times: int = 2) -> float:
        load = f"{register} rows = LOAD '{rows}' AS (ts:double, ip:chararray, n:int); {statements} "
        count = (
            f"f = FOREACH e GENERATE n, {column} AS x; g = GROUP f ALL; c = FOREACH g GENERATE COUNT(f.x), SUM(f.n); "
        )
        return best(["env", "-C", str(folder), f"PATH={path}", PIG, "-e", f"{load} {count} DUMP c;"], times).wall

    def streaming(file: Path) -> str:
        return f"REGISTER '{file}' USING streaming_python AS mine;"

    bridge = f"REGISTER '{folder}/plain.py' USING packetpig.bridge.Python AS mine;"
    base = seconds("e = FOREACH rows GENERATE *;", "ip", times=3)
    each = "e = FOREACH rows GENERATE *, mine.place(ip) AS place;"
    every_row = seconds(each, "place.country", streaming(ROOT / "udfs/geo.py"), 1) - base
    macro = seconds("e = ENRICH_GEO(rows, ip);", "place.country") - base
    once = seconds("e = ENRICH_GEO_ONCE(rows, ip);", "place.country") - base
    what = f"{ROWS // 1_000_000} million rows, {DISTINCT:,} addresses"
    yield _times(f"ENRICH_GEO, {what}; peer: streaming UDF", macro, every_row, 10)
    yield _times("ENRICH_GEO_ONCE (a join); peer: streaming UDF", once, every_row, 1)

    call = "e = FOREACH rows GENERATE *, mine.same(ip) AS s;"
    streamed = ROWS / (seconds(call, "s", streaming(folder / "plain.py"), 1) - base)
    bridged = ROWS / (seconds(call, "s", bridge) - base)
    yield _rate("calls a second, nothing remembered; peer: streaming", bridged, streamed, 3)

    grouped = (
        "k = FOREACH rows GENERATE (int) ts / 1000 AS k, ip, n; g1 = GROUP k BY k; e = FOREACH g1 GENERATE 1 AS n, "
    )
    less = seconds(f"{grouped} COUNT(k) AS s;", "s")
    bags = ROWS / max(0.01, seconds(f"{grouped} mine.count(k.ip) AS s;", "s", bridge) - less)
    yield _rate("rows a second in bags of 1000; peer: streaming, calls", bags, streamed, 6)


def _times(what: str, ours: float, peer: float, least: float) -> Case:
    ours = max(ours, 0.01)
    return Case(what, f"{ours:.2f} s", f"{peer:.2f} s", peer / ours, f"at least {least}", peer / ours >= least)


def _rate(what: str, ours: float, peer: float, least: float) -> Case:
    ratio = ours / peer
    return Case(what, f"{ours:,.0f}/s", f"{peer:,.0f}/s", ratio, f"at least {least}", ratio >= least)


def _addresses(path: Path) -> Path:
    """Rows of time, address, number; addresses in no order, each as likely as another, which is hard on memories."""
    if not path.exists():
        chance = random.Random(1)
        known = [".".join(str(chance.randrange(1, 223)) for _ in range(4)) for _ in range(DISTINCT)]
        with path.open("w") as file:
            for number in range(ROWS):
                file.write(f"{number}.5\t{chance.choice(known)}\t{chance.randrange(40, 1500)}\n")
    return path
