"""Which payload travels with pieces: what the parsers of some loaders may want."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from packetpig.loaders.contract.report import Report
from packetpig.loaders.flows.merging import Packets, gathered
from packetpig.loaders.flows.messages import Parser, wanted
from packetpig.loaders.flows.tracker import MEMORY, TIMEOUTS, Tracker
from packetpig.loaders.kernels import native

AHEAD = 1 << 20  # bytes that a stream may keep of what came before its turn, unless stream_memory says more


class Carrying:
    """Chooses payload. A session's is left out only where it is sure that no parser wants it.

    It is not sure where a split may not have a session's beginning, and where a session may have been announced.
    """

    def __init__(self, parsers: Sequence[type[Parser]]) -> None:
        self._limits = wanted(parsers).limits
        self._doubt = max(parser.doubt for parser in parsers)
        self._tracker = Tracker({one.name: one.default for one in (*TIMEOUTS, MEMORY)}, Report(), moves=True)

    def chosen(self, packets: Packets) -> np.ndarray[Any, np.dtype[np.uint8]]:
        """Mark what is left out of PACKETS, in their order, and copy the rest together; keep it as long as them."""
        for _ in self._tracker.add(packets):
            pass
        native.choose_payload(
            packets.ctypes.data, self._tracker.moves.ctypes.data, len(packets), self._limits.ctypes.data, self._doubt,
            AHEAD,
        )  # fmt: skip
        return gathered(packets)
