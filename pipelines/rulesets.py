"""The rule sets that alerts were made with: kept in the output, so that old windows are given what differs alone.

`OUTPUT/.rules/<digest>/` has a copy of a set; `OUTPUT/.rules/log.json` says which sets were used, in order.
"""

from __future__ import annotations

import functools
import json
import os
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packetpig.loaders.contract.loader import OptionError
from packetpig.loaders.engines import snort3
from packetpig.loaders.engines.difference import Change, RuleSet, change, named_beside
from packetpig.loaders.engines.rules import Rules
from packetpig.pipelines.store import Store

FOLDER, LOG, CLASSES, WHOLE = ".rules", "log.json", "classification.config", "whole.json"


@dataclass(frozen=True)
class Known:
    """Since when a rule is as it is: seconds since the epoch, and which change brought it (0: the first set)."""

    since: float
    change: int


def fingerprint(names: str) -> str:
    """What stands for the rules at NAMES (as the setting `rules` has it), or why there are none."""
    try:
        rules = Rules.of(names)
        return _fingerprint(names, tuple((str(path), *_status(path)) for path in (*rules.files, rules.classes)))
    except (OptionError, OSError) as error:
        return f"{error}"  # the engine says so, too


@functools.lru_cache(4)
def _fingerprint(names: str, files: tuple[tuple[str, int, int], ...]) -> str:
    del files  # they say when it must be looked at again
    return RuleSet(Rules.of(names)).digest


def _status(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def keep(place: Store, rules: Rules) -> str:
    """Copy a set into the output, if it is not there: its digest."""
    whole = RuleSet(rules)
    if not place.exists(FOLDER, whole.digest, WHOLE):
        for number, (path, statements) in enumerate(zip(rules.files, whole.texts, strict=True)):
            place.write(path.read_bytes(), FOLDER, whole.digest, str(number), path.name)
            for beside in named_beside(path, "\n".join(statements)):
                if beside.is_file():
                    place.write(beside.read_bytes(), FOLDER, whole.digest, str(number), beside.name)
        place.write(rules.classes.read_bytes(), FOLDER, whole.digest, "0", CLASSES)
        place.write(json.dumps([path.name for path in rules.files]).encode(), FOLDER, whole.digest, WHOLE)
    return whole.digest


def restored(place: Store, digest: str, folder: Path) -> list[Path] | None:
    """A copy's files, put into FOLDER for an engine; None if there is none."""
    if not place.exists(FOLDER, digest, WHOLE):
        return None
    names = place.json(FOLDER, digest, WHOLE)
    for number in range(len(names)):
        for name in place.names(FOLDER, digest, str(number)):
            target = folder / digest / str(number) / name
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                part = target.with_name(f".{name}.{os.getpid()}")
                part.write_bytes(place.read(FOLDER, digest, str(number), name))
                part.replace(target)
    return [folder / digest / str(number) / name for number, name in enumerate(names)]


def tidy(place: Store, used: Collection[str]) -> None:
    """Remove the copies that no table was made with."""
    for name in place.names(FOLDER):
        if name != LOG and name not in used:
            place.remove(FOLDER, name)


def difference(old: Rules, new: Rules) -> Change:
    """As `change` has it, but for what Snort 3's converter of old rules could make of files that are not alike."""
    found = change(old, new)
    forms = {snort3.of_old_form(path) for path in (*old.files, *new.files)}
    if not found.whole and len(forms) > 1:
        return Change(found.came, found.gone, "some files have rules in the form of Snort 2.9, and some have not")
    return found


# --- which rule came when


def log(place: Store) -> list[dict[str, Any]]:
    """The sets that were used, in order: `rules` (digest), `at` (seconds), `came` (rules; none for the first)."""
    found: list[dict[str, Any]] = place.json(FOLDER, LOG) if place.exists(FOLDER, LOG) else []
    return found


def enter(place: Store, digest: str, came: Collection[tuple[int, int]]) -> None:
    """A set is used from now on, if it was not already. CAME: its rules that the one before had not, or not so."""
    lines = log(place)
    if not lines or lines[-1]["rules"] != digest:
        lines.append({"rules": digest, "at": time.time(), "came": sorted(came)})
        place.write(json.dumps(lines).encode(), FOLDER, LOG)


def known(place: Store) -> tuple[Known | None, dict[tuple[int, int], Known]]:
    """Since when rules are known: those of the first set, and those that came later, by generator and number."""
    first, later = None, {}
    for number, line in enumerate(log(place)):
        here = Known(line["at"], number)
        first = first or here
        later.update(dict.fromkeys(_pairs(line["came"]), here))
    return first, later


def _pairs(found: list[list[int]]) -> Iterator[tuple[int, int]]:
    return ((gid, sid) for gid, sid in found)
