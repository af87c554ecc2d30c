"""TLS: the loader against tshark with the same fields."""

from __future__ import annotations

from collections.abc import Iterator

from tests.bench.case import Case
from tests.bench.protocols import beside_tshark, fields
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
    yield from beside_tshark(workshop, "tls", COLUMNS, fields("tls.handshake", FIELDS), "-Y tls")
