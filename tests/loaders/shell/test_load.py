"""`packetpig load`: formats, columns, filters, pipes, and what is said when something is wrong."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from packetpig.loaders import load

from tests.conftest import ROOT
from tests.making import conversation, pcap

PACKETS = conversation(60)
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    path = tmp_path / "a.pcap"
    path.write_bytes(pcap(PACKETS))
    return path


def test_csv(packetpig: Run, capture: Path) -> None:
    result = packetpig(
        "load", "packets", capture, "--columns", "ts,ip_src,tcp_dport,payload", "--where", "tcp_dport == 80"
    )
    assert result.returncode == 0
    assert result.stderr == ""
    lines = result.stdout.splitlines()
    assert lines[0] == "ts,ip_src,tcp_dport,payload"
    assert lines[1] == '1700000000,10.0.0.1,80,""'
    assert lines[2].startswith("1700000001.5,10.0.1.7,80,0607")
    assert len(lines) == 11


def test_csv_quotes_only_what_needs_it(packetpig: Run, tmp_path: Path) -> None:
    path = tmp_path / 'odd, "name".pcap'
    path.write_bytes(pcap(PACKETS[:1]))
    result = packetpig("load", "packets", path, "--columns", "capture,length")
    assert result.stdout.splitlines()[1] == '"odd, ""name"".pcap",54'


def test_null_is_empty_in_csv_and_null_in_json(packetpig: Run, capture: Path) -> None:
    arguments = ("load", "packets", capture, "--columns", "eth_type,ip_src,tcp_len", "--where", "eth_type == 2054")
    assert packetpig(*arguments).stdout.splitlines()[1] == "2054,,"
    rows = packetpig(*arguments, "--format", "jsonl").stdout.splitlines()
    assert json.loads(rows[0]) == {"eth_type": 2054, "ip_src": None, "tcp_len": None}


def test_parquet_and_arrow(packetpig: Run, capture: Path, tmp_path: Path) -> None:
    for name in ("rows.parquet", "rows.arrow"):
        assert packetpig("load", "packets", capture, "--output", tmp_path / name).returncode == 0
    table = pq.read_table(tmp_path / "rows.parquet")
    with pa.ipc.open_stream(tmp_path / "rows.arrow") as stream:
        assert table.to_pylist() == stream.read_all().to_pylist()
    assert [bytes(frame.as_py()) for frame in table["frame"]] == [frame for _, frame in PACKETS]


def test_an_output_that_exists_is_kept(packetpig: Run, capture: Path, tmp_path: Path) -> None:
    output = tmp_path / "rows.csv"
    output.write_text("mine")
    result = packetpig("load", "packets", capture, "--output", output)
    assert (result.returncode, output.read_text()) == (1, "mine")
    assert result.stderr == f"packetpig: {output}: exists already; remove it, give another name, or use --force\n"
    assert packetpig("load", "packets", capture, "--output", output, "--force").returncode == 0
    assert len(output.read_text().splitlines()) == 61


def test_a_device_or_a_pipe_stays_what_it_is(packetpig: Run, capture: Path, tmp_path: Path) -> None:
    """Never a file in the place of /dev/null."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE, text=True)
    assert packetpig("load", "packets", capture, "--columns", "ts", "--output", pipe).returncode == 0
    assert len(reader.communicate(timeout=20)[0].splitlines()) == 61
    assert pipe.is_fifo()
    assert packetpig("load", "packets", capture, "--output", "/dev/null", "--force").returncode == 0
    assert Path("/dev/null").is_char_device()


def test_an_output_is_complete_or_absent(packetpig: Run, tmp_path: Path) -> None:
    result = packetpig("load", "packets", tmp_path / "missing.pcap", "--output", tmp_path / "rows.csv")
    assert result.returncode == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["csv", "jsonl", "arrow", "parquet"])
def test_a_full_disk_is_one_line(packetpig: Run, capture: Path, kind: str) -> None:
    result = packetpig("load", "packets", capture, "--format", kind, "--output", "/dev/full")
    assert (result.returncode, result.stderr) == (1, "packetpig: /dev/full: no space left on device\n")
    command = f"'{ROOT}/bin/packetpig' load packets '{capture}' --format {kind} > /dev/full"
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (1, "packetpig: standard output: no space left on device\n")


def test_describe_on_a_full_disk_is_one_line() -> None:
    command = f"'{ROOT}/bin/packetpig' describe packets > /dev/full"
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (1, "packetpig: no space left on device\n")


def test_head_is_no_error(tmp_path: Path) -> None:
    path = tmp_path / "a.pcap"
    path.write_bytes(pcap(conversation(100_000)))
    command = f"set -o pipefail; '{ROOT}/bin/packetpig' load packets '{path}' | head -1"
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert result.stderr == ""
    assert result.returncode == 0
    assert result.stdout.startswith("sensor,capture,ts,")


def test_several_captures_in_time_order(packetpig: Run, tmp_path: Path) -> None:
    for name, start in (("a", 3000.0), ("b", 1000.0), ("c", 2000.0)):
        (tmp_path / f"{name}.pcap").write_bytes(pcap(conversation(2, start=start)))
    rows = packetpig("load", "packets", tmp_path, "--columns", "capture,ts").stdout.splitlines()[1:]
    assert rows == ["b.pcap,1000", "b.pcap,1000.25", "c.pcap,2000", "c.pcap,2000.25", "a.pcap,3000", "a.pcap,3000.25"]
    rows = packetpig("load", "packets", tmp_path / "[ab].pcap", "--columns", "capture").stdout.splitlines()[1:]
    assert rows == ["b.pcap", "b.pcap", "a.pcap", "a.pcap"]


def test_sensors_are_folders_if_asked(packetpig: Run, tmp_path: Path) -> None:
    for folder in ("dmz", "office/floor1"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "a.pcap").write_bytes(pcap(PACKETS[:1]))
    (tmp_path / ".hidden").write_text("no capture")
    arguments = ("load", "packets", tmp_path, "--columns", "sensor,capture")
    rows = packetpig(*arguments, "--option", "sensors=folders").stdout.splitlines()[1:]
    assert rows == ["dmz,dmz/a.pcap", "office,office/floor1/a.pcap"]
    assert packetpig(*arguments).stdout.splitlines()[1:] == ["default,dmz/a.pcap", "default,office/floor1/a.pcap"]


def test_what_is_wrong_loses_nothing_else(packetpig: Run, capture: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.pcap"
    bad.write_text("hello, world")
    missing = tmp_path / "missing.pcap"
    result = packetpig("load", "packets", bad, missing, capture, "--columns", "ts")
    assert result.returncode == 1
    assert len(result.stdout.splitlines()) == 61
    assert result.stderr.splitlines() == [
        f"packetpig: {missing}: no such file or folder",
        f"packetpig: {bad}: not a capture (its first bytes are 68 65 6c 6c 6f 2c 20 77)",
    ]


def test_a_cut_capture_is_a_warning(packetpig: Run, tmp_path: Path) -> None:
    path = tmp_path / "a.pcap"
    path.write_bytes(pcap(PACKETS)[:-3])
    result = packetpig("load", "packets", path, "--columns", "ts")
    assert result.returncode == 0
    assert len(result.stdout.splitlines()) == 60
    assert "cut in the middle of a packet" in result.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_no_permission(packetpig: Run, capture: Path) -> None:
    capture.chmod(0)
    result = packetpig("load", "packets", capture)
    assert (result.returncode, result.stderr) == (1, f"packetpig: {capture}: no permission to read it\n")


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (("--columns", "nothing"), 2, "packetpig: PacketLoader has no column nothing; it has sensor, capture, ts"),
        (("--where", "nothing == 1"), 2, "packetpig: where: no column nothing; there are "),
        (("--where", "dport = 80"), 2, "packetpig: where: not understood at character 7, at '= 80'"),
        (("--option", "tunnels=inner"), 2, "packetpig: PacketLoader has no option tunnels; it has "),
        (("--option", "on_error=maybe"), 2, "packetpig: PacketLoader: on_error is fail or skip, not 'maybe'"),
        (("--option", "tunnel"), 2, "packetpig: --option takes NAME=VALUE, not 'tunnel'"),
        (("--output", "/nowhere/rows.csv"), 1, "packetpig: /nowhere/rows.csv: no such file or directory"),
    ],
)
def test_wrong_usage_is_one_line(
    packetpig: Run, capture: Path, arguments: tuple[str, ...], code: int, line: str
) -> None:
    result = packetpig("load", "packets", capture, *arguments)
    assert result.returncode == code
    assert result.stderr.startswith(line)
    assert result.stderr.count("\n") == 1


def test_no_such_loader_and_empty_folder(packetpig: Run, tmp_path: Path) -> None:
    result = packetpig("load", "frames", tmp_path)
    assert result.returncode == 2
    assert result.stderr.startswith("packetpig: no loader frames; there are ")
    result = packetpig("load", "packets", tmp_path)
    assert (result.returncode, result.stderr) == (1, f"packetpig: {tmp_path}: a folder without captures\n")


def test_describe(packetpig: Run) -> None:
    assert "PacketLoader" in packetpig("describe").stdout
    text = packetpig("describe", "packets").stdout
    assert "ts_ns              long       the same time [nanoseconds since the epoch]" in text


def test_from_python(capture: Path) -> None:
    reader = load("packets", str(capture), columns=["ts", "ip_src"], where="ip_version == 6")
    assert reader.schema.names == ["ts", "ip_src"]
    rows = [row for batch in reader for row in batch.to_pylist()]
    assert len(rows) == 10
    assert rows[0] == {"ts": 1_700_000_000.5, "ip_src": "2001:db8::1"}


def test_python_is_warned_of_losses(tmp_path: Path) -> None:
    path = tmp_path / "a.pcap"
    path.write_bytes(pcap(PACKETS)[:-3])
    with pytest.warns(UserWarning, match="cut in the middle of a packet"):
        assert load("packets", str(path), ["ts"]).read_all().num_rows == 59


def test_columns_come_in_the_order_asked_for(packetpig: Run, capture: Path) -> None:
    assert packetpig("load", "packets", capture, "--columns", "length,ts").stdout.splitlines()[1] == "54,1700000000"
