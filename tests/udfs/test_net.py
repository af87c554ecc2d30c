"""net: kinds of addresses, networks, reverse names, Community ID."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packetpig.loaders import load
from packetpig.udfs import net

from tests.conftest import DEMO

ADDRESSES = st.ip_addresses().map(str)


def test_kinds() -> None:
    assert net.kind("8.8.8.8") == net.kind("2a00::1") == "public"
    assert net.kind("172.31.0.1") == "private"
    assert net.kind("172.32.0.1") == "public"
    assert net.kind("x") is None
    assert net.is_private("192.168.1.1") is net.is_private("::1") is net.is_private("fe80::1") is True
    assert net.is_private("8.8.8.8") is net.is_private("224.0.0.1") is False
    assert net.is_multicast("239.1.1.1") is net.is_multicast("ff02::1") is True
    assert net.is_multicast("10.0.0.1") is False


@given(ADDRESSES)
def test_private_as_python_has_it(ip: str) -> None:
    given = ipaddress.ip_address(ip)
    address = getattr(given, "ipv4_mapped", None) or given  # which Python 3.11 does not look into
    site_local = getattr(address, "is_site_local", False)  # RFC 3879: no longer given out, and nobody's in public
    if address.is_global and not address.is_multicast and not site_local and not str(address).startswith("192.0.0."):
        assert net.kind(ip) == "public"
    assert net.is_multicast(ip) == address.is_multicast
    assert net.reverse(ip) == given.reverse_pointer or address is not given


def test_networks() -> None:
    assert net.in_network("10.1.2.3", "10.0.0.0/8") is True
    assert net.in_network("11.1.2.3", "10.0.0.0/8, 11.1.2.3") is True
    assert net.in_network("11.1.2.4", "10.0.0.0/8, 11.1.2.3") is False
    assert net.in_network("2001:db8::1", "2001:db8::/32") is True
    assert net.in_network("10.0.0.1", "2001:db8::/32") is False
    assert net.in_network("::ffff:10.0.0.1", "10.0.0.0/8") is True
    assert net.in_network("10.0.0.1", "::ffff:10.0.0.0/104") is True
    assert net.in_network("10.0.0.1", "0.0.0.0/0") is True
    for cidr in ("", "x", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/¹"):
        assert net.in_network("10.0.0.1", cidr) is None


@given(ADDRESSES, st.ip_addresses(), st.integers(0, 128))
def test_networks_as_python_has_them(ip: str, other, length: int) -> None:
    length = min(length, other.max_prefixlen)
    if getattr(other, "ipv4_mapped", None) or getattr(ipaddress.ip_address(ip), "ipv4_mapped", None):
        return
    network = ipaddress.ip_network(f"{other}/{length}", strict=False)
    assert net.in_network(ip, str(network)) == (ipaddress.ip_address(ip) in network)


# The specification's own examples, and those of its Python reference.
@pytest.mark.parametrize(
    ("flow", "wanted"),
    [
        (("128.232.110.120", 34855, "66.35.250.204", 80, "tcp"), "1:LQU9qZlK+B5F3KDmev6m5PMibrg="),
        (("192.168.1.52", 54585, "8.8.8.8", 53, "udp"), "1:d/FP5EW3wiY1vCndhwleRRKHowQ="),
        (("192.168.0.89", 8, "192.168.0.1", 0, "icmp"), "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="),
    ],
)
def test_community_ids(flow: tuple, wanted: str) -> None:
    src, sport, dst, dport, proto = flow
    assert net.community_id(*flow) == wanted
    if proto != "icmp":
        assert net.community_id(dst, dport, src, sport, proto) == wanted
    else:
        assert net.community_id(dst, 0, src, 0, proto) == wanted


def test_community_ids_without_what_they_need() -> None:
    assert net.community_id("10.0.0.1", None, "10.0.0.2", 80, "tcp") is None
    assert net.community_id("10.0.0.1", 1, "::1", 80, "tcp") is None
    assert net.community_id("10.0.0.1", 1, "10.0.0.2", 70000, 6) is None
    assert net.community_id("10.0.0.1", 1, "10.0.0.2", 80, "ospf") is None
    assert net.community_id("10.0.0.1", None, "10.0.0.2", None, 47) == net.community_id(
        "10.0.0.2", None, "10.0.0.1", None, "47"
    )


def test_community_ids_are_the_loaders() -> None:
    columns = ["ip_src", "ip_dst", "sport", "dport", "icmp_type", "icmp_code", "ip_proto", "community_id"]
    table = load("packets", str(DEMO), columns, where="community_id IS NOT NULL").read_all()
    flows = {tuple(row.values()) for row in table.to_pylist()}
    assert len(flows) > 1000
    for src, dst, sport, dport, kind, code, proto, wanted in flows:
        ports = (kind, code) if proto in (1, 58) else (sport, dport)
        assert net.community_id(src, ports[0], dst, ports[1], proto) == wanted
