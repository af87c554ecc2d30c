"""Run all anomalies over labelled captures, and count what is found, what is missed and what is a false alarm.

    python -m tests.fidelity.anomalies [FOLDER…]

Without folders: the demo captures, labelled by truth.json, and tests/captures/anomalies, labelled by labels.json
there. Folders add captures, each as a sensor of its own: those of public test suites in LABELS hold attacks, and what
is found in others is listed, to be judged by eye. Prints a table a kind. Exit code: 1 if a labelled attack is missed or
a capture that is labelled normal has anomalies.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from tests.conftest import DEMO, ROOT

MADE = ROOT / "tests/captures/anomalies"
INTERNAL = "10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fc00::/7,2001:db8::/32"
COLUMNS = "sensor ts end_ts kind severity src dst dport proto count score detail session_id".split()
# captures of nDPI's and Zeek's tests that hold an attack of a kind
LABELS = {
    "synscan.pcap": "port_scan",
    "tcp_scan.pcapng": "port_scan",
    "ftp_bruteforce.pcap": "ftp_guessing",
    "dns-tunnel-iodine.pcap": "dns_tunnel",
    "bad-dns-traffic.pcap": "dns_tunnel",
}
STEPS = {
    "port scan": "port_scan",
    "password guessing, HTTP form": "http_guessing",
    "password guessing, FTP": "ftp_guessing",
    "beacon": "beacon",
    "file spelled in DNS names": "dns_tunnel",
}
Row = dict[str, Any]
SCRIPT = """
sessions = SENSOR_SESSIONS('$pcap', 'true');
dns = LOAD '$pcap' USING DnsLoader('sensors=folders');
found = ANOMALIES(sessions, dns, '$internal');
STORE found INTO '$output' USING PigStorage('\\t');
"""


def captures(more: list[Path]) -> list[Path]:
    """The captures below folders."""
    return sorted(path for top in more for path in top.rglob("*.pcap*") if path.is_file())


def arranged(folder: Path, more: list[Path]) -> None:
    """Each capture a sensor of its own, in FOLDER; the demo's are one."""
    wanted = {"demo": sorted(DEMO.iterdir())}
    wanted |= {path.name: [path] for path in sorted(MADE.glob("*.pcap*"))}
    wanted |= {path.name: [path] for path in captures(more)}
    for sensor, paths in wanted.items():
        (folder / sensor).mkdir()
        for path in paths:
            (folder / sensor / path.name).symlink_to(path.resolve())


def run(more: list[Path]) -> list[Row]:
    """All anomalies of all of them."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "in").mkdir()
        arranged(folder / "in", more)
        script = folder / "script.pig"
        script.write_text(SCRIPT)
        values = {"pcap": folder / "in", "output": folder / "out", "internal": INTERNAL}
        parameters = [word for key, value in values.items() for word in ("-p", f"{key}={value}")]
        result = subprocess.run([str(ROOT / "bin/pig"), *parameters, str(script)], capture_output=True, text=True)
        if result.returncode:
            raise SystemExit(result.stderr)
        lines = [line for part in sorted((folder / "out").glob("part-*")) for line in part.read_text().splitlines()]
    return [dict(zip(COLUMNS, line.split("\t"), strict=True)) for line in lines]


def expected(sensors: set[str]) -> dict[tuple[str, str], int]:
    """How many attacks of each kind are in each of these: (sensor, kind) → number."""
    truth = json.loads((ROOT / "tests/captures/truth.json").read_text())
    kinds = {STEPS[step["name"]] for step in truth["break_in"] if step["name"] in STEPS}
    wanted = Counter({("demo", kind): 1 for kind in kinds})
    for name, label in json.loads((MADE / "labels.json").read_text()).items():
        if "kind" in label:
            wanted[name, label["kind"]] += 1
    wanted.update((name, kind) for name, kind in LABELS.items() if name in sensors)
    return wanted


def false_alarm(row: Row) -> bool | None:
    """Whether a row speaks of normal traffic; None: the capture has no label."""
    if row["sensor"] == "demo":
        rules = json.loads((ROOT / "tests/captures/truth.json").read_text())["label_rules"]
        signs = {rule.get("address") or rule.get("domain") for rule in rules if rule["label"] == "attack"}
        return not (signs & {row["src"], row["dst"]} or any(sign in row["detail"] for sign in signs))
    labels = json.loads((MADE / "labels.json").read_text())
    if row["sensor"] in labels:
        return bool(labels[row["sensor"]]["label"] == "normal")
    return False if row["sensor"] in LABELS else None


def main() -> int:
    """Print the table."""
    more = [Path(name) for name in sys.argv[1:]]
    rows = run(more)
    wanted = expected({path.name for path in captures(more)})
    there = Counter((row["sensor"], row["kind"]) for row in rows)
    table: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for (sensor, kind), number in wanted.items():
        table[kind][0] += number
        table[kind][1] += min(number, there[sensor, kind])
        if there[sensor, kind] < number:
            print(f"missed: {kind} in {sensor}")
    for row in rows:
        verdict = false_alarm(row)
        table[row["kind"]][2] += verdict is True
        table[row["kind"]][3] += verdict is None
        if verdict is not False:
            print(f"{'false alarm' if verdict else 'no label'}: " + " ".join(f"{row[column]}" for column in COLUMNS))
    print(f"{'kind':<16}{'attacks':>9}{'found':>7}{'false alarms':>14}{'without label':>15}")
    for kind, numbers in sorted(table.items()):
        print(f"{kind:<16}{numbers[0]:>9}{numbers[1]:>7}{numbers[2]:>14}{numbers[3]:>15}")
    ours = {key: number for key, number in wanted.items() if key[0] not in LABELS}
    missed = any(there[key] < number for key, number in ours.items())
    return int(missed or any(false_alarm(row) for row in rows))


if __name__ == "__main__":
    sys.exit(main())
