"""Engines as loaders: beside the same engine run by hand with the same settings, which reads one file itself.

RULES in the environment names a file or folder of rules; without it, Packetpig's own few are used, and the re-scan is
not measured.
"""

from __future__ import annotations

import os
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path

from packetpig.loaders.contract.report import Report
from packetpig.loaders.engines import p0f, snort3, suricata
from packetpig.loaders.engines.detection import Setup
from packetpig.loaders.engines.difference import RuleSet, kept
from packetpig.loaders.engines.rules import Rules

from tests.bench.case import Case, share
from tests.bench.measure import best
from tests.bench.workshop import Workshop
from tests.conftest import DEMO, ROOT

PACKETPIG = str(ROOT / "bin/packetpig")
RULES = os.environ.get("RULES", "")
FEW = 20  # rules that the older set has not


def cases(workshop: Workshop) -> Iterator[Case]:
    """All cases of engines that are installed."""
    big = str(workshop.warm(workshop.capture(1000)))
    many = str(workshop.pieces(1000, 1000))
    with tempfile.TemporaryDirectory() as scratch:
        for name, command in _commands(Path(scratch)):
            command[command.index("/dev/stdin")] = big
            rules = ["--option", f"rules={RULES}"] if RULES and name != "p0f" else []
            if rules:
                yield _rescan(name, Path(scratch))
            hand = best(command, 2)
            ours = best([PACKETPIG, "load", name, big, *rules, "--format", "arrow"], 2)
            yield share(f"{name} over 1 GB; peer: the engine by hand", ours.wall, hand.wall, 1.1)
            yield share(f"{name} over 1 GB, processor time", ours.cpu, hand.cpu, 1.1)
            apart = best([PACKETPIG, "load", name, many, *rules, "--format", "arrow"], 2)
            yield share(f"{name} over 1,000 captures of 1 MB; peer: over one of 1 GB", apart.wall, ours.wall, 1.3)
            yield share(f"{name} over 1,000 captures of 1 MB, processor time", apart.cpu, ours.cpu, 1.3)


def _rescan(name: str, folder: Path) -> Case:
    """Until alerts may come: rules read and compared, the engine's start. Net of our own process's start."""
    small = folder / "none.pcap"
    small.write_bytes((DEMO / "2024-03-05T20.pcap").read_bytes()[: 1 << 14])
    load = [PACKETPIG, "load", name, str(small), "--format", "arrow", "--option"]
    start = best([PACKETPIG, "load", "packets", str(small), "--columns", "ts", "--format", "arrow"], 3)
    whole = best([*load, f"rules={RULES}"], 2)
    few = best([*load, f"rules={RULES}", "--option", f"since={_older(folder)}"], 3)
    took = max(few.wall - start.wall, 0.0)
    return share(f"{name}: start with {FEW} new rules; peer: with all", took, whole.wall - start.wall, 1 / 15)


def _older(folder: Path) -> Path:
    """The rules without a few of those that set nothing for others."""
    old = folder / "older.rules"
    rules = RuleSet(Rules.of(RULES)).rules
    gone = set(random.Random(1).sample([rule for rule in rules if not kept(rule)[1]], FEW))
    old.write_text(
        "".join(f"{rule}\n" for rule in rules if rule not in gone), encoding="utf-8", errors="surrogateescape"
    )
    return old


def _commands(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Each engine's command by hand."""
    setup = Setup(Rules.of(RULES))
    for name, module in (("suricata", suricata.Suricata), ("snort", snort3.Snort)):
        program = suricata.find("") if name == "suricata" else snort3.find("")
        if program:
            room = folder / name
            room.mkdir()
            yield name, module(program, setup, Report()).command(room, str(room / "eve.json"))
    if program := p0f.find(""):
        yield "p0f", p0f.P0f(program, "", p0f.FLOWS, p0f.HOSTS, Report()).command(folder, "")
