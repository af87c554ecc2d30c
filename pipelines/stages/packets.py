"""Packets, summed."""

from __future__ import annotations

from packetpig.pipelines.stage import Stage


class Packets(Stage):
    """What each host sent and received in each minute, by protocol."""

    captures = True
