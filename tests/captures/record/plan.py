"""The network plan: who is where, how far away, and under which name. Data only."""

from __future__ import annotations

from dataclasses import dataclass

PREFIX = "ppdemo-"
COMPANY = "tidewater.example"


@dataclass(frozen=True)
class Host:
    """One machine: a network namespace of its own."""

    key: str
    role: str
    ipv4: str
    ipv6: str = ""
    country: str = ""
    names: tuple[str, ...] = ()
    delay: float = 0.0  # one way, in seconds
    ttl: int = 64  # as it would arrive at our gateway's outside
    segment: str = "outside"  # office, guest, outside


OFFICE_GATEWAY, OFFICE_GATEWAY6 = "10.10.1.1", "2001:db8:10::1"
GUEST_GATEWAY, GUEST_GATEWAY6 = "10.10.30.1", "2001:db8:30::1"
OUTSIDE_GATEWAY, OUTSIDE_GATEWAY6 = "203.0.113.1", "2001:db8:ffff::1"
GUEST_VLAN = 30


def _office(key: str, role: str, number: int, *names: str) -> Host:
    return Host(key, role, f"10.10.1.{number}", f"2001:db8:10::{number}", names=names, segment="office")


INSIDE = [
    _office("dns", "name server (bind)", 53, f"ns1.{COMPANY}"),
    _office("web", "web shop, FTP and SSH; the victim", 80, f"www.{COMPANY}", f"shop.{COMPANY}"),
    _office("mail", "mail server", 25, f"mail.{COMPANY}"),
    _office("files", "file server: SMB, TFTP", 45, f"files.{COMPANY}"),
    _office("anna", "workstation", 101, f"anna.{COMPANY}"),
    _office("ben", "workstation", 102, f"ben.{COMPANY}"),
    _office("carla", "workstation of the administrator", 103, f"carla.{COMPANY}"),
    Host("guest", "guest's laptop", "10.10.30.21", "2001:db8:30::21", segment="guest"),
]

# Addresses of networks whose country is well known. Their owners have nothing to do with this: inside the
# namespaces they are only numbers, and no packet ever leaves.
OUTSIDE = [
    Host(
        "cz", "public resolver (bind)", "193.17.47.1", "2001:148f:ffff::1", "CZ", ("odvr.resolver.example",), 0.009, 55
    ),
    Host("us", "weather service", "128.2.42.10", "", "US", ("api.weather.example",), 0.045, 47),
    Host("de", "library web site", "131.220.14.30", "2a00:1398:4:2::30", "DE", ("www.library.example",), 0.006, 57),
    Host(
        "fr", "portal, TLS 1.2 only", "134.157.10.25", "2001:660:3301::25", "FR", ("portal.academy.example",), 0.008, 54
    ),
    Host(
        "nl",
        "forms and uploads",
        "193.0.6.139",
        "2001:67c:2e8:22::c100:68b",
        "NL",
        ("forms.registry.example",),
        0.007,
        56,
    ),
    Host(
        "se",
        "download mirror, HTTP and FTP",
        "130.237.28.40",
        "2001:6b0:e:2::40",
        "SE",
        ("mirror.archive.example",),
        0.012,
        53,
    ),
    Host("ch", "bank, TLS 1.3", "129.132.19.216", "2001:620:8::216", "CH", ("accounts.bank.example",), 0.007, 56),
    Host("jp", "picture site", "133.11.114.20", "2001:200:0:8002::20", "JP", ("media.pictures.example",), 0.090, 46),
    Host("au", "mail exchanger", "150.203.2.53", "", "AU", ("mx.outback.example",), 0.110, 44),
    Host("ca", "mail exchanger of a supplier", "142.150.190.39", "", "CA", ("mail.supplier.example",), 0.046, 48),
    Host(
        "br", "museum, expired certificate", "200.160.2.3", "2001:12ff:0:2::3", "BR", ("www.museum.example",), 0.080, 45
    ),
    Host(
        "cn", "spare parts, self-signed certificate", "166.111.4.100", "", "CN", ("parts.factory.example",), 0.085, 43
    ),
    Host("kr", "video site, QUIC", "147.46.10.20", "", "KR", ("cdn.video.example",), 0.095, 47),
    Host("gb", "customer of the shop", "129.67.242.154", "", "GB", ("host154.college.example",), 0.008, 56),
    Host("it", "customer of the shop", "131.175.187.72", "", "IT", ("pc72.ateneo.example",), 0.010, 55),
    Host("in", "customer of the shop", "14.139.5.21", "", "IN", ("gw21.institute.example",), 0.065, 49),
    Host("za", "customer of the shop", "137.158.154.30", "", "ZA", ("lab30.cape.example",), 0.080, 50),
    Host("ru", "customer of the shop", "93.180.27.15", "", "RU", ("n15.campus.example",), 0.030, 51),
    Host("attacker", "the attacker", "78.187.40.23", "", "TR", (), 0.030, 49),
    Host(
        "c2", "command and control", "113.161.72.18", "", "VN", ("cdn-metrics.test", "img.cdn-metrics.test"), 0.100, 44
    ),
]

HOSTS: dict[str, Host] = {host.key: host for host in INSIDE + OUTSIDE}

TUNNEL_DOMAIN = "t.cdn-metrics.test"


def namespace(key: str) -> str:
    """The name of a host's network namespace."""
    return PREFIX + key
