"""ArrowRows: Arrow streams to Pig's values, and broken streams to one clear error."""

import base64
import io
import struct

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


def stream(*batches: pa.RecordBatch, messages: dict[int, str] | None = None) -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, batches[0].schema) as writer:
        for i, batch in enumerate(batches):
            message = (messages or {}).get(i)
            writer.write_batch(batch, custom_metadata={"packetpig": message} if message else None)
    return sink.getvalue()


def read(probe, data: bytes):
    return probe.ask("arrow", stream=base64.b64encode(data).decode())


def rows(probe, array: pa.Array):
    return [row[0] for row in read(probe, stream(pa.record_batch([array], ["x"])))["rows"]]


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (pa.array([True, None, False]), [True, None, False]),
        (pa.array([1, None, -(1 << 31)], pa.int32()), [1, None, -(1 << 31)]),
        (pa.array([1, None, -1], pa.int8()), [1, None, -1]),
        (pa.array([1, 255], pa.uint8()), [1, 255]),
        (pa.array([-2, 70], pa.int16()), [-2, 70]),
        (pa.array([2, 65535], pa.uint16()), [2, 65535]),
        (pa.array([2, (1 << 32) - 1], pa.uint32()), ["long 2", "long 4294967295"]),
        (pa.array([1 << 62, None], pa.int64()), [f"long {1 << 62}", None]),
        (pa.array([1.5, None, float("inf"), float("nan")]), [1.5, None, "Infinity", "NaN"]),
        (pa.array([0.5, None], pa.float32()), ["float 0.5", None]),
        (pa.array(["å\0b", None, "", "𝄞"]), ["å\0b", None, "", "𝄞"]),
        (pa.array([b"\xff\0", None, b""]), ["bytes /wA=", None, "bytes "]),
        (pa.array([None, None]), [None, None]),
        (pa.array([[1, None], None, []], pa.list_(pa.int32())), [[[1], [None]], None, []]),
        (
            pa.array([[{"a": "x", "b": 1}], None], pa.list_(pa.struct([("a", pa.string()), ("b", pa.int32())]))),
            [[["x", 1]], None],
        ),
        (pa.array([{"a": "x"}, None], pa.struct([("a", pa.string())])), [["x"], None]),
        (pa.array([[("k", "v")], None], pa.map_(pa.string(), pa.string())), [{"k": "v"}, None]),
        (pa.array(["a", "b", None, "a"]).dictionary_encode(), ["a", "b", None, "a"]),
        (pa.array([["a", "b"], []], pa.list_(pa.string())), [[["a"], ["b"]], []]),
        (pa.array([], pa.string()), []),
        (pa.array(range(20), pa.int32()).slice(3, 10), list(range(3, 13))),
        (pa.array(["a", None, "c", "d"]).slice(1, 2), [None, "c"]),
    ],
)
def test_types(probe, array, expected):
    assert rows(probe, array) == expected


def test_dictionaries_are_replaced_between_batches(probe):
    kind = pa.dictionary(pa.int32(), pa.string())
    batches = [
        pa.record_batch([pa.array(words).dictionary_encode().cast(kind)], ["x"])
        for words in (["a", "b"], ["c"], ["b", "a"])
    ]
    assert read(probe, stream(*batches))["rows"] == [["a"], ["b"], ["c"], ["b"], ["a"]]


def test_dictionary_in_bag(probe):
    inner = pa.array(["x", "y", "x"]).dictionary_encode()
    assert rows(probe, pa.ListArray.from_arrays(pa.array([0, 2, 3], pa.int32()), inner)) == [[["x"], ["y"]], [["x"]]]


def test_no_columns_but_rows(probe):
    batch = pa.RecordBatch.from_struct_array(pa.array([{}] * 3, pa.struct([])))
    assert read(probe, stream(batch))["rows"] == [[], [], []]


def test_messages_come_in_order(probe):
    batch = pa.record_batch([pa.array([1], pa.int32())], ["x"])
    found = read(probe, stream(batch, batch.slice(0, 0), batch, messages={0: '{"at": 1}', 1: '{"done": true}'}))
    assert found == {"rows": [[1], [1]], "messages": ['{"at": 1}', '{"done": true}']}


def test_delta_is_refused(probe):
    sink = io.BytesIO()
    options = pa.ipc.IpcWriteOptions(emit_dictionary_deltas=True)
    schema = pa.schema([("x", pa.dictionary(pa.int32(), pa.string()))])
    with pa.ipc.new_stream(sink, schema, options=options) as writer:
        for words in (["a"], ["a", "b"]):
            writer.write_batch(
                pa.record_batch([pa.DictionaryArray.from_arrays(pa.array([0], pa.int32()), words)], schema=schema)
            )
    assert "dictionary delta" in probe.error("arrow", stream=base64.b64encode(sink.getvalue()).decode())


@pytest.mark.parametrize(
    "array", [pa.array(["x"], pa.large_string()), pa.array([1], pa.uint64()), pa.array(["x"], pa.string_view())]
)
def test_other_types_are_refused_by_name(probe, array):
    error = probe.error("arrow", stream=base64.b64encode(stream(pa.record_batch([array], ["some_column"]))).decode())
    assert "some_column" in error


def test_compression_is_refused(probe):
    sink = io.BytesIO()
    batch = pa.record_batch([pa.array(range(1000), pa.int32())], ["x"])
    with pa.ipc.new_stream(sink, batch.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_batch(batch)
    assert "compressed" in probe.error("arrow", stream=base64.b64encode(sink.getvalue()).decode())


def test_garbage_is_shown(probe):
    error = probe.error("arrow", stream=base64.b64encode(b"Traceback\n(most recent call last)").decode())
    assert error == 'not an Arrow stream: "Traceback.(most recent call last)"'


@pytest.mark.parametrize("length", [-5, 3, 0x7FFFFFFF])
def test_message_lengths_that_lie(probe, length):
    data = stream(pa.record_batch([pa.array([1])], ["x"]))[:-8] + struct.pack("<Ii", 0xFFFFFFFF, length)
    assert "message" in probe.error("arrow", stream=base64.b64encode(data).decode())


SAMPLE = stream(
    pa.record_batch(
        [
            pa.array([1, None, 3], pa.int32()),
            pa.array(["a", "bc", None]),
            pa.array(["a", "b", "a"]).dictionary_encode(),
            pa.array([[{"a": "x", "b": 1}], None, []], pa.list_(pa.struct([("a", pa.string()), ("b", pa.int32())]))),
        ],
        ["i", "s", "d", "l"],
    ),
    messages={0: '{"done": true}'},
)


@settings(max_examples=1000, deadline=2000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_broken_stream_ends_in_an_error_or_rows(probe, data):
    """Nothing else: no endless loop, no exhausted memory (the probe has 256 MB), no exception of another kind."""
    broken = bytearray(SAMPLE)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(broken) - 1))
        broken[at] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        del broken[data.draw(st.integers(0, len(broken))) :]
    probe.ask_all("arrow", stream=base64.b64encode(bytes(broken)).decode())


def test_lists_that_are_marked_are_tuples(probe):
    kind = pa.list_(pa.struct([("a", pa.int32()), ("b", pa.dictionary(pa.int32(), pa.string()))]))
    schema = pa.schema([pa.field("x", kind, metadata={"packetpig": "tuple"})])
    values = [[{"a": 1, "b": "y"}], None, [], [{"a": None, "b": None}], [{"a": 2, "b": "y"}]]
    batch = pa.record_batch([pa.array(values, kind)], schema=schema)
    assert read(probe, stream(batch))["rows"] == [[[1, "y"]], [None], [None], [[None, None]], [[2, "y"]]]
