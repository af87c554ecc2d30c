"""Classic pcap: both byte orders, micro- and nanoseconds, and the variant with 24-byte record headers.

Source: draft-ietf-opsawg-pcap; the variant is that of Alexey Kuznetzov's patched libpcap (magic A1B2CD34).
"""

from __future__ import annotations

import struct

from packetpig.loaders.captures.capture import Capture
from packetpig.loaders.captures.window import Table, Window
from packetpig.loaders.contract.report import CaptureError, Report
from packetpig.loaders.kernels import frame, native

HEADER = 24
ORDINARY = 262_144  # bytes: the longest frame that an ordinary capture has
LONGEST = 16_777_216  # bytes: the longest that is believed, whatever the snap length says
OVERLAP = 1 << 20  # bytes before a split where the chain of records that leads into it is looked for
SEARCH = 1 << 25  # bytes of a split without any record, after which the capture is read from its begin instead

MAGICS = {  # magic in the byte order of the file: (bytes of a record's header, nanoseconds)
    0xA1B2C3D4: (16, False),
    0xA1B23C4D: (16, True),
    0xA1B2CD34: (24, False),
}


def check_link_type(link_type: int, path: str, report: Report) -> None:
    """Say so if frames of this link type are not understood."""
    if link_type not in frame.LINK_TYPES:
        report.count("link types not understood")
        report.warn(f"{path}: link type {link_type} is not understood; its packets are rows without layers")


class Pcap:
    """Reads the records of one capture, or those that begin in the capture's range."""

    def __init__(self, head: bytes, capture: Capture, report: Report) -> None:
        self.capture, self.report = capture, report
        self.path = capture.path
        if len(head) < HEADER:
            raise CaptureError(f"{self.path}: cut in the file header ({len(head)} of {HEADER} bytes)")
        self.big = head[:2] in (b"\xa1\xb2",)
        order = ">" if self.big else "<"
        magic, _, _, _, _, snap, network = struct.unpack(order + "IHHiIII", head[:HEADER])
        self.record, self.nanos = MAGICS[magic]
        self.link_type = network & 0xFFFF
        self.limit = max(ORDINARY, min(snap, LONGEST))
        self.around = struct.unpack(order + "I", head[HEADER : HEADER + 4])[0] if len(head) >= HEADER + 4 else 0
        self.first: int | None = None
        self.after: int | None = None
        self.lost: int | None = None  # offset from which on no record was found
        self.packets = 0
        self._mode = "read"
        self._start = max(capture.start, HEADER)
        self._known = 0
        if capture.start > HEADER:
            self.packets = -1
            self._mode = "search"
        elif capture.start == 0:
            self.first = HEADER
        if capture.start == 0:
            check_link_type(self.link_type, self.path, report)

    @staticmethod
    def recognises(head: bytes) -> bool:
        """Whether a capture that begins with HEAD is of this format."""
        return len(head) >= 4 and any(struct.unpack(order + "I", head[:4])[0] in MAGICS for order in "<>")

    @property
    def begin(self) -> int:
        """Offset from which the capture's bytes are needed."""
        if self._known:
            return self._known
        return max(HEADER, self._start - OVERLAP) if self._mode == "search" else HEADER

    def scan(self, window: Window, table: Table) -> int:
        """Note packets of the window in the table: FULL (the table is), MORE (bytes are needed) or STOP (all done)."""
        steps = {"search": self._search, "skip": self._skip, "read": self._read, "lost": self._find_again}
        mode = ""
        while mode != self._mode:  # a step that ends sets the next one; any number of damaged records come one by one
            mode = self._mode
            why = steps[mode](window, table)
        if why == frame.MORE and window.last:
            self._end(window)
            return frame.STOP
        return why

    def _stop(self, window: Window) -> int:
        return 1 << 62 if self.capture.end is None else self.capture.end - window.base

    def _read(self, window: Window, table: Table) -> int:
        wide, places, state = table.pointers
        table.state[:] = (window.at, table.rows, self.packets)
        if self.first is None:
            self.first = window.offset
        why = native.pcap_records(
            window.address, window.valid, self._stop(window), window.base, self.record, self.big, self.nanos,
            self.link_type, self.limit, self.capture.number, state, wide, places, table.capacity,
        )  # fmt: skip
        window.at, table.rows, self.packets = (int(value) for value in table.state)
        if why == frame.STOP:
            self.after = window.offset
        if why == frame.BAD:
            self._lose(window)
        return int(why)

    def _lose(self, window: Window) -> None:
        header = window.head(self.record)
        captured = struct.unpack((">" if self.big else "<") + "I", header[8:12])[0]
        self.lost = window.offset
        self._mode = "lost"
        self.packets = -1
        self.report.losses = True
        self.report.count("records damaged")
        self.report.warn(
            f"{self.path}: offset {window.offset}: a record of {captured} bytes (at most {self.limit} are possible); "
            "looking for the next packet"
        )

    def _chain(self, window: Window, start: int) -> int:
        return int(
            native.pcap_chain(
                window.address, start, window.valid, window.valid, window.last, self.record, self.big, self.nanos,
                self.limit, self.around,
            )
        )  # fmt: skip

    def _find_again(self, window: Window, _: Table) -> int:
        assert self.lost is not None
        found = self._chain(window, max(window.at, self.lost + 1 - window.base))
        if found < 0:
            if not window.last:
                # what is at the end may begin a chain that goes on in bytes not here yet
                window.at = max(window.at, window.valid - frame.CHAIN_BYTES - self.limit - self.record)
                return frame.MORE
            found = window.valid
        skipped = window.base + found - self.lost
        self.report.count("bytes skipped", skipped)
        after = "to the end" if found == window.valid else f"went on at offset {window.base + found}"
        self.report.warn(f"{self.path}: offset {self.lost}: skipped {skipped} bytes, {after}")
        self.lost = None
        window.at = found
        self._mode = "read"
        return frame.MORE

    def _search(self, window: Window, _: Table) -> int:
        """Find the chain of records that leads into the range."""
        found = self._chain(window, window.at)
        if found >= 0:
            window.at = found
            self._mode = "skip"
            return frame.MORE
        if window.last or window.offset > self._start + SEARCH:
            raise RestartError
        window.at = max(window.at, window.valid - frame.CHAIN_BYTES - self.limit - self.record)
        return frame.MORE

    def go_to(self, offset: int, packets: int) -> None:
        """Begin at OFFSET, where a record is known to begin; PACKETS of the capture stand before it (-1: not known)."""
        self._known, self.packets = offset, packets
        self._mode = "skip" if offset < self._start else "read"

    def restart(self) -> None:
        """Find the range by walking through the capture from its begin."""
        self._mode = "skip"

    def _skip(self, window: Window, table: Table) -> int:
        """Go past the records before the range."""
        start = self._start - window.base
        while True:
            table.state[frame.AT] = window.at
            why = native.pcap_skip(
                window.address, window.valid, start, self.record, self.big, self.limit, table.pointers[2]
            )
            window.at = int(table.state[frame.AT])
            if why != frame.BAD:
                break
            found = self._chain(window, window.at + 1)
            if found < 0:
                if window.last:
                    self.first = self.after = window.base + window.valid
                    return frame.STOP
                window.at = max(window.at + 1, window.valid - frame.CHAIN_BYTES - self.limit - self.record)
                return frame.MORE
            window.at = found
        if why == frame.STOP:
            self._mode = "read"
        return int(why)

    def _end(self, window: Window) -> None:
        """The capture ends: whatever is left is no whole packet."""
        end = window.base + window.valid
        left = window.valid - window.at
        if self.first is None:
            self.first = end
        elif left and self._mode == "read":
            self.report.losses = True
            self.report.count("captures cut")
            self.report.count("bytes skipped", left)
            self.report.warn(
                f"{self.path}: offset {window.offset}: cut in the middle of a packet; "
                f"its {left} bytes are left out, all packets before it are read"
            )
        self.after = end


class RestartError(Exception):
    """The range cannot be found from its middle; read the capture from its begin (see Pcap.restart)."""
