"""Small geolocation databases for tests: made-up places, also for addresses that are really somewhere."""

from __future__ import annotations

from pathlib import Path

from packetpig.udfs._mmdb import build


def maxmind(code: str, name: str, city: str | None = None, lat: float = 0.0, lon: float = 0.0) -> dict:
    """A record as GeoLite2-City and DB-IP's own files have it."""
    record = {"country": {"iso_code": code, "names": {"en": name, "de": f"{name}?"}}}
    if city:
        record |= {"city": {"names": {"en": city}}, "location": {"latitude": lat, "longitude": lon}}
    return record


def cities(folder: Path) -> Path:
    """Cities in MaxMind's layout."""
    return build(
        folder / "cities.mmdb",
        "GeoLite2-City",
        [
            ("78.0.0.0/8", maxmind("TR", "Türkiye", "Istanbul", 41.0138, 28.9497)),
            ("113.160.0.0/11", maxmind("VN", "Vietnam", "Hanoi", 21.0292, 105.8526)),
            ("128.0.0.0/3", maxmind("US", "United States")),
            ("130.192.0.0/10", maxmind("SE", "Sweden", "Stockholm", 59.3294, 18.0687)),
            ("193.0.0.0/8", {"registered_country": {"iso_code": "NL", "names": {"en": "Netherlands"}}}),
            ("2001:db8:1::/48", maxmind("JP", "Japan", "Tokyo", 35.6895, 139.6917)),
            ("10.9.0.0/16", maxmind("FR", "France", "Our own site", 48.85, 2.35)),
        ],
    )


def flat(folder: Path) -> Path:
    """Cities in ip-location-db's layout."""
    record = {
        "city": "Mountain View",
        "country_code": "US",
        "latitude": 37.422000885009766,
        "longitude": -122.08499908447266,
        "postcode": "",
        "state1": "California",
        "state2": "",
        "timezone": "",
    }
    return build(folder / "flat.mmdb", "city ipv4", [("8.8.8.0/24", record), ("9.0.0.0/8", {"country_code": "XK"})])


def systems(folder: Path) -> Path:
    """AS numbers in MaxMind's layout, and one in IPinfo's."""
    return build(
        folder / "systems.mmdb",
        "GeoLite2-ASN",
        [
            ("78.187.0.0/16", {"autonomous_system_number": 9121, "autonomous_system_organization": "Türk Telekom|,_"}),
            ("8.8.8.0/24", {"asn": "AS15169", "as_name": "Google LLC", "country_code": "US"}),
            ("9.0.0.0/8", {"autonomous_system_number": 4200000000, "autonomous_system_organization": "private use"}),
        ],
    )


def everything(folder: Path) -> Path:
    """A folder with all of them."""
    folder.mkdir(parents=True, exist_ok=True)
    for make in (cities, flat, systems):
        make(folder)
    return folder
