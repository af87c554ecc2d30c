"""A second opinion on a capture, in plain Python: how many packets it has, if nothing in it is wrong."""

from __future__ import annotations

import struct

from tests.fuzz.seeds import PACKING

MAGICS = {0xA1B2C3D4: 16, 0xA1B23C4D: 16, 0xA1B2CD34: 24}
PACKED = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\x04\x22\x4d\x18": "lz4",
}


def packets(data: bytes) -> int | None:
    """Packets of a capture that is whole; None if it is not, so that a reader has to say something."""
    for magic, packing in PACKED.items():
        if data.startswith(magic):
            try:
                return packets(PACKING[packing][1](data))
            except Exception:  # whatever the library raises: the data is damaged
                return None
    if len(data) < 24:
        return None
    if data[:4] == b"\x0a\x0d\x0d\x0a":
        return _pcapng(data)
    for order in "<>":
        header = MAGICS.get(struct.unpack_from(order + "I", data)[0])
        if header:
            return _pcap(data, order, header)
    return None


def _pcap(data: bytes, order: str, header: int) -> int | None:
    limit = max(262_144, min(struct.unpack_from(order + "I", data, 16)[0], 16_777_216))
    at, count = 24, 0
    while at < len(data):
        if at + header > len(data):
            return None
        captured = struct.unpack_from(order + "I", data, at + 8)[0]
        at += header + captured
        if captured > limit or at > len(data):
            return None
        count += 1
    return count


def _pcapng(data: bytes) -> int | None:
    at, count, interfaces, order = 0, 0, 0, "<"
    while at < len(data):
        if at + 12 > len(data):
            return None
        if data[at : at + 4] == b"\x0a\x0d\x0d\x0a":
            order = {b"\x1a\x2b\x3c\x4d": ">", b"\x4d\x3c\x2b\x1a": "<"}.get(data[at + 8 : at + 12], "")
            if not order:
                return None
            if len(data) < at + 16 or struct.unpack_from(order + "H", data, at + 12)[0] != 1:
                return None
            interfaces = 0
        kind, total = struct.unpack_from(order + "II", data, at)
        least = {0x0A0D0D0A: 28, 1: 20}.get(kind, 12)
        if total < least or total % 4 or at + total > len(data):
            return None
        if struct.unpack_from(order + "I", data, at + total - 4)[0] != total:
            return None
        interfaces += kind == 1
        if kind in (2, 3, 6):
            if kind != 3:
                which, captured = struct.unpack_from(order + ("I" if kind == 6 else "H"), data, at + 8)[0], 0
                if total < 32:
                    return None
                captured = struct.unpack_from(order + "I", data, at + 20)[0]
                if which >= interfaces or captured > total - 32:
                    return None
            elif total < 16 or not interfaces:
                return None
            count += 1
        at += total
    return count
