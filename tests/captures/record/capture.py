"""From what tcpdump recorded to the captures: every frame moved to its time, all merged, cut into rotated files."""

from __future__ import annotations

import bisect
import gzip
import hashlib
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

from .clock import Segment, iso

ROTATION = 4 * 3600  # seconds
NANO_MAGIC, MICRO_MAGIC = 0xA1B23C4D, 0xA1B2C3D4
SNAPLEN = 262144
# Files that are not plain microsecond captures, so that a user sees that it does not matter.
FORMATS = {"2024-03-04T16": "nanosecond", "2024-03-05T08": "pcapng", "2024-03-05T16": "gzip", "2024-03-06T12": "zstd"}
Frame = tuple[int, bytes]  # nanoseconds, frame


def read(path: Path) -> Iterator[Frame]:
    """The frames of a nanosecond capture as tcpdump writes it here."""
    data = path.read_bytes()
    if struct.unpack_from("<I", data)[0] != NANO_MAGIC:
        raise ValueError(f"{path}: not a little-endian nanosecond capture")
    at = 24
    while at + 16 <= len(data):
        seconds, nanos, kept, length = struct.unpack_from("<IIII", data, at)
        if kept != length:
            raise ValueError(f"{path}: a frame was cut")
        yield seconds * 1_000_000_000 + nanos, data[at + 16 : at + 16 + kept]
        at += 16 + kept


def tagged(frame: bytes, vlan: int) -> bytes:
    """The frame as a trunk carries it."""
    return frame[:12] + struct.pack(">HH", 0x8100, vlan) + frame[12:]


def moved(recorded: list[tuple[Path, int]], segments: list[Segment]) -> list[Frame]:
    """All frames that belong to a scene, at their capture times, in order."""
    begins = [segment.begin for segment in segments]
    frames: list[Frame] = []
    for path, vlan in recorded:
        for nanos, frame in read(path):
            number = bisect.bisect_right(begins, nanos / 1e9) - 1
            if number < 0 or nanos / 1e9 > segments[number].end:
                continue
            frames.append((nanos + round(segments[number].offset * 1e9), tagged(frame, vlan) if vlan else frame))
    frames.sort(key=lambda frame: frame[0])
    return frames


def classic(frames: list[Frame], nano: bool = False) -> bytes:
    """A pcap file."""
    unit = 1 if nano else 1000
    out = [struct.pack("<IHHiIII", NANO_MAGIC if nano else MICRO_MAGIC, 2, 4, 0, 0, SNAPLEN, 1)]
    for nanos, frame in frames:
        seconds, rest = divmod(nanos, 1_000_000_000)
        out += [struct.pack("<IIII", seconds, rest // unit, len(frame), len(frame)), frame]
    return b"".join(out)


def _block(kind: int, body: bytes) -> bytes:
    length = len(body) + 12
    return struct.pack("<II", kind, length) + body + struct.pack("<I", length)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def _option(code: int, value: bytes) -> bytes:
    return struct.pack("<HH", code, len(value)) + _padded(value)


def next_generation(frames: list[Frame]) -> bytes:
    """A pcapng file with one interface."""
    section = struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1) + _option(4, b"packetpig demo recording") + _option(0, b"")
    interface = struct.pack("<HHI", 1, 0, SNAPLEN) + _option(2, b"sensor0") + _option(9, b"\x06") + _option(0, b"")
    out = [_block(0x0A0D0D0A, section), _block(1, interface)]
    for nanos, frame in frames:
        micros = nanos // 1000
        head = struct.pack("<IIIII", 0, micros >> 32, micros & 0xFFFFFFFF, len(frame), len(frame))
        out.append(_block(6, head + _padded(frame)))
    return b"".join(out)


def write(frames: list[Frame], folder: Path) -> list[dict[str, object]]:
    """Cut the frames into rotated files; what was written."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    turns: dict[int, list[Frame]] = {}
    for frame in frames:
        turns.setdefault(frame[0] // (ROTATION * 1_000_000_000), []).append(frame)
    rows: list[dict[str, object]] = []
    for turn, part in sorted(turns.items()):
        stem = iso(turn * ROTATION)[:13]
        kind = FORMATS.get(stem, "microsecond")
        path = folder / f"{stem}.pcap"
        if kind == "pcapng":
            path = path.with_suffix(".pcapng")
            path.write_bytes(next_generation(part))
        else:
            path.write_bytes(classic(part, kind == "nanosecond"))
        unpacked = path.stat().st_size
        if kind == "gzip":
            data = gzip.compress(path.read_bytes(), 9, mtime=0)
            path.unlink()
            path = path.with_name(path.name + ".gz")
            path.write_bytes(data)
        elif kind == "zstd":
            subprocess.run(["zstd", "-q", "-19", "--rm", str(path)], check=True)
            path = path.with_name(path.name + ".zst")
        rows.append(
            {
                "file": path.name,
                "format": kind,
                "packets": len(part),
                "size": path.stat().st_size,
                "unpacked_size": unpacked,
                "first": iso(part[0][0] // 1000 / 1e6),
                "last": iso(part[-1][0] // 1000 / 1e6),
                "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            }
        )
    return rows
