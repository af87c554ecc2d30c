"""Packets chosen as they are found: the same ones as by a filter over columns, or none and the filter is asked."""

from __future__ import annotations

import struct
import subprocess
import sys
from array import array
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packetpig.loaders import load
from packetpig.loaders.captures import parallel, pcap
from packetpig.loaders.captures.capture import local
from packetpig.loaders.carving import choosing
from packetpig.loaders.carving.conditions import condition
from packetpig.loaders.carving.evidence import Evidence
from packetpig.loaders.contract.report import Report
from packetpig.loaders.contract.where import parse
from packetpig.loaders.decode.headers import HEADERS

from tests.conftest import DEMO
from tests.fidelity.made import CAPTURES
from tests.making import conversation, ethernet, ipv4, tcp
from tests.making import pcap as made

SCRIPT = "import sys; from packetpig.loaders.shell.main import main; print(main(), *sys.modules)"
COLUMNS = ["ts_ns", "link_type", "length", "captured", "frame"]
NAMES = sorted({"ts", *HEADERS} - {"number"})


def frames(path: Path, where: str) -> list[dict[str, Any]]:
    """By columns."""
    return load("packets", str(path), COLUMNS, where=where).read_all().to_pylist()


def carved(path: Path, where: str, out: Path) -> list[dict[str, Any]] | None:
    """By a condition; None where that is not possible."""
    steps, report = condition(parse(where)), Report()
    assert steps is not None, where
    evidence = Evidence(out, report)
    try:
        if not choosing.carve(local(path), steps, evidence, report):
            assert evidence.packets == 0
            return None
        packets = evidence.packets
        (written,) = evidence.finish()
    finally:
        evidence.discard()
    found = load("packets", str(written), COLUMNS).read_all().to_pylist()
    assert len(found) == packets
    return found


def compared(path: Path, where: str, out: Path) -> int:
    """How many packets both find, after they were compared. (A capture without packets has no link type to compare.)"""
    found, expected = carved(path, where, out), frames(path, where)
    assert found == expected, where
    return len(expected)


@pytest.fixture(scope="module")
def captures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The demo's captures, and every beginning of the frames that were made for each link type."""
    folder = tmp_path_factory.mktemp("captures")
    found = [path for path in sorted(DEMO.iterdir()) if pcap.Pcap.recognises(path.read_bytes()[:4])]
    assert found
    for name, (link_type, several) in CAPTURES.items():
        cut = [(1_700_000_000 + i, frame[:size]) for i, frame in enumerate(several) for size in range(len(frame) + 1)]
        found.append(folder / f"{name}.pcap")
        found[-1].write_bytes(made(cut, link_type=link_type, lengths=200))
    return found


def test_every_column(captures: list[Path], tmp_path: Path) -> None:
    """Each compared in each way with values that it has and has not, in captures of every kind."""
    for path in (captures[0], *captures[-len(CAPTURES) :]):
        table = load("packets", str(path), NAMES).read_all()
        for name in NAMES:
            column = table[name]
            values = sorted({value for value in column.to_pylist() if value is not None}) or [1]
            value = values[len(values) // 2]
            if isinstance(value, str):
                wheres = [f"{name} {how} '{value}'" for how in ("==", "!=")]
            elif name == "ts":
                wheres = [f"{name} {how} {value!r}" for how in ("<", "<=", ">", ">=")]
            else:
                wheres = [f"{name} {how} {value}L" for how in ("==", "!=", "<", "<=", ">", ">=")]
            for where in (*wheres[:: 1 if path == captures[0] else 3], f"{name} IS NULL"):
                compared(path, where, tmp_path / "out.pcap")


def numbers(name: str) -> st.SearchStrategy[str]:
    """Comparisons of a column with numbers."""
    how = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])
    value = st.sampled_from([-1, 0, 1, 4, 6, 17, 25, 53, 80, 443, 1500, 2048, 65535, 2**31, 2**40])
    return st.builds(lambda how, value: f"{name} {how} {value}", how, value)


ATOMS = st.one_of(
    st.sampled_from([name for name in NAMES if name not in ("ts", "ip_src", "ip_dst")]).flatmap(numbers),
    st.sampled_from(
        [
            "ts >= 1709625600",
            "1709625600.25 > ts",
            "ip_src == '10.20.0.5'",
            "ip_dst != '2001:db8::1'",
            "true",
            "false",
            "sport IN (25, 53, 80)",
            "tcp_syn IS NULL",
            "udp_len IS NOT NULL",
            "ip_dst IN ('10.20.0.5', '::')",
        ]
    ),
)
TREES = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.builds(lambda one: f"NOT ({one})", inner),
        st.builds(lambda one, word, other: f"({one}) {word} ({other})", inner, st.sampled_from(["AND", "OR"]), inner),
    ),
    max_leaves=6,
)


@settings(max_examples=60, deadline=None)
@given(where=TREES)
def test_the_same_as_by_columns(tmp_path_factory: pytest.TempPathFactory, where: str) -> None:
    compared(
        min(DEMO.glob("*.pcap"), key=lambda path: path.stat().st_size), where, tmp_path_factory.mktemp("o") / "o.pcap"
    )


@pytest.mark.parametrize(("order", "nanos"), [("<", False), (">", False), (">", True)])
@pytest.mark.parametrize("segment", [1_000, 40_000])
def test_by_two_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, order: str, nanos: bool, segment: int) -> None:
    path = tmp_path / "a.pcap"
    path.write_bytes(made(conversation(2000, gap=0.01), order, nanos))
    monkeypatch.setattr(pcap, "OVERLAP", 10_000)
    monkeypatch.setattr(parallel, "SEGMENT", segment)
    monkeypatch.setattr(parallel, "possible", lambda capture, size: True)
    assert 0 < compared(path, "tcp_len > 100 OR tcp_syn == 1", tmp_path / "out.pcap") < 2000
    assert compared(path, "true", tmp_path / "out.pcap") == 2000


def test_records_larger_than_the_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choosing, "ROOM", 20)
    (tmp_path / "a.pcap").write_bytes(made([(i, ethernet(ipv4(tcp(b"x" * 50 * i)))) for i in range(20)]))
    assert compared(tmp_path / "a.pcap", "tcp_len >= 50", tmp_path / "out.pcap") == 19


def test_what_is_damaged_is_left_to_the_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = made(conversation(300))
    late = struct.pack("<IIII", 0xFFFF_FFFF, 4_000_000_000, 4, 4) + b"late"  # after all that a pcap can say
    damaged = bytearray(whole)
    damaged[24 + 8 : 24 + 12] = b"\xff\xff\xff\x7f"
    for data in (
        whole[:-1],
        bytes(damaged),
        whole + late,
        made([], link_type=147),
        whole[:20],
        b"\n\r\r\n" + bytes(60),
    ):
        (tmp_path / "a.pcap").write_bytes(data)
        assert carved(tmp_path / "a.pcap", "true", tmp_path / "out.pcap") is None
    assert carved(tmp_path, "true", tmp_path / "out.pcap") is None
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.pcap"]


@pytest.mark.parametrize(
    "where",
    [
        "ip_src == '010.0.0.1'", "ip_src < '10.0.0.1'", "number == 1", "length > 1.5", "sport == dport", "ts == 1",
        "length + 1 > 2", "community_id == '1:x'", "frame IS NULL", "ip_src MATCHES '10.*'", "(int)ts > 5",
        "true == true",
    ],
)  # fmt: skip
def test_what_is_left_to_columns(where: str) -> None:
    assert condition(parse(where)) is None


def test_one_that_is_nested_too_deep() -> None:
    tree = ["==", ["column", "length"], ["int", 1]]
    deep: list[Any] = tree
    for _ in range(31):
        deep = ["or", tree, deep]
    assert isinstance(condition(deep[2]), array)
    assert condition(deep) is None


def test_what_was_written_before_stays(tmp_path: Path) -> None:
    """The second of three captures is cut: what was taken of it is taken back, and it is read as columns."""
    folder = tmp_path / "in"
    folder.mkdir()
    for i in range(3):
        data = made(conversation(100, 1_700_000_000.0 + 1000 * i))
        (folder / f"{i}.pcap").write_bytes(data[:-7] if i == 1 else data)
    script = (
        "import sys; from packetpig.loaders.shell.main import main; code = main(); print(*sys.modules); sys.exit(code)"
    )
    command = [sys.executable, "-c", script, "carve", "--where", "tcp_len > 0"]
    done = subprocess.run([*command, folder, tmp_path / "out.pcap"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "1.pcap: offset" in done.stderr
    assert "cut in the middle of a packet" in done.stderr
    assert frames(tmp_path / "out.pcap", "true") == frames(folder, "tcp_len > 0")
    assert "pyarrow" in done.stdout.split()
    done = subprocess.run(
        [*command, folder / "0.pcap", tmp_path / "0.pcap"], capture_output=True, text=True, check=True
    )
    assert not {"numpy", "pyarrow"} & set(done.stdout.split())


def test_a_time_index_is_still_made_use_of(tmp_path: Path, packetpig: Any) -> None:
    (tmp_path / "a.pcap").write_bytes(made(conversation(100)))
    assert packetpig("index", tmp_path / "a.pcap").returncode == 0
    done = packetpig("carve", "--where", "ts > 1700000005", tmp_path / "a.pcap", tmp_path / "out.pcap")
    assert done.returncode == 0
    assert frames(tmp_path / "out.pcap", "true") == frames(tmp_path / "a.pcap", "ts > 1700000005")
