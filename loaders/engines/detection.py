"""IDS engines over captures: which one, with which rules, and the alerts they give."""

from __future__ import annotations

import importlib
import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from packetpig.loaders.captures.capture import Capture
from packetpig.loaders.captures.finding import in_time_order
from packetpig.loaders.contract.loader import OptionError
from packetpig.loaders.contract.report import Report
from packetpig.loaders.engines.feed import Feed
from packetpig.loaders.engines.process import Engine, MissingError, run
from packetpig.loaders.engines.rules import Rules
from packetpig.loaders.engines.windows import Part, cut

HOME = "10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fc00::/7"
ENGINES = {"snort": ("snort3", "snort2"), "suricata": ("suricata",)}
"""Modules here that know an engine, by its name; the first that finds its program is taken."""
MOST_ALERTS = 100  # of one packet: engines keep 3 (Snort) or 15 (Suricata) unless told otherwise; Snort cannot do more


@dataclass(slots=True)
class Alert:
    """One alert.

    `time`: nanoseconds. `capture`: number of the capture. `opener`: whether SRC is the side that opened the session;
    None where that is not known. `kind`, `code`: of ICMP.
    """

    time: int
    capture: int
    proto: str
    src: str | None
    sport: int | None
    dst: str | None
    dport: int | None
    opener: bool | None
    gid: int
    sid: int
    rev: int
    priority: int | None
    classification: str | None
    message: str
    kind: int | None = None
    code: int | None = None
    engine: str = ""


@dataclass(frozen=True)
class Setup:
    """What an engine is to look with.

    `rules`: files and folders. `conf`: the user's own configuration instead of ours. `home`: networks that are ours,
    with commas; `external`: the others, `any` for all, `!home` for all but ours. `asked`: generators and numbers of the
    rules whose alerts are wanted; None for all. `binary`: the program, where it is not on the path. `lanes`: runs side
    by side. `windows`: of time, each with a run of its own, which gets the packets of the nanoseconds `warm` before it
    first.
    """

    rules: Rules
    conf: str = ""
    home: str = HOME
    external: str = "any"
    binary: str = ""
    lanes: int = 1
    windows: int = 1
    warm: int = 0
    asked: frozenset[tuple[int, int]] | None = None


class Known(Protocol):
    """What a module that knows an engine has."""

    NAME: str

    def find(self, binary: str) -> str | None:
        """The program's path, or None. BINARY: what the user says it is."""

    def prepare(self, program: str, setup: Setup, report: Report) -> Sequence[Engine[Alert]]:
        """As many runs of it as there are lanes. Raises EngineError."""


def choose(name: str, binary: str = "") -> tuple[Known, str]:
    """The module that knows the engine NAME (`auto`: whichever there is, Snort first), and the program's path."""
    wanted = list(ENGINES) if name == "auto" else [name]
    for one in wanted:
        for module in ENGINES[one]:
            known: Known = importlib.import_module(f"packetpig.loaders.engines.{module}")
            program = known.find(binary)
            if program:
                return known, program
    if binary:
        raise OptionError(f"no {' and no '.join(wanted)}: {binary} is not one, or cannot be run")
    raise MissingError(
        f"no {' and no '.join(wanted)} on this machine's path; docs/threats.md says how to get one; PACKETPIG_SNORT or "
        "PACKETPIG_SURICATA may name the program"
    )


def identity(name: str, binary: str = "") -> str:
    """The engine that NAME chooses, and the version that it says it is. Raises MissingError."""
    known, program = choose(name, binary)
    try:
        done = subprocess.run([program, "-V"], capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MissingError(f"{program}: {error}") from error
    found = re.search(r"\bversion (\S+)", done.stdout + done.stderr, re.I)
    return f"{known.NAME} {found[1] if found else '?'}"


def detect(
    captures: Sequence[Capture],
    engine: str,
    setup: Setup,
    report: Report,
    on_error: str = "fail",
    times: tuple[int, int] | None = None,
) -> Iterator[Alert]:
    """The alerts of an engine over captures of one sensor, fed in the order of time.

    ENGINE: `snort`, `suricata`, `auto`. An alert's capture is its number among CAPTURES, which are in the order of time
    already (`by_sensor` gives them so). TIMES: see Feed. Raises EngineError, OptionError, CaptureError.
    """
    known, program = choose(engine, setup.binary)
    feeds: list[Feed]
    engines: Sequence[Engine[Alert]]
    if setup.windows > 1:
        windows = cut(captures, setup.windows, setup.warm, report, on_error, times)
        feeds = [one.feed() for one in windows]
        prepared = known.prepare(program, replace(setup, lanes=len(windows)), report)
        engines = [Part(engine, window) for engine, window in zip(prepared, windows, strict=True)]
    else:
        feeds = [Feed(captures, report, on_error, lanes=setup.lanes, times=times)]
        engines = known.prepare(program, setup, report)
    for found in run(engines, feeds, report):
        for alert in found:
            if setup.asked is not None and (alert.gid, alert.sid) not in setup.asked:
                continue
            alert.engine = known.NAME
            yield alert


def tell_left_out(engine: str, alerts: int, report: Report) -> None:
    """Say how many alerts an engine found and did not give; at most, for Snort 3 may count one twice."""
    report.count("alerts that the engine left out, at most", alerts)
    if alerts:
        report.warn(f"{engine} left out alerts, {alerts} at most: it keeps {MOST_ALERTS} of a packet")


def by_sensor(captures: Sequence[Capture]) -> dict[str, list[Capture]]:
    """The captures of each sensor, in the order of time."""
    sensors: dict[str, list[Capture]] = {}
    for capture in captures:
        sensors.setdefault(capture.sensor, []).append(capture)
    return {sensor: in_time_order(ours) for sensor, ours in sorted(sensors.items())}
