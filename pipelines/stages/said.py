"""What sessions say, by protocol."""

from __future__ import annotations

from packetpig.loaders import dns, files, http, tls
from packetpig.pipelines.spoken import Spoken, plain

LOADERS = {"dns": dns.LOADER, "tls": tls.LOADER, "http": http.LOADER, "files": files.LOADER}


class Said(Spoken):
    """Questions and answers of DNS, handshakes of TLS, exchanges of HTTP, and files, from one decode."""

    tables = tuple(LOADERS)
    columns = {name: plain(loader) for name, loader in LOADERS.items()}  # noqa: RUF012
    services = frozenset(
        {"dns", "tls", "dtls", "quic", "http", "smtp", "imap", "pop3", "ftp", "ftp_data", "smb", "tftp", "ldap", "xmpp"}
    )
