"""The pipeline: time grows as captures do, memory does not, and a window more costs the same however many there are.

SIZES in the environment: megabytes of captures, each twice the one before (1000,2000,4000,8000); WINDOWS: how many an
archive has before another window comes (3,30); ENGINE and RULES: as the pipeline's. What was measured goes to
build/bench/pipeline.json, and is drawn as build/bench/pipeline.svg.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.bench.case import Case, share
from tests.bench.measure import Run, run
from tests.bench.workshop import Workshop

SIZES = [int(size) for size in os.environ.get("SIZES", "1000,2000,4000,8000").split(",") if size]
WINDOWS = [int(count) for count in os.environ.get("WINDOWS", "3,30").split(",") if count]
SETTINGS = ["--window", "15m", "--without", "report"]
for _name in ("ENGINE", "RULES"):
    if os.environ.get(_name):
        SETTINGS += [f"--{_name.lower()}", os.environ[_name]]
EACH = 50  # megabytes of a capture
SMALL, EVERY = 10, 900  # megabytes of a capture, and seconds from one to the next: each is a window
MB = 1_000_000


def cases(workshop: Workshop) -> Iterator[Case]:
    """Growth by size, then growth by windows."""
    runs: dict[int, Run] = {}
    lines: list[dict[str, Any]] = []
    for size in SIZES:
        captures, tables = workshop.rotated(size, EACH), workshop.folder / "pipeline"
        shutil.rmtree(tables, ignore_errors=True)
        done, stages, sizes = pipelined(captures, tables), _seconds(tables), _bytes(tables)
        print(f"bench: {size:,} MB: {_told(done, size)}; {_most(stages)}", flush=True)
        print(f"bench: tables of {sizes.total() / MB:.0f} MB; {_most(sizes, 'MB', MB)}", flush=True)
        runs[size] = done
        lines.append({"megabytes": size, **asdict(done), "stages": stages, "tables": sizes})
        shutil.rmtree(tables)
        shutil.rmtree(captures)
        _note(workshop.folder, lines)
    for half, size in pairwise(SIZES):
        twice = runs[half].cpu * size / half
        yield share(f"pipeline over {size:,} MB; peer: that of {half:,} MB, scaled", runs[size].cpu, twice, 1.1)
        memory = runs[size].anonymous / MB, runs[half].anonymous / MB
        yield share(f"its memory; peer: that of {half:,} MB", *memory, 1.1, "MB")
    if len(WINDOWS) > 1:
        few, many = (_another(workshop, count) for count in (WINDOWS[0], WINDOWS[-1]))
        yield share(f"a window more for an archive of {WINDOWS[-1]}; peer: of {WINDOWS[0]}", many.cpu, few.cpu, 1.2)


def _another(workshop: Workshop, count: int) -> Run:
    """The run that adds one window to an archive that has some."""
    every = sorted(workshop.rotated(SMALL * (max(WINDOWS) + 1), SMALL, EVERY).iterdir())
    captures, tables = workshop.folder / "archive", workshop.folder / "archive-tables"
    for folder in (captures, tables):
        shutil.rmtree(folder, ignore_errors=True)
    captures.mkdir()
    for path in every[:count]:
        (captures / path.name).hardlink_to(path)
    pipelined(captures, tables)
    begun = time.time()
    (captures / every[count].name).hardlink_to(every[count])
    done = pipelined(captures, tables)
    told = f"{done.cpu:.1f} s of processor time, {done.wall:.1f} s; {_most(_seconds(tables, begun))}"
    print(f"bench: one more than {count}: {told}", flush=True)
    return done


def pipelined(captures: Path | str, tables: Path | str, *more: str) -> Run:
    """A run of the pipeline, with MORE of its options."""
    return run([sys.executable, "-m", "packetpig.pipelines", str(captures), str(tables), *SETTINGS, *more])


def _seconds(tables: Path, since: float = 0) -> Counter[str]:
    """Seconds of each stage, over all windows that were made since then."""
    found: Counter[str] = Counter()
    keys = set()
    for path in (path for path in (tables / ".done").glob("*/*") if path.stat().st_mtime >= since):
        note: dict[str, Any] = json.loads(path.read_text())
        if note["key"] not in keys:  # a stage of several tables has one note for all
            keys.add(note["key"])
            found["+".join(note["rows"])] += note["seconds"]
    return found


def _bytes(tables: Path) -> Counter[str]:
    """Bytes of each table."""
    found: Counter[str] = Counter()
    for path in tables.rglob("*"):
        if path.is_file():
            found[path.relative_to(tables).parts[0]] += path.stat().st_size
    return found


def _most(amounts: Counter[str], unit: str = "s", each: int = 1) -> str:
    return ", ".join(f"{name} {amount / each:.0f} {unit}" for name, amount in amounts.most_common(6))


def _told(done: Run, size: int) -> str:
    return (
        f"{done.wall:.0f} s, {done.cpu:.0f} s of processor time, {size / done.wall:.1f} MB/s, "
        f"{done.anonymous / MB:.0f} MB of memory"
    )


def _note(folder: Path, lines: Sequence[dict[str, Any]]) -> None:
    (folder / "pipeline.json").write_text(json.dumps(lines, indent=1))
    (folder / "pipeline.svg").write_text(drawn(lines))


def drawn(lines: Sequence[dict[str, Any]]) -> str:
    """Time and memory by size, as a chart in SVG. Of lines with `megabytes`, `wall`, `cpu` (s), `anonymous` (bytes)."""
    width, height, left, bottom = 640, 300, 60, 40
    most_size = max(line["megabytes"] for line in lines)
    panels = []
    for at, (title, names, unit) in enumerate(
        (("seconds", ("wall", "cpu"), 1.0), ("MB of memory (anonymous, all processes)", ("anonymous",), MB))
    ):
        begin, across = at * width / 2 + left, width / 2 - left - 20
        top = max(line[name] / unit for line in lines for name in names) * 1.1 or 1.0
        marks = [f'<text x="{begin}" y="20">{title}</text>']
        marks.append(
            f'<path d="M{begin} 30V{height - bottom}H{begin + across}" fill="none" stroke="#888"/>'
            f'<text x="{begin - 5}" y="40" text-anchor="end">{top:,.0f}</text>'
            f'<text x="{begin - 5}" y="{height - bottom}" text-anchor="end">0</text>'
        )
        for name, colour in zip(names, ("#1f6f8b", "#c8553d"), strict=False):
            points = [
                (
                    begin + across * line["megabytes"] / most_size,
                    height - bottom - (height - bottom - 30) * line[name] / unit / top,
                )
                for line in lines
            ]
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
            marks.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
            marks += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in points]
            label, (x, y) = {"wall": "by the clock", "cpu": "of processors", "anonymous": ""}[name], points[-1]
            marks.append(f'<text x="{x:.1f}" y="{y - 8:.1f}" text-anchor="end" fill="{colour}">{label}</text>')
        for line in lines:
            x = begin + across * line["megabytes"] / most_size
            marks.append(
                f'<text x="{x:.1f}" y="{height - bottom + 18}" text-anchor="middle">{line["megabytes"] / 1000:g}</text>'
            )
        marks.append(f'<text x="{begin + across}" y="{height - 5}" text-anchor="end">GB of captures</text>')
        panels += marks
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif" '
        f'font-size="12"><rect width="100%" height="100%" fill="#fff"/>' + "\n".join(panels) + "</svg>\n"
    )
