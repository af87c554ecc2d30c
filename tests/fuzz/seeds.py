"""Captures to mutate: small ones of every format, some of made packets, some of what the demo has."""

from __future__ import annotations

import bz2
import functools
import gzip
import lzma
import struct
from collections.abc import Callable
from dataclasses import dataclass

import lz4.frame
from backports import zstd
from packetpig.loaders import load
from packetpig.loaders.captures.compression import MEMORY

from tests.conftest import DEMO
from tests.making import block, conversation, enhanced, interface, ipv4, pcap, section, udp

Packets = list[tuple[float, bytes]]

PACKING: dict[str, tuple[Callable[[bytes], bytes], Callable[[bytes], bytes]]] = {
    "gzip": (lambda data: gzip.compress(data, 1, mtime=0), gzip.decompress),
    "bzip2": (lambda data: bz2.compress(data, 1), bz2.decompress),
    "xz": (lambda data: lzma.compress(data, preset=0), lambda data: lzma.decompress(data, memlimit=MEMORY)),
    "zstd": (zstd.compress, zstd.decompress),
    "lz4": (lz4.frame.compress, lz4.frame.decompress),
}


@dataclass(frozen=True)
class Seed:
    """A capture, the places in it that are worth hitting (headers of records), and how it is to be packed."""

    name: str
    data: bytes
    places: tuple[int, ...]
    packing: str = ""


def _modified(packets: Packets) -> bytes:
    """The variant of pcap with longer record headers."""
    out = [struct.pack("<IHHiIII", 0xA1B2CD34, 2, 4, 0, 0, 65535, 1)]
    for ts, frame in packets:
        out.append(struct.pack("<IIIIIHBB", int(ts), 5, len(frame), len(frame), 1, 0x0800, 0, 0) + frame)
    return b"".join(out)


def _pcapng(packets: Packets, order: str) -> bytes:
    """Two sections, several interfaces, all kinds of packet blocks, and blocks that say nothing."""
    out = [section(order), interface(1, order), interface(101, order, resolution=9, offset=3600)]
    out.append(block(0xBAD, b"whatever", order))
    for number, (ts, frame) in enumerate(packets):
        ticks = int(ts * 1e6)
        if number % 9 == 8:
            out.append(block(3, struct.pack(order + "I", len(frame)) + frame, order))
        elif number % 9 == 7:
            head = struct.pack(order + "HHIIII", 0, 0, ticks >> 32, ticks & 0xFFFFFFFF, len(frame), len(frame))
            out.append(block(2, head + frame, order))
        else:
            out.append(enhanced(ticks, frame, 0, order))
    other = "<" if order == ">" else ">"
    out += [section(other), interface(1, other, resolution=0x8A), enhanced(1 << 41, packets[0][1], 0, other)]
    return b"".join(out)


def _records(data: bytes, order: str = "<", header: int = 16) -> tuple[int, ...]:
    at, places = 24, [0]
    while at + header <= len(data):
        places.append(at)
        at += header + struct.unpack_from(order + "I", data, at + 8)[0]
    return tuple(places)


def _blocks(data: bytes) -> tuple[int, ...]:
    at, places, order = 0, [], "<"
    while at + 12 <= len(data):
        places.append(at)
        if data[at : at + 4] == b"\x0a\x0d\x0d\x0a":
            order = "<" if data[at + 8] == 0x4D else ">"
        at += struct.unpack_from(order + "I", data, at + 4)[0]
    return tuple(places)


@functools.cache
def seeds() -> list[Seed]:
    """All of them, always in the same order."""
    found: list[Seed] = []
    made = conversation(24)
    groups = {"made": made, "late": [(ts - i * 3, frame) for i, (ts, frame) in enumerate(made)]}
    for path in sorted(DEMO.iterdir()):
        table = load("packets", str(path), ["ts", "frame"], where="link_type == 1")
        rows = [row for batch in table for row in batch.to_pylist()]
        step = max(1, len(rows) // 3)
        for start in range(0, len(rows) - 1, step):
            few = [(row["ts"], row["frame"]) for row in rows[start : start + 30]]
            groups[f"{path.name}+{start}"] = few
    for number, (name, packets) in enumerate(groups.items()):
        kind = number % 6
        if kind < 4:
            order, nanos = "<>"[kind % 2], kind >= 2
            data = pcap(packets, order, nanos)
            found.append(Seed(f"{name} pcap {order} {'nanoseconds' if nanos else ''}", data, _records(data, order)))
        if kind == 4 or name in ("made", "late"):
            data = _modified(packets)
            found.append(Seed(f"{name} modified pcap", data, _records(data, "<", 24)))
        if kind == 5 or name in ("made", "late"):
            for order in "<>":
                data = _pcapng(packets, order)
                found.append(Seed(f"{name} pcapng {order}", data, _blocks(data)))
    for link_type in (0, 12, 101, 105, 108, 109, 113, 127, 147, 192, 228, 229, 239, 258, 276, 9, 50, 51):
        frames = [
            (ts, struct.pack(">HHHH", 0, 4, 0x0800, 8) * (i % 3) + frame[14:]) for i, (ts, frame) in enumerate(made)
        ]
        data = pcap([*frames, (1.0, ipv4(udp(b"x"), proto=17))], link_type=link_type)
        found.append(Seed(f"link type {link_type}", data, _records(data)))
    plain = list(found)
    for number, packing in enumerate(PACKING):
        found += [Seed(f"{one.name} {packing}", one.data, one.places, packing) for one in plain[number::12]]
    return found
