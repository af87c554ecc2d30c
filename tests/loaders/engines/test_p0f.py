"""Lines of p0f, taken apart: whole or cut anywhere, of both IP versions, and what is not understood. Needs no p0f."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from packetpig.loaders.contract.report import Report
from packetpig.loaders.engines.p0f import AT_ONCE, P0f, Said
from packetpig.loaders.engines.process import EngineError
from packetpig.loaders.engines.trail import Trail
from packetpig.loaders.kernels import fedslots, p0fslots

CLIENT, SERVER = ("10.1.2.3", 40000), ("192.0.2.9", 80)
START = b"--- p0f 3.09b by Michal Zalewski ---\n\n[+] Loaded 320 signatures.\n\n"
END = b"\nAll done. Processed 7 packets.\n"


def record(mod: str, *fields: tuple[str, str], subject: str = "client", ends: Any = (CLIENT, SERVER)) -> bytes:
    client, server = (f"{address}/{port}" for address, port in ends)
    lines = [f"{name:8} = {value}" for name, value in ((subject, client), *fields)]
    body = "".join(f"| {line}\n" for line in lines)
    return f".-[ {client} -> {server} ({mod}) ]-\n|\n{body}|\n`----\n\n".encode()


LINES = START + b"".join(
    [
        record("syn", ("os", "Linux 3.11 and newer"), ("dist", "0"), ("raw_sig", "4:64+0:0:1460:mss*20,7::df:0")),
        record("mtu", ("link", "???"), ("raw_mtu", "1500")),
        record("uptime", ("uptime", "0 days 1 hrs 2 min (modulo 49 days)"), ("raw_freq", "1000.25 Hz"),
               subject="server"),
        record("http request", ("app", "???"), ("lang", "none"), ("raw_sig", "1:Host,User-Agent=[a = b | c]:x:y")),
        record("syn", ("os", "???"), ends=(("2001:db8:0:0:0:0:0:1", 1), ("2001:db8:0:0:0:0:0:ffff", 65535))),
    ]
) + END  # fmt: skip


def trail() -> Trail:
    """One packet, of no flow."""
    known = Trail(detailed=True)
    known.add(np.full((1, fedslots.COLUMNS), 5, np.int64))
    known.told = 1
    return known


def said(*blocks: bytes) -> tuple[list[Said], P0f]:
    engine, known = P0f("p0f", "", 1, 1, Report()), trail()
    found = [one for block in blocks for one in engine.records(block, known)]
    return [*found, *engine.rest(known)], engine


def values(found: list[Said], name: str) -> list[str | None]:
    out: list[str | None] = []
    for one in found:
        index, bitmap, _, texts = one.texts(name)
        there = np.unpackbits(bitmap, bitorder="little")[: len(index)]
        out += [texts[at] if has else None for at, has in zip(index, there, strict=True)]
    return out


def test_values() -> None:
    found, engine = said(LINES)
    assert values(found, "mod") == ["syn", "mtu", "uptime", "http request", "syn"]
    assert values(found, "subject") == ["client", "client", "server", "client", "client"]
    assert values(found, "os") == ["Linux 3.11 and newer", None, None, None, None]
    assert values(found, "raw_mtu") == [None, "1500", None, None, None]
    assert values(found, "raw_freq")[2] == "1000.25 Hz"
    assert values(found, "raw_sig")[3] == "1:Host,User-Agent=[a = b | c]:x:y"
    rows = found[0].rows
    assert rows[2, p0fslots.WANTED] == 100025
    assert rows[0, p0fslots.PORTS] == (4 << 56) | (6 << 48) | (40000 << 16) | 80
    assert (rows[0, p0fslots.A_LOW], rows[0, p0fslots.B_LOW]) == (0x0A010203, 0xC0000209)
    assert rows[4, p0fslots.A_HIGH] == 0x20010DB8 << 32
    assert (rows[4, p0fslots.A_LOW], rows[4, p0fslots.B_LOW]) == (1, 0xFFFF)
    engine.check(7)


@pytest.mark.parametrize("size", [1, 7, 64])
def test_cut_anywhere(size: int) -> None:
    whole, _ = said(LINES)
    pieces, engine = said(*(LINES[at : at + size] for at in range(0, len(LINES), size)))
    for name in p0fslots.NAMES:
        assert values(pieces, name) == values(whole, name)
    assert [one.rows[:, : p0fslots.FIELDS].tolist() for one in pieces] == [
        one.rows[:, : p0fslots.FIELDS].tolist() for one in whole
    ]
    engine.check(7)


def test_thousands() -> None:
    """More than are taken apart, or given, at once; with more other lines than fit as well."""
    each = [record("syn", ("os", f"Number {k % 1000}")) for k in range(3 * AT_ONCE)]
    found, _ = said(START * 100 + b"".join(each))
    assert values(found, "os") == [f"Number {k % 1000}" for k in range(3 * AT_ONCE)]


def test_bytes_that_are_no_text() -> None:
    found, _ = said(record("http request", ("app", "X")).replace(b"X", b"\xff\xe9"))
    assert values(found, "app") == ["\\xff\\xe9"]


@pytest.mark.parametrize("old", ["10.1.2.3/40000 ->", "/40000 ->", "-> 192.0.2.9", "/80 (", ") ]-"])
def test_what_is_not_understood(old: str) -> None:
    text = record("syn").decode().replace(old, {") ]-": ") ]"}.get(old, "nonsense"), 1)
    with pytest.raises(EngineError, match=r"p0f wrote what is not understood: \.-\["):
        said(text.encode())


def test_a_record_without_end() -> None:
    with pytest.raises(EngineError, match="p0f wrote a record of more than"):
        said(record("syn")[:-10], *[b"| os = " + b"x" * (1 << 20) + b"\n"] * 5)


def test_packets_that_are_not_there_are_counted() -> None:
    engine, known = P0f("p0f", "", 1, 1, report := Report()), trail()
    found = [*engine.records(LINES, known), *engine.rest(known)]
    assert report.counters["fingerprints whose packet was not found"] == 5
    assert set(found[0].rows[:, p0fslots.TIME]) == {5}, "the nearest that is known"
