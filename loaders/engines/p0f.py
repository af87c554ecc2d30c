"""p0f 3.09b: its command, what it says, and which packet it says it of. Source: p0f's README and its messages.

p0f says no times (its log has whole seconds). But it says things in the order of packets, and it is known what makes it
speak: a SYN, a SYN with ACK, the packet that ends the headers of an HTTP message, a time stamp whose clock it has just
measured. So each record is of the first packet of its flow that fits.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import socket
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from packetpig.loaders.contract.report import Report
from packetpig.loaders.engines.process import EngineError
from packetpig.loaders.engines.trail import Stretch, Trail
from packetpig.loaders.kernels import fedslots

FLOWS, HOSTS = 20_000, 200_000  # that p0f keeps in mind; its own limits are 1,000 and 10,000
REMEMBERED = 200_000  # flows, and hosts, whose last record is kept here
SYN, SYN_ACK = 2, 18
FLAGS = 0x17  # FIN, SYN, RST, ACK
LEAST_WAIT, MOST_WAIT = 25, 600_000  # milliseconds that p0f measures a clock for
LEAST_TICKS = 5
NEAR = 0.0051  # Hz: as exactly as p0f writes a frequency

_HEAD = re.compile(r"\.-\[ (\S+)/(\d+) -> (\S+)/(\d+) \((.*)\) \]-$")
_FIELD = re.compile(r"\| (\S+) *= (.*)$")
_DONE = re.compile(r"All done\. Processed (\d+) packets\.")
_UPTIME = re.compile(r"(\d+) days (\d+) hrs (\d+) min")


@dataclass(slots=True)
class Record:
    """What p0f said at one packet. `time`: nanoseconds; `certain`: whether that is known to be the packet."""

    mod: str
    client: str
    cport: int
    server: str
    sport: int
    subject: str = ""
    values: dict[str, str] = field(default_factory=dict)
    time: int = 0
    capture: int = -1
    certain: bool = True


@dataclass(slots=True)
class _Found:
    """A packet."""

    number: int
    time: int
    given: int  # the time as p0f has it
    capture: int
    kind: int
    stamp: int


def find(binary: str) -> str | None:
    """The program's path, or None."""
    return shutil.which(binary or os.environ.get("PACKETPIG_P0F") or "p0f") or shutil.which("/usr/sbin/p0f")


class P0f:
    """One run. `fingerprints`: a file of the user's, or nothing."""

    name = "p0f"
    separate = False

    def __init__(self, program: str, fingerprints: str, flows: int, hosts: int, report: Report) -> None:
        self._program, self._fingerprints = program, fingerprints
        self._limits = f"{flows},{hosts}"
        self._report = report
        self._now: Record | None = None
        self._floor = 0  # number of the packet that the last record was of
        self._flows: OrderedDict[tuple[str, int, str, int], _Found] = OrderedDict()
        self._clocks: OrderedDict[tuple[str, str], _Found] = OrderedDict()
        self._before: dict[tuple[str, str], _Found | None] = {}
        self._indexes: dict[int, tuple[NDArray[np.int64], NDArray[np.int64]]] = {}
        self._seen: int | None = None
        self._word = ""

    def command(self, folder: Path, records: str) -> list[str]:
        """See process.Engine."""
        command = [self._program, "-r", "/dev/stdin", "-m", self._limits]
        if self._fingerprints:
            path = Path(self._fingerprints).expanduser().resolve()
            if not path.is_file():
                raise EngineError(f"p0f: no such file of fingerprints: {path}")
            command += ["-f", str(path)]
        return command

    def records(self, lines: bytes, trail: Trail) -> Iterator[Record]:
        """See process.Engine: a record takes several lines, the last of which begins with a backquote."""
        for line in lines.split(b"\n"):
            yield from self._record(line, trail)

    def _record(self, line: bytes, trail: Trail) -> Iterator[Record]:
        text = line.decode("utf-8", "backslashreplace")
        if self._now is None:
            if head := _HEAD.match(text):
                self._now = Record(head[5], _address(head[1]), int(head[2]), _address(head[3]), int(head[4]))
            elif done := _DONE.search(text):
                self._seen = int(done[1])
            elif text.startswith("[-]"):
                self._word = text
        elif text.startswith("`"):
            record, self._now = self._now, None
            self._place(record, trail)
            yield record
        elif pair := _FIELD.match(text):
            if pair[1] in ("client", "server") and not self._now.subject:
                self._now.subject = pair[1]
            elif pair[2] != "???":
                self._now.values[pair[1]] = pair[2]

    def rest(self, trail: Trail) -> Iterator[Record]:
        """See process.Engine."""
        return iter(())

    def word(self, line: str) -> None:
        """See process.Engine: the first line of an abort has the reason, others follow."""
        if "ABORT" in line or not self._word:
            self._word = line

    def complaint(self) -> str:
        """See process.Engine."""
        return self._word

    def check(self, given: int) -> None:
        """See process.Engine: p0f counts only what it gets as far as its own look at the headers."""
        if self._seen is None:
            raise EngineError(f"p0f ended without its last line{': ' + self._word if self._word else ''}")
        self._report.count("packets that p0f looked at", self._seen)

    def _place(self, record: Record, trail: Trail) -> None:
        """Find the packet that a record is of."""
        flow = (record.client, record.cport, record.server, record.sport)
        found, record.certain = self._packet(record, flow, trail)
        if found is None:
            self._report.count("fingerprints whose packet was not found")
            found = self._flows.get(flow)
        if found is None:
            place = trail.place(self._floor, 0)
            stretch_time = _time_of(trail, self._floor)
            record.time, record.capture, record.certain = stretch_time or place.time, place.capture, False
            return
        if not record.certain:
            self._report.count("fingerprints whose packet is likely, not certain")
        record.time, record.capture = found.time, found.capture
        self._floor = max(self._floor, found.number)
        _remember(self._flows, flow, found)

    def _packet(self, record: Record, flow: tuple[str, int, str, int], trail: Trail) -> tuple[_Found | None, bool]:
        last = self._flows.get(flow)
        from_client = record.subject != "server"
        key = _key(flow if from_client else (flow[2], flow[3], flow[0], flow[1]))
        host = (record.subject, record.client if from_client else record.server)
        if record.mod in ("syn", "syn+ack", "sendsyn"):
            flags = SYN if from_client else SYN_ACK
            found = self._first(trail, key, lambda one: one.kind & FLAGS == flags and one.number > self._floor)
            if found:
                self._before[host] = self._clocks.get(host)
                if len(self._before) > REMEMBERED:
                    self._before.clear()
                _remember(self._clocks, host, found)
            return found, True
        if record.mod.startswith("http"):
            found = self._first(trail, key, lambda one: bool(one.kind & fedslots.HAS_BLANK_LINE))
            if found:
                return found, True
            return self._first(trail, key, lambda one: bool(one.kind & fedslots.HAS_PAYLOAD)), False
        if record.mod == "uptime":
            return self._measured(record, last, host, key, trail)
        return last, last is not None  # mtu, host change, ip sharing: said of the packet of the record before

    def _measured(
        self, record: Record, last: _Found | None, host: tuple[str, str], key: int, trail: Trail
    ) -> tuple[_Found | None, bool]:
        """The packet whose time stamp gave the frequency that p0f says."""
        wanted = float(record.values.get("raw_freq", "0").split()[0])
        if last and last.kind & SYN and last.stamp:
            base = self._before.get(host)
            if base and abs(frequency(base, last) - wanted) < NEAR:
                return last, True
        base = self._clocks.get(host)
        if base:
            found = self._first(
                trail,
                key,
                lambda one: not one.kind & SYN and bool(one.stamp) and abs(frequency(base, one) - wanted) < NEAR,
            )
            if found:
                return found, True
        begin = base.given // 1_000_000 if base else 0
        likely = self._first(
            trail, key,
            lambda one: not one.kind & SYN and bool(one.stamp) and one.given // 1_000_000 - begin >= LEAST_WAIT,
        )  # fmt: skip
        return likely, False

    def _first(self, trail: Trail, key: int, fits: object) -> _Found | None:
        """The first packet of a flow's direction that fits, from the last record's on."""
        stretches = trail.stretches()
        if len(self._indexes) > 2 * len(stretches) + 16:
            kept = {one.first for one in stretches}
            self._indexes = {first: index for first, index in self._indexes.items() if first in kept}
        for stretch in stretches:
            assert stretch.rows is not None
            if stretch.first + len(stretch.times) <= self._floor:
                continue
            keys, order = self._index(stretch)
            low, high = int(np.searchsorted(keys, key, "left")), int(np.searchsorted(keys, key, "right"))
            for at in order[low:high]:
                number = stretch.first + int(at)
                if number < self._floor:
                    continue
                _, kind, stamp = (int(value) for value in stretch.rows[at])
                one = _Found(
                    number, int(stretch.times[at]), int(stretch.given[at]), int(stretch.captures[at]), kind, stamp
                )
                if fits(one):  # type: ignore[operator]
                    return one
        return None

    def _index(self, stretch: Stretch) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        found = self._indexes.get(stretch.first)
        if found is None:
            assert stretch.rows is not None
            order = np.argsort(stretch.rows[:, 0], kind="stable")
            found = self._indexes[stretch.first] = (stretch.rows[order, 0], order)
        return found


def frequency(base: _Found, one: _Found) -> float:
    """Hz of a clock between two time stamps, as p0f computes it: milliseconds cut off, 32 bits that may go back."""
    millis = one.given // 1_000_000 - base.given // 1_000_000
    ticks = (one.stamp - base.stamp) & 0xFFFFFFFF
    if not LEAST_WAIT <= millis <= MOST_WAIT or ticks < LEAST_TICKS:
        return 0.0  # not measured
    back = ~ticks & 0xFFFFFFFF
    return back * -1000.0 / millis if ticks > back else ticks * 1000.0 / millis


def seconds(uptime: str) -> float | None:
    """Of an uptime as p0f writes it."""
    found = _UPTIME.match(uptime)
    return None if found is None else float(int(found[1]) * 86400 + int(found[2]) * 3600 + int(found[3]) * 60)


def _time_of(trail: Trail, number: int) -> int | None:
    for stretch in trail.stretches():
        if stretch.first <= number < stretch.first + len(stretch.times):
            return int(stretch.times[number - stretch.first])
    return None


def _remember(where: OrderedDict, key: object, value: _Found) -> None:  # type: ignore[type-arg]
    where[key] = value
    where.move_to_end(key)
    if len(where) > REMEMBERED:
        where.popitem(last=False)


@functools.lru_cache(1 << 14)
def _key(flow: tuple[str, int, str, int]) -> int:
    """KEY of kernels/fedslots.py."""
    family = socket.AF_INET6 if ":" in flow[0] else socket.AF_INET
    data = socket.inet_pton(family, flow[0]) + socket.inet_pton(family, flow[2])
    value = fedslots.OFFSET
    for byte in data + flow[1].to_bytes(2, "big") + flow[3].to_bytes(2, "big"):
        value = ((value ^ byte) * fedslots.PRIME) & 0xFFFFFFFFFFFFFFFF
    return value >> 1


@functools.lru_cache(1 << 14)
def _address(text: str) -> str:
    if ":" not in text:
        return text
    return socket.inet_ntop(socket.AF_INET6, socket.inet_pton(socket.AF_INET6, text))
