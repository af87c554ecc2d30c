"""Frames on a pipe from or to Pig: a big-endian 32-bit length, then that many bytes."""

from __future__ import annotations

import os
import struct

LENGTH = struct.Struct(">i")


class BridgeError(Exception):
    """Pig's side went away, or sent what it should not."""


def read_exactly(file: int, into: memoryview) -> None:
    """Fill INTO from the file descriptor. Raises BridgeError where it ends before."""
    filled = 0
    while filled < len(into):
        count = os.readv(file, [into[filled:]])
        if count == 0:
            raise BridgeError("standard input ended early")
        filled += count


def read_length(file: int) -> int:
    """The length of the next frame."""
    buffer = bytearray(4)
    read_exactly(file, memoryview(buffer))
    return int(LENGTH.unpack(buffer)[0])


def read_frame(file: int) -> bytes | None:
    """The next frame; None where there is no more."""
    head = os.read(file, LENGTH.size)
    if not head:
        return None
    length = bytearray(LENGTH.size)
    length[: len(head)] = head
    read_exactly(file, memoryview(length)[len(head) :])
    buffer = bytearray(LENGTH.unpack(length)[0])
    read_exactly(file, memoryview(buffer))
    return bytes(buffer)
