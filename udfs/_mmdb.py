"""Writes geolocation databases in MaxMind's DB format 2.0: for tests, and for what comes as CSV (`make geoip`).

https://maxmind.github.io/MaxMind-DB/ has the format. IPv4 addresses stand at ::/96 of the tree, as in MaxMind's.
"""

from __future__ import annotations

import ipaddress
import struct
import time
from array import array
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

EMPTY = 0xFFFFFFFF
DATA = 1 << 31


class Sized(NamedTuple):
    """A number of one of the format's types: 5, 6, 9 for 16, 32, 64 bits. Readers want just these in the metadata."""

    number: int
    kind: int


def cidrs(first: int, last: int, bits: int) -> Iterator[tuple[int, int]]:
    """The networks that make up a range of addresses: prefix's first address and length."""
    while first <= last:
        size = min((first & -first).bit_length() - 1 if first else bits, (last - first + 1).bit_length() - 1)
        yield first, bits - size
        first += 1 << size


class Writer:
    """A database in the making."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._tree = array("I", [EMPTY, EMPTY])
        self._data = bytearray()
        self._offsets: dict[bytes, int] = {}

    def add(self, network: str, record: dict[str, Any]) -> None:
        """A network and what is known about it. Smaller ones come after those that they are in."""
        one = ipaddress.ip_network(network)
        self.put(int(one.network_address), one.prefixlen + (96 if one.version == 4 else 0), _value(record))

    def add_range(self, first: str, last: str, record: dict[str, Any]) -> None:
        """The same for a range of addresses, both ends included."""
        begin, end = ipaddress.ip_address(first), ipaddress.ip_address(last)
        data = _value(record)
        for at, length in cidrs(int(begin), int(end), begin.max_prefixlen):
            self.put(at, length + (96 if begin.version == 4 else 0), data)

    def put(self, address: int, length: int, data: bytes) -> None:
        """A network as the 128 bits of its address and its length there, and its record's bytes."""
        at = self._offsets.get(data)
        if at is None:
            at = self._offsets[data] = len(self._data)
            self._data += data
        tree, node = self._tree, 0
        for depth in range(127, 127 - length, -1):
            slot = node * 2 + (address >> depth & 1)
            if depth == 128 - length:
                tree[slot] = DATA | at
                return
            below = tree[slot]
            if below & DATA:  # nothing, or a larger network: both halves are as it was
                tree[slot] = node = len(tree) // 2
                tree.extend((below, below))
            else:
                node = below

    def write(self, path: Path) -> None:
        """The whole file; nodes of 2 × 32 bits."""
        nodes = len(self._tree) // 2
        out = array("I", (self._pointer(slot, nodes) for slot in self._tree))
        if struct.pack("=I", 1) != struct.pack(">I", 1):
            out.byteswap()
        about = {
            "node_count": Sized(nodes, 6),
            "record_size": Sized(32, 5),
            "ip_version": Sized(6, 5),
            "database_type": self._kind,
            "languages": ["en"],
            "binary_format_major_version": Sized(2, 5),
            "binary_format_minor_version": Sized(0, 5),
            "build_epoch": Sized(int(time.time()), 9),
            "description": {"en": self._kind},
        }
        part = path.with_suffix(".part")
        with part.open("wb") as file:
            file.write(out.tobytes() + bytes(16) + self._data + b"\xab\xcd\xefMaxMind.com" + _value(about))
        part.rename(path)

    @staticmethod
    def _pointer(slot: int, nodes: int) -> int:
        if slot == EMPTY:
            return nodes
        return nodes + 16 + (slot & ~DATA) if slot & DATA else slot


def _head(kind: int, size: int) -> bytes:
    extended = b"" if kind < 8 else bytes([kind - 7])
    top = (kind if kind < 8 else 0) << 5
    if size < 29:
        return bytes([top | size]) + extended
    if size < 285:
        return bytes([top | 29]) + extended + bytes([size - 29])
    if size < 65821:
        return bytes([top | 30]) + extended + (size - 285).to_bytes(2, "big")
    return bytes([top | 31]) + extended + (size - 65821).to_bytes(3, "big")


def _value(value: Any) -> bytes:
    """One value of the data section."""
    if isinstance(value, str):
        data = value.encode()
        return _head(2, len(data)) + data
    if isinstance(value, float):
        return _head(3, 8) + struct.pack(">d", value)
    if isinstance(value, Sized):
        data = value.number.to_bytes((value.number.bit_length() + 7) // 8, "big")
        return _head(value.kind, len(data)) + data
    if isinstance(value, int):
        data = value.to_bytes((value.bit_length() + 7) // 8, "big")
        return _head(6 if len(data) < 5 else 9, len(data)) + data
    if isinstance(value, dict):
        return _head(7, len(value)) + b"".join(_value(one) for pair in value.items() for one in pair)
    assert isinstance(value, list)
    return _head(11, len(value)) + b"".join(map(_value, value))


def build(path: Path, kind: str, networks: Iterable[tuple[str, dict[str, Any]]]) -> Path:
    """Write a small database of networks, the larger ones first."""
    writer = Writer(kind)
    for network, record in networks:
        writer.add(network, record)
    writer.write(path)
    return path
