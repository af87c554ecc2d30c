"""Stands in for Python's side of the bridge: loaders whose rows and misbehaviour the tests know.

Called as `fake_python.py -m MODULE [argument …]`, as Pig's side calls its Python.
"""

import json
import os
import signal
import struct
import sys
import time
from pathlib import Path

import pyarrow as pa

SCHEMAS = {
    "types": "flag:boolean, small:int, wide:long, real:double, narrow:float, text:chararray, code:chararray, "
    "raw:bytearray, pairs:bag{t:(name:chararray, value:int)}, numbers:bag{t:(n:int)}, "
    "pair:tuple(name:chararray, value:int), words:map[chararray]",
    "seven": "ts:double, src:chararray, dst:chararray, sport:int, dport:int, proto:int, length:int",
}
DEFAULT = "sensor:chararray, capture:chararray, n:int, size:long, start:long, end:long"
OUT = sys.stdout.buffer
IN = sys.stdin.buffer


def describe(name: str) -> None:
    if name == "missing":
        sys.exit("there is no loader missing")
    options = ["mode", "batches", "on_error", "out"]
    print(json.dumps({"schema": SCHEMAS.get(name, DEFAULT), "options": options, "split": "records"}))


def frame() -> bytes:
    (length,) = struct.unpack(">i", IN.read(4))
    return IN.read(length)


class Stream:
    """An Arrow stream with messages in its batches."""

    def __init__(self, schema: pa.Schema) -> None:
        self.schema = schema
        self.writer = pa.ipc.new_stream(OUT, schema)

    def send(self, rows: pa.RecordBatch | None = None, **message: object) -> None:
        rows = rows if rows is not None else self.schema.empty_table().to_batches()[0:1] or None
        if rows is None or isinstance(rows, list):
            rows = rows[0] if rows else pa.record_batch([pa.array([], f.type) for f in self.schema], schema=self.schema)
        metadata = {"packetpig": json.dumps(message)} if message else None
        self.writer.write_batch(rows, custom_metadata=metadata)
        OUT.flush()


PAIR = pa.struct([("name", pa.string()), ("value", pa.int32())])
TYPES = pa.schema(
    [
        ("flag", pa.bool_()),
        ("small", pa.int32()),
        ("wide", pa.int64()),
        ("real", pa.float64()),
        ("narrow", pa.float32()),
        ("text", pa.string()),
        ("code", pa.dictionary(pa.int32(), pa.string())),
        ("raw", pa.binary()),
        ("pairs", pa.list_(PAIR)),
        ("numbers", pa.list_(pa.int32())),
        ("pair", PAIR),
        ("words", pa.map_(pa.string(), pa.string())),
    ]
)


def wanted(schema: pa.Schema, job: dict) -> pa.Schema:
    return schema if job["columns"] is None else pa.schema([schema.field(name) for name in job["columns"]])


def types(job: dict) -> None:
    values = [
        [True, None, False],
        [1, None, -70000],
        [1 << 40, None, -1],
        [1.5, None, -0.25],
        [0.5, None, 8.0],
        ["å", None, ""],
        ["one", None, "two"],
        [b"\x00\xff", None, b""],
        [[{"name": "a", "value": 1}, {"name": None, "value": None}], None, []],
        [[1, None], None, []],
        [{"name": "x", "value": 2}, None, {"name": "y", "value": None}],
        [[("k", "v")], None, []],
    ]
    again = [column[::-1] for column in values]
    again[6] = ["three", "one", None]  # another dictionary
    schema = wanted(TYPES, job)
    stream = Stream(schema)
    for rows in (values, again):
        arrays = dict(zip(TYPES.names, (pa.array(v, TYPES.field(i).type) for i, v in enumerate(rows)), strict=True))
        stream.send(pa.record_batch([arrays[name] for name in schema.names], schema=schema))
    stream.send(done=True)


ROW = pa.schema(
    [
        ("sensor", pa.string()),
        ("capture", pa.string()),
        ("n", pa.int32()),
        ("size", pa.int64()),
        ("start", pa.int64()),
        ("end", pa.int64()),
    ]
)


def ranges(job: dict, schema: pa.Schema) -> pa.RecordBatch:
    """One row a capture of the job."""
    columns = {
        "sensor": [c["sensor"] for c in job["captures"]],
        "capture": [c["capture"] for c in job["captures"]],
        "n": list(range(len(job["captures"]))),
        "size": [c["size"] for c in job["captures"]],
        "start": [c["start"] for c in job["captures"]],
        "end": [c["end"] for c in job["captures"]],
    }
    if not schema.names:
        return pa.RecordBatch.from_struct_array(pa.array([{}] * len(job["captures"]), pa.struct([])))
    return pa.record_batch([pa.array(columns[f.name], f.type) for f in schema], schema=schema)


def splits(job: dict) -> None:
    """Rows that say what the task was given; with messages of every kind."""
    schema = wanted(ROW, job)
    stream = Stream(schema)
    total = sum(c["end"] - c["start"] for c in job["captures"])
    stream.send(ranges(job, schema), progress=total, counters={"fake captures": len(job["captures"])})
    for i, capture in enumerate(job["captures"]):
        wrong = job["options"].get("mode") == "unbalanced" and capture["start"] > 0
        stream.send(split=[i, capture["start"] + wrong, capture["end"]])
    if job["options"].get("mode") == "warn":
        stream.send(warning=["a.pcap: one", "a.pcap: two"])
    stream.send(done=True)


def job(job: dict) -> None:
    """Writes the job where the option out says; no rows."""
    with Path(job["options"]["out"]).open("a") as out:
        out.write(json.dumps(job) + "\n")
    Stream(wanted(ROW, job)).send(done=True)


def pull(job: dict) -> None:
    """Has the captures' bytes sent, and says how many they were and what came first."""
    schema = wanted(ROW, job)
    stream = Stream(schema)
    sizes, firsts = [], []
    for i, capture in enumerate(job["captures"]):
        stream.send(at=i)
        data = b""
        for offset in range(capture["start"], capture["end"] + 1, 3_000_000):
            most = 3_000_000 if capture["end"] == capture["size"] else min(3_000_000, capture["end"] - offset)
            stream.send(read=[i, offset, most])
            while chunk := answer():
                data += chunk
        sizes.append(len(data))
        firsts.append(sum(data) % 65536)
    batch = ranges(job, ROW)
    columns = {name: batch.column(name) for name in ROW.names}
    columns["size"] = pa.array(sizes, pa.int64())
    columns["n"] = pa.array(firsts, pa.int32())
    stream.send(pa.record_batch([columns[name] for name in schema.names], schema=schema), done=True)


def answer() -> bytes:
    (length,) = struct.unpack(">i", IN.read(4))
    if length < 0:
        raise OSError(IN.read(-length).decode())
    return IN.read(length)


def again(job: dict) -> None:
    """A row for each capture, and ready for another job; writes down which process it was."""
    with Path(job["options"]["out"]).open("a") as out:
        out.write(f"{os.getpid()}\n")
    schema = wanted(ROW, job)
    stream = Stream(schema)
    stream.send(ranges(job, schema))
    stream.send(done=True, ready=True)
    stream.writer.close()
    OUT.flush()


def endless(job: dict) -> None:
    """Rows without end, for LIMIT."""
    schema = wanted(ROW, job)
    stream = Stream(schema)
    if job["options"].get("out"):
        with Path(job["options"]["out"]).open("a") as out:
            out.write(f"{os.getpid()}\n")
    if job["options"].get("mode") == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    while True:
        try:
            for _ in range(3):
                stream.send(ranges(job, schema))
            time.sleep(0.001)
        except BrokenPipeError:
            while job["options"].get("mode") == "stubborn":
                time.sleep(1)
            os._exit(1)


def dies(job: dict) -> None:
    """One batch of rows, then an end that is no good."""
    mode = job["options"]["mode"]
    schema = wanted(ROW, job)
    if mode == "garbage":
        OUT.write(b"Traceback (most recent call last):\n  nonsense\n")
        OUT.flush()
        return
    if mode == "silent":
        return
    if mode == "early exit":
        sys.exit("no module named nonsense")
    stream = Stream(schema)
    stream.send(ranges(job, schema))
    print("some words\nlast words", file=sys.stderr, flush=True)
    if mode == "exit":
        os._exit(3)
    if mode == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if mode == "error":
        stream.send(error="a.pcap: not a capture")
    if mode == "partial":
        OUT.write(struct.pack("<iI", -1, 4096) + b"x" * 100)
        OUT.flush()
        os._exit(0)
    if mode == "huge":
        OUT.write(struct.pack("<iI", -1, 0x7FFFFFF0))
        OUT.flush()
        time.sleep(600)
    if mode == "wrong columns":
        pass


def wrong(job: dict) -> None:
    """A stream whose columns are not the schema's."""
    schema = pa.schema([("sensor", pa.int32()), *list(ROW)[1:]])
    Stream(wanted(schema, job)).send(done=True)


def delta(job: dict) -> None:
    """A dictionary that grows by a delta, which is not understood."""
    schema = wanted(pa.schema([("sensor", pa.dictionary(pa.int32(), pa.string())), *list(ROW)[1:]]), job)
    options = pa.ipc.IpcWriteOptions(emit_dictionary_deltas=True)
    writer = pa.ipc.new_stream(OUT, schema, options=options)
    for words in (["a"], ["a", "b"]):
        coded = pa.DictionaryArray.from_arrays(pa.array([0], pa.int32()), words)
        rest = [pa.array([None], f.type) for f in list(schema)[1:]]
        writer.write_batch(pa.record_batch([coded, *rest], schema=schema))
    OUT.flush()


def seven(job: dict) -> None:
    """Seven columns as of packets, many rows: for measuring."""
    import numpy as np

    schema = pa.schema(
        [
            ("ts", pa.float64()),
            ("src", pa.dictionary(pa.int32(), pa.string())),
            ("dst", pa.dictionary(pa.int32(), pa.string())),
            ("sport", pa.int32()),
            ("dport", pa.int32()),
            ("proto", pa.int32()),
            ("length", pa.int32()),
        ]
    )
    schema = wanted(schema, job)
    stream = Stream(schema)
    n = 1 << 16
    random = np.random.default_rng(1)
    addresses = pa.array([f"10.0.{i >> 8}.{i & 255}" for i in range(2000)])
    code = pa.DictionaryArray.from_arrays(pa.array(random.integers(0, 2000, n), pa.int32()), addresses)
    ports = pa.array(random.integers(0, 65536, n), pa.int32())
    every = {
        "ts": pa.array(random.random(n)),
        "src": code,
        "dst": code,
        "sport": ports,
        "dport": pa.array(random.integers(0, 65536, n), pa.int32(), mask=random.random(n) < 0.1),
        "proto": pa.array(np.full(n, 6), pa.int32()),
        "length": ports,
    }
    batch = pa.record_batch([every[name] for name in schema.names], schema=schema)
    for _ in range(int(job["options"].get("batches", 16))):
        stream.send(batch)
    stream.send(done=True)


LOADERS = {f.__name__: f for f in (types, splits, job, pull, again, endless, dies, wrong, delta, seven)}


def main() -> None:
    module, arguments = sys.argv[2], sys.argv[3:]
    if module == "packetpig.loaders.bridge.describe":
        describe(arguments[0])
    elif module == "packetpig.loaders.bridge.worker":
        request = json.loads(frame())
        LOADERS[request["loader"]](request)
        while request["loader"] == "again" and (head := IN.read(4)):
            again(json.loads(IN.read(*struct.unpack(">i", head))))
    elif module == "packetpig.loaders.bridge.functions":
        import fake_functions

        fake_functions.main()
    else:
        sys.exit(f"no module {module}")


if __name__ == "__main__":
    main()
