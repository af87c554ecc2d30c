"""Lines of protocols that speak in lines: FTP, SMTP, POP3 and the like."""

from __future__ import annotations

import re
from collections.abc import Iterator

from packetpig.loaders.protocols.room import Room

LINE = 8192  # bytes of a line; the rest of a longer one is left out
ROOM = Room(64 << 20)
"""For what all sessions together hold of lines that have no end yet; of a line beyond that nothing is held."""
REPLY = re.compile(rb"(\d{3})([ -])?")


class Lines:
    """Lines of one side, as its bytes come."""

    __slots__ = ("_held", "_skip")

    def __init__(self) -> None:
        self._held = b""
        self._skip = False  # until the next line begins

    def __del__(self) -> None:
        ROOM.free(len(self._held))

    def _hold(self, data: bytes) -> None:
        """Hold the beginning of a line, in place of what was held."""
        ROOM.free(len(self._held))
        self._held = data if ROOM.take(len(data)) else b""
        self._skip = self._skip or len(self._held) < len(data)

    def of(self, data: bytes, at: int = 0) -> Iterator[tuple[bytes, int]]:
        """Each line that DATA ends from AT on, without its end, and where in DATA the next one begins."""
        while (end := data.find(b"\n", at) + 1) > 0:
            line = (self._held + data[at : min(end, at + LINE)]).rstrip(b"\r\n")[:LINE]
            if self._held:
                self._hold(b"")
            skip, self._skip = self._skip, False
            if not skip:
                yield line, end
            at = end
        if not self._skip:
            self._hold((self._held + data[at : at + LINE])[:LINE])

    def hole(self) -> None:
        """Bytes are missing: the line that they were in is none."""
        self._hold(b"")
        self._skip = True

    def clear(self) -> None:
        """What is held is no line."""
        self._hold(b"")
        self._skip = False


def reply(line: bytes) -> tuple[int, bytes] | None:
    """Code and text of a reply's last line (RFC 959, 4.2; RFC 5321, 4.2); None for others."""
    found = REPLY.match(line)
    if not found or found[2] == b"-" or (found[2] is None and len(line) > 3):
        return None
    return int(found[1]), line[4:]
