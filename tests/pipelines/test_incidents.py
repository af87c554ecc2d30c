"""The break-in of the demo captures, found whole by the whole pipeline; and nothing of the normal traffic."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.dataset as ds
import pytest
from packetpig.loaders import load

from tests.conftest import DEMO, ROOT

TRUTH = json.loads((ROOT / "tests/captures/truth.json").read_text("utf-8"))
ATTACKER, VICTIM, C2 = "78.187.40.23", "10.10.1.80", "113.161.72.18"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("incidents")
    command = [sys.executable, "-m", "packetpig.pipelines", str(DEMO), str(out)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900, check=False)
    assert result.returncode == 0, result.stderr
    return out


def rows(tables: Path, table: str) -> list[dict[str, Any]]:
    return ds.dataset(tables / table, format="parquet").to_table().to_pylist()


def test_one_incident_and_all_of_it(tables: Path) -> None:
    (incident,) = rows(tables, "incidents")
    steps = TRUTH["break_in"]
    assert (incident["attacker"], incident["severity"]) == (ATTACKER, 1)
    assert incident["target"].split(", ")[0] == VICTIM
    assert set(incident["target"].split(", ")) == {host for step in steps for host in step.get("targets", [VICTIM])}
    assert abs(incident["ts"] - min(step["start_ts"] for step in steps)) < 60
    assert abs(incident["end_ts"] - max(step["end_ts"] for step in steps)) < 60
    assert "sqlmap" in incident["user_agents"]
    sessions = {row["session_id"]: row for row in rows(tables, "sessions")}
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


def test_each_step_has_its_evidence(tables: Path) -> None:
    events = rows(tables, "incident_events")
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


def test_nothing_of_the_normal_traffic_is_in_it(tables: Path) -> None:
    sessions = {row["session_id"]: row for row in rows(tables, "sessions")}
    names = {row["session_id"] for row in rows(tables, "dns") if "cdn-metrics.test" in (row["name"] or "")}
    for event in rows(tables, "incident_events"):
        row = sessions[event["session_id"]]
        assert {ATTACKER, C2} & {row["src"], row["dst"]} or row["session_id"] in names, event


def test_its_page_and_its_packets(tables: Path, tmp_path: Path) -> None:
    (incident,) = rows(tables, "incidents")
    (page,) = (tables / "incident_pages").iterdir()
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
