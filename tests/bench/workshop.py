"""The captures that benchmarks run on, made once out of the demo captures, and kept below build/bench."""

from __future__ import annotations

import os
import shutil
import struct
from collections.abc import Iterator
from pathlib import Path

from packetpig.loaders.captures.capture import local
from packetpig.loaders.contract.discovery import find
from packetpig.loaders.contract.loader import run

from tests.conftest import DEMO, ROOT

GAP = 200  # microseconds between packets
BEGIN = 1_700_000_100  # seconds: where a window of 15 minutes begins
HEADER = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, 1)


class Workshop:
    """Makes captures of a given size, and says where they are."""

    def __init__(self, folder: Path = ROOT / "build/bench") -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def capture(self, megabytes: int) -> Path:
        """One large pcap: all Ethernet frames of the demo, again and again with other addresses."""
        path = self.folder / f"{megabytes}.pcap"
        if not path.exists():
            print(f"bench: making a capture of {megabytes} MB", flush=True)
            part = path.with_suffix(".part")
            with part.open("wb") as file:
                written, now = file.write(HEADER), 1_700_000_000_000_000
                for frame in _frames():
                    now += GAP
                    written += file.write(_record(now, frame))
                    if written >= megabytes * 1_000_000:
                        break
            part.rename(path)
        return path

    def pieces(self, megabytes: int, count: int) -> Path:
        """The same capture cut into COUNT files of one size, about."""
        folder = self.folder / f"{megabytes}-in-{count}"
        if not folder.exists():
            whole = self.capture(megabytes).read_bytes()
            part = folder.with_suffix(".part")
            part.mkdir()
            at, size = 24, len(whole) // count + 1
            for number in range(count):
                begin = at
                while at < len(whole) and at - begin < size:
                    at += 16 + struct.unpack_from("<I", whole, at + 8)[0]
                (part / f"{number:05}.pcap").write_bytes(whole[:24] + whole[begin:at])
            part.rename(folder)
        # all of it in the page cache, as the large one is
        for path in folder.glob("*.pcap"):
            path.read_bytes()
        return folder

    def rotated(self, megabytes: int, each: int, every: int = 0) -> Path:
        """Captures of EACH megabytes, MEGABYTES in all: one begins where another ends, or EVERY so many seconds."""
        folder = self.folder / f"{megabytes}-each-{each}-every-{every}"
        if not folder.exists():
            print(f"bench: making captures of {megabytes} MB", flush=True)
            part = folder.with_suffix(".part")
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir()
            frames, now = _frames(), BEGIN * 1_000_000
            for number in range(megabytes // each):
                now = (BEGIN + number * every) * 1_000_000 if every else now
                with (part / f"{number:05}.pcap").open("wb") as file:
                    written = file.write(HEADER)
                    while written < each * 1_000_000:
                        now += GAP
                        written += file.write(_record(now, next(frames)))
            part.rename(folder)
        return folder

    def warm(self, path: Path) -> Path:
        """Read it once, so that all who are compared find it in the page cache."""
        with path.open("rb") as file:
            while file.read(1 << 24):
                pass
        return path


def _frames() -> Iterator[bytes]:
    """Frames without end: the demo's in time order; each repeat moves two octets of both addresses."""
    captures = [local(path) for path in sorted(DEMO.iterdir())]
    _, batches = run(find("packets"), captures, ["frame"], where="link_type == 1")
    frames = [bytes(row["frame"]) for batch in batches for row in batch.to_pylist()]
    for repeat in range(1 << 16):
        for frame in frames:
            yield _moved(frame, repeat)


def _record(now: int, frame: bytes) -> bytes:
    return struct.pack("<IIII", now // 1_000_000, now % 1_000_000, len(frame), len(frame)) + frame


def _moved(frame: bytes, repeat: int) -> bytes:
    at = 12
    while frame[at : at + 2] == b"\x81\x00":
        at += 4
    spans = {b"\x08\x00": (at + 15, at + 19), b"\x86\xdd": (at + 14, at + 30)}.get(frame[at : at + 2])
    if not repeat or spans is None or len(frame) < spans[1] + 2:
        return frame
    out = bytearray(frame)
    for place in spans:
        moved = (int.from_bytes(out[place : place + 2], "big") + repeat) & 0xFFFF
        out[place : place + 2] = moved.to_bytes(2, "big")
    return bytes(out)


def environment_note() -> str:
    """What the figures were measured on."""
    model = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        "?",
    )
    return f"{os.cpu_count()} cores, {model}"
