"""What is kept of hellos, of certificates and of QUIC's packets takes about the memory that it is said to."""

from __future__ import annotations

import datetime
import struct
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from packetpig.loaders.protocols import dtls, quic, tls
from packetpig.loaders.protocols.x509 import certificate

EMPTY = 1500  # bytes of a hello whose lists have nothing


def kept(make: Callable[[], Any]) -> tuple[Any, int]:
    """What MAKE gives, and the memory that it takes."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        made = make()
        return made, tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()


def hello(ciphers: bytes = b"", extensions: bytes = b"") -> bytes:
    head = b"\3\3" + bytes(33) + struct.pack(">H", len(ciphers)) + ciphers + b"\1\0"
    return head + struct.pack(">H", len(extensions)) + extensions


def extension(kind: int, data: bytes) -> bytes:
    return struct.pack(">HH", kind, len(data)) + data


def names(one: bytes, count: int) -> bytes:
    many = (bytes([len(one)]) + one) * count
    return extension(tls.ALPN, struct.pack(">H", len(many)) + many)


HELLOS = {
    "ciphers": hello(b"\xc0\x2f" * 32_000),
    "extensions": hello(b"\xc0\x2f", b"".join(extension(0x4000 + at, b"") for at in range(15_000))),
    "groups": hello(b"\xc0\x2f", extension(tls.GROUPS, struct.pack(">H", 60_000) + b"\x12\x34" * 30_000)),
    "short names": hello(b"\xc0\x2f", names(b"ab", 21_000)),
    "empty names": hello(b"\xc0\x2f", names(b"", 60_000)),
    "some names": hello(b"\xc0\x2f", names(b"n" * 200, 150) + names(b"m" * 200, 150)),
}


@pytest.mark.parametrize("what", HELLOS)
def test_a_hello_takes_what_it_says(what: str) -> None:
    tls.client_hello(hello())
    found, taken = kept(lambda: tls.client_hello(HELLOS[what]))
    assert not found.cut
    assert taken <= 1.1 * found.size + EMPTY
    if "names" not in what:
        assert found.size <= len(HELLOS[what]) + tls.NAME


def test_the_old_hello_takes_what_it_says() -> None:
    record = b"\1\3\1" + struct.pack(">HHH", 30_000, 0, 16) + b"\0\x12\x34" * 10_000 + bytes(16)
    found, taken = kept(lambda: tls.old_hello(record))
    assert len(found.ciphers) == 10_000
    assert taken <= 1.1 * found.size + EMPTY


def test_of_a_chain_the_first_is_kept() -> None:
    chain = b"".join(len(one).to_bytes(3, "big") + one for one in (b"own" * 100, b"others" * 20_000, b""))
    found, taken = kept(lambda: tls.certificates(len(chain).to_bytes(3, "big") + chain))
    assert (found.own, found.number) == (b"own" * 100, 3)
    assert taken < 1500


def test_dtls_counts_hellos_and_certificates() -> None:
    session = dtls.Session(0)
    body = HELLOS["ciphers"][:35] + b"\0" + HELLOS["ciphers"][35:]
    session._message(tls.CLIENT_HELLO, body, 0)
    session._message(tls.CERTIFICATE, b"\0\x27\x13\0\x27\x10" + bytes(10_000), 1)
    assert session.size == 64_000 + tls.NAME + 10_000


def test_pieces_of_quic_take_what_they_say() -> None:
    def scattered() -> quic.Crypto:
        crypto = quic.Crypto()
        for at in range(quic.MOST_PIECES):
            crypto.add(300 * at % 60_000 + 1, bytes([at]))
        return crypto

    crypto, taken = kept(scattered)
    assert taken <= crypto.size + 2000


def test_keys_of_quic_are_bytes() -> None:
    """OpenSSL's objects are kilobytes, and there are sessions by the ten thousand."""
    for one in quic.keys(quic.V1, b"target"):
        assert {type(getattr(one, name)) for name in one.__slots__} == {bytes, int}


def test_large_certificates_are_not_remembered() -> None:
    def read() -> None:
        for number in range(50):
            certificate(b"%d" % number + bytes(250_000))

    certificate(b"")
    assert kept(read)[1] < 1_000_000


def test_certificates_that_tell_much_are_not_remembered() -> None:
    """Short ones, whose names are long once they are written out: each character takes four bytes, for one of them."""
    key = ec.generate_private_key(ec.SECP256R1())
    begin = datetime.datetime(2024, 1, 1)

    def made(number: int) -> bytes:
        units = [x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "\1" * 60) for _ in range(90)]
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"\N{PIG}{number}"), *units])
        issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a")])
        one = x509.CertificateBuilder(issuer, name, key.public_key(), number + 1, begin, begin.replace(year=2030))
        return one.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)

    ders = [made(number) for number in range(30)]
    assert max(map(len, ders)) < 8_000

    def read() -> None:
        for der in ders:
            assert certificate(der).subject

    certificate(made(100))
    assert kept(read)[1] < 500_000


def test_ordinary_certificates_are_remembered() -> None:
    ders = [b"%d" % number + bytes(2_000) for number in range(10)]
    found = [certificate(der) for der in ders]
    assert all(certificate(bytes(bytearray(der))) is one for der, one in zip(ders, found, strict=True))
