"""Certificates: what is no certificate, and names that are to deceive."""

from __future__ import annotations

import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from packetpig.loaders.protocols.x509 import certificate


def test_control_characters_and_addresses() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, "a\tb\n,c"), x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Süd")]
    )
    begin = datetime.datetime(1949, 1, 1, tzinfo=datetime.UTC)
    made = x509.CertificateBuilder(
        subject, subject, key.public_key(), 1, datetime.datetime(1950, 1, 1), begin.replace(year=9999)
    )
    found = certificate(made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER))
    assert found.subject == "O=Süd,CN=a\\09b\\0A\\,c"
    assert (found.not_before, found.not_after) == (-631152000.0, 253370764800.0)
    assert found.names is None


def test_what_is_none() -> None:
    found = certificate(b"\x30\x03\x02\x01\x01")
    assert (found.read, found.subject, found.not_after, len(found.sha256)) == (False, None, None, 64)
