"""The kinds of difference that are known, and why each is none of our faults. docs/differences.md lists them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .tshark import Packet

KINDS: dict[str, str] = {}


def kind(column: str, ours: Any, theirs: Any, packet: Packet, row: Mapping[str, Any]) -> str | None:
    """The known kind that a difference belongs to; None if it is not explained."""
    return None
