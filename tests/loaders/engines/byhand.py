"""Engines run by hand: on one capture that mergecap made of all, with the settings that our loaders use."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from packetpig.loaders.captures.finding import find, in_time_order
from packetpig.loaders.engines import snort2 as two
from packetpig.loaders.engines import snort3
from packetpig.loaders.engines.suricata import Suricata, address, micros

Key = tuple[object, ...]


def merged(captures: Sequence[str], path: Path) -> Path:
    """One microsecond pcap of all captures. Of packets of one time, mergecap takes the last file's first."""
    ordered = [one.path for one in in_time_order(find([str(one) for one in captures]))]
    subprocess.run(["mergecap", "-F", "pcap", "-w", str(path), *reversed(ordered)], check=True)
    return path


def suricata(capture: Path, setup: object, folder: Path, program: str = "suricata") -> list[Key]:
    """Its alerts: time in microseconds, flow, rule."""
    folder.mkdir(exist_ok=True)
    log = folder / "eve.json"
    command = Suricata(program, setup, None).command(folder, str(log))  # type: ignore[arg-type]
    command[command.index("/dev/stdin")] = str(capture)
    subprocess.run(command, check=True, capture_output=True, cwd=folder, env={**os.environ, "TZ": "UTC"})
    events = [json.loads(line) for line in log.read_text().splitlines()]
    ends = {one["flow_id"]: one["flow"]["end"] for one in events if one["event_type"] == "flow"}
    found = []
    for one in events:
        if one["event_type"] == "alert":
            time = one["timestamp"] if "pcap_cnt" in one else ends[one["flow_id"]]
            ends_of_it = address(one["src_ip"]), one.get("src_port"), address(one["dest_ip"]), one.get("dest_port")
            alert = (one["alert"][name] for name in ("gid", "signature_id", "rev", "severity", "signature"))
            found.append((micros(time), *ends_of_it, *alert))
    return sorted(found)


def snort(capture: Path, setup: object, folder: Path, program: str = "") -> list[Key]:
    """Its alerts: time in microseconds, flow, rule."""
    folder.mkdir(exist_ok=True)
    found = program or snort3.find("")
    assert found
    command = snort3.Snort(found, setup, None).command(folder, "")  # type: ignore[arg-type]
    command[command.index("/dev/stdin")] = str(capture)
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=folder)
    rows = []
    for line in done.stdout.splitlines():
        values = line.split(snort3.SEPARATOR)
        if len(values) == len(snort3.FIELDS):
            one = dict(zip(snort3.FIELDS, values, strict=True))
            ports = [int(one[name]) if one[name] else None for name in ("src_port", "dst_port")]
            numbers = [int(one[name]) for name in ("gid", "sid", "rev", "priority")]
            time = int(one["seconds"]) * 1_000_000 + int(one["timestamp"].rsplit(".", 1)[1])
            message = json.loads(one["msg"]) if one["msg"].startswith('"') else one["msg"]
            rows.append((time, one["src_addr"], ports[0], one["dst_addr"], ports[1], *numbers, message))
    return sorted(rows)


def snort2(capture: Path, setup: object, folder: Path, program: str) -> list[Key]:
    """Its alerts: time in microseconds, flow, rule."""
    folder.mkdir(exist_ok=True)
    command = two.Snort(program, setup, None).command(folder, "")  # type: ignore[arg-type]
    command[command.index("/dev/stdin")] = str(capture)
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=folder)
    rows = []
    for line in done.stdout.splitlines():
        time, rule, rest = line.split("  [**] ")[0], *line.split(" [**] ")[1:]
        numbers, _, message = rule.partition(" ")
        priority = int(rest.split("[Priority: ")[1].split("]")[0])
        proto, _, flow = rest.rpartition("{")[2].partition("} ")
        ends = [_end(end, proto in ("TCP", "UDP")) for end in flow.split(" -> ")]
        micros = round(datetime.strptime(time, "%m/%d/%y-%H:%M:%S.%f").replace(tzinfo=UTC).timestamp() * 1e6)
        rows.append((micros, *ends[0], *ends[1], *map(int, numbers.strip("[]").split(":")), priority, message))
    return sorted(rows)


def _end(text: str, ports: bool) -> tuple[str, int | None]:
    address, _, port = text.rpartition(":") if ports else (text, "", "")
    return address, int(port) if port else None
