"""Who may write to a folder of HDFS or S3: one run at a time, without locks of a system.

A run writes a claim of its own, `.lock/<its name>`, and then looks which others there are: whoever sees another one
that is alive takes its own back and leaves. As each claims first and looks then, two never both see nobody. (Both may
see each other: then they try again after a while, not as long each.) A claim is alive while it is renewed: a process of
its own does that, which ends, and takes the claim back, when all processes of the run have ended, however that happens.
Where the machine itself is gone, the claim is void after LEASE seconds, by the server's clock. Whoever could not renew
for most of that time holds nothing any more, and publishes nothing.
"""

from __future__ import annotations

import os
import random
import select
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BytesIO

from packetpig.loaders.remote import system as remote

FOLDER = ".lock"
LEASE = 60.0  # seconds without renewal after which a claim is void
BEAT = 10.0  # seconds between renewals
SAFE = 0.75 * LEASE  # seconds without renewal after which its owner gives up
TRIES = 4
YOUNG = 3.0  # seconds: a claim of that age may be of one who only looks


class StoreError(Exception):
    """Something that cannot be read or written. One line."""


class BusyError(Exception):
    """Another run has the lock. One line says who."""


class Claim:
    """One run's claim to a folder."""

    def __init__(self, root: str, name: str) -> None:
        self.root, self.name = root, name
        self._system, top = remote.of(root)
        self._folder = f"{top.rstrip('/')}/{FOLDER}"
        self._path = f"{self._folder}/{name}"
        self._who = f"process {os.getpid()} on {socket.gethostname()} since {time.strftime('%Y-%m-%d %H:%M:%S')}"

    def renew(self) -> None:
        """Write it."""
        self._system.write(self._path, BytesIO(self._who.encode()))

    def holds(self) -> bool:
        """Whether it is there."""
        return self._system.status(self._path) is not None

    def free(self) -> None:
        """Take it back."""
        self._system.remove(self._path)

    def others(self) -> list[tuple[remote.Status, float]]:
        """Claims of others that are alive, and their ages; what is void is removed."""
        found = {entry.name: entry for entry in self._system.entries(self._folder) if not entry.name.startswith(".")}
        mine = found.pop(self.name, None)
        if mine is None:
            raise StoreError(f"{self.root}: a claim that was written is not there")
        alive = []
        for entry in found.values():
            age = mine.changed - entry.changed
            if age > LEASE:
                self._system.remove(entry.path)
            else:
                alive.append((entry, age))
        return alive

    def take(self) -> None:
        """Claim the folder. Raises BusyError."""
        for left in reversed(range(TRIES)):
            self.renew()
            others = self.others()
            if not others:
                return
            said = self._said(others[0][0])
            self.free()
            if not left or all(age > YOUNG for _, age in others):
                raise BusyError(f"{self.root}: another run is at work ({said})")
            time.sleep(random.uniform(0.2, 2.0))  # noqa: S311 -- so that two do not meet again

    def _said(self, entry: remote.Status) -> str:
        try:
            with remote.opened(self._system, entry.path) as file:
                return file.read().decode(errors="replace")
        except OSError:
            return "just ended"


@contextmanager
def claimed(root: str) -> Iterator[Claim]:
    """The claim to a folder, held by a process beside this one. Raises BusyError."""
    claim = Claim(root, uuid.uuid4().hex)
    claim.take()
    command = [sys.executable, "-m", "packetpig.pipelines.claims", root, claim.name, claim._who]
    keeper = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
    try:
        yield claim
    finally:
        assert keeper.stdin is not None
        keeper.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            keeper.wait(BEAT)
        keeper.kill()
        keeper.wait()
        with suppress(OSError):
            claim.free()


def keep(root: str, name: str, who: str) -> int:
    """Renew a claim until standard input ends: its other end is in all processes of the run."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    claim = Claim(root, name)
    claim._who = who
    last = time.clock_gettime(time.CLOCK_BOOTTIME)
    while not select.select([0], [], [], BEAT)[0]:
        now = time.clock_gettime(time.CLOCK_BOOTTIME)
        try:
            if now - last > SAFE or not claim.holds():
                break
            claim.renew()
            last = now
        except OSError as error:
            print(f"pipeline: {root}: the lock is not renewed: {error}", file=sys.stderr)
    with suppress(OSError):
        claim.free()
    return 0


if __name__ == "__main__":
    sys.exit(keep(*sys.argv[1:]))
