"""Client programs as the scenes use them. Each runs a real program and tells the truth what it did."""

from __future__ import annotations

import ipaddress
import random
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from .clock import Clock
from .network import Network
from .plan import HOSTS
from .truth import Truth

CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/122.0.0.0 Safari/537.36"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:123.0) Gecko/20100101 Firefox/123.0"
SAFARI = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.3 Safari/605.1.15"
)


def together(*tasks: Callable[[], object]) -> None:
    """Several things at the same time."""
    threads = [threading.Thread(target=task) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def owner(name: str) -> str:
    """The host that has this name or address."""
    for host in HOSTS.values():
        if name in (host.ipv4, host.ipv6, *host.names):
            return host.key
    raise KeyError(name)


class Clients:
    """All client programs."""

    def __init__(self, net: Network, clock: Clock, truth: Truth, content: Path) -> None:
        self.net, self.clock, self.truth, self.content = net, clock, truth, content
        self.work = net.work
        self.rng = random.Random(4)
        self.versions: dict[str, str] = {}

    def think(self) -> None:
        """Somebody reads, or types: some seconds pass."""
        self.clock.jump(self.rng.uniform(2.5, 22.0), 0.2)

    @staticmethod
    def six(who: str, url: str) -> tuple[str, str]:
        """Both addresses of a client that prefers IPv6 where there is any."""
        server, client = HOSTS[owner(urlsplit(url).hostname or "")], HOSTS[who]
        return (client.ipv6, server.ipv6) if server.ipv6 else (client.ipv4, server.ipv4)

    # -- HTTP and TLS --------------------------------------------------------------------------------------------
    def curl(
        self,
        who: str,
        url: str,
        *options: str,
        label: str = "normal",
        method: str = "GET",
        agent: str = "",
        file: str = "",
        name: str = "",
        note: str = "",
        sent: Path | None = None,
    ) -> str:
        """curl; with `file`, that content was downloaded whole; with `sent`, uploaded. The body."""
        form = "\n%{http_code} %{remote_ip} %{remote_port} %{local_ip} %{local_port} %{http_version}"
        extra = ["-A", agent] if agent else []
        out = self.net.run(who, ["curl", "-s", "-S", "-m", "90", "-w", form, *extra, *options, url])
        body, _, last = out.rpartition("\n")
        status, server, port, client, sport, version = [*last.split(), *[""] * 6][:6]
        where = urlsplit(url)
        if where.scheme == "http":
            self.truth.add(
                "http",
                client=client,
                sport=int(sport or 0),
                server=server,
                dport=int(port or 0),
                method=method,
                url=url,
                status=int(status or 0),
                user_agent=agent or f"curl/{self.versions['curl']}",
                label=label,
                note=note,
            )
        elif where.scheme == "https":
            self.truth.add(
                "tls",
                client=client,
                sport=int(sport or 0),
                server=server,
                dport=int(port or 0),
                sni=where.hostname,
                version="1.2" if "--tls-max" in options or owner(where.hostname or "") in ("fr", "br", "cn") else "1.3",
                http=version,
                status=int(status or 0),
                program="curl",
                label=label,
                note=note,
            )
        if file and where.scheme == "http":
            self.truth.file(
                "http", "to_client", client, server, self.content / file, name or Path(where.path).name, label
            )
        if sent:
            self.truth.file("http", "to_server", client, server, sent, sent.name, label)
        return body

    def wget(self, who: str, url: str, *options: str, file: str = "", label: str = "normal", status: int = 200) -> None:
        """wget."""
        self.net.run(who, ["wget", "-q", "-O", "/dev/null", "-T", "20", "-t", "1", *options, url])
        where = urlsplit(url)
        host = HOSTS[owner(where.hostname or "")]
        six = "-6" in options
        server, client = (host.ipv6, HOSTS[who].ipv6) if six else (host.ipv4, HOSTS[who].ipv4)
        if where.scheme == "https":
            self.truth.add(
                "tls",
                client=client,
                server=server,
                dport=443,
                sni=where.hostname,
                version="1.3",
                program="wget",
                label=label,
            )
            return
        self.truth.add(
            "http",
            client=client,
            server=server,
            dport=80,
            method="GET",
            url=url,
            status=status,
            user_agent=f"Wget/{self.versions['wget']}",
            label=label,
        )
        if file:
            self.truth.file("http", "to_client", client, server, self.content / file, Path(where.path).name, label)

    def session(self, who: str, *urls: str) -> None:
        """python-requests, all on one connection (IPv4 or IPv6, as it likes)."""
        out = self.net.run(who, [sys.executable, "-m", "record.programs.session", *urls])
        for line in out.splitlines():
            status, _, url = line.split()
            self.truth.add(
                "http",
                method="GET",
                url=url,
                status=int(status),
                client=self.six(who, url)[0],
                server=self.six(who, url)[1],
                dport=80,
                user_agent=f"python-requests/{self.versions['requests']}",
                label="normal",
                note="one connection",
            )

    def browser(self, who: str, url: str, *parts: str) -> None:
        """Chromium without a window; `parts` are what the page makes it load."""
        off = [
            "background-networking",
            "component-update",
            "sync",
            "default-apps",
            "gpu",
            "domain-reliability",
            "extensions",
        ]
        options = [
            "--headless=new",
            "--no-sandbox",
            "--no-first-run",
            "--no-default-browser-check",
            "--metrics-recording-only",
            "--disable-features=OptimizationHints,MediaRouter,Translate,AutofillServerCommunication,CertificateTransparencyComponentUpdater",
            f"--user-data-dir={self.work}/browser-{time.time():.0f}",
            f"--user-agent={CHROME}",
            *[f"--disable-{word}" for word in off],
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE *.example",
            "--timeout=4000",
            "--dump-dom",
            url,
        ]
        out = self.net.run(who, ["chromium", *options], fake=False)
        self.truth.add(
            "http",
            client=self.six(who, url)[0],
            server=self.six(who, url)[1],
            dport=80,
            method="GET",
            url=url,
            status=200 if "<h1>" in out else 0,
            user_agent=CHROME,
            label="normal",
            note="browser; also loads " + " ".join(parts),
        )

    def quic(self, who: str, key: str, *paths: str) -> None:
        """HTTP/3."""
        name = HOSTS[key].names[0]
        out = self.net.run(
            who,
            [
                sys.executable,
                "-m",
                "record.programs.h3",
                "get",
                HOSTS[key].ipv4,
                name,
                str(self.work / "tls" / "ca.crt"),
                "aioquic-demo/1.0",
                *paths,
            ],
        )
        self.truth.add(
            "tls",
            client=HOSTS[who].ipv4,
            server=HOSTS[key].ipv4,
            dport=443,
            sni=name,
            version="1.3",
            program="aioquic",
            quic=True,
            label="normal",
            note=f"HTTP/3 GET {' '.join(paths)}; {len(out.splitlines())} answers",
        )

    # -- DNS -----------------------------------------------------------------------------------------------------
    def dig(self, who: str, name: str, kind: str = "A", *options: str, server: str = "") -> None:
        """dig, and what it was told."""
        at = server or HOSTS["dns"].ipv4
        out = self.net.run(who, ["dig", f"@{at}", name, kind, "+tries=1", *options], fake=False)
        rcode = out.partition("status: ")[2].partition(",")[0]
        tcp = "(TCP)" in out.partition(";; SERVER")[2].partition("\n")[0]
        self.truth.add(
            "dns",
            client=HOSTS[who].ipv6 if ":" in at else HOSTS[who].ipv4,
            server=at,
            name=name,
            type=kind,
            rcode=rcode,
            transport="tcp" if tcp else "udp",
            answers=int(out.partition("ANSWER: ")[2].partition(",")[0] or 0),
            label="normal",
        )

    def reverse(self, who: str, address: str) -> None:
        """A PTR question."""
        self.dig(who, ipaddress.ip_address(address).reverse_pointer, "PTR")

    # -- mail, files, shells ---------------------------------------------------------------------------------------
    def mail(
        self, who: str, server: str, sender: str, to: str, subject: str, *attachments: str, tls: bool = False
    ) -> None:
        """swaks; attachments are names below the contents."""
        words = [
            "swaks",
            "--server",
            HOSTS[server].ipv4,
            "--ehlo",
            HOSTS[who].names[0],
            "--from",
            sender,
            "--to",
            to,
            "--silent",
            "2",
            "--header",
            f"Subject: {subject}",
            "--body",
            "Please find enclosed what we spoke about.\n\nKind regards\n",
        ]
        kinds = {
            ".pdf": "application/pdf",
            ".png": "image/png",
            ".csv": "text/csv",
            ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        }
        for name in attachments:
            path = self.content / name
            words += ["--attach-type", kinds[path.suffix], "--attach-name", path.name, "--attach", f"@{path}"]
        self.net.run(who, words + (["--tls", "--tls-ca-path", str(self.work / "tls" / "ca.crt")] if tls else []))
        client, address = HOSTS[who].ipv4, HOSTS[server].ipv4
        self.truth.add(
            "mails",
            client=client,
            server=address,
            sender=sender,
            to=to,
            subject=subject,
            starttls=tls,
            attachments=[Path(name).name for name in attachments],
            label="normal",
        )
        if not tls:
            for name in attachments:
                self.truth.file("smtp", "to_server", client, address, self.content / name, Path(name).name)

    def ftp(
        self,
        who: str,
        key: str,
        name: str,
        *options: str,
        user: str = "",
        upload: str = "",
        file: str = "",
        mode: str = "",
    ) -> None:
        """curl for FTP; without a name's file it lists."""
        login = ["-u", user] if user else []
        send = ["-T", str(self.content / upload)] if upload else []
        self.net.run(
            who,
            [
                "curl",
                "-s",
                "-S",
                "-m",
                "60",
                "-o",
                "/dev/null",
                *login,
                *send,
                *options,
                f"ftp://{HOSTS[key].names[0]}/{name}",
            ],
        )
        client, server = HOSTS[who].ipv4, HOSTS[key].ipv4
        self.truth.add(
            "logins",
            protocol="ftp",
            client=client,
            server=server,
            user=user.partition(":")[0] or "anonymous",
            ok=True,
            label="normal",
        )
        if upload or file:
            self.truth.file(
                "ftp",
                "to_server" if upload else "to_client",
                client,
                server,
                self.content / (upload or file),
                Path(name).name,
                mode=mode,
            )

    def smb(
        self,
        who: str,
        commands: str,
        dialect: str,
        server: str,
        client: str,
        down: tuple[str, ...] = (),
        up: tuple[str, ...] = (),
    ) -> None:
        """smbclient against the share `projects`."""
        home = self.work / "smb"
        home.mkdir(exist_ok=True)
        self.net.run(
            who,
            [
                "smbclient",
                f"//{server}/projects",
                "-U",
                "carla%Br1dge-Water",
                "-s",
                "/dev/null",
                "-m",
                dialect,
                "--client-protection=sign",
                "-D",
                ".",
                "-c",
                f"lcd {home}; {commands}",
            ],
            fake=False,
        )
        server = HOSTS["files"].ipv6 if ":" in client else HOSTS["files"].ipv4
        self.truth.add(
            "logins",
            protocol="smb",
            client=client,
            server=server,
            user="carla",
            ok=True,
            dialect=dialect,
            label="normal",
        )
        for name in down:
            self.truth.file("smb", "to_client", client, server, self.content / "files" / "projects" / name, name)
        for name in up:
            self.truth.file("smb", "to_server", client, server, self.content / "office" / name, name)

    def tftp(self, who: str, command: str, name: str, local: Path, direction: str) -> None:
        """tftp, binary."""
        target = self.work / f"tftp-{name}"
        words = ["get", name, str(target)] if command == "get" else ["put", str(local), name]
        self.net.run(who, ["tftp", "-4", "-m", "binary", HOSTS["files"].ipv4, "-c", *words], fake=False)
        self.truth.file("tftp", direction, HOSTS[who].ipv4, HOSTS["files"].ipv4, local, name)

    def ssh(self, program: str = "ssh") -> list[str]:
        """The words that begin an ssh or scp command of the administrator."""
        folder = self.work / "ssh"
        return [
            program,
            "-F",
            "/dev/null",
            "-i",
            str(folder / "carla"),
            "-o",
            "StrictHostKeyChecking=no",
            "-o",
            "LogLevel=ERROR",
            "-o",
            f"UserKnownHostsFile={folder}/known",
        ]

    def ping(self, who: str, target: str, count: int = 2) -> None:
        """ICMP echo, v4 or v6."""
        self.net.run(who, ["ping", "-n", "-c", str(count), "-i", "0.3", "-W", "1", target], fake=False)
