"""Tables of the whole archive are made of sums of windows: they are those of one clean run, however captures came."""

from __future__ import annotations

import gzip
import shutil
import subprocess
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from packetpig.pipelines.settings import Settings
from packetpig.pipelines.stage import stages

from tests.conftest import DEMO, ROOT
from tests.loaders.talking import Dialogue
from tests.making import ethernet, ipv4, pcap, udp
from tests.pipelines.test_pipeline import inputs, pipeline, rows, same

WHOLE = ("anomalies", "incidents", "incident_events", "first_seen", "novelty", "signatures")
STEPS = (("2024-03-05T2", "2024-03-06T0"), ("2024-03-04", "2024-03-06T12"), ("2024-03-0",))
"""In the middle first, where the break-in is; then before and behind; the last step fills what is between."""


@pytest.mark.slow
def test_anomalies_are_those_of_all_sessions(demo_tables: Path, tmp_path: Path) -> None:
    internal = dict(Settings.get_params())["internal"]._default
    script = tmp_path / "all.pig"
    script.write_text(
        f"""sessions = LOAD '{demo_tables}/sessions/window=*' USING ParquetLoader();
        dns = LOAD '{demo_tables}/dns/window=*' USING ParquetLoader();
        found = ANOMALIES(sessions, dns, '{internal}');
        STORE found INTO '{tmp_path}/found' USING ParquetStorer();"""
    )
    subprocess.run([str(ROOT / "bin/pig"), str(script)], check=True, capture_output=True, timeout=900)
    wanted = sorted(pq.read_table(tmp_path / "found").to_pylist(), key=str)
    assert {row["kind"] for row in wanted} >= {"port_scan", "http_guessing", "beacon", "dns_tunnel", "first_port"}
    same(rows(demo_tables, "anomalies"), wanted)


@pytest.mark.slow
def test_captures_that_come_in_another_order(demo_tables: Path, tmp_path: Path) -> None:
    captures = inputs(tmp_path / "in")
    for names in STEPS:
        for path in DEMO.iterdir():
            if path.name.startswith(names) and not (captures / path.name).exists():
                shutil.copy(path, captures)
        result = pipeline(captures, tmp_path / "out", "1d")
        assert result.returncode == 0, result.stderr
    for table in WHOLE:
        found, wanted = rows(tmp_path / "out", table), rows(demo_tables, table)
        assert wanted
        text = str(DEMO.resolve()), str(captures.resolve())
        moved = [
            {name: value.replace(*text) if isinstance(value, str) else value for name, value in row.items()}
            for row in wanted
        ]
        same(found, sorted(moved, key=str), ("known_since",))


FEW = ("--without", ",".join(sorted(set(stages()) - {"packets", "tracked", "sessions", "said"})))


def ran(result: subprocess.CompletedProcess[str]) -> set[str]:
    """Stages and windows that were made."""
    return {" ".join(line.split()[1:3])[:-1] for line in result.stderr.splitlines() if " rows, " in line}


@pytest.mark.slow
def test_captures_that_are_compressed_or_rotated_away(tmp_path: Path) -> None:
    """Under another name a capture is what it was; where one is gone, a new one waits, and later windows do not."""
    first, second, third = "2024-03-05T08.pcapng", "2024-03-05T12.pcap", "2024-03-05T20.pcap"
    captures, tables = inputs(tmp_path / "in", second), tmp_path / "out"
    assert pipeline(captures, tables, "8h", *FEW).returncode == 0
    before = rows(tables, "sessions")
    (captures / f"{second}.gz").write_bytes(gzip.compress((captures / second).read_bytes()))
    (captures / second).unlink()
    renamed = pipeline(captures, tables, "8h", *FEW)
    assert (renamed.returncode, ran(renamed)) == (0, set()), renamed.stderr

    (captures / f"{second}.gz").unlink()
    for name in (first, third):
        shutil.copy(DEMO / name, captures)
    rotated = pipeline(captures, tables, "8h", *FEW)
    assert rotated.returncode == 1
    for stage in ("packets", "tracked", "said"):
        assert f"{stage} 2024-03-05T0800: not run: captures of this window are gone, so its tables stay without " in (
            rotated.stderr
        )
    assert ran(rotated) >= {f"{stage} 2024-03-05T1600" for stage in ("packets", "tracked", "sessions", "said")}
    found = [row for row in rows(tables, "sessions") if str(row["window"]).endswith("T0800")]
    assert {row["session_id"] for row in found} == {row["session_id"] for row in before}
    again = pipeline(captures, tables, "8h", *FEW)
    assert (again.returncode, ran(again)) == (1, set())
    assert f"stay without {captures}/{first}\n" in again.stderr


@pytest.mark.slow
def test_a_session_that_goes_on_and_on(tmp_path: Path) -> None:
    """Its row is told anew with each window; what it said is looked for no more once it is followed no more.

    That is said, once. Alerts about it go on: each is there once, under the session's window or the one it comes in.
    """
    begin, hour = 1_709_596_800, 3600
    talk = Dialogue(start=begin + 3000.0)
    for tick in range(3 * 18 + 1):  # of which each is soon enough for it not to time out
        talk.now = begin + 3000.0 + tick * 200
        number, silent = divmod(tick, 18)
        if silent:
            talk.c(b"")
            continue
        talk.c(b"GET /%d HTTP/1.1\r\nHost: h\r\n\r\n" % number)
        talk.s(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    captures, tables = inputs(tmp_path / "in"), tmp_path / "out"
    rules = tmp_path / "get.rules"
    rules.write_text('alert tcp any any -> any 80 (msg:"a request"; content:"GET /"; sid:1; rev:1;)\n')
    engine = ("--engine", "suricata", "--warm", "0", "--rules", str(rules))
    without = ("--without", ",".join(sorted(set(stages()) - {"tracked", "sessions", "said", "alerts", "enriched"})))
    made = []
    for number in range(4):
        here = [one for one in talk.packets if begin + number * hour <= one[0] < begin + (number + 1) * hour]
        (captures / f"{number}.pcap").write_bytes(pcap(here))
        result = pipeline(captures, tables, "1h", *engine, *without)
        assert result.returncode == 0, result.stderr
        made.append({one.split()[0] for one in ran(result) if one.endswith("2024-03-05T0000")} - {"enriched"})
        (row,) = rows(tables, "sessions")
        assert row["end_ts"] == pytest.approx(here[-1][0])
        told = f"sessions 2024-03-05T0000: sessions go on for {here[-1][0] - begin - hour:,.0f} s after the window"
        assert (told in result.stderr) == (number == 2)
        assert result.stderr.count("sessions go on for") == (number == 2)
    first, followed = {"tracked", "sessions", "said", "alerts"}, {"sessions", "said", "alerts"}
    assert made == [first, followed, {"sessions"}, {"sessions"}]
    asked = [row["uri"] for row in sorted(rows(tables, "http"), key=lambda row: row["ts"])]
    assert asked[:2] == ["/0", "/1"]
    alerts = [(row["window"][-5:], int(row["ts"]) - begin, row["session_id"]) for row in rows(tables, "alerts")]
    expected = (("T0000", 3000), ("T0000", 6600), ("T0200", 10200), ("T0300", 13800))
    assert sorted(alerts) == [(window, ts, row["session_id"]) for window, ts in expected]
    wanted = pipeline(captures, tmp_path / "clean", "1h", *engine, *without)
    assert wanted.returncode == 0, wanted.stderr
    assert "sessions go on for" in wanted.stderr
    for table in ("sessions", "http", "files", "alerts"):
        assert rows(tables, table) == rows(tmp_path / "clean", table)


@pytest.mark.slow
def test_ports_that_are_used_again_behind_the_window(tmp_path: Path) -> None:
    """An alert of the next session of the same ports is that one's alone, though others of the window still go on."""
    begin = 1_709_596_800.0

    def said(at: float, port: int, words: bytes = b"hello") -> tuple[float, bytes]:
        return begin + at, ethernet(ipv4(udp(words, port, 5060), proto=17))

    packets = [said(3590, 5060), said(3610, 5060), said(3900, 5060, b"an attack"), said(3901, 5060)]
    packets += [said(3500.0 + 20 * tick, 5070) for tick in range(30)]
    captures, tables = inputs(tmp_path / "in"), tmp_path / "out"
    (captures / "a.pcap").write_bytes(pcap(sorted(packets)))
    rules = tmp_path / "attack.rules"
    rules.write_text('alert udp any any -> any any (msg:"an attack"; content:"an attack"; sid:1; rev:1;)\n')
    without = ("--without", ",".join(sorted(set(stages()) - {"tracked", "sessions", "alerts"})))
    result = pipeline(captures, tables, "1h", "--engine", "suricata", "--rules", str(rules), *without)
    assert result.returncode == 0, result.stderr
    first, again, other = sorted(rows(tables, "sessions"), key=lambda row: (row["sport"], row["ts"]))
    assert (first["ts"], again["ts"], other["end_ts"]) == (begin + 3590, begin + 3900, begin + 4080)
    (alert,) = rows(tables, "alerts")
    assert (alert["session_id"], alert["window"]) == (again["session_id"], again["window"])
