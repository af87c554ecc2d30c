"""A web site with the things a file server does not do: chunked answers, forms, uploads, redirects."""

from __future__ import annotations

import gzip
import json
import random
import select
import socket
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

KINDS = {".gif": "image/gif", ".jpg": "image/jpeg", ".html": "text/html"}


class Site(BaseHTTPRequestHandler):
    """Forecasts, forms, and the files of a folder under the kinds that their names claim."""

    protocol_version = "HTTP/1.1"
    timeout = 2
    folder = Path(sys.argv[2])

    def version_string(self) -> str:
        """What the Server header says."""
        return sys.argv[3]

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""

    def answer(self, body: bytes, kind: str, status: int = 200, **headers: str) -> None:
        """Send an answer of known length."""
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def forecast(self) -> None:
        """Chunked, and packed when the client likes that."""
        rng = random.Random(int(time.time()) // 3600)
        hours = [{"hour": n, "wind": rng.randint(0, 20), "tide": round(rng.uniform(-2, 2), 2)} for n in range(24)]
        body = json.dumps({"station": "Tidewater quay", "hours": hours}).encode()
        packed = "gzip" in self.headers.get("Accept-Encoding", "")
        body = gzip.compress(body, mtime=0) if packed else body
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        if packed:
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        step = max(1, len(body) // 4)
        for start in range(0, len(body), step):
            piece = body[start : start + step]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            self.wfile.flush()
            select.select([], [], [], 0.02)
        self.wfile.write(b"0\r\n\r\n")

    def do_HEAD(self) -> None:
        """As GET."""
        self.do_GET()

    def do_GET(self) -> None:
        """Forecast, redirect, form, or a file."""
        path = urlsplit(self.path).path
        if path == "/v1/forecast":
            self.forecast()
        elif path in ("/forecast", "/old"):
            self.answer(b"", "text/plain", 301, Location="/v1/forecast")
        elif path == "/form":
            self.answer(b'<form method="post"><input name="name"><input name="file" type="file"></form>', "text/html")
        elif (file := self.folder / path.lstrip("/")).is_file() and ".." not in path:
            self.answer(file.read_bytes(), KINDS.get(file.suffix, "application/octet-stream"))
        else:
            self.answer(b"not here\n", "text/plain", 404)

    def do_POST(self) -> None:
        """Take a form."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.answer(json.dumps({"received": len(body)}).encode(), "application/json", 201)

    def do_PUT(self) -> None:
        """As POST."""
        self.do_POST()


if __name__ == "__main__":
    if ":" in sys.argv[1]:
        ThreadingHTTPServer.address_family = socket.AF_INET6
    ThreadingHTTPServer((sys.argv[1], 80), Site).serve_forever()
