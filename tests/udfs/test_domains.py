"""domains: registered domains, labels, punycode."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packetpig.udfs import domains


@pytest.mark.parametrize(
    ("name", "registered", "sub", "suffix"),
    [
        ("www.Example.co.uk", "example.co.uk", "www", "co.uk"),
        ("a.b.example.com.", "example.com", "a.b", "com"),
        ("example.com", "example.com", "", "com"),
        ("me.github.io", "me.github.io", "", "github.io"),
        ("_dmarc.example.com", "example.com", "_dmarc", "com"),
        ("www.bücher.example", "xn--bcher-kva.example", "www", "example"),
        ("www。example。com", "example.com", "www", "com"),
        ("x.city.kawasaki.jp", "city.kawasaki.jp", "x", "kawasaki.jp"),
        ("host.lan", "host.lan", "", "lan"),
        ("co.uk", None, None, "co.uk"),
        ("localhost", None, None, "localhost"),
    ],
)
def test_registered(name: str, registered: str | None, sub: str | None, suffix: str | None) -> None:
    assert domains.registered_domain(name) == registered
    assert domains.subdomain(name) == sub
    assert domains.suffix(name) == suffix


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "a..b", "1.2.3.4", "::1", "a" * 64 + ".com", ".".join(["abc"] * 100), "\ud800.com"],
)
def test_what_is_no_name(name: str) -> None:
    for function in (domains.registered_domain, domains.subdomain, domains.suffix, domains.label_entropy,
                     domains.to_ascii, domains.to_unicode, domains.depth):  # fmt: skip
        assert function(name) is None


def test_entropy() -> None:
    assert domains.label_entropy("aaaa.com") == 0
    assert domains.label_entropy("www.google.com") < 2.5
    assert domains.label_entropy("x.kq3v9z7t1m5w8y2b.com") == 4
    assert domains.label_entropy("com") is None


def test_punycode() -> None:
    assert domains.to_ascii("Bücher.Example") == "xn--bcher-kva.example"
    assert domains.to_unicode("xn--bcher-kva.example") == "bücher.example"
    assert domains.to_ascii("☃.net") == "xn--n3h.net"
    assert domains.to_unicode("xn--n3h.net") == "☃.net"
    for broken in ("xn--.com", "xn--999999999.com", "xn--a.com", "xn--\u00e4.com"):
        assert domains.to_unicode(broken) in (broken, None)
    assert domains.depth("a.b.c") == 3


@given(st.text(max_size=300))
def test_any_text(name: str) -> None:
    for function in (domains.to_unicode, domains.registered_domain, domains.label_entropy):
        function(name)
    found = domains.to_ascii(name)
    assert found is None or (found.isascii() and len(found) < 4 * 300)
