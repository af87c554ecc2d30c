"""One line of the table of benchmarks."""

from __future__ import annotations

from dataclasses import dataclass

from tests.bench.measure import Run


@dataclass(frozen=True)
class Case:
    """What was measured, ours and the peer's figure, their ratio, what it should be, and whether it is."""

    what: str
    ours: str
    peer: str
    ratio: float
    bar: str
    good: bool


def faster(what: str, ours: Run, peer: Run, least: float) -> Case:
    """The peer takes LEAST times as long as we do, or more."""
    ratio = peer.wall / ours.wall
    return Case(what, f"{ours.wall:.2f} s", f"{peer.wall:.2f} s", ratio, f"at least {least}", ratio >= least)


def share(what: str, ours: float, peer: float, most: float, unit: str = "s", least: float = 0) -> Case:
    """Ours is at most MOST times the other figure (and at least LEAST)."""
    ratio = ours / peer
    bar = f"at most {most}" if not least else f"{least} to {most}"
    return Case(what, f"{ours:.2f} {unit}", f"{peer:.2f} {unit}", ratio, bar, least <= ratio <= most)
