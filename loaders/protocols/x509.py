"""Certificates: who, by whom, from when to when (RFC 5280), with names as RFC 4514 writes them."""

from __future__ import annotations

import functools
import hashlib
import re
import sys
from dataclasses import dataclass
from datetime import datetime

REMEMBERED = 4096  # certificates
LONGEST = 16 << 10  # bytes of one that is remembered, and of what is told of it
_KNOWN: dict[bytes, Certificate] = {}


@dataclass(frozen=True, slots=True)
class Certificate:
    """What is told of a certificate; what its bytes do not say in a form that can be read is None. Times: seconds."""

    sha256: str
    subject: str | None = None
    issuer: str | None = None
    not_before: float | None = None
    not_after: float | None = None
    names: str | None = None
    read: bool = True

    @property
    def size(self) -> int:
        """About the bytes that it keeps."""
        return sum(sys.getsizeof(one) for one in (self.sha256, self.subject, self.issuer, self.names))


@functools.lru_cache(maxsize=2)  # a row asks for each of its columns, however long its certificates are
def certificate(der: bytes) -> Certificate:
    """A certificate from its DER bytes; `read` is false where they are none."""
    known = _KNOWN.get(der)
    if known is None:
        known = _read(der)
        if len(der) + known.size <= LONGEST:
            while len(_KNOWN) >= REMEMBERED:
                del _KNOWN[next(iter(_KNOWN))]
            _KNOWN[der] = known
    return known


def _read(der: bytes) -> Certificate:
    from cryptography import x509

    digest = hashlib.sha256(der).hexdigest()
    try:
        found = x509.load_der_x509_certificate(der)
    except ValueError:
        return Certificate(digest, read=False)
    values: list[str | float | None] = []
    for get in (
        lambda: _printable(found.subject.rfc4514_string()),
        lambda: _printable(found.issuer.rfc4514_string()),
        lambda: _seconds(found.not_valid_before_utc),
        lambda: _seconds(found.not_valid_after_utc),
        lambda: _names(found),
    ):
        try:
            values.append(get())
        except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):  # strict parsing, lazily done
            values.append(None)
    return Certificate(digest, *values)  # type: ignore[arg-type]


def _printable(name: str) -> str | None:
    """A name whose control characters are written as RFC 4514 allows: a backslash and two digits."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f]", lambda found: f"\\{ord(found[0]):02X}", name) or None


def _seconds(time: datetime) -> float:
    return time.timestamp()


def _names(found: object) -> str | None:
    """Names and addresses that it is for, besides the subject."""
    from cryptography import x509

    try:
        extension = found.extensions.get_extension_for_class(x509.SubjectAlternativeName)  # type: ignore[attr-defined]
    except x509.ExtensionNotFound:
        return None
    names = [str(one.value) for one in extension.value if isinstance(one, x509.DNSName | x509.IPAddress)]
    return _printable(",".join(names))
