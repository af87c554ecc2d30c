"""geo: places out of databases of several layouts, and what there is without one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from packetpig.udfs import _places, geo
from packetpig.udfs._countries import NAMES
from packetpig.udfs._mmdb import Writer, build, cidrs
from packetpig.udfs._systems import convert

from tests.conftest import ROOT
from tests.udfs import places


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch):
    """Let the functions find the databases in certain places, and forget others."""

    def forget() -> None:
        for one in (_places.databases, _places.having, _places.place):
            one.cache_clear()

    def set_to(*where: Path) -> None:
        monkeypatch.setenv(_places.VARIABLE, ":".join(map(str, where)))
        forget()

    yield set_to
    forget()


@pytest.fixture
def known(use, tmp_path: Path) -> None:
    use(places.everything(tmp_path / "geoip"))


def test_all_in_one(known: None) -> None:
    assert geo.place("78.187.40.23") == ("TR", "Türkiye", "Istanbul", 41.0138, 28.9497, 9121, "Türk Telekom|,_")
    assert geo.place("8.8.8.8") == ("US", "United States", "Mountain View", 37.422, -122.085, 15169, "Google LLC")
    assert geo.place("2001:db8:1::1")[:5] == ("JP", "Japan", "Tokyo", 35.6895, 139.6917)
    assert geo.place("9.1.1.1") == ("XK", "Kosovo", None, None, None, None, "private use")
    assert geo.place("193.0.6.139")[:3] == ("NL", "Netherlands", None)
    assert geo.place("129.67.242.154")[:4] == ("US", "United States", None, None)


def test_one_by_one(known: None) -> None:
    ip = "78.187.40.23"
    assert (geo.country(ip), geo.country_name(ip), geo.city(ip), geo.latlon(ip), geo.asn(ip), geo.as_org(ip)) == (
        "TR", "Türkiye", "Istanbul", "41.0138 28.9497", 9121, "Türk Telekom|,_",
    )  # fmt: skip
    assert geo.latlon("129.67.242.154") is None


@pytest.mark.parametrize(
    ("ip", "country"),
    [
        ("1.2.3.4", "--"),
        ("2a00::1", "--"),
        ("10.1.2.3", "private"),
        ("100.64.0.1", "private"),
        ("fd00::1", "private"),
        ("127.0.0.1", "loopback"),
        ("::1", "loopback"),
        ("169.254.1.1", "link-local"),
        ("fe80::1%eth0", "link-local"),
        ("224.0.0.251", "multicast"),
        ("ff02::fb", "multicast"),
        ("255.255.255.255", "broadcast"),
        ("0.0.0.0", "reserved"),
        ("203.0.113.9", "reserved"),
        ("240.0.0.1", "reserved"),
        ("2001:db8:2::1", "reserved"),
        ("::", "reserved"),
    ],
)
def test_unknown_is_not_private(known: None, ip: str, country: str) -> None:
    assert geo.place(ip) == (country, None, None, None, None, None, None)
    assert geo.country(ip) == country
    assert geo.country_name(ip) is geo.city(ip) is geo.latlon(ip) is geo.asn(ip) is None


def test_what_a_database_says_comes_first(known: None) -> None:
    assert geo.place("10.9.1.1")[2] == "Our own site"


def test_addresses_that_carry_others(known: None) -> None:
    for ip in ("::ffff:8.8.8.8", "2002:808:808::1", "64:ff9b::808:808"):
        assert geo.city(ip) == "Mountain View"


@pytest.mark.parametrize("ip", ["", "x", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", ":::", "\0", "\ud800"])
def test_what_is_no_address(known: None, ip: str) -> None:
    assert geo.place(ip) is None
    assert geo.country(ip) is None


def test_without_a_database(use, tmp_path: Path) -> None:
    use(tmp_path)
    assert geo.country(None) is None
    with pytest.raises(LookupError, match=r"no geolocation database .* `make geoip` gets a free one"):
        geo.country("8.8.8.8")


def test_without_the_right_database(use, tmp_path: Path) -> None:
    use(places.systems(tmp_path))
    assert geo.asn("78.187.40.23") == 9121
    assert geo.place("78.187.40.23")[5] == 9121
    for function, what in ((geo.country, "countries"), (geo.city, "cities")):
        with pytest.raises(LookupError, match=f"no database with {what} among"):
            function("78.187.40.23")


def test_a_file_that_is_none(use, tmp_path: Path) -> None:
    (tmp_path / "a.mmdb").write_bytes(b"hello")
    use(tmp_path)
    with pytest.raises(LookupError, match=r"a\.mmdb is no geolocation database"):
        geo.country("8.8.8.8")


def test_several_files_and_the_best_of_them(use, tmp_path: Path) -> None:
    country = build(tmp_path / "c.mmdb", "DBIP-Country", [("8.0.0.0/8", {"country_code": "CA"})])
    use(country, places.flat(tmp_path))
    assert [geo.country("8.8.8.8"), geo.country("8.9.9.9")] == ["US", "CA"]


def test_odd_records_are_survived(use, tmp_path: Path) -> None:
    records = [
        (
            "1.0.0.0/24",
            {"country": "Australia", "country_code": "AU", "city": "", "latitude": "-3", "longitude": "x"},
        ),
        ("1.0.1.0/24", {"country": {"iso_code": ""}, "city": {"names": {}}}),
        ("1.0.2.0/24", {"country": "AU", "asn": "ASx", "as_name": "Org"}),
        ("1.0.3.0/24", {"country": ["AU"], "location": [1, 2]}),
        ("1.0.4.0/24", {"city": {"names": {"de": "Wien"}}, "country": {"iso_code": "AT"}}),
    ]
    use(build(tmp_path / "a.mmdb", "my own", records))
    found = [geo.place(f"1.0.{n}.1") for n in range(5)]
    assert found[0] == ("AU", "Australia", None, None, None, None, None)
    assert found[1] == found[3] == ("--", None, None, None, None, None, None)
    assert found[2] == ("AU", "Australia", None, None, None, None, "Org")
    assert found[4][:3] == ("AT", "Austria", "Wien")


def test_ranges_become_networks() -> None:
    assert list(cidrs(0, 2**32 - 1, 32)) == [(0, 0)]
    assert list(cidrs(1, 6, 32)) == [(1, 32), (2, 31), (4, 31), (6, 32)]


def test_csv_becomes_a_database(use, tmp_path: Path) -> None:
    source = tmp_path / "as.csv"
    source.write_text(
        '1.0.0.0,1.0.0.255,13335,"Cloudflare, Inc."\n1.0.1.0,1.0.3.7,7,Seven\n2001:db8:9::,2001:db8:9::ff,9,Nine\n'
    )
    convert(tmp_path / "as.mmdb", [source])
    use(tmp_path / "as.mmdb")
    assert [geo.asn(ip) for ip in ("1.0.0.9", "1.0.1.0", "1.0.3.7", "1.0.3.8", "2001:db8:9::1")] == [
        13335,
        7,
        7,
        None,
        9,
    ]
    assert geo.as_org("1.0.0.1") == "Cloudflare, Inc."


def test_a_larger_network_stays_around_a_smaller_one(tmp_path: Path) -> None:
    import maxminddb

    writer = Writer("test")
    writer.add("0.0.0.0/0", {"n": 1})
    writer.add("10.0.0.0/8", {"n": 2})
    writer.add("10.1.1.1/32", {"n": 3, "long": "x" * 70_000, "list": [1, 2.5]})
    writer.write(tmp_path / "a.mmdb")
    reader = maxminddb.open_database(tmp_path / "a.mmdb")
    assert [reader.get(ip)["n"] for ip in ("9.9.9.9", "10.0.0.1", "10.1.1.0", "10.1.1.1", "11.0.0.0")] == [
        1,
        2,
        2,
        3,
        1,
    ]
    assert reader.get("10.1.1.1")["list"] == [1, 2.5]
    assert len(reader.get("10.1.1.1")["long"]) == 70_000
    assert reader.get("2001:db8::") is None


def test_names_of_all_countries() -> None:
    assert len(NAMES) == 250
    assert all(len(code) == 2 and code.isupper() and name == name.strip() for code, name in NAMES.items())


def test_the_free_database_if_it_is_there(use) -> None:
    if not (ROOT / "build/geoip/.complete").exists():
        pytest.skip("make geoip")
    use(ROOT / "build/geoip")
    assert geo.country("8.8.8.8") == "US"
    assert geo.asn("2001:4860:4860::8888") == 15169
    assert geo.country("10.0.0.1") == "private"
    assert -90 <= geo.place("193.0.6.139")[3] <= 90


def test_the_process_of_functions_says_how_to_get_one(tmp_path: Path) -> None:
    """The line that a Pig user sees."""
    code = "from packetpig.udfs import geo; geo.city('8.8.8.8')"
    environment = {"PYTHONPATH": str(ROOT / "build/python"), _places.VARIABLE: str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert f"which is {tmp_path}: `make geoip` gets a free one" in done.stderr
