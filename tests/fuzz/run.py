"""Runs many cases in worker processes that are watched: time, memory, death."""

from __future__ import annotations

import faulthandler
import os
import random
import resource
import select
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HANG = 30  # seconds for one capture through all loaders
SPACE = 6 << 30  # bytes of address space of a worker
GROWTH = 48 << 20  # bytes of memory of its own that a worker may gain after it is warm
WARM = 400  # captures


@dataclass(frozen=True)
class Failure:
    """Which case, and what happened."""

    number: int
    what: str


def fuzz(seed: int, numbers: range, jobs: int = 1, seconds: float = 1e9) -> tuple[int, list[Failure], str]:
    """Run the cases NUMBERS; give how many were run, which failed, and what the workers say at their end."""
    done, failures, notes = 0, [], []
    step = -(-len(numbers) // jobs)
    workers = [_Worker(seed, numbers[k * step : (k + 1) * step]) for k in range(jobs)]
    until = time.monotonic() + seconds
    for worker in workers:
        worker.start()
    while any(worker.process for worker in workers):
        for worker in workers:
            failures += worker.look()
        if time.monotonic() > until:
            for worker in workers:
                worker.stop()
            break
        time.sleep(0.05)
    for worker in workers:
        done += worker.done
        notes.append(worker.note)
    return done, failures, "; ".join(note for note in notes if note)


class _Worker:
    """One process after the other, each going on behind the case that the last one died of."""

    def __init__(self, seed: int, numbers: range) -> None:
        self._seed, self._numbers = seed, numbers
        self._at, self._since = 0, 0.0
        self.process: subprocess.Popen[bytes] | None = None
        self.done = 0
        self.note = ""
        self._buffer = b""

    def start(self) -> None:
        """Begin with the next case."""
        left = self._numbers[self._at :]
        self.process = None
        if left:
            command = [sys.executable, "-m", "tests.fuzz.run", str(self._seed), str(left.start), str(left.stop)]
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            self._since = time.monotonic()

    def look(self) -> Iterator[Failure]:
        """What has happened since."""
        process = self.process
        if process is None:
            return
        assert process.stdout is not None
        ended = process.poll()
        while select.select([process.stdout], [], [], 0)[0]:
            data = os.read(process.stdout.fileno(), 1 << 16)
            if not data:
                break
            self._buffer += data
        *lines, self._buffer = self._buffer.split(b"\n")
        for line in lines:
            kind, number, *rest = line.decode().split(" ", 2)
            self._since = time.monotonic()
            if kind == "case":
                self._at = int(number) - self._numbers.start
            elif kind == "ok":
                self.done += 1
                self._at = int(number) + 1 - self._numbers.start
            elif kind == "note":
                self.note = rest[0]
            else:
                self.done += 1
                self._at = int(number) + 1 - self._numbers.start
                yield Failure(int(number), rest[0].replace("\\n", "\n"))
        number = self._numbers.start + self._at
        if ended is None and time.monotonic() - self._since > HANG:
            process.kill()
            process.wait()
            yield Failure(number, f"hangs for more than {HANG} s")
            self._restart()
        elif ended is not None:
            if ended != 0:
                assert process.stderr is not None
                words = process.stderr.read().decode(errors="replace")[-3000:]
                yield Failure(number, f"the process died ({ended}): {words}")
                self._restart()
            else:
                self.process = None

    def _restart(self) -> None:
        self._at += 1
        self._buffer = b""
        self.start()

    def stop(self) -> None:
        """End it now."""
        if self.process:
            self.process.kill()
            self.process.wait()


def anonymous() -> int:
    """Bytes of memory of this process's own."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    return 0


def work(seed: int, numbers: range) -> None:
    """A worker: says on standard output which case it is at, and what became of it."""
    from tests.fuzz.check import Checker
    from tests.fuzz.mutate import case

    faulthandler.enable()
    resource.setrlimit(resource.RLIMIT_AS, (SPACE, SPACE))
    checker = Checker()
    warm = 0
    for count, number in enumerate(numbers):
        print("case", number, flush=True)
        name, data = case(seed, number)
        try:
            checker.check(data, random.Random(number))
        except Exception:
            text = f"{name}: {traceback.format_exc()[-2500:]}"
            print("bad", number, text.replace("\n", "\\n"), flush=True)
        else:
            print("ok", number, flush=True)
        if count == WARM:
            warm = anonymous()
        elif warm and count % 100 == 0 and anonymous() > warm + GROWTH:
            grown = (anonymous() - warm) >> 20
            print("bad", number, f"memory grew by {grown} MB since capture {numbers.start + WARM}", flush=True)
            warm = anonymous()
    seen = ", ".join(f"{name} {amount:,}" for name, amount in checker.summary.items())
    grown = f"; memory {(anonymous() - warm) / (1 << 20):+.0f} MB" if warm else ""
    print("note", numbers.stop, f"captures seen: {seen}{grown}", flush=True)


if __name__ == "__main__":
    work(int(sys.argv[1]), range(int(sys.argv[2]), int(sys.argv[3])))
