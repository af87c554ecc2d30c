"""From the outer packets of tunnels to the innermost, for a whole table of packets."""

from __future__ import annotations

from packetpig.loaders.captures.window import Table
from packetpig.loaders.kernels import frame, native


def enter(table: Table) -> int:
    """Note the innermost packets in place of the outer ones; give how many there are.

    Their place TUNNEL says what they came through (see `names`); it is -1 for packets that are in no tunnel. What has
    no link layer of its own keeps that of the packet outside.
    """
    wide, places, _ = table.pointers
    return int(native.enter_tunnels(table.buffer.ctypes.data, table.valid, wide, places, table.capacity, table.rows))


def names(code: int) -> str:
    """What a value of the place TUNNEL stands for, the outermost tunnel first: `vxlan`, `gre+6in4`; "" for none."""
    found = []
    while code > 0:
        found.append(frame.TUNNELS[code & 15])
        code >>= 4
    return "+".join(found)
