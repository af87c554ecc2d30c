"""Addresses and flows: what kind of address, which networks, reverse names, Community ID."""

from __future__ import annotations

import base64
import functools
import hashlib
import struct
from typing import Any

from packetpig.udfs._addresses import network, packed, special
from packetpig.udfs._values import pure, text
from pig_util import outputSchema

PROTOCOLS = {"icmp": 1, "tcp": 6, "udp": 17, "icmp6": 58, "sctp": 132}
MAX_PORT = 65535
ICMP = {8: 0, 0: 8, 13: 14, 14: 13, 15: 16, 16: 15, 17: 18, 18: 17, 10: 9, 9: 10}
ICMP6 = {128: 129, 129: 128, 133: 134, 134: 133, 135: 136, 136: 135, 130: 131, 131: 130, 144: 145, 145: 144, 139: 140, 140: 139}  # fmt: skip  # noqa: E501
"""Types of ICMP that ask and answer each other: they are one flow (the Community ID specification)."""


@pure
@outputSchema("kind:chararray")
def kind(ip: str | None) -> str | None:
    """`public`, or `private`, `loopback`, `link-local`, `multicast`, `broadcast`, `reserved`; null for no address.

    Private are RFC 1918, IPv6's unique local and (of old) site-local ones, and carriers' shared ones (100.64.0.0/10).

    Pig: `FOREACH addresses GENERATE ip, net.kind(ip);`
    """
    address = packed(ip)
    return None if address is None else special(address) or "public"


@pure
@outputSchema("is_private:boolean")
def is_private(ip: str | None) -> bool | None:
    """Whether the address is private (see `kind`), loopback or link-local: never from the Internet.

    Pig: `FILTER addresses BY NOT net.is_private(ip);`
    """
    address = packed(ip)
    return None if address is None else special(address) in ("private", "loopback", "link-local")


@pure
@outputSchema("is_multicast:boolean")
def is_multicast(ip: str | None) -> bool | None:
    """Whether the address is that of a group (224.0.0.0/4, ff00::/8).

    Pig: `FILTER addresses BY net.is_multicast(ip);`
    """
    address = packed(ip)
    return None if address is None else special(address) == "multicast"


@functools.lru_cache(256)
def _networks(cidrs: str) -> tuple[tuple[int, int, int], ...]:
    return tuple(one for one in map(network, cidrs.replace(",", " ").split()) if one is not None)


@pure
@outputSchema("in_network:boolean")
def in_network(ip: str | None, cidr: str | None) -> bool | None:
    """Whether the address is in a network, or in one of several with commas; null where none of them is a network.

    Pig: `FILTER addresses BY net.in_network(ip, '10.10.0.0/16, 2001:db8::/32');`
    """
    address, named = packed(ip), text(cidr)
    if address is None or named is None:
        return None
    networks = _networks(named)
    if not networks:
        return None
    number, size = int.from_bytes(address, "big"), len(address)
    return any(size == length and number >> shift == prefix for length, prefix, shift in networks)


@pure
@outputSchema("reverse:chararray")
def reverse(ip: str | None) -> str | None:
    """The name whose PTR record has the address's name: `1.10.10.10.in-addr.arpa`.

    Pig: `FOREACH addresses GENERATE ip, net.reverse(ip);`
    """
    address = packed(ip)
    if address is None:
        return None
    if len(address) == 4:
        return ".".join(str(one) for one in reversed(address)) + ".in-addr.arpa"
    return ".".join(reversed(address.hex())) + ".ip6.arpa"


def _protocol(proto: Any) -> int | None:
    name = (text(proto, 8) or "").strip().lower()
    if name.isascii() and name.isdigit() and int(name) < 256:
        return int(name)
    return PROTOCOLS.get(name)


def _port(value: Any) -> int | None:
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if 0 <= number <= MAX_PORT else None


@pure
@outputSchema("community_id:chararray")
def community_id(
    src: str | None, sport: int | None, dst: str | None, dport: int | None, proto: str | int | None
) -> str | None:
    """The flow's Community ID, version 1, seed 0: the same in both directions and in Zeek, Suricata and others.

    PROTO is a number or tcp, udp, icmp, icmp6, sctp. For ICMP, SPORT and DPORT are type and code. Protocols without
    ports take null ports. Source: https://github.com/corelight/community-id-spec.

    Pig: `FOREACH flows GENERATE net.community_id(src, sport, dst, dport, proto);`
    """
    one, other, number = packed(src), packed(dst), _protocol(proto)
    if one is None or other is None or number is None or len(one) != len(other):
        return None
    ends = (one, other)
    ports = b""
    ordered = one <= other
    if number in PROTOCOLS.values():
        first, second = _port(sport), _port(dport)
        if first is None or second is None:
            return None
        one_way = False
        if number in (1, 58):
            kinds = ICMP if number == 1 else ICMP6
            one_way = first not in kinds
            second = second if one_way else kinds[first]
        ordered = one_way or (one, first) <= (other, second)
        ports = struct.pack(">HH", *((first, second) if ordered else (second, first)))
    low, high = ends if ordered else ends[::-1]
    digest = hashlib.sha1(b"\0\0" + low + high + bytes((number, 0)) + ports, usedforsecurity=False).digest()
    return "1:" + base64.b64encode(digest).decode()
