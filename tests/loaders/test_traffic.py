"""All kinds from one decode: the rows that each loader gives alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from packetpig.loaders import load
from packetpig.loaders.captures.capture import local
from packetpig.loaders.contract.discovery import find
from packetpig.loaders.contract.loader import OptionError, run
from packetpig.loaders.contract.report import Report
from packetpig.loaders.shell.main import main
from packetpig.loaders.traffic import KINDS

from tests.conftest import DEMO
from tests.loaders.talking import Dialogue, capture
from tests.making import pcap

Rows = list[dict[str, Any]]


def of_kind(rows: Rows, kind: str) -> Rows:
    """The tuples of one kind; what rows have besides must be that tuple's, and null."""
    found = []
    for row in rows:
        if row.get(kind) is not None:
            others = {name: value for name, value in row.items() if name not in (kind, "sensor", "capture", "ts")}
            assert not any(value is not None for value in others.values())
            assert (row["sensor"], row["capture"], row["ts"]) == tuple(
                row[kind][name] for name in ("sensor", "capture", "ts")
            )
            found.append(row[kind])
    return ordered(found)


def ordered(rows: Rows) -> Rows:
    return sorted(rows, key=lambda row: json.dumps(row, default=str))


def alone(kind: str, path: Path | str, where: str | None = None, **options: str) -> Rows:
    columns = [column.name for column in KINDS[kind].schema(options)]
    return ordered(load(kind, str(path), columns, where, **options).read_all().to_pylist())


def test_every_kind_is_as_its_loader_gives_it() -> None:
    rows = load("traffic", str(DEMO)).read_all().to_pylist()
    assert {"sessions", "dns", "http", "tls"} <= set(KINDS)
    found = {kind: of_kind(rows, kind) for kind in KINDS}
    for kind, some in found.items():
        assert some == alone(kind, DEMO), kind
    assert len(rows) == sum(map(len, found.values()))
    assert all(len(found[kind]) > 10 for kind in ("sessions", "dns", "http", "tls"))


def test_options_of_kinds() -> None:
    table = load(
        "traffic", str(DEMO), kinds="tls,dns,sessions", dns_where="rcode == 'NXDOMAIN'", dns_columns="name,type",
        sessions_where="service == 'tls'", sessions_columns="session_id", tls_columns="session_id,sni",
        tls_where="carrier == 'tls'",
    ).read_all()  # fmt: skip
    assert table.column_names == ["sensor", "capture", "ts", "sessions", "dns", "tls"]
    rows = table.to_pylist()
    names = ordered([row["dns"] for row in rows if row["dns"]])
    assert names == ordered(
        [{"name": row["name"], "type": row["type"]} for row in alone("dns", DEMO, "rcode == 'NXDOMAIN'")]
    )
    assert names
    sessions = {row["sessions"]["session_id"] for row in rows if row["sessions"]}
    assert {row["tls"]["session_id"] for row in rows if row["tls"]} <= sessions


def test_fewer_columns_and_kinds() -> None:
    whole = load("traffic", str(DEMO), kinds="sessions,http").read_all().to_pylist()
    only = load("traffic", str(DEMO), ["http"], kinds="sessions,http").read_all().to_pylist()
    assert sum(row["http"] is not None for row in only) == sum(row["http"] is not None for row in whole) > 0
    assert len(only) == len(whole)
    decoded = load("traffic", str(DEMO), decode="http").read_all().to_pylist()
    assert of_kind(decoded, "http") == alone("http", DEMO)
    assert len(decoded) == len(alone("http", DEMO))
    assert all(row["dns"] is None for row in decoded)
    picked = load("traffic", str(DEMO), ["ts", "tls"], "tls IS NOT NULL AND ts > 0").read_all()
    assert len(picked) == len(alone("tls", DEMO))


def test_an_option_goes_to_its_kind(tmp_path: Path) -> None:
    path = tmp_path / "a.pcap"
    talk = Dialogue().c(b"GET /a HTTP/1.1\r\nHost: h\r\nAccept: x\r\n\r\n")
    path.write_bytes(capture(talk.s(b"HTTP/1.1 204 No\r\nServer: y\r\n\r\n").close()))
    rows = load("traffic", str(path), kinds="http", http_field="*").read_all().to_pylist()
    assert [row["http"]["name"] for row in rows] == ["Host", "Accept", "Server"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"kinds": "dns,smoke"}, "no kind smoke; there are sessions, dns"),
        ({"decode": "smoke"}, "no kind smoke"),
        ({"dns_columns": "nothing"}, "dns_columns: dns have no column nothing; they have sensor"),
        ({"http_nothing": "1"}, "TrafficLoader has no option http_nothing"),
    ],
)
def test_wrong_options(options: dict[str, str], said: str) -> None:
    with pytest.raises(OptionError, match=said):
        load("traffic", str(DEMO), **options).read_all()


def _fails(*_: object, **__: object) -> None:
    raise RuntimeError("on purpose")


@pytest.mark.parametrize(
    ("where", "kind"),
    [
        ("packetpig.loaders.protocols.http1.Conversation.said", "http"),
        ("packetpig.loaders.http.Parser._row", "http"),
        ("packetpig.loaders.filing.file.File.data", "files"),
        ("packetpig.loaders.filing.file.File.end", "files"),
        ("packetpig.loaders.filing.http.Web.gone", "files"),
        ("packetpig.loaders.dns.Parser.said", "dns"),
        ("packetpig.loaders.tls.Parser.said", "tls"),
    ],
)
def test_a_parser_that_fails_is_counted_as_what_it_is(
    where: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever kind was first to be given the bytes, as those of HTTP are also files'. The others' rows are there."""
    monkeypatch.setattr(where, _fails)
    web = (
        Dialogue()
        .c(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        .s(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody")
        .close()
    )
    names = Dialogue(dport=53, sport=40001).c(b"\0\x11\0\1\1\0\0\1\0\0\0\0\0\0\0\0\1\0\1").close()
    hello = Dialogue(dport=443, sport=40002).c(b"\x16\3\1\0\4\1\0\0\0").close()
    (tmp_path / "a.pcap").write_bytes(capture(web, names, hello))
    report = Report()
    _, batches = run(find("traffic"), [local(tmp_path / "a.pcap")], report=report)
    assert len([row for batch in batches for row in batch.to_pylist() if row["sessions"]]) == 3
    assert [name for name in report.counters if "parser failed" in name] == [
        f"{kind}: sessions given up, the parser failed"
    ]


def test_batches_of_every_size_have_the_same_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kinds are emptied when they are full, all of them now and then; sessions end in between."""
    path = DEMO / "2024-03-05T12.pcap"
    wanted = {kind: alone(kind, path) for kind in KINDS}
    for rows, together in ((1, 1), (7, 3), (100, 1024)):
        monkeypatch.setattr("packetpig.loaders.flows.messages.ROWS", rows)
        monkeypatch.setattr("packetpig.loaders.flows.messages.WAITING", rows)
        monkeypatch.setattr("packetpig.loaders.dns.TOGETHER", (1 << 20, together))
        found = load("traffic", str(path)).read_all().to_pylist()
        assert {kind: of_kind(found, kind) for kind in KINDS} == wanted


@pytest.mark.parametrize("captures", [1, 2])
@pytest.mark.parametrize("indexed", [False, True])
def test_a_part_of_the_time(captures: int, indexed: bool, tmp_path: Path) -> None:
    """From `start` on, and before `end`: as if nothing else had been captured, with time indexes too."""
    begin = 1_709_596_800.0
    talks = [Dialogue(sport=1000 + n, start=begin + n / 7) for n in range(2000)]
    for talk in talks:
        for number in range(6):
            talk.now += 40.0
            talk.c(b"GET /%d HTTP/1.1\r\nHost: h\r\n\r\n" % number)
            talk.s(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    packets = sorted(one for talk in talks for one in talk.packets)
    low, high = begin + 100, begin + 300.5
    for number in range(captures):
        (tmp_path / f"{number}.pcap").write_bytes(pcap(packets[number::captures]))
    (tmp_path / "part").mkdir()
    (tmp_path / "part/0.pcap").write_bytes(pcap([one for one in packets if low <= one[0] < high]))
    if indexed:
        assert main(["index", *(str(tmp_path / f"{number}.pcap") for number in range(captures))]) == 0
    whole = str(tmp_path / "*.pcap")
    but = {"capture"}
    for kind in ("sessions", "http", "files"):
        rows = load("traffic", whole, decode=kind, start=str(int(low)), end=str(high)).read_all().to_pylist()
        wanted = load("traffic", str(tmp_path / "part"), decode=kind).read_all().to_pylist()
        found, other = (
            [{k: v for k, v in row[kind].items() if k not in but} for row in some] for some in (rows, wanted)
        )
        assert ordered(found) == ordered(other)
        assert len(found) >= 2000
