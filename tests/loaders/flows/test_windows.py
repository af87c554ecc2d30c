"""Windows: sessions that are handed on from one to the next are those of one run."""

from __future__ import annotations

from collections import defaultdict

import pytest
from packetpig.loaders import load
from packetpig.loaders.bridge.values import decode
from packetpig.loaders.contract.loader import OptionError
from packetpig.udfs.sessions import NAMES, window

from tests.conftest import DEMO

FIRST, LAST = 1709510400, 1709856000  # the demo's four days


@pytest.mark.parametrize("length", [86400, 3600])
def test_windows_give_the_sessions_of_one_run(length: int) -> None:
    states: dict[int, bytes] = {}
    found = {}
    for start in range(FIRST, LAST, length):
        pieces = defaultdict(list)
        times = {"start": str(start), "end": str(start + length)}
        for row in load("sessionpieces", str(DEMO), ["bucket", "piece"], **times).read_all().to_pylist():
            pieces[row["bucket"]].append((row["piece"],))
        for bucket in pieces:
            given = window(pieces[bucket], [(states[bucket],)] if bucket in states else [])
            assert given is not None
            states[bucket] = given[1]
            for row in decode(given[0])[0]:
                found[row[NAMES.index("session_id")]] = row[:-1]
    wanted = [tuple(row.values()) for row in load("sessions", str(DEMO), list(NAMES)).read_all().to_pylist()]
    assert sorted(found.values(), key=str) == sorted(wanted, key=str)


def test_a_time_that_is_none() -> None:
    with pytest.raises(OptionError, match="start is a number of seconds"):
        load("sessionpieces", str(DEMO), ["bucket"], start="yesterday").read_all()
