"""Places of IP addresses: country, city, coordinates, AS.

Databases: _places.py. The country is an ISO 3166-1 code; `--` for an address that no database knows; and for addresses
that are nobody's in the public Internet one of `private`, `loopback`, `link-local`, `multicast`, `broadcast`,
`reserved`. All else is null for those. What is no address gives null.
"""

from __future__ import annotations

from typing import Any

from packetpig.udfs import _places
from packetpig.udfs._addresses import packed
from packetpig.udfs._places import Place
from packetpig.udfs._values import pure
from pig_util import outputSchema


def _of(ip: Any, kind: str = "") -> Place | None:
    """The place of an address; says so where no database has that KIND of knowledge."""
    address = packed(ip)
    if address is None:
        return None
    if kind:
        _places.having(kind)
    return _places.place(address)


@pure
@outputSchema("country:chararray")
def country(ip: str | None) -> str | None:
    """The country's ISO code, `--` if unknown, or the kind of an address that has none (see above).

    Pig: `FOREACH addresses GENERATE ip, geo.country(ip);`
    """
    found = _of(ip, "country")
    return found and found.country


@pure
@outputSchema("country_name:chararray")
def country_name(ip: str | None) -> str | None:
    """The country's name in English.

    Pig: `FOREACH addresses GENERATE ip, geo.country_name(ip);`
    """
    found = _of(ip, "country")
    return found and found.country_name


@pure
@outputSchema("city:chararray")
def city(ip: str | None) -> str | None:
    """The city's name in English.

    Pig: `FOREACH addresses GENERATE ip, geo.city(ip);`
    """
    found = _of(ip, "city")
    return found and found.city


@pure
@outputSchema("latlon:chararray")
def latlon(ip: str | None) -> str | None:
    """Latitude and longitude in degrees with a space between them, as the globe wants them: `37.422 -122.085`.

    Pig: `FOREACH addresses GENERATE ip, geo.latlon(ip);`
    """
    found = _of(ip, "city")
    return None if found is None or found.lat is None else f"{found.lat} {found.lon}"


@pure
@outputSchema("asn:int")
def asn(ip: str | None) -> int | None:
    """The number of the autonomous system that announces the address; those above 2147483647 are nobody's, so null.

    Pig: `FOREACH addresses GENERATE ip, geo.asn(ip);`
    """
    found = _of(ip, "asn")
    return found and found.asn


@pure
@outputSchema("as_org:chararray")
def as_org(ip: str | None) -> str | None:
    """The organisation that runs that autonomous system.

    Pig: `FOREACH addresses GENERATE ip, geo.as_org(ip);`
    """
    found = _of(ip, "asn")
    return found and found.as_org


@pure
@outputSchema("place:(country:chararray,country_name:chararray,city:chararray,lat:double,lon:double,asn:int,as_org:chararray)")  # fmt: skip # noqa: E501
def place(ip: str | None) -> tuple[Any, ...] | None:
    """All of the above in one call, from the databases there are.

    Pig: `FOREACH addresses GENERATE ip, FLATTEN(geo.place(ip));`
    """
    found = _of(ip)
    return None if found is None else tuple(found)
