"""DNS: the loader against tshark with the same fields."""

from __future__ import annotations

from collections.abc import Iterator

from tests.bench.case import Case, faster, share
from tests.bench.measure import best, run
from tests.bench.workshop import Workshop
from tests.conftest import ROOT

PACKETPIG = str(ROOT / "bin/packetpig")
COLUMNS = "ts,src,sport,dst,dport,id,kind,rcode,section,name,type,class,ttl,data"
FIELDS = (
    "frame.time_epoch ip.src ipv6.src ip.dst ipv6.dst udp.srcport udp.dstport dns.id dns.flags.response "
    "dns.flags.rcode dns.qry.name dns.qry.type dns.qry.class dns.resp.name dns.resp.type dns.resp.class dns.resp.ttl "
    "dns.a dns.aaaa dns.cname dns.ns dns.ptr.domain_name dns.mx.mail_exchange dns.txt dns.soa.mname dns.srv.target"
).split()


def command(kind: str, capture: str, columns: str) -> list[str]:
    """A command that loads a kind into nothing."""
    return [
        PACKETPIG,
        "load",
        kind,
        capture,
        "--columns",
        columns,
        "--format",
        "arrow",
        "--output",
        "/dev/null",
        "--force",
    ]


def cases(workshop: Workshop) -> Iterator[Case]:
    """All cases of DNS."""
    big = str(workshop.warm(workshop.capture(1000)))
    ours = best(command("dns", big, COLUMNS), 3, cores="0")
    fields = [part for field in FIELDS for part in ("-e", field)]
    tshark = run(["taskset", "-c", "0", "tshark", "-n", "-r", big, "-Y", "dns", "-T", "fields", *fields])
    yield faster("load dns, 14 columns, 1 GB, one core; peer: tshark -Y dns", ours, tshark, 15)
    memory = [run(command("dns", str(workshop.capture(size)), COLUMNS)).anonymous / 1e6 for size in (100, 2000)]
    yield share("its memory, 2 GB beside 100 MB", memory[1], memory[0], 1.2, "MB", 0.8)
    yield share("its memory for 2 GB; peer: 1 MB", memory[1], 1, 600, "MB")
