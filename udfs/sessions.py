"""Sessions from pieces, and what is asked of many sessions (pig/macros/sessions.pig, pig/sessions/)."""

from __future__ import annotations

from itertools import pairwise
from statistics import median
from typing import Any

import numpy as np
import pyarrow as pa
from packetpig.loaders.bridge.rows import bag
from packetpig.loaders.bridge.values import Encoded
from packetpig.loaders.flows.windows import Window
from packetpig.loaders.sessions import COLUMNS, LOADER
from pig_util import outputSchema

FOREVER = 1e18
MOST_TIMES = 100_000
NAMES = tuple(column.name for column in COLUMNS)


@outputSchema(
    "window:tuple(sessions:bag{(sensor:chararray, capture:chararray, ts:double, session_id:chararray, "
    "community_id:chararray, "
    "proto:chararray, src:chararray, sport:int, dst:chararray, dport:int, vlan:int, inner_vlan:int, tunnel:chararray, "
    "end_ts:double, duration:double, service:chararray, state:chararray, end_state:chararray, src_packets:long, "
    "dst_packets:long, src_bytes:long, dst_bytes:long, src_ip_bytes:long, dst_ip_bytes:long, missed_bytes:long, "
    "icmp_errors:long, goes_on:int)}, state:bytearray)"
)
def window(pieces: list[tuple[bytes]] | None, before: list[tuple[bytes]] | None) -> tuple[Encoded, bytes] | None:
    """The sessions of one bucket in one window, and what the next window needs of those that are open at its end.

    PIECES: of the packets of the window. BEFORE: what the window before handed on. Sessions that began earlier are
    among them; `goes_on` is 1 for one that is not over, whose row in the next window has more.

    Pig: `FOREACH (COGROUP pieces BY bucket, before BY bucket) GENERATE FLATTEN(sessions.window(pieces.piece,
    before.state));` (see pig/pipeline/tracked.pig).
    """
    if pieces is None or before is None:
        return None
    states = [state for (state,) in before if state is not None]
    one = Window([piece for (piece,) in pieces if piece is not None], states[0] if states else None)
    batches = []
    for sessions, goes_on in one.sessions(LOADER.checked({})):
        batch = sessions.batch(NAMES)
        batches.append(batch.append_column("goes_on", pa.array(np.full(batch.num_rows, goes_on, np.int32))))
    return bag(batches), one.after


@outputSchema(
    "spans:bag{(session_id:chararray, session_ts:double, session_from:double, session_until:double, "
    "session_end_ts:double, src:chararray, sport:int, dst:chararray, dport:int, proto:chararray, service:chararray, "
    "state:chararray)}"
)
def spans(sessions: list[tuple[Any, ...]] | None) -> list[tuple[Any, ...]] | None:
    """The time that each session of one flow has to itself: until the next one that uses the same ports begins.

    Of tuples (ts, session_id, end_ts, src, sport, dst, dport, proto, service, state). The first begins at any time, the
    last never ends, so that every time is in one of them.

    Pig: `FOREACH (GROUP s BY community_id) GENERATE group, FLATTEN(sessions.spans(s.(ts, session_id, end_ts, src,
    sport, dst, dport, proto, service, state)));` (see the macro WITH_SESSION).
    """
    if sessions is None:
        return None
    known = sorted((one for one in sessions if one[0] is not None), key=lambda one: (one[0], one[1]))
    begins = [-FOREVER, *(one[0] for one in known[1:])]
    ends = [*begins[1:], FOREVER]
    return [(name, ts, begin, end, *rest) for (ts, name, *rest), begin, end in zip(known, begins, ends, strict=True)]


@outputSchema("packed:bytearray")
def packed_times(times: list[tuple[float | None]] | None) -> bytes | None:
    """TIMES in order, 8 bytes each: for `packed_regularity`, where they come in parts.

    Pig: `FOREACH calls GENERATE sessions.packed_times(sessions.ts);`
    """
    if times is None:
        return None
    return np.sort(np.array([ts for (ts,) in times if ts is not None], np.float64)).tobytes()


@outputSchema("regularity:tuple(count:int, interval:double, jitter:double, score:double)")
def packed_regularity(
    parts: list[tuple[bytes | None, float | None]] | None,
) -> tuple[int, float | None, float | None, float | None] | None:
    """`regularity` of the first 100,000 times in PARTS, each of `packed_times`, or null and the only time there is.

    Pig: `FOREACH calls GENERATE FLATTEN(sessions.packed_regularity(calls.(packed, ts)));`
    """
    if parts is None:
        return None
    known = [np.frombuffer(part, np.float64) for part, _ in parts if part]
    known.append(np.array([ts for part, ts in parts if part is None and ts is not None], np.float64))
    times = np.sort(np.concatenate(known))[:MOST_TIMES]
    found: tuple[int, float | None, float | None, float | None] | None = regularity([(ts,) for ts in times.tolist()])
    return found


@outputSchema("regularity:tuple(count:int, interval:double, jitter:double, score:double)")
def regularity(times: list[tuple[float | None]] | None) -> tuple[int, float | None, float | None, float | None] | None:
    """How regular TIMES are: how many, the median interval, the median distance from it, and a score from 0 to 1.

    The score is 1 for a clock, less the larger the jitter is beside the interval, and for few times. Times that differ
    by less than a second are one. Pig: `FOREACH calls GENERATE FLATTEN(sessions.regularity(sessions.ts));`
    """
    if times is None:
        return None
    known = sorted(ts for (ts,) in times if ts is not None)
    distinct = [ts for at, ts in enumerate(known) if at == 0 or ts - known[at - 1] >= 1]
    gaps = [later - earlier for earlier, later in pairwise(distinct)]
    if not gaps:
        return len(distinct), None, None, None
    interval = median(gaps)
    jitter = median(abs(gap - interval) for gap in gaps)
    near = sum(abs(gap - interval) <= max(0.2 * interval, 1) for gap in gaps) / len(gaps)
    score = max(0.0, 1 - jitter / interval) * near * (1 - 1 / len(distinct))
    return len(distinct), interval, jitter, score
