"""The break-in of the demo captures, found whole by the whole pipeline; and nothing of the normal traffic."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from packetpig.loaders import load
from packetpig.pipelines.stage import stages
from packetpig.pipelines.tables import TYPES

from tests.conftest import DEMO, ROOT

TRUTH = json.loads((ROOT / "tests/captures/truth.json").read_text("utf-8"))
ATTACKER, VICTIM, C2 = "78.187.40.23", "10.10.1.80", "113.161.72.18"

pytestmark = pytest.mark.slow
DAY = 86400.0
US = "10.0.0.0/8"


def rows(tables: Path, table: str) -> list[dict[str, Any]]:
    return ds.dataset(tables / table, format="parquet").to_table().to_pylist()


def test_one_incident_and_all_of_it(demo_tables: Path) -> None:
    (incident,) = rows(demo_tables, "incidents")
    steps = TRUTH["break_in"]
    assert (incident["attacker"], incident["severity"]) == (ATTACKER, 1)
    assert incident["target"].split(", ")[0] == VICTIM
    assert set(incident["target"].split(", ")) == {host for step in steps for host in step.get("targets", [VICTIM])}
    assert abs(incident["ts"] - min(step["start_ts"] for step in steps)) < 60
    assert abs(incident["end_ts"] - max(step["end_ts"] for step in steps)) < 60
    assert "sqlmap" in incident["user_agents"]
    sessions = {row["session_id"]: row for row in rows(demo_tables, "sessions")}
    for name in incident["session_ids"].split():
        row = sessions[name]
        assert {ATTACKER, C2} & {row["src"], row["dst"]} or row["service"] == "dns"


KINDS = {
    "port scan": "port_scan",
    "password guessing, HTTP form": "http_guessing",
    "password guessing, FTP": "ftp_guessing",
    "SQL injection by hand": "sql_injection",
    "SQL injection with sqlmap": "sql_injection",
    "remote commands": "command_injection",
    "program downloaded": "download",
    "beacon": "beacon",
    "files carried out": "loss",
    "file spelled in DNS names": "dns_tunnel",
}


def test_each_step_has_its_evidence(demo_tables: Path) -> None:
    events = rows(demo_tables, "incident_events")
    for step in TRUTH["break_in"]:
        if step["name"] == "service probes":
            continue  # the scan, and protocols at foreign ports
        hosts = {step.get("source"), step.get("client")} - {None}
        found = [
            event
            for event in events
            if event["kind"] == KINDS[step["name"]]
            and event["ts"] <= step["end_ts"] + 1
            and (event["end_ts"] or event["ts"]) >= step["start_ts"] - 1
            and (ATTACKER in hosts or event["target"] in hosts)
        ]
        assert found, step["name"]
    carried = next(step for step in TRUTH["break_in"] if step["name"] == "files carried out")
    sent = sum(event["bytes"] for event in events if event["kind"] == "loss" and event["label"].startswith("upload"))
    assert sent == next(file["size"] for file in TRUTH["files"] if file["name"] == carried["file"])


def test_nothing_of_the_normal_traffic_is_in_it(demo_tables: Path) -> None:
    sessions = {row["session_id"]: row for row in rows(demo_tables, "sessions")}
    names = {row["session_id"] for row in rows(demo_tables, "dns") if "cdn-metrics.test" in (row["name"] or "")}
    for event in rows(demo_tables, "incident_events"):
        row = sessions[event["session_id"]]
        assert {ATTACKER, C2} & {row["src"], row["dst"]} or row["session_id"] in names, event


def test_its_page_and_its_packets(demo_tables: Path, tmp_path: Path) -> None:
    (incident,) = rows(demo_tables, "incidents")
    (page,) = (demo_tables / "incident_pages").iterdir()
    assert page.read_text("utf-8") == incident["story"]
    for words in (ATTACKER, VICTIM, C2, "What seems to have worked", "6 of 6 requests", "302 instead of 200"):
        assert words in incident["story"]
    command = incident["carve"]
    assert command in incident["story"]
    target = f"incident-{incident['incident']}.pcap"
    line = command.replace("bin/packetpig", f"{ROOT}/bin/packetpig")
    subprocess.run(["bash", "-c", line], cwd=tmp_path, check=True, capture_output=True, timeout=300)  # as one pastes it
    columns = ["ip_src", "ip_dst"]
    carved = load("packets", str(tmp_path / target), columns).read_all().to_pylist()
    every = load("packets", str(DEMO), columns).read_all().to_pylist()

    def of(packets: list[dict[str, Any]]) -> int:
        return sum(bool({ATTACKER, C2} & {row["ip_src"], row["ip_dst"]}) for row in packets)

    assert of(carved) == of(every) > 0
    assert all({ATTACKER, C2, VICTIM} & {row["ip_src"], row["ip_dst"]} for row in carved)


def table(folder: Path, name: str, columns: str, rows: list[dict[str, Any]]) -> str:
    """A table of a test, as Pig writes it; what a row does not have is null."""
    fields = [one.strip().split(":") for one in columns.split(",")]
    schema = pa.schema([(field, TYPES[kind]) for field, kind in fields])
    (folder / name).mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows, schema), folder / name / "part-0.parquet")
    return str(folder / name)


def alerted(attacker: str, host: str, day: float) -> dict[str, Any]:
    """An alert of severity 1."""
    return {
        "sensor": "default", "opener": attacker, "other": host, "gid": 1, "sid": 7, "priority": 1, "message": "try",
        "day": int(day), "ts": day * DAY, "end_ts": day * DAY + 60, "count": 1, "first": f"{day * DAY:020.6f}s",
    }  # fmt: skip


def fetched(host: str, peer: str, day: float, met: float | None = None) -> list[dict[str, Any]]:
    """A program fetched from somebody outside, whom the host MET before, or then."""
    ts, met_ts = day * DAY, (day if met is None else met) * DAY
    shared = {"sensor": "default", "src": host, "dst": peer, "count": 1, "bytes": 100}
    return [
        shared | {"part": "talk", "proto": "tcp", "dport": 80, "ts": met_ts, "end_ts": ts,
                  "first": f"{met_ts:020.6f}s"},
        shared | {"part": "file", "kind": "download", "mime": "application/x-executable", "name": "x", "ts": ts,
                  "end_ts": ts, "first": f"{ts:020.6f}s", "hash": ""},
    ]  # fmt: skip


def test_who_is_blamed_for_what_a_host_does(
    tmp_path: Path, pig: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    """Who tried last to break into it, in the two weeks before; if it had not talked to its peer before he began."""
    old, last, both, quiet, busy = (f"10.0.0.{number}" for number in range(1, 6))
    a, b = "198.51.100.1", "198.51.100.2"
    tries = [
        *(alerted(a, old, day) for day in (1, 300)),
        *(alerted(a, last, day) for day in (1, 10)), alerted(b, last, 5),
        *(alerted(a, both, day) for day in (1, 12)), alerted(b, both, 11),
        alerted(a, quiet, 20), alerted(a, busy, 20),
    ]  # fmt: skip
    traces = [
        *fetched(old, "203.0.113.1", 100),  # nobody's: A is months away
        *fetched(old, "203.0.113.2", 310),  # A's
        *fetched(last, "203.0.113.3", 10.5),  # A's, who tried last
        *fetched(last, "203.0.113.4", 7),  # B's
        *fetched(last, "203.0.113.5", 24.5),  # nobody's: two weeks and more
        *fetched(both, "203.0.113.6", 20, met=5),  # A's, who began before they met; not B's
        *fetched(both, "203.0.113.7", 13, met=0.5),  # nobody's: it knew them before
        fetched(quiet, "203.0.113.20", 21)[0],  # A's: it seldom meets somebody new
        *(fetched(busy, f"203.0.113.{30 + day}", day)[0] for day in range(10, 15)),
        fetched(busy, "203.0.113.21", 21)[0],  # nobody's: it often does
        fetched(busy, a, 21)[0],  # but never talked to A before
    ]
    made = {
        "traces": table(
            tmp_path, "traces",
            "part:chararray, sensor:chararray, src:chararray, dst:chararray, kind:chararray, severity:int, day:long, "
            "ts:double, end_ts:double, count:long, worked:long, bytes:long, first:chararray, proto:chararray, "
            "dport:int, mime:chararray, name:chararray, hash:chararray, label:chararray", traces,
        ),
        "alerted": table(tmp_path, "alerted", stages()["alerted"].columns["alerted"], tries),
        "anomalies": table(tmp_path, "anomalies", stages()["anomalies"].columns["anomalies"], []),
        "enriched": table(tmp_path, "enriched", stages()["enriched"].columns["enriched"], []),
        "internal": US, "folder": "captures", "output": str(tmp_path / "out"),
    }  # fmt: skip
    given = [word for name, value in made.items() for word in ("-p", f"{name}={value}")]
    done = pig(*given, ROOT / "pig/pipeline/incidents.pig")
    assert done.returncode == 0, done.stderr
    attackers = {row["incident"]: row["attacker"] for row in rows(tmp_path / "out", "incidents")}
    events = rows(tmp_path / "out", "incident_events")
    blamed = {(row["peer"], attackers[row["incident"]]) for row in events if row["kind"] == "download"}
    assert blamed == {("203.0.113.2", a), ("203.0.113.3", a), ("203.0.113.4", b), ("203.0.113.6", a)}
    met = {(row["target"], row["peer"], attackers[row["incident"]]) for row in events if row["kind"] == "new_flow"}
    assert {one for one in met if one[0] in (quiet, busy)} == {(quiet, "203.0.113.20", a), (busy, a, a)}
