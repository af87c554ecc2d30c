"""Snort 3: its configuration for archives, its command, its alerts as CSV.

Source: the Snort 3 user manual and reference.

Rules written for Snort 2.9 are converted by Snort's own snort2lua, and their thresholds with them, to event filters.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from packetpig.loaders.contract.report import Report
from packetpig.loaders.engines.detection import MOST_ALERTS, Alert, Setup, tell_left_out
from packetpig.loaders.engines.process import Engine, EngineError
from packetpig.loaders.engines.rules import NETWORKS, PORTS
from packetpig.loaders.engines.trail import Trail

NAME = "snort3"
OWN = Path(__file__).with_name("snort.lua")
SEPARATOR = "\x1f"  # no message of a rule has it
FIELDS = (
    "pkt_num seconds timestamp proto src_addr src_port dst_addr dst_port dir gid sid rev priority class icmp_type "
    "icmp_code msg"
).split()
DEFAULTS = "snort_defaults.lua"
LIMITS = ("match_limit", "queue_limit", "log_limit")  # counts of what it left out
PATIENCE = 600  # seconds that a conversion or a check of rules may take
MOST_REFUSALS = 20  # rules that are named one by one
PROTOCOLS = {"TCP": "tcp", "UDP": "udp", "ICMP": "icmp", "ICMP4": "icmp", "ICMP6": "icmp6", "IP": "ip"}
_VERSION = re.compile(r"Version (\d+)\.(\d+)")
_OLD = (
    re.compile(  # options that only rules of Snort 2.9 have in this form, or in this place: http_uri after its content
        rb"[;(] *(nocase|uricontent:|threshold:|depth:|offset:|distance:|within:|fast_pattern *[;:]|rawbytes"
        rb"|http_\w+; *(flow|classtype|sid|rev|reference|metadata|priority|gid|flowbits|detection_filter) *:"
        rb'|pcre: *!?"/[^"]*/[a-zA-Z]*[UIPHDMCKSYB][a-zA-Z]*")'
    )
)
_FILTERS = re.compile(r"^event_filter =\n\{\n.*?^\}\n", re.M | re.S)
_ERROR = re.compile(r"ERROR: (?:.*?([^/\s:]+\.rules):(\d+) )?(.*)")
_SID = re.compile(r"\bsid: *(\d+)")


def find(binary: str) -> str | None:
    """See detection.Known."""
    program = shutil.which(binary or os.environ.get("PACKETPIG_SNORT") or "snort")
    return program if program and version(program)[:1] == (3,) else None


def version(program: str) -> tuple[int, ...]:
    """The version of a Snort, or nothing."""
    try:
        done = subprocess.run([program, "-V"], capture_output=True, text=True, timeout=60, check=False)
    except OSError:
        return ()
    found = _VERSION.search(done.stdout + done.stderr)
    return (int(found[1]), int(found[2])) if found else ()


def of_old_form(path: Path) -> bool:
    """Whether a file has rules in the form of Snort 2.9, so that all of it is converted."""
    return bool(_OLD.search(path.read_bytes()))


def prepare(program: str, setup: Setup, report: Report) -> Sequence[Engine[Alert]]:
    """See detection.Known."""
    return [Snort(program, setup, report) for _ in range(setup.lanes)]


class Snort:
    """One run."""

    name = "Snort 3"
    separate = False
    line_by_line = False

    def __init__(self, program: str, setup: Setup, report: Report) -> None:
        self._program, self._setup, self._report = program, setup, report
        self._counts: dict[str, int] = {}
        self._errors: list[str] = []

    def command(self, folder: Path, records: str) -> list[str]:
        """See process.Engine."""
        conf = Path(self._setup.conf).expanduser().resolve() if self._setup.conf else OWN
        if not conf.is_file():
            raise EngineError(f"{self.name}: no such configuration: {conf}")
        rules, filters = self._rules(folder)
        own = folder / "packetpig.lua"
        own.write_text(self._configuration(conf, rules, filters))
        return [self._program, "-c", str(own), "-r", "/dev/stdin", "-l", str(folder), "-k", "none", "-H", "-U"]

    def _rules(self, folder: Path) -> tuple[list[Path], str]:
        """The files of rules, and the event filters that those of Snort 2.9 become."""
        files: list[Path] = []
        filters = []
        given = self._setup.rules
        for number, (path, whole) in enumerate(zip(given.files, given.whole or given.files, strict=True)):
            if not of_old_form(whole):
                files.append(path)
                continue
            rules, lua = folder / f"{number}-{path.stem}.rules", folder / f"{number}.lua"
            converter = Path(self._program).with_name("snort2lua")
            command = [
                str(converter),
                "-c",
                str(path),
                "-r",
                str(rules),
                "-o",
                str(lua),
                "-e",
                str(folder / "rejected"),
            ]
            try:
                done = subprocess.run(
                    command, capture_output=True, text=True, timeout=PATIENCE, check=False, cwd=folder
                )
            except (OSError, subprocess.TimeoutExpired) as error:
                raise EngineError(
                    f"{path}: rules of Snort 2.9, and {converter} that would convert them for Snort 3: {error}"
                ) from error
            if not rules.is_file():
                raise EngineError(f"{path}: snort2lua made no rules of it: {done.stdout[-500:]} {done.stderr[-500:]}")
            files.append(rules)
            found = _FILTERS.search(lua.read_text(errors="replace"))
            if found:
                filters.append(found[0].split("{", 1)[1].rsplit("}", 1)[0])
        return files, "".join(filters)

    def _configuration(self, conf: Path, rules: list[Path], filters: str) -> str:
        setup = self._setup
        home = f"[{setup.home}]"
        nets = {
            **NETWORKS,
            "HOME_NET": home,
            "EXTERNAL_NET": f"!{home}" if setup.external == "!home" else setup.external,
        }
        paths = ""
        for name, value in PORTS.items():
            paths += f"    {name} = {_lua(value)},\n"
        includes = "\n".join(f"include {path}" for path in rules)
        classes = "\n".join(
            f"    {{ name = {_lua(name)}, priority = {priority}, text = {_lua(meaning)} }},"
            for name, meaning, priority in setup.rules.each_class()
        )
        variables = "\n".join(f"    {name} = {_lua(value)}," for name, value in nets.items())
        return f"""dofile({_lua(str(self._defaults()))})
dofile({_lua(str(conf))})
classifications =
{{
{classes}
}}
ips =
{{
    enable_builtin_rules = false,
    variables = {{ nets = {{
{variables}
    }}, ports = {{
{paths}    }} }},
    rules = [[
{includes}
]],
}}
event_filter =
{{
{filters}}}
event_queue = {{ max_queue = {MOST_ALERTS}, log = {MOST_ALERTS} }}
search_engine = search_engine or {{}}
search_engine.max_queue_events = {MOST_ALERTS}
alert_csv = {{ file = false, fields = {_lua(" ".join(FIELDS))}, separator = {_lua(SEPARATOR)} }}
"""

    def _defaults(self) -> Path:
        """What comes with Snort itself: which service talks how."""
        prefix = Path(self._program).resolve().parent.parent
        for folder in (prefix / "etc/snort", Path("/usr/local/etc/snort"), Path("/etc/snort")):
            if (folder / DEFAULTS).is_file():
                return folder / DEFAULTS
        raise EngineError(f"{self.name}: no {DEFAULTS} in {prefix}/etc/snort, where Snort's installation has it")

    def records(self, lines: bytes, trail: Trail) -> Iterator[Alert]:
        """See process.Engine."""
        for line in lines.splitlines():
            yield from self._record(line, trail)

    def _record(self, line: bytes, trail: Trail) -> Iterator[Alert]:
        values = line.decode(errors="replace").split(SEPARATOR, len(FIELDS) - 1)
        if len(values) < len(FIELDS):
            name, colon, number = values[0].strip().partition(":")
            if colon and number.strip().isdigit():
                self._counts.setdefault(name, int(number))
            return
        fields = dict(zip(FIELDS, values, strict=True))
        kind = fields["class"]
        place = trail.place(int(fields["pkt_num"]), int(fields["seconds"]) * 1_000_000 + int(fields["timestamp"][-6:]))
        yield Alert(
            time=place.time,
            capture=place.capture,
            proto=PROTOCOLS.get(fields["proto"], fields["proto"].lower()),
            src=fields["src_addr"] or None,
            sport=_number(fields["src_port"]),
            dst=fields["dst_addr"] or None,
            dport=_number(fields["dst_port"]),
            opener={"C2S": True, "S2C": False}.get(fields["dir"]),
            gid=int(fields["gid"]),
            sid=int(fields["sid"]),
            rev=int(fields["rev"]),
            priority=int(fields["priority"]),
            classification=None if kind in ("", "none") else self._setup.rules.names.get(kind, kind),
            message=message(fields["msg"]),
            kind=_number(fields["icmp_type"]),
            code=_number(fields["icmp_code"]),
        )

    def rest(self, trail: Trail) -> Iterator[Alert]:
        """See process.Engine."""
        return iter(())

    def word(self, line: str) -> None:
        """See process.Engine."""
        error = _ERROR.search(line)
        if error and len(self._errors) < MOST_REFUSALS:
            self._errors.append(f"{error[1]}:{error[2]}: {error[3]}" if error[1] else error[3])

    def complaint(self) -> str:
        """See process.Engine."""
        return " | ".join(self._errors)

    def check(self, given: int) -> None:
        """See process.Engine."""
        seen = self._counts.get("analyzed", 0)
        if seen != given:
            raise EngineError(f"{self.name} looked at {seen} of {given} packets, and ended as if all was well")
        tell_left_out(self.name, sum(self._counts.get(name, 0) for name in LIMITS), self._report)


def message(text: str) -> str:
    """A rule's message without the quotes and backslashes that its syntax needs."""
    if len(text) > 1 and text[0] == text[-1] == '"':
        text = text[1:-1]
    return re.sub(r"\\(.)", r"\1", text)


def _number(text: str) -> int | None:
    return int(text) if text else None


def _lua(text: str) -> str:
    return json.dumps(text).replace("\\u001f", "\\31")
