"""Incidents: what an attacker tried, what seems to have worked, and by which rules; docs/pipeline.md states them."""

from __future__ import annotations

import hashlib
import ipaddress
import re
import shlex
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import unquote_plus

from packetpig.udfs._values import pure, text
from pig_util import outputSchema

LONGEST_URI = 8192
"""Characters of a target that are looked at."""
QUIET = 14 * 86400.0
"""Seconds without evidence after which it is another incident."""
MOST = 50
"""Evidence of a kind, sessions and places that a page names."""
SHORT = 200
"""Characters of traffic's words that a page has."""

ATTEMPTS = (
    (
        "sql_injection",
        re.compile(
            r"\bunion\s+(?:all\s+)?select\b|'\s{0,8}\){0,8}\s{0,8}(?:or|and)\s+[^=<>]{1,80}(?:=|<|>|\blike\b)|\border\s+by\s+\d+\s*(?:--|#)"
            r"|;\s*(?:drop|insert|update|delete|alter)\s+\w|\b(?:sleep|benchmark|pg_sleep)\s*\(|\bwaitfor\s+delay\b"
            r"|'\s{0,8}(?:--|\#|;)|\binformation_schema\b|\bsqlite_master\b"
        ),
    ),
    (
        "command_injection",
        re.compile(
            r"[;|&`\n]\s{0,8}(?:/\w+/){0,8}(?:(?:id|whoami|uname|ls|ps|env|ifconfig|netstat)(?:\s+[-/~.]|\s*(?:$|[;|&`]))|cat\s+[/~.]"
            r"|(?:wget|curl|fetch|nc|ncat|bash|sh|python\d?|perl|php|powershell|certutil)\s+\S|chmod\s+[+0-7ugoa]|rm\s+-)"
            r"|\$\((?:\w+\s|\w+\))|\$\{jndi:|\(\)\s*\{\s*:;\s*\}"
        ),
    ),
    ("path_traversal", re.compile(r"(?:\.\.[/\\]){2}|/etc/(?:passwd|shadow)\b|\b(?:boot|win)\.ini\b|/proc/self/")),
    ("script_injection", re.compile(r"<\s*script\b|\bon(?:error|load|mouseover)\s*=|\bjavascript:")),
)
"""What requests look like that try to be more than a parameter: names, and expressions that take linear time."""
TOOLS = re.compile(
    r"\b(?:sqlmap|nikto|hydra|nmap|masscan|zgrab|dirbuster|gobuster|wpscan|nessus|openvas|acunetix|w3af|metasploit)\b"
)
INWARD = {
    "port_scan": "ports were tried", "host_scan": "hosts were tried", "syn_flood": "flood of SYNs",
    "udp_flood": "flood of UDP", "icmp_flood": "flood of ICMP", "ssh_guessing": "passwords of SSH were guessed",
    "ftp_guessing": "passwords of FTP were guessed", "http_guessing": "passwords of a web form were guessed",
    "rdp_guessing": "passwords of RDP were guessed", "foreign_port": "a protocol was spoken at a foreign port",
    "sql_injection": "SQL was put into requests", "command_injection": "commands were put into requests",
    "path_traversal": "paths of other files were put into requests",
    "script_injection": "scripts were put into requests", "attack_tool": "a tool for attacks names itself",
    "alert": "signatures matched",
}  # fmt: skip
OUTWARD = {
    "download": "fetches a program", "beacon": "calls as regularly as a clock",
    "dns_tunnel": "puts data into names of DNS",
    "new_flow": "sends to somebody it never talked to before", "first_port": "is the first of our hosts to use a port",
    "loss": "sends a file", "outbound_alert": "signatures match what it sends or fetches",
}  # fmt: skip
ANSWERED = {
    "signed_in": "a form took a sign-in", "went_on": "a session went on, after passwords were guessed",
    "moved": "files changed hands",
}  # fmt: skip
"""What shows that an attack was answered: from what is known of the attacker, at hosts that he attacked."""
GUESSED = {"ssh": "ssh_guessing", "rdp": "rdp_guessing"}
SCANS = frozenset({"port_scan", "host_scan"})
WITH_BYTES = frozenset({"new_flow", "loss", "download", "went_on", "moved"})
HABIT_DAYS, HABIT = 14, 3
"""A host that met more than HABIT new peers in so many days does so anyway."""
WEAK = frozenset({"foreign_port", "first_port", "new_flow", "attack_tool"})
"""What alone, or only with each other, makes no incident."""
ALERTS = frozenset({"alert", "outbound_alert"})


class Evidence(NamedTuple):
    """A row of evidence, or of what is known of an attacker (its kind begins with _)."""

    target: str | None
    peer: str | None
    ts: float | None
    end_ts: float | None
    kind: str
    severity: int
    times: int
    worked: int
    bytes: int
    label: str | None
    session_id: str | None


@pure
@outputSchema("attempt:chararray")
def attempt(uri: str | None) -> str | None:
    """What a request's target tries: sql_injection, command_injection, path_traversal, script_injection, or null.

    Looks at the path and at each parameter by itself, percent-decoded up to twice; the first kind that fits.

    Pig: `FOREACH links GENERATE link, incidents.attempt(link);`
    """
    target = text(uri, LONGEST_URI)
    if not target:
        return None
    path, _, query = target.partition("?")
    parts = [_decoded(part) for part in (path, *query.split("&")) if part]
    for name, expression in ATTEMPTS:
        if any(expression.search(part) for part in parts):
            return name
    return None


@pure
@outputSchema("tool:chararray")
def tool(user_agent: str | None) -> str | None:
    """The tool for attacks that a user agent names, or null.

    Pig: `FOREACH agents GENERATE incidents.tool(agent);`
    """
    found = TOOLS.search((text(user_agent, 1024) or "").lower())
    return found[0] if found else None


def _decoded(part: str) -> str:
    for _ in range(2):
        if "%" not in part and "+" not in part:
            break
        part = unquote_plus(part)
    return part.lower()


@outputSchema("tries:bag{(fortnight:long, began:double, since:double, until:double)}")
def tries(rows: list[tuple[float | None, float | None]] | None) -> list[tuple[int, float, float, float]] | None:
    """When an attacker tried to break into a host: a row a day of tries, and fortnight that deeds may follow in.

    ROWS: tuples of when evidence begins and ends. `since`, `until`: the day's tries; `began`: the first of those that
    no two weeks without any lie between. Of evidence that spans more than that only both ends are known. `fortnight`:
    a number for a join, of two weeks in which somebody may still be blamed for it.

    Pig: `FOREACH pairs GENERATE group, FLATTEN(incidents.tries(evidence.(ts, end_ts)));`
    """
    if rows is None:
        return None
    days: dict[int, tuple[float, float]] = {}
    for start, end in _points(rows):
        since, until = days.get(int(start // 86400), (start, end))
        days[int(start // 86400)] = min(since, start), max(until, end)
    found = []
    began = last = float("-inf")
    for since, until in sorted(days.values()):
        if since > last + QUIET:
            began = since
        last = max(last, until)
        for fortnight in range(int(since // QUIET), int((until + QUIET) // QUIET) + 1):
            found.append((fortnight, began, since, until))
    return found


def _points(rows: Iterable[tuple[float | None, float | None]]) -> Iterable[tuple[float, float]]:
    for start, given in rows:
        if start is not None:
            end = start if given is None else max(start, given)
            yield from [(start, end)] if end - start <= QUIET else [(start, start), (end, end)]


@outputSchema("seldom:bag{(attacker:chararray, fortnight:long, began:double, since:double, until:double, seldom:int)}")
def seldom(
    attacks: list[tuple[str, int, float, float, float]] | None,
    met: list[tuple[int | None, int]] | None,
    start: float | None,
) -> list[tuple[str, int, float, float, float, int]] | None:
    """Whether a host that was attacked met new peers seldom before, so that one afterwards says something: 1 or 0.

    ATTACKS: rows of `tries`, with the attacker. MET: days, and how many flows to the outside it had for the first time
    on each. START: when the archive begins. 1 if the host was watched for a day before the attack began, and had no
    more than three new ones in the two weeks before that day (the archive's first day, when all is new, does not
    count).

    Pig: `FOREACH (COGROUP attacks BY host INNER, days BY host) GENERATE group, FLATTEN(incidents.seldom(
    attacks.(attacker, fortnight, began, since, until), days.(day, count), first.ts));`
    """
    if attacks is None or met is None or start is None:
        return None
    counts = {day: count for day, count in met if day is not None and day > start // 86400}
    found: dict[float, int] = {}
    for _, _, began, _, _ in attacks:
        if began not in found:
            day = int(began // 86400)
            new = sum(counts.get(day - before, 0) for before in range(1, HABIT_DAYS + 1))
            found[began] = int(began - start >= 86400 and new <= HABIT)
    return [(*one, found[one[2]]) for one in attacks]


@outputSchema(
    "made:tuple(incidents:bag{(incident:chararray, sensor:chararray, ts:double, end_ts:double, severity:int, "
    "attacker:chararray, target:chararray, title:chararray, country:chararray, city:chararray, asn:chararray, "
    "as_org:chararray, os:chararray, user_agents:chararray, ja4:chararray, tried:chararray, worked:chararray, "
    "alerts:long, anomalies:long, sessions:long, files:long, bytes:long, session_ids:chararray, carve:chararray, "
    "story:chararray)}, events:bag{(incident:chararray, ts:double, end_ts:double, kind:chararray, severity:int, "
    "target:chararray, peer:chararray, count:long, bytes:long, label:chararray, session_id:chararray)})"
)
def assemble(
    rows: list[tuple[Any, ...]] | None,
    sensor: str | None,
    attacker: str | None,
    captures: str | None,
    there: int | None = None,
) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]] | None:
    """The incidents that the evidence against one attacker makes, and their events.

    ROWS: tuples of Evidence. CAPTURES: where the captures are, for the command that carves the packets. THERE: how many
    rows there are, if these are not all.

    Pig: `FOREACH (GROUP evidence BY (sensor, attacker)) GENERATE FLATTEN(incidents.assemble(
    evidence.(target, peer, ts, …), group.sensor, group.attacker, 'captures/')) AS (incidents, events);`
    """
    if rows is None or attacker is None or captures is None:
        return None
    evidence = [Evidence(*row) for row in rows]
    known = [one for one in evidence if one.kind.startswith("_")]
    found = sorted((one for one in evidence if not one.kind.startswith("_") and one.ts is not None), key=_order)
    incidents: list[tuple[Any, ...]] = []
    events: list[tuple[Any, ...]] = []
    for group in _groups(found):
        if not _is_incident(group):
            continue
        made = _Incident(sensor or "", attacker, group, known, captures, max(0, (there or 0) - len(rows)))
        incidents.append(made.row())
        events += made.events()
    return incidents, events


def _groups(found: Sequence[Evidence]) -> list[list[Evidence]]:
    """Evidence that belongs together, by time.

    A row that spans more than QUIET is a sum: nothing says that it went on all the time. It holds nothing together, and
    is evidence of each group that is in its span.
    """
    groups = _bound([one for one in found if not _is_long(one)])
    sums = [one for one in found if _is_long(one)]
    alone = [one for one in sums if not _near(one, groups)]
    groups += _bound(alone)
    added = [(group, _within(one, group)) for one in sums if one not in alone for group in _near(one, groups)]
    for group, one in added:
        group.append(one)
    return sorted((sorted(group, key=_order) for group in groups), key=lambda group: _order(group[0]))


def _near(one: Evidence, groups: Sequence[list[Evidence]]) -> list[list[Evidence]]:
    first, last = _span([one])
    spans = ((group, *_span(group)) for group in groups)
    return [group for group, start, end in spans if first <= end + QUIET and last >= start - QUIET]


def _within(one: Evidence, group: Sequence[Evidence]) -> Evidence:
    """The row, as far as it is of the group's time."""
    (first, last), (start, end) = _span([one]), _span(group)
    ts, end_ts = (first if first >= start - QUIET else start), (last if last <= end + QUIET else end)
    return one._replace(ts=ts, end_ts=end_ts)


def _bound(found: Sequence[Evidence]) -> list[list[Evidence]]:
    groups: list[list[Evidence]] = []
    until = float("-inf")
    for one in found:
        start, end = _span([one])
        if start > until + QUIET:
            groups.append([])
        groups[-1].append(one)
        until = max(until, end)
    return groups


def _span(group: Sequence[Evidence]) -> tuple[float, float]:
    return min(one.ts or 0.0 for one in group), max(one.end_ts or one.ts or 0.0 for one in group)


def _is_long(one: Evidence) -> bool:
    start, end = _span([one])
    return end - start > QUIET


def _order(one: Evidence) -> tuple[float, str, str]:
    return one.ts or 0.0, one.kind, str(one)


def _is_incident(group: Sequence[Evidence]) -> bool:
    kinds = {one.kind for one in group}
    strong = kinds - WEAK
    severe = any(one.severity == 1 and one.kind not in WEAK for one in group)
    return severe or len(strong) > 1 or (len(strong) == 1 and len(kinds) > 1 and min(one.severity for one in group) < 3)


class _Incident:
    """One incident, while it is being written."""

    def __init__(
        self,
        sensor: str,
        attacker: str,
        group: Sequence[Evidence],
        known: Sequence[Evidence],
        captures: str,
        left_out: int,
    ) -> None:
        self.sensor, self.attacker = sensor, _clean(attacker)
        self.group, self.known = group, known
        self.captures, self.left_out = captures, left_out
        self.start, self.end = _span(group)
        self.name = hashlib.sha256(f"{sensor} {attacker} {self.start:.6f}".encode()).hexdigest()[:12]
        self.inward = [one for one in group if one.kind in INWARD and one.target != attacker]
        self.outward = [one for one in group if one.kind in OUTWARD]
        self.answered = sorted([*self._signed_in(), *self._went_on(), *self._moved()], key=_order)
        self.sessions = [
            one for one in known
            if one.kind == "_sessions" and (one.end_ts or 0) >= self.start and (one.ts or 0) <= self.end
        ]  # fmt: skip

    def told(self, kind: str, most: int = 10) -> str | None:
        """What is known of the attacker, most frequent first."""
        counts: Counter[str] = Counter()
        for one in self.known:
            if one.kind == kind and one.label:
                counts[_clean(one.label)] += one.times
        return ", ".join(word for word, _ in counts.most_common(most)) or None

    def targets(self) -> list[str]:
        """Hosts that were attacked: those that much points to first."""
        counts: Counter[str] = Counter()
        for one in self.group:
            if one.target and one.target != self.attacker:
                counts[one.target] += 1000 * (5 - min(4, one.severity))
        for one in self.sessions:
            if one.target and one.target != self.attacker:
                counts[one.target] += 1
        return [host for host, _ in counts.most_common(MOST)]

    def tried(self) -> list[str]:
        """Lines of what was tried."""
        lines = []
        for one in self.inward:
            at = f" at {one.target}" if one.target else ""
            lines.append(f"{_time(one.ts)} {INWARD[one.kind]}{at}, {one.times:,} times{_said(one.label)}")
        return _some(lines)

    def succeeded(self) -> list[str]:
        """Lines of what seems to have worked, by the rules of docs/pipeline.md."""
        lines = []
        for one in self.inward:
            if one.worked:
                lines.append(
                    f"{one.worked:,} of {one.times:,} requests ({INWARD[one.kind]}) at {one.target} were answered with "
                    f"success, {one.bytes:,} bytes"
                )
        for one in sorted([*self.answered, *self.outward], key=_order):
            more = f", {one.bytes:,} bytes" if one.kind in WITH_BYTES else ""
            to = f" ({one.peer})" if one.peer else ""
            what = OUTWARD.get(one.kind) or ANSWERED[one.kind]
            lines.append(f"{_time(one.ts)} {one.target}: {what}{to}, {one.times:,} times{more}{_said(one.label)}")
        return _some(lines)

    def _facts(self, kind: str, since: Mapping[str | None, float]) -> list[Evidence]:
        """What is known of that KIND, of hosts that were attacked SINCE then."""
        return [
            one for one in self.known
            if one.kind == kind and one.label and one.target in since and one.ts is not None
            and (one.end_ts or one.ts) >= since[one.target] and one.ts <= self.end + QUIET
        ]  # fmt: skip

    def _since(self, kinds: Collection[str]) -> dict[str | None, float]:
        """Since when each host was attacked in one of these ways."""
        found: dict[str | None, float] = {}
        for one in self.inward:
            if one.kind in kinds and one.target and one.ts is not None:
                found[one.target] = min(one.ts, found.get(one.target, one.ts))
        return found

    def _signed_in(self) -> Iterable[Evidence]:
        """Sign-ins at a form that was guessed at, with success, and not as nearly all others were answered."""
        forms: dict[tuple[str | None, str], dict[str, list[Evidence]]] = {}
        for one in self._facts("_answer", self._since({"http_guessing"})):
            status, _, path = (one.label or "").partition(" ")
            forms.setdefault((one.target, path), {}).setdefault(status, []).append(one)
        for (target, path), answers in forms.items():
            counts = Counter({status: sum(one.times for one in ones) for status, ones in answers.items()})
            (usual, most), *_ = counts.most_common(1)
            taken = sorted(status for status in counts if status != usual and status[0] in "23")
            few = sum(counts[status] for status in taken)
            if most >= 10 and 0 < few <= most / 10:
                rows = [one for status in taken for one in answers[status]]
                label = f"{path}, {', '.join(taken)} instead of {usual}, {few:,} of {counts.total():,}"
                yield _together("signed_in", target, label, rows)

    def _went_on(self) -> Iterable[Evidence]:
        """Sessions in which more was done than sign in, where passwords were guessed."""
        for service, kind in GUESSED.items():
            since = self._since({kind})
            for one in self._facts("_stayed", since):
                if one.label == service:
                    yield one._replace(kind="went_on", severity=2)

    def _moved(self) -> Iterable[Evidence]:
        """Files that it took from, or left at, hosts that it attacked."""
        severe = {one.kind for one in self.inward if one.severity <= 2} - SCANS - WEAK
        for one in self._facts("_moved", self._since(severe)):
            yield one._replace(kind="moved", severity=2)

    def severity(self) -> int:
        """1: something of ours was used by the attacker; 2: an attack was answered; 3: attacks; 4: a look around."""
        kinds = {one.kind for one in self.outward}
        answered = bool(self.answered) or any(one.worked for one in self.inward)
        called = any(one.kind == "new_flow" and one.peer == self.attacker for one in self.outward)
        met = bool(self.inward) and "new_flow" in kinds
        if kinds & {"download", "beacon", "dns_tunnel", "loss", "outbound_alert"} or (met and (answered or called)):
            return 1
        if answered or met:
            return 2
        return 3 if any(one.severity <= 2 and one.kind not in SCANS for one in self.inward) else 4

    def title(self) -> str:
        """In a line."""
        targets = self.targets()
        whom = (
            f"{targets[0]}{f' and {len(targets) - 1} more' if len(targets) > 1 else ''}" if targets else "hosts of ours"
        )
        if not self.inward:
            return f"{whom} talks to {self.attacker}"
        country = self.told("_country", 1)
        who = f"{self.attacker} ({country})" if country else self.attacker
        return f"{who} {'broke into' if self.severity() == 1 else 'attacked'} {whom}"

    def carve(self) -> str:
        """The command that carves the packets: of the attacker, and of what its targets did afterwards."""
        flows = []
        if _address(self.attacker):
            flows.append(f"ip_src == '{self.attacker}' OR ip_dst == '{self.attacker}'")
        for host, peer in dict.fromkeys((one.target, one.peer) for one in self.outward):
            if _address(host) and _address(peer) and peer != self.attacker and len(flows) < 20:
                flows.append(f"ip_src == '{host}' AND ip_dst == '{peer}'")
                flows.append(f"ip_src == '{peer}' AND ip_dst == '{host}'")
        either = " OR ".join(f"({flow})" for flow in flows) or "true"
        where = f"({either}) AND ts >= {int(self.start)} AND ts <= {int(self.end) + 1}"
        return (
            f"bin/packetpig carve --where {shlex.quote(where)} {shlex.quote(self.captures)} incident-{self.name}.pcap"
        )

    def session_ids(self) -> list[str]:
        """Sessions that are evidence."""
        found = (one.session_id for one in [*self.group, *self.answered] if one.session_id)
        return list(dict.fromkeys(found))[:MOST]

    def story(self) -> str:
        """A page of text."""
        facts = [
            ("from", f"{_time(self.start)} to {_time(self.end)} UTC"),
            ("attacker", self.attacker),
            ("where", ", ".join(filter(None, (self.told("_city", 1), self.told("_country", 1))))),
            ("network", ", ".join(filter(None, (self.told("_asn", 1), self.told("_as_org", 1))))),
            ("system", self.told("_os", 5)),
            ("user agents", self.told("_user_agent")),
            ("JA4", self.told("_ja4")),
            ("targets", ", ".join(self.targets())),
            ("sensor", self.sensor),
            (
                "left out",
                f"{self.left_out:,} rows of evidence and of what is known, the least severe" if self.left_out else "",
            ),
        ]
        lines = [f"{self.title()}. Severity {self.severity()} of 1 (worst) to 4.", ""]
        lines += [f"{name + ':':14}{value}" for name, value in facts if value]
        for head, items in (("What was tried", self.tried()), ("What seems to have worked", self.succeeded())):
            lines += ["", head, *(f"- {item}" for item in items or ["nothing that was seen"])]
        lines += ["", "Sessions", ", ".join(self.session_ids()), "", "Its packets", self.carve(), ""]
        return "\n".join(lines)

    def row(self) -> tuple[Any, ...]:
        """For the table of incidents. What cannot be counted is null: talks are left out first, then weak evidence."""
        alerts: int | None = sum(one.times for one in self.group if one.kind in ALERTS)
        anomalies: int | None = sum(one.kind not in ALERTS for one in self.group)
        sessions: int | None = sum(one.times for one in self.sessions)
        exchanged: int | None = sum(one.bytes for one in self.sessions)
        if self.left_out:
            sessions = exchanged = None
            if not any(one.kind == "_sessions" for one in self.known):
                alerts = anomalies = None
        files = sum(one.times for one in [*self.outward, *self.answered] if one.kind in ("download", "loss", "moved"))
        tried, worked = "\n".join(self.tried()), "\n".join(self.succeeded())
        return (
            self.name, self.sensor, self.start, self.end, self.severity(), self.attacker,
            ", ".join(self.targets()) or None, self.title(), self.told("_country", 1), self.told("_city", 1),
            self.told("_asn", 1), self.told("_as_org", 1), self.told("_os", 5), self.told("_user_agent"),
            self.told("_ja4"), tried or None, worked or None, alerts, anomalies, sessions, files, exchanged,
            " ".join(self.session_ids()) or None, self.carve(), self.story(),
        )  # fmt: skip

    def events(self) -> Iterable[tuple[Any, ...]]:
        """For the table of events."""
        for one in [*self.group, *self.answered]:
            yield (
                self.name, one.ts, one.end_ts, one.kind, one.severity, one.target, one.peer, one.times, one.bytes,
                (one.label or "")[:2000] or None, one.session_id,
            )  # fmt: skip


def _together(kind: str, target: str | None, label: str, rows: Sequence[Evidence]) -> Evidence:
    """One row of evidence, of several that are known."""
    first, (start, end) = min(rows, key=_order), _span(rows)
    count = sum(one.times for one in rows)
    return Evidence(target, None, start, end, kind, 2, count, 0, 0, label, first.session_id)


def _address(word: str | None) -> bool:
    with suppress(ValueError):
        return bool(word and ipaddress.ip_address(word))
    return False


def _time(ts: float | None) -> str:
    with suppress(ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(ts or 0.0, UTC).strftime("%Y-%m-%d %H:%M:%S")
    return "?"


def _said(label: str | None) -> str:
    return f": {_clean(label)}" if label else ""


def _clean(words: str) -> str:
    """Words of traffic's, that cannot break a line."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in words[:SHORT])


def _some(lines: Sequence[str]) -> list[str]:
    return [*lines[:MOST], *([f"and {len(lines) - MOST:,} more"] if len(lines) > MOST else [])]
