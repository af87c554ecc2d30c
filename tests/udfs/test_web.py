"""web: user agents and URLs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packetpig.udfs import web

FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0"
PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.1 Mobile/15E148 Safari/604.1"
)
CRAWLER = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


def test_user_agents() -> None:
    assert web.agent(FIREFOX) == ("Firefox 128.0", "Windows 10", None)
    assert web.agent(PHONE) == ("Mobile Safari 17.1", "iOS 17.1", "iPhone")
    assert web.browser("curl/7.88.1") == "curl 7.88"
    assert web.device(CRAWLER) == "Spider"
    assert web.system(PHONE.encode()) == "iOS 17.1"
    assert web.agent("") == web.agent("?") == web.agent("\ud800") == (None, None, None)
    assert web.browser(FIREFOX + "x" * 1_000_000) == "Firefox 128.0"


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("HTTP://u:p@Ex.com:8080/a/b?x=1#f", ("http", "u:p", "ex.com", 8080, "/a/b", "x=1", "f")),
        ("https://example.com", ("https", None, "example.com", 443, "", None, None)),
        ("//h/p", (None, None, "h", None, "/p", None, None)),
        ("/a?b?c", (None, None, None, None, "/a", "b?c", None)),
        ("http://[2001:DB8::1]:99/", ("http", None, "2001:db8::1", 99, "/", None, None)),
        ("http://h:99999/", ("http", None, "h", None, "/", None, None)),
        ("http://h:x/", ("http", None, "h", None, "/", None, None)),
        ("mailto:a@b", ("mailto", None, None, None, "a@b", None, None)),
        ("http://[::1", ("http", None, "::1", 80, "", None, None)),
        ("", (None, None, None, None, "", None, None)),
    ],
)
def test_urls(url: str, parts: tuple) -> None:
    assert web.url(url) == parts
    assert web.host(url) == parts[2]


def test_extensions_and_parameters() -> None:
    assert web.extension("http://h/a.b/Setup.EXE?x=.php") == "exe"
    assert web.extension("/.htaccess") is web.extension("/a/") is web.extension("/a.tar gz") is None
    assert web.parameters("/a?x=1&y=%20+ä&z&&=&x=%ff") == [
        ("x", "1"), ("y", "  ä"), ("z", None), ("", ""), ("x", "�"),
    ]  # fmt: skip
    assert web.parameters("/a") is None
    assert web.parameters("/a?") == []
    assert len(web.parameters("/?" + "a=1&" * 10_000)) == 1000
    assert web.decode("a%20b%zz%e4") == "a b%zz�"


@given(st.text(max_size=200))
def test_any_text(value: str) -> None:
    for function in (web.url, web.host, web.extension, web.parameters, web.decode, web.agent):
        function(value)
        function("http://" + value)
