"""Sessions' rows of numbers as columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from packetpig.loaders.contract.rows import assembled
from packetpig.loaders.decode.tunnels import names
from packetpig.loaders.flows.extracting import Sensors
from packetpig.loaders.kernels import native, slots

Rows = np.ndarray[Any, np.dtype[np.int64]]
Seconds = np.ndarray[Any, np.dtype[np.float64]]
TEXT, COMMUNITY, SESSION_ID = 46, 30, 16  # characters, as the kernels have them
OPENER, OTHER = 0, 1
STATES = ("S0", "S1", "S2", "S3", "SF", "REJ", "RSTO", "RSTR", "RSTOS0", "RSTRH", "SH", "SHR", "OTH")
END_STATES = ("open", "timeout", "reset", "close")
PROTOCOLS = {1: "icmp", 6: "tcp", 17: "udp", 58: "icmp6", 132: "sctp"}


class Sessions:
    """Sessions that have ended, with what their columns are made of."""

    def __init__(self, rows: Rows, captures: Sequence[str], sensors: Sensors) -> None:
        self.rows = np.ascontiguousarray(rows)
        self.captures, self.sensors = captures, sensors
        self.count = len(rows)
        self.status = rows[:, slots.STATUS]
        self.protocol = (rows[:, slots.PORTS] >> 48) & 0xFF
        self.tcp = self.protocol == 6
        self.icmp = (self.protocol == 1) | (self.protocol == 58)
        self.from_b = self.status & slots.ORIGIN_B != 0
        self._sides = [
            np.where(self.from_b == bool(side), slots.SIDE, slots.SIDE + slots.SIDE_SIZE) for side in (OPENER, OTHER)
        ]
        self._each = np.arange(self.count)

    def batch(self, columns: Sequence[str], more: Mapping[str, pa.Array] | None = None) -> pa.RecordBatch:
        """COLUMNS of all of them; MORE has those that are not made from the rows."""
        return assembled(
            columns, lambda name: more[name] if more and name in more else BUILDERS[name](self), self.count
        )

    def side(self, which: int, field: int) -> Rows:
        """A field of one side: OPENER or OTHER."""
        return np.asarray(self.rows[self._each, self._sides[which] + field])

    def state(self, which: int) -> Rows:
        """TCP state of a side."""
        return self.side(which, slots.TCP) & 15

    def sizes(self, which: int) -> Rows:
        """Bytes of payload: of TCP by sequence numbers, each counted once."""
        tcp = self.side(which, slots.TCP)
        acked, sequence = self.side(which, slots.ACKED), self.side(which, slots.SEQUENCE)
        size = np.maximum(np.maximum(acked, sequence), 0)
        size -= size > 0
        size -= (size > 0) & (tcp >> 16 > 0)
        aborted = (
            ((tcp >> 4) & 15 == slots.SYN_SENT)
            & (tcp & 15 == slots.RESET)
            & (self.state(1 - which) == slots.INACTIVE)
            & (acked > 1)
        )
        size[aborted] = 0
        return np.where(self.tcp, size, self.side(which, slots.BYTES))


def dictionary(values: Rows, texts: Sequence[str | None]) -> pa.Array:
    """Numbers as the texts that they stand for; a text of None is null."""
    texts = list(texts)
    mask = None
    if None in texts:
        mask = np.isin(values, [at for at, one in enumerate(texts) if one is None])
    indices = pa.array(values.astype(np.int32), mask=mask)
    return pa.DictionaryArray.from_arrays(indices, pa.array([one or "" for one in texts], pa.string()))


def seconds(times: Rows) -> Seconds:
    """Nanoseconds as seconds: the double nearest to the time."""
    whole = times // 1_000_000_000
    return np.asarray(whole + (times - whole * 1_000_000_000) / 1e9)


def sensor(s: Sessions) -> pa.Array:
    """Name of the sensor."""
    return dictionary((s.rows[:, slots.TAGS] >> 32) & 0xFFFF, s.sensors.names)


def capture(s: Sessions) -> pa.Array:
    """Capture that the session began in."""
    used, index = np.unique(s.rows[:, slots.CAPTURE], return_inverse=True)
    return dictionary(index, [s.captures[number] for number in used])


def fixed(width: int, kernel: Callable[[Sessions, int], None]) -> Callable[[Sessions], pa.Array]:
    """A column of texts of WIDTH characters, which KERNEL writes to an address."""

    def build(s: Sessions) -> pa.Array:
        text = np.empty(s.count * width, np.uint8)
        kernel(s, text.ctypes.data)
        ends = np.arange(0, (s.count + 1) * width, width, dtype=np.int32)
        return pa.Array.from_buffers(pa.string(), s.count, [None, pa.py_buffer(ends), pa.py_buffer(text)], 0)

    return build


def _session_ids(s: Sessions, text: int) -> None:
    message, words, digests = np.zeros(85, np.uint8), np.zeros(80, np.int64), s.sensors.digests
    native.session_ids(
        s.rows.ctypes.data, s.count, digests.ctypes.data, len(digests), text, message.ctypes.data, words.ctypes.data
    )


def _communities(s: Sessions, text: int) -> None:
    message, words = np.zeros(85, np.uint8), np.zeros(80, np.int64)
    native.session_communities(s.rows.ctypes.data, s.count, text, message.ctypes.data, words.ctypes.data)


def community_id(s: Sessions) -> pa.Array:
    """Community ID, which repeats: a dictionary."""
    return fixed(COMMUNITY, _communities)(s).dictionary_encode()


def protocol(s: Sessions) -> pa.Array:
    """Name of the protocol, or its number."""
    return dictionary(s.protocol, [PROTOCOLS.get(number, str(number)) for number in range(256)])


def address(which: int) -> Callable[[Sessions], pa.Array]:
    """Address of a side."""

    def build(s: Sessions) -> pa.Array:
        size = 1 << max(4, (2 * s.count - 1).bit_length())
        index, table = np.empty(s.count, np.int32), np.empty(size, np.int32)
        keys, ends = np.empty((s.count, 3), np.int64), np.empty(s.count + 1, np.int32)
        text, scratch = np.empty(s.count * TEXT + 8, np.uint8), np.zeros(16, np.uint8)
        distinct = native.session_addresses(
            s.rows.ctypes.data, s.count, which, index.ctypes.data, table.ctypes.data, size, keys.ctypes.data,
            ends.ctypes.data, text.ctypes.data, scratch.ctypes.data,
        )  # fmt: skip
        used = text[: ends[distinct]].copy()
        texts = pa.Array.from_buffers(
            pa.string(), distinct, [None, pa.py_buffer(ends[: distinct + 1].copy()), pa.py_buffer(used)], 0
        )
        return pa.DictionaryArray.from_arrays(pa.array(index), texts, safe=False)

    return build


def port(which: int) -> Callable[[Sessions], pa.Array]:
    """Port of a side; for ICMP type, and code or the type that answers; null where the protocol has none."""

    def build(s: Sessions) -> pa.Array:
        ports = s.rows[:, slots.PORTS]
        value = np.where(s.from_b == bool(which), (ports >> 16) & 0xFFFF, ports & 0xFFFF)
        icmp = s.rows[:, slots.ICMP]
        value = np.where(s.icmp, icmp & 0xFF if which else icmp >> 8, value)
        has = s.icmp | np.isin(s.protocol, (6, 17, 33, 132, 136))
        return pa.array(value.astype(np.int32), mask=~has)

    return build


def vlan(shift: int) -> Callable[[Sessions], pa.Array]:
    """VLAN id, null without one."""

    def build(s: Sessions) -> pa.Array:
        value = (s.rows[:, slots.TAGS] >> shift) & 0xFFFF
        return pa.array((value - 1).astype(np.int32), mask=value == 0)

    return build


def tunnel(s: Sessions) -> pa.Array:
    """What the first packet came through, null if nothing."""
    used, index = np.unique(s.rows[:, slots.TUNNEL], return_inverse=True)
    return dictionary(index, [names(int(code)) or None for code in used])


def service(s: Sessions) -> pa.Array:
    """What the payload is."""
    code = s.rows[:, slots.SERVICE] & 0xFF
    return dictionary(code, [name or None for name in slots.SERVICES])


def conn_state(s: Sessions) -> pa.Array:
    """Zeek's conn_state, by the table in its documentation."""
    a, b = s.state(OPENER), s.state(OTHER)
    quiet_a, quiet_b = ((one == slots.INACTIVE) | (one == slots.ATTACHED) for one in (a, b))
    asked = (a == slots.SYN_SENT) | (a == slots.SYN_ACK_SENT)
    nothing = (s.sizes(OPENER) == 0) & (s.sizes(OTHER) == 0)
    only_syn = (s.status & slots.BEGAN_SYN != 0) & (s.status & slots.MORE_THAN_SYN == 0)
    closed_a, closed_b, reset_a, reset_b = a == slots.CLOSED, b == slots.CLOSED, a == slots.RESET, b == slots.RESET
    udp = s.protocol == 17
    sent_a, sent_b = s.side(OPENER, slots.PACKETS) > 0, s.side(OTHER, slots.PACKETS) > 0
    tcp = s.tcp
    chosen = np.select(
        [
            udp & sent_a & sent_b, udp & sent_a, udp & sent_b, ~tcp,
            reset_b & (asked | (reset_a & nothing)), reset_b & quiet_a, reset_b,
            reset_a & quiet_b & only_syn, reset_a & quiet_b, reset_a,
            closed_a & closed_b, closed_a & quiet_b, closed_a, closed_b & quiet_a, closed_b,
            (a == slots.SYN_SENT) & (b == slots.INACTIVE), (a == slots.ESTABLISHED) & (b == slots.ESTABLISHED),
        ],
        [STATES.index(name) for name in (
            "SF", "S0", "SHR", "OTH",
            "REJ", "RSTRH", "RSTR",
            "RSTOS0", "OTH", "RSTO",
            "SF", "SH", "S2", "SHR", "S3",
            "S0", "S1",
        )],
        STATES.index("OTH"),
    )  # fmt: skip
    return dictionary(chosen, STATES)


def end_state(s: Sessions) -> pa.Array:
    """How it ended."""
    a, b = s.state(OPENER), s.state(OTHER)
    reset = s.tcp & ((a == slots.RESET) | (b == slots.RESET))
    close = s.tcp & (a == slots.CLOSED) & (b == slots.CLOSED)
    reason = (s.status >> slots.REASON) & 3
    chosen = np.select([reset, close, reason > 0], [2, 3, 1], 0)
    return dictionary(chosen, END_STATES)


def number(which: int, field: int) -> Callable[[Sessions], pa.Array]:
    """A counter of one side."""
    return lambda s: pa.array(s.side(which, field))


BUILDERS: dict[str, Callable[[Sessions], pa.Array]] = {
    "sensor": sensor,
    "capture": capture,
    "ts": lambda s: pa.array(seconds(s.rows[:, slots.START])),
    "session_id": fixed(SESSION_ID, _session_ids),
    "community_id": community_id,
    "proto": protocol,
    "src": address(OPENER),
    "sport": port(OPENER),
    "dst": address(OTHER),
    "dport": port(OTHER),
    "vlan": vlan(16),
    "inner_vlan": vlan(0),
    "tunnel": tunnel,
    "end_ts": lambda s: pa.array(seconds(s.rows[:, slots.LAST])),
    "duration": lambda s: pa.array((s.rows[:, slots.LAST] - s.rows[:, slots.START]) / 1e9),
    "service": service,
    "state": conn_state,
    "end_state": end_state,
    "src_packets": number(OPENER, slots.PACKETS),
    "dst_packets": number(OTHER, slots.PACKETS),
    "src_bytes": lambda s: pa.array(s.sizes(OPENER)),
    "dst_bytes": lambda s: pa.array(s.sizes(OTHER)),
    "src_ip_bytes": number(OPENER, slots.IP_BYTES),
    "dst_ip_bytes": number(OTHER, slots.IP_BYTES),
    "missed_bytes": lambda s: pa.array(s.side(OPENER, slots.MISSED) + s.side(OTHER, slots.MISSED)),
    "icmp_errors": lambda s: pa.array(s.rows[:, slots.ERRORS]),
}
