"""TLS: hellos, certificate messages and alerts, from handshake bytes to values.

Sources: RFC 8446 (TLS 1.3), 5246 (1.2), 6066 (SNI), 7301 (ALPN), 8422 (groups, point formats), 9147 and 6347 (DTLS),
the SSL 2.0 draft (its hello); IANA's registry of parameters.
"""

from __future__ import annotations

import functools
import sys
from array import array
from collections.abc import MutableSequence, Sequence
from dataclasses import dataclass, field

CLIENT_HELLO, SERVER_HELLO, CERTIFICATE = 1, 2, 11
SNI, GROUPS, FORMATS, ALGORITHMS, ALPN, PRE_SHARED_KEY, VERSIONS = 0, 10, 11, 13, 16, 41, 43
RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")  # RFC 8446, 4.1.3
MOST_CERTIFICATES = 32  # of a chain
NAME = 42  # bytes that a name takes beside its own: an object, and a place in a list
MORE_VERSIONS = {0x0002: "SSLv2", 0x0300: "SSLv3", 0xFEFF: "DTLSv1.0", 0xFEFD: "DTLSv1.2", 0xFEFC: "DTLSv1.3"}
ALERTS = {
    0: "close_notify", 10: "unexpected_message", 20: "bad_record_mac", 21: "decryption_failed", 22: "record_overflow",
    30: "decompression_failure", 40: "handshake_failure", 41: "no_certificate", 42: "bad_certificate",
    43: "unsupported_certificate", 44: "certificate_revoked", 45: "certificate_expired", 46: "certificate_unknown",
    47: "illegal_parameter", 48: "unknown_ca", 49: "access_denied", 50: "decode_error", 51: "decrypt_error",
    60: "export_restriction", 70: "protocol_version", 71: "insufficient_security", 80: "internal_error",
    86: "inappropriate_fallback", 90: "user_canceled", 100: "no_renegotiation", 109: "missing_extension",
    110: "unsupported_extension", 111: "certificate_unobtainable", 112: "unrecognized_name",
    113: "bad_certificate_status_response", 114: "bad_certificate_hash_value", 115: "unknown_psk_identity",
    116: "certificate_required", 120: "no_application_protocol", 121: "ech_required",
}  # fmt: skip
# what dpkt's table of cipher suites does not have, or has under a name that is not the registry's
MORE_CIPHERS = {
    0x00C6: "TLS_SM4_GCM_SM3", 0x00C7: "TLS_SM4_CCM_SM3", 0x00FF: "TLS_EMPTY_RENEGOTIATION_INFO_SCSV",
    0x5600: "TLS_FALLBACK_SCSV", 0xC070: "TLS_ECDHE_PSK_WITH_ARIA_128_CBC_SHA256",
    0xC071: "TLS_ECDHE_PSK_WITH_ARIA_256_CBC_SHA384", 0xC0AA: "TLS_PSK_DHE_WITH_AES_128_CCM_8",
    0xC0AB: "TLS_PSK_DHE_WITH_AES_256_CCM_8", 0xC0B0: "TLS_ECCPWD_WITH_AES_128_GCM_SHA256",
    0xC0B1: "TLS_ECCPWD_WITH_AES_256_GCM_SHA384", 0xC0B2: "TLS_ECCPWD_WITH_AES_128_CCM_SHA256",
    0xC0B3: "TLS_ECCPWD_WITH_AES_256_CCM_SHA384", 0xC0B4: "TLS_SHA256_SHA256", 0xC0B5: "TLS_SHA384_SHA384",
    0xC100: "TLS_GOSTR341112_256_WITH_KUZNYECHIK_CTR_OMAC", 0xC101: "TLS_GOSTR341112_256_WITH_MAGMA_CTR_OMAC",
    0xC102: "TLS_GOSTR341112_256_WITH_28147_CNT_IMIT", 0xC103: "TLS_GOSTR341112_256_WITH_KUZNYECHIK_MGM_L",
    0xC104: "TLS_GOSTR341112_256_WITH_MAGMA_MGM_L", 0xC105: "TLS_GOSTR341112_256_WITH_KUZNYECHIK_MGM_S",
    0xC106: "TLS_GOSTR341112_256_WITH_MAGMA_MGM_S", 0xD001: "TLS_ECDHE_PSK_WITH_AES_128_GCM_SHA256",
    0xD002: "TLS_ECDHE_PSK_WITH_AES_256_GCM_SHA384", 0xD003: "TLS_ECDHE_PSK_WITH_AES_128_CCM_8_SHA256",
    0xD005: "TLS_ECDHE_PSK_WITH_AES_128_CCM_SHA256",
}  # fmt: skip


@dataclass(slots=True)
class Hello:
    """A hello of either side. `version`: that of the message. `cut`: it ends within itself; what is there is right.

    `ciphers`: offered, or the one that was chosen. `versions`, `alpn`: likewise, by extension. `size`: about the bytes
    that these lists keep, which are as long as the message likes.
    """

    version: int
    retry: bool = False
    ciphers: Sequence[int] = ()
    extensions: MutableSequence[int] = field(default_factory=lambda: array("H"))
    sni: bytes | None = None
    alpn: list[bytes] = field(default_factory=list)
    groups: Sequence[int] = ()
    formats: Sequence[int] = ()
    algorithms: Sequence[int] = ()
    versions: Sequence[int] = ()
    cut: bool = False
    size: int = 0

    @property
    def chosen_version(self) -> int:
        """Of a server's hello the version that is spoken from there on."""
        return self.versions[0] if self.versions else self.version


@dataclass(frozen=True, slots=True)
class Chain:
    """The certificates that a side sends: its own, as DER bytes, and how many there are."""

    own: bytes = b""
    number: int = 0


NO_CHAIN = Chain()


class Cut(Exception):  # noqa: N818 - a state of the message, no fault of the program
    """The message ends within what was asked for."""


class Bytes:
    """Reads numbers and vectors one after the other; raises Cut."""

    def __init__(self, data: bytes, at: int = 0) -> None:
        self.data, self.at = data, at

    def take(self, size: int) -> bytes:
        """The next SIZE bytes."""
        end = self.at + size
        if end > len(self.data):
            raise Cut
        part = self.data[self.at : end]
        self.at = end
        return part

    def number(self, size: int) -> int:
        """The next number, of SIZE bytes."""
        return int.from_bytes(self.take(size), "big")

    def vector(self, size: int) -> bytes:
        """What follows its own length, which has SIZE bytes."""
        return self.take(self.number(size))

    @property
    def more(self) -> bool:
        """Whether there is anything left."""
        return self.at < len(self.data)


def numbers(data: bytes) -> array[int]:
    """Numbers of 16 bits, which take no more memory than DATA; an odd byte at the end is none."""
    found = array("H", data[: len(data) & ~1])
    if sys.byteorder == "little":
        found.byteswap()
    return found


def grease(value: int) -> bool:
    """Whether it is one of RFC 8701's."""
    return value & 0x0F0F == 0x0A0A and value >> 8 == value & 0xFF


def client_hello(body: bytes, datagrams: bool = False) -> Hello:
    """A ClientHello; with DATAGRAMS, that of DTLS, which has a cookie."""
    return _hello(body, True, datagrams)


def server_hello(body: bytes) -> Hello:
    """A ServerHello, or a HelloRetryRequest."""
    return _hello(body, False, False)


def _hello(body: bytes, client: bool, datagrams: bool) -> Hello:
    rest = Bytes(body)
    hello = Hello(0)
    try:
        hello.version = rest.number(2)
        hello.retry = rest.take(32) == RETRY
        rest.vector(1)  # session id
        if client:
            if datagrams:
                rest.vector(1)
            hello.ciphers = numbers(rest.vector(2))
            rest.vector(1)
        else:
            hello.ciphers = (rest.number(2),)
            rest.number(1)
        if rest.more:
            size = rest.number(2)
            hello.cut = size > len(body) - rest.at
            extensions = Bytes(rest.data[: rest.at + size], rest.at)
            while extensions.more:
                kind = extensions.number(2)
                data = extensions.vector(2)
                hello.extensions.append(kind)
                _extension(hello, kind, data, client)
    except Cut:
        hello.cut = True
    hello.size = _size(hello)
    return hello


def _size(hello: Hello) -> int:
    lists = (hello.ciphers, hello.extensions, hello.groups, hello.algorithms, hello.versions)
    names = sum(NAME + len(one) for one in (hello.sni or b"", *hello.alpn))
    return 2 * sum(map(len, lists)) + len(hello.formats) + names


def _extension(hello: Hello, kind: int, data: bytes, client: bool) -> None:
    """Note what an extension says; one that is malformed says nothing."""
    rest = Bytes(data)
    try:
        if kind == SNI and client:
            names = Bytes(rest.vector(2))
            while names.more and hello.sni is None:
                of_host, name = names.number(1) == 0, names.vector(2)
                if of_host:
                    hello.sni = name
        elif kind == ALPN:
            names = Bytes(rest.vector(2))
            while names.more:
                hello.alpn.append(names.vector(1))
        elif kind == VERSIONS:
            hello.versions = numbers(rest.vector(1)) if client else (rest.number(2),)
        elif kind == GROUPS and client:
            hello.groups = numbers(rest.vector(2))
        elif kind == FORMATS and client:
            hello.formats = rest.vector(1)
        elif kind == ALGORITHMS and client:
            hello.algorithms = numbers(rest.vector(2))
    except Cut:
        pass


def old_hello(record: bytes) -> Hello:
    """The hello of SSL 2.0, with which old clients begin later versions too: without the two bytes of its length."""
    rest = Bytes(record, 1)
    hello = Hello(0)
    try:
        hello.version = rest.number(2)
        size = rest.number(2)
        rest.take(4)
        kinds = rest.take(size)
        three = (kinds[at : at + 3] for at in range(0, len(kinds) - 2, 3))
        hello.ciphers = array("H", (int.from_bytes(one, "big") for one in three if not one[0]))  # others: SSL 2.0's own
    except Cut:
        hello.cut = True
    hello.size = _size(hello)
    return hello


def certificates(body: bytes) -> Chain:
    """Those of a Certificate message of TLS up to 1.2, the subject's own first."""
    own, number = b"", 0
    try:
        chain = Bytes(Bytes(body).vector(3))
        while chain.more and number < MOST_CERTIFICATES:
            one = chain.vector(3)
            own = own if number else one
            number += 1
    except Cut:
        pass
    return Chain(own, number)


@functools.cache
def version_name(version: int) -> str:
    """TLSv1.3, DTLSv1.2, …"""
    if version in MORE_VERSIONS:
        return MORE_VERSIONS[version]
    return f"TLSv1.{version - 0x0301}" if 0x0301 <= version <= 0x0304 else f"0x{version:04X}"


@functools.cache
def cipher_name(code: int) -> str:
    """The registry's name of a cipher suite."""
    from dpkt.ssl_ciphersuites import BY_CODE  # dpkt takes a while to import

    if code in MORE_CIPHERS:
        return MORE_CIPHERS[code]
    name = BY_CODE[code].name if code in BY_CODE else ""
    return str(name) if name.startswith("TLS_") else f"0x{code:04X}"


def alert_name(code: int) -> str:
    """The registry's name of an alert."""
    return ALERTS.get(code, str(code))


def text(data: bytes) -> str:
    """Bytes that should be ASCII; others, and the backslash, as \\xNN."""
    return "".join(chr(byte) if 32 <= byte < 127 and byte != 92 else f"\\x{byte:02x}" for byte in data)
