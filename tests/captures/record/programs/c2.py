"""Recording only: the place that beacon.py calls. Answers with the command in a file, keeps what is brought."""

from __future__ import annotations

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

WORK = Path(sys.argv[2])


class Handler(BaseHTTPRequestHandler):
    """POST /api/v1/status and POST /upload."""

    server_version, sys_version = "nginx", ""

    def version_string(self) -> str:
        """Called nginx, and is not."""
        return "nginx"

    def do_POST(self) -> None:
        """Take it, answer with JSON."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        answer = {"do": "wait"}
        if self.path.startswith("/upload"):
            with (WORK / "carried").open("ab") as out:
                out.write(body)
            answer = {"ok": "1"}
        elif (WORK / "command").exists():
            answer = json.loads((WORK / "command").read_text())
        data = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


if __name__ == "__main__":
    ThreadingHTTPServer((sys.argv[1], 8080), Handler).serve_forever()
