"""Times: bins, and times as text. All times are seconds since the epoch, UTC."""

from __future__ import annotations

from datetime import UTC, datetime

from pig_util import outputSchema


@outputSchema("bin:long")
def bin(ts: float | None, seconds: int | None) -> int | None:
    """The begin of the bin of SECONDS that TS is in, as whole seconds.

    Pig: `FOREACH packets GENERATE times.bin(ts, 60);`
    """
    if ts is None or not seconds or seconds < 0:
        return None
    return int(ts // seconds) * seconds


@outputSchema("time:chararray")
def iso(ts: float | None) -> str | None:
    """The time as ISO 8601 text with microseconds; null for times outside the years 1 to 9999.

    Pig: `FOREACH packets GENERATE times.iso(ts);`
    """
    if ts is None:
        return None
    try:
        return datetime.fromtimestamp(ts, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    except (ValueError, OverflowError, OSError):
        return None
