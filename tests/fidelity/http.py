"""Compare HttpLoader with tshark, or with Zeek's http.log.

    python -m tests.fidelity.http CAPTURE…
    python -m tests.fidelity.http CAPTURE… --baselines FOLDER

With tshark, what both sides of each connection say is compared, each as a multiset. docs/differences.md explains the
kinds.
"""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

from packetpig.loaders import load

from .differing import Differing, compared, fields
from .sessions import zeek_rows

REQUEST = {
    "method": "http.request.method", "uri": "http.request.uri", "host": "http.host", "user_agent": "http.user_agent",
    "referer": "http.referer",
}  # fmt: skip
RESPONSE = {"status": "http.response.code", "content_type": "http.content_type"}
ENDS = ("ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "tcp.srcport", "tcp.dstport")
ZEEK = {
    "method": "method", "host": "host", "uri": "uri", "version": "version", "user_agent": "user_agent",
    "referrer": "referer", "request_body_len": "request_bytes", "response_body_len": "response_bytes",
    "status_code": "status", "status_msg": "reason",
}  # fmt: skip
Connection = dict[str, Counter[str]]


def ours(capture: Path) -> tuple[dict[Any, Connection], Counter[Any]]:
    """What was said in each connection, by its ends; and how many rows that is."""
    found: dict[Any, Connection] = defaultdict(lambda: defaultdict(Counter))
    rows: Counter[Any] = Counter()
    for row in load("http", str(capture)).read_all().to_pylist():
        ends = frozenset({(row["src"], str(row["sport"])), (row["dst"], str(row["dport"]))})
        rows[ends] += 1
        for name in (*REQUEST, *RESPONSE):
            if name == "host" and not any(one["name"].lower() == "host" for one in row["request_headers"] or ()):
                continue  # ours comes from the target
            if row[name] not in (None, ""):
                found[ends][name][str(row[name])] += 1
    return found, rows


def tshark(found: Differing, capture: Path) -> None:
    """Compare with tshark."""
    mine, rows = ours(capture)
    theirs: dict[Any, Connection] = defaultdict(lambda: defaultdict(Counter))
    names = {**REQUEST, **RESPONSE}
    heads = ("-o", "http.desegment_body:FALSE")  # else it shows no head whose body is not whole
    for line in fields(capture, "http && tcp && !ssdp", [*ENDS, *names.values()], *heads):
        addresses = [one[-1] for one in (line[2], line[3]) if one] or [one[-1] for one in (line[0], line[1]) if one]
        if len(addresses) < 2:
            continue
        ends = frozenset({(addresses[0], line[4][-1]), (addresses[1], line[5][-1])})
        values = dict(zip(names, line[6:], strict=True))
        if not values["status"]:
            values["content_type"] = []  # the request's
        values["status"] = [one for one in values["status"] if one[0] != "1" or one == "101"]
        for name, said in values.items():
            theirs[ends][name].update(one for one in said if one)
    for ends in mine.keys() | theirs.keys():
        here, there = mine.get(ends, {}), theirs.get(ends, {})
        count = max(
            rows[ends], sum(there.get("method", Counter()).values()), sum(there.get("status", Counter()).values())
        )
        found.rows += count
        wrong = 0
        for name in names:
            one, other = here.get(name, Counter()), there.get(name, Counter())
            less, more = one - other, other - one
            if less or more:
                size = max(sum(less.values()), sum(more.values()))
                wrong = max(wrong, size)
                kind = name if here and there else f"only {'we see' if here else 'tshark sees'} HTTP"
                found.note(kind, f"{capture.name} {sorted(ends)}: {name}: ours {dict(less)}, tshark {dict(more)}", size)
        found.differing += min(wrong, count)


def zeek(found: Differing, capture: Path, log: Path) -> None:
    """Compare with Zeek's http.log, row by row in each connection."""
    mine: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    for row in sorted(load("http", str(capture)).read_all().to_pylist(), key=lambda one: one["ts"]):
        mine[frozenset({(row["src"], row["sport"]), (row["dst"], row["dport"])})].append(row)
    for line in zeek_rows(log):
        found.rows += 1
        ends = frozenset({(line["id.orig_h"], int(line["id.orig_p"])), (line["id.resp_h"], int(line["id.resp_p"]))})
        rows = mine[ends]
        if not rows:
            found.differing += 1
            found.note("a row that only Zeek has", f"{capture.name}: {line}")
            continue
        row = rows.pop(0)
        wrong = {}
        for theirs, name in ZEEK.items():
            value = {"-": "", "(empty)": "", "<empty>": ""}.get(line[theirs], line[theirs])
            own = "" if row[name] is None else str(row[name])
            own = unquote_to_bytes(own).decode("utf-8", "backslashreplace") if name == "uri" else own  # as Zeek does
            if value != own and (value, own) not in {("0", "")}:
                wrong[theirs] = f"Zeek {value!r}, ours {own!r}"
        found.differing += bool(wrong)
        for name, shown in wrong.items():
            found.note(f"Zeek: {name}", f"{capture.name}: {line['uri']}: {shown}")
    for rows in mine.values():
        for row in rows:
            found.rows += 1
            found.differing += 1
            found.note("a row that only we have", f"{capture.name}: {row['method']} {row['uri']} {row['status']}")


if __name__ == "__main__":
    sys.exit(compared("Compare HttpLoader with tshark or Zeek.", None, tshark, zeek, "http.log"))
