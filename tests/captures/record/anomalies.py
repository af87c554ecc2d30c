"""Record attacks that the demo has not, and what looks like them: `cd tests/captures && python3 -m record.anomalies`.

As root; needs the Debian packages tcpdump iproute2 ethtool hping3 hydra iputils-ping openssh-server openssh-client xrdp
curl wget zstd, and pyftpdlib from PyPI. Two namespaces, one link between them, real programs at
both ends; nothing leaves them. Writes anomalies/*.pcap.zst and anomalies/labels.json.
"""

from __future__ import annotations

import json
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent.parent / "anomalies"
CLIENT, SERVER = "203.0.113.66", "10.10.1.80"
Label = dict[str, Any]


class Wire:
    """Two hosts and a link: a context manager that leaves nothing behind."""

    def __init__(self, work: Path) -> None:
        self.work = work
        self.children: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Wire:
        for name in ("client", "server"):
            self.sh("ip", "netns", "add", f"an-{name}")
        self.sh("ip", "link", "add", "eth0", "netns", "an-client", "type", "veth", "peer", "eth0", "netns", "an-server")
        for name, own in (("client", CLIENT), ("server", SERVER)):
            words = [word for offload in ("tso", "gso", "gro", "tx", "rx", "sg") for word in (offload, "off")]
            self.run(name, "ethtool", "-K", "eth0", *words)
            self.run(name, "ip", "address", "add", f"{own}/32", "dev", "eth0")
            self.run(name, "ip", "link", "set", "lo", "up")
            self.run(name, "ip", "link", "set", "eth0", "up")
            self.run(name, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1", "net.ipv4.tcp_synack_retries=1")
        # each is the other's gateway, so that answers to made-up senders leave too
        self.run("client", "ip", "route", "add", "default", "via", SERVER, "dev", "eth0", "onlink")
        self.run("server", "ip", "route", "add", "default", "via", CLIENT, "dev", "eth0", "onlink")
        return self

    def __exit__(self, *_: object) -> None:
        for child in self.children:
            child.terminate()
        for child in self.children:
            child.wait()
        for name in ("client", "server"):
            subprocess.run(["ip", "netns", "delete", f"an-{name}"], check=False)

    @staticmethod
    def sh(*argv: str) -> None:
        subprocess.run(argv, check=True, capture_output=True)

    def run(self, host: str, *argv: str, check: bool = True) -> None:
        """A program at one end, until it is done."""
        subprocess.run(["ip", "netns", "exec", f"an-{host}", *argv], check=check, capture_output=True, cwd=self.work)

    def start(self, host: str, *argv: str) -> subprocess.Popen[bytes]:
        """A program at one end that goes on."""
        child = subprocess.Popen(
            ["ip", "netns", "exec", f"an-{host}", *argv],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self.work,
        )
        self.children.append(child)
        return child

    def record(self, name: str, scene: Callable[[Wire], Label]) -> Label:
        """A scene, and its capture anomalies/NAME.pcap.zst."""
        path = self.work / f"{name}.pcap"
        dump = self.start("server", "tcpdump", "-i", "eth0", "-w", str(path), "-U", "-Z", "root", "ip or ip6")
        time.sleep(1)
        label = scene(self)
        time.sleep(5)
        dump.send_signal(signal.SIGINT)
        dump.wait()
        self.children.remove(dump)
        subprocess.run(["zstd", "-19", "-q", "-f", str(path), "-o", str(HERE / f"{name}.pcap.zst")], check=True)
        return label

    def servers(self) -> None:
        """SSH, RDP, FTP and HTTP at the server."""
        for name in ("host", "key"):
            self.sh("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.work / name))
        shutil.copy(self.work / "key.pub", self.work / "authorized")
        (self.work / "sshd_config").write_text(
            f"HostKey {self.work}/host\nAuthorizedKeysFile {self.work}/authorized\nStrictModes no\nUsePAM no\n"
            "PasswordAuthentication yes\nPermitRootLogin prohibit-password\nPidFile none\nMaxStartups 100\nUseDNS no\n"
        )
        Path("/run/sshd").mkdir(exist_ok=True)
        self.start("server", "/usr/sbin/sshd", "-D", "-e", "-f", str(self.work / "sshd_config"))
        site = self.work / "site"
        site.mkdir()
        for number in range(40):
            (site / f"page{number}.html").write_text(f"<p>{'word ' * (1 + number * number)}</p>")
        links = "".join(f'<a href="page{number}.html">{number}</a>' for number in range(40))
        (site / "index.html").write_text(links)
        self.start("server", sys.executable, "-m", "http.server", "80", "--directory", str(site))
        ftp = self.work / "ftp"
        ftp.mkdir()
        (ftp / "a.bin").write_bytes(secrets.token_bytes(1000))
        self.start("server", sys.executable, "-m", "pyftpdlib", "-p", "21", "-d", str(ftp))
        (self.work / "xrdp.ini").write_text(
            "[Globals]\nport=3389\nfork=true\nsecurity_layer=tls\ncrypt_level=high\nssl_protocols=TLSv1.2\n"
            f"certificate={self.work}/cert.pem\nkey_file={self.work}/key.pem\n"
            "[Xorg]\nname=Xorg\nlib=libxup.so\nusername=ask\npassword=ask\nport=-1\n"
        )
        self.sh(
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=rdp.example", "-days", "30",
            "-keyout", str(self.work / "key.pem"), "-out", str(self.work / "cert.pem"),
        )  # fmt: skip
        self.start("server", "/usr/sbin/xrdp", "--nodaemon", "--config", str(self.work / "xrdp.ini"))
        time.sleep(3)

    def passwords(self) -> str:
        """A list of passwords, none of them right."""
        path = self.work / "passwords"
        path.write_text("".join(f"secret{number}\n" for number in range(40)))
        return str(path)


def found(kind: str, src: str | None, dport: int | None) -> Label:
    """What is to be found: one anomaly against the server."""
    return {"label": "attack", "kind": kind, "src": src, "dst": SERVER, "dport": dport}


def syn_flood(wire: Wire) -> Label:
    """1,500 attempts from as many made-up addresses in 7.5 s."""
    wire.run(
        "client", "hping3", "-q", "-S", "-p", "80", "-i", "u5000", "-c", "1500", "--rand-source", SERVER, check=False
    )
    return found("syn_flood", None, 80)


def udp_flood(wire: Wire) -> Label:
    """12,000 datagrams to a closed port in 12 s or so."""
    wire.run("client", "hping3", "-q", "--udp", "-p", "9999", "-i", "u1000", "-c", "12000", SERVER, check=False)
    return found("udp_flood", CLIENT, None)


def icmp_flood(wire: Wire) -> Label:
    """3,000 pings, as fast as answers come or a hundred a second and more."""
    wire.run("client", "ping", "-q", "-f", "-c", "3000", SERVER)
    return found("icmp_flood", CLIENT, None)


def ssh_guessing(wire: Wire) -> Label:
    """40 passwords of root."""
    wire.run("client", "hydra", "-I", "-l", "root", "-P", wire.passwords(), "-t", "4", f"ssh://{SERVER}", check=False)
    return found("ssh_guessing", CLIENT, 22)


def rdp_guessing(wire: Wire) -> Label:
    """15 users, one password (xrdp shows its own login, so hydra takes the first password of each for right)."""
    users = wire.work / "users"
    users.write_text("".join(f"user{number}\n" for number in range(15)))
    wire.run("client", "hydra", "-I", "-L", str(users), "-p", "secret", "-t", "1", f"rdp://{SERVER}", check=False)
    return found("rdp_guessing", CLIENT, 3389)


def normal(wire: Wire) -> Label:
    """What looks a little like attacks: SSH commands, FTP downloads, a mirrored site, pings, refused connections."""
    ssh = ("ssh", "-i", str(wire.work / "key"), "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null")
    for _ in range(6):
        wire.run("client", *ssh, f"root@{SERVER}", "uptime", check=False)
    for _ in range(12):
        wire.run("client", "curl", "-s", "-o", "a.bin", f"ftp://anonymous:me@{SERVER}/a.bin")
    wire.run("client", "wget", "-q", "-r", "--no-http-keep-alive", f"http://{SERVER}/", check=False)
    wire.run("client", "ping", "-q", "-c", "20", "-i", "0.2", SERVER)
    for port in range(8000, 8010):
        wire.run("client", "curl", "-s", "-o", "a.bin", f"http://{SERVER}:{port}/", check=False)
    return {"label": "normal"}


SCENES = (syn_flood, udp_flood, icmp_flood, ssh_guessing, rdp_guessing, normal)


def main() -> None:
    """Record all scenes, or those that are named."""
    HERE.mkdir(exist_ok=True)
    labels_file = HERE / "labels.json"
    labels = json.loads(labels_file.read_text()) if labels_file.exists() else {}
    wanted = [scene for scene in SCENES if not sys.argv[1:] or scene.__name__ in sys.argv[1:]]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        with Wire(Path(folder)) as wire:
            wire.servers()
            for scene in wanted:
                labels[f"{scene.__name__}.pcap.zst"] = wire.record(scene.__name__, scene)
    labels_file.write_text(json.dumps(dict(sorted(labels.items())), indent=1) + "\n")


if __name__ == "__main__":
    main()
