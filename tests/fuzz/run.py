"""Runs many cases in worker processes that are watched: time, memory, death."""

from __future__ import annotations

import ctypes
import faulthandler
import gc
import os
import resource
import select
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tests.bench.measure import anonymous

HANG = 30  # seconds of the processor for one capture through all loaders
STILL = 10 * HANG  # seconds by the clock, for one that waits for ever; a busy machine lets a worker wait as well
SPACE = 6 << 30  # bytes of address space of a worker
GROWTH = 8 << 20  # bytes in use that a worker may gain after it is warm
RESIDENT = 48 << 20  # bytes of memory of its own, likewise
OBJECT = 64  # bytes, about, of one that Python allocates by itself
HEAP = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
WARM = 400  # captures
LOOK = 100  # captures between two looks at memory
STRETCH = 2500  # captures: what memory is at its least over so many is compared, for a moment's load is no growth


@dataclass(frozen=True)
class Failure:
    """Which case, and what happened."""

    number: int
    what: str


def fuzz(
    seed: int,
    numbers: range,
    jobs: int = 1,
    seconds: float = 1e9,
    told: Callable[[int, list[Failure]], None] = lambda done, failures: None,
) -> tuple[int, list[Failure], str]:
    """Run the cases NUMBERS; give how many were run, which failed, and what the workers say at their end.

    TOLD is called some times a second with how many are done, and the failures since the last call.
    """
    workers = [_Worker(seed, numbers[k::jobs]) for k in range(jobs)]
    failures: list[Failure] = []
    until = time.monotonic() + seconds
    try:
        for worker in workers:
            worker.start()
        while any(worker.process for worker in workers) and time.monotonic() < until:
            found = [failure for worker in workers for failure in worker.look()]
            failures += found
            told(sum(worker.done for worker in workers), found)
            time.sleep(0.05)
    finally:
        for worker in workers:
            worker.stop()
    return sum(worker.done for worker in workers), failures, "; ".join(worker.note for worker in workers if worker.note)


class _Worker:
    """One process after the other, each going on behind the case that the last one died of."""

    def __init__(self, seed: int, numbers: range) -> None:
        self._seed, self._numbers = seed, numbers
        self._at, self._since, self._spent, self._hung = 0, 0.0, 0.0, -1
        self.process: subprocess.Popen[bytes] | None = None
        self.done = 0
        self.note = ""
        self._buffer = b""
        self._errors: IO[bytes] | None = None

    def start(self) -> None:
        """Begin with the next case."""
        left = self._numbers[self._at :]
        self.process = None
        if left:
            command = [sys.executable, "-m", "tests.fuzz.run", str(self._seed)]
            command += [str(left.start), str(left.stop), str(left.step)]
            self._errors = tempfile.TemporaryFile()  # noqa: SIM115 (as long as the process; a pipe would fill up)
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self._errors, process_group=0)
            self._begin()

    def _begin(self) -> None:
        self._since = time.monotonic()
        self._spent = processor(self.process.pid) if self.process else 0.0

    def _hangs(self) -> bool:
        if self.process is None or time.monotonic() - self._since <= HANG:
            return False
        return processor(self.process.pid) - self._spent > HANG or time.monotonic() - self._since > STILL

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
        if lines:
            self._begin()
        for line in lines:
            kind, number, *rest = line.decode().split(" ", 2)
            if kind == "note":
                self.note = rest[0]
                continue
            if kind == "grew":
                yield Failure(int(number), rest[0])
                continue
            self._at = self._numbers.index(int(number))
            if kind == "case":
                continue
            self._at += 1
            self.done += 1
            if kind == "bad":
                yield Failure(int(number), rest[0].replace("\\n", "\n"))
        if ended is None and self._hangs():
            self.stop()
            if self._hung == self._at:
                yield Failure(self._numbers[self._at], f"hangs for more than {HANG} s, twice")
                self._at += 1
                self.done += 1
            else:
                self._hung = self._at  # the machine may have been busy: once more
            self._again()
        elif ended == 0:
            self.process = None
        elif ended is not None:
            assert self._errors is not None
            self._errors.seek(0)
            words = self._errors.read().decode(errors="replace")[-3000:]
            yield Failure(self._numbers[min(self._at, len(self._numbers) - 1)], f"the process died ({ended}): {words}")
            self._at += 1
            self.done += 1
            self._again()

    def _again(self) -> None:
        self._buffer = b""
        self.start()

    def stop(self) -> None:
        """End it now, and what it started."""
        if self.process:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def processor(pid: int) -> float:
    """Seconds that a process, and those of its own that have ended, had of a processor; 0 when it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


class _Heap(ctypes.Structure):
    """What mallinfo2(3) gives, of all arenas."""

    _fields_ = [(name, ctypes.c_size_t) for name in HEAP.split()]


def in_use() -> int:
    """Bytes that were asked for and not given back: of malloc, of Arrow, and by Python for objects.

    What allocators keep is none of it, so much less than of `resident` tells a leak.
    """
    import pyarrow as pa

    gc.collect()
    libc = ctypes.CDLL(None)
    libc.mallinfo2.restype = _Heap
    heap = libc.mallinfo2()
    return int(heap.uordblks + heap.hblkhd + pa.total_allocated_bytes() + sys.getallocatedblocks() * OBJECT)


def resident() -> int:
    """Bytes of memory of this process's own, after allocators were asked to give back what they merely keep."""
    import pyarrow as pa

    gc.collect()
    pa.default_memory_pool().release_unused()
    ctypes.CDLL(None).malloc_trim(0)
    return anonymous(os.getpid())


class Memory:
    """Whether memory grows with the number of captures: its least of a stretch against that of the first one."""

    def __init__(self, limit: int = GROWTH) -> None:
        self.limit = limit
        self.levels: list[int] = []  # the least of each stretch, in bytes
        self._looks = 0

    @property
    def gained(self) -> int:
        """Bytes from the first stretch to the last."""
        return self.levels[-1] - self.levels[0]

    def grown(self, now: int) -> int:
        """Bytes, once a stretch is over, if they are more than the limit; 0 otherwise."""
        if self._looks % (STRETCH // LOOK) == 0:
            self.levels.append(now)
        self.levels[-1] = min(self.levels[-1], now)
        self._looks += 1
        over = self._looks % (STRETCH // LOOK) == 0
        return self.gained if over and self.gained > self.limit else 0


def work(seed: int, numbers: range) -> None:
    """A worker: says on standard output which case it is at, and what became of it."""
    from packetpig.loaders.contract.lean import without_freed_memory

    from tests.fuzz.check import Checker
    from tests.fuzz.mutate import case

    without_freed_memory()  # as all processes that follow sessions
    faulthandler.enable()
    resource.setrlimit(resource.RLIMIT_AS, (SPACE, SPACE))
    checker = Checker()
    memory = {in_use: Memory(GROWTH), resident: Memory(RESIDENT)}
    for count, number in enumerate(numbers):
        print("case", number, flush=True)
        name, data = case(seed, number)
        try:
            checker.check(data, number)
        except Exception:
            text = f"{name}: {traceback.format_exc()[-2500:]}"
            print("bad", number, text.replace("\n", "\\n"), flush=True)
        else:
            print("ok", number, flush=True)
        if count < WARM or count % LOOK:
            continue
        for measure, level in memory.items():
            if grown := level.grown(measure()):
                what = f"memory {measure.__name__} grew by {grown >> 20} MB since capture {numbers[WARM]}"
                print("grew", number, what, flush=True)
    seen = ", ".join(f"{name} {amount:,}" for name, amount in checker.summary.items())
    gained = [
        f"; {measure.__name__} {level.gained / (1 << 20):+.1f} MB" for measure, level in memory.items() if level.levels
    ]
    print("note", numbers.stop, f"captures seen: {seen}{''.join(gained)}", flush=True)


if __name__ == "__main__":
    work(int(sys.argv[1]), range(*map(int, sys.argv[2:5])))
