"""The macros SESSIONS, SENSOR_SESSIONS, WITH_SESSION and FEATURES in Pig: many tasks, the sessions of one run."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from packetpig.loaders import load

from tests.conftest import DEMO
from tests.loaders.test_sessionpieces import traffic
from tests.loaders.test_sessions import ACK, Talk, closed
from tests.making import pcap

Pig = Callable[..., subprocess.CompletedProcess[str]]
COLUMNS = ["sensor", "session_id", "state", "end_state", "service", "src_packets", "dst_packets", "src_bytes"]


def run(pig: Pig, folder: Path, script: str, *arguments: str) -> list[list[str]]:
    """What a script stored in OUT, as rows of text."""
    out = folder / "out"
    path = folder / "script.pig"
    path.write_text(script.replace("OUT", f"INTO '{out}' USING PigStorage('\\t')"))
    result = pig(*arguments, str(path))
    assert result.returncode == 0, result.stderr
    lines = [line for part in sorted(out.glob("part-*")) for line in part.read_text().splitlines()]
    return sorted(line.split("\t") for line in lines)


def expected(path: Path, **options: str) -> list[list[str]]:
    rows = load("sessions", str(path), **options).read_all().select(COLUMNS).to_pylist()
    return sorted(["" if value is None else str(value) for value in row.values()] for row in rows)


def sessions(macro: str, path: Path) -> str:
    return f"s = {macro}('{path}', 'true'); w = FOREACH s GENERATE {', '.join(COLUMNS)}; STORE w OUT;"


def test_the_demo(tmp_path: Path, pig: Pig) -> None:
    assert run(pig, tmp_path, sessions("SESSIONS", DEMO)) == expected(DEMO)


def test_many_splits(tmp_path: Path, pig: Pig) -> None:
    path = tmp_path / "a.pcap"
    path.write_bytes(pcap(traffic(3, 400)))
    found = run(pig, tmp_path, sessions("SESSIONS", path), "-Dpacketpig.split.bytes=100000")
    assert found == expected(path)


def test_sensors(tmp_path: Path, pig: Pig) -> None:
    for number, sensor in enumerate(("north", "south")):
        (tmp_path / "in" / sensor).mkdir(parents=True)
        (tmp_path / "in" / sensor / "a.pcap").write_bytes(pcap(traffic(number)))
    wanted = expected(tmp_path / "in", sensors="folders")
    assert run(pig, tmp_path, sessions("SENSOR_SESSIONS", tmp_path / "in")) == wanted
    shutil.rmtree(tmp_path / "out")
    assert run(pig, tmp_path, sessions("SESSIONS", tmp_path / "in"), "-Dpacketpig.sensors=folders") == wanted


def test_the_session_of_a_packet_where_ports_are_used_again(tmp_path: Path, pig: Pig) -> None:
    talk = closed(Talk().open()).open(90_000, 70_000).c(ACK, 90_001, 70_001, b"again")
    path = tmp_path / "a.pcap"
    path.write_bytes(pcap(talk.packets, nanos=True))
    script = f"""
        s = SESSIONS('{path}', 'true');
        p = LOAD '{path}' USING PacketLoader();
        rows = FOREACH p GENERATE sensor, community_id, ts, number;
        joined = WITH_SESSION(rows, s);
        w = FOREACH joined GENERATE number, session_id;
        STORE w OUT;"""
    found = {int(number): name for number, name in run(pig, tmp_path, script)}
    ids = [
        row["session_id"] for row in sorted(load("sessions", str(path)).read_all().to_pylist(), key=lambda r: r["ts"])
    ]
    assert found == {number: ids[0] if number <= 6 else ids[1] for number in range(1, 11)}


def test_features_load_as_numbers(tmp_path: Path, pig: Pig) -> None:
    rows = run(pig, tmp_path, f"f = FEATURES('{DEMO}'); STORE f OUT;")
    wanted = load("sessions", str(DEMO), columns=["session_id"]).read_all()["session_id"].to_pylist()
    assert sorted(row[0] for row in rows) == sorted(wanted)
    for row in rows:
        assert len(row) == 43
        assert all(value == value for value in map(float, row[1:]))
