"""DNS: the loader against tshark with the same fields."""

from __future__ import annotations

from collections.abc import Iterator

from tests.bench.case import Case
from tests.bench.protocols import beside_tshark, fields
from tests.bench.workshop import Workshop

COLUMNS = "ts,src,sport,dst,dport,id,kind,rcode,section,name,type,class,ttl,data"
FIELDS = (
    "frame.time_epoch ip.src ipv6.src ip.dst ipv6.dst udp.srcport udp.dstport dns.id dns.flags.response "
    "dns.flags.rcode dns.qry.name dns.qry.type dns.qry.class dns.resp.name dns.resp.type dns.resp.class dns.resp.ttl "
    "dns.a dns.aaaa dns.cname dns.ns dns.ptr.domain_name dns.mx.mail_exchange dns.txt dns.soa.mname dns.srv.target"
).split()


def cases(workshop: Workshop) -> Iterator[Case]:
    """All cases of DNS."""
    yield from beside_tshark(workshop, "dns", COLUMNS, fields("dns", FIELDS), "-Y dns")
