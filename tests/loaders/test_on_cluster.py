"""Every loader and every kind of function on HDFS and YARN, with MapReduce and with Tez: the rows of one machine."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from packetpig.loaders import load
from packetpig.loaders.contract.discovery import find, names
from packetpig.loaders.engines.process import MissingError

from docker.cluster import MiniCluster
from tests.conftest import DEMO, ROOT

pytestmark = pytest.mark.cluster
PIG = str(ROOT / "bin/pig")
MODES = ["mapreduce", pytest.param("tez", marks=pytest.mark.slow)]
SPLIT = 2_000_000  # bytes a task: several of each loader
MINE = """from pig_util import outputSchema

@outputSchema("place:tuple(name:chararray, where:tuple(sensor:chararray, letters:int))")
def place(name, sensor):
    return name.upper(), (sensor, len(name))

@outputSchema("letters:int")
def letters(name):
    return len(name)
"""
FUNCTIONS = {
    "functions of ours": "FOREACH volumes GENERATE domains.registered_domain(capture), times.hour(ts)",
    "functions of a file": "FOREACH volumes GENERATE FLATTEN(mine.place(capture, sensor))",
    "functions of Pig's own Python": "FOREACH volumes GENERATE pigs.letters(capture)",
    "functions over bags": "FOREACH (GROUP volumes BY capture) GENERATE group, sessions.regularity(volumes.(ts))",
}
"""Relations of which each has another kind of function in it, by what tests call them."""
EVIDENCE = "packets as a capture"
MERGED = "sessions put together"


def relation(what: str) -> str:
    return what.replace(" ", "_").replace("'", "")


def works(loader: str) -> bool:
    """Whether it does on this machine: some need a program that may not be installed."""
    try:
        load(loader, str(DEMO / "2024-03-06T04.pcap"), ["ts"]).read_all()
    except MissingError:
        return False
    return True


LOADERS = list(names())


def script(captures: str, out: str, folder: Path) -> str:
    """One script that stores all of it."""
    lines = [
        f"REGISTER '{folder}/mine.py' USING packetpig.bridge.Python AS mine;",
        f"REGISTER '{folder}/mine.py' USING streaming_python AS pigs;",
    ]
    for name in LOADERS:
        if works(name):
            lines.append(f"{name} = LOAD '{captures}' USING {find(name).pig}(); STORE {name} INTO '{out}/{name}';")
    for what, statement in FUNCTIONS.items():
        lines.append(f"{relation(what)} = {statement}; STORE {relation(what)} INTO '{out}/{relation(what)}';")
    lines.append(f"evidence = LOAD '{captures}' USING PacketLoader(); few = FILTER evidence BY ip_proto == 17;")
    lines.append(f"STORE few INTO '{out}/{relation(EVIDENCE)}' USING PcapStorage();")
    lines.append(f"merged = SESSIONS('{captures}', 'true'); STORE merged INTO '{out}/{relation(MERGED)}';")
    return "\n".join(lines)


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory, cluster: MiniCluster) -> Callable[[str], Path]:
    """The folder with all rows, as the script stores them in that mode."""

    @cache
    def run(mode: str) -> Path:
        folder = tmp_path_factory.mktemp(mode)
        (folder / "mine.py").write_text(MINE)
        environment = {**os.environ, **cluster.environment, "PACKETPIG_LOGS": str(folder / "logs")}

        def pig(statements: str) -> None:
            (folder / "script.pig").write_text(statements)
            command = [PIG, "-x", mode, f"-Dpacketpig.split.bytes={SPLIT}", str(folder / "script.pig")]
            done = subprocess.run(
                command, capture_output=True, text=True, env=environment, timeout=600, check=False, cwd=folder
            )
            assert done.returncode == 0, done.stderr

        if mode == "local":
            pig(script(str(DEMO), f"{folder}/out", folder))
        else:
            there = f"/every/{mode}"
            pig(f"fs -mkdir -p {there}; fs -put {DEMO} {there};\n" + script(f"{there}/demo", f"{there}/out", folder))
            pig(f"fs -get {there}/out {folder}/out; fs -rm -r -f {there};")
        return folder / "out"

    return run


def rows(folder: Path) -> list[bytes]:
    lines: list[bytes] = []
    for part in folder.glob("part-*"):
        lines += part.read_bytes().splitlines(keepends=True)
    return sorted(lines)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("what", [*LOADERS, *FUNCTIONS, MERGED])
def test_the_rows_are_those_of_one_machine(outputs: Callable[[str], Path], what: str, mode: str) -> None:
    local = outputs("local") / relation(what)
    if not local.exists():
        pytest.skip(f"{what} does not run on this machine either")
    expected = rows(local)
    assert len(expected) > 1
    assert rows(outputs(mode) / relation(what)) == expected


@pytest.mark.parametrize("mode", MODES)
def test_captures_are_stored_in_hdfs(outputs: Callable[[str], Path], mode: str) -> None:
    def packets(where: str) -> list[tuple]:
        table = load("packets", str(outputs(where) / relation(EVIDENCE)), ["ts_ns", "link_type", "length", "frame"])
        return sorted(tuple(row.values()) for row in table.read_all().to_pylist())

    assert packets("local")
    assert packets(mode) == packets("local")
