"""Compare SessionLoader with Zeek's conn.log and with tshark's conversations.

    python -m tests.fidelity.sessions CAPTURE… --baselines FOLDER
    python -m tests.fidelity.sessions CAPTURE… --tshark

FOLDER has Zeek's log of each capture as NAME/conn.log; captures without one are left out. Prints what was compared and
each kind of difference. Exit code: 1 if more than 2% of the rows differ, else 0. docs/sessions.md explains the kinds.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from packetpig.loaders import load

from .packets import captures, rows

ALLOWED = 0.02
COMPARED = {
    "conn_state": "state",
    "orig_pkts": "src_packets",
    "resp_pkts": "dst_packets",
    "orig_ip_bytes": "src_ip_bytes",
    "resp_ip_bytes": "dst_ip_bytes",
    "orig_bytes": "src_bytes",
    "resp_bytes": "dst_bytes",
    "missed_bytes": "missed_bytes",
    "duration": "duration",
}
TUNNELS = {"gtpv1", "teredo", "vxlan", "geneve"}  # Zeek has a row for what carries a tunnel, too
TUNNEL_PORTS = {"2152", "3544", "4789", "6081"}


def zeek_rows(path: Path) -> Iterator[dict[str, str]]:
    """Rows of one of Zeek's logs."""
    names: list[str] = []
    for line in path.read_text().splitlines():
        fields = line.split("\t")
        if fields[0] == "#fields":
            names = fields[1:]
        elif not line.startswith("#"):
            if len(fields) > len(names):  # a log whose columns were cut has more fields than names
                continue
            yield dict(zip(names[len(names) - len(fields) :], fields, strict=False))


def endpoints(row: dict[str, Any]) -> tuple[str, frozenset[tuple[str, int]]]:
    """Protocol and both ends of a row of ours, without sides."""
    proto = {"icmp6": "icmp"}.get(row["proto"], row["proto"])
    ported = proto != "sctp"  # of which Zeek knows no ports
    return proto, frozenset(
        {(row["src"], (ported and row["sport"]) or 0), (row["dst"], (ported and row["dport"]) or 0)}
    )


def zeek_endpoints(row: dict[str, str]) -> tuple[str, frozenset[tuple[str, int]]]:
    """The same of Zeek's."""
    proto = {"unknown_transport": {"132": "sctp"}.get(row.get("ip_proto", ""), row.get("ip_proto", ""))}
    return proto.get(row["proto"], row["proto"]), frozenset(
        {(row["id.orig_h"], int(row["id.orig_p"])), (row["id.resp_h"], int(row["id.resp_p"]))}
    )


class Comparison:
    """What was compared and what differed."""

    def __init__(self) -> None:
        self.captures = self.rows = self.differing = self.carriers = 0
        self.kinds: Counter[str] = Counter()
        self.examples: dict[str, str] = {}
        self.services: Counter[tuple[str, str]] = Counter()

    def note(self, kind: str, example: str) -> None:
        """Count a difference."""
        self.kinds[kind] += 1
        self.examples.setdefault(kind, example)

    def zeek(self, capture: Path, log: Path) -> None:
        """Compare with Zeek's log."""
        self.captures += 1
        ours: dict[Any, list[dict[str, Any]]] = defaultdict(list)
        theirs: dict[Any, list[dict[str, str]]] = defaultdict(list)
        for row in sorted(rows(load("sessions", str(capture))), key=lambda one: one["ts"]):
            ours[endpoints(row)].append(row)
        for line in zeek_rows(log):
            if carries(line) and zeek_endpoints(line) not in ours:
                self.carriers += 1
                continue
            theirs[zeek_endpoints(line)].append(line)
        for key in ours.keys() | theirs.keys():
            self._flow(capture.name, key, ours.get(key, []), theirs.get(key, []))

    def _flow(self, name: str, key: Any, ours: list[dict[str, Any]], theirs: list[dict[str, str]]) -> None:
        self.rows += max(len(ours), len(theirs))
        # Zeek's times are masked: rows of one flow are paired by how alike they are
        left = list(theirs)
        for row in ours:
            if not left:
                self.differing += 1
                self.note("a row that only we have", f"{name}: {shown(row)}")
                continue
            best = min(left, key=lambda line: len(differences(row, line)))
            left.remove(best)
            found = differences(row, best)
            self.differing += bool(found)
            for kind in found:
                self.note(
                    kind, f"{name}: {shown(row)}: Zeek {best.get(kind)}, ours {row.get(COMPARED.get(kind, kind))}"
                )
            self.services[best.get("service", "-"), row["service"] or "-"] += 1
        for line in left:
            self.differing += 1
            fields = ("id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "service", "conn_state")
            self.note("a row that only Zeek has", f"{name}: {' '.join(line.get(field, '-') for field in fields)}")

    def tshark(self, capture: Path) -> None:
        """Compare packets of each flow with tshark's conversations."""
        self.captures += 1
        totals: Counter[Any] = Counter()
        for row in rows(load("sessions", str(capture))):
            if row["proto"] in ("tcp", "udp"):
                ends = frozenset({(row["src"], row["sport"]), (row["dst"], row["dport"])})
                totals[row["proto"], ends] += row["src_packets"] + row["dst_packets"]
        theirs: Counter[Any] = Counter()
        for proto in ("tcp", "udp"):
            for ends, count in conversations(capture, proto):
                theirs[proto, ends] += count
        for key in totals.keys() | theirs.keys():
            self.rows += 1
            if totals[key] != theirs[key]:
                self.differing += 1
                self.note("packets", f"{capture.name}: {key}: tshark {theirs[key]}, ours {totals[key]}")

    def lines(self) -> Iterator[str]:
        """The result as text."""
        yield f"{self.captures} captures, {self.rows} rows compared, {self.differing} differ"
        if self.carriers:
            yield f"{self.carriers} rows of Zeek's are what carries a tunnel, of which we have the inside only"
        for kind, count in self.kinds.most_common():
            yield f"{kind}: {count}"
            yield f"    {self.examples[kind]}"
        for (theirs, ours), count in sorted(self.services.items()):
            if theirs != ours:
                yield f"service: Zeek {theirs}, ours {ours}: {count}"

    @property
    def failed(self) -> bool:
        """Whether too much differs."""
        return self.differing > ALLOWED * self.rows


def carries(line: dict[str, str]) -> bool:
    """Whether a row of Zeek's is what carries a tunnel."""
    ports = {line["id.orig_p"], line["id.resp_p"]}
    return line.get("service") in TUNNELS or (line["proto"] == "udp" and bool(ports & TUNNEL_PORTS))


def differences(row: dict[str, Any], line: dict[str, str]) -> list[str]:
    """Columns that differ. Zeek gives no sizes where the duration is zero."""
    found = []
    if row["src"] != line["id.orig_h"] or (row["sport"] or 0) != int(line["id.orig_p"]):
        found.append("sides")
    for theirs, ours in COMPARED.items():
        value = line.get(theirs, "-")
        if value == "-":
            continue
        same = value == row[ours] if theirs == "conn_state" else abs(float(value) - row[ours]) < 2e-6
        if not same:
            found.append(theirs)
    return found


def shown(row: dict[str, Any]) -> str:
    """The flow of a row of ours."""
    return f"{row['src']} {row['sport']} {row['dst']} {row['dport']} {row['proto']}"


def conversations(capture: Path, proto: str) -> Iterator[tuple[frozenset[tuple[str, int]], int]]:
    """Both ends, and packets, of tshark's conversations."""
    command = ["tshark", "-n", "-o", "ip.defragment:FALSE", "-r", str(capture), "-q", "-z", f"conv,{proto}"]
    text = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    for line in text.splitlines():
        if "<->" not in line:
            continue
        left, right = line.split("<->")
        fields = right.split()
        numbers = [one for one in fields[1:] if one.isdigit()]
        ends = frozenset(
            (address.rpartition(":")[0], int(address.rpartition(":")[2])) for address in (left.strip(), fields[0])
        )
        yield ends, int(numbers[4]) if len(numbers) > 4 else int(numbers[2])


def main(arguments: list[str] | None = None) -> int:
    """See the module."""
    parser = argparse.ArgumentParser(description="Compare SessionLoader with Zeek or tshark.")
    parser.add_argument("captures", nargs="+", metavar="CAPTURE", help="files, or folders of them")
    parser.add_argument("--baselines", type=Path, metavar="FOLDER", help="Zeek's logs, NAME/conn.log")
    parser.add_argument("--tshark", action="store_true", help="compare with tshark's conversations")
    options = parser.parse_args(arguments)
    comparison = Comparison()
    for capture in captures(options.captures):
        if options.baselines:
            log = options.baselines / capture.name / "conn.log"
            if log.exists():
                comparison.zeek(capture, log)
        if options.tshark:
            comparison.tshark(capture)
    print("\n".join(comparison.lines()))
    return 1 if comparison.failed else 0


if __name__ == "__main__":
    sys.exit(main())
