"""A mail server (aiosmtpd) that takes everything and keeps nothing; with a certificate it offers STARTTLS."""

from __future__ import annotations

import signal
import ssl
import sys

from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink

if __name__ == "__main__":
    address, name, *pair = sys.argv[1:]
    context = None
    if pair:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pair[0], pair[1])
    post = Controller(Sink(), hostname=address, port=25, server_hostname=name, ident="ESMTP", tls_context=context)
    post.start()
    signal.pause()
