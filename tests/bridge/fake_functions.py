"""Stands in for packetpig.loaders.bridge.functions: a few functions with known answers (docs/bridge.md)."""

import json
import os
import struct
import sys

OUT = sys.stdout.buffer
IN = sys.stdin.buffer
CALLS = [0]


def same(value):
    return value


def calls(value):
    """How often any function was called; said to be pure, so that answers are remembered."""
    CALLS[0] += 1
    return CALLS[0]


def fails(value):
    raise ValueError("cannot do that")


def dies(value):
    print("famous last words", file=sys.stderr, flush=True)
    os._exit(7)


def count(bag):
    return None if bag is None else len(bag)


FUNCTIONS = {
    "same": (same, "value:chararray", False),
    "bytes": (same, "value:bytearray", False),
    "bag": (same, "value:bag{t:(a:chararray,b:int)}", False),
    "tuple": (same, "value:tuple(a:chararray,b:int)", False),
    "map": (same, "value:map[]", False),
    "calls": (calls, "n:int", True),
    "fails": (fails, "value:chararray", False),
    "dies": (dies, "value:chararray", False),
    "count": (count, "n:int", False),
}


def decode(data, at):
    tag, at = data[at : at + 1], at + 1
    if tag == b"n":
        return None, at
    if tag == b"o":
        return data[at] == 1, at + 1
    for letter, form in (b"i", ">i"), (b"l", ">q"), (b"f", ">f"), (b"d", ">d"):
        if tag == letter:
            return struct.unpack_from(form, data, at)[0], at + struct.calcsize(form)
    (size,) = struct.unpack_from(">i", data, at)
    at += 4
    if tag == b"c":
        return data[at : at + size].decode(), at + size
    if tag == b"b":
        return data[at : at + size], at + size
    if tag == b"m":
        found = {}
        for _ in range(size):
            (length,) = struct.unpack_from(">i", data, at)
            key = data[at + 4 : at + 4 + length].decode()
            found[key], at = decode(data, at + 4 + length)
        return found, at
    items = []
    for _ in range(size):
        if tag == b"g":
            item, at = decode(b"t" + data[at:], 0)[0], at + length_of(data, at)
        else:
            item, at = decode(data, at)
        items.append(item)
    return (tuple(items) if tag == b"t" else items), at


def length_of(data, at):
    """Bytes of a tuple without its tag."""
    return decode(b"t" + data[at:], 0)[1] - 1


def encode(value):
    if value is None:
        return b"n"
    if isinstance(value, bool):
        return b"o" + bytes([value])
    if isinstance(value, int):
        return b"i" + struct.pack(">i", value) if -(1 << 31) <= value < 1 << 31 else b"l" + struct.pack(">q", value)
    if isinstance(value, float):
        return b"d" + struct.pack(">d", value)
    if isinstance(value, str):
        data = value.encode()
        return b"c" + struct.pack(">i", len(data)) + data
    if isinstance(value, bytes):
        return b"b" + struct.pack(">i", len(value)) + value
    if isinstance(value, tuple):
        return b"t" + struct.pack(">i", len(value)) + b"".join(map(encode, value))
    if isinstance(value, list):
        return b"g" + struct.pack(">i", len(value)) + b"".join(encode(t)[1:] for t in value)
    pairs = (struct.pack(">i", len(k.encode())) + k.encode() + encode(v) for k, v in value.items())
    return b"m" + struct.pack(">i", len(value)) + b"".join(pairs)


def send(data):
    OUT.write(struct.pack(">i", len(data)) + data)
    OUT.flush()


def main():
    known = []
    while head := IN.read(4):
        data = IN.read(struct.unpack(">i", head)[0])
        if data[:1] == b"{":
            request = json.loads(data)
            if "list" in request:
                answer = {"functions": {name: schema for name, (_, schema, _) in FUNCTIONS.items()}}
            else:
                names = [name for _, name in request["functions"]]
                unknown = [name for name in names if name not in FUNCTIONS]
                answer = (
                    {"schemas": [FUNCTIONS[n][1] for n in names], "pure": [FUNCTIONS[n][2] for n in names]}
                    if not unknown
                    else {"error": f"no function {unknown[0]}"}
                )
                known += [FUNCTIONS[n][0] for n in names if n in FUNCTIONS]
            send(json.dumps(answer).encode())
            continue
        number, arguments = decode(data, 0)[0]
        try:
            send(b"1" + encode(known[number](*arguments)))
        except Exception as e:
            send(b"0" + str(e).encode())
