"""The web: user agents, and the parts of URLs.

User agents are told by ua-parser's expressions, which come with the package and run in linear time.
"""

from __future__ import annotations

import functools
import re
from typing import Any
from urllib.parse import unquote, unquote_plus

from packetpig.udfs._values import pure, text
from pig_util import outputSchema

LONGEST_AGENT = 2048
"""Characters of a user agent that are looked at."""
LONGEST_URL = 1 << 16
"""Characters of a URL that are looked at."""
PARAMETERS = 1000
MAX_PORT = 65535
URL = re.compile(
    r"(?:(?P<scheme>[A-Za-z][A-Za-z0-9+.-]{0,63}):)?(?://(?P<authority>[^/?#]*))?"
    r"(?P<path>[^?#]*)(?:\?(?P<query>[^#]*))?(?:#(?P<fragment>.*))?",
    re.DOTALL,
)  # RFC 3986, appendix B
PORTS = {"http": 80, "https": 443, "ftp": 21, "ws": 80, "wss": 443}


@functools.lru_cache(1)
def _parser() -> Any:
    from ua_parser import Parser
    from ua_parser.loaders import load_builtins
    from ua_parser.regex import Resolver

    return Parser(Resolver(load_builtins()))


@functools.lru_cache(1 << 14)
def _agent(agent: str) -> tuple[str | None, str | None, str | None]:
    """Browser with version, system with version, device."""
    agent = agent.encode("utf-8", "replace").decode("utf-8")  # halves of surrogate pairs
    found = _parser().parse(agent)
    return _versioned(found.user_agent, 2), _versioned(found.os, 2), found.device.family if found.device else None


def _versioned(found: Any, most: int) -> str | None:
    if found is None:
        return None
    numbers = []
    for number in (found.major, found.minor)[:most]:
        if number is None:
            break
        numbers.append(number)
    return f"{found.family} {'.'.join(numbers)}".rstrip()


@pure
@outputSchema("browser:chararray")
def browser(user_agent: str | None) -> str | None:
    """The browser or program with its version, `Firefox 128.0`; null if it is not known.

    Pig: `FOREACH agents GENERATE web.browser(agent);`
    """
    agent = text(user_agent, LONGEST_AGENT)
    return None if agent is None else _agent(agent)[0]


@pure
@outputSchema("system:chararray")
def system(user_agent: str | None) -> str | None:
    """The operating system with its version, as the user agent claims it: `Windows 10`, `iOS 17.1`.

    Pig: `FOREACH agents GENERATE web.system(agent);`
    """
    agent = text(user_agent, LONGEST_AGENT)
    return None if agent is None else _agent(agent)[1]


@pure
@outputSchema("device:chararray")
def device(user_agent: str | None) -> str | None:
    """The device: `iPhone`, `Mac`, `Spider` for crawlers; null if it is not known.

    Pig: `FOREACH agents GENERATE web.device(agent);`
    """
    agent = text(user_agent, LONGEST_AGENT)
    return None if agent is None else _agent(agent)[2]


@pure
@outputSchema("agent:(browser:chararray,system:chararray,device:chararray)")
def agent(user_agent: str | None) -> tuple[str | None, str | None, str | None] | None:
    """Browser, system and device in one call.

    Pig: `FOREACH agents GENERATE FLATTEN(web.agent(agent));`
    """
    found = text(user_agent, LONGEST_AGENT)
    return None if found is None else _agent(found)


def split(url: Any) -> tuple[str | None, str | None, str | None, int | None, str, str | None, str | None] | None:
    """Scheme, user, host, port, path, query, fragment; null for no text. Nothing is decoded."""
    found = text(url, LONGEST_URL)
    if found is None:
        return None
    parts = URL.match(found.strip())
    assert parts is not None
    scheme = parts["scheme"] and parts["scheme"].lower()
    if parts["authority"] is None:
        return scheme, None, None, None, parts["path"], parts["query"], parts["fragment"]
    user, at, place = parts["authority"].rpartition("@")
    host, port = _host(place, PORTS.get(scheme or ""))
    return scheme, user if at else None, host, port, parts["path"], parts["query"], parts["fragment"]


def _host(place: str, usual: int | None) -> tuple[str | None, int | None]:
    """Host and port of `host:port` or `[address]:port`; USUAL is the port where none is given."""
    if place.startswith("["):
        host, _, rest = place[1:].partition("]")
        port = rest.removeprefix(":")
    else:
        host, _, port = place.partition(":")
    if not port:
        return host.lower() or None, usual
    number = int(port) if port.isascii() and port.isdigit() and len(port) < 6 else MAX_PORT + 1
    return host.lower() or None, number if number <= MAX_PORT else None


@pure
@outputSchema("url:(scheme:chararray,user:chararray,host:chararray,port:int,path:chararray,query:chararray,fragment:chararray)")  # fmt: skip # noqa: E501
def url(url: str | None) -> tuple[str | None, str | None, str | None, int | None, str, str | None, str | None] | None:
    """The parts of a URL. Scheme and host in lower case, the scheme's port where none is given, nothing decoded.

    Pig: `FOREACH links GENERATE FLATTEN(web.url(link));`
    """
    return split(url)


@pure
@outputSchema("host:chararray")
def host(url: str | None) -> str | None:
    """The host of a URL in lower case, an IPv6 address without brackets.

    Pig: `FOREACH links GENERATE web.host(link);`
    """
    found = split(url)
    return found and found[2]


@pure
@outputSchema("extension:chararray")
def extension(url: str | None) -> str | None:
    """The extension of the file that a URL's path ends in, in lower case: `exe` of `/a/Setup.EXE?x`; null if none.

    Pig: `FOREACH links GENERATE web.extension(link);`
    """
    found = split(url)
    if found is None:
        return None
    name, dot, end = found[4].rpartition("/")[2].rpartition(".")
    return end.lower() if dot and name and end.isalnum() and len(end) <= 12 else None


@pure
@outputSchema("parameters:{parameter:(name:chararray,value:chararray)}")
def parameters(url: str | None) -> list[tuple[str, str | None]] | None:
    """The parameters of a URL's query, decoded, in order; the first 1000. Null if it has no query.

    Pig: `FOREACH links GENERATE FLATTEN(web.parameters(link));`
    """
    found = split(url)
    if found is None or found[5] is None:
        return None
    rows: list[tuple[str, str | None]] = []
    for pair in re.split("[&;]", found[5], maxsplit=PARAMETERS)[:PARAMETERS]:
        name, equals, value = pair.partition("=")
        if pair:
            rows.append((unquote_plus(name), unquote_plus(value) if equals else None))
    return rows


@pure
@outputSchema("decoded:chararray")
def decode(value: str | None) -> str | None:
    """A text with its percent escapes decoded (`%20`); bytes that are no UTF-8 become U+FFFD.

    Pig: `FOREACH links GENERATE web.decode(link);`
    """
    found = text(value)
    return None if found is None else unquote(found)
