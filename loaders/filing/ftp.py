"""Files over FTP: data connections that control connections announce."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from packetpig.loaders.filing.file import File, Filing
from packetpig.loaders.flows.expecting import endpoint, sensor
from packetpig.loaders.flows.streams import Said
from packetpig.loaders.kernels import slots
from packetpig.loaders.protocols.ftp import LISTS, Control, Transfer
from packetpig.loaders.protocols.texts import text

ANNOUNCED = 1 << 15  # data connections that are waited for
TCP = 6
Expect = Callable[[Said, int, bytes, int, int], None]


class Announced:
    """Data connections that were announced, by sensor, address and port of one of their ends."""

    def __init__(self, filing: Filing, expect: Expect) -> None:
        self._filing, self._expect = filing, expect
        self._places: OrderedDict[tuple[int, bytes, int], Transfer] = OrderedDict()

    def control(self, session: int) -> Control:
        """A control connection."""
        return Control(self._announce)

    def _announce(self, run: Said, address: bytes, port: int, transfer: Transfer) -> None:
        place = (sensor(run.packet), address, port)
        self._places.pop(place, None)
        self._places[place] = transfer
        if len(self._places) > ANNOUNCED:
            self._places.popitem(last=False)
        self._expect(run, TCP, address, port, slots.FTP_DATA)

    def data(self, run: Said) -> Data:
        """A data connection, which begins with RUN."""
        for side in (0, 1):
            transfer = self._places.get((sensor(run.packet), *endpoint(run.packet, side)))
            if transfer is not None:
                return Data(self._filing, run, transfer)
        return Data(self._filing, run, None)


class Data:
    """One data connection: what one side sends is a file."""

    def __init__(self, filing: Filing, run: Said, transfer: Transfer | None) -> None:
        self._transfer, self._side = transfer, run.side
        self._to_server = transfer is not None and endpoint(run.packet, run.side)[0] == transfer.client
        self._file = File(filing, run.session, run.time, self._named)

    def _named(self) -> dict[str, Any] | None:
        transfer = self._transfer
        row: dict[str, Any] = {"protocol": "ftp", "direction": None}
        if transfer is not None:
            if transfer.command in LISTS:
                return None
            row["direction"] = "to_server" if self._to_server else "to_client"
            row["name"] = text(transfer.name.replace(b"\\", b"/").rpartition(b"/")[2])
        return row

    def said(self, run: Said) -> None:
        """Take what one side said."""
        if run.side != self._side:
            return
        if run.data is None:
            self._file.hole(run.missing)
        else:
            self._file.data(run.data)

    def close(self, finished: tuple[bool, bool]) -> None:
        """It is over."""
        transfer = self._transfer
        if transfer is not None and transfer.rest:
            self._file.before(transfer.rest)
        self._file.end(finished[self._side])
