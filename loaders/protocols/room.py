"""A bound on what all sessions together make a parser remember."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Room:
    """`most`: bytes that may be held at once; `held`: bytes that are."""

    most: int
    held: int = 0

    def take(self, size: int) -> bool:
        """Hold SIZE bytes more; False, and nothing is held, where that would be too much."""
        if self.held + size > self.most:
            return False
        self.held += size
        return True

    def free(self, size: int) -> None:
        """Hold SIZE bytes less."""
        self.held -= size
