"""Ports that servers usually have: they tell the sides of a session whose beginning was not captured.

The numbers are IANA's for protocols that Zeek knows, so that sides are guessed alike.
"""

from __future__ import annotations

import numpy as np

TCP = (
    21, 22, 25, 53, 79, 80, 81, 88, 110, 113, 135, 139, 143, 389, 443, 445, 502, 563, 585, 587, 614, 631, 636, 989, 990,
    992, 993, 995, 1080, 1434, 1883, 2811, 3128, 3268, 3306, 3389, 5060, 5222, 5223, 5269, 5432, 5900, 5901, 5902, 5903,
    6379, 6666, 6667, 6668, 6669, 8000, 8080, 8888, 20000,
)  # fmt: skip
UDP = (
    53,
    67,
    88,
    123,
    137,
    161,
    162,
    389,
    443,
    514,
    1812,
    2123,
    2152,
    3389,
    3544,
    4789,
    5060,
    5072,
    5353,
    5355,
    6081,
    20000,
)


def known() -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    """For each port: bit 0 if servers have it in TCP, bit 1 in UDP."""
    ports = np.zeros(65536, np.uint8)
    ports[list(TCP)] |= 1
    ports[list(UDP)] |= 2
    return ports
