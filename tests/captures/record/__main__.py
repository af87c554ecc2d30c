"""Record the demo captures anew: `cd tests/captures && python3 -m record` (as root, on Debian 12 or like it).

Needs these Debian packages: tcpdump tshark iproute2 ethtool faketime bind9 bind9-utils bind9-dnsutils nginx-light
samba smbclient openssh-server openssh-client tftpd-hpa tftp-hpa curl wget swaks libnet-ssleay-perl openssl chromium
iputils-ping traceroute nmap hydra sqlmap zstd gcc; and these from PyPI: aioquic aiosmtpd cryptography pyftpdlib
requests. It installs nothing. It takes about ten minutes, and removes its namespaces when it ends.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

from . import breakin, capture, content, normal, page, plan, servers
from .clients import Clients
from .clock import Clock, iso
from .network import Network
from .tls import Certificates
from .truth import Truth

HERE = Path(__file__).resolve().parent.parent
# program: Debian package
PROGRAMS = {
    "tcpdump": "tcpdump",
    "tshark": "tshark",
    "ip": "iproute2",
    "ethtool": "ethtool",
    "faketime": "faketime",
    "named": "bind9",
    "rndc": "bind9-utils",
    "dig": "bind9-dnsutils",
    "nginx": "nginx-light",
    "smbd": "samba",
    "smbclient": "smbclient",
    "sshd": "openssh-server",
    "ssh": "openssh-client",
    "in.tftpd": "tftpd-hpa",
    "tftp": "tftp-hpa",
    "curl": "curl",
    "wget": "wget",
    "swaks": "swaks",
    "openssl": "openssl",
    "chromium": "chromium",
    "ping": "iputils-ping",
    "traceroute": "traceroute",
    "nmap": "nmap",
    "hydra": "hydra",
    "sqlmap": "sqlmap",
    "zstd": "zstd",
    "gcc": "gcc",
    "python3": "python3",
}
MODULES = ("aioquic", "aiosmtpd", "cryptography", "pyftpdlib", "requests")


def missing() -> list[str]:
    """What is not there."""
    absent = [f"{program} (Debian: {package})" for program, package in PROGRAMS.items() if not shutil.which(program)]
    absent += [f"{module} (PyPI)" for module in MODULES if not importlib.util.find_spec(module)]
    return absent + ([] if os.geteuid() == 0 else ["root"])


def versions() -> dict[str, str]:
    """The version of every program."""
    found = {}
    for program, package in PROGRAMS.items():
        out = subprocess.run(
            ["dpkg-query", "-W", "-f", "${Version}", package], capture_output=True, text=True, check=False
        ).stdout
        found[program] = re.sub(r"^\d+:", "", out)
    result = {name: value for name, value in found.items() if value}
    result |= {module: importlib.metadata.version(module) for module in MODULES}
    return result


def listen(net: Network, switch: str) -> tuple[subprocess.Popen[bytes], Path]:
    """tcpdump on a bridge, which sees what passes between all ports."""
    path = net.work / f"{switch}.pcap"
    argv = [
        "tcpdump",
        "-i",
        "br0",
        "-n",
        "-s",
        "0",
        "-B",
        "16384",
        "--time-stamp-precision=nano",
        "-U",
        "-Z",
        "root",
        "-w",
        str(path),
    ]
    log = (net.work / f"{switch}.tcpdump").open("wb")
    return subprocess.Popen(
        ["ip", "netns", "exec", plan.namespace(f"switch-{switch}"), *argv], stdout=log, stderr=log
    ), path


def dropped(net: Network, switch: str) -> int:
    """How many frames tcpdump says it lost."""
    found = re.search(r"(\d+) packets? dropped by kernel", (net.work / f"{switch}.tcpdump").read_text())
    if not found:
        raise RuntimeError("tcpdump did not say how much it lost")
    return int(found[1])


def record(net: Network, only: str) -> tuple[Truth, Clock, list[tuple[Path, int]], int, Certificates]:
    """Start everything, play every scene."""
    made = content.make(net.work)
    certificates = Certificates(net.work / "tls")
    for name in ("home", "c2", "victim-ftp"):
        (net.work / name).mkdir()
    servers.start(net, made, certificates)
    clock = Clock(net)
    truth = Truth(clock)
    clients = Clients(net, clock, truth, made)
    clients.versions = {name: re.split(r"[-+]", text)[0] for name, text in versions().items()}
    sensors = [listen(net, switch) for switch in ("office", "guest")]
    time.sleep(1.5)
    if only in ("all", "normal"):
        normal.play(clients)
    if only in ("all", "breakin"):
        breakin.play(clients)
    time.sleep(1)
    for child, _ in sensors:
        child.send_signal(signal.SIGINT)
    for child, _ in sensors:
        child.wait(10)
    lost = sum(dropped(net, switch) for switch in ("office", "guest"))
    return truth, clock, [(sensors[0][1], 0), (sensors[1][1], plan.GUEST_VLAN)], lost, certificates


def main() -> None:
    """Record, move, cut, tell."""
    options = argparse.ArgumentParser(description="Record the demo captures anew.")
    options.add_argument("--only", choices=("all", "normal", "breakin"), default="all")
    options.add_argument("--keep", action="store_true", help="keep the working folder (logs, raw captures)")
    options.add_argument(
        "--output", type=Path, default=HERE, help="where demo/, truth.json and the tables of README.md go"
    )
    asked = options.parse_args()
    if absent := missing():
        sys.exit("missing: " + ", ".join(absent))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    work = Path(tempfile.mkdtemp(prefix="ppdemo-", dir="/var/tmp"))
    work.chmod(0o755)
    try:
        with Network(work) as net:
            truth, clock, recorded, lost, certificates = record(net, asked.only)
        rows = capture.write(capture.moved(recorded, clock.segments), asked.output / "demo")
        truth.data = {
            "recorded": iso(clock.segments[0].begin),
            "packets_dropped": lost,
            "programs": versions(),
            "hosts": [asdict(host) for host in plan.HOSTS.values()],
            "guest_vlan": plan.GUEST_VLAN,
            "captures": rows,
            "label_rules": page.LABEL_RULES,
            "certificates": list(certificates.made.values()),
        } | truth.data
        truth.data["scenes"] = page.scenes(clock.segments)
        truth.save(asked.output / "truth.json")
        if (asked.output / "README.md").exists():
            page.renew(asked.output / "README.md", truth.data)
        print(f"{len(rows)} captures, {sum(int(str(row['unpacked_size'])) for row in rows)} bytes, {lost} frames lost")
    finally:
        if asked.keep:
            print(work)
        else:
            shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
