"""Suricata 7: its configuration for archives, its command, its EVE log.

Source: Suricata's user guide (docs.suricata.io), suricata.yaml and EVE JSON.
"""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from packetpig.loaders.contract.report import Report
from packetpig.loaders.engines.detection import MOST_ALERTS, Alert, Setup, tell_left_out
from packetpig.loaders.engines.process import Engine, EngineError
from packetpig.loaders.engines.rules import NETWORKS, PORTS, Rules
from packetpig.loaders.engines.trail import Trail

NAME = "suricata"
OWN = Path(__file__).with_name("suricata.yaml")
MOST_REFUSALS = 20  # rules that are named one by one
ALWAYS = """
vars:
  address-groups: {networks}
  port-groups: {ports}
# from here on the same for any configuration
default-log-dir: {folder}
outputs:
  - eve-log:
      enabled: yes
      filetype: regular
      filename: {records}
      types:
        - alert: {{ metadata: {{ app-layer: no, flow: yes, rule: {{ metadata: no, raw: no }} }} }}
        - flow
        - stats: {{ totals: yes, threads: no, deltas: no }}
stats: {{ enabled: yes, interval: 3600 }}
logging:
  default-log-level: info
  outputs:
    - console: {{ enabled: yes }}
pcap-file: {{ checksum-checks: no }}
default-rule-path: /
rule-files: {rules}
classification-file: {classes}
"""
SETTINGS = {  # single ones, by their place in the configuration
    "stream.checksum-validation": "no",
    "stream.midstream": "true",
    "stream.async-oneway": "false",
    "stream.inline": "no",
    "stream.reassembly.randomize-chunk-size": "no",
    "app-layer.protocols.http.libhtp.default-config.randomize-inspection-sizes": "no",
    "capture.checksum-validation": "none",
    "packet-alert-max": str(MOST_ALERTS),
    "unix-command.enabled": "no",
}
PROTOCOLS = {"IPv6-ICMP": "icmp6", "ICMP": "icmp", "ICMPv6": "icmp6"}
_RULE = re.compile(r'error parsing signature "(.*)" from file (.*) at line (\d+)')
_ALERT, _STATS = b'"event_type":"alert"', b'"event_type":"stats"'  # quotes within strings have a backslash before them
_FLOW = re.compile(rb'^\{"timestamp":"[^"]*","flow_id":(\d+),[^\n]{0,80}?"event_type":"flow".*$', re.M)
_LOADED = re.compile(r"(\d+) rules successfully loaded, (\d+) rules failed")


def find(binary: str) -> str | None:
    """See detection.Known."""
    program = shutil.which(binary or os.environ.get("PACKETPIG_SURICATA") or "suricata")
    return program if program and "Suricata" in _version(program) else None


def _version(program: str) -> str:
    try:
        return subprocess.run([program, "-V"], capture_output=True, text=True, timeout=60, check=False).stdout
    except OSError:
        return ""


def prepare(program: str, setup: Setup, report: Report) -> Sequence[Engine[Alert]]:
    """See detection.Known."""
    return [Suricata(program, setup, report, lane == 0) for lane in range(setup.lanes)]


class Suricata:
    """One run. FIRST: it is the one that says what is wrong with the rules."""

    name = "Suricata"
    separate = True
    line_by_line = False

    def __init__(self, program: str, setup: Setup, report: Report, first: bool = True) -> None:
        self._program, self._setup, self._report, self._first = program, setup, report, first
        self._rules: Rules = setup.rules
        self._seen: int | None = None
        self._refused = 0
        self._loaded: int | None = None
        self._reason = ""
        self._invalid = self._lost = 0
        self._waiting: dict[int, list[dict]] = {}  # type: ignore[type-arg]

    def command(self, folder: Path, records: str) -> list[str]:
        """See process.Engine."""
        conf = Path(self._setup.conf).expanduser().resolve() if self._setup.conf else OWN
        if not conf.is_file():
            raise EngineError(f"Suricata: no such configuration: {conf}")
        quoted = [json.dumps(str(path)) for path in self._rules.files]
        text = (
            "%YAML 1.1\n---\n"
            + f"include: {json.dumps(str(conf))}\n"
            + ALWAYS.format(
                folder=json.dumps(str(folder)),
                networks=json.dumps(self._networks()),
                ports=json.dumps(PORTS),
                records=records,
                rules=f"[{', '.join(quoted)}]",
                classes=json.dumps(str(self._rules.classes)),
            )
        )
        own = folder / "packetpig.yaml"
        own.write_text(text)
        sets = [word for name, value in SETTINGS.items() for word in ("--set", f"{name}={value}")]
        log = ["-l", str(folder), "--runmode", "single", "-k", "none"]
        return [self._program, "-c", str(own), "-r", "/dev/stdin", *log, *sets]

    def _networks(self) -> dict[str, str]:
        home = f"[{self._setup.home}]"
        external = f"!{home}" if self._setup.external == "!home" else self._setup.external
        return {"HOME_NET": home, "EXTERNAL_NET": external, **NETWORKS}

    def records(self, lines: bytes, trail: Trail) -> Iterator[Alert]:
        """See process.Engine. Most lines are ends of sessions, looked at only while an alert waits for one."""
        at = 0
        while (found := lines.find(_ALERT, at)) >= 0:
            begin, end = lines.rfind(b"\n", at, found) + 1, lines.find(b"\n", found)
            yield from self._ended(lines, at, begin or at, trail)
            event = json.loads(lines[begin or at : end if end >= 0 else len(lines)])
            if "pcap_cnt" in event or "flow_id" not in event:
                yield self._alert(event, trail)
            else:
                self._waiting.setdefault(event["flow_id"], []).append(event)
            at = end if end >= 0 else len(lines)
        yield from self._ended(lines, at, len(lines), trail)
        if (found := lines.find(_STATS)) >= 0:
            stats = json.loads(lines[lines.rfind(b"\n", 0, found) + 1 :].split(b"\n", 1)[0])["stats"]
            self._seen, self._invalid = stats["decoder"]["pkts"], stats["decoder"]["invalid"]
            self._lost = stats["detect"].get("alert_queue_overflow", 0)

    def _ended(self, lines: bytes, begin: int, end: int, trail: Trail) -> Iterator[Alert]:
        """Sessions have ended: what was found in the rest of one has the time of its last packet.

        The engine stamps such alerts with the time at which a thread of its own noticed, which differs from run to run.
        """
        for found in _FLOW.finditer(lines, begin, end) if self._waiting else ():
            for event in self._waiting.pop(int(found[1]), []):
                event["timestamp"] = json.loads(found[0])["flow"]["end"]
                yield self._alert(event, trail)

    def rest(self, trail: Trail) -> Iterator[Alert]:
        """See process.Engine."""
        for events in self._waiting.values():
            for event in events:
                yield self._alert(event, trail)

    def _alert(self, event: dict, trail: Trail) -> Alert:  # type: ignore[type-arg]
        alert = event["alert"]
        place = trail.place(event.get("pcap_cnt"), micros(event["timestamp"]))
        src, sport = event.get("src_ip"), event.get("src_port")
        flow = event.get("flow", {})
        opener = (src, sport) == (flow["src_ip"], flow.get("src_port")) if "src_ip" in flow else None
        proto = event.get("proto", "")
        return Alert(
            time=place.time,
            capture=place.capture,
            proto=PROTOCOLS.get(proto, proto.lower()),
            src=address(src),
            sport=sport,
            dst=address(event.get("dest_ip")),
            dport=event.get("dest_port"),
            opener=opener,
            gid=alert["gid"],
            sid=alert["signature_id"],
            rev=alert["rev"],
            priority=alert["severity"],
            classification=self._rules.names.get(alert["category"], alert["category"]) or None,
            message=alert["signature"],
            kind=event.get("icmp_type"),
            code=event.get("icmp_code"),
        )

    def word(self, line: str) -> None:
        """See process.Engine: a rule that is refused has its reason said before."""
        refused = _RULE.search(line)
        if refused:
            self._refused += 1
            if self._first and self._refused <= MOST_REFUSALS:
                why = f": {self._reason}" if self._reason else ""
                self._report.warn(
                    f"{refused[2]}: line {refused[3]}: rule refused by Suricata{why}; it goes on without it"
                )
            self._reason = ""
        elif loaded := _LOADED.search(line):
            self._loaded = int(loaded[1])
        elif line.startswith(("E:", "Error:")):
            self._reason = line.split(": ", 2)[-1]

    def complaint(self) -> str:
        """See process.Engine."""
        return self._reason

    def check(self, given: int) -> None:
        """See process.Engine."""
        if self._first:
            self._report.count("rules", self._loaded or 0)
            self._report.count("rules refused", self._refused)
        if self._first and self._refused > MOST_REFUSALS:
            self._report.warn(f"Suricata refused {self._refused} rules; the first {MOST_REFUSALS} are named above")
        if not self._loaded:
            raise EngineError(f"Suricata loaded no rule at all{': ' + self._reason if self._reason else ''}")
        self._report.count("packets the engine could not decode", self._invalid)
        tell_left_out(self.name, self._lost, self._report)
        if self._seen != given:
            raise EngineError(f"Suricata saw {self._seen} of {given} packets, and ended as if all was well")


@functools.lru_cache(1 << 16)
def address(text: str | None) -> str | None:
    """An address as everybody else writes it: Suricata's of IPv6 have all their zeros."""
    if text is None or ":" not in text:
        return text
    return socket.inet_ntop(socket.AF_INET6, socket.inet_pton(socket.AF_INET6, text))


def micros(text: str) -> int:
    """Microseconds of a time as EVE has it: 2024-03-05T21:04:40.082812+0000. The engine runs in UTC."""
    whole, _, part = text[:-5].partition(".")
    seconds = int(datetime.fromisoformat(whole + "+00:00").timestamp())
    return seconds * 1_000_000 + int(part)
