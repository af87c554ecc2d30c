"""Packets: the decoder against tshark and dpkt, Pig against tshark and awk, filters, cores, many captures, memory."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from packetpig.loaders import load

from tests.bench.case import Case, faster, share
from tests.bench.measure import best, run
from tests.bench.workshop import Workshop
from tests.conftest import ROOT

COLUMNS = "ts,ip_src,ip_dst,sport,dport,ip_proto,length"
FIELDS = (
    "frame.time_epoch ip.src ipv6.src ip.dst ipv6.dst tcp.srcport udp.srcport tcp.dstport udp.dstport ip.proto "
    "ipv6.nxt frame.len"
).split()
PLAIN = "-n -o ip.defragment:FALSE -o ipv6.defragment:FALSE -o tcp.desegment_tcp_streams:FALSE -E occurrence=f".split()
PACKETPIG, PIG = str(ROOT / "bin/packetpig"), str(ROOT / "bin/pig")

DPKT = """
import socket, sys, dpkt
for ts, data in dpkt.pcap.Reader(open(sys.argv[1], "rb")):
    try:
        frame = dpkt.ethernet.Ethernet(data)
        ip = frame.data
        six = isinstance(ip, dpkt.ip6.IP6)
        if not six and not isinstance(ip, dpkt.ip.IP):
            continue
        family = socket.AF_INET6 if six else socket.AF_INET
        row = (ts, socket.inet_ntop(family, ip.src), socket.inet_ntop(family, ip.dst), getattr(ip.data, "sport", None),
               getattr(ip.data, "dport", None), ip.p, len(data))
    except (dpkt.Error, ValueError, IndexError):
        pass
"""
AWK = 'BEGIN { FS = "\\t" } { b = int($1 / 60) * 60; tcp[b] += $2; udp[b] += $3; all[b] += $4 + ($5 ? $5 + 40 : 0) } '
AWK += "END { for (b in all) print b, tcp[b], udp[b], all[b] }"


def pig(script: str, output: Path, *arguments: str) -> list[str]:
    """A command that runs a script into an output, which it removes before."""
    remove = f'rm -rf "{output}"; exec "$@"'
    return ["bash", "-c", remove, "-", PIG, *arguments, "-p", f"output={output}", script]


def cases(workshop: Workshop) -> Iterator[Case]:
    """All cases of packets."""
    big = workshop.warm(workshop.capture(1000))
    output = workshop.folder / "output"

    ours = best([PACKETPIG, "load", "packets", str(big), "--columns", COLUMNS, "--format", "arrow"], 5)
    fields = [part for field in FIELDS for part in ("-e", field)]
    tshark = run(["tshark", "-r", str(big), *PLAIN, "-T", "fields", *fields])
    yield faster(f"load packets, 7 columns, {_count(big):,} packets; peer: tshark", ours, tshark, 80)
    yield faster("the same; peer: a dpkt loop", ours, run([sys.executable, "-c", DPKT, str(big)]), 40)

    start = best([PIG, "-e", f"rows = LOAD '{ROOT}/CHANGELOG.md'; few = LIMIT rows 1; DUMP few;"], 3)
    yield share("Pig's start, in seconds (peer: one second)", start.wall, 1.0, 2.5)
    binning = best(pig(str(ROOT / "pig/packets/binning.pig"), output, "-p", f"pcap={big}"), 3)
    awk = f"tshark -r '{big}' {' '.join(PLAIN)} -T fields -e frame.time_epoch -e tcp.len -e udp.length -e ip.len"
    awk += f" -e ipv6.plen | awk '{AWK}'"
    piped = run(["bash", "-c", awk])
    yield faster("binning.pig, all of it; peer: tshark piped into awk", binning, piped, 15)
    plain = str(ROOT / "pig/packets/histogram.pig")
    rows = best(pig(plain, output, "-p", f"pcap={big}"), 2)
    yield faster("histogram.pig, each packet a row in Pig; the same peer", rows, piped, 0)

    port = _rare_port(big)
    count = "counted = GROUP few ALL; sums = FOREACH counted GENERATE COUNT(few), SUM(few.length), SUM(few.ip_ttl); "
    count += "STORE sums INTO '$output';"
    load_all = f"packets = LOAD '{big}' USING PacketLoader(); "
    scripts = {}
    for name, where in (("one", f"tcp_dport == {port}"), ("all", "length >= 0")):
        scripts[name] = workshop.folder / f"{name}.pig"
        scripts[name].write_text(f"{load_all} few = FILTER packets BY {where}; {count}")
    one = best(pig(str(scripts["one"]), output), 3).wall - start.wall
    everything = best(pig(str(scripts["all"]), output), 3).wall - start.wall
    yield share("a filter that keeps 1%; peer: one that keeps all", one, everything, 0.35)

    start_of = {cores: best([PIG, "-e", "x = LOAD '/dev/null'; DUMP x;"], 3, cores).wall for cores in ("0", "0,1")}
    for what, script, arguments in (
        ("histogram.pig", plain, ("-p", f"pcap={big}")),
        ("sums over all packets in Pig", str(scripts["all"]), ()),
    ):
        took = {cores: best(pig(script, output, *arguments), 3, cores).wall - start_of[cores] for cores in start_of}
        ratio = took["0"] / took["0,1"]
        yield Case(
            f"{what} on two cores; peer: on one", f"{took['0,1']:.2f} s", f"{took['0']:.2f} s", ratio, "at least 1.7",
            ratio >= 1.7,
        )  # fmt: skip

    many = workshop.pieces(1000, 10_000)
    small = best(pig(str(ROOT / "pig/packets/binning.pig"), output, "-p", f"pcap={many}"), 2)
    yield share("binning.pig, 10,000 captures of 100 KB; peer: one of 1 GB", small.wall, binning.wall, 1.5)
    shutil.rmtree(output, ignore_errors=True)

    memory = {}
    for size in (100, 2000):
        capture = str(workshop.warm(workshop.capture(size)))
        command = [PACKETPIG, "load", "packets", capture, "--columns", COLUMNS, "--format", "arrow"]
        memory[size] = run(command, only="packetpig").anonymous / 1e6
    yield share("anonymous memory for 2 GB; peer: for 100 MB", memory[2000], memory[100], 1.1, "MB", 0.9)
    yield share("anonymous memory for 2 GB; peer: 1 MB", memory[2000], 1, 250, "MB")


def _count(capture: Path) -> int:
    return sum(batch.num_rows for batch in load("packets", str(capture), []))


def _rare_port(capture: Path) -> int:
    """A destination port that one packet in a hundred goes to, about."""
    ports = load("packets", str(capture), ["tcp_dport"]).read_all()["tcp_dport"].value_counts()
    total = sum(one["counts"].as_py() for one in ports)
    port = min(ports, key=lambda one: abs(one["counts"].as_py() / total - 0.01))
    return int(port["values"].as_py())
