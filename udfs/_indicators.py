"""Lists of indicators: what they hold, read from plain text, CSV or STIX 2.1, and what in them matches a value.

What an indicator is, its form says: an address, a network, a URL, a hash (MD5 and JA3, SHA-1, SHA-256, SHA-512), a JA4,
else a domain, which stands for all below it as well. Defanged ones (hxxp://, example[.]com) are mended.
"""

from __future__ import annotations

import csv
import functools
import json
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from packetpig.udfs._addresses import network, packed

HASH = re.compile(r"[0-9a-fA-F]{32}|[0-9a-fA-F]{40}|[0-9a-fA-F]{64}|[0-9a-fA-F]{128}")
HASHES = {32: "md5", 40: "sha1", 64: "sha256", 128: "sha512"}
JA4 = re.compile(r"[tqd][0-9a-z]{2}[di]\d{4}[0-9a-z]{2}_[0-9a-f]{12}_[0-9a-f]{12}")
NAME = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9-]{2,63}")
SCHEME = re.compile(r"([a-z][a-z0-9+.-]{1,15})://", re.IGNORECASE)
DIGITS = frozenset("0123456789abcdefABCDEF:.")
LONGEST = 1 << 14
"""Characters of a value or an indicator that are looked at."""

COLUMNS = (
    "indicator indicator_value ioc ioc_value value ip ip_address ipaddress address dst_ip dstip network cidr domain "
    "host hostname fqdn url uri hash md5 md5_hash sha1 sha1_hash sha256 sha256_hash sha512 ja3 ja3_md5 ja3_fingerprint "
    "ja3s ja4 ja4_fingerprint"
).split()
"""Headings of CSV columns that hold indicators."""
NOTES = (
    "note notes description comment threat malware malware_printable signature listingreason reason name title tags"
).split()
"""Headings of CSV columns that say what an indicator is about; the first that is there."""


class Indicator(NamedTuple):
    """One entry of a list."""

    value: str
    kind: str  # address, network, domain, url, md5, sha1, sha256, sha512, ja4
    note: str | None


def mended(value: str) -> str:
    """The indicator without what was put in so that nobody clicks on it."""
    if "[" in value or "xx" in value:
        value = re.sub(r"\[(?:\.|dot)\]|\(dot\)", ".", value).replace("[:]", ":").replace("[://]", "://")
        value = re.sub(r"^hxxp", "http", value, flags=re.IGNORECASE)
    return value


def url_key(value: str) -> str | None:
    """A URL as it is compared: without scheme, user, fragment and the scheme's port; the host in lower case."""
    scheme = SCHEME.match(value)
    rest = value[scheme.end() :] if scheme else value
    place, slash, path = rest.partition("#")[0].partition("/")
    if "?" in place:
        place, _, query = place.partition("?")
        slash, path = "/", f"?{query}{slash}{path}"
    place = place.rpartition("@")[2].lower()
    if scheme:
        place = place.removesuffix({"http": ":80", "https": ":443", "ftp": ":21"}.get(scheme[1].lower(), ":80"))
    return f"{place}/{path}" if place else None


def _host(key: str) -> str:
    """The host in a URL's key."""
    place = key.partition("/")[0]
    return place[1:].partition("]")[0] if place.startswith("[") else place.partition(":")[0]


class Indicators:
    """A list, ready to be asked."""

    def __init__(self) -> None:
        self._exact: dict[Any, tuple[str, str, str | None]] = {}
        self._networks: dict[tuple[int, int], dict[int, tuple[str, str, str | None]]] = {}
        self._kinds: set[str] = set()

    def __len__(self) -> int:
        return len(self._exact) + sum(map(len, self._networks.values()))

    def add(self, value: str, note: str | None = None) -> bool:
        """Add an indicator; false if it is none."""
        value = mended(value.strip().strip("\"'").strip())
        if not value or len(value) > LONGEST:
            return False
        first = value[0]
        if first in DIGITS or value.startswith("["):
            if HASH.fullmatch(value):
                return self._put(value.lower(), value, HASHES[len(value)], note)
            if (address := packed(value.strip("[]"))) is not None:
                return self._put(address, value, "address", note)
            if "/" in value and (found := network(value)) is not None:
                size, prefix, shift = found
                if shift == 0:
                    return self._put(prefix.to_bytes(size, "big"), value, "address", note)
                self._networks.setdefault((size, shift), {}).setdefault(prefix, (value, "network", note))
                return True
        lower = value.lower()
        if JA4.fullmatch(lower):
            return self._put(lower, value, "ja4", note)
        if "/" in value:
            key = url_key(value)
            if key is None or not (SCHEME.match(value) or _is_host(_host(key))):
                return False
            return self._put(("url", key), value, "url", note)
        name = _name(lower.removeprefix("*").strip("."))
        return name is not None and self._put(name, value, "domain", note)

    def _put(self, key: Any, value: str, kind: str, note: str | None) -> bool:
        self._exact.setdefault(key, (value, kind, note))
        self._kinds.add(kind)
        return True

    def match(self, value: str) -> Indicator | None:
        """The indicator that a value matches, the narrowest one."""
        value = value[:LONGEST].strip()
        found = self._match(value)
        return None if found is None else Indicator(*found)

    def _match(self, value: str) -> tuple[str, str, str | None] | None:
        address = packed(value)
        if address is not None:
            return self._address(address)
        if "/" in value:
            key = url_key(value)
            if key is None:
                return None
            found = self._exact.get(("url", key))
            host = _host(key)
            return found or (self._match(host) if host and "/" not in host else None)
        lower = value.lower()
        found = self._exact.get(lower)
        if found is not None or "domain" not in self._kinds:
            return found
        name = _name(lower.removesuffix("."))
        while name:
            found = self._exact.get(name)
            if found is not None and found[1] == "domain":
                return found
            name = name.partition(".")[2]
        return None

    def _address(self, address: bytes) -> tuple[str, str, str | None] | None:
        found = self._exact.get(address)
        if found is None and self._networks:
            number = int.from_bytes(address, "big")
            for (size, shift), prefixes in self._sorted:
                if size == len(address) and (found := prefixes.get(number >> shift)) is not None:
                    break
        return found

    @functools.cached_property
    def _sorted(self) -> list[tuple[tuple[int, int], dict[int, tuple[str, str, str | None]]]]:
        """Small networks first; asked for when the list is complete."""
        return sorted(self._networks.items(), key=lambda one: one[0])


def _is_host(host: str) -> bool:
    return packed(host) is not None or NAME.fullmatch(host) is not None


def _name(name: str) -> str | None:
    """A domain in ASCII; null for what is none. Only names with a dot are: a word in a list is not."""
    if not name.isascii():
        try:
            name = name.encode("idna").decode("ascii")
        except UnicodeError:
            return None
    return name if len(name) < 254 and NAME.fullmatch(name) else None


def read(path: Path) -> Indicators:
    """All indicators of a file, or of all files in a folder. What is no indicator is counted, and said in the log."""
    found, skipped = Indicators(), 0
    files = sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path]
    for file in files:
        for value, note in entries(file):
            skipped += not found.add(value, note)
    print(f"{path}: {len(found)} indicators" + (f", {skipped} entries that are none" * (skipped > 0)), file=sys.stderr)
    return found


def entries(path: Path) -> Iterator[tuple[str, str | None]]:
    """What a file lists, and notes."""
    with path.open("rb") as file:
        head = file.read(4096).lstrip(b"\xef\xbb\xbf \t\r\n")
    if head[:1] in (b"{", b"["):
        yield from _stix(json.loads(path.read_bytes()))
        return
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as lines:
        yield from _csv(lines) if _is_csv(head.decode("utf-8", "replace")) else _plain(lines)


def _is_csv(head: str) -> bool:
    """Whether the first line that is no comment, or the last comment (abuse.ch's heading), has several cells."""
    lines = head.splitlines()
    rows = [line for line in lines if line.strip() and not line.startswith(("#", ";", "//"))][:1]
    return any("," in row for row in rows)


def _plain(lines: Iterable[str]) -> Iterator[tuple[str, str | None]]:
    """One a line, perhaps with a comment; or as in a hosts file, `0.0.0.0 name`."""
    for line in lines:
        entry, _, note = line.partition("#") if not line.startswith("http") else (line, "", "")
        words = entry.split(None, 2)
        if not words or words[0].startswith((";", "//", "!")):
            continue
        if len(words) > 1 and words[0] in ("0.0.0.0", "127.0.0.1", "::", "::1"):  # noqa: S104
            words = words[1:]
        yield words[0], note.strip() or None


def _csv(lines: Iterable[str]) -> Iterator[tuple[str, str | None]]:
    """Cells of the columns that are named in COLUMNS, or the first cell of each row that is an indicator."""
    columns: list[int] | None = None
    note: int | None = None
    probe = Indicators()
    for row in csv.reader(_without_nul(lines), skipinitialspace=True):
        if not row or not any(row):
            continue
        if columns is None:
            names = [cell.strip().strip("#").strip().strip('"').lower().replace(" ", "_") for cell in row]
            found = [at for at, name in enumerate(names) if name in COLUMNS]
            if found:
                columns = found
                notes = {name: at for at, name in reversed(list(enumerate(names)))}
                note = next((notes[name] for name in NOTES if name in notes), None)
                continue
            if not row[0].lstrip().startswith("#"):
                columns = []
        if row[0].lstrip().startswith("#"):
            continue
        about = (row[note].strip() or None) if note is not None and note < len(row) else None
        if columns:
            yield from ((row[at], about) for at in columns if at < len(row) and row[at].strip())
        else:
            yield next((cell for cell in row if probe.add(cell)), row[0]), about


def _without_nul(lines: Iterable[str]) -> Iterator[str]:
    return (line.replace("\0", "") for line in lines)


ATOM = re.compile(
    r"(?P<kind>ipv4-addr|ipv6-addr|domain-name|url|file|x509-certificate|network-traffic|artifact)"
    r":(?P<path>[\w.'-]+?)\s*(?P<how>=|ISSUBSET|IN)\s*(?P<values>'(?:[^'\\]|\\.)*'|\((?:\s*'(?:[^'\\]|\\.)*'\s*,?)+\))"
)
LITERAL = re.compile(r"'((?:[^'\\]|\\.)*)'")
JOINED = re.compile(r"\b(AND|FOLLOWEDBY|NOT)\b|!=")


def _stix(whole: Any) -> Iterator[tuple[str, str | None]]:
    """Indicators of a STIX bundle (or of a list of objects) that are not revoked.

    A pattern counts if one comparison alone makes it true: those with AND, FOLLOWEDBY or NOT do not.
    """
    objects = whole.get("objects", [whole]) if isinstance(whole, dict) else whole
    for one in objects if isinstance(objects, list) else []:
        if not isinstance(one, dict) or one.get("revoked"):
            continue
        kind = one.get("type")
        if kind == "indicator" and one.get("pattern_type", "stix") == "stix":
            pattern = str(one.get("pattern", ""))
            note = one.get("name") or one.get("description")
            if not JOINED.search(LITERAL.sub("''", pattern)):
                for atom in ATOM.finditer(pattern):
                    for literal in LITERAL.findall(atom["values"]):
                        yield re.sub(r"\\(.)", r"\1", literal), note if isinstance(note, str) else None
        elif kind in ("ipv4-addr", "ipv6-addr", "domain-name", "url") and isinstance(one.get("value"), str):
            yield one["value"], None
        elif kind == "file" and isinstance(one.get("hashes"), dict):
            yield from ((str(value), one.get("name")) for value in one["hashes"].values())
