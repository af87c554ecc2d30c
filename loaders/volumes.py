"""Volumes: how much traffic there was in each bin of time, summed while packets are decoded.

What Pig would add up packet by packet, at a fraction of the time: the rows are partial sums, one for each bin, and
each task has its own, so scripts SUM them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial

import pyarrow as pa
from packetpig.loaders import packets
from packetpig.loaders.contract.columns import COMMON, Column, double, long
from packetpig.loaders.contract.loader import Job, Loader, Option, OptionError
from packetpig.loaders.contract.rows import assembled
from packetpig.loaders.flows.rows import seconds as as_seconds

MOST = 1 << 18  # partial sums kept before they are given out
TABLES = 1 << 10  # of partial sums, before they are added up
PACKET_COLUMNS = {column.name: column for column in packets.LOADER.schema()}
SUMS = {  # column of the sums: packet column
    "bytes": "length",
    "ip_bytes": "ip_total_length",
    "tcp_bytes": "tcp_len",
    "udp_bytes": "udp_len",
}
MEASURES = {"packets": "sum", **dict.fromkeys(SUMS, "sum"), "first_ts": "min", "last_ts": "max"}


def columns(options: Mapping[str, str]) -> tuple[Column, ...]:
    """The columns, with those of `by=` among them."""
    return (
        *COMMON,
        *(PACKET_COLUMNS[name] for name in _by(options)),
        long("packets", "packets"),
        long("bytes", "of their frames on the wire", "bytes"),
        long("ip_bytes", "of IP, by its headers", "bytes"),
        long("tcp_bytes", "of TCP payload", "bytes"),
        long("udp_bytes", "of UDP, headers included", "bytes"),
        double("first_ts", "time of the earliest of them", "seconds since the epoch"),
        double("last_ts", "time of the latest", "seconds since the epoch"),
    )


def _by(options: Mapping[str, str]) -> list[str]:
    names = [name.strip() for name in options["by"].split(",") if name.strip()]
    for name in names:
        if name not in PACKET_COLUMNS or name in ("sensor", "capture", "ts", "payload", "frame") or name in SUMS:
            raise OptionError(f"VolumeLoader: by={name} is no column of PacketLoader that rows can be grouped by")
    return names


def _seconds(options: Mapping[str, str]) -> int:
    try:
        seconds = int(options["time"])
    except ValueError:
        seconds = 0
    if not 0 < seconds < 1 << 31:
        raise OptionError(f"VolumeLoader: time is a number of seconds, not {options['time']!r}")
    return seconds


def rows(job: Job) -> Iterator[pa.RecordBatch]:
    """Batches of partial sums."""
    from packetpig.loaders.contract.filters import Filter
    from packetpig.loaders.contract.where import parse

    options = job.options
    seconds, by = _seconds(options), _by(options)
    chosen = Filter(parse(options["packets"]), PACKET_COLUMNS) if options["packets"] else None
    keys = ["sensor", "capture", "ts", *by]
    measures = {name: how for name, how in MEASURES.items() if name in job.columns}
    sources = [source for name, source in SUMS.items() if name in measures]
    wanted = dict.fromkeys(["sensor", "capture", "ts_ns", *by, *sources])
    sums: list[pa.Table] = []
    waiting = 0
    for batch in packets.rows(Job(tuple(wanted), job.captures, {}, chosen, job.report, job.on_error)):
        sums.append(_summed(_binned(batch, seconds, by, measures), keys, measures))
        waiting += sums[-1].num_rows
        if waiting > MOST or len(sums) > TABLES:
            sums = [_summed(pa.concat_tables(sums), keys, measures)]
            waiting = sums[0].num_rows
            if waiting > MOST // 2:
                yield from _given(sums.pop(), job.columns)
                waiting = 0
    if sums:
        yield from _given(_summed(pa.concat_tables(sums), keys, measures), job.columns)


def _binned(batch: pa.RecordBatch, seconds: int, by: list[str], measures: Iterable[str]) -> pa.Table:
    import pyarrow.compute as pc

    def plain(name: str) -> pa.Array:
        column = batch.column(name)
        return column.dictionary_decode() if isinstance(column, pa.DictionaryArray) else column

    step = seconds * 1_000_000_000
    time = batch.column("ts_ns")
    past = pc.subtract(time, pc.if_else(pc.less(time, 0), step - 1, 0))  # division rounds towards zero
    bins = pc.multiply(pc.divide(past, step), seconds)
    keys = {"sensor": plain("sensor"), "capture": plain("capture"), "ts": bins, **{name: plain(name) for name in by}}

    def measure(name: str) -> pa.Array:
        if name == "packets":
            return pa.repeat(pa.scalar(1, pa.int64()), batch.num_rows)
        return pc.fill_null(batch.column(SUMS[name]), 0).cast(pa.int64()) if name in SUMS else time

    return pa.table({**keys, **{name: measure(name) for name in measures}})


def _summed(table: pa.Table, keys: list[str], measures: Mapping[str, str]) -> pa.Table:
    summed = table.group_by(keys).aggregate(list(measures.items()))
    plain = {f"{name}_{how}": name for name, how in measures.items()}
    return summed.rename_columns([plain.get(name, name) for name in summed.column_names]).select(table.column_names)


def _given(table: pa.Table, names: tuple[str, ...]) -> Iterator[pa.RecordBatch]:
    for batch in table.combine_chunks().to_batches():
        yield assembled(names, partial(_column, batch), batch.num_rows)


def _column(batch: pa.RecordBatch, name: str) -> pa.Array:
    column = batch.column(name)
    if name == "ts":
        return column.cast(pa.float64())
    if name in ("first_ts", "last_ts"):
        return pa.array(as_seconds(column.fill_null(0).to_numpy(zero_copy_only=False)))
    return column.dictionary_encode() if pa.types.is_string(column.type) else column


LOADER = Loader(
    pig="VolumeLoader",
    answers="traffic in the bin that begins at ts, by the packet columns asked for: partial sums, to be added up",
    columns=columns,
    rows=rows,
    split="records",
    options=(
        Option("time", "seconds of a bin", "60"),
        Option("by", "columns of PacketLoader, between commas: a row for each of their values too", schema=True),
        Option("packets", "a Pig expression over the columns of PacketLoader: only packets for which it is true"),
    ),
)
