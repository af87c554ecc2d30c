"""What tshark says about the packets of a capture, under the names of PacketLoader's columns.

tshark gives all occurrences of a field; frame.protocols tells which layer each belongs to. Nothing is reassembled.
"""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import itertools
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

Value = int | float | str | bytes | None

PREFERENCES = (
    "frame.show_file_off:TRUE",
    "ip.defragment:FALSE",
    "ipv6.defragment:FALSE",
    "ipv6.tso_support:TRUE",
    "tcp.desegment_tcp_streams:FALSE",
    "tcp.relative_sequence_numbers:FALSE",
    "tcp.analyze_sequence_numbers:FALSE",
    "sctp.reassembly:FALSE",
    "wlan.defragment:FALSE",
)
FRAME = (
    "frame.number", "frame.time_epoch", "frame.file_off", "frame.encap_type", "frame.len", "frame.cap_len",
    "frame.protocols", "communityid",
)  # fmt: skip
LINK = (
    "eth.src", "eth.dst", "eth.type", "vlan.id", "vlan.etype", "ieee8021ad.id", "ieee8021ad.svid", "ieee8021ad.cvid",
    "llc.oui", "llc.type", "sll.src.eth", "sll.etype", "wlan.sa", "wlan.da", "chdlc.protocol",
)  # fmt: skip
NETWORK = (
    "ip.version", "ip.hdr_len", "ip.dsfield", "ip.len", "ip.id", "ip.flags", "ip.frag_offset", "ip.ttl", "ip.proto",
    "ip.checksum", "ip.src", "ip.dst", "ipv6.version", "ipv6.tclass", "ipv6.plen", "ipv6.nxt", "ipv6.hlim", "ipv6.src",
    "ipv6.dst", "ipv6.fraghdr.nxt", "ipv6.fraghdr.offset", "ipv6.fraghdr.more", "ipv6.fraghdr.reserved_bits",
    "ipv6.fraghdr.ident", "ipv6.hopopts.nxt", "ipv6.hopopts.len_oct", "ipv6.routing.nxt", "ipv6.routing.len_oct",
    "ipv6.dstopts.nxt", "ipv6.dstopts.len_oct", "ah.next_header", "ah.length", "mip6.proto", "mip6.hlen", "hip.proto",
    "hip.hdr_len", "shim6.nxt", "shim6.len",
)  # fmt: skip
TRANSPORT = (
    "tcp.srcport", "tcp.dstport", "tcp.seq_raw", "tcp.ack_raw", "tcp.hdr_len", "tcp.flags", "tcp.window_size_value",
    "tcp.len", "tcp.payload", "udp.srcport", "udp.dstport", "udp.length", "udp.checksum", "udp.payload",
    "sctp.srcport", "sctp.dstport", "dccp.srcport", "dccp.dstport", "icmp.type", "icmp.code", "icmpv6.type",
    "icmpv6.code", "data.data", "icmp.data_time",
)  # fmt: skip
FIELDS = FRAME + LINK + NETWORK + TRANSPORT

# extension headers by tshark's name: field of the next header, field of the length, length in bytes from that field
EXTENSIONS = {
    "ipv6.hopopts": ("ipv6.hopopts.nxt", "ipv6.hopopts.len_oct", lambda length: length),
    "ipv6.routing": ("ipv6.routing.nxt", "ipv6.routing.len_oct", lambda length: length),
    "ipv6.dstopts": ("ipv6.dstopts.nxt", "ipv6.dstopts.len_oct", lambda length: length),
    "ipv6.fraghdr": ("ipv6.fraghdr.nxt", "", lambda _: 8),
    "ah": ("ah.next_header", "ah.length", lambda length: 4 * (length + 2)),
    "mipv6": ("mip6.proto", "mip6.hlen", lambda length: 8 * (length + 1)),
    "hip": ("hip.proto", "hip.hdr_len", lambda length: 8 * (length + 1)),
    "shim6": ("shim6.nxt", "shim6.len", lambda length: 8 * (length + 1)),
}
PORTS = {"tcp": "tcp", "udp": "udp", "udplite": "udp", "sctp": "sctp", "dccp": "dccp"}
# the wiretap library's number for each link type of tcpdump.org
WIRETAP = {
    0: 15, 1: 1, 9: 4, 12: 7, 14: 7, 50: 4, 51: 139, 101: 7, 104: 28, 105: 20, 108: 174, 109: 38, 113: 25, 117: 39,
    119: 21, 127: 23, 163: 24, 192: 97, 204: 19, 228: 129, 229: 130, 239: 141, 258: 171, 276: 210,
}  # fmt: skip
# addresses of the sender and receiver, and the type of what follows, by the link layer's name in the chain
ADDRESSES = {
    "eth": ("eth.src", "eth.dst"),
    "wlan": ("wlan.sa", "wlan.da"),
    "sll": ("sll.src.eth", ""),
    "chdlc": ("", ""),
}
TYPES = {"eth": "eth.type", "sll": "sll.etype", "chdlc": "chdlc.protocol"}
TUNNELS = ("erspan", "gre", "vxlan", "geneve", "gtp", "teredo", "l2tp", "mpls")
IN_IP = {("ip", "ip"): "ipip", ("ip", "ipv6"): "6in4", ("ipv6", "ip"): "4in6", ("ipv6", "ipv6"): "6in6"}
FLAGS = ("fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr", "ns")
QUOTES = ("icmp", "icmpv6")  # what follows in the chain is quoted, not carried
COUNTERPARTS = {
    1: {8: 0, 0: 8, 13: 14, 14: 13, 15: 16, 16: 15, 17: 18, 18: 17, 9: 10, 10: 9},
    58: {128: 129, 129: 128, 133: 134, 134: 133, 135: 136, 136: 135, 130: 131, 131: 130, 144: 145, 145: 144,
         139: 140, 140: 139},
}  # fmt: skip


def available() -> bool:
    """Whether tshark can be run."""
    return shutil.which("tshark") is not None


def number(text: str | None) -> int | None:
    """A number as tshark writes it."""
    if not text:
        return None
    if text in ("True", "False"):
        return int(text == "True")
    return int(text, 0)


class Packet:
    """A packet as tshark sees it: `chain` its protocols, `columns` what PacketLoader should say of it."""

    def __init__(self, cells: dict[str, list[str]], inner: bool) -> None:
        self.cells = cells
        self.chain = self._one("frame.protocols").split(":")
        self.columns: dict[str, Value] = {}
        self._frame()
        self.networks = [place for place, name in enumerate(self.carried) if name in ("ip", "ipv6")]
        first, second = (*self.networks, 0, 0)[:2]
        if self.chain[first : second + 1] == ["ip", "ipv6"] and self._one("ip.version") == "6":
            del self.networks[0]  # IPv6 that came by way of what expected IPv4
        if inner and self.networks and "eth" in self.carried[self.networks[-1] :]:
            self.networks.append(len(self.chain))  # a frame without IP in a tunnel
        if not self.networks:
            self.networks.append(len(self.chain))
        self.network = self.networks[-1 if inner else 0]
        self._link(inner)
        self.columns["tunnel"] = self._tunnel() if inner else None
        if self.network < len(self.chain):
            self._transport(self._ip() if self.chain[self.network] == "ip" else self._ipv6())
            self._community()

    @property
    def carried(self) -> list[str]:
        """The chain without what ICMP only quotes."""
        stops = [self.chain.index(name) for name in QUOTES if name in self.chain]
        return self.chain[: min(stops)] if stops else self.chain

    def _one(self, field: str, which: int = 0) -> str:
        values = self.cells.get(field, [])
        return values[which] if which < len(values) else ""

    def _int(self, field: str, which: int = 0) -> int | None:
        return number(self._one(field, which))

    def _before(self, place: int, *names: str) -> int:
        """How many layers of these names come before PLACE in the chain."""
        return sum(name in names for name in self.chain[:place])

    def _frame(self) -> None:
        seconds, _, part = self._one("frame.time_epoch").partition(".")
        nanoseconds = int(seconds) * 10**9 + int(part.ljust(9, "0")) * (-1 if seconds.startswith("-") else 1)
        self.columns |= {
            "ts": float(self._one("frame.time_epoch")),
            "ts_ns": nanoseconds,
            "number": self._int("frame.number"),
            "offset": self._int("frame.file_off"),
            "link_type": self._int("frame.encap_type"),
            "length": self._int("frame.len"),
            "captured": self._int("frame.cap_len"),
        }

    def _tunnel(self) -> str | None:
        """The tunnels between the first network layer and the one of the columns."""
        names = []
        for start, stop in itertools.pairwise(self.networks):
            between = self.chain[start + 1 : stop]
            named = [name for name in TUNNELS if name in between]
            if named:
                names.append(named[0])
            elif "udp" in between:
                names.append("vxlan")  # its generic extension does not show in the chain
            else:
                names.append(IN_IP[self.chain[start], self.chain[stop]])
        return "+".join(names) or None

    def _link(self, inner: bool) -> None:
        """The link layer (for the inner packet the one nearest to it) and its VLAN tags."""
        stops = [0, *self.networks] if inner else [0, self.network]
        headers: list[int] = []
        for start, stop in itertools.pairwise(stops):
            here = [place for place in range(start, stop) if self.chain[place] in ADDRESSES]
            headers = here or headers
        if not headers:
            return
        place = headers[0]
        source, target = ADDRESSES[self.chain[place]]
        which = self._before(place, self.chain[place])
        self.columns["eth_src"] = self._one(source, which) or None
        self.columns["eth_dst"] = self._one(target, which) or None
        self._tags(place)

    def _tags(self, place: int) -> None:
        """VLAN tags, and the EtherType behind those next to the link layer, which is at PLACE in the chain."""
        tags: list[int | None] = []
        kind = self._int(TYPES.get(self.chain[place], ""), self._before(place, self.chain[place]))
        near = True
        for here, name in enumerate(self.chain[place + 1 : self.network], place + 1):
            which = self._before(here, name)
            near = near and name in ("ethertype", "vlan", "ieee8021ad", "llc")
            if name == "vlan":
                tags.append(self._int("vlan.id", which))
                kind = self._int("vlan.etype", which) if near else kind
            elif name == "ieee8021ad":  # one tag, or two; the type behind them has no field
                tags += [self._int(f"ieee8021ad.{field}") for field in ("id", "svid", "cvid")]
                following = self.chain[here + 2] if here + 2 < len(self.chain) else ""
                kind = {"ip": 0x0800, "ipv6": 0x86DD, "vlan": 0x8100}.get(following) if near else kind
            elif name == "llc" and near and self._int("llc.oui") in (0, 0xF8):
                kind = self._int("llc.type")
        self.columns["eth_type"] = kind
        self.columns["vlan"], self.columns["inner_vlan"] = ([tag for tag in tags if tag is not None] + [None, None])[:2]

    def _ip(self) -> int:
        which = self._before(self.network, "ip")
        self.columns |= {
            "ip_version": self._int("ip.version", self._before(self.network, "ip", "ipv6")),
            "ip_header_length": self._int("ip.hdr_len", which),
            "ip_tos": self._int("ip.dsfield", which),
            "ip_total_length": self._int("ip.len", which),
            "ip_id": self._int("ip.id", which),
            "ip_flags": self._int("ip.flags", which),
            "ip_frag_offset": self._int("ip.frag_offset", which),
            "ip_ttl": self._int("ip.ttl", which),
            "ip_proto": self._int("ip.proto", which),
            "ip_checksum": self._int("ip.checksum", which),
            "ip_src": self._one("ip.src", which) or None,
            "ip_dst": self._one("ip.dst", which) or None,
        }
        return self.network + 1

    def _ipv6(self) -> int:
        which = self._before(self.network, "ipv6")
        payload, following = self._int("ipv6.plen", which), self._int("ipv6.nxt", which)
        header, place = 40, self.network + 1
        while place < len(self.chain) and self.chain[place] in EXTENSIONS:
            name = self.chain[place]
            next_field, length_field, size = EXTENSIONS[name]
            nth = self._before(place, name)
            if self._int(next_field, nth) is None:
                break
            following = self._int(next_field, nth)
            header += size(self._int(length_field, nth) or 0) if length_field else 8
            if name == "ipv6.fraghdr":
                self.columns["ip_id"] = self._int("ipv6.fraghdr.ident", nth)
                self.columns["ip_flags"] = self._int("ipv6.fraghdr.more", nth)
                self.columns["ip_frag_offset"] = self._int("ipv6.fraghdr.offset", nth)
            place += 1
        self.columns |= {
            "ip_version": self._int("ipv6.version", which),
            "ip_header_length": None if self._int("ipv6.version", which) is None else header,
            "ip_tos": self._int("ipv6.tclass", which),
            "ip_total_length": None if payload is None else 40 + payload,
            "ip_ttl": self._int("ipv6.hlim", which),
            "ip_proto": following,
            "ip_src": self._one("ipv6.src", which) or None,
            "ip_dst": self._one("ipv6.dst", which) or None,
        }
        return place

    def _transport(self, place: int) -> None:
        """The layer right after the network layer, at PLACE of the chain."""
        name = self.chain[place] if place < len(self.chain) else ""
        if name in PORTS:
            which = self._before(place, *(("udp", "udplite") if PORTS[name] == "udp" else (name,)))
            self.columns["sport"] = self._int(f"{PORTS[name]}.srcport", which)
            self.columns["dport"] = self._int(f"{PORTS[name]}.dstport", which)
        if name == "tcp":
            self._tcp(which)
        elif name == "udp":
            for end in ("sport", "dport"):
                self.columns[f"udp_{end}"] = self.columns[end]
            self.columns["udp_len"] = self._int("udp.length", which)
            self.columns["udp_checksum"] = self._int("udp.checksum", which)
            self.columns["payload"] = bytes.fromhex(self._one("udp.payload", which))
        elif name in ("icmp", "icmpv6"):
            which = self._before(place, name)
            self.columns["icmp_type"] = self._int(f"{name}.type", which)
            self.columns["icmp_code"] = self._int(f"{name}.code", which)
            if self.chain[place + 1 :] == ["data"] and not self._one("icmp.data_time"):
                self.columns["payload"] = bytes.fromhex(self._one("data.data"))

    def _tcp(self, which: int) -> None:
        header, flags = self._int("tcp.hdr_len", which), self._int("tcp.flags", which)
        for end in ("sport", "dport"):
            self.columns[f"tcp_{end}"] = self.columns[end]
        for bit, flag in enumerate(FLAGS):
            self.columns[f"tcp_{flag}"] = None if flags is None else flags >> bit & 1
        self.columns |= {
            "tcp_seq_id": self._int("tcp.seq_raw", which),
            "tcp_ack_id": self._int("tcp.ack_raw", which),
            "tcp_offset": None if header is None else header // 4,
            "tcp_window": self._int("tcp.window_size_value", which),
            "tcp_len": self._int("tcp.len", which),
            # with RST the data is a reason, which tshark shows apart
            "payload": None if flags is None or flags & 4 else bytes.fromhex(self._one("tcp.payload", which)),
        }

    def _community(self) -> None:
        """tshark's Community ID; where it took it from another layer, the one of this layer's own fields."""
        if sum(name in ("ip", "ipv6") for name in self.chain) == 1:
            self.columns["community_id"] = self._one("communityid") or None
        else:
            self.columns["community_id"] = community_id(self.columns)


def community_id(columns: dict[str, Value]) -> str | None:
    """Community ID v1 by its specification, seed 0."""
    get = columns.get
    source, target, protocol = get("ip_src"), get("ip_dst"), get("ip_proto")
    if source is None or target is None or not isinstance(protocol, int):
        return None
    one_way = False
    ports: tuple[int, int] | None = None
    if protocol in COUNTERPARTS and get("icmp_type") is not None:
        kind, code = int(get("icmp_type") or 0), int(get("icmp_code") or 0)
        one_way = kind not in COUNTERPARTS[protocol]
        ports = (kind, code if one_way else COUNTERPARTS[protocol][kind])
    elif isinstance(get("sport"), int) and protocol in (6, 17, 132):
        ports = (int(get("sport") or 0), int(get("dport") or 0))
    elif protocol in (1, 6, 17, 58, 132):
        return None
    sides = [
        (ipaddress.ip_address(str(address)).packed, port.to_bytes(2, "big"))
        for address, port in zip((source, target), ports or (0, 0), strict=True)
    ]
    if not one_way and sides[1] < sides[0]:
        sides.reverse()
    message = b"\0\0" + sides[0][0] + sides[1][0] + bytes((protocol, 0))
    if ports:
        message += sides[0][1] + sides[1][1]
    return "1:" + base64.b64encode(hashlib.sha1(message).digest()).decode()


def packets(capture: Path, inner: bool = False) -> Iterator[Packet]:
    """The packets of a capture."""
    command = ["tshark", "-n", "-r", str(capture), "--enable-protocol", "communityid", "-T", "fields"]
    command += ["--enable-heuristic", "teredo_udp"]  # between two clients it has any port
    command += ["-E", "occurrence=a", "-E", "aggregator=,", "-E", "separator=/t"]
    for preference in PREFERENCES:
        command += ["-o", preference]
    for field in FIELDS:
        command += ["-e", field]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="utf-8", errors="replace"
    ) as process:
        assert process.stdout
        for line in process.stdout:
            cells = line.rstrip("\n").split("\t")
            yield Packet(
                {name: cell.split(",") if cell else [] for name, cell in zip(FIELDS, cells, strict=True)}, inner
            )


def frames(capture: Path) -> Iterator[bytes]:
    """The captured bytes of each packet."""
    command = ["tshark", "-n", "-r", str(capture), "-P", "--hexdump", "frames", "--hexdump", "noascii"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="utf-8", errors="replace"
    ) as process:
        assert process.stdout
        data = bytearray()
        started = False
        for line in process.stdout:
            found = re.fullmatch(r"([0-9a-f]{4,}) ((?: [0-9a-f]{2})+)\s*", line)
            if found:
                data += bytes.fromhex(found[2])
            elif line.strip():
                if started:
                    yield bytes(data)
                data.clear()
                started = True
        if started:
            yield bytes(data)
