"""Anomalies: on labelled captures what is there is found and nothing else; thresholds and scores are as documented."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.fidelity.anomalies import COLUMNS, expected, false_alarm
from tests.fidelity.anomalies import run as run_labelled

Pig = Callable[..., subprocess.CompletedProcess[str]]
MACROS = (ROOT / "pig/macros/anomalies.pig").read_text()
SCHEMA = (
    "sensor:chararray, ts:double, session_id:chararray, proto:chararray, src:chararray, sport:int, dst:chararray, "
    "dport:int, end_ts:double, duration:double, service:chararray, state:chararray, src_packets:long, "
    "dst_packets:long, src_bytes:long, dst_bytes:long"
)
QUESTIONS = (
    "sensor:chararray, ts:double, session_id:chararray, proto:chararray, src:chararray, dst:chararray, dport:int, "
    "kind:chararray, section:chararray, name:chararray"
)


class Sessions:
    """Rows as SessionLoader gives them; each case is a sensor."""

    def __init__(self) -> None:
        self.rows: list[str] = []
        self.questions: list[str] = []

    def add(self, sensor: str, ts: float, **columns: object) -> None:
        row: dict[str, object] = {
            "sensor": sensor, "ts": ts, "session_id": f"s{len(self.rows)}", "proto": "tcp", "src": "192.0.2.1",
            "sport": 40000, "dst": "10.0.0.1", "dport": 80, "end_ts": ts + 1, "duration": 1.0, "service": "",
            "state": "SF", "src_packets": 5, "dst_packets": 5, "src_bytes": 100, "dst_bytes": 100,
        }  # fmt: skip
        self.rows.append("\t".join(str(value) for value in (row | columns).values()))

    def ask(self, sensor: str, name: str, kind: str = "query") -> None:
        row = (sensor, 10.0, "q", "udp", "10.0.0.7", "10.0.0.53", 53, kind, "question", name)
        self.questions.append("\t".join(str(value) for value in row))

    def found(self, pig: Pig, folder: Path) -> dict[str, list[dict[str, str]]]:
        """All anomalies of each sensor."""
        (folder / "sessions").write_text("\n".join(self.rows) + "\n")
        (folder / "dns").write_text("\n".join(self.questions) + "\n")
        script = folder / "script.pig"
        script.write_text(
            f"s = LOAD '{folder}/sessions' AS ({SCHEMA}); d = LOAD '{folder}/dns' AS ({QUESTIONS});"
            f"a = ANOMALIES(s, d, '10.0.0.0/8'); STORE a INTO '{folder}/out';"
        )
        result = pig(script)
        assert result.returncode == 0, result.stderr
        lines = [line for part in sorted((folder / "out").glob("part-*")) for line in part.read_text().splitlines()]
        found: dict[str, list[dict[str, str]]] = {}
        for line in lines:
            row = dict(zip(COLUMNS, line.split("\t"), strict=True))
            found.setdefault(row["sensor"], []).append(row)
        return found


def cases() -> Sessions:
    """Traffic at the thresholds, and just below."""
    s = Sessions()
    vain = {"src_bytes": 0, "dst_bytes": 0, "state": "REJ"}
    for ports in (24, 25, 100):  # the last: 75 of 100 in vain
        for port in range(ports):
            answered = ports == 100 and port % 4 == 0
            s.add(f"scan{ports}", 1000.0 + port, dport=1 + port, **({} if answered else vain))
    for host in range(30):  # across the begin of an hour
        s.add("hosts", 7190.0 + host, dst=f"10.0.0.{host}", dport=445, **vain)
    for number in range(499):
        s.add("flood499", 100.0 + number / 100, src=f"192.0.2.{number % 7}", sport=number, state="S0", src_bytes=0,
              dst_bytes=0, src_packets=1, dst_packets=0)  # fmt: skip
    for number in range(1000):
        s.add("flood1000", 97.0 + number / 250, src=f"192.0.2.{number % 7}", sport=number, state="S0", src_bytes=0,
              dst_bytes=0, src_packets=1, dst_packets=0)  # fmt: skip
    # one ping for an hour, ten a second: not a flood; 200 a second: one
    for sensor, packets in (("ping", 36_000), ("pings", 720_000)):
        s.add(sensor, 0.5, proto="icmp", sport=8, dport=0, duration=3600.0, end_ts=3600.5, src_packets=packets)
    for number in range(10):
        s.add("ssh", 290.0 + number * 2, dport=22, service="ssh", src_bytes=1400, dst_bytes=2000)
        s.add("scp", 290.0 + number * 2, dport=22, service="ssh", src_bytes=1400, dst_bytes=200_000)
        s.add("ftp", 290.0 + number * 2, dport=21, service="ftp")
        s.add("transfers", 290.0 + number * 2, dport=21, service="ftp")
        if number < 6:
            s.add("transfers", 290.5 + number * 2, dport=50_000 + number, service="")
    s.add("ftp", 300.0, src="10.0.0.1", sport=20, dst="192.0.2.1", dport=50_000)  # from the server: active
    for number in range(30):
        s.add("beacon", 60.0 * number, service="http")
        s.add("dns", 60.0 * number, service="dns", dport=53, proto="udp")
    s.add("foreign", 5.0, service="ssh", dport=443)
    s.add("foreign", 6.0, service="ssh", dport=443, src="192.0.2.2")
    s.add("midstream", 5.0, service="ssh", sport=22, dport=50_000, state="OTH")
    for ts, port in ((0.0, 80), (129_599.0, 81), (259_200.0, 82)):
        s.add("first", ts, src="10.0.0.9", dst="192.0.2.1", dport=port)
    s.add("nulls", 1.0, dport="", sport="", service="", proto="47", src_bytes=0, dst_bytes=0, state="")
    s.add("nulls", -1e9, dport=0, src_packets=2**62, dst_packets=0, proto="udp", duration=0.0)
    for number in range(40):  # 40 names with 30 characters each: just enough; asked twice, in other letters
        s.ask("tunnel", f"{number:030d}.evil.co.uk")
        s.ask("tunnel", f"{number:030d}.EVIL.co.uk")
        s.ask("answers", f"{number:030d}.evil.co.uk", "response")
        s.ask("few", f"{min(number, 38):031d}.evil.co.uk")
        s.ask("reverse", f"{'.'.join(str(number))}.{'0.' * 15}ip6.arpa")
        s.ask("octets", f"{number:030d}\\\\195\\\\[.evil\\\\255.test")
    return s


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, str]]]:
    def pig(script: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run([str(ROOT / "bin/pig"), str(script)], capture_output=True, text=True, check=False)

    return cases().found(pig, tmp_path_factory.mktemp("anomalies"))


def one(rows: list[dict[str, str]], kind: str) -> dict[str, str]:
    (row,) = [row for row in rows if row["kind"] == kind]
    return row


def test_scans(found: dict[str, list[dict[str, str]]]) -> None:
    assert "scan24" not in found
    row = one(found["scan25"], "port_scan")
    assert (row["ts"], row["end_ts"], row["dst"], row["dport"]) == ("1000.0", "1025.0", "10.0.0.1", "")
    assert (row["severity"], row["count"], float(row["score"]), row["session_id"]) == ("3", "25", 0.5, "s24")
    row = one(found["scan100"], "port_scan")
    assert (row["count"], float(row["score"])) == ("100", pytest.approx((1 - 0.5 * 25 / 75) * 75 / 100))
    assert row["ts"] == "1001.0"  # the first in vain
    row = one(found["hosts"], "host_scan")
    assert (row["dst"], row["dport"], row["count"]) == ("", "445", "30")


def test_floods(found: dict[str, list[dict[str, str]]]) -> None:
    assert "flood499" not in found
    row = one(found["flood1000"], "syn_flood")
    assert (row["src"], row["dst"], row["dport"], row["count"]) == ("", "10.0.0.1", "80", "1000")
    assert (float(row["score"]), row["detail"]) == (0.75, "packets in 10 s, of 7 sources")
    assert "ping" not in found
    assert (one(found["pings"], "icmp_flood")["count"], one(found["pings"], "icmp_flood")["src"]) == (
        "2000",
        "192.0.2.1",
    )


def test_guessing(found: dict[str, list[dict[str, str]]]) -> None:
    assert (one(found["ssh"], "ssh_guessing")["count"], one(found["ssh"], "ssh_guessing")["dport"]) == ("10", "22")
    assert "scp" not in found
    assert "transfers" not in found
    row = one(found["ftp"], "ftp_guessing")
    assert (row["count"], float(row["score"])) == ("9", pytest.approx((1 - 0.5 * 5 / 9) * 9 / 10))


def test_beacons(found: dict[str, list[dict[str, str]]]) -> None:
    row = one(found["beacon"], "beacon")
    assert (row["count"], float(row["score"])) == ("30", pytest.approx(1 - 1 / 30))
    assert row["detail"] == "every 60.0 s, jitter 0.0 s, 6000 bytes"
    assert "dns" not in found


def test_ports(found: dict[str, list[dict[str, str]]]) -> None:
    row = one(found["foreign"], "foreign_port")
    assert (row["src"], row["dport"], row["count"], row["detail"], row["score"]) == ("", "443", "2", "ssh", "0.75")
    assert "midstream" not in found
    row = one(found["first"], "first_port")
    assert (row["src"], row["dst"], row["dport"], float(row["score"])) == ("10.0.0.9", "192.0.2.1", "82", 0.75)


def test_dns_tunnels(found: dict[str, list[dict[str, str]]]) -> None:
    row = one(found["tunnel"], "dns_tunnel")
    assert (row["src"], row["dst"], row["count"], row["severity"]) == ("10.0.0.7", "10.0.0.53", "40", "2")
    assert (float(row["score"]), row["detail"]) == (0.25, "names with 1200 characters below evil.co.uk")
    assert one(found["octets"], "dns_tunnel")["count"] == "40"  # no name of a host, and a tunnel all the same
    assert not {"answers", "few", "reverse"} & set(found)


def test_odd_rows_harm_nothing(found: dict[str, list[dict[str, str]]]) -> None:
    assert [row["kind"] for row in found["nulls"]] == ["udp_flood"]


def test_labelled_captures() -> None:
    rows = run_labelled([])
    there = Counter((row["sensor"], row["kind"]) for row in rows)
    assert [key for key, number in expected(set()).items() if there[key] < number] == []
    assert [row for row in rows if false_alarm(row)] == []


def test_scripts_have_the_thresholds_of_the_macro() -> None:
    body = MACROS[MACROS.index("DEFINE ANOMALIES(") :]
    calls = re.findall(r"(ANOMALY_\w+)\(([^)]*)\)", body)
    for path in (ROOT / "pig/anomalies").glob("*.pig"):
        text = path.read_text()
        defaults = dict(re.findall(r"^%default (\w+) '?([^'\n]*)'?$", text, re.MULTILINE))
        for name, arguments in re.findall(r"(ANOMALY_\w+)\(\w+, ([^)]*)\)", text):
            own = [
                "$internal" if word == "'$internal'" else defaults[word.strip("'$")] for word in arguments.split(", ")
            ]
            (of_macro,) = [words.split(", ")[1:] for called, words in calls if called == name]
            assert own == [word.strip("'") for word in of_macro], path
    assert {name for name, _ in calls} == set(re.findall(r"DEFINE (ANOMALY_\w+)\(", MACROS))


def test_the_pipeline_has_the_thresholds_of_the_macro() -> None:
    """What it makes by windows is of two macros each: those of bins (or sums), and those that put them together."""
    body = MACROS[MACROS.index("DEFINE ANOMALIES(") :]
    texts = [(ROOT / f"pig/pipeline/{name}.pig").read_text() for name in ("shapes", "anomalies")]

    def calls(text: str) -> dict[str, list[str]]:
        found = re.findall(r"= ([A-Z_]+)\(\S+?(?:, ([^)]*))?\);", text)
        return {name: words.replace("'", "").split(", ") if words else [] for name, words in found}

    by_window, at_once = calls(texts[0]) | calls(texts[1]), calls(body)
    for name, halves in {
        "ANOMALY_SCANS": ("SCAN_BINS", "SCANS_OF_BINS"),
        "ANOMALY_FLOODS": ("FLOOD_BINS", "FLOODS_OF_BINS"),
        "ANOMALY_GUESSING": ("GUESS_BINS", "GUESSES_OF_BINS"),
        "ANOMALY_BEACONS": ("CALLS", "BEACONS_OF_CALLS"),
        "ANOMALY_FOREIGN_PORTS": ("FOREIGN_TALKS", "FOREIGN_PORTS_OF_TALKS"),
        "ANOMALY_FIRST_PORTS": ("PORT_USES", "FIRST_PORTS_OF_USES"),
        "ANOMALY_DNS_TUNNELS": ("TUNNEL_BINS", "TUNNELS_OF_BINS"),
    }.items():
        assert sorted(by_window.pop(halves[0]) + by_window.pop(halves[1])) == sorted(at_once.pop(name)), name
    assert not at_once
    assert not by_window
