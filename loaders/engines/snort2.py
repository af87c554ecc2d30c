"""Snort 2.9: its command, and its alerts in the form `fast`. Source: the Snort 2.9 users manual.

No real 2.9 was at hand: the parser is tested on the manual's form of lines, the rest is not tested.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from packetpig.loaders.contract.report import Report
from packetpig.loaders.engines.detection import Alert, Setup
from packetpig.loaders.engines.process import Engine, EngineError
from packetpig.loaders.engines.snort3 import PROTOCOLS, version
from packetpig.loaders.engines.trail import Trail

NAME = "snort2"
INSTALLED = Path("/etc/snort/snort.conf")
LINE = re.compile(
    r"(?P<time>\d\d/\d\d/\d\d-\d\d:\d\d:\d\d\.\d{6}) +\[\*\*\] "
    r"\[(?P<gid>\d+):(?P<sid>\d+):(?P<rev>\d+)\] (?P<message>.*) "
    r"\[\*\*\] (?:\[Classification: (?P<class>.*?)\] )?(?:\[Priority: (?P<priority>\d+)\] )?\{(?P<proto>[^}]+)\} "
    r"(?P<src>\S+) -> (?P<dst>\S+)$"
)
_NAMES = {**PROTOCOLS, "IPV6-ICMP": "icmp6"}
_SEEN = re.compile(r"Analyzed: +(\d+)")
_ERROR = re.compile(r"ERROR: (.*)")


def find(binary: str) -> str | None:
    """See detection.Known."""
    program = shutil.which(binary or os.environ.get("PACKETPIG_SNORT") or "snort")
    return program if program and version(program)[:1] == (2,) else None


def prepare(program: str, setup: Setup, report: Report) -> Sequence[Engine[Alert]]:
    """See detection.Known."""
    return [Snort(program, setup) for _ in range(setup.lanes)]


class Snort:
    """One run."""

    name = "Snort 2.9"
    separate = False

    def __init__(self, program: str, setup: Setup) -> None:
        self._program, self._setup = program, setup
        self._seen: int | None = None
        self._error = ""

    def command(self, folder: Path, records: str) -> list[str]:
        """See process.Engine: the installed configuration or the user's, with the rules after it."""
        conf = Path(self._setup.conf).expanduser().resolve() if self._setup.conf else INSTALLED
        if not conf.is_file():
            raise EngineError(f"{self.name}: no such configuration: {conf}; conf= names another")
        rules = "".join(f"include {path}\n" for path in self._setup.rules.files)
        own = folder / "packetpig.conf"
        own.write_text(f"include {conf}\n{rules}")
        home = f"HOME_NET=[{self._setup.home}]"
        command = [self._program, "-c", str(own), "-r", "/dev/stdin", "-l", str(folder), "-S", home]
        return [*command, "-k", "none", "-A", "console", "-N", "-U", "-y", "-H"]

    def record(self, line: bytes, trail: Trail) -> Iterator[Alert]:
        """See process.Engine."""
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
        if error := _ERROR.search(line):
            self._error = error[1]

    def complaint(self) -> str:
        """See process.Engine."""
        return self._error

    def check(self, given: int) -> None:
        """See process.Engine."""
        if self._seen != given:
            raise EngineError(f"{self.name} looked at {self._seen} of {given} packets, and ended as if all was well")


def end(text: str, proto: str) -> tuple[str, int | None]:
    """Address and port; only TCP and UDP have one after a colon, which IPv6's addresses are full of."""
    if proto not in ("TCP", "UDP"):
        return text, None
    address, _, port = text.rpartition(":")
    return address, int(port)
