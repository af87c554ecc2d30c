"""Sessions from pieces: used by the macro SESSIONS (pig/macros/sessions.pig)."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
from packetpig.loaders.bridge.rows import bag
from packetpig.loaders.bridge.values import Encoded
from packetpig.loaders.contract.filters import Filter
from packetpig.loaders.contract.where import parse
from packetpig.loaders.flows.pieces import Together
from packetpig.loaders.sessions import COLUMNS, LOADER
from pig_util import outputSchema

NAMES = tuple(column.name for column in COLUMNS)


@outputSchema(
    "sessions:bag{(sensor:chararray, capture:chararray, ts:double, session_id:chararray, community_id:chararray, "
    "proto:chararray, src:chararray, sport:int, dst:chararray, dport:int, vlan:int, inner_vlan:int, tunnel:chararray, "
    "end_ts:double, duration:double, service:chararray, state:chararray, end_state:chararray, src_packets:long, "
    "dst_packets:long, src_bytes:long, dst_bytes:long, src_ip_bytes:long, dst_ip_bytes:long, missed_bytes:long, "
    "icmp_errors:long)}"
)
def merge(pieces: list[tuple[bytes]] | None, where: str | None) -> Encoded | None:
    """The sessions of one bucket, from all of its pieces; those for which WHERE is true.

    Pig: `FOREACH (GROUP pieces BY bucket) GENERATE FLATTEN(sessions.merge(pieces.piece, 'dport == 443'));`
    """
    if pieces is None or where is None:
        return None
    return bag(list(_merged([piece for (piece,) in pieces if piece is not None], where)))


def _merged(pieces: list[bytes], where: str) -> Iterator[pa.RecordBatch]:
    chosen = Filter(parse(where), {column.name: column for column in COLUMNS}) if where and where.strip() else None
    for sessions in Together(pieces).sessions(LOADER.checked({})):
        batch = sessions.batch(NAMES)
        yield chosen.apply(batch) if chosen else batch
