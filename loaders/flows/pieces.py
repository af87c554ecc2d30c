"""Pieces: what a split of a capture knows of its sessions, small enough to be sent to where they are put together.

A piece has the packets of one bucket of flows as the tracker needs them: times, flags, sequence numbers, sizes, what
the payload looks like; 26 bytes a packet before compression, and the keys of its flows. Pieces are merged by putting
their packets in the order of time into one tracker. So cuts never change sessions, captures may overlap, and it does
not matter how pieces are grouped first.
"""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from packetpig.loaders.captures.capture import Capture
from packetpig.loaders.contract.report import Report
from packetpig.loaders.flows.extracting import Extractor
from packetpig.loaders.flows.fragments import Whole
from packetpig.loaders.flows.merging import Packets, merged
from packetpig.loaders.flows.rows import Sessions
from packetpig.loaders.flows.tracker import Tracker
from packetpig.loaders.kernels import native, slots

BUCKETS = 256  # groups that flows are dealt out to
BATCH = 1 << 19  # packets of one round of pieces
CODEC = pa.Codec("zstd", compression_level=1)
HEAD = struct.Struct("<4sII")  # magic, bytes of the description, bytes of the columns before compression
MAGIC = b"PPS1"
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


def unpacked(data: bytes, at: int, count: int) -> tuple[Packets, int]:
    """A column of COUNT numbers at AT, and where it ends."""
    least, width = COLUMN.unpack_from(data, at)
    at += COLUMN.size
    values = np.frombuffer(data, f"<u{width}", count, at).astype(np.int64) + least
    return values, at + count * width


class Pieces:
    """Packets of a split to pieces."""

    def __init__(self, extractor: Extractor, buckets: int = BUCKETS) -> None:
        """`times`: only packets from the first of these nanoseconds to before the second."""
        self._extractor, self._buckets = extractor, buckets
        self._captures = [[one.capture, one.sensor] for one in extractor.captures]
        self._until = self._rounds = 0
        self.times: tuple[int, int] | None = None
        extractor.fragments.patient = True
        self._start = extractor.captures[0].start if extractor.captures else 0

    def split(self) -> Iterator[tuple[int, int, int, bytes]]:
        """(bucket, time, number of the capture, piece), of all captures; every bucket has one, to know the end."""
        waiting: list[Packets] = []
        count = 0
        for packets in self._extractor.in_order():
            if self.times:
                time = packets[:, slots.P_TIME]
                packets = packets[(time >= self.times[0]) & (time < self.times[1])]
            waiting.append(packets.copy())
            count += len(packets)
            if count >= BATCH:
                yield from self._round(np.concatenate(waiting), {}, False)
                waiting, count = [], 0
        packets = np.concatenate(waiting) if waiting else np.empty((0, slots.PACKET), np.int64)
        yield from self._round(packets, self._fragments(), True)

    def _fragments(self) -> dict[int, list[Any]]:
        """What is left of fragmented packets, by bucket."""
        found: dict[int, list[Any]] = {}
        for key, one in self._extractor.fragments.left():
            addresses = key[3]
            half = 4 if len(addresses) == 8 else 16
            pair = b"".join(sorted((addresses[:half], addresses[half : 2 * half])))
            name = [base64.b64encode(part).decode() if isinstance(part, bytes) else part for part in key[1:]]
            header = base64.b64encode(one.header).decode()
            bucket = found.setdefault(self._pair(key[0], pair, half), [])
            for offset, body in one.pieces.items():
                if self.times and not self.times[0] <= one.times[offset][0] < self.times[1]:
                    continue
                last = offset + len(body) == one.size
                data = base64.b64encode(body).decode()
                bucket.append([*one.times[offset], name, header if offset == 0 else "", offset, data, last])
        return found

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

    def _round(
        self, packets: Packets, fragments: dict[int, list[Any]], last: bool
    ) -> Iterator[tuple[int, int, int, bytes]]:
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
        for at in range(self._buckets):
            low, high = ends[at], ends[at + 1]
            if low == high and not last and at not in fragments:
                continue
            own = keys[flow_ends[at] : flow_ends[at + 1]]
            yield self._piece(at, [one[low:high] for one in columns], own, fragments.get(at, []))

    def _piece(
        self, bucket: int, columns: list[Packets], keys: Packets, fragments: list[Any]
    ) -> tuple[int, int, int, bytes]:
        times, numbers = columns[0], columns[-1]
        captures = np.unique(numbers).tolist()
        if captures and len(self._captures) > 1:
            columns = [*columns[:-1], np.searchsorted(captures, numbers)]
        elif not captures and self._captures:
            captures = [0]
        for one in fragments:
            if one[1] not in captures:
                captures.append(one[1])
            one[1] = captures.index(one[1])
        begin = int(times[0]) if len(times) else self._until
        head: dict[str, Any] = {"packets": len(times), "flows": len(keys), "until": self._until, "begin": begin}
        head["at"] = [self._start, self._rounds]
        head["captures"] = [self._captures[number] for number in captures]
        head["sensors"] = self._extractor.sensors.names
        if fragments:
            head["fragments"] = fragments
        if not len(times):
            return bucket, begin, captures[0] if captures else 0, framed(head, b"")
        steps = np.diff(times, prepend=times[0])
        body = b"".join(
            [COLUMN.pack(int(times[0]), 0), packed(steps), *map(packed, columns[1:])]
            + [packed(keys[:, field]) for field in KEYS]
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
    return CODEC.decompress(data[HEAD.size + text :], size, asbytes=True) if size else b""


@dataclass
class Piece:
    """A piece that came back; its packets are decoded when their turn comes."""

    data: bytes
    head: dict[str, Any]
    captures: np.ndarray[Any, np.dtype[np.int64]]  # their numbers in all
    sensors: np.ndarray[Any, np.dtype[np.int64]]
    digests: np.ndarray[Any, np.dtype[np.int64]]

    @property
    def begin(self) -> int:
        """See merging.Source."""
        return int(self.head["begin"])

    @property
    def rank(self) -> tuple[Any, ...]:
        """See merging.Source."""
        return (*self.head["captures"][0], *self.head["at"])

    def batches(self) -> Iterator[Packets]:
        """See merging.Source."""
        yield self.packets()

    def packets(self) -> Packets:
        """Its packets."""
        count, flows = self.head["packets"], self.head["flows"]
        if not count:
            return np.empty((0, slots.PACKET), np.int64)
        body = body_of(self.data)
        columns, at = [], COLUMN.size
        for _ in range(9):
            values, at = unpacked(body, at, count)
            columns.append(values)
        keys = np.empty((flows, slots.HASH + 1), np.int64)
        for field in KEYS:
            keys[:, field], at = unpacked(body, at, flows)
        tags = keys[:, slots.TAGS]
        keys[:, slots.TAGS] = (tags & ~np.int64(0xFFFF << 32)) | (self.sensors[(tags >> 32) & 0xFFFF] << 32)
        native.hash_keys(keys.ctypes.data, flows, self.digests.ctypes.data, len(self.digests))
        steps, flow, low, high, sequence, ack, payload, length, capture = columns
        packets = np.zeros((count, slots.PACKET), np.int64)
        packets[:, : slots.HASH + 1] = keys[flow]
        packets[:, slots.P_TIME] = COLUMN.unpack_from(body)[0] + np.cumsum(steps)
        packets[:, slots.P_FLAGS] = low | (high << 32)
        packets[:, slots.P_NUMBERS] = (sequence << 32) | ack
        packets[:, slots.P_PAYLOAD] = payload
        packets[:, slots.P_LENGTH] = length
        packets[:, slots.P_CAPTURE] = self.captures[capture]
        packets[:, slots.P_SESSION] = -1
        return packets


class Together:
    """Pieces of one bucket put together; CAPTURES and SENSORS: (sensor, capture) and names that count besides."""

    def __init__(
        self,
        data: Sequence[bytes],
        report: Report | None = None,
        captures: Iterable[tuple[str, str]] = (),
        sensors: Iterable[str] = (),
    ) -> None:
        self.report = report or Report()
        heads = [head_of(one) for one in data]
        names = sorted({(sensor, name) for head in heads for name, sensor in head["captures"]} | set(captures))
        self.captures = [name for _, name in names]
        self.where = where = {pair: number for number, pair in enumerate(names)}
        own = [Capture(name, open=lambda: None, capture=name, sensor=sensor) for sensor, name in names]  # type: ignore[arg-type,return-value]
        known = {sensor for head in heads for sensor in head["sensors"]} | set(sensors)
        for sensor in sorted(known - {sensor for sensor, _ in names}):
            own.append(Capture("", open=lambda: None, sensor=sensor))  # type: ignore[arg-type,return-value]
        self.extractor = Extractor(own, self.report)
        digests = self.extractor.sensors.digests
        numbers = {name: number for number, name in enumerate(self.extractor.sensors.names)}
        self.until = max((head["until"] for head in heads), default=0)
        self.pieces = []
        for one, head in zip(data, heads, strict=True):
            captures = np.array([where[sensor, name] for name, sensor in head["captures"]] or [0], np.int64)
            sensors = np.array([numbers[name] for name in head["sensors"]] or [0], np.int64)
            self.pieces.append(Piece(one, head, captures, sensors, digests))

    def sessions(self, options: Mapping[str, str], seen: Callable[[Packets], None] | None = None) -> Iterator[Sessions]:
        """The sessions, as if their packets had stood in one capture. SEEN is called with all packets, once tracked."""
        tracker = Tracker(options, self.report)
        yield from self.followed(tracker, seen)
        for left in tracker.finish():
            yield Sessions(left.copy(), self.captures, self.extractor.sensors)

    def followed(self, tracker: Tracker, seen: Callable[[Packets], None] | None = None) -> Iterator[Sessions]:
        """Give TRACKER all packets; the sessions that have ended on the way."""
        sources: list[Any] = [piece for piece in self.pieces if piece.head["packets"]]
        whole = self._fragments()
        if len(whole):
            sources.append(_Packets(whole))
        for packets, doubles in merged(sources):
            self.report.count("packets in two captures", doubles)
            packets = np.ascontiguousarray(packets)
            over = [one.copy() for one in tracker.add(packets)]
            if seen:
                seen(packets)
            for ended in over:
                yield Sessions(ended, self.captures, self.extractor.sensors)
        tracker.state[slots.NOW] = max(int(tracker.state[slots.NOW]), self.until)

    def _fragments(self) -> Packets:
        """Packets whose fragments were in several pieces."""
        parts = []
        for piece in self.pieces:
            for time, capture, name, *rest in piece.head.get("fragments", []):
                key = tuple(base64.b64decode(part) if isinstance(part, str) else part for part in name)
                parts.append((time, int(piece.captures[capture]), key, *rest))
        done: list[Whole] = []
        fragments = self.extractor.fragments
        for time, capture, key, header, offset, data, last in sorted(parts, key=lambda part: part[:2]):
            sensor = int(self.extractor.sensors.of_capture[capture])
            fragments.expire(time)
            found = fragments.piece(
                (sensor, *key), time, capture, base64.b64decode(header), offset, base64.b64decode(data), last
            )
            if found:
                done.append((time, capture, key[0], key[1], found))
        self.extractor.fragments.finish()
        packets = self.extractor.fragments.decoded(done) if done else np.empty((0, slots.PACKET), np.int64)
        return packets[np.argsort(packets[:, slots.P_TIME], kind="stable")]


@dataclass
class _Packets:
    packets: Packets
    rank = ("",)

    @property
    def begin(self) -> int:
        """See merging.Source."""
        return int(self.packets[0, slots.P_TIME])

    def batches(self) -> Iterator[Packets]:
        """See merging.Source."""
        yield self.packets
