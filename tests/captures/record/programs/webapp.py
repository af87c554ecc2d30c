"""DELIBERATELY VULNERABLE web shop, for the recording only: never run it where anybody can reach it.

Its login and its search paste text into SQL, and its ping form pastes text into a shell. The recording runs it in
a network namespace without a way out, as an unprivileged user.
"""

from __future__ import annotations

import hashlib
import html
import sqlite3
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

PRODUCTS = [
    ("Tide gauge TG-4", "Float gauge with 4 m range", 412.0),
    ("Tide gauge TG-9", "Radar gauge, 9 m range", 1290.0),
    ("Salinity probe S2", "Handheld probe, steel", 268.5),
    ("Pressure cell P10", "10 bar, titanium", 339.0),
    ("Pump relay", "Spare relay for quay pumps", 42.75),
    ("O'Ring set", "Seals for P10 and S2", 12.2),
    ("Brass valve 2in", "Shut-off valve", 58.0),
    ("Data buoy B1", "Buoy with solar cell", 5400.0),
]
USERS = [
    ("anna", "anna@tidewater.example", "Lighthouse-7", "sales"),
    ("ben", "ben@tidewater.example", "summer2024", "sales"),
    ("carla", "carla@tidewater.example", "k4Rl4!Adm1n", "admin"),
    ("jonas.lund", "jonas.lund@customers.example", "Gr33nBoat", "customer"),
    ("priya.patel", "priya.patel@customers.example", "monsoon-88", "customer"),
    ("liam.obrien", "liam.obrien@customers.example", "C0nnemara", "customer"),
]
STYLE = "body{font-family:sans-serif;margin:2em}table{border-collapse:collapse}td,th{border:1px solid #ccc;padding:4px}"
MENU = (
    '<p><a href="/">Home</a> <a href="/search?q=gauge">Search</a> '
    '<a href="/login">Sign in</a> <a href="/tools">Tools</a></p>'
)


def prepare(path: Path) -> None:
    """Fill the data base."""
    base = sqlite3.connect(path)
    base.execute("create table products (id integer primary key, name text, text text, price real)")
    base.execute("create table users (id integer primary key, name text, mail text, password text, role text)")
    base.executemany("insert into products (name, text, price) values (?, ?, ?)", PRODUCTS)
    base.executemany(
        "insert into users (name, mail, password, role) values (?, ?, ?, ?)",
        [(n, m, hashlib.md5(p.encode()).hexdigest(), r) for n, m, p, r in USERS],
    )
    base.commit()
    base.close()


class Shop(BaseHTTPRequestHandler):
    """The pages."""

    protocol_version = "HTTP/1.1"
    timeout = 2
    base: Path
    front: bytes

    def version_string(self) -> str:
        """What the Server header says."""
        return "TidewaterShop/1.4"

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""

    def answer(self, body: str | bytes, status: int = 200, **headers: str) -> None:
        """Send a page."""
        if isinstance(body, str):
            body = (
                f"<!DOCTYPE html><html><head><title>Tidewater Instruments</title><style>{STYLE}</style></head>"
                f"<body><h1>Tidewater Instruments</h1>{MENU}{body}</body></html>"
            ).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def query(self, sql: str) -> list[tuple[object, ...]]:
        """Run SQL as it comes."""
        base = sqlite3.connect(f"file:{self.base}?mode=ro", uri=True)
        try:
            return base.execute(sql).fetchall()
        finally:
            base.close()

    def do_HEAD(self) -> None:
        """As GET, without a body."""
        self.do_GET()

    def do_GET(self) -> None:
        """All pages but the sign-in."""
        where = urlsplit(self.path)
        asked = {key: values[0] for key, values in parse_qs(where.query).items()}
        if where.path == "/":
            self.answer(self.front)
        elif where.path == "/search":
            self.search(asked.get("q", ""))
        elif where.path == "/login":
            self.answer(
                '<form method="post" action="/login"><input name="user"><input name="password" type="password">'
                "<button>Sign in</button></form>"
            )
        elif where.path == "/tools":
            self.ping(asked.get("host", ""))
        elif where.path == "/robots.txt":
            self.answer(b"User-agent: *\nDisallow: /tools\n")
        else:
            self.answer("<p>Not found.</p>", 404)

    def search(self, text: str) -> None:
        """VULNERABLE: the text is pasted into SQL."""
        try:
            found = self.query(f"select id, name, text, price from products where name like '%{text}%'")
        except sqlite3.Error as problem:
            self.answer(f"<p>Data base error: {html.escape(str(problem))}</p>", 500)
            return
        rows = "".join(
            "<tr>" + "".join(f"<td>{html.escape(str(cell))}</td>" for cell in row) + "</tr>" for row in found
        )
        self.answer(
            f"<p>{len(found)} found</p><table>"
            f"<tr><th>No</th><th>Name</th><th>Text</th><th>Price</th></tr>{rows}</table>"
        )

    def ping(self, host: str) -> None:
        """VULNERABLE: the text is pasted into a shell."""
        form = '<form action="/tools">Is it up? <input name="host"><button>Ping</button></form>'
        output = ""
        if host:
            done = subprocess.run(f"ping -c 1 -W 1 {host}", shell=True, capture_output=True, check=False)
            output = f"<pre>{html.escape((done.stdout + done.stderr).decode('utf-8', 'replace'))}</pre>"
        self.answer(form + output)

    def do_POST(self) -> None:
        """VULNERABLE: the sign-in pastes the name into SQL."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode("utf-8", "replace")
        form = {key: values[0] for key, values in parse_qs(body).items()}
        digest = hashlib.md5(form.get("password", "").encode()).hexdigest()
        try:
            found = self.query(
                f"select name, role from users where name = '{form.get('user', '')}' and password = '{digest}'"
            )
        except sqlite3.Error as problem:
            self.answer(f"<p>Data base error: {html.escape(str(problem))}</p>", 500)
            return
        if found:
            session = hashlib.md5(f"{found[0][0]}{digest}".encode()).hexdigest()
            welcome = f"<p>Welcome {html.escape(str(found[0][0]))}.</p>"
            self.answer(welcome, 302, Location="/", Set_Cookie=f"session={session}; HttpOnly")
        else:
            self.answer("<p>Wrong name or password.</p>")


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    Shop.base = folder / "shop.db"
    Shop.front = (folder / "index.html").read_bytes()
    prepare(Shop.base)
    ThreadingHTTPServer((sys.argv[2], 80), Shop).serve_forever()
