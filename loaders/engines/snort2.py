"""Snort 2.9: its configuration for archives, its command, its alerts in the form `fast`.

Source: the Snort 2.9 users manual.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from packetpig.loaders.contract.report import Report
from packetpig.loaders.engines.detection import MOST_ALERTS, Alert, Setup, tell_left_out
from packetpig.loaders.engines.process import Engine, EngineError
from packetpig.loaders.engines.rules import NETWORKS, PORTS
from packetpig.loaders.engines.snort3 import PROTOCOLS, version
from packetpig.loaders.engines.trail import Trail

NAME = "snort2"
OWN = Path(__file__).with_name("snort2.conf")
DYNAMIC = "snort_dynamicpreprocessor"  # folder of its preprocessors
PLACES = ("lib", "lib/snort", "lib64", "lib/*-linux-gnu", "lib/*-linux-gnu/snort")  # where it may be
UNICODE = "1252 (ANSI - Latin I)\n" + " ".join(f"{0xFEE0 + code:04x}:{code:02x}" for code in range(0x21, 0x7F)) + "\n\n"
"""Letters of full width, as IIS reads them: Snort wants such a map, though nothing here has it used."""
LINE = re.compile(
    r"(?P<time>\d\d/\d\d/\d\d-\d\d:\d\d:\d\d\.\d{6}) +\[\*\*\] "
    r"\[(?P<gid>\d+):(?P<sid>\d+):(?P<rev>\d+)\] (?P<message>.*) "
    r"\[\*\*\] (?:\[Classification: (?P<class>.*?)\] )?(?:\[Priority: (?P<priority>\d+)\] )?\{(?P<proto>[^}]+)\} "
    r"(?P<src>\S+) -> (?P<dst>\S+)$"
)
_NAMES = {**PROTOCOLS, "IPV6-ICMP": "icmp6"}
_SEEN = re.compile(r"Analyzed: +(\d+)")
_LIMIT = re.compile(r"^\s*(?:Match|Queue|Log): +(\d+)$")  # counts of what it left out
_ERROR = re.compile(r"ERROR: (.*)")


def find(binary: str) -> str | None:
    """See detection.Known."""
    program = shutil.which(binary or os.environ.get("PACKETPIG_SNORT") or "snort")
    return program if program and version(program)[:1] == (2,) else None


def prepare(program: str, setup: Setup, report: Report) -> Sequence[Engine[Alert]]:
    """See detection.Known."""
    return [Snort(program, setup, report) for _ in range(setup.lanes)]


class Snort:
    """One run."""

    name = "Snort 2.9"
    separate = False
    line_by_line = False

    def __init__(self, program: str, setup: Setup, report: Report) -> None:
        self._program, self._setup, self._report = program, setup, report
        self._seen: int | None = None
        self._left_out = 0
        self._error = ""

    def command(self, folder: Path, records: str) -> list[str]:
        """See process.Engine: our configuration or the user's, with the rules after it."""
        conf = Path(self._setup.conf).expanduser().resolve() if self._setup.conf else OWN
        if not conf.is_file():
            raise EngineError(f"{self.name}: no such configuration: {conf}")
        if self._setup.conf:  # what it names is looked for beside the file that Snort is given
            for beside in conf.parent.iterdir():
                (folder / beside.name).symlink_to(beside)
        networks, ports = self._variables()
        lines = [
            *([] if self._setup.conf else [*networks, *ports, f"dynamicpreprocessor directory {self._dynamic()}"]),
            f"include {conf}",
            f"config event_queue: max_queue {2 * MOST_ALERTS} log {2 * MOST_ALERTS}",
            f"config detection: max_queue_events {MOST_ALERTS}",
            f"include {self._setup.rules.classes}",
            *(f"include {path}" for path in self._setup.rules.files),
        ]
        own = folder / "packetpig.conf"
        own.write_text("".join(f"{line}\n" for line in lines))
        if not self._setup.conf:
            (folder / "unicode.map").write_text(UNICODE)
        home = f"HOME_NET=[{self._setup.home}]"
        command = [self._program, "-c", str(own), "-r", "/dev/stdin", "-l", str(folder), "-S", home]
        return [*command, "-k", "none", "-A", "console", "-N", "-U", "-y", "-H"]

    def _variables(self) -> tuple[list[str], list[str]]:
        home = f"[{self._setup.home}]"
        external = f"!{home}" if self._setup.external == "!home" else self._setup.external
        networks = {"HOME_NET": home, "EXTERNAL_NET": external, **NETWORKS}
        return [f"ipvar {name} {value}" for name, value in networks.items()], [
            f"portvar {name} {value}" for name, value in PORTS.items()
        ]

    def _dynamic(self) -> Path:
        prefix = Path(self._program).resolve().parent.parent
        for place in PLACES:
            for folder in prefix.glob(f"{place}/{DYNAMIC}"):
                return folder
        raise EngineError(f"{self.name}: no {DYNAMIC} below {prefix}/lib, where Snort's installation has it")

    def records(self, lines: bytes, trail: Trail) -> Iterator[Alert]:
        """See process.Engine."""
        for line in lines.splitlines():
            yield from self._record(line, trail)

    def _record(self, line: bytes, trail: Trail) -> Iterator[Alert]:
        found = LINE.match(line.decode(errors="replace").strip())
        if not found:
            return
        time = datetime.strptime(found["time"], "%m/%d/%y-%H:%M:%S.%f").replace(tzinfo=UTC)
        place = trail.place(None, int(time.replace(microsecond=0).timestamp()) * 1_000_000 + time.microsecond)
        src, sport = end(found["src"], found["proto"])
        dst, dport = end(found["dst"], found["proto"])
        yield Alert(
            time=place.time,
            capture=place.capture,
            proto=_NAMES.get(found["proto"], found["proto"].lower()),
            src=src,
            sport=sport,
            dst=dst,
            dport=dport,
            opener=None,
            gid=int(found["gid"]),
            sid=int(found["sid"]),
            rev=int(found["rev"]),
            priority=int(found["priority"]) if found["priority"] else None,
            classification=self._setup.rules.names.get(found["class"], found["class"]),
            message=found["message"],
        )

    def rest(self, trail: Trail) -> Iterator[Alert]:
        """See process.Engine."""
        return iter(())

    def word(self, line: str) -> None:
        """See process.Engine."""
        if seen := _SEEN.search(line):
            self._seen = int(seen[1])
        if limit := _LIMIT.search(line):
            self._left_out += int(limit[1])
        if error := _ERROR.search(line):
            self._error = error[1]

    def complaint(self) -> str:
        """See process.Engine."""
        return self._error

    def check(self, given: int) -> None:
        """See process.Engine."""
        if self._seen != given:
            raise EngineError(f"{self.name} looked at {self._seen} of {given} packets, and ended as if all was well")
        tell_left_out(self.name, self._left_out, self._report)


def end(text: str, proto: str) -> tuple[str, int | None]:
    """Address and port; only TCP and UDP have one after a colon, which IPv6's addresses are full of."""
    if proto not in ("TCP", "UDP"):
        return text, None
    address, _, port = text.rpartition(":")
    return address, int(port)
