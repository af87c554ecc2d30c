"""Files over SMB: what is read and written between opening and closing one, put together."""

from __future__ import annotations

from typing import Any

from packetpig.loaders.filing.file import File, Filing
from packetpig.loaders.filing.ranges import SCRATCH, Assembly, Waiting
from packetpig.loaders.protocols.room import Room
from packetpig.loaders.protocols.smb import ROOM, Open, Share


class Shares:
    """Listens to sessions over SMB."""

    def __init__(self, filing: Filing) -> None:
        self._filing = filing
        self._room, self._waiting = Room(ROOM), Waiting(SCRATCH)

    def session(self, session: int) -> Share:
        """A session."""
        return Share(session, self, self._filing.report, self._room)

    def bytes_of(self, session: int, file: Open, written: bool, offset: int, data: bytes, time: int) -> None:
        """See Listener."""
        if not isinstance(file.state, dict):
            file.state = {}
        assembly = file.state.get(written)
        if assembly is None:
            one = File(self._filing, session, time, lambda: _row(file, written))
            assembly = file.state[written] = Assembly(one, self._waiting, self._filing.report)
        assembly.put(offset, data)

    def closed(self, session: int, file: Open, orderly: bool) -> None:
        """See Listener."""
        if not isinstance(file.state, dict):
            return
        for written, assembly in file.state.items():
            if written:
                whole = file.fresh or (file.size is not None and assembly.at >= file.size)
                assembly.end(None, orderly and bool(whole) and not file.failed)
            else:
                total = None if file.size is None else max(file.size, assembly.at)
                assembly.end(total, total is not None)
        file.state = None


def _row(file: Open, written: bool) -> dict[str, Any]:
    name = file.name.decode("utf-16-le", "replace").replace("/", "\\").rpartition("\\")[2]
    return {"protocol": "smb", "direction": "to_server" if written else "to_client", "name": name}
