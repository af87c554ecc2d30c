"""bin/packetpig export: tables read back, keys, and a server that speaks OpenSearch's bulk protocol."""

from __future__ import annotations

import http.server
import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from packetpig.loaders.contract.report import CaptureError
from packetpig.loaders.exports import cassandra
from packetpig.loaders.exports.rows import finite, for_json, keyed
from packetpig.loaders.exports.table import read

from tests.conftest import ROOT

Command = Callable[..., subprocess.CompletedProcess[str]]


class Server(http.server.ThreadingHTTPServer):
    """Keeps documents by index and _id; the first bulk request is too much for it, and one row of the second."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.documents: dict[str, dict[str, dict]] = {}
        self.mappings: dict[str, dict] = {}
        self.requests: list[str] = []
        self.authorization: list[str | None] = []
        self.half = threading.Event()
        """Set when a row is kept that nobody has been told of."""
        self.go_on = threading.Event()
        self.go_on.set()


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_PUT(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        index = self.path.strip("/")
        if index in self.server.mappings:
            return self.answer(400, {"error": {"type": "resource_already_exists_exception"}})
        self.server.mappings[index] = body["mappings"]["properties"]
        return self.answer(200, {"acknowledged": True})

    def do_POST(self) -> None:
        lines = self.rfile.read(int(self.headers["Content-Length"])).splitlines()
        self.server.requests.append(self.path)
        self.server.authorization.append(self.headers["Authorization"])
        if len(self.server.requests) == 1:
            return self.answer(429, {"error": "busy"})
        documents = self.server.documents.setdefault(self.path.split("/")[1], {})
        items = []
        for action, document in zip(lines[::2], lines[1::2]):
            key = json.loads(action)["index"]["_id"]
            busy = len(self.server.requests) == 2 and not items
            if not busy:
                documents[key] = json.loads(document)
            items.append({"index": {"_id": key, "status": 429 if busy else 201}})
        if documents:
            self.server.half.set()
            self.server.go_on.wait(60)
        return self.answer(200, {"items": items})

    def answer(self, status: int, body: dict) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        with suppress(BrokenPipeError):
            self.wfile.write(data)

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    one = Server()
    thread = threading.Thread(target=one.serve_forever)
    thread.start()
    yield one
    one.shutdown()
    thread.join()


@pytest.fixture
def table(tmp_path: Path) -> Path:
    folder = tmp_path / "table/window=1"
    folder.mkdir(parents=True)
    rows = pa.table(
        {
            "ts": [1.5, 2.5, float("nan")],
            "id": pa.array([1, 2, 2], pa.int32()),
            "data": [b"\0\xff", None, b""],
            "bag": [[{"name": "a", "value": "|,_\n"}], [], None],
        }
    )
    pq.write_table(rows, folder / "part-m-00000.parquet")
    (folder / "_SUCCESS").write_text("")
    return tmp_path / "table"


def test_opensearch(table: Path, server: Server, packetpig: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PACKETPIG_PASSWORD", "p w")
    target = f"opensearch://me@127.0.0.1:{server.server_port}/things"
    for _ in range(2):
        done = packetpig("export", table, target)
        assert (done.returncode, done.stdout) == (0, "3 rows\n"), done.stderr
    documents = sorted(server.documents["things"].values(), key=str)
    assert len(documents) == 3
    assert documents[-1] == {"ts": None, "id": 2, "data": "", "bag": None}
    assert {
        "ts": 1.5, "id": 1, "data": "00ff", "bag": [{"name": "a", "value": "|,_\n"}],
        "@timestamp": "1970-01-01T00:00:01.500000+00:00",
    } in documents  # fmt: skip
    assert server.mappings["things"]["ts"] == {"type": "double"}
    assert set(server.authorization) == {"Basic bWU6cCB3"}


def test_killed_half_way_and_run_again(table: Path, server: Server, packetpig: Command) -> None:
    """No row is there twice, also not those that were sent before it died."""
    arguments = ("export", table, f"opensearch://127.0.0.1:{server.server_port}/t", "--batch", 1)
    server.go_on.clear()
    try:
        with subprocess.Popen([ROOT / "bin/packetpig", *map(str, arguments)], stdout=subprocess.PIPE) as first:
            assert server.half.wait(60)
            first.kill()
    finally:
        server.go_on.set()
    half = dict(server.documents["t"])
    assert len(half) == 1
    done = packetpig(*arguments)
    assert (done.returncode, done.stdout) == (0, "3 rows\n"), done.stderr
    assert len(server.documents["t"]) == 3
    assert half.items() <= server.documents["t"].items()


def test_a_key_makes_rows_one(table: Path, server: Server, packetpig: Command) -> None:
    done = packetpig("export", table, f"opensearch://127.0.0.1:{server.server_port}/t", "--key", "id", "--batch", 1)
    assert (done.returncode, done.stdout) == (0, "3 rows (1 of them with the key of another)\n"), done.stderr
    assert {one["id"] for one in server.documents["t"].values()} == {1, 2}


@pytest.mark.parametrize(
    ("target", "code", "said"),
    [
        ("nothing://a/b", 2, "a target begins with one of cassandra://, mongodb://"),
        ("mongodb://localhost/only", 2, "the target is mongodb://HOST/DATABASE/COLLECTION"),
        ("cassandra://localhost/a/b-c", 2, "the target is cassandra://HOST/KEYSPACE/TABLE"),
        ("opensearch://me:secret@localhost/a", 2, "no password on the command line"),
        ("opensearch://localhost/", 2, "the target is opensearch://HOST:9200/INDEX"),
        ("opensearch://127.0.0.1:1/a", 1, "Connection refused"),
    ],
)
def test_wrong_targets(table: Path, packetpig: Command, target: str, code: int, said: str) -> None:
    done = packetpig("export", table, target)
    assert done.returncode == code
    assert said in done.stderr
    assert "secret" not in done.stderr
    assert done.stderr.count("\n") == 1


def test_wrong_key(table: Path, packetpig: Command) -> None:
    done = packetpig("export", table, "opensearch://127.0.0.1:1/a", "--key", "nope")
    assert done.returncode == 2
    assert "has no column nope; it has ts, id, data, bag" in done.stderr


def pig_text(folder: Path, lines: str) -> Path:
    folder.mkdir()
    fields = [{"name": "bin", "type": 15}, {"name": "name", "type": 55}, {"name": "share", "type": 25}]
    (folder / ".pig_schema").write_text(json.dumps({"fields": fields}))
    (folder / ".pig_header").write_text("bin,name,share\n")
    (folder / "part-r-00000").write_text(lines)
    return folder


def test_text_of_pig(tmp_path: Path) -> None:
    found = read(pig_text(tmp_path / "t", "1,one,0.5\n2,,\n"))
    rows = [row for batch in found.batches(1) for row in batch.to_pylist()]
    assert rows == [{"bin": 1, "name": "one", "share": 0.5}, {"bin": 2, "name": None, "share": None}]


def test_text_with_a_delimiter_in_it_is_said(tmp_path: Path) -> None:
    found = read(pig_text(tmp_path / "t", "1,one,0.5\n2,a,b,1\n"))
    with pytest.raises(CaptureError, match=r"part-r-00000: line 2 has 4 fields where the schema has 3"):
        list(found.batches(10))


def test_no_table(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="no table there"):
        read(tmp_path / "nothing")
    (tmp_path / "text").mkdir()
    (tmp_path / "text/part-0").write_text("1\n")
    with pytest.raises(CaptureError, match="neither Parquet nor text with a schema"):
        read(tmp_path / "text")


def test_keys_and_values() -> None:
    batch = pa.RecordBatch.from_pylist([{"a": 1, "b": "x"}, {"a": 1, "b": "y"}, {"a": None, "b": "x"}])
    assert len({key for key, _ in keyed(batch, [])}) == 3
    assert len({key for key, _ in keyed(batch, ["a"])}) == 2
    assert keyed(batch, ["a", "b"]) == keyed(batch, ["a", "b"])
    assert finite({"a": [float("inf"), {"b": float("nan")}, b"x"]}) == {"a": [None, {"b": None}, b"x"]}
    assert for_json({"a": (b"\xff", float("nan"))}) == {"a": ["ff", None]}


def test_types_of_cassandra() -> None:
    kinds = [
        pa.bool_(),
        pa.int32(),
        pa.int64(),
        pa.float64(),
        pa.float32(),
        pa.binary(),
        pa.string(),
        pa.list_(pa.int8()),
    ]
    assert [cassandra._type(kind) for kind in kinds] == [
        "boolean", "int", "bigint", "double", "float", "blob", "text", "text",
    ]  # fmt: skip
