"""Macros of functions: places, names, indicators, summaries. One script runs them all."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from packetpig.udfs import _places

from tests.conftest import ROOT
from tests.udfs import places

ROWS = """\
1.5\t8.8.8.8\t78.187.40.23\twww.example.co.uk\t10
2.5\t78.187.40.23\t8.8.8.8\tx.bad.example\t30
3.5\t8.8.8.8\t10.0.0.1\t\t20
4.5\t\t203.0.113.9\twww.example.co.uk\t
5.5\tno address\t8.8.4.4\ta.example.co.uk\t7
"""
SCRIPT = """
rows = LOAD '{folder}/rows' AS (ts:double, src:chararray, dst:chararray, name:chararray, bytes:int);
a = ENRICH_GEO(rows, src);
DESCRIBE a;
here = FOREACH a GENERATE ts, src, place.country, place.asn;
STORE here INTO '{folder}/enrich';
b = ENRICH_GEO_AS(rows, src, src_place);
c = ENRICH_GEO_AS(b, dst, dst_place);
both = FOREACH c GENERATE ts, src_place.city, dst_place.country;
STORE both INTO '{folder}/both';
d = ENRICH_GEO_ONCE(rows, src);
once = FOREACH d GENERATE ts, src, place.country, place.asn, bytes;
STORE once INTO '{folder}/once';
e = ENRICH_DOMAIN(rows, name);
named = FOREACH e GENERATE ts, domain;
STORE named INTO '{folder}/domain';
f = ENRICH_AGENT(rows, name);
agents = FOREACH f GENERATE ts, agent.browser;
STORE agents INTO '{folder}/agent';
g = INTEL(rows, dst, '{root}/tests/pig/lists/bad.csv');
hits = FOREACH g GENERATE ts, dst, FLATTEN(intel);
STORE hits INTO '{folder}/intel';
seen = FIRST_SEEN(rows, src, ts);
STORE seen INTO '{folder}/seen';
top = TOP_BY(rows, bytes, 2);
few = FOREACH top GENERATE ts, bytes;
STORE few INTO '{folder}/top';
values = TOP_VALUES(rows, name, 1);
STORE values INTO '{folder}/values';
"""
WANTED = {
    "enrich": ["1.5\t8.8.8.8\tUS\t15169", "2.5\t78.187.40.23\tTR\t9121", "3.5\t8.8.8.8\tUS\t15169", "4.5\t\t\t",
               "5.5\tno address\t\t"],
    "both": ["1.5\tMountain View\tTR",
             "2.5\tIstanbul\tUS", "3.5\tMountain View\tprivate", "4.5\t\treserved", "5.5\t\t--"],
    "once": ["1.5\t8.8.8.8\tUS\t15169\t10", "2.5\t78.187.40.23\tTR\t9121\t30", "3.5\t8.8.8.8\tUS\t15169\t20",
             "4.5\t\t\t\t", "5.5\tno address\t\t\t7"],
    "domain": ["1.5\texample.co.uk", "2.5\tbad.example", "3.5\t", "4.5\texample.co.uk", "5.5\texample.co.uk"],
    "agent": ["1.5\t", "2.5\t", "3.5\t", "4.5\t", "5.5\t"],
    "intel": ["4.5\t203.0.113.9\t203.0.113.9\taddress\tWorm, new"],
    "seen": ["78.187.40.23\t2.5\t2.5\t1", "8.8.8.8\t1.5\t3.5\t2", "no address\t5.5\t5.5\t1"],
    "top": ["2.5\t30", "3.5\t20"],
    "values": ["www.example.co.uk\t2"],
}  # fmt: skip


def test_all_macros(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pig: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    monkeypatch.setenv(_places.VARIABLE, str(places.everything(tmp_path / "geoip")))
    (tmp_path / "rows").write_text(ROWS)
    (tmp_path / "script.pig").write_text(SCRIPT.format(folder=tmp_path, root=ROOT))
    done = pig(tmp_path / "script.pig", cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(
        "a: {ts: double,src: chararray,dst: chararray,name: chararray,bytes: int,place: (country"
    )
    for name, rows in WANTED.items():
        lines = [line for part in (tmp_path / name).glob("part-*") for line in part.read_text().splitlines()]
        assert (lines if name == "top" else sorted(lines)) == rows, name
