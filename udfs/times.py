"""Times: bins, and times as text. All times are seconds since the epoch, UTC."""

from __future__ import annotations

import math
from datetime import UTC, datetime

from packetpig.udfs._values import pure, text
from pig_util import outputSchema

MAX_LONG = 1 << 63


def _moment(ts: float | None) -> datetime | None:
    """The time; null outside the years 1 to 9999."""
    try:
        return None if ts is None else datetime.fromtimestamp(float(ts), UTC)
    except (ValueError, OverflowError, OSError, TypeError):
        return None


@pure
@outputSchema("bin:long")
def bin(ts: float | None, seconds: int | None) -> int | None:
    """The begin of the bin of SECONDS that TS is in, as whole seconds.

    Pig: `FOREACH packets GENERATE times.bin(ts, 60);`
    """
    try:
        if ts is None or not seconds or seconds < 0 or not math.isfinite(ts):
            return None
        begin = int(ts // seconds) * seconds
    except (TypeError, ValueError, OverflowError):
        return None
    return begin if -MAX_LONG <= begin < MAX_LONG else None


@pure
@outputSchema("time:chararray")
def iso(ts: float | None) -> str | None:
    """The time as ISO 8601 text with microseconds; null for times outside the years 1 to 9999.

    Pig: `FOREACH packets GENERATE times.iso(ts);`
    """
    moment = _moment(ts)
    return None if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ").rjust(27, "0")


@pure
@outputSchema("ts:double")
def seconds(time: str | None) -> float | None:
    """The seconds of a time in ISO 8601 (`2024-03-05`, `2024-03-05T20:15:00+01:00`); without a zone it is UTC.

    Pig: `FOREACH names GENERATE times.seconds(name);`
    """
    found = text(time, 64)
    try:
        moment = None if found is None else datetime.fromisoformat(found.strip())
    except ValueError:
        return None
    if moment is None:
        return None
    try:
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (OverflowError, ValueError):
        return None


@pure
@outputSchema("hour:int")
def hour(ts: float | None) -> int | None:
    """The hour of the day, 0 to 23.

    Pig: `FOREACH packets GENERATE times.hour(ts);`
    """
    moment = _moment(ts)
    return None if moment is None else moment.hour


@pure
@outputSchema("weekday:int")
def weekday(ts: float | None) -> int | None:
    """The day of the week, 1 (Monday) to 7 (Sunday).

    Pig: `FOREACH packets GENERATE times.weekday(ts);`
    """
    moment = _moment(ts)
    return None if moment is None else moment.isoweekday()
