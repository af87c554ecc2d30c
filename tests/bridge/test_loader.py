"""CaptureLoader in Pig: schema, projection, filters as they arrive, splits, failures of the worker."""

import json
import os
import re
import subprocess
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

PCAP = b"\xd4\xc3\xb2\xa1\x02\x00\x04\x00" + bytes(16)


@pytest.fixture
def captures(tmp_path: Path) -> Path:
    folder = tmp_path / "captures"
    (folder / "north").mkdir(parents=True)
    (folder / "a.pcap").write_bytes(PCAP + bytes(1000))
    (folder / "north/b.pcap").write_bytes(PCAP + bytes(2000))
    return folder


def load(captures: Path, loader: str, *options: str) -> str:
    arguments = ", ".join(f"'{o}'" for o in (loader, *options))
    return f"LOAD '{captures}' USING PythonLoader({arguments})"


def jobs(out: Path) -> dict[str, dict]:
    """What workers were told, by the option mode."""
    found = [json.loads(line) for line in out.read_text().splitlines()]
    return {job["options"]["mode"]: job for job in found}


def test_schema_and_values(pig, captures):
    run = pig(f"a = {load(captures, 'types')}; DESCRIBE a; DUMP a;")
    assert run.code == 0, run.errors
    assert run.rows[0].startswith("a: {flag: boolean,small: int,wide: long,real: double,narrow: float,text: chararray")
    assert run.rows[2] == "(,,,,,,,,,,,)"
    assert run.rows[3] == "(false,-70000,-1,-0.25,8.0,,two,,{},{},(y,),[])"
    assert run.rows[4] == "(false,-70000,-1,-0.25,8.0,,three,,{},{},(y,),[])"


def test_projection_and_filters(pig, captures, tmp_path):
    """One job of many branches; each writes down what its worker was told."""
    out = tmp_path / "jobs"
    filters = {
        "n == 80": ["==", ["column", "n"], ["int", 80]],
        "n != 80 AND size > 5L": ["and", ["!=", ["column", "n"], ["int", 80]], [">", ["column", "size"], ["long", 5]]],
        "sensor == 'x' OR n < 3": [
            "or",
            ["==", ["column", "sensor"], ["chararray", "x"]],
            ["<", ["column", "n"], ["int", 3]],
        ],
        "NOT (n >= 3)": ["not", [">=", ["column", "n"], ["int", 3]]],
        "sensor IS NULL": ["is null", ["column", "sensor"]],
        "sensor IS NOT NULL": ["not", ["is null", ["column", "sensor"]]],
        "sensor MATCHES '.*x.*'": ["matches", ["column", "sensor"], ["chararray", ".*x.*"]],
        "(long)n <= 5L": ["<=", ["column", "n"], ["long", 5]],
        "n + 1 == n * 2": ["==", ["+", ["column", "n"], ["int", 1]], ["*", ["column", "n"], ["int", 2]]],
        "n % 4 - 1 == n / 3": [
            "==",
            ["-", ["%", ["column", "n"], ["int", 4]], ["int", 1]],
            ["/", ["column", "n"], ["int", 3]],
        ],
        "n IN (1, 2)": ["or", ["==", ["column", "n"], ["int", 1]], ["==", ["column", "n"], ["int", 2]]],
        "size > 5.5": [">", ["column", "size"], ["double", 5.5]],
        "sensor == 'it\\'s \"å\"'": ["==", ["column", "sensor"], ["chararray", 'it\'s "å"']],
        "UPPER(sensor) == 'X' AND n == 1": ["==", ["column", "n"], ["int", 1]],
        "UPPER(sensor) == 'X'": None,
        "size == start": ["==", ["column", "size"], ["column", "start"]],
    }
    script = []
    for i, condition in enumerate(filters):
        script.append(f"a{i} = {load(captures, 'job', f'out={out}', f'mode={i}')};")
        script.append(f"b{i} = FOREACH (FILTER a{i} BY {condition}) GENERATE sensor, end;")
    script.append(f"u = UNION {', '.join(f'b{i}' for i in range(len(filters)))}; DUMP u;")
    run = pig("\n".join(script))
    assert run.code == 0, run.errors
    told = jobs(out)
    for i, (condition, expected) in enumerate(filters.items()):
        assert told[str(i)]["filter"] == expected, condition
        used = {"sensor", "end"} | {name for name in ("n", "size", "start") if re.search(rf"\b{name}\b", condition)}
        order = ["sensor", "capture", "n", "size", "start", "end"]
        assert told[str(i)]["columns"] == [name for name in order if name in used], condition


def test_where_and_options(pig, captures, tmp_path):
    out = tmp_path / "jobs"
    run = pig(f"a = {load(captures, 'job', f'out={out}', 'mode=m', 'where=n == 1', 'sensors=folders')}; DUMP a;")
    assert run.code == 0, run.errors
    job = jobs(out)["m"]
    assert job["where"] == "n == 1"
    assert job["columns"] is None
    assert job["filter"] is None
    assert job["options"] == {"out": str(out), "mode": "m"}
    whole = [{k: c[k] for k in ("size", "start", "end", "capture", "sensor")} for c in job["captures"]]
    assert whole == [
        {"size": 1024, "start": 0, "end": 1024, "capture": "a.pcap", "sensor": "default"},
        {"size": 2024, "start": 0, "end": 2024, "capture": "north/b.pcap", "sensor": "north"},
    ]
    assert job["captures"][0]["local"] == str(captures / "a.pcap")


def test_plans_that_are_made_again_forget_what_was_pushed(pig, captures):
    """Two DUMPs of one LOAD: the first's filter and columns must not stay."""
    script = f"""a = {load(captures, "splits")};
        b = FILTER a BY n == 1; c = FOREACH b GENERATE capture; DUMP c; DUMP a;"""
    run = pig(script)
    assert [row.split(",")[0].strip("()") for row in run.rows] == ["north/b.pcap", "default", "default"], run.errors


@pytest.mark.parametrize("names", ["site, file, number, bytes, first, last", "capture, sensor, n, size, start, end"])
def test_renamed_columns_are_not_mixed_up(pig, captures, tmp_path, names):
    """A LOAD … AS with other names, which Pig translates back only in parts of a filter: columns come in their
    places, and the filter stays with Pig."""
    out = tmp_path / "jobs"
    first, _, _, fourth, _, last = names.split(", ")
    types = ("chararray", "chararray", "int", "long", "long", "long")
    schema = ", ".join(f"{name}:{kind}" for name, kind in zip(names.split(", "), types, strict=True))
    script = f"""a = {load(captures, "job", f"out={out}", "mode=m")} AS ({schema});
        b = FILTER a BY {first} IS NULL AND {fourth} > 5L; c = FOREACH b GENERATE {last}; DUMP c;"""
    run = pig(script)
    assert run.code == 0, run.errors
    job = jobs(out)["m"]
    assert job["columns"] == ["sensor", "size", "end"]
    assert job["filter"] is None


def test_no_columns_counts_rows(pig, captures):
    script = "b = FOREACH a GENERATE 1; c = FOREACH (GROUP b ALL) GENERATE COUNT(b); DUMP c;"
    run = pig(f"a = {load(captures, 'splits')}; {script}")
    assert run.rows == ["(2)"], run.errors


def test_splits_cover_a_capture(pig, captures):
    size = 10_000
    (captures / "a.pcap").write_bytes(PCAP + bytes(size - len(PCAP)))
    script = f"""a = {load(captures, "splits")};
        b = FILTER a BY capture == 'a.pcap'; c = FOREACH b GENERATE start, end; DUMP c;"""
    run = pig(script, packetpig_split_bytes=3000)
    assert run.code == 0, run.errors
    assert sorted(eval(row) for row in run.rows) == [(0, 2500), (2500, 5000), (5000, 7500), (7500, 10000)]
    uncut = pig(script, packetpig_split_bytes=0)
    assert uncut.rows == ["(0,10000)"]


def test_a_sensor_in_one_task(pig, captures):
    (captures / "south").mkdir()
    for name in ("south/c.pcap", "south/d.pcap"):
        (captures / name).write_bytes(PCAP + bytes(20_000))
    script = f"a = {load(captures, 'splits')}; b = FOREACH a GENERATE capture, n, start, end; DUMP b;"
    run = pig(script, packetpig_split_bytes="sensor", packetpig_sensors="folders")
    assert run.code == 0, run.errors
    size = len(PCAP) + 20_000
    of_each = [
        "(a.pcap,0,0,1024)",
        "(north/b.pcap,0,0,2024)",
        f"(south/c.pcap,0,0,{size})",
        f"(south/d.pcap,1,0,{size})",
    ]
    assert sorted(run.rows) == of_each


def test_what_is_no_plain_pcap_is_not_cut(pig, captures):
    (captures / "a.pcap").write_bytes(b"\x0a\x0d\x0d\x0a" + bytes(10_000))
    run = pig(
        f"a = {load(captures, 'splits')}; b = FOREACH a GENERATE capture, start, end; DUMP b;",
        packetpig_split_bytes=3000,
    )
    assert sorted(run.rows) == ["(a.pcap,0,10004)", "(north/b.pcap,0,2024)"]


def test_splits_that_disagree_fail_the_run(pig, captures):
    (captures / "a.pcap").write_bytes(PCAP + bytes(10_000))
    run = pig(f"a = {load(captures, 'splits', 'mode=unbalanced')}; DUMP a;", packetpig_split_bytes=3000)
    assert run.code != 0
    assert "do not fit together" in run.errors


def test_warnings_reach_the_console(pig, captures):
    run = pig(f"a = {load(captures, 'splits', 'mode=warn')}; DUMP a;")
    assert run.code == 0
    assert "a.pcap: one" in run.errors
    assert "a.pcap: two" in run.errors


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("exit", r"loader dies died \(exit status 3\) while reading a\.pcap: some words \| last words"),
        ("kill", r"loader dies died \(killed by signal 9\) while reading a\.pcap: some words \| last words"),
        ("error", r"pig: a\.pcap: not a capture"),
        ("early exit", r"loader dies died \(exit status 1\) while reading a\.pcap: no module named nonsense"),
        ("silent", r"loader dies died \(exit status 0\) while reading a\.pcap"),
        ("garbage", r"loader dies sent a broken stream while reading a\.pcap: not an Arrow stream: \"Traceback"),
        ("partial", r"loader dies died \(exit status 0\) while reading a\.pcap"),
        ("huge", r"loader dies sent a broken stream while reading a\.pcap: a message of 2147483632 bytes"),
    ],
)
def test_a_worker_that_fails_has_one_clear_line(pig, captures, mode, expected):
    run = pig(f"a = {load(captures / 'a.pcap', 'dies', f'mode={mode}')}; DUMP a;")
    assert run.code != 0
    lines = [line for line in run.errors.splitlines() if line.startswith("pig: ")]
    assert len(lines) == 1, run.errors
    assert re.search(expected, lines[0]), run.errors


def test_several_captures_are_named_by_their_ends(pig, captures):
    run = pig(f"a = {load(captures, 'dies', 'mode=exit')}; DUMP a;")
    assert "while reading a.pcap to north/b.pcap (2 captures)" in run.errors


def test_columns_of_another_type(pig, captures):
    run = pig(f"a = {load(captures, 'wrong')}; DUMP a;")
    assert "column sensor as int, which the schema says is chararray" in run.errors


def test_no_python(pig, captures):
    run = pig(f"a = {load(captures, 'types')}; DUMP a;", python="/no/such/python")
    assert run.code != 0
    assert "/no/such/python: No such file or directory; run make setup, or set packetpig.python" in run.errors


def test_unknown_loader_and_option(pig, captures):
    assert "there is no loader missing" in pig(f"a = {load(captures, 'missing')}; DUMP a;").errors
    errors = pig(f"a = {load(captures, 'types', 'colour=red')}; DUMP a;").errors
    assert "loader types has no option colour (it has: batches, mode, on_error, out, sensors, where)" in errors


def test_missing_input(pig, captures):
    run = pig(f"a = {load(captures / 'nothing', 'types')}; DUMP a;")
    assert run.code != 0
    assert "no such file or folder" in run.errors


def alive(pid: int) -> bool:
    """Is it there, and no zombie?"""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_one_process_serves_many_tasks(pig, captures, tmp_path):
    out = tmp_path / "pids"
    (captures / "a.pcap").write_bytes(PCAP + bytes(4000))
    settings = {"packetpig_split_bytes": 1000, "mapreduce_local_map_tasks_maximum": 1}
    run = pig(f"a = {load(captures / 'a.pcap', 'again', f'out={out}')}; DUMP a;", **settings)
    assert run.code == 0, run.errors
    assert len(run.rows) > 3
    assert len(out.read_text().split()) == len(run.rows)
    assert len(set(out.read_text().split())) == 1
    assert not left_after(5, out)


@pytest.mark.parametrize("mode", ["plain", "stubborn"])
def test_limit_ends_the_worker(pig, captures, tmp_path, mode):
    out = tmp_path / "pids"
    run = pig(f"a = {load(captures, 'endless', f'mode={mode}', f'out={out}')}; b = LIMIT a 5; DUMP b;")
    assert run.code == 0, run.errors
    assert len(run.rows) == 5
    assert not left_after(5, out)


def left_after(seconds: float, out: Path) -> list[int]:
    """Workers that are still there; they are ended."""
    pids = [int(line) for line in out.read_text().split()]
    assert pids
    deadline = time.monotonic() + seconds
    while any(map(alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.1)
    left = [pid for pid in pids if alive(pid)]
    for pid in left:
        os.kill(pid, 9)
    return left


def test_a_killed_pig_leaves_no_worker(fake_python, captures, tmp_path):
    out = tmp_path / "pids"
    script = f"a = {load(captures, 'endless', 'mode=plain', f'out={out}')}; STORE a INTO '{tmp_path}/rows';"
    environment = {**os.environ, "PACKETPIG_PYTHON": str(fake_python), "PACKETPIG_LOGS": str(tmp_path / "logs")}
    with subprocess.Popen([ROOT / "bin/pig", "-e", script], env=environment) as process:
        deadline = time.monotonic() + 60
        while not (out.exists() and out.read_text()) and time.monotonic() < deadline:
            time.sleep(0.1)
        process.kill()
    assert not left_after(5, out)


def test_bytes_by_way_of_hadoop(pig, tmp_path):
    """As from HDFS: the worker asks, Pig's side reads. Here through a file system that is not the local one."""
    big = bytes(range(256)) * 40_000
    (tmp_path / "big.pcap").write_bytes(big)
    script = "a = LOAD 'viewfs://far/d/big.pcap' USING PythonLoader('pull'); b = FOREACH a GENERATE n, size; DUMP b;"
    run = pig(script, **{"fs.viewfs.mounttable.far.link./d": f"file://{tmp_path}"})
    assert run.code == 0, run.errors
    assert run.rows == [f"({sum(big) % 65536},{len(big)})"]
