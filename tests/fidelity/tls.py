"""Compare TlsLoader with tshark, or with Zeek's ssl.log.

    python -m tests.fidelity.tls CAPTURE…
    python -m tests.fidelity.tls CAPTURE… --baselines FOLDER

A row is a handshake, found by its addresses and ports. docs/differences.md explains the kinds.
"""

from __future__ import annotations

import hashlib
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

from packetpig.loaders import load
from packetpig.loaders.protocols.tls import cipher_name, version_name

from .differing import Differing, compared, fields
from .sessions import zeek_rows

FIELDS = [f"{kind}.handshake.{field}" for kind in ("tls", "dtls") for field in (
    "type", "extensions_server_name", "ja3", "ja3s", "version", "extensions.supported_version", "ciphersuite",
    "certificate",
)]  # fmt: skip
SET = ("-d", "tcp.port==3389,tls", "-o", "tcp.reassemble_out_of_order:TRUE")  # by itself it does neither
COLUMNS = ("sni", "ja3", "ja3s", "version", "cipher", "cert_sha256")
Place = frozenset[tuple[str, str]]


def ours(capture: Path) -> dict[Place, list[dict[str, Any]]]:
    """Handshakes by both ends."""
    found: dict[Place, list[dict[str, Any]]] = defaultdict(list)
    for row in load("tls", str(capture)).read_all().to_pylist():
        found[frozenset({(row["src"], str(row["sport"])), (row["dst"], str(row["dport"]))})].append(row)
    return found


def _last(values: list[str]) -> str:
    return values[-1] if values else ""


def theirs(capture: Path) -> dict[Place, list[dict[str, Any]]]:
    """The same of tshark's; a ClientHello begins a handshake unless one waits for an answer."""
    found: dict[Place, list[dict[str, Any]]] = defaultdict(list)
    names = ["_ws.col.Source", "_ws.col.Destination", "tcp.srcport", "tcp.dstport", "udp.srcport", "udp.dstport"]
    wanted = " || ".join(f"{kind}.handshake.type == {code}" for kind in ("tls", "dtls") for code in (1, 2, 11))
    for line in fields(capture, wanted, [*names, *FIELDS], *SET):
        ends, values = line[:6], line[6:]
        if values[8] and not values[0]:
            values = values[8:]
        kinds, sni, ja3, ja3s, version, supported, ciphers, certificates = values[:8]
        src, dst = _last(ends[0]), _last(ends[1])
        sport, dport = _last(ends[2]) or _last(ends[4]), _last(ends[3]) or _last(ends[5])
        rows = found[frozenset({(src, sport), (dst, dport)})]
        if "1" in kinds and not (rows and rows[-1].get("waits")):
            rows.append({"sni": _last(sni) or None, "ja3": _last(ja3) or None, "waits": True})
        if "2" in kinds:
            if not rows:
                rows.append({})
            number = _last(supported) or _last(version)
            row = {"ja3s": _last(ja3s), "version": version_name(int(number, 16)), "waits": len(kinds) == 1}
            row["cipher"] = cipher_name(int(_last(ciphers), 16))
            rows[-1] |= row
        if "11" in kinds and rows and certificates and "cert_sha256" not in rows[-1] and "cipher" in rows[-1]:
            rows[-1]["cert_sha256"] = hashlib.sha256(bytes.fromhex(certificates[0].replace(":", ""))).hexdigest()
            rows[-1]["waits"] = False
    return found


def tshark(found: Differing, capture: Path) -> None:
    """Compare with tshark."""
    left, right = ours(capture), theirs(capture)
    for place in left.keys() | right.keys():
        a, b = left.get(place, []), right.get(place, [])
        found.rows += max(len(a), len(b))
        shown = f"{capture.name}: {sorted(place)}"
        for row, other in zip(a, b, strict=False):
            wrong = [name for name in COLUMNS if row[name] != other.get(name)]
            found.differing += bool(wrong)
            for name in wrong:
                found.note(name, f"{shown}: ours {row[name]}, tshark {other.get(name)}")
        if len(a) != len(b):
            found.differing += abs(len(a) - len(b))
            kind = "a handshake that only we have" if len(a) > len(b) else "a handshake that only tshark has"
            found.note(kind, f"{shown}: {[row['carrier'] for row in a]}", abs(len(a) - len(b)))


def zeek(found: Differing, capture: Path, log: Path) -> None:
    """Compare with Zeek's ssl.log."""
    rows = ours(capture)
    for line in zeek_rows(log):
        found.rows += 1
        ends = (line["id.orig_h"], line["id.orig_p"]), (line["id.resp_h"], line["id.resp_p"])
        known = rows.get(frozenset(ends))
        if not known:
            found.differing += 1
            found.note("Zeek: a handshake that only Zeek has", f"{capture.name}: {ends}")
            continue
        row = known.pop(0)
        values = {
            "version": (row["version"] or "-").replace(".", ""), "cipher": row["cipher"] or "-",
            "server_name": row["sni"] or "-", "resumed": "T" if row["resumed"] else "F",
            "established": "T" if row["established"] else "F", "next_protocol": row["alpn"] or "-",
            "cert_chain_fps": row["cert_sha256"] or "-", "client_cert_chain_fps": row["client_sha256"] or "-",
        }  # fmt: skip
        wrong = [
            name for name, value in values.items() if line.get(name, "-").split(",")[0].replace("(empty)", "-") != value
        ]
        found.differing += bool(wrong)
        for name in wrong:
            found.note(f"Zeek: {name}", f"{capture.name}: ours {values[name]}, Zeek {line[name]}")


if __name__ == "__main__":
    sys.exit(compared("Compare TlsLoader with tshark or Zeek.", None, tshark, zeek, "ssl.log"))
