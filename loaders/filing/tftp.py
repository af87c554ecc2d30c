"""Files over TFTP: transfers that requests announce, which go on from another port of the server."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from packetpig.loaders.filing.file import File, Filing
from packetpig.loaders.filing.ftp import Expect
from packetpig.loaders.flows.expecting import endpoint, sensor
from packetpig.loaders.flows.streams import Said
from packetpig.loaders.kernels import slots
from packetpig.loaders.protocols import tftp
from packetpig.loaders.protocols.room import Room
from packetpig.loaders.protocols.texts import text

ASKED = 1 << 15  # requests that are waited for
UDP = 17


class Transfers:
    """Requests, and sessions that carry what was asked for."""

    def __init__(self, filing: Filing, expect: Expect) -> None:
        self._filing, self._expect = filing, expect
        self.room = Room(tftp.ROOM)
        self._asked: OrderedDict[tuple[int, bytes, int], tftp.Request] = OrderedDict()

    def session(self, session: int) -> Session:
        """A session of datagrams."""
        return Session(self, self._filing)

    def ask(self, run: Said, request: tftp.Request) -> None:
        """A request: what it asks for goes from or to the port that it came from."""
        address, port = endpoint(run.packet, run.side)
        place = (sensor(run.packet), address, port)
        self._asked.pop(place, None)
        self._asked[place] = request
        if len(self._asked) > ASKED:
            self._asked.popitem(last=False)
            self._filing.report.count("tftp requests forgotten, too many waited")
        self._expect(run, UDP, address, port, slots.TFTP_DATA)

    def asked(self, run: Said) -> tuple[tftp.Request, int] | None:
        """The request that a session answers, and which side asked."""
        for side in (0, 1):
            request = self._asked.get((sensor(run.packet), *endpoint(run.packet, side)))
            if request is not None:
                return request, side
        return None


class Session:
    """Datagrams between two ports."""

    def __init__(self, transfers: Transfers, filing: Filing) -> None:
        self._transfers, self._filing = transfers, filing
        self._transfer: tftp.Transfer | None = None
        self._sender = 0

    def said(self, run: Said) -> None:
        """Take a datagram."""
        data = run.data
        if data is None or len(data) < 4 or data[0]:
            return
        if data[1] in (tftp.READ, tftp.WRITE):
            if request := tftp.request(data):
                self.close((False, False))
                self._transfers.ask(run, request)
            return
        if self._transfer is None or (self._transfer.over and data[1] == tftp.OACK):
            if data[1] not in (tftp.DATA, tftp.OACK):
                return
            asked = self._transfers.asked(run)
            if asked is None:
                return
            request, client = asked
            self._sender = client if request.write else 1 - client
            file = File(self._filing, run.session, run.time, _row(request))
            self._transfer = tftp.Transfer(file, self._transfers.room)
        if data[1] == tftp.DATA and run.side != self._sender:
            return
        self._transfer.take(data, max(0, int(run.packet[slots.P_PAYLOAD]) - len(data)))

    def close(self, finished: tuple[bool, bool]) -> None:
        """It is over."""
        if self._transfer is not None:
            self._transfer.close()
            self._transfer = None


def _row(request: tftp.Request) -> dict[str, Any]:
    name = text(request.name.replace(b"\\", b"/").rpartition(b"/")[2])
    return {"protocol": "tftp", "direction": "to_server" if request.write else "to_client", "name": name}
