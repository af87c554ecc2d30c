"""The kernels read no byte behind a frame: frames end where memory does, and a process that goes on dies."""

from __future__ import annotations

import ctypes
import mmap
import random
import struct
from collections.abc import Iterator
from multiprocessing import get_context

import numpy as np
from packetpig.loaders.captures.window import Table
from packetpig.loaders.decode.columns import Slice
from packetpig.loaders.decode.tunnels import enter
from packetpig.loaders.kernels import native
from packetpig.loaders.kernels.frame import LINK_TYPES
from packetpig.loaders.packets import BUILDERS

from tests.fidelity.made import CAPTURES

PAGE = mmap.PAGESIZE
ROOM = 4 * PAGE  # more than any of the frames needs
COLUMNS = (  # one of each way to read
    "eth_src", "eth_dst", "ip_id", "ip_frag_offset", "ip_tos", "ip_checksum", "ip_src", "ip_dst", "dport", "tcp_window",
    "udp_checksum", "icmp_code", "community_id", "payload", "frame",
)  # fmt: skip
MADE = [(link_type, frame) for link_type, frames in CAPTURES.values() for frame in frames]


def beginnings() -> Iterator[tuple[int, bytes, int]]:
    """Link type, captured bytes, length on the wire: every beginning of every frame."""
    for link_type, frame in MADE:
        for size in range(len(frame) + 1):
            yield link_type, frame[:size], len(frame)


def mutations(count: int) -> Iterator[tuple[int, bytes, int]]:
    """Frames with some bytes changed, cut somewhere, of any link type and length."""
    chance = random.Random(1)
    for _ in range(count):
        link_type, frame = chance.choice(MADE)
        data = bytearray(frame)
        for _ in range(chance.randrange(6)):
            data[chance.randrange(len(data))] = chance.choice((0, 1, 255, chance.randrange(256)))
        data = data[: chance.randrange(len(data) + 1)]
        length = chance.choice((len(data), len(frame), chance.randrange(70_000)))
        yield link_type if chance.random() < 0.8 else chance.choice(LINK_TYPES), bytes(data), length


def decode_all() -> None:
    """All columns of each frame alone, outer and inner, its last byte being the last of the memory."""
    memory = mmap.mmap(-1, ROOM + PAGE)
    base = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    assert ctypes.CDLL(None).mprotect(ctypes.c_void_p(base + ROOM), PAGE, 0) == 0
    table = Table(64)
    table.buffer, table.valid = np.frombuffer(memory, np.uint8), ROOM
    wide, places, state = table.pointers
    for link_type, frame, length in (*beginnings(), *mutations(10_000)):
        record = struct.pack("<IIII", 1, 0, len(frame), length) + frame
        memory[ROOM - len(record) : ROOM] = record
        for inner in (False, True):
            table.state[:] = (ROOM - len(record), 0, 0)
            native.pcap_records(
                base, ROOM, ROOM, 0, 16, 0, 0, link_type, 262_144, 0, state, wide, places, table.capacity
            )
            table.rows = 1
            if inner and enter(table) == 0:
                continue
            for name in COLUMNS:
                BUILDERS[name](Slice(table, 0, 1))


def test_no_byte_behind_a_frame_is_read() -> None:
    process = get_context("fork").Process(target=decode_all)
    process.start()
    process.join()
    assert process.exitcode == 0
