"""Runs commands and tells how long they took, and how much memory of their own they had at most."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Run:
    """`wall` and `cpu` in seconds; `anonymous` in bytes, the peak of the whole tree of processes or of those named."""

    wall: float
    cpu: float
    anonymous: int


def run(command: Sequence[str], cores: str | None = None, only: str = "", check: bool = True) -> Run:
    """Run a command, its output thrown away. CORES: as taskset has them. ONLY: count memory of processes so named."""
    whole = [*(["taskset", "-c", cores] if cores else []), *command]
    before = os.times()
    start = time.perf_counter()
    process = subprocess.Popen(whole, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    peak = [0]
    done = threading.Event()
    watcher = threading.Thread(target=_watch, args=(process.pid, only, peak, done))
    watcher.start()
    _, errors = process.communicate()
    wall = time.perf_counter() - start
    done.set()
    watcher.join()
    after = os.times()
    if check and process.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}: {errors.decode(errors='replace')[-2000:]}")
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return Run(wall, cpu, peak[0])


def best(command: Sequence[str], times: int = 3, cores: str | None = None, only: str = "") -> Run:
    """The fastest of some runs, with the largest memory of all."""
    runs = [run(command, cores, only) for _ in range(times)]
    fastest = min(runs, key=lambda one: one.wall)
    return Run(fastest.wall, fastest.cpu, max(one.anonymous for one in runs))


def _watch(root: int, only: str, peak: list[int], done: threading.Event) -> None:
    while not done.wait(0.02):
        peak[0] = max(peak[0], sum(anonymous(pid, only) for pid in _tree(root)))


def _tree(root: int) -> list[int]:
    """The process and all below it, without those that still have their parent's memory (Java starts them by vfork)."""
    found, at = [root], 0
    while at < len(found):
        tasks = Path(f"/proc/{found[at]}/task")
        with suppress(FileNotFoundError, ProcessLookupError):
            image = _image(found[at])
            for task in tasks.iterdir():
                children = map(int, (task / "children").read_text().split())
                found += [child for child in children if _image(child) != image]
        at += 1
    return found


def _image(pid: int) -> tuple[str, str] | None:
    """What tells a process from one that it has just become: command and size; None if it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(), Path(f"/proc/{pid}/statm").read_text().split(maxsplit=1)[0]
    except (FileNotFoundError, ProcessLookupError):
        return None


def anonymous(pid: int, only: str = "") -> int:
    """Bytes of memory of a process's own, 0 if it is gone, or not one named ONLY."""
    try:
        if only and only not in Path(f"/proc/{pid}/cmdline").read_text():
            return 0
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    for line in status.splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    return 0
