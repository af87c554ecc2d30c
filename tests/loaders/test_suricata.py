"""Suricata's alerts are those of Suricata run by hand; settings, rules, losses. Needs Suricata 7."""

from __future__ import annotations

import json
import shutil
import subprocess
import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from packetpig.loaders import load
from packetpig.loaders.contract.loader import OptionError
from packetpig.loaders.engines.process import EngineError
from packetpig.loaders.engines.rules import own

from tests.conftest import DEMO, ROOT
from tests.loaders.bridge.test_worker import Session, capture
from tests.making import ethernet, ipv4, pcap, tcp

pytestmark = pytest.mark.skipif(not shutil.which("suricata"), reason="no Suricata on this machine")
TRUTH = json.loads((ROOT / "tests/captures/truth.json").read_text())
COLUMNS = ("src", "sport", "dst", "dport", "gid", "sid", "rev", "priority", "message")
SHORT = 'alert tcp any any -> any any (msg:"%s"; content:"%s"; sid:%d; rev:3;)\n'


def alerts(*paths: object, **options: str) -> list[dict[str, Any]]:
    return [row for batch in load("suricata", [str(one) for one in paths], **options) for row in batch.to_pylist()]


@pytest.fixture(scope="module")
def demo() -> list[dict[str, Any]]:
    return alerts(DEMO)


def test_own_rules_find_the_steps_of_the_break_in_and_nothing_else(demo: list[dict[str, Any]]) -> None:
    bad = {host["ipv4"] for host in TRUTH["hosts"] if host["key"] in ("attacker", "c2")}
    steps = {row["sid"] for row in demo}
    assert steps == {1990001, 1990003, 1990010, 1990011, 1990020, 1990021, 1990022, 1990023, 1990024, 1990025, 1990030,
                     1990031, 1990032, 1990040, 1990041, 1990042}  # fmt: skip
    for row in demo:
        assert bad & {row["src"], row["dst"]} or row["sid"] == 1990042, row
    tunnel = [row for row in demo if row["sid"] == 1990042]
    begin = datetime.fromisoformat("2024-03-07T02:43:01+00:00").timestamp()
    assert tunnel
    assert all(begin < row["ts"] < begin + 4 for row in tunnel)


def test_an_alert_knows_its_capture_its_client_and_its_flow(demo: list[dict[str, Any]]) -> None:
    sessions = load("sessions", str(DEMO), ["community_id", "src", "proto"])
    opened = {row["community_id"]: row["src"] for batch in sessions for row in batch.to_pylist()}
    for row in demo:
        hour = f"2024-03-{datetime.fromtimestamp(row['ts'], UTC):%dT%H}"
        assert row["capture"] <= f"{hour}.zzz"
        assert row["capture"][:13] > f"2024-03-{datetime.fromtimestamp(row['ts'] - 4 * 3600, UTC):%dT%H}"
        assert row["community_id"] in opened
        assert row["client"] == opened[row["community_id"]]


def test_sensors_do_not_mix(tmp_path: Path) -> None:
    for name, ts, text, seq in (("a", 2, b"GET /ev", 100), ("b", 3, b"il HTTP/1.0\r\n\r\n", 107)):
        (tmp_path / "in" / name).mkdir(parents=True)
        (tmp_path / "in" / name / "x.pcap").write_bytes(pcap([(ts, ethernet(ipv4(tcp(text, seq=seq))))]))
    (tmp_path / "a.rules").write_text(SHORT % ("evil", "GET /evil", 1) + SHORT % ("il", "il HTTP", 2))
    found = alerts(tmp_path / "in", rules=str(tmp_path / "a.rules"), sensors="folders")
    assert [(row["sid"], row["sensor"]) for row in found] == [(2, "b")]


def test_messages_priorities_protocols(tmp_path: Path) -> None:
    rules = tmp_path / "a.rules"
    rules.write_text(
        'alert icmp any any -> any any (msg:"ping, \\"quoted\\" and, comma"; itype:8; priority:17; sid:12; rev:3;)\n'
        'alert ip any any -> any any (msg:"sctp"; ip_proto:132; classtype:misc-activity; sid:13; rev:1;)\n'
    )
    frames = [
        (1, ethernet(ipv4(b"\x08\0\0\0\0\1\0\1" + bytes(8), proto=1))),
        (2, ethernet(ipv4(bytes.fromhex("0050004000000001000000000300001000000000000000000000000000"), proto=132))),
    ]
    (tmp_path / "x.pcap").write_bytes(pcap(frames))
    ping, sctp = alerts(tmp_path / "x.pcap", rules=str(rules))
    assert (ping["message"], ping["priority"], ping["proto"]) == ('ping, "quoted" and, comma', 17, "icmp")
    assert (ping["sport"], ping["dport"]) == (None, None)
    assert ping["community_id"]
    assert (sctp["proto"], sctp["classification"], sctp["priority"]) == ("sctp", "misc-activity", 3)


def test_a_refused_rule_is_said_with_its_line_and_the_others_run(tmp_path: Path) -> None:
    (tmp_path / "a.rules").write_text(
        "# none\n" + SHORT.replace("content", "kontent") % ("x", "x", 1) + SHORT % ("y", "evil", 2)
    )
    (tmp_path / "x.pcap").write_bytes(pcap([(1, ethernet(ipv4(tcp(b"evil"))))]))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        assert [row["sid"] for row in alerts(tmp_path / "x.pcap", rules=str(tmp_path / "a.rules"))] == [2]
    assert any(
        "a.rules: line 2: rule refused by Suricata" in str(one.message) and "kontent" in str(one.message)
        for one in said
    )


def test_no_rule_at_all_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.rules").write_text("# none\n")
    with pytest.raises(EngineError, match="loaded no rule"):
        alerts(DEMO, rules=str(tmp_path / "a.rules"))


def test_rules_that_are_not_there() -> None:
    with pytest.raises(OptionError, match="no such file or folder: /no/such"):
        alerts(DEMO, rules="/no/such")
    with pytest.raises(OptionError, match=r"flows:N"):
        alerts(DEMO, parallel="pairs:2")
    with pytest.raises(OptionError, match="cannot be run"):
        alerts(DEMO, binary="/bin/true")


def test_a_configuration_of_the_users(tmp_path: Path) -> None:
    """Ours comes on top: alerts go where we read them, sessions without their begin are picked up."""
    (tmp_path / "mine.yaml").write_text('%YAML 1.1\n---\nvars:\n  address-groups: { HOME_NET: "[10.0.0.0/8]" }\n')
    (tmp_path / "a.rules").write_text(SHORT % ("evil", "evil", 1))
    (tmp_path / "x.pcap").write_bytes(pcap([(1, ethernet(ipv4(tcp(b"evil"))))]))
    options = {"rules": str(tmp_path / "a.rules"), "conf": str(tmp_path / "mine.yaml")}
    assert [row["sid"] for row in alerts(tmp_path / "x.pcap", **options)] == [1]


def test_in_pig_all_captures_of_a_sensor_come_to_one_engine(
    demo: list[dict[str, Any]], pig: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    script = f"a = LOAD '{DEMO}' USING SuricataLoader(); b = FOREACH a GENERATE ts, sid; DUMP b;"
    result = pig("-Dpacketpig.split.bytes=100000", "-e", script, cwd=ROOT)
    assert result.returncode == 0, result.stderr
    rows = [line for line in result.stdout.splitlines() if line.startswith("(")]
    assert sorted(rows) == sorted(f"({_java(row['ts'])},{row['sid']})" for row in demo)


def _java(value: float) -> str:
    digits, exponent = f"{value:.16e}".split("e")
    shortest = repr(float(digits))
    for places in range(1, 17):
        if float(f"{value:.{places}e}") == value:
            shortest = f"{value:.{places}e}".split("e")[0]
            break
    return f"{shortest}E{int(exponent)}"


def test_own_rules_are_loaded_whole(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        alerts(next(iter(sorted(DEMO.iterdir()))), rules=str(own()))


@pytest.mark.parametrize("local", [True, False])
def test_under_pig_far_captures_too(demo: list[dict[str, Any]], local: bool) -> None:
    """Their bytes come through Pig, while rows go there."""
    captures = [capture(path, local) for path in sorted(DEMO.iterdir())]
    rows, messages = Session(captures, loader="suricata", columns=["ts", "sid", "capture"]).run()
    assert messages[-1].get("done"), messages[-1]
    wanted = [{name: row[name] for name in ("ts", "sid", "capture")} for row in demo]
    assert sorted(map(str, rows)) == sorted(map(str, wanted))
