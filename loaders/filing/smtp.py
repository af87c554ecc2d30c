"""Files in mails: attachments of what SMTP carries."""

from __future__ import annotations

from packetpig.loaders.filing.file import File, Filing
from packetpig.loaders.protocols import mime
from packetpig.loaders.protocols.http1 import Body
from packetpig.loaders.protocols.room import Room
from packetpig.loaders.protocols.smtp import Delivery


class Mails:
    """Sessions over SMTP."""

    def __init__(self, filing: Filing) -> None:
        self._filing = filing
        self._heads = Room(mime.ROOM)

    def session(self, session: int) -> Delivery:
        """A session."""
        return Delivery(lambda time: self._mail(session, time))

    def _mail(self, session: int, time: int) -> mime.Reader:
        return mime.Reader(lambda part: self._part(session, time, part), self._filing.report, self._heads)

    def _part(self, session: int, time: int, part: mime.Part) -> Body | None:
        """Text without a name is the letter itself, and no file."""
        letter = part.kind.partition("/")[0] in ("text", "multipart", "message")
        if part.filename is None and part.disposition != "attachment" and letter:
            return None
        row = {"protocol": "smtp", "direction": "to_server", "name": part.filename, "content_type": part.kind}
        return File(self._filing, session, time, row)
