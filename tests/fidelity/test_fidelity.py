"""PacketLoader's columns are tshark's: on captures made for it, cut at every byte too, and on the project's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import DEMO
from tests.fidelity import differing, dns, files, http, packets, tls
from tests.fidelity.made import CAPTURES, write
from tests.fidelity.tshark import available

pytestmark = pytest.mark.skipif(not available(), reason="tshark is missing; `make setup` says how to install it")


def same(*captures: Path, inner: bool = False) -> packets.Comparison:
    """Compare captures; fail with what differs for reasons that are not known."""
    comparison = packets.Comparison()
    for capture in captures:
        comparison.compare(capture, inner)
    assert not comparison.unexplained_rows, "\n".join(comparison.lines())
    return comparison


@pytest.mark.parametrize("inner", [False, True], ids=["outer", "inner"])
def test_made(tmp_path: Path, inner: bool) -> None:
    capture = write(tmp_path / "made.pcapng")
    assert same(capture, inner=inner).rows == sum(len(frames) for _, frames in CAPTURES.values())


@pytest.mark.parametrize("inner", [False, True], ids=["outer", "inner"])
def test_cut(tmp_path: Path, inner: bool) -> None:
    """Frames of which only the first bytes were captured, every number of them."""
    same(write(tmp_path / "cut.pcapng", cut=True), inner=inner)


def test_demo() -> None:
    captures = list(packets.captures([str(DEMO)])) if DEMO.exists() else []
    if not captures:
        pytest.skip("the demo captures are not there")
    assert same(*captures).rows > 0


def test_dns_of_the_demo() -> None:
    """Of SRV records tshark names the owner in another field; nothing else differs."""
    found = differing.Differing()
    for capture in packets.captures([str(DEMO)]):
        dns.tshark(found, capture)
    assert set(found.kinds) <= {"name"}, "\n".join(found.lines())
    assert found.rows > 3000
    assert not found.failed


def test_tls_of_the_demo() -> None:
    """tshark does not look for TLS in FTP that was not asked for it: a service probe."""
    found = differing.Differing()
    for capture in packets.captures([str(DEMO)]):
        tls.tshark(found, capture)
    assert found.kinds == {"a handshake that only we have": 1}, "\n".join(found.lines())
    assert found.rows > 20


def test_http_of_the_demo() -> None:
    """docs/differences.md says why: a response from the middle of a packet, HTTP sent to SMTP, a method of nobody's."""
    found = differing.Differing()
    for capture in packets.captures([str(DEMO)]):
        http.tshark(found, capture)
    assert found.differing == 5, "\n".join(found.lines())
    assert found.kinds["only we see HTTP"] == found.kinds["status"] == 2
    assert found.rows > 400


def test_files_of_the_demo() -> None:
    """What tshark exports of SMB, TFTP and mail, and whole bodies of HTTP."""
    rows = 0
    for name in ("2024-03-04T08.pcap", "2024-03-05T12.pcap"):
        capture = DEMO / name
        mine = {row["sha256"] for row in files.ours(capture)}
        for protocol, hashes in files.exported(capture).items():
            lacking = hashes.keys() - mine
            assert len(lacking) <= (protocol == "http"), f"{name}: {protocol}: {lacking}"  # a body that was cut
            rows += sum(hashes.values())
    assert rows >= 30
