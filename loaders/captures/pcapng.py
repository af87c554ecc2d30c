"""pcapng: sections of both byte orders, several interfaces with their own link types and clocks, all packet blocks.

Source: draft-ietf-opsawg-pcapng. Read whole: interfaces may be described late, so a capture is not cut into splits.
"""

from __future__ import annotations

import struct

import numpy as np
from packetpig.loaders.captures.capture import Capture
from packetpig.loaders.captures.pcap import LONGEST, check_link_type
from packetpig.loaders.captures.window import Table, Window
from packetpig.loaders.contract.report import CaptureError, Report
from packetpig.loaders.kernels import frame, native

MAGIC = b"\x0a\x0d\x0d\x0a"
SECTION = 0x0A0D0D0A
MAX_INTERFACES = 1 << 16
LIMIT = LONGEST + 65_536  # bytes of a block: a packet, and its options


class Pcapng:
    """Reads the packets of one capture."""

    begin = 0

    def __init__(self, head: bytes, capture: Capture, report: Report) -> None:
        self.capture, self.report, self.path = capture, report, capture.path
        if len(head) < 12:
            raise CaptureError(f"{self.path}: cut in the section header")
        self.big = False
        self.packets = 0
        self.first = self.after = None
        self.interfaces = np.zeros((4, frame.IF_COLUMNS), np.int64)
        self.count = 0
        self.link_types: set[int] = set()

    @staticmethod
    def recognises(head: bytes) -> bool:
        """Whether a capture that begins with HEAD is of this format."""
        return head[:4] == MAGIC and head[8:12] in (b"\x1a\x2b\x3c\x4d", b"\x4d\x3c\x2b\x1a")

    def scan(self, window: Window, table: Table) -> int:
        """Note packets of the window in the table: FULL (the table is), MORE (bytes are needed) or STOP (all done)."""
        wide, places, state = table.pointers
        while True:
            table.state[:] = (window.at, table.rows, self.packets)
            why = native.pcapng_blocks(
                window.address, window.valid, 1 << 62, window.base, self.big, LIMIT, self.capture.number,
                self.interfaces.ctypes.data, self.count, state, wide, places, table.capacity,
            )  # fmt: skip
            window.at, table.rows, self.packets = (int(value) for value in table.state)
            if why == frame.OTHER:
                why = self._describe(window)
            if why == frame.BAD:
                self._lose(window, "what stands there is no block of pcapng")
                return frame.STOP
            if why == frame.MORE and window.last:
                if left := window.valid - window.at:
                    self._cut(window, left)
                return frame.STOP
            if why != frame.OTHER:
                return int(why)

    def _describe(self, window: Window) -> int:
        """Read the section or interface block at the window's place, and go past it."""
        head = window.head(28)
        if head[:4] == MAGIC:
            if head[8:12] == b"\x1a\x2b\x3c\x4d":
                self.big = True
            elif head[8:12] == b"\x4d\x3c\x2b\x1a":
                self.big = False
            else:
                return frame.BAD
        order = ">" if self.big else "<"
        kind, total = struct.unpack(order + "II", head[:8])
        if total < (28 if kind == SECTION else 20) or total % 4 or total > LIMIT:
            return frame.BAD
        block = window.head(total)
        if len(block) < total:
            return frame.MORE
        if struct.unpack(order + "I", block[-4:])[0] != total:
            return frame.BAD
        if kind == SECTION:
            if struct.unpack(order + "H", block[12:14])[0] != 1:
                return frame.BAD
            self.count = 0
        else:
            if self.count == MAX_INTERFACES:
                return frame.BAD
            self._interface(block[8:-4], order)
        window.at += total
        return frame.OTHER

    def _interface(self, body: bytes, order: str) -> None:
        link_type, _, snap = struct.unpack(order + "HHI", body[:8])
        if link_type not in self.link_types:
            self.link_types.add(link_type)
            check_link_type(link_type, self.path, self.report)
        scale, binary, offset = 3, -1, 0  # microseconds, unless an option says otherwise
        at = 8
        while at + 4 <= len(body):
            code, size = struct.unpack(order + "HH", body[at : at + 4])
            value = body[at + 4 : at + 4 + size]
            if code == 0 or len(value) < size:
                break
            if code == 9 and size >= 1:
                exponent = value[0] & 0x7F
                scale, binary = (0, min(exponent, 62)) if value[0] & 0x80 else (9 - exponent, -1)
            elif code == 14 and size >= 8:
                offset = struct.unpack(order + "q", value[:8])[0]
            at += 4 + (size + 3) // 4 * 4
        if self.count == len(self.interfaces):
            self.interfaces = np.concatenate([self.interfaces, np.zeros_like(self.interfaces)])
        self.interfaces[self.count] = (link_type, max(scale, -20), binary, offset % (1 << 40), snap)
        self.count += 1

    def _cut(self, window: Window, left: int) -> None:
        self.report.losses = True
        self.report.count("captures cut")
        self.report.count("bytes skipped", left)
        self.report.warn(
            f"{self.path}: offset {window.offset}: cut in the middle of a block; "
            f"its {left} bytes are left out, all packets before it are read"
        )

    def _lose(self, window: Window, why: str) -> None:
        self.report.losses = True
        self.report.count("records damaged")
        self.report.warn(f"{self.path}: offset {window.offset}: {why}; the rest of this capture is not read")
