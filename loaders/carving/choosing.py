"""Carves a pcap by a condition at the speed of a scan: packets are chosen as they are found, and copied at once.

It is for captures where all is as it should be. Where something is not, nothing of the capture is taken, and whoever
asked reads it as columns, which says what is wrong. Neither numpy nor Arrow is needed: they take longer to import than
a gigabyte takes here.
"""

from __future__ import annotations

import ctypes
import mmap
import os
from array import array
from collections import deque
from collections.abc import Generator
from stat import S_ISREG

from packetpig.loaders.captures import parallel
from packetpig.loaders.captures.capture import Capture
from packetpig.loaders.captures.parallel import Segment
from packetpig.loaders.captures.pcap import HEADER, Pcap, RestartError
from packetpig.loaders.captures.window import Window
from packetpig.loaders.carving.evidence import Evidence, Records
from packetpig.loaders.contract.report import Report
from packetpig.loaders.kernels import choices, frame, native

HEAD = HEADER + 4  # bytes of a capture that its scanner wants to see
ROOM = 1 << 20  # bytes of records, to begin with
NORESERVE = 0x4000  # of mmap (Linux): a private map takes no memory until it is written to, and nobody writes


class _Chosen:
    """Records that were chosen, and the kernel's state. It stands where others have a table of packets."""

    def __init__(self) -> None:
        self.state = (ctypes.c_int64 * choices.STATE_SIZE)()
        self.places = (ctypes.c_int32 * frame.PLACE_ROWS)()
        self.pointers = (0, ctypes.addressof(self.places), ctypes.addressof(self.state))
        self.records = ctypes.create_string_buffer(ROOM)

    def clear(self) -> None:
        """Make it as new, but for its room."""
        for at in range(choices.STATE_SIZE):
            self.state[at] = 0

    def make_room(self) -> None:
        """Twice as much."""
        larger = ctypes.create_string_buffer(2 * len(self.records))
        ctypes.memmove(larger, self.records, self.state[choices.FILLED])
        self.records = larger


class _Chooser(Pcap):
    """A scanner that chooses packets where others note them."""

    def __init__(self, head: bytes, capture: Capture, report: Report, condition: array[int]) -> None:
        super().__init__(head, capture, report)
        self._condition = condition

    def _read(self, window: Window, chosen: _Chosen) -> int:  # type: ignore[override]
        if self.first is None:
            self.first = window.offset
        steps, length = self._condition.buffer_info()
        chosen.state[frame.AT] = window.at
        why = frame.FULL
        while why == frame.FULL:
            why = native.choose(
                window.address, window.valid, self._stop(window), window.base, self.record, self.big, self.nanos,
                self.link_type, self.limit, chosen.pointers[2], steps, length // choices.STEP, chosen.pointers[1],
                ctypes.addressof(chosen.records), len(chosen.records),
            )  # fmt: skip
            if why == frame.FULL:
                chosen.make_room()
        window.at = chosen.state[frame.AT]
        if why == frame.STOP:
            self.after = window.offset
        elif why != frame.MORE:  # a record that cannot be, or a time that a pcap cannot say
            self.report.losses = True
            return frame.STOP
        return int(why)


def carve(capture: Capture, condition: array[int], evidence: Evidence, report: Report) -> bool:
    """Write those packets of a capture of which CONDITION is true; give whether it was possible.

    Raises OSError for what cannot be written.
    """
    try:
        mapped = _map(capture)
    except (OSError, ValueError):
        return False
    if mapped is None or len(mapped) < HEADER:
        return False
    head, size = mapped[:HEAD], len(mapped)
    address = ctypes.addressof(ctypes.c_char.from_buffer(mapped))
    free: deque[_Chosen] = deque()

    def scan(part: Capture) -> Segment[_Chosen] | None:
        chosen = free.pop() if free else _Chosen()
        chosen.clear()
        own = Report()
        scanner = _Chooser(head, part, own, condition)
        window = Window(memoryview(mapped), scanner.begin, size, 0, True, address)
        try:
            scanner.scan(window, chosen)  # type: ignore[arg-type]
        except RestartError:
            return None
        if own.counters or own.losses:
            return None
        return Segment(chosen, chosen.state[choices.SEEN], scanner.first, scanner.after)

    link_type = Pcap(head, capture, Report()).link_type
    mark, done = evidence.mark(), False
    try:
        if parallel.possible(capture, size):
            segments = parallel.proven(capture, size, Report(), scan)
        else:
            segments = _one(scan(capture))
        while True:
            chosen = next(segments).found
            _write(evidence, link_type, capture.capture, chosen)
            free.append(chosen)
    except StopIteration as end:
        done = end.value is None
    finally:
        if not done:
            evidence.rewind(mark)
    if done:
        report.progress(size)
    return done


def _one(segment: Segment[_Chosen] | None) -> Generator[Segment[_Chosen], None, tuple[int, int] | None]:
    """As parallel.proven, for a capture that is one segment."""
    if segment is None:
        return HEADER, 0
    yield segment
    return None


def _write(evidence: Evidence, link_type: int, capture: str, chosen: _Chosen) -> None:
    state = chosen.state
    if state[choices.CHOSEN]:
        found = Records(
            state[choices.CHOSEN], state[choices.LONGEST], state[choices.EARLIEST], state[choices.LATEST]
        )  # fmt: skip
        evidence.write(link_type, capture, memoryview(chosen.records)[: state[choices.FILLED]].cast("B"), found)


def possible(capture: Capture) -> bool:
    """Whether a capture is a whole file of this machine, and a pcap."""
    if capture.local is None or capture.start or capture.end is not None:
        return False
    try:
        with open(capture.local, "rb", buffering=0) as file:  # noqa: PTH123
            return S_ISREG(os.fstat(file.fileno()).st_mode) and Pcap.recognises(file.read(HEAD))
    except OSError:
        return False


def _map(capture: Capture) -> mmap.mmap | None:
    """The bytes of a capture that is possible, or None."""
    if not possible(capture):
        return None
    with open(str(capture.local), "rb", buffering=0) as file:  # noqa: PTH123
        # writable, since only of such a map an address can be had
        return mmap.mmap(file.fileno(), 0, mmap.MAP_PRIVATE | NORESERVE, mmap.PROT_READ | mmap.PROT_WRITE)
