"""Fingerprints of operating systems and programs, by p0f: passively, from how they speak TCP and HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
from packetpig.loaders.contract.columns import COMMON, Column, double, integer, text
from packetpig.loaders.contract.loader import Job, Loader, Option, OptionError
from packetpig.loaders.contract.rows import batched
from packetpig.loaders.contract.times import TIMES, window
from packetpig.loaders.engines.alerts import flow_id
from packetpig.loaders.engines.alerts import seconds as whole_seconds
from packetpig.loaders.engines.detection import by_sensor
from packetpig.loaders.engines.feed import Feed
from packetpig.loaders.engines.p0f import FLOWS, HOSTS, P0f, Record, find, seconds
from packetpig.loaders.engines.process import MissingError, run

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


def rows(job: Job) -> Iterator[pa.RecordBatch]:
    """Batches of fingerprints, of one sensor after the other."""
    program = find(job.options["binary"])
    if program is None:
        raise MissingError(MISSING)
    yield from batched(job, COLUMNS, _rows(job, program))


def _rows(job: Job, program: str) -> Iterator[dict[str, Any]]:
    flows, hosts = (_limit(job, name, most) for name, most in (("flows", 100_000), ("hosts", 500_000)))
    with_id = "community_id" in job.columns
    for sensor, captures in by_sensor(job.captures).items():
        feed = Feed(captures, job.report, job.on_error, tcp=True, times=window(job.options))
        engine = P0f(program, job.options["fingerprints"], flows, hosts, job.report)
        for found in run([engine], feed, job.report):
            for record in found:
                job.report.count("fingerprints")
                capture = captures[record.capture].capture if record.capture >= 0 else None
                yield {"sensor": sensor, "capture": capture, **_row(record, with_id)}


def _row(record: Record, with_id: bool) -> dict[str, Any]:
    values = record.values
    ends = (record.client, record.cport, record.server, record.sport)
    return {
        "ts": whole_seconds(record.time),
        "community_id": flow_id("tcp", *ends) if with_id else None,
        **dict(zip(("src", "sport", "dst", "dport"), ends, strict=True)),
        "mod": record.mod,
        "subject": record.subject,
        "dist": int(values["dist"].lstrip("<= ")) if "dist" in values else None,
        "raw_freq": float(values["raw_freq"].split()[0]) if "raw_freq" in values else None,
        "raw_mtu": int(values["raw_mtu"]) if "raw_mtu" in values else None,
        "uptime": seconds(values.get("uptime", "")),
        **{name: values.get(name) for name in ("os", "app", "lang", "link", "params", "raw_sig", "reason", "raw_hits")},
    }


def _limit(job: Job, name: str, most: int) -> int:
    value = job.options[name]
    if not value.isdigit() or not 1 <= int(value) <= most:
        raise OptionError(f"FingerprintLoader: {name} is a number from 1 to {most}, not {value!r}")
    return int(value)


MISSING = "no p0f on this machine's path; Debian and others have it as the package p0f"
LOADER = Loader(
    pig="FingerprintLoader",
    answers="one thing that p0f learned of a host: its system, program, distance, MTU or uptime",
    columns=COLUMNS,
    options=OPTIONS,
    split="sensor",
    rows=rows,
)
