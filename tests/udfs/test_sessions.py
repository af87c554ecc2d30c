"""Sessions from pieces, as Pig calls them."""

from __future__ import annotations

from packetpig.loaders import load
from packetpig.loaders.bridge.functions import schemas
from packetpig.loaders.bridge.values import decode
from packetpig.loaders.sessions import COLUMNS
from packetpig.udfs import sessions

from tests.conftest import DEMO, ROOT


def test_the_schema_is_that_of_the_loader() -> None:
    columns = ", ".join(column.pig for column in COLUMNS)
    assert schemas(ROOT / "udfs/sessions.py")["merge"] == f"sessions:bag{{({columns})}}"


def test_all_buckets_together_are_the_sessions() -> None:
    pieces = load("sessionpieces", str(DEMO)).read_all().to_pylist()
    rows = []
    for bucket in {row["bucket"] for row in pieces}:
        answer = sessions.merge([(row["piece"],) for row in pieces if row["bucket"] == bucket], "dport == 80")
        assert answer is not None
        rows += decode(answer)[0]
    wanted = load("sessions", str(DEMO), where="dport == 80").read_all().select([column.name for column in COLUMNS])
    assert sorted(rows, key=repr) == sorted((tuple(row.values()) for row in wanted.to_pylist()), key=repr)
