"""What sessions say, by protocol."""

from __future__ import annotations

from packetpig.loaders import dns, http, tls
from packetpig.pipelines.spoken import Spoken, plain


class Dns(Spoken):
    """Questions and answers of DNS."""

    services = frozenset({"dns"})
    columns = {"dns": plain(dns.LOADER)}  # noqa: RUF012


class Tls(Spoken):
    """Handshakes of TLS, DTLS and QUIC."""

    services = frozenset({"tls", "dtls", "quic", "smtp", "imap", "pop3", "ftp", "ldap", "xmpp", "rdp", "http"})
    columns = {"tls": plain(tls.LOADER)}  # noqa: RUF012


class Http(Spoken):
    """Requests of HTTP and their responses."""

    services = frozenset({"http"})
    columns = {"http": plain(http.LOADER)}  # noqa: RUF012
