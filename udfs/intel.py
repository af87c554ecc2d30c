"""Indicators: is a value on a list of what is known to be bad?

A list is a file (or a folder of files) of plain lines, CSV or STIX 2.1 JSON: _indicators.py. It is read once by each
process. Its path is one on the machine where the function runs; on a cluster, ship it with `-D
mapreduce.job.cache.files=hdfs://…/bad.txt`, and it is found by its name in the task's folder.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from packetpig.udfs._indicators import Indicator, Indicators, read
from packetpig.udfs._values import pure, text
from pig_util import outputSchema


@functools.lru_cache(64)
def _list(path: str) -> Indicators:
    """A list that is there, or lies by its name in the task's folder."""
    for place in (Path(path), Path(Path(path).name)):
        if place.exists():
            return read(place)
    raise FileNotFoundError(f"{path} is no list of indicators: there is no such file")


def _match(value: Any, path: Any) -> Indicator | None:
    found, named = text(value), text(path)
    return None if not found or not named else _list(named).match(found)


@pure
@outputSchema("indicator:chararray")
def match(value: str | None, list: str | None) -> str | None:
    """The indicator of the LIST that a VALUE matches, as it stands there; null if none does.

    A value may be an address, a name of a host, a URL (whose host is looked for too), or a hash, JA3 or JA4. The
    narrowest indicator is given.

    Pig: `FOREACH addresses GENERATE ip, intel.match(ip, 'tests/pig/lists/bad.txt');`
    """
    found = _match(value, list)
    return found and found.value


@pure
@outputSchema("intel:(indicator:chararray,kind:chararray,note:chararray)")
def lookup(value: str | None, list: str | None) -> tuple[str, str, str | None] | None:
    """The indicator, its kind (address, network, domain, url, md5, sha1, sha256, sha512, ja4), and the list's note.

    Pig: `FOREACH addresses GENERATE ip, FLATTEN(intel.lookup(ip, 'tests/pig/lists/bad.csv'));`
    """
    found = _match(value, list)
    return None if found is None else (found.value, found.kind, found.note)
