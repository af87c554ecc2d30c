"""What was going on in a flow around the times of its alerts (pig/threats/context.pig)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from typing import Any

from pig_util import outputSchema

SLACK = 2e-6  # seconds: what IDS engines say has microseconds
MOST_FILES = 10
Row = tuple[Any, ...]


@outputSchema(
    "around:bag{(asked:double, method:chararray, host:chararray, uri:chararray, status:int, user_agent:chararray, "
    "tls_version:chararray, sni:chararray, ja4:chararray, issuer:chararray, file_names:chararray, "
    "file_types:chararray, sha256s:chararray)}"
)
def around(
    asked: list[Row] | None, exchanges: list[Row] | None, handshakes: list[Row] | None, files: list[Row] | None
) -> list[Row] | None:
    """For each distinct time ASKED of one flow: its exchange over HTTP, its TLS handshake, its files.

    ASKED: tuples (ts, begin, end), the last two of the session. EXCHANGES: (ts, method, host, uri, status, user_agent).
    HANDSHAKES: (ts, version, sni, ja4, issuer). FILES: (ts, protocol, name, mime, sha256). Taken is the last one
    begun up to the time, else the first one of the session; files of HTTP are those of the exchange.

    Pig: `FOREACH (COGROUP alerts BY flow, http BY flow, tls BY flow, files BY flow) GENERATE group,
    FLATTEN(context.around(alerts.(ts, begin, end), http.(ts, method, host, uri, status, user_agent), …));`
    """
    if asked is None:
        return None
    web, tls, carried = (_sorted(rows) for rows in (exchanges, handshakes, files))
    found = []
    for ts, begin, end in sorted(set(asked), key=repr):
        if ts is None:
            continue
        inside = (begin if begin is not None else float("-inf"), end if end is not None else float("inf"))
        exchange, handshake = _last(web, ts, *inside), _last(tls, ts, *inside)
        chosen = _of_exchange(carried, web, exchange) if exchange else []
        if not chosen:
            other = _last([one for one in carried if one[1] != "http"], ts, *inside)
            chosen = [other] if other else []
        found.append(
            (
                ts,
                *(exchange[1:] if exchange else (None,) * 5),
                *(handshake[1:] if handshake else (None,) * 4),
                *(_joined(one[at] for one in chosen) for at in (2, 3, 4)),
            )
        )
    return found


@outputSchema("lookups:bag{(asked:double, name:chararray, ts:double)}")
def lookups(asked: list[Row] | None, answers: list[Row] | None) -> list[Row] | None:
    """For each distinct time ASKED the last of the ANSWERS, tuples (ts, name), up to it; none where there is none.

    Pig: `FOREACH (COGROUP alerts BY pair, dns BY pair) GENERATE group, FLATTEN(context.lookups(alerts.ts, dns.(ts,
    name)));`
    """
    if asked is None:
        return None
    known = _sorted(answers)
    times = [one[0] for one in known]
    places = [(ts, bisect_right(times, ts + SLACK) - 1) for (ts,) in sorted(set(asked), key=repr) if ts is not None]
    return [(ts, known[at][1], known[at][0]) for ts, at in places if at >= 0]


def _sorted(rows: list[Row] | None) -> list[Row]:
    return sorted((row for row in rows or [] if row[0] is not None), key=lambda row: (row[0], repr(row)))


def _last(rows: list[Row], ts: float, begin: float, end: float) -> Row | None:
    """The last row up to TS that is in the session, else its first one."""
    inside = [row for row in rows if begin - SLACK <= row[0] < end]
    at = bisect_right([row[0] for row in inside], ts + SLACK) - 1
    return inside[max(at, 0)] if inside else None


def _of_exchange(files: list[Row], exchanges: list[Row], exchange: Row) -> list[Row]:
    """Files of HTTP from the exchange's begin to the next one's."""
    later = [row[0] for row in exchanges if row[0] > exchange[0]]
    until = min(later, default=float("inf"))
    return [one for one in files if one[1] == "http" and exchange[0] - SLACK <= one[0] < until]


def _joined(values: Iterable[str | None]) -> str | None:
    """The first few different ones, with |."""
    known = list(dict.fromkeys(value for value in values if value is not None))
    return "|".join(known[:MOST_FILES]) or None
