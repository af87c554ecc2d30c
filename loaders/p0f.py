"""Fingerprints of operating systems and programs, by p0f: passively, from how they speak TCP and HTTP."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from packetpig.loaders.contract.columns import COMMON, Column, double, integer, text
from packetpig.loaders.contract.loader import Job, Loader, Option, OptionError
from packetpig.loaders.contract.rows import assembled
from packetpig.loaders.contract.times import TIMES, window
from packetpig.loaders.decode.arrays import texts
from packetpig.loaders.engines.detection import by_sensor
from packetpig.loaders.engines.feed import Feed
from packetpig.loaders.engines.p0f import FLOWS, HOSTS, P0f, Said, find
from packetpig.loaders.engines.process import EngineError, MissingError, run
from packetpig.loaders.flows.extracting import Sensors
from packetpig.loaders.flows.rows import BUILDERS, Sessions
from packetpig.loaders.kernels import p0fslots, slots

COLUMNS: tuple[Column, ...] = (
    *COMMON,
    text("community_id", "Community ID v1 of the flow", repeated=True),
    text("src", "address of the client: of who sent the SYN", repeated=True),
    integer("sport", "its port"),
    text("dst", "address of the server", repeated=True),
    integer("dport", "its port"),
    text("mod", "syn, syn+ack, mtu, uptime, http request, http response, host change, ip sharing", repeated=True),
    text("subject", "whom it is about: client, server", repeated=True),
    text("os", "operating system; null: p0f knows none such", repeated=True),
    text("app", "program, by its HTTP", repeated=True),
    integer("dist", "hops to it"),
    text("lang", "language that its HTTP asks for", repeated=True),
    text("link", "kind of link, by its MTU", repeated=True),
    text("params", "what else is odd about it", repeated=True),
    double("raw_freq", "frequency of its TCP time stamps", "Hz"),
    integer("raw_mtu", "greatest packet", "bytes"),
    text("raw_sig", "the signature itself", repeated=True),
    double("uptime", "since it started, where time stamps tell (they go round)", "seconds"),
    text("reason", "why p0f thinks that the host changed or is shared", repeated=True),
    text("raw_hits", "the counts behind that", repeated=True),
)
OPTIONS = (
    Option("fingerprints", "a p0f.fp of yours; the installed one without it"),
    Option("flows", "TCP flows that p0f keeps in mind at once, up to 100000", str(FLOWS)),
    Option("hosts", "hosts that it keeps in mind, up to 500000", str(HOSTS)),
    Option("binary", "path of p0f, where it is not on the path"),
    *TIMES,
)
_UPTIME = re.compile(r"(\d+) days (\d+) hrs (\d+) min")


def rows(job: Job) -> Iterator[pa.RecordBatch]:
    """Batches of fingerprints, of one sensor after the other."""
    program = find(job.options["binary"])
    if program is None:
        raise MissingError(MISSING)
    flows, hosts = (_limit(job, name, most) for name, most in (("flows", 100_000), ("hosts", 500_000)))
    for captures in by_sensor(job.captures).values():
        names, sensors = [capture.capture for capture in captures], Sensors.of(captures)
        feed = Feed(captures, job.report, job.on_error, tcp=True, times=window(job.options))
        engine = P0f(program, job.options["fingerprints"], flows, hosts, job.report)
        for found in run([engine], feed, job.report):
            for said in found:
                job.report.count("fingerprints", len(said.rows))
                yield _batch(job, said, sensors, names)


def _batch(job: Job, said: Said, sensors: Sensors, names: Sequence[str]) -> pa.RecordBatch:
    count = len(said.rows)
    flows = np.zeros((count, slots.SESSION), np.int64)  # as sessions are, with the client as the side that opened
    flows[:, : slots.TAGS] = said.rows[:, : slots.TAGS]
    flows[:, slots.START], flows[:, slots.CAPTURE] = said.rows[:, p0fslots.TIME], said.rows[:, p0fslots.CAPTURE]
    sessions = Sessions(flows, names, sensors)

    def column(name: str) -> pa.Array:
        if name == "community_id":
            return _community_id(said, sessions)
        return _said(said, name) if name in p0fslots.NAMES else BUILDERS[name](sessions)

    return assembled(job.columns, column, count)


def _community_id(said: Said, sessions: Sessions) -> pa.Array:
    """Of each flow once: there are several records of most."""
    _, first, index = np.unique(said.rows[:, p0fslots.FORWARD], return_index=True, return_inverse=True)
    flows = sessions.rows[first]
    if not np.array_equal(flows[index, : slots.TAGS], sessions.rows[:, : slots.TAGS]):  # two flows have one hash
        return BUILDERS["community_id"](sessions)
    distinct = BUILDERS["community_id"](Sessions(flows, sessions.captures, sessions.sensors)).dictionary_decode()
    indices = pa.Array.from_buffers(pa.int32(), len(index), [None, pa.py_buffer(index.astype(np.int32))])
    return pa.DictionaryArray.from_arrays(indices, distinct, safe=False)


def _said(said: Said, name: str) -> pa.Array:
    """A column of what p0f says: of texts, or of the numbers that they are."""
    index, bitmap, nulls, distinct = said.texts(name)
    validity = pa.py_buffer(bitmap) if nulls else None
    if name not in NUMBERS:
        indices = pa.Array.from_buffers(pa.int32(), len(index), [validity, pa.py_buffer(index)], nulls)
        return pa.DictionaryArray.from_arrays(indices, texts(distinct), safe=False)
    kind, type_, convert = NUMBERS[name]
    values = np.zeros(max(1, len(distinct)), kind)
    for at, one in enumerate(distinct):
        try:
            values[at] = convert(one)
        except (ValueError, IndexError, OverflowError) as error:
            raise EngineError(f"p0f wrote {name} = {one}, which is not understood") from error
    return pa.Array.from_buffers(type_, len(index), [validity, pa.py_buffer(values[index])], nulls)


def seconds(uptime: str) -> float:
    """Of an uptime as p0f writes it. Raises ValueError."""
    found = _UPTIME.match(uptime)
    if found is None:
        raise ValueError(uptime)
    return float(int(found[1]) * 86400 + int(found[2]) * 3600 + int(found[3]) * 60)


def _limit(job: Job, name: str, most: int) -> int:
    value = job.options[name]
    if not value.isdigit() or not 1 <= int(value) <= most:
        raise OptionError(f"FingerprintLoader: {name} is a number from 1 to {most}, not {value!r}")
    return int(value)


NUMBERS: dict[str, tuple[Any, pa.DataType, Callable[[str], Any]]] = {
    "dist": (np.int32, pa.int32(), lambda text: int(text.lstrip("<= "))),
    "raw_freq": (np.float64, pa.float64(), lambda text: float(text.split()[0])),
    "raw_mtu": (np.int32, pa.int32(), int),
    "uptime": (np.float64, pa.float64(), seconds),
}
MISSING = "no p0f on this machine's path; Debian and others have it as the package p0f"
LOADER = Loader(
    pig="FingerprintLoader",
    answers="one thing that p0f learned of a host: its system, program, distance, MTU or uptime",
    columns=COLUMNS,
    options=OPTIONS,
    split="sensor",
    rows=rows,
)
