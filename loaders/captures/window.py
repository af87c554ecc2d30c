"""A stretch of a capture's bytes in memory, and the table that packets found there are noted in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from packetpig.loaders.kernels import frame

if TYPE_CHECKING:
    import numpy as np


@dataclass
class Window:
    """Bytes of one capture in a buffer.

    `buffer`: the whole buffer. `at`: where reading goes on. `valid`: where the bytes end. `base`: what to add to a
    place in the buffer to have the offset in the capture. `last`: the capture ends where the bytes end. `address`: of
    the buffer, if it is no array.
    """

    buffer: np.ndarray[Any, Any] | memoryview
    at: int
    valid: int
    base: int
    last: bool
    address: int = 0

    def __post_init__(self) -> None:
        self.address = self.address or self.buffer.ctypes.data  # type: ignore[union-attr]

    @property
    def offset(self) -> int:
        """Where reading goes on, as an offset in the capture."""
        return self.base + self.at

    def head(self, size: int) -> bytes:
        """The next bytes, SIZE of them at most."""
        return self.buffer[self.at : min(self.at + size, self.valid)].tobytes()


class Table:
    """What is noted of packets until the table is full: `wide` and `places` as kernels/frame.py says, `rows` of them.

    `noted`: how many there were before a filter left some out (see reading.tables). The bytes are in `buffer`, of which
    `valid` are there.
    """

    # not a power of two: the rows of one packet would fall upon the same few lines of the processor's cache
    CAPACITY = (1 << 16) + 16

    def __init__(self, capacity: int = CAPACITY) -> None:
        import numpy as np  # here: windows do without, and it takes a while

        self.capacity = capacity
        self.rows = self.noted = 0
        self.wide = np.empty((frame.WIDE_ROWS, capacity), np.int64)
        self.places = np.empty((frame.PLACE_ROWS, capacity), np.int32)
        self.state = np.zeros(frame.STATE_SIZE, np.int64)
        self.buffer: np.ndarray[Any, Any] = np.empty(0, np.uint8)
        self.valid = 0
        self.pointers = (self.wide.ctypes.data, self.places.ctypes.data, self.state.ctypes.data)
