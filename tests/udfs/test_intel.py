"""intel: lists in three formats, and what matches them."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from packetpig.udfs import intel
from packetpig.udfs._indicators import Indicators, entries, read, url_key

MD5, SHA1, SHA256 = "d41d8cd98f00b204e9800998ecf8427e", "da39a3ee5e6b4b0d3255bfef95601890afd80709", "e3" * 32
JA4 = "t13d1516h2_8daaf6152771_b186095e22b6"
PLAIN = f"""\ufeff# a list
; of things
203.0.113.9
198.51.100.0/24   # documentation
198.51.100.128/25
2001:DB8:bad::/48
bad.example
*.wild.example
0.0.0.0 from.hosts.file.example
hxxps://evil[.]example/a/b?c=D#fragment
files.example/dropper.exe
{MD5}
{SHA1.upper()}
{SHA256}
{JA4}
192.0.2.7/32
a word
"""


@pytest.fixture
def plain(tmp_path: Path) -> str:
    path = tmp_path / "plain.txt"
    path.write_text(PLAIN, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("value", "indicator"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("203.0.113.10", None),
        ("198.51.100.7", "198.51.100.0/24"),
        ("198.51.100.200", "198.51.100.128/25"),
        ("192.0.2.7", "192.0.2.7/32"),
        ("2001:db8:bad:1::2", "2001:DB8:bad::/48"),
        ("bad.example", "bad.example"),
        ("A.b.BAD.example.", "bad.example"),
        ("notbad.example", None),
        ("x.wild.example", "*.wild.example"),
        ("from.hosts.file.example", "from.hosts.file.example"),
        ("https://EVIL.example/a/b?c=D", "https://evil.example/a/b?c=D"),
        ("evil.example:443/a/b?c=D", None),
        ("https://evil.example:443/a/b?c=D", "https://evil.example/a/b?c=D"),
        ("https://evil.example/a/b?c=d", None),
        ("evil.example", None),
        ("http://u@files.example:80/dropper.exe", "files.example/dropper.exe"),
        ("http://www.bad.example/anything", "bad.example"),
        ("http://203.0.113.9:8080/x", "203.0.113.9"),
        ("http://[2001:db8:bad::1]/x", "2001:DB8:bad::/48"),
        (MD5.upper(), MD5),
        (SHA1, SHA1.upper()),
        (SHA256, SHA256),
        (JA4, JA4),
        ("word", None),
        ("", None),
        ("x" * 1_000_000, None),
        ("a." * 500_000, None),
        ("\ud800.bad.example", None),
        ("//", None),
    ],
)
def test_matches(plain: str, value: str, indicator: str | None) -> None:
    assert intel.match(value, plain) == indicator
    found = intel.lookup(value.encode("utf-8", "replace"), plain)
    assert found is None if indicator is None else found[0] == indicator


def test_kinds(plain: str) -> None:
    kinds = {
        intel.lookup(one, plain)[1] for one in (MD5, SHA1, SHA256, JA4, "bad.example", "203.0.113.9", "198.51.100.1")
    }
    assert kinds == {"md5", "sha1", "sha256", "ja4", "domain", "address", "network"}


def test_what_is_none_is_said(plain: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert len(read(Path(plain))) == 14
    assert capsys.readouterr().err == f"{plain}: 14 indicators, 1 entries that are none\n"


def test_csv_with_headings(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(
        '# a comment, with comma\nid,ip,sha256,description\n1,203.0.113.9,,"one, two"\n2,,' + SHA256 + ",\n3\n"
    )
    assert list(entries(path)) == [("203.0.113.9", "one, two"), (SHA256, None)]


def test_csv_with_headings_in_a_comment(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(
        '################\n# "first_seen_utc","ioc_id","ioc_value","ioc_type","malware_printable"\n'
        '"2024-03-05 00:00:00", "7", "bad.example", "domain", "Loader"\n# end\n'
    )
    assert list(entries(path)) == [("bad.example", "Loader")]


def test_csv_without_headings(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("1,bad.example,x\n2,203.0.113.9,y\n")
    assert [value for value, _ in entries(path)] == ["bad.example", "203.0.113.9"]


def test_stix(tmp_path: Path) -> None:
    def indicator(pattern: str, **more: object) -> dict:
        return {"type": "indicator", "spec_version": "2.1", "pattern_type": "stix", "pattern": pattern, **more}

    bundle = {
        "type": "bundle",
        "objects": [
            indicator("[ipv4-addr:value = '203.0.113.9']", name="C2"),
            indicator("[ipv4-addr:value ISSUBSET '198.51.100.0/24' OR domain-name:value = 'bad.example']"),
            indicator(f"[file:hashes.'SHA-256' = '{SHA256}'] OR [file:hashes.MD5='{MD5}']"),
            indicator("[url:value = 'http://evil.example/it\\'s']"),
            indicator("[ipv6-addr:value IN ('2001:db8:bad::1', '2001:db8:bad::2')]"),
            indicator("[domain-name:value = 'gone.example']", revoked=True),
            indicator("[domain-name:value = 'a.example' AND ipv4-addr:value = '192.0.2.1']"),
            indicator("[domain-name:value != 'b.example']"),
            indicator("alert tcp any any", pattern_type="snort"),
            {"type": "domain-name", "value": "plain.example"},
            {"type": "file", "hashes": {"SHA-1": SHA1}, "name": "x.exe"},
            {"type": "malware", "name": "x"},
            "junk",
        ],
    }
    path = tmp_path / "bundle.json"
    path.write_text(json.dumps(bundle))
    found = list(entries(path))
    assert found == [
        ("203.0.113.9", "C2"),
        ("198.51.100.0/24", None),
        ("bad.example", None),
        (SHA256, None),
        (MD5, None),
        ("http://evil.example/it's", None),
        ("2001:db8:bad::1", None),
        ("2001:db8:bad::2", None),
        ("plain.example", None),
        (SHA1, "x.exe"),
    ]
    assert intel.lookup("203.0.113.9", str(path)) == ("203.0.113.9", "address", "C2")


def test_a_folder_of_lists(tmp_path: Path, plain: str) -> None:
    (tmp_path / "b.csv").write_text("ip\n192.0.2.99\n")
    assert intel.match("192.0.2.99", str(tmp_path)) == "192.0.2.99"
    assert intel.match("bad.example", str(tmp_path)) == "bad.example"


def test_a_list_that_is_not_there(tmp_path: Path) -> None:
    assert intel.match(None, "nothing.txt") is None
    with pytest.raises(FileNotFoundError, match=r"nothing\.txt is no list of indicators: there is no such file"):
        intel.match("bad.example", str(tmp_path / "nothing.txt"))


def test_a_shipped_list_is_found_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shipped.txt").write_text("bad.example\n")
    monkeypatch.chdir(tmp_path)
    assert intel.match("bad.example", "/far/away/shipped.txt") == "bad.example"


def test_keys_of_urls() -> None:
    assert url_key("http://h") == "h/"
    assert url_key("http://H:80/A?b") == "h/A?b"
    assert url_key("http://h?q=/x") == "h/?q=/x"
    assert url_key("http://h:8080/") == "h:8080/"
    assert url_key("http:///x") is None


def test_big_lists_are_fast(tmp_path: Path) -> None:
    path = tmp_path / "big.txt"
    lines = [f"{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}.7" for n in range(1, 50_000)]
    lines += [f"host{n}.bad{n % 977}.example" for n in range(50_000)] + [
        f"{n % 200 + 1}.{n >> 8}.0.0/16" for n in range(500)
    ]
    path.write_text("\n".join(lines))
    start = time.perf_counter()
    found = read(path)
    loaded = time.perf_counter() - start
    start = time.perf_counter()
    for n in range(20_000):
        found.match(f"{n & 255}.{n >> 8 & 255}.9.9")
        found.match(f"a.b.host{n}.bad{n % 977}.example")
    asked = time.perf_counter() - start
    assert loaded < 5  # 0.4 s here
    assert asked < 5  # 0.15 s here


def test_the_first_of_the_same_counts() -> None:
    found = Indicators()
    assert found.add("bad.example", "one")
    assert found.add("BAD.example", "two")
    assert len(found) == 1
    assert found.match("bad.example") == ("bad.example", "domain", "one")
