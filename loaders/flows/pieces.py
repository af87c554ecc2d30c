"""Pieces: what a split of a capture knows of its sessions, small enough to be sent to where they are put together.

A piece has the packets of one bucket of flows as the tracker needs them: times, flags, sequence numbers, sizes, what
the payload looks like (26 bytes a packet before compression), the payload that somebody may want, and the keys of its
flows. Pieces are merged by putting their packets in the order of time (together.py). So cuts never change what sessions
are and say, captures may overlap, and it does not matter how pieces are grouped first.
"""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from packetpig.loaders.flows.extracting import Extractor
from packetpig.loaders.flows.merging import Packets, gathered
from packetpig.loaders.kernels import native, slots

if TYPE_CHECKING:
    from packetpig.loaders.flows.carrying import Carrying

BUCKETS = 256  # groups that flows are dealt out to
BATCH = 1 << 19  # packets of one round of pieces, or
PAYLOAD = 32 << 20  # bytes of their payload
FRAGMENTS = 1 << 14  # that are in one piece
CODEC = pa.Codec("zstd", compression_level=1)
HEAD = struct.Struct("<4sII")  # magic, bytes of the description, bytes of the columns before compression
MAGIC = b"PPS2"
COLUMN = struct.Struct("<qB")  # least value, bytes of each value
LOW = 0xFFFFFFFF
KEYS = range(slots.KEY)


def packed(values: Packets) -> bytes:
    """A column of numbers in as few bytes a number as it takes."""
    if not len(values):
        return COLUMN.pack(0, 1)
    least = int(values.min())
    span = int(values.max()) - least
    width = 1 if span < 1 << 8 else 2 if span < 1 << 16 else 4 if span < 1 << 32 else 8
    return COLUMN.pack(least, width) + (values - least).astype(f"<u{width}").tobytes()


class Pieces:
    """Packets of a split to pieces. CARRYING: what of their payload is in them."""

    def __init__(self, extractor: Extractor, carrying: Carrying | None = None, buckets: int = BUCKETS) -> None:
        """`times`: only packets from the first of these nanoseconds to before the second."""
        self._extractor, self._carrying, self._buckets = extractor, carrying, buckets
        self._captures = [[one.capture, one.sensor] for one in extractor.captures]
        self._until = self._rounds = 0
        self.times: tuple[int, int] | None = None
        extractor.fragments.patient = True
        self._start = extractor.captures[0].start if extractor.captures else 0

    def split(self) -> Iterator[tuple[int, int, int, bytes]]:
        """(bucket, time, number of the capture, piece), of all captures; every bucket has one, to know the end."""
        waiting: list[Packets] = []
        arenas: list[Any] = []
        count = size = 0
        for given in self._extractor.in_order():
            packets = given.copy()
            if self._carrying:  # of packets before `times` too: they tell what is spoken
                arenas.append(self._carrying.chosen(packets))
                size += len(arenas[-1])
            if self.times:
                time = packets[:, slots.P_TIME]
                packets = packets[(time >= self.times[0]) & (time < self.times[1])]
            waiting.append(packets)
            count += len(packets)
            if count >= BATCH or size >= PAYLOAD:
                yield from self._round(np.concatenate(waiting), False)
                waiting, arenas, count, size = [], [], 0, 0
        packets = np.concatenate(waiting) if waiting else np.empty((0, slots.PACKET), np.int64)
        yield from self._round(packets, True)
        yield from self._fragments()

    def _fragments(self) -> Iterator[tuple[int, int, int, bytes]]:
        """What is left of fragmented packets, in pieces of their own."""
        found: dict[int, list[Any]] = {}
        for key, one in self._extractor.fragments.left():
            addresses = key[3]
            half = 4 if len(addresses) == 8 else 16
            pair = b"".join(sorted((addresses[:half], addresses[half : 2 * half])))
            name = [base64.b64encode(part).decode() if isinstance(part, bytes) else part for part in key]
            header = base64.b64encode(one.header).decode()
            some = found.setdefault(self._pair(key[0], pair, half), [])
            for offset, body in one.pieces.items():
                if self.times and not self.times[0] <= one.times[offset][0] < self.times[1]:
                    continue
                last = offset + len(body) == one.size
                data = base64.b64encode(body).decode()
                some.append([*one.times[offset], name, header if offset == 0 else "", offset, data, last])
        self._rounds += 1
        for bucket, all_of_it in found.items():
            all_of_it.sort(key=lambda one: one[:2])
            for low in range(0, len(all_of_it), FRAGMENTS):
                some = all_of_it[low : low + FRAGMENTS]
                captures = sorted({one[1] for one in some})
                head = self._head(some[0][0], captures) | {"fragments": some}
                for one in some:
                    one[1] = captures.index(one[1])
                yield bucket, some[0][0], captures[0], framed(head, b"")

    def _pair(self, sensor: int, pair: bytes, half: int) -> int:
        row = np.zeros((1, slots.PACKET), np.int64)
        for at, address in ((slots.A_HIGH, pair[:half]), (slots.B_HIGH, pair[half:])):
            row[0, at : at + 2] = np.frombuffer(address.rjust(16, b"\0"), ">i8")
        row[0, slots.TAGS] = sensor << 32
        return int(self._deal(row)[0])

    def _deal(self, packets: Packets) -> np.ndarray[Any, np.dtype[np.int32]]:
        bucket = np.empty(len(packets), np.int32)
        seeds = self._extractor.sensors.digests
        native.deal(packets.ctypes.data, len(packets), self._buckets, seeds.ctypes.data, len(seeds), bucket.ctypes.data)
        return bucket

    def _round(self, packets: Packets, last: bool) -> Iterator[tuple[int, int, int, bytes]]:
        count = len(packets)
        self._rounds += 1
        if count:
            self._until = max(self._until, int(packets[:, slots.P_TIME].max()))
        bucket = self._deal(packets)
        order = np.argsort(bucket.astype(np.uint16), kind="stable")
        packets, bucket = packets[order], bucket[order]
        size = 1 << max(4, (2 * count).bit_length())
        table, flow, number = np.empty(size, np.int32), np.empty(count, np.int32), np.empty(count, np.int32)
        first = np.empty(count, np.int64)
        flows = native.number_flows(
            packets.ctypes.data, count, bucket.ctypes.data, table.ctypes.data, size, flow.ctypes.data,
            first.ctypes.data, number.ctypes.data,
        )  # fmt: skip
        first = first[:flows]
        ends = np.searchsorted(bucket, np.arange(self._buckets + 1)).tolist()
        flow_ends = np.searchsorted(first, ends).tolist()
        columns = _columns(packets, flow.astype(np.int64))
        keys = packets[first][:, : slots.KEY]
        payload = np.empty(0, np.uint8)
        there = [0] * (self._buckets + 1)
        if self._carrying:
            columns.append(packets[:, slots.P_THERE])
            payload = gathered(packets)
            there = np.append(0, np.cumsum(columns[-1]))[ends].tolist()
        for at in range(self._buckets):
            low, high = ends[at], ends[at + 1]
            if low == high and not last:
                continue
            own = keys[flow_ends[at] : flow_ends[at + 1]]
            said = payload[there[at] : there[at + 1]].tobytes()
            yield self._piece(at, [one[low:high] for one in columns], own, said)

    def _head(self, begin: int, captures: list[int]) -> dict[str, Any]:
        return {
            "until": self._until, "begin": begin, "at": [self._start, self._rounds],
            "captures": [self._captures[number] for number in captures], "sensors": self._extractor.sensors.names,
        }  # fmt: skip

    def _piece(self, bucket: int, columns: list[Packets], keys: Packets, said: bytes) -> tuple[int, int, int, bytes]:
        times, numbers = columns[0], columns[8]
        captures = np.unique(numbers).tolist()
        if captures and len(self._captures) > 1:
            columns[8] = np.searchsorted(captures, numbers)
        elif not captures and self._captures:
            captures = [0]
        begin = int(times[0]) if len(times) else self._until
        head = self._head(begin, captures)
        if not len(times):
            return bucket, begin, captures[0] if captures else 0, framed(head, b"")
        head |= {"packets": len(times), "flows": len(keys), "payload": len(columns) > 9}
        steps = np.diff(times, prepend=times[0])
        body = b"".join(
            [packed(keys[:, field]) for field in KEYS] + [packed(steps), *map(packed, columns[1:])] + [said]
        )
        return bucket, begin, captures[0], framed(head, body)


def _columns(packets: Packets, flow: Packets) -> list[Packets]:
    flags, numbers = packets[:, slots.P_FLAGS], packets[:, slots.P_NUMBERS]
    return [
        packets[:, slots.P_TIME], flow.astype(np.int64), flags & LOW, (flags >> 32) & LOW, (numbers >> 32) & LOW,
        numbers & LOW, packets[:, slots.P_PAYLOAD], packets[:, slots.P_LENGTH], packets[:, slots.P_CAPTURE],
    ]  # fmt: skip


def framed(head: Mapping[str, Any], body: bytes, magic: bytes = MAGIC) -> bytes:
    """A description and columns as bytes that `head_of` and `body_of` read."""
    text = json.dumps(head, separators=(",", ":")).encode()
    return HEAD.pack(magic, len(text), len(body)) + text + (CODEC.compress(body, asbytes=True) if body else b"")


def head_of(data: bytes) -> dict[str, Any]:
    """The description."""
    head: dict[str, Any] = json.loads(data[HEAD.size : HEAD.size + HEAD.unpack_from(data)[1]])
    return head


def body_of(data: bytes) -> bytes:
    """The columns."""
    _, text, size = HEAD.unpack_from(data)
    body: bytes = CODEC.decompress(memoryview(data)[HEAD.size + text :], size, asbytes=True) if size else b""
    return body


def in_order(pieces: Iterable[bytes]) -> list[bytes]:
    """Pieces as they are to be put together: by the time of their first packets."""
    return sorted(pieces, key=lambda piece: head_of(piece)["begin"])
