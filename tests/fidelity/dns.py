"""Compare DnsLoader with tshark, or with Zeek's dns.log.

    python -m tests.fidelity.dns CAPTURE…
    python -m tests.fidelity.dns CAPTURE… --baselines FOLDER

With tshark, what all messages of a packet say is compared: names, types, classes, TTLs and the data of the commonest
types, each as a multiset. docs/differences.md explains the kinds.
"""

from __future__ import annotations

import re
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from dns.opcode import Opcode
from dns.rcode import Rcode
from dns.rdataclass import RdataClass
from dns.rdatatype import RdataType
from packetpig.loaders import load

from .differing import Differing, compared, fields
from .sessions import zeek_rows

DATA = {
    "A": "dns.a", "AAAA": "dns.aaaa", "CNAME": "dns.cname", "NS": "dns.ns", "PTR": "dns.ptr.domain_name",
    "MX": "dns.mx.mail_exchange", "SOA": "dns.soa.mname", "SRV": "dns.srv.target", "TXT": "dns.txt",
}  # fmt: skip
FIELDS = {
    "id": "dns.id", "kind": "dns.flags.response", "opcode": "dns.flags.opcode", "rcode": "dns.flags.rcode",
    "question": "dns.qry.name", "question's type": "dns.qry.type", "question's class": "dns.qry.class",
    "name": "dns.resp.name", "type": "dns.resp.type", "class": "dns.resp.class", "ttl": "dns.resp.ttl",
    **{f"data of {kind}": field for kind, field in DATA.items()},
}  # fmt: skip
OPCODES = {one.name: int(one) for one in Opcode} | {"DSO": 6}
MESSAGE = ("id", "kind", "opcode", "rcode")
Packet = dict[str, Counter[str]]


def ours(capture: Path) -> dict[str, tuple[Packet, int]]:
    """What each packet says, by its time; and how many rows that is."""
    packets: dict[str, tuple[Packet, list[Any]]] = defaultdict(lambda: ({name: Counter() for name in FIELDS}, []))
    seen: set[tuple[Any, ...]] = set()
    for row in load("dns", str(capture), opt="yes", multicast="yes").read_all().to_pylist():
        packet, rows = packets[f"{row['ts']:.6f}"]
        rows.append(row)
        message = (row["ts"], row["session_id"], row["id"], row["kind"])
        if message not in seen:
            seen.add(message)
            packet["id"][str(row["id"])] += 1
            packet["kind"][str(int(row["kind"] == "response"))] += 1
            packet["opcode"][str(OPCODES.get(row["opcode"], row["opcode"]))] += 1
            if row["rcode"]:
                code = int(row["rcode"]) if row["rcode"].isdigit() else int(Rcode.from_text(row["rcode"]))
                packet["rcode"][str(code & 15)] += 1
        if row["type"] is None:
            continue
        question = row["section"] == "question"
        packet["question" if question else "name"].update([row["name"]] if row["name"] else [])
        packet["question's type" if question else "type"][str(int(RdataType.from_text(row["type"])))] += 1
        if row["class"]:
            packet["question's class" if question else "class"][str(int(RdataClass.from_text(row["class"])))] += 1
        if not question and row["ttl"] is not None:
            packet["ttl"][str(row["ttl"])] += 1
        if row["type"] in DATA and row["data"] and not row["data"].startswith("\\#"):
            values = (
                _texts(row["data"]) if row["type"] == "TXT" else [row["data"].split(" ")[PLACE.get(row["type"], 0)]]
            )
            packet[f"data of {row['type']}"].update(values)
    return {time: (packet, len(rows)) for time, (packet, rows) in packets.items()}


PLACE = {"MX": 1, "SRV": 3}


def _texts(data: str) -> list[str]:
    return data[1:-1].split('" "')


def plain(value: str, field: str) -> str:
    """A value of tshark's as ours is written."""
    if value.startswith("0x"):
        return str(int(value, 16))
    if value in ("<Root>", "<root>"):
        return "."
    if value in ("True", "False"):
        return str(int(value == "True"))
    if "name" in field or field in DATA.values():
        escaped = value.replace("\\", "\\\\") if field != "dns.txt" else value.replace("\\", "\\\\").replace('"', '\\"')
        spaced = escaped if field == "dns.txt" else escaped.replace(" ", "\\032")
        return "".join(c if 32 <= ord(c) < 127 else "".join(f"\\{b:03}" for b in c.encode()) for c in spaced)
    return value


def tshark(found: Differing, capture: Path) -> None:
    """Compare with tshark."""
    packets = ours(capture)
    names = ["frame.time_epoch", "_ws.malformed", "udp.port", "tcp.port", *FIELDS.values()]
    theirs: dict[str, Packet] = defaultdict(lambda: {name: Counter() for name in FIELDS})
    notes: dict[str, list[str]] = {}
    for line in fields(capture, "dns || mdns || llmnr", names):
        time = f"{float(line[0][0]):.6f}"
        notes.setdefault(time, []).extend((line[1] and ["malformed"]) + line[2] + line[3])
        for (name, field), values in zip(FIELDS.items(), line[4:], strict=True):
            theirs[time][name].update(plain(value, field) for value in values)
    empty: Packet = {name: Counter() for name in FIELDS}
    for time in packets.keys() | theirs.keys():
        packet, rows = packets.get(time, (empty, 0))
        other = theirs.get(time, empty)
        count = max(rows, sum(other["question"].values()) + sum(other["type"].values()), 1)
        found.rows += count
        wrong = 0
        for name in FIELDS:
            mine, others = ascii_only(packet[name]), ascii_only(other[name])
            less, more = mine - others, others - mine
            if less or more:
                size = max(sum(less.values()), sum(more.values()))
                wrong = max(wrong, count if name in MESSAGE else size)
                kind = kind_of(rows, other, notes.get(time, []), name)
                found.note(kind, f"{capture.name} {time}: {name}: ours {dict(less)}, tshark {dict(more)}", size)
        found.differing += min(wrong, count)


def ascii_only(values: Counter[str]) -> Counter[str]:
    """The values with a question mark for each run of other bytes: tshark replaces those that are no UTF-8."""
    found: Counter[str] = Counter()
    for value, count in values.items():
        found[re.sub(r"(\\(12[89]|1[3-9]\d|2\d\d))+", "?", value)] += count
    return found


def kind_of(rows: int, other: Packet, notes: list[str], name: str) -> str:
    """Names the kind of a difference."""
    if "malformed" in notes:
        return "malformed, and tshark says so"
    if not rows:
        return "only tshark sees DNS"
    if not any(other.values()):
        return "only we see DNS"
    return name


def zeek(found: Differing, capture: Path, log: Path) -> None:
    """Compare with Zeek's dns.log: a row there is a transaction."""
    questions: dict[Any, set[tuple[str, str]]] = defaultdict(set)
    answers: dict[Any, list[str]] = defaultdict(list)
    for row in load("dns", str(capture), multicast="yes").read_all().to_pylist():
        key = (frozenset({(row["src"], row["sport"]), (row["dst"], row["dport"])}), row["id"])
        if row["section"] == "question":
            questions[key].add((row["name"].lower(), {"ANY": "*"}.get(row["type"], row["type"])))
        if row["kind"] == "response":
            answers[key].append(row["rcode"])
            if row["section"] == "answer":
                answers[key].append(row["data"].lower())
    for line in zeek_rows(log):
        found.rows += 1
        ends = {(line["id.orig_h"], int(line["id.orig_p"])), (line["id.resp_h"], int(line["id.resp_p"]))}
        key = (frozenset(ends), int(line["trans_id"]))
        asked = (line["query"], line["qtype_name"])
        same = asked in questions[key] or (asked[1] == "-" and asked[0] in {name for name, _ in questions[key]})
        wrong = [] if same else ["query"]
        wrong += ["rcode"] if line["rcode_name"] not in ("-", *answers[key]) else []
        given = [one for one in line["answers"].lower().split(",") if one != "-"]
        wrong += ["answers"] if [one for one in given if not _among(one, answers[key])] else []
        found.differing += bool(wrong)
        for kind in wrong:
            found.note(f"Zeek: {kind}", f"{capture.name}: {line['query']} {line['answers']}: ours {answers[key]}")


def _among(answer: str, values: list[str]) -> bool:
    """Whether an answer as Zeek has it (of signatures the zone, of texts with their lengths) is among ours."""
    if answer.startswith("rrsig "):
        return any(f" {answer.split(' ')[2]} " in value for value in values)
    texts = re.sub(r"txt \d+ ", "", answer)
    return any(answer == value or texts == value.replace('"', "") or answer in value.split(" ") for value in values)


if __name__ == "__main__":
    sys.exit(compared("Compare DnsLoader with tshark or Zeek.", None, tshark, zeek, "dns.log"))
