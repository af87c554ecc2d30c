"""IP addresses as bytes, and the blocks that no place is known for (IANA's special-purpose registries)."""

from __future__ import annotations

import socket
from typing import Any

from packetpig.udfs._values import text

BLOCKS = {
    "private": "10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 100.64.0.0/10 fc00::/7 fec0::/10",
    "loopback": "127.0.0.0/8 ::1/128",
    "link-local": "169.254.0.0/16 fe80::/10",
    "multicast": "224.0.0.0/4 ff00::/8",
    "broadcast": "255.255.255.255/32",
    "reserved": "0.0.0.0/8 192.0.0.0/24 192.0.2.0/24 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 240.0.0.0/4 "
    "::/128 64:ff9b:1::/48 100::/64 2001:2::/48 2001:db8::/32 3fff::/20 5f00::/16",
}
"""Kinds of addresses that are nobody's in the public Internet. RFC 6890, 1918, 6598, 4193, 5737, 3849, 9637."""
LONGEST = 64
"""Characters that an address can have, with room for a zone (`%eth0`)."""
MAPPED = bytes(10) + b"\xff\xff"
NAT64 = bytes.fromhex("0064ff9b") + bytes(8)


def packed(ip: Any) -> bytes | None:
    """The 4 or 16 bytes of an address; null for anything else. An IPv4 address that IPv6 carries is itself."""
    found = text(ip)
    if found is None or not 2 <= len(found) <= LONGEST:
        return None
    try:
        if ":" not in found:
            return socket.inet_pton(socket.AF_INET, found)
        data = socket.inet_pton(socket.AF_INET6, found.partition("%")[0])
    except (OSError, ValueError):
        return None
    return data[12:] if data.startswith(MAPPED) else data


def carried(address: bytes) -> bytes:
    """The IPv4 address inside one of 6to4 (2002::/16) or NAT64 (64:ff9b::/96), whose place it shares."""
    if len(address) == 16:
        if address[:2] == b"\x20\x02":
            return address[2:6]
        if address.startswith(NAT64):
            return address[12:]
    return address


def network(cidr: str) -> tuple[int, int, int] | None:
    """A network as its address's length in bytes, its prefix as a number, and the bits that follow the prefix."""
    address, slash, length = cidr.strip().partition("/")
    data = packed(address)
    if data is None or (slash and not (length.isascii() and length.isdigit() and len(length) < 4)):
        return None
    bits = len(data) * 8
    kept = int(length) if slash else bits
    if slash and ":" in address and bits == 32:
        kept -= 96  # ::ffff:10.0.0.0/104
    if not 0 <= kept <= bits:
        return None
    return len(data), int.from_bytes(data, "big") >> (bits - kept), bits - kept


def _table() -> dict[int, list[tuple[int, int, str]]]:
    found: dict[int, list[tuple[int, int, str]]] = {4: [], 16: []}
    for kind, blocks in BLOCKS.items():
        for block in blocks.split():
            one = network(block)
            assert one is not None
            found[one[0]].append((one[2], one[1], kind))
    return {size: sorted(rows) for size, rows in found.items()}  # the smallest block first: 255.255.255.255


TABLE = _table()


def special(address: bytes) -> str | None:
    """The kind of block that an address is in (BLOCKS); null for those of the public Internet."""
    number = int.from_bytes(address, "big")
    for shift, prefix, kind in TABLE[len(address)]:
        if number >> shift == prefix:
            return kind
    return None
