"""Namespaces, links, addresses and routes; and running programs inside them.

    office hosts --- bridge --- gateway --- far (delays) --- bridge --- outside hosts
    guest hosts  --- bridge ---'
The sensor listens on the two inside bridges. Every link has MTU 1500 and no offloads, so frames are as on a wire.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from . import plan
from .plan import namespace

SWITCHES = ("switch-office", "switch-guest", "switch-outside")
OFFLOADS = ("tso", "gso", "gro", "tx", "rx", "sg", "txvlan", "rxvlan")


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


def inside(key: str, *argv: str) -> list[str]:
    """The command that runs a program inside a namespace, with that host's name."""
    named = 'hostname "$1"; shift; exec "$@"'
    return ["ip", "netns", "exec", namespace(key), "unshare", "--uts", "sh", "-c", named, "sh", key, *argv]


class Network:
    """The whole recording network. Use as a context manager: it takes everything down again."""

    def __init__(self, work: Path) -> None:
        self.work = work
        self.fake_time = work / "faketime"
        self.fake_time.write_text("+0")
        self.shared_before = set(Path("/dev/shm").iterdir())
        self.children: list[subprocess.Popen[bytes]] = []
        self.log = (work / "programs.log").open("ab")

    def __enter__(self) -> Network:
        try:
            self._build()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- building ------------------------------------------------------------------------------------------------
    def _build(self) -> None:
        for name in (*SWITCHES, "gateway", "far", *plan.HOSTS):
            self._namespace(name)
        for switch in SWITCHES:
            _ip("-n", namespace(switch), "link", "add", "br0", "type", "bridge")
            self._exec(switch, "sysctl", "-qw", "net.ipv6.conf.br0.disable_ipv6=1")
            _ip("-n", namespace(switch), "link", "set", "br0", "up")
        self._plug("gateway", "switch-office", "office0", 1)
        self._plug("gateway", "switch-guest", "guest0", 2)
        self._link("gateway", "outside0", "far", "near0")
        self._plug("far", "switch-outside", "far0", 3)
        self._address("gateway", "office0", plan.OFFICE_GATEWAY + "/24", plan.OFFICE_GATEWAY6 + "/64")
        self._address("gateway", "guest0", plan.GUEST_GATEWAY + "/24", plan.GUEST_GATEWAY6 + "/64")
        self._address("gateway", "outside0", plan.OUTSIDE_GATEWAY + "/32", plan.OUTSIDE_GATEWAY6 + "/128")
        self._exec("gateway", "sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
        for number, host in enumerate(plan.HOSTS.values(), 16):
            self._plug(host.key, f"switch-{host.segment}", "eth0", number)
            if host.segment == "outside":
                self._outside(host)
            else:
                self._inside(host)
        self.start("far", [sys.executable, "-m", "record.programs.far"], fake=False)
        time.sleep(1.0)

    def _namespace(self, name: str) -> None:
        _ip("netns", "add", namespace(name))
        _ip("-n", namespace(name), "link", "set", "lo", "up")
        settings = [
            "net.ipv6.conf.all.accept_ra=0",
            "net.ipv6.conf.default.accept_ra=0",
            "net.ipv6.conf.default.accept_dad=0",
            "net.ipv6.conf.default.router_solicitations=0",
            "net.ipv4.tcp_no_metrics_save=1",
            "net.ipv4.ip_unprivileged_port_start=0",
        ]
        self._exec(name, "sysctl", "-qw", *settings)

    def _link(self, one: str, device: str, other: str, other_device: str) -> None:
        _ip(
            "link",
            "add",
            device,
            "netns",
            namespace(one),
            "type",
            "veth",
            "peer",
            "name",
            other_device,
            "netns",
            namespace(other),
        )
        for name, dev in ((one, device), (other, other_device)):
            words = [word for offload in OFFLOADS for word in (offload, "off")]
            subprocess.run(
                ["ip", "netns", "exec", namespace(name), "ethtool", "-K", dev, *words],
                check=False,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            _ip("-n", namespace(name), "link", "set", dev, "mtu", "1500", "up")

    def _plug(self, name: str, switch: str, device: str, number: int) -> None:
        self._link(name, device, switch, f"port{number}")
        _ip("-n", namespace(name), "link", "set", device, "address", f"00:16:3e:0a:{number:02x}:01")
        self._exec(switch, "sysctl", "-qw", f"net.ipv6.conf.port{number}.disable_ipv6=1")
        _ip("-n", namespace(switch), "link", "set", f"port{number}", "master", "br0")

    def _address(self, name: str, device: str, *addresses: str) -> None:
        for address in addresses:
            words = ["-n", namespace(name), "address", "add", address, "dev", device]
            _ip(*words, *(["nodad"] if ":" in address else []))

    def _inside(self, host: plan.Host) -> None:
        guest = host.segment == "guest"
        self._address(host.key, "eth0", host.ipv4 + "/24", host.ipv6 + "/64")
        gateways = (plan.GUEST_GATEWAY, plan.GUEST_GATEWAY6) if guest else (plan.OFFICE_GATEWAY, plan.OFFICE_GATEWAY6)
        for gateway in gateways:
            _ip("-n", namespace(host.key), "route", "add", "default", "via", gateway)
        resolver = plan.HOSTS["cz" if guest else "dns"].ipv4  # guests see nothing of the office
        self.etc(host.key, "resolv.conf", ("" if guest else f"search {plan.COMPANY}\n") + f"nameserver {resolver}\n")
        self.etc(host.key, "hosts", f"127.0.0.1 localhost\n127.0.1.1 {host.key}.{plan.COMPANY} {host.key}\n")
        self.etc(host.key, "hostname", host.key + "\n")

    def _outside(self, host: plan.Host) -> None:
        addresses = [host.ipv4 + "/32"] + ([host.ipv6 + "/128"] if host.ipv6 else [])
        self._address(host.key, "eth0", *addresses)
        there = namespace(host.key)
        _ip("-n", there, "route", "add", "default", "via", plan.OUTSIDE_GATEWAY, "dev", "eth0", "onlink")
        _ip("-n", namespace("gateway"), "route", "add", host.ipv4, "dev", "outside0")
        if host.ipv6:
            _ip("-n", there, "-6", "route", "add", plan.OUTSIDE_GATEWAY6, "dev", "eth0")
            _ip("-n", there, "-6", "route", "add", "default", "via", plan.OUTSIDE_GATEWAY6, "dev", "eth0")
            _ip("-n", namespace("gateway"), "-6", "route", "add", host.ipv6, "dev", "outside0")
        self._exec(
            host.key,
            "sysctl",
            "-qw",
            f"net.ipv4.ip_default_ttl={host.ttl}",
            f"net.ipv6.conf.all.hop_limit={host.ttl}",
            f"net.ipv6.conf.eth0.hop_limit={host.ttl}",
        )
        office = "".join(f"{inner.ipv4} {' '.join(inner.names)}\n" for inner in plan.INSIDE if inner.names)
        self.etc(host.key, "hosts", f"127.0.0.1 localhost {host.key}\n" + office)
        self.etc(host.key, "resolv.conf", f"nameserver {plan.HOSTS['cz'].ipv4}\n")

    def etc(self, key: str, name: str, text: str) -> None:
        """A file that stands in for /etc/<name>, for programs inside this namespace only."""
        folder = Path("/etc/netns") / namespace(key)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)

    # -- running programs ----------------------------------------------------------------------------------------
    def _exec(self, name: str, *argv: str) -> None:
        subprocess.run(["ip", "netns", "exec", namespace(name), *argv], check=True, stdout=subprocess.DEVNULL)

    def environment(self, fake: bool) -> dict[str, str]:
        """A plain environment; with `fake`, programs see the time that the capture will show."""
        here = str(Path(__file__).resolve().parent.parent)
        env = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.work / "home"),
            "LANG": "C.UTF-8",
            "LC_ALL": "C.UTF-8",
            "TZ": "UTC",
            "PYTHONPATH": here,
            "PYTHONDONTWRITEBYTECODE": "1",
            "CURL_CA_BUNDLE": str(self.work / "tls" / "ca.crt"),
            "SSL_CERT_FILE": str(self.work / "tls" / "ca.crt"),
        }
        if fake:
            env |= {
                "LD_PRELOAD": str(next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))),
                "FAKETIME_TIMESTAMP_FILE": str(self.fake_time),
                "FAKETIME_NO_CACHE": "1",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                "DONT_FAKE_MONOTONIC": "1",
                "NO_FAKE_STAT": "1",
            }
        return env

    def start(self, key: str, argv: Sequence[str], fake: bool = True, **more: str) -> subprocess.Popen[bytes]:
        """Start a program that runs until the end (or until it is waited for)."""
        child = subprocess.Popen(
            inside(key, *argv),
            env=self.environment(fake) | more,
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
            start_new_session=True,
        )
        self.children.append(child)
        return child

    def run(
        self, key: str, argv: Sequence[str], fake: bool = True, text: str = "", timeout: float = 60, **more: str
    ) -> str:
        """Run a program to its end; what it printed. Exit codes are for the log: refusals are part of the story."""
        done = subprocess.run(
            inside(key, *argv),
            env=self.environment(fake) | more,
            input=text.encode(),
            capture_output=True,
            timeout=timeout,
            check=False,
        )
        self.log.write(f"[{key}] {' '.join(argv)[:300]} -> {done.returncode}\n".encode())
        self.log.write(done.stderr[-1500:] + (done.stdout[-600:] if done.returncode else b""))
        self.log.flush()
        return done.stdout.decode("utf-8", "replace")

    def forget_neighbours(self) -> None:
        """Empty the ARP and neighbour caches, as if hours had passed."""
        for name in ("gateway", *(host.key for host in plan.INSIDE)):
            subprocess.run(
                ["ip", "-n", namespace(name), "neigh", "flush", "all"],
                check=False,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )

    # -- taking it down ------------------------------------------------------------------------------------------
    def close(self) -> None:
        """Stop every program of ours and remove the namespaces."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            for child in reversed(self.children):
                if child.poll() is None:
                    with contextlib.suppress(ProcessLookupError):
                        os.killpg(child.pid, number)
            time.sleep(0.5)
        for name in (*SWITCHES, "gateway", "far", *plan.HOSTS):
            for pid in subprocess.run(
                ["ip", "netns", "pids", namespace(name)], capture_output=True, text=True, check=False
            ).stdout.split():
                os.kill(int(pid), signal.SIGKILL)
            subprocess.run(["ip", "netns", "delete", namespace(name)], check=False, stderr=subprocess.DEVNULL)
            shutil.rmtree(Path("/etc/netns") / namespace(name), ignore_errors=True)
        self.log.close()
        for left in (
            set(Path("/dev/shm").glob("*faketime_*")) - self.shared_before
        ):  # libfaketime forgets them when killed
            if not Path("/proc", left.name.rpartition("_")[2]).exists():
                left.unlink(missing_ok=True)
