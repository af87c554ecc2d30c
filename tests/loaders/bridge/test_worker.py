"""The worker under Pig: jobs in, an Arrow stream with messages out, bytes by request where Pig has them."""

from __future__ import annotations

import json
import os
import signal
import struct
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.making import conversation, pcap

PACKETS = conversation(12_000, gap=0.001)


def frame(payload: bytes) -> bytes:
    return struct.pack(">i", len(payload)) + payload


def capture(path: Path, local: bool = True, start: int = 0, end: int | None = None) -> dict[str, Any]:
    size = path.stat().st_size
    return {
        "path": str(path), "local": str(path) if local else None, "size": size, "start": start,
        "end": size if end is None else end, "capture": path.name, "sensor": "default",
    }  # fmt: skip


GONE = {"path": "gone", "local": "/gone", "size": 5, "start": 0, "end": 5, "capture": "", "sensor": ""}


class Session:
    """One worker, with Pig's side played: serves read requests from the files."""

    def __init__(self, captures: list[dict[str, Any]], **job: Any) -> None:
        self.captures = captures
        self.requests: list[list[int]] = []
        self.pool = ThreadPoolExecutor(1)  # answers keep the order of the requests
        self.process = subprocess.Popen(
            [sys.executable, "-m", "packetpig.loaders.bridge.worker"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        whole = {"loader": "packets", "options": {}, "where": None, "columns": ["ts", "offset"], "filter": None}
        self.send(json.dumps({"captures": captures, **whole, **job}).encode())

    def send(self, payload: bytes) -> None:
        assert self.process.stdin
        self.process.stdin.write(frame(payload))
        self.process.stdin.flush()

    def serve(self, number: int, offset: int, size: int) -> None:
        self.requests.append([number, offset, size])
        with Path(self.captures[number]["path"]).open("rb") as file:
            file.seek(offset)
            data = file.read(size)
        for at in range(0, len(data), 100_000):
            self.send(data[at : at + 100_000])
        self.send(b"")

    def run(self) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        rows, messages = [], []
        reader = pa.ipc.open_stream(self.process.stdout)
        while True:
            try:
                batch = reader.read_next_batch_with_custom_metadata()
            except StopIteration:
                break
            rows += batch.batch.to_pylist()
            if batch.custom_metadata:
                message = json.loads(batch.custom_metadata[b"packetpig"])
                messages.append(message)
                if "read" in message:
                    self.pool.submit(self.serve, *message["read"])
        assert self.process.stdin
        self.process.stdin.close()
        self.code = self.process.wait(20)
        return rows, messages


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("big") / "big.pcap"
    path.write_bytes(pcap(PACKETS))
    return path


def test_a_local_capture(big: Path) -> None:
    session = Session([capture(big)])
    rows, messages = session.run()
    assert session.code == 0
    assert len(rows) == 12_000
    assert rows[1]["ts"] == 1_700_000_000.001
    assert messages[-1]["done"]
    assert sum(message.get("counters", {}).get("packets", 0) for message in messages) == 12_000
    assert sum(message.get("progress", 0) for message in messages) == big.stat().st_size - 24


def test_bytes_that_pig_sends_give_the_same_rows(big: Path) -> None:
    wanted, _ = Session([capture(big)]).run()
    session = Session([capture(big, local=False)])
    rows, _ = session.run()
    assert rows == wanted


def test_a_range_reads_no_more_than_it_must(big: Path) -> None:
    size = big.stat().st_size
    wanted, _ = Session([capture(big)]).run()
    rows, read, splits = [], 0, []
    for start, end in ((0, 3_000_000), (3_000_000, 5_500_000), (5_500_000, size)):
        session = Session([capture(big, False, start, end)])
        part, messages = session.run()
        rows += part
        read += sum(request[2] for request in session.requests)
        splits += [message["split"] for message in messages if "split" in message]
    assert rows == wanted
    assert [split[1] for split in splits[1:]] == [split[2] for split in splits[:-1]]
    assert read < size + 2 * (1 << 20) + 3 * (1 << 17)  # a megabyte before each cut, to find the first record


def test_jobs_one_after_the_other(big: Path) -> None:
    """Another loader, and bytes by request, from the process that has just done a job."""
    first = Session([capture(big)])
    job = {"loader": "sessions", "options": {}, "where": None, "filter": None, "columns": ["src_packets"]}
    first.send(json.dumps({"captures": [capture(big, local=False)], **job}).encode())
    reader = pa.ipc.open_stream(first.process.stdout)
    assert sum(batch.num_rows for batch in reader) == 12_000
    rows, messages = first.run()
    assert [list(row) for row in rows] == [["src_packets"]] * len(rows)
    assert messages[-1]["ready"]
    assert messages[-1].get("counters", {}).get("sessions", 0) == len(rows) > 0
    assert first.code == 0


def test_no_columns_are_rows_all_the_same(big: Path) -> None:
    session = Session([capture(big)], columns=[])
    reader = pa.ipc.open_stream(session.process.stdout)
    assert sum(batch.num_rows for batch in reader) == 12_000


def test_tuples_travel_as_lists_of_one_or_none(big: Path) -> None:
    session = Session(
        [capture(big)], loader="traffic", options={"decode": "sessions,http"}, columns=["ts", "sessions", "http"]
    )
    rows, messages = session.run()
    assert messages[-1]["done"]
    found = [row[kind] for row in rows for kind in ("sessions", "http") if row[kind]]
    assert len(found) == len(rows) > 100
    assert all(len(one) == 1 and one[0]["src"] for one in found)


def test_where_is_exact_and_a_pushed_filter_a_hint(big: Path) -> None:
    rows, _ = Session([capture(big)], where="offset < 1000 and ip_version == 4").run()
    assert rows
    assert all(row["offset"] < 1000 for row in rows)
    pushed = ["and", ["==", ["column", "tcp_dport"], ["int", 80]], ["unknown"]]
    hinted, _ = Session([capture(big)], filter=pushed, columns=["tcp_dport"]).run()
    assert {row["tcp_dport"] for row in hinted} == {80}


@pytest.mark.parametrize(
    ("job", "line"),
    [
        ({"loader": "frames"}, "no loader frames; there are "),
        ({"where": "x == 1"}, "where: no column x; there are "),
        ({"options": {"no": "1"}}, "PacketLoader has no option no; it has "),
        ({"captures": [GONE]},
         "gone: no such file"),
    ],
)  # fmt: skip
def test_a_failure_is_one_line_in_the_stream(big: Path, job: dict[str, Any], line: str) -> None:
    session = Session(job.pop("captures", [capture(big)]), **job)
    _, messages = session.run()
    assert messages[-1]["error"].startswith(line)
    assert "\n" not in messages[-1]["error"]
    assert session.code == 1


def test_bytes_that_cannot_be_had(big: Path) -> None:
    session = Session([capture(big, local=False)])
    session.serve = lambda *_: (
        session.process.stdin.write(struct.pack(">i", -4) + b"gone"),
        session.process.stdin.flush(),
    )  # type: ignore[method-assign,union-attr,assignment,return-value]
    _, messages = session.run()
    assert messages[-1]["error"] == f"{big}: gone"


def test_the_worker_ends_when_pig_does(big: Path) -> None:
    session = Session([capture(big, local=False)])
    session.process.stdin.close()  # type: ignore[union-attr]
    session.process.stdout.close()  # type: ignore[union-attr]
    assert session.process.wait(20) == 1
    session = Session([capture(big)] * 50)
    session.process.stdout.read(1000)  # type: ignore[union-attr]
    session.process.stdout.close()  # type: ignore[union-attr]
    assert session.process.wait(20) in (1, -signal.SIGPIPE)
    assert os.path.exists(big)  # noqa: PTH110
