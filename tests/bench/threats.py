"""Engines as loaders: beside the same engine run by hand with the same settings, which reads one file itself.

RULES in the environment names a file or folder of rules; without it, Packetpig's own few are used.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from packetpig.loaders.contract.report import Report
from packetpig.loaders.engines import p0f, snort3, suricata
from packetpig.loaders.engines.detection import Setup
from packetpig.loaders.engines.rules import Rules

from tests.bench.case import Case, share
from tests.bench.measure import best
from tests.bench.workshop import Workshop
from tests.conftest import ROOT

PACKETPIG = str(ROOT / "bin/packetpig")
RULES = os.environ.get("RULES", "")


def cases(workshop: Workshop) -> Iterator[Case]:
    """All cases of engines that are installed."""
    big = str(workshop.warm(workshop.capture(1000)))
    many = str(workshop.pieces(1000, 1000))
    with tempfile.TemporaryDirectory() as scratch:
        for name, command in _commands(Path(scratch)):
            command[command.index("/dev/stdin")] = big
            rules = ["--option", f"rules={RULES}"] if RULES and name != "p0f" else []
            hand = best(command, 2)
            ours = best([PACKETPIG, "load", name, big, *rules, "--format", "arrow"], 2)
            yield share(f"{name} over 1 GB; peer: the engine by hand", ours.wall, hand.wall, 1.1)
            apart = best([PACKETPIG, "load", name, many, *rules, "--format", "arrow"], 2)
            yield share(f"{name} over 1,000 captures of 1 MB; peer: over one of 1 GB", apart.wall, ours.wall, 1.3)


def _commands(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Each engine's command by hand."""
    setup = Setup(Rules.of(RULES))
    if program := suricata.find(""):
        yield "suricata", suricata.Suricata(program, setup, Report()).command(folder, str(folder / "eve.json"))
    if program := snort3.find(""):
        yield "snort", snort3.Snort(program, setup, Report()).command(folder, "")
    if program := p0f.find(""):
        yield "p0f", p0f.P0f(program, "", p0f.FLOWS, p0f.HOSTS, Report()).command(folder, "")
