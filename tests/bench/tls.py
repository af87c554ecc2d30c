"""TLS: the loader against tshark with the same fields."""

from __future__ import annotations

from collections.abc import Iterator

from tests.bench.case import Case, faster, share
from tests.bench.dns import command
from tests.bench.measure import best, run
from tests.bench.workshop import Workshop

COLUMNS = "ts,src,sport,dst,dport,version,sni,cipher,ja3,ja3s,ja4,subject,issuer,not_before,not_after,cert_sha256"
FIELDS = (
    "frame.time_epoch ip.src ipv6.src ip.dst ipv6.dst tcp.srcport tcp.dstport tls.handshake.type "
    "tls.handshake.extensions_server_name tls.handshake.version tls.handshake.extensions.supported_version "
    "tls.handshake.ciphersuite tls.handshake.ja3 tls.handshake.ja3s x509sat.printableString x509sat.uTF8String "
    "x509af.utcTime tls.handshake.certificate"
).split()


def cases(workshop: Workshop) -> Iterator[Case]:
    """All cases of TLS."""
    big = str(workshop.warm(workshop.capture(1000)))
    ours = best(command("tls", big, COLUMNS), 3, cores="0")
    fields = [part for field in FIELDS for part in ("-e", field)]
    tshark = run(["taskset", "-c", "0", "tshark", "-n", "-r", big, "-Y", "tls.handshake", "-T", "fields", *fields])
    yield faster("load tls, 16 columns, 1 GB, one core; peer: tshark -Y tls", ours, tshark, 15)
    memory = [run(command("tls", str(workshop.capture(size)), COLUMNS)).anonymous / 1e6 for size in (100, 2000)]
    yield share("its memory, 2 GB beside 100 MB", memory[1], memory[0], 1.2, "MB", 0.8)
    yield share("its memory for 2 GB; peer: 1 MB", memory[1], 1, 600, "MB")
