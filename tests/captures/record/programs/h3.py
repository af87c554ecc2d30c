"""HTTP/3 over QUIC version 1 (aioquic): a small server, and a client that gets some paths.

h3.py serve ADDRESS CERTIFICATE KEY FOLDER
h3.py get ADDRESS NAME AUTHORITY-CERTIFICATE AGENT PATH…
"""

from __future__ import annotations

import asyncio
import hashlib
import sys
from pathlib import Path
from typing import ClassVar

from aioquic.asyncio.client import connect
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.asyncio.server import serve
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import DataReceived, H3Event, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ProtocolNegotiated, QuicEvent

Headers = list[tuple[bytes, bytes]]


class Server(QuicConnectionProtocol):
    """Answers GET with files."""

    folder = Path()
    web: H3Connection | None = None

    def quic_event_received(self, event: QuicEvent) -> None:
        """Feed HTTP/3."""
        if isinstance(event, ProtocolNegotiated):
            self.web = H3Connection(self._quic)
        if self.web is not None:
            for happened in self.web.handle_event(event):
                if isinstance(happened, HeadersReceived):
                    self.reply(happened)
            self.transmit()

    def reply(self, asked: HeadersReceived) -> None:
        """Send a file."""
        assert self.web is not None
        path = self.folder / dict(asked.headers)[b":path"].decode().lstrip("/")
        found = path.is_file()
        body = path.read_bytes() if found else b"not here\n"
        headers: Headers = [
            (b":status", b"200" if found else b"404"),
            (b"server", b"clips"),
            (b"content-length", str(len(body)).encode()),
        ]
        self.web.send_headers(asked.stream_id, headers)
        self.web.send_data(asked.stream_id, body, end_stream=True)


class Client(QuicConnectionProtocol):
    """Gets paths, one after the other."""

    web: H3Connection | None = None
    bodies: ClassVar[dict[int, bytearray]] = {}
    ended: ClassVar[dict[int, asyncio.Event]] = {}

    async def get(self, name: str, path: str, agent: str) -> bytes:
        """One GET."""
        assert self.web is not None
        stream = self._quic.get_next_available_stream_id()
        self.bodies[stream], self.ended[stream] = bytearray(), asyncio.Event()
        self.web.send_headers(
            stream,
            [
                (b":method", b"GET"),
                (b":scheme", b"https"),
                (b":authority", name.encode()),
                (b":path", path.encode()),
                (b"user-agent", agent.encode()),
            ],
            end_stream=True,
        )
        self.transmit()
        await asyncio.wait_for(self.ended[stream].wait(), 30)
        return bytes(self.bodies[stream])

    def http_event(self, happened: H3Event) -> None:
        """Collect a body."""
        if isinstance(happened, DataReceived):
            self.bodies[happened.stream_id] += happened.data
        if isinstance(happened, (HeadersReceived, DataReceived)) and happened.stream_ended:
            self.ended[happened.stream_id].set()

    def quic_event_received(self, event: QuicEvent) -> None:
        """Feed HTTP/3."""
        if isinstance(event, ProtocolNegotiated):
            self.web = H3Connection(self._quic)
        if self.web is not None:
            for happened in self.web.handle_event(event):
                self.http_event(happened)


async def get(address: str, name: str, authority: str, agent: str, *paths: str) -> None:
    """The client."""
    settings = QuicConfiguration(is_client=True, alpn_protocols=H3_ALPN, server_name=name)
    settings.load_verify_locations(authority)
    async with connect(address, 443, configuration=settings, create_protocol=Client) as client:
        assert isinstance(client, Client)
        for path in paths:
            print(path, hashlib.sha256(await client.get(name, path, agent)).hexdigest())


async def serve_for_ever(address: str, certificate: str, key: str, folder: str) -> None:
    """The server."""
    settings = QuicConfiguration(is_client=False, alpn_protocols=H3_ALPN)
    settings.load_cert_chain(Path(certificate), Path(key))
    Server.folder = Path(folder)
    await serve(address, 443, configuration=settings, create_protocol=Server)
    await asyncio.Event().wait()


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        asyncio.run(serve_for_ever(*sys.argv[2:]))
    else:
        asyncio.run(get(*sys.argv[2:]))
