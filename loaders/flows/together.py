"""Pieces put together: packets in the order of time, as if they had all stood in one capture (see pieces.py)."""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from packetpig.loaders.contract.report import CaptureError, Report
from packetpig.loaders.flows.extracting import Extractor
from packetpig.loaders.flows.fragments import Part
from packetpig.loaders.flows.merging import Packets, merged, without_doubles
from packetpig.loaders.flows.pieces import COLUMN, KEYS, MAGIC, body_of, head_of
from packetpig.loaders.kernels import native, slots

SLACK = 2000  # nanoseconds: what is lost when a time is a column `ts`


@dataclass
class Piece:
    """A piece that came back; its packets are unpacked when their turn comes. See merging.Source."""

    data: bytes
    head: dict[str, Any]
    captures: np.ndarray[Any, np.dtype[np.int64]]  # their numbers here
    sensors: np.ndarray[Any, np.dtype[np.int64]]
    extractor: Extractor
    lasting = True

    @property
    def begin(self) -> int:
        """Time of its first packet, or a little earlier: as far as `ts` tells."""
        return int(self.head["begin"]) - SLACK

    @property
    def rank(self) -> tuple[Any, ...]:
        """See merging.Source."""
        first = self.head["captures"]
        return (*(first[0] if first else ("", "")), *self.head["at"])

    def batches(self) -> Iterator[Packets]:
        """Its packets, or fragments."""
        if "packets" in self.head:
            try:
                self.data = body_of(self.data)  # where the packets' payload is from then on
            except OSError as error:
                raise CaptureError(f"a broken piece of sessions: {error}") from error
            yield self._packets(self.data)
        if "fragments" in self.head:
            yield self.extractor.fragments.noted([self._part(*one) for one in self.head["fragments"]])

    def _packets(self, body: bytes) -> Packets:
        count, flows = self.head["packets"], self.head["flows"]
        keys = np.empty((flows, slots.HASH + 1), np.int64)
        at = 0
        for field in KEYS:
            least, width = COLUMN.unpack_from(body, at)
            at += COLUMN.size
            keys[:, field] = np.frombuffer(body, f"<u{width}", flows, at).astype(np.int64) + least
            at += flows * width
        tags = keys[:, slots.TAGS]
        keys[:, slots.TAGS] = (tags & ~np.int64(0xFFFF << 32)) | (self.sensors[(tags >> 32) & 0xFFFF] << 32)
        digests = self.extractor.sensors.digests
        native.hash_keys(keys.ctypes.data, flows, digests.ctypes.data, len(digests))
        columns = np.zeros((10, 3), np.int64)
        for number in range(9 + self.head["payload"]):
            columns[number, 0], width = COLUMN.unpack_from(body, at)
            columns[number, 1:] = width, at + COLUMN.size
            at += COLUMN.size + count * width
        packets = np.empty((count, slots.PACKET), np.int64)
        raw = np.frombuffer(body, np.uint8)
        end = native.open_piece(
            packets.ctypes.data, count, raw.ctypes.data, len(raw), keys.ctypes.data, flows,
            self.captures.ctypes.data, len(self.captures), columns.ctypes.data, self.head["begin"],
            self.head["payload"], at, raw.ctypes.data,
        ) if at <= len(raw) else -1  # fmt: skip
        if end != len(raw):
            raise CaptureError("a broken piece of sessions")
        return packets

    def _part(
        self, time: int, capture: int, name: list[Any], header: str, offset: int, data: str, last: bool
    ) -> tuple[int, int, Part]:
        key: list[Any] = [base64.b64decode(part) if isinstance(part, str) else part for part in name]
        key[0] = int(self.sensors[key[0]])
        return time, int(self.captures[capture]), (
            tuple(key), base64.b64decode(header), offset, base64.b64decode(data), last,
        )  # fmt: skip


class Together:
    """The packets of some pieces, which come in the order of `ts`. See origin.Origin.

    No more pieces are held than overlap in time.
    """

    def __init__(self, pieces: Iterable[bytes], report: Report) -> None:
        self._pieces, self._report = pieces, report
        self._extractor = Extractor([], report)
        self._captures: dict[tuple[str, str], int] = {}
        self.names, self.sensors = self._extractor.names, self._extractor.sensors
        self.until = 0
        self.entropies = False  # the splits say

    def merged(self) -> Iterator[Packets]:
        """See Origin."""
        fragments = self._extractor.fragments
        for packets, doubles in merged(self._opened()):
            if not len(packets):
                continue
            whole = fragments.resolve(packets)
            if whole is not packets:  # what came in fragments here, a split may have had whole
                whole, more = without_doubles(whole)
                doubles += more
            self._report.count("packets in two captures", doubles)
            yield np.ascontiguousarray(whole)
        fragments.finish()

    @property
    def capture_names(self) -> list[tuple[str, str]]:
        """Sensor and name of each capture, by their numbers."""
        return [(sensor, name) for name, sensor in self._captures]

    def _opened(self) -> Iterator[Piece]:
        before = 0
        for data in self._pieces:
            try:
                head = head_of(data)
                captures = [self.capture(*one) for one in head["captures"]]
                sensors = [self.sensors.number(name) for name in head["sensors"]]
                self.until = max(self.until, head["until"])
                begin = head["begin"]
            except (ValueError, KeyError, TypeError, struct.error) as error:
                raise CaptureError(f"not a piece of sessions: {error}") from error
            if not data.startswith(MAGIC):
                raise CaptureError(f"not a piece of sessions, or one of another version: it begins with {data[:4]!r}")
            if begin < before - SLACK:
                raise CaptureError("pieces of sessions are not in the order of ts")
            before = begin
            if "packets" in head or "fragments" in head:
                yield Piece(
                    data, head, np.array(captures, np.int64), np.array(sensors or [0], np.int64), self._extractor
                )

    def capture(self, name: str, sensor: str) -> int:
        """The number of a capture, which may be a new one."""
        number = self._captures.get((name, sensor))
        if number is None:
            number = self._captures[name, sensor] = self._extractor.add(name, sensor)
        return number
