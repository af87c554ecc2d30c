"""Fingerprints of TLS hellos: JA3 and JA3S (Salesforce), JA4 (FoxIO, technical_details/JA4.md). GREASE never counts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from packetpig.loaders.protocols.tls import ALPN, SNI, Hello, grease

JA4_VERSIONS = {
    0x0304: "13", 0x0303: "12", 0x0302: "11", 0x0301: "10", 0x0300: "s3", 0x0002: "s2",
    0xFEFF: "d1", 0xFEFD: "d2", 0xFEFC: "d3",
}  # fmt: skip
NONE = "0" * 12


def ja3_text(hello: Hello) -> str:
    """What JA3 is the digest of: version, ciphers, extensions, groups, point formats."""
    lists = (hello.ciphers, hello.extensions, hello.groups, hello.formats)
    return ",".join([str(hello.version), *("-".join(str(one) for one in _plain(values)) for values in lists)])


def ja3s_text(hello: Hello) -> str:
    """The same of a server: version, cipher, extensions."""
    return f"{hello.version},{hello.ciphers[0]},{'-'.join(map(str, hello.extensions))}"


def md5(text: str) -> str:
    """The digest that JA3 uses."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def ja4(hello: Hello, transport: str) -> str:
    """JA4 of a client's hello. TRANSPORT: t for TCP, q for QUIC, d for DTLS."""
    ciphers, extensions = list(_plain(hello.ciphers)), list(_plain(hello.extensions))
    if transport == "d":  # versions of DTLS count down
        version = min(_plain(hello.versions), default=hello.version)
    else:
        version = max(_plain(hello.versions), default=hello.version)
    head = f"{transport}{JA4_VERSIONS.get(version, '00')}{'d' if SNI in extensions else 'i'}"
    head += f"{min(len(ciphers), 99):02}{min(len(extensions), 99):02}{_alpn(hello.alpn)}"
    sorted_extensions = ",".join(sorted(f"{one:04x}" for one in extensions if one not in (SNI, ALPN)))
    algorithms = ",".join(f"{one:04x}" for one in _plain(hello.algorithms))
    last = f"{sorted_extensions}_{algorithms}" if algorithms else sorted_extensions
    return f"{head}_{_short(','.join(sorted(f'{one:04x}' for one in ciphers)))}_{_short(last)}"


def _plain(values: Iterable[int]) -> Iterable[int]:
    return (one for one in values if not grease(one))


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12] if text else NONE


def _alpn(names: list[bytes]) -> str:
    """First and last character of the first name; of its hexadecimal digits where one of the two is none of ASCII's."""
    if not names or not names[0]:
        return "00"
    first, last = names[0][:1], names[0][-1:]
    if (first + last).isalnum():  # of bytes: ASCII only
        return (first + last).decode()
    return first.hex()[0] + last.hex()[1]
