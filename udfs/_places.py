"""The geolocation databases there are (.mmdb), and what they know about an address.

They are the files or folders in $PACKETPIG_GEOIP (with colons), else those in build/geoip of the project. Any layout
will do: MaxMind's GeoLite2 and GeoIP2, DB-IP's, ip-location-db's, IPinfo's. Where several know an address, cities come
before countries, newer before older ones.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import maxminddb
from packetpig.udfs._addresses import carried, special
from packetpig.udfs._countries import NAMES

VARIABLE = "PACKETPIG_GEOIP"
HERE = Path(__file__).resolve().parent.parent / "build" / "geoip"
REMEMBERED = 1 << 16
MAX_INT = (1 << 31) - 1


class Place(NamedTuple):
    """What is known about an address; degrees north and east."""

    country: str
    country_name: str | None = None
    city: str | None = None
    lat: float | None = None
    lon: float | None = None
    asn: int | None = None
    as_org: str | None = None


class Database(NamedTuple):
    """One .mmdb file."""

    path: Path
    reader: maxminddb.Reader
    version: int  # 4: has IPv4 addresses only
    kind: str  # city, country or asn; empty: not known
    built: int  # seconds since the epoch


def files() -> list[Path]:
    """All .mmdb files where they are looked for."""
    named = os.environ.get(VARIABLE)
    found: list[Path] = []
    for place in [Path(one) for one in named.split(os.pathsep) if one] if named else [HERE]:
        found += sorted(place.rglob("*.mmdb")) if place.is_dir() else [place] if place.exists() else []
    return found


def _kind(name: str) -> str:
    name = name.lower()
    for kind, words in (("city", ("city", "enterprise")), ("country", ("country",)), ("asn", ("asn", "isp"))):
        if any(word in name for word in words):
            return kind
    return ""


@functools.lru_cache(1)
def databases() -> tuple[Database, ...]:
    """The databases, opened once a process (mapped into memory, not read)."""
    found = []
    for path in files():
        try:
            reader = maxminddb.open_database(path)
        except (maxminddb.InvalidDatabaseError, OSError, ValueError) as error:
            raise LookupError(f"{path} is no geolocation database (.mmdb): {error}") from error
        about = reader.metadata()
        found.append(Database(path, reader, about.ip_version, _kind(about.database_type), about.build_epoch))
    if not found:
        where = os.environ.get(VARIABLE)
        raise LookupError(
            f"no geolocation database (.mmdb) in {f'${VARIABLE}, which is {where}' if where else HERE}: "
            f"`make geoip` gets a free one, or let {VARIABLE} be the folder of one that you have"
        )
    order = ("city", "", "country", "asn")
    return tuple(sorted(found, key=lambda one: (order.index(one.kind), -one.built, one.path)))


@functools.lru_cache(4)
def having(kind: str) -> tuple[Database, ...]:
    """The databases that may tell a `country`, a `city` or an `asn`."""
    able = {"country": ("city", "country", ""), "city": ("city", ""), "asn": ("asn", "")}[kind]
    found = tuple(one for one in databases() if one.kind in able)
    if not found:
        what = {"country": "countries", "city": "cities", "asn": "AS numbers"}[kind]
        have = ", ".join(str(one.path) for one in databases())
        raise LookupError(f"no database with {what} among {have}: `make geoip` gets a free one")
    return found


def _records(address: bytes) -> list[Mapping[str, Any]]:
    """What the databases have about an address, the best first."""
    where = ".".join(map(str, address)) if len(address) == 4 else _ipv6(address)
    found: list[Mapping[str, Any]] = []
    for one in databases():
        if len(address) == 4 or one.version == 6:
            try:
                record = one.reader.get(where)
            except (maxminddb.InvalidDatabaseError, ValueError) as error:
                raise LookupError(f"{one.path} is damaged: {error}") from error
            if isinstance(record, dict):
                found.append(record)
    return found


def _ipv6(address: bytes) -> str:
    digits = address.hex()
    return ":".join(digits[at : at + 4] for at in range(0, 32, 4))


@functools.lru_cache(REMEMBERED)
def place(address: bytes) -> Place:
    """All that is known about an address. What a database says comes before the kind of block it is in."""
    records = _records(carried(address))
    country = name = city = lat = lon = None
    for record in records:
        country = _country(record)
        if country is not None:
            name = _name(record.get("country")) or NAMES.get(country) or _text(record.get("country_name"))
            city = _name(record.get("city")) or _text(record.get("city"))
            lat, lon = _position(record)
            break
    asn, organisation = next((one for one in map(_system, records) if one != (None, None)), (None, None))
    return Place(country or special(address) or "--", name, city, lat, lon, asn, organisation)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _name(value: Any) -> str | None:
    """The English name in MaxMind's {"names": {"en": …}}, else any."""
    names = value.get("names") if isinstance(value, dict) else None
    if not isinstance(names, dict):
        return None
    return _text(names.get("en")) or next((found for found in map(_text, names.values()) if found), None)


def _country(record: Mapping[str, Any]) -> str | None:
    for key in ("country", "registered_country"):
        value = record.get(key)
        if isinstance(value, dict) and (code := _text(value.get("iso_code"))):
            return code
    code = _text(record.get("country_code"))
    plain = _text(record.get("country"))
    return code or (plain if plain is not None and len(plain) == 2 else None)


def _position(record: Mapping[str, Any]) -> tuple[float | None, float | None]:
    """Latitude and longitude, without the digits that a 32-bit float adds."""
    location = record.get("location")
    at = location if isinstance(location, dict) else record
    pair = at.get("latitude", at.get("lat")), at.get("longitude", at.get("lng"))
    try:
        lat, lon = (round(float(one), 4) for one in pair if one is not None)
    except (TypeError, ValueError):
        return None, None
    return lat, lon


def _system(record: Mapping[str, Any]) -> tuple[int | None, str | None]:
    """The AS number and its organisation, as MaxMind has them, at the top or in `traits`, or IPinfo ("AS15169")."""
    traits = record.get("traits")
    for at in (record, traits if isinstance(traits, dict) else {}):
        number = at.get("autonomous_system_number", at.get("asn"))
        if isinstance(number, str):
            digits = number.removeprefix("AS")
            number = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 11 else None
        organisation = _text(at.get("autonomous_system_organization")) or _text(at.get("as_name"))
        if isinstance(number, int) or organisation:
            return (number if isinstance(number, int) and 0 < number <= MAX_INT else None), organisation
    return None, None
