"""The rows of alerts, whichever engine gives them, and what makes a loader of an IDS engine."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pyarrow as pa
from packetpig.loaders.contract.columns import COMMON, Column, integer, long, text
from packetpig.loaders.contract.loader import Job, Loader, Option, OptionError
from packetpig.loaders.contract.rows import batched
from packetpig.loaders.contract.times import TIMES, window
from packetpig.loaders.engines.detection import HOME, Alert, Setup, by_sensor, detect
from packetpig.loaders.engines.difference import fresh, replaced
from packetpig.loaders.engines.folders import work_folder
from packetpig.loaders.engines.rules import Rules
from packetpig.udfs import net

COLUMNS: tuple[Column, ...] = (
    *COMMON,
    text("community_id", "Community ID v1 of the flow; null where the engine says too little", repeated=True),
    text("proto", "tcp, udp, icmp, icmp6, sctp, or the protocol's number or name", repeated=True),
    text("src", "address that the packet came from, as the engine has it", repeated=True),
    integer("sport", "its port; null where there is none"),
    text("dst", "address that it went to", repeated=True),
    integer("dport", "its port"),
    text("client", "of the two the side that opened the session; null where the engine knows none", repeated=True),
    text("engine", "snort3, snort2, suricata", repeated=True),
    integer("gid", "generator: 1 is rules, others are the engine's own modules"),
    long("sid", "number of the rule"),
    integer("rev", "revision of the rule"),
    integer("priority", "1 is worst"),
    text("classification", "class of the rule, by its short name", repeated=True),
    text("message", "what the rule says", repeated=True),
)
MOST_LANES = 256
WARM, MOST_WARM = 300, 86400  # seconds
OPTIONS = (
    Option("rules", "a file or a folder of rules, or several with commas; Packetpig's own without it"),
    Option("since", "older rules, as rules=: only what is new or changed since is run, with what that depends on"),
    Option("until", "newer rules: only those are run that these have in another form"),
    Option("conf", "the engine's configuration; without it one for archives, and with it what archives need on top"),
    Option("home", "networks that are ours, with commas: HOME_NET", HOME),
    Option("external", "the others: EXTERNAL_NET; any, !home, or networks with commas", "any"),
    Option("binary", "path of the engine's program, where it is not on the path"),
    Option(
        "parallel",
        "flows:N runs N engines side by side, each with the packets of its share of pairs of hosts; windows:N, each "
        "with a part of the time, and warm seconds before it",
    ),
    Option("warm", "with parallel=windows:N, seconds before a window that its engine is given first", str(WARM)),
    *TIMES,
)
ICMP = ("icmp", "icmp6", "1", "58")


def loader(pig: str, engine: str, answers: str) -> Loader:
    """The loader of an IDS engine: its name in Pig, and the engine that it runs without another wish."""
    choice = Option(
        "engine", "which engine: auto takes what is installed, Snort first", engine, ("auto", "snort", "suricata")
    )
    return Loader(pig=pig, answers=answers, columns=COLUMNS, options=(choice, *OPTIONS), split="sensor", rows=rows)


def setup(options: Any) -> Setup:
    """What the loader's options say."""
    if options["since"] and options["until"]:
        raise OptionError("since and until are not given both")
    kind, _, number = (options["parallel"] or "flows:1").partition(":")
    if kind not in ("flows", "windows") or not number.isdigit() or not 1 <= int(number) <= MOST_LANES:
        raise OptionError(
            f"parallel is flows:N or windows:N, with N from 1 to {MOST_LANES}, not {options['parallel']!r}"
        )
    warm = options["warm"]
    if not warm.isdigit() or int(warm) > MOST_WARM:
        raise OptionError(f"warm is a number of seconds up to {MOST_WARM}, not {warm!r}")
    return Setup(
        rules=Rules.of(options["rules"]),
        conf=options["conf"],
        home=options["home"],
        external=options["external"],
        binary=options["binary"],
        lanes=int(number) if kind == "flows" else 1,
        windows=int(number) if kind == "windows" else 1,
        warm=int(warm) * 10**9,
    )


def rows(job: Job) -> Iterator[pa.RecordBatch]:
    """Batches of alerts, of one sensor after the other."""
    yield from batched(job, COLUMNS, _rows(job))


def _rows(job: Job) -> Iterator[dict[str, Any]]:
    with work_folder() as folder:
        chosen = setup(job.options)
        for name, part in (("since", fresh), ("until", replaced)):
            if job.options[name]:
                found = part(*_old_and_new(name, job), folder)
                job.report.count("rules new or changed" if name == "since" else "rules as they were", len(found.asked))
                job.report.count("rules that these depend on", found.needed)
                chosen = replace(chosen, rules=found.rules, asked=found.asked)
        if chosen.asked is None or chosen.asked:
            yield from _alerts(job, chosen)


def _old_and_new(name: str, job: Job) -> tuple[Rules, Rules]:
    ours, others = (Rules.of(job.options[one]) for one in ("rules", name))
    return (others, ours) if name == "since" else (ours, others)


def _alerts(job: Job, chosen: Setup) -> Iterator[dict[str, Any]]:
    with_id, times = "community_id" in job.columns, window(job.options)
    for sensor, captures in by_sensor(job.captures).items():
        for alert in detect(captures, job.options["engine"], chosen, job.report, job.on_error, times):
            job.report.count("alerts")
            if alert.capture < 0:
                job.report.count("alerts whose packet is not known")
            yield {
                "sensor": sensor,
                "capture": captures[alert.capture].capture if alert.capture >= 0 else None,
                "ts": seconds(alert.time),
                "community_id": community_id(alert) if with_id else None,
                "proto": alert.proto,
                "src": alert.src,
                "sport": alert.sport,
                "dst": alert.dst,
                "dport": alert.dport,
                "client": None if alert.opener is None else alert.src if alert.opener else alert.dst,
                "engine": alert.engine,
                "gid": alert.gid,
                "sid": alert.sid,
                "rev": alert.rev,
                "priority": alert.priority,
                "classification": alert.classification,
                "message": alert.message,
            }


def seconds(time: int) -> float:
    """Nanoseconds as the seconds that the columns ts of packets have."""
    whole, part = divmod(time, 1_000_000_000)
    return whole + part / 1e9


def community_id(alert: Alert) -> str | None:
    """Community ID of an alert's flow; None where the engine says too little."""
    if alert.proto == "0" or not alert.src or not alert.dst:
        return None
    ends = (alert.kind, alert.code) if alert.proto in ICMP else (alert.sport, alert.dport)
    return flow_id(alert.proto, alert.src, ends[0], alert.dst, ends[1])


@functools.lru_cache(1 << 14)
def flow_id(proto: str, src: str, sport: int | None, dst: str, dport: int | None) -> str | None:
    """Community ID v1, seed 0; of ICMP SPORT and DPORT are type and code."""
    found: str | None = net.community_id(src, sport, dst, dport, proto)
    return found
