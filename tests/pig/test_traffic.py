"""The macros TRAFFIC, DNS, HTTP, TLS and FILES in Pig: many tasks and splits, the rows of one run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from packetpig.loaders import load
from packetpig.loaders.traffic import KINDS

from tests.conftest import DEMO, ROOT
from tests.loaders.test_pieces import talks
from tests.making import pcap
from tests.pig.test_sessions import Pig, run

MACROS = (ROOT / "pig/macros/traffic.pig").read_text()


@pytest.mark.parametrize("kind", KINDS)
def test_columns_of_macros_are_those_of_the_loader(kind: str) -> None:
    listed = re.search(rf"GENERATE FLATTEN\({kind}\) AS \(([^)]*)\)", MACROS)
    assert listed, f"pig/macros/traffic.pig has no {kind.upper()}_OF"
    assert re.findall(r"\w+", listed[1]) == [column.name for column in KINDS[kind].schema()]
    order = re.search(r"merged_traffic\(sorted\)\) AS \(([^)]*)\)", MACROS)
    assert order
    assert re.findall(r"\w+", order[1]) == list(KINDS)


def texts(kind: str, path: Path | list[str], columns: list[str], where: str | None = None) -> list[list[str]]:
    given = path if isinstance(path, list) else str(path)
    rows = load(kind, given, columns, where).read_all().to_pylist()
    return sorted([kind, *("" if row[name] is None else str(row[name]) for name in columns)] for row in rows)


def test_all_kinds_over_splits_and_files(tmp_path: Path, pig: Pig) -> None:
    packets, folder = talks(), tmp_path / "in"
    folder.mkdir()
    (folder / "a.pcap").write_bytes(pcap(packets[:500], nanos=True))
    (folder / "b.pcap").write_bytes(pcap(packets[500:], nanos=True))
    (folder / "c.pcap").write_bytes((DEMO / "2024-03-04T08.pcap").read_bytes())
    shown = {
        "sessions": ["session_id", "state", "src_bytes"], "dns": ["session_id", "name", "data"],
        "http": ["session_id", "uri", "status"], "tls": ["session_id", "sni", "ja4"],
        "files": ["session_id", "name", "sha256"],
    }  # fmt: skip
    script = f"sessions, dns, http, tls, files = TRAFFIC('{folder}', '{','.join(shown)}');\n"
    for kind, columns in shown.items():
        script += f"{kind}_out = FOREACH {kind} GENERATE '{kind}', {', '.join(columns)};\n"
    script += f"w = UNION {', '.join(kind + '_out' for kind in shown)}; STORE w OUT;"
    wanted = [row for kind, columns in shown.items() for row in texts(kind, folder, columns)]
    found = run(pig, tmp_path, script, "-Dpacketpig.split.bytes=100000")
    assert found == sorted(wanted)
    assert {row[0] for row in found} == set(shown)


def test_one_kind_and_its_filter(tmp_path: Path, pig: Pig) -> None:
    dns, tls = ["name", "rcode", "src"], ["sni", "version", "src"]
    script = f"""
        d = DNS('{DEMO}', 'rcode == \\'NXDOMAIN\\'');
        t = TLS('{DEMO}', 'sni IS NOT NULL');
        dw = FOREACH d GENERATE 'dns', {", ".join(dns)};
        tw = FOREACH t GENERATE 'tls', {", ".join(tls)};
        w = UNION dw, tw;
        STORE w OUT;"""
    wanted = texts("dns", DEMO, dns, "rcode == 'NXDOMAIN'") + texts("tls", DEMO, tls, "sni IS NOT NULL")
    assert run(pig, tmp_path, script) == sorted(wanted)


def test_what_is_no_piece_is_one_line(tmp_path: Path, pig: Pig) -> None:
    (tmp_path / "in").write_text("1\t1.5\tabcdefghijklmnopq\n")
    script = tmp_path / "script.pig"
    script.write_text(f"""
        DEFINE merged packetpig.bridge.Merge('dns');
        pieces = LOAD '{tmp_path}/in' AS (bucket:int, ts:double, piece:bytearray);
        buckets = GROUP pieces BY bucket;
        rows = FOREACH buckets GENERATE FLATTEN(merged(pieces));
        DUMP rows;
    """)
    done = pig(str(script))
    assert done.returncode != 0
    assert "not a piece of sessions" in done.stderr
    assert len([line for line in done.stderr.splitlines() if "piece" in line]) == 1
