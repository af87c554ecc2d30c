"""Files that HTTP, FTP, SMTP, SMB and TFTP carried: one row each, with type, hashes, and where it is kept."""

from __future__ import annotations

from packetpig.loaders.contract.columns import boolean, long, text
from packetpig.loaders.contract.loader import Job, Option
from packetpig.loaders.filing.file import Filing
from packetpig.loaders.filing.ftp import Announced
from packetpig.loaders.filing.http import Web
from packetpig.loaders.filing.smb import Shares
from packetpig.loaders.filing.smtp import Mails
from packetpig.loaders.filing.tftp import Transfers
from packetpig.loaders.flows import messages
from packetpig.loaders.flows.streams import Said
from packetpig.loaders.kernels import slots
from packetpig.loaders.protocols.web import Conversations

TYPES = Option("types", "only files of these types, by content: MIME types (image/*) and extensions (exe), with commas")
STORE = Option("store", "a folder to keep the files in, local or s3a://, each named by its SHA-256")


class Parser(messages.Following):
    """Hands what sessions say to whoever knows their protocol."""

    services = frozenset({slots.HTTP, slots.FTP, slots.FTP_DATA, slots.SMTP, slots.SMB, slots.TFTP, slots.TFTP_DATA})
    announces = True

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        filing = Filing(job, self.give)
        self._web = Conversations.of(job)
        self._web.listen(Web(filing, self._web))
        self._mails = Mails(filing)
        self._shares = Shares(filing)
        self._announced = Announced(filing, self.expect)
        self._transfers = Transfers(filing, self.expect)

    def begin(self, run: Said) -> messages.State | None:
        """See messages.Following."""
        session, service = run.session, run.service
        if run.datagram:
            return self._transfers.session(session) if service in (slots.TFTP, slots.TFTP_DATA) else None
        if service == slots.HTTP:
            return self._web.session(session)
        if service == slots.SMTP:
            return self._mails.session(session)
        if service == slots.SMB:
            return self._shares.session(session)
        if service == slots.FTP_DATA:
            return self._announced.data(run)
        return self._announced.control(session) if service == slots.FTP else None


LOADER = messages.loader(
    pig="FileLoader",
    answers="one file that was carried over HTTP, FTP, SMTP, SMB or TFTP",
    parser=Parser,
    columns=(
        text("protocol", "http, ftp, smtp, smb, tftp", repeated=True),
        text("direction", "to_client, to_server", repeated=True),
        text("name", "name that the traffic gives it; not to be trusted, and never a path here"),
        text("mime", "type by its content, as libmagic has it; null: its beginning is not there", repeated=True),
        text("extension", "usual extension of that type", repeated=True),
        long("size", "its size, missing bytes included as far as they are known", "bytes"),
        boolean("complete", "all of it is there, to its end"),
        text("md5", "MD5; null: bytes are missing"),
        text("sha1", "SHA-1, likewise"),
        text("sha256", "SHA-256, likewise"),
        text("path", "where it is kept (store=); .partial: what came before the first missing byte"),
        text("content_type", "type that the traffic gives it", repeated=True),
        long("missing_bytes", "of these not there; null: nobody knows how many", "bytes"),
    ),
    options=(TYPES, STORE),
)
