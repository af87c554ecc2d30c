"""Protocols and the ports that their servers usually have."""

from __future__ import annotations

from typing import Any

from packetpig.udfs._values import pure, text
from pig_util import outputSchema

# IANA's registry of service names and ports, and what is common beside it (HTTP's alternatives, STARTTLS is `smtp`,
# `imap` …, since that is what is spoken first). Protocols whose ports are agreed on when they begin (BitTorrent, STUN
# of calls, SOCKS, SIP's media) have no usual ones, so nothing is said of them.
PORTS: dict[str, frozenset[int]] = {
    service: frozenset(ports)
    for service, ports in {
        "http": (80, 81, 591, 3128, 5985, 8000, 8008, 8080, 8081, 8088, 8888),
        "tls": (443, 465, 563, 636, 853, 989, 990, 992, 993, 994, 995, 3269, 5061, 5223, 5349, 5986, 8443, 8883, 9443),
        "quic": (80, 443, 784, 853, 8443, 8853),
        "dtls": (443, 853, 5349, 5684),
        "ssh": (22,),
        "telnet": (23, 992),
        "ftp": (21, 2811),  # 2811: GridFTP
        "smtp": (25, 465, 587, 2525),
        "pop3": (110, 995),
        "imap": (143, 993),
        "dns": (53, 5353, 5355),
        "smb": (139, 445),
        "netbios": (137, 138, 139),
        "rdp": (3389,),
        "vnc": tuple(range(5900, 5910)),
        "tftp": (69,),
        "ntp": (123,),
        "dhcp": (67, 68, 547),
        "snmp": (161, 162),
        "ldap": (389, 3268),
        "mysql": (3306,),
        "postgresql": (5432,),
        "redis": (6379,),
        "irc": (*range(6660, 6670), 7000),
        "mqtt": (1883,),
        "xmpp": (5222, 5269),
        "ssdp": (1900,),
        "syslog": (514, 601),
        "radius": (1645, 1646, 1812, 1813),
        "kerberos": (88, 464),
        "rtsp": (554, 8554),
        "modbus": (502,),
        "wireguard": (51820,),
    }.items()
}


@pure
@outputSchema("usual:boolean")
def usual(service: Any, port: int | None) -> bool | None:
    """Whether servers of a protocol usually have this port; null where the protocol has no usual ones.

    Pig: `FILTER spoken BY NOT services.usual(service, dport);`
    """
    known = PORTS.get(text(service, 64) or "")
    return None if known is None or port is None else port in known
