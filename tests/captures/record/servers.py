"""Writes the settings of every server and starts them, each in its namespace."""

from __future__ import annotations

import ipaddress
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from .network import Network
from .plan import COMPANY, HOSTS, INSIDE, OUTSIDE, TUNNEL_DOMAIN, namespace
from .tls import Certificates

TTL = "$TTL 3600\n@ IN SOA ns.resolver.example. hostmaster.resolver.example. 2024030401 7200 900 1209600 300\n"
ACCOUNTS = (
    "root:x:0:0:root:/root:/bin/bash\nwww-data:x:33:33:www-data:/srv:/usr/sbin/nologin\n"
    "sshd:x:101:65534::/run/sshd:/usr/sbin/nologin\nbind:x:102:102::/var/cache/bind:/usr/sbin/nologin\n"
    "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\ncarla:x:1001:1001:Carla,,,:/home/carla:/bin/bash\n"
)
GROUPS = "root:x:0:\nwww-data:x:33:\nbind:x:102:\nnogroup:x:65534:\ncarla:x:1001:\n"


def _reverse(address: str) -> str:
    return ipaddress.ip_address(address).reverse_pointer


def _address_lines(name: str, ipv4: str, ipv6: str) -> str:
    return f"{name}. IN A {ipv4}\n" + (f"{name}. IN AAAA {ipv6}\n" if ipv6 else "")


def outside_zones() -> dict[str, str]:
    """The whole name space as the public resolver answers it: example, test, the reverse trees, an empty root."""
    example = (
        TTL
        + "@ IN NS ns.resolver.example.\n"
        + _address_lines("ns.resolver.example", HOSTS["cz"].ipv4, HOSTS["cz"].ipv6)
    )
    test, reverse, reverse6 = (TTL + "@ IN NS ns.resolver.example.\n" for _ in range(3))
    for host in OUTSIDE:
        for name in host.names:
            lines = _address_lines(name, host.ipv4, host.ipv6)
            example, test = (example + lines, test) if name.endswith(".example") else (example, test + lines)
        if host.names:
            reverse += f"{_reverse(host.ipv4)}. IN PTR {host.names[0]}.\n"
            if host.ipv6:
                reverse6 += f"{_reverse(host.ipv6)}. IN PTR {host.names[0]}.\n"
    long = " ".join(
        '"' + (f"{n:02d} " + "k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQC" * 5)[:250] + '"' for n in range(8)
    )
    example += (
        "library.example. IN CNAME www.library.example.\nreading.library.example. IN CNAME library.example.\n"
        "outback.example. IN MX 10 mx.outback.example.\nsupplier.example. IN MX 10 mail.supplier.example.\n"
        "supplier.example. IN MX 20 mx.outback.example.\n"
        'supplier.example. IN TXT "v=spf1 mx -all"\nbank.example. IN CAA 0 issue "ca.bank.example"\n'
        "_imaps._tcp.supplier.example. IN SRV 0 1 993 mail.supplier.example.\n"
        f"keys._domainkey.supplier.example. IN TXT {long}\n"
    )
    test += f'*.{TUNNEL_DOMAIN}. IN TXT "ok"\n'
    test = test.replace("$TTL 3600", "$TTL 60")
    return {
        "example": example,
        "test": test,
        "in-addr.arpa": reverse,
        "ip6.arpa": reverse6,
        ".": TTL + "@ IN NS ns.resolver.example.\n" + _address_lines("ns.resolver.example", HOSTS["cz"].ipv4, ""),
    }


def inside_zones() -> dict[str, str]:
    """The company's own names."""
    zone = (
        f"$TTL 1800\n@ IN SOA ns1.{COMPANY}. carla.{COMPANY}. 2024022601 7200 900 1209600 300\n@ IN NS ns1.{COMPANY}.\n"
        f'@ IN MX 10 mail.{COMPANY}.\n@ IN TXT "v=spf1 mx -all"\n_smtp._tcp IN SRV 0 0 25 mail.{COMPANY}.\n'
        f"intranet IN CNAME files.{COMPANY}.\n"
    )
    back = (
        f"$TTL 1800\n@ IN SOA ns1.{COMPANY}. carla.{COMPANY}. 2024022601 7200 900 1209600 300\n@ IN NS ns1.{COMPANY}.\n"
    )
    for host in INSIDE:
        for name in host.names:
            zone += _address_lines(name, host.ipv4, host.ipv6)
        if host.names:
            back += f"{_reverse(host.ipv4)}. IN PTR {host.names[0]}.\n"
    return {COMPANY: zone, "10.in-addr.arpa": back}


def name_server(net: Network, key: str, folder: Path, zones: dict[str, str], options: str) -> None:
    """bind, with these zones."""
    folder.mkdir()
    text = (
        f'key k {{ algorithm hmac-sha256; secret "cGFja2V0cGlnLWRlbW8ta2V5LW9ubHk="; }};\n'
        "controls { inet 127.0.0.1 port 953 allow { 127.0.0.1; } keys { k; }; };\n"
        f'options {{ directory "{folder}"; pid-file none; session-keyfile none; dnssec-validation no; '
        f"listen-on {{ any; }}; listen-on-v6 {{ any; }}; allow-query {{ any; }}; empty-zones-enable no; "
        f"{options} }};\n"
    )
    for number, (zone, lines) in enumerate(zones.items()):
        (folder / f"zone{number}").write_text(lines)
        text += f'zone "{zone}" {{ type master; file "zone{number}"; }};\n'
    (folder / "named.conf").write_text(text)
    (folder / "rndc.conf").write_text(
        text.splitlines()[0] + "\noptions { default-key k; default-server 127.0.0.1; default-port 953; };\n"
    )
    net.start(key, ["named", "-c", str(folder / "named.conf"), "-g", "-n", "1"], fake=False)


def web_server(
    net: Network,
    key: str,
    root: Path,
    certificates: Certificates,
    protocols: str = "TLSv1.2 TLSv1.3",
    kind: str = "good",
) -> None:
    """nginx: HTTP, and HTTPS with a certificate of this kind."""
    host = HOSTS[key]
    folder = net.work / f"nginx-{key}"
    folder.mkdir()
    certificate, private = certificates.pair(host.names[0], kind)
    listen = f"listen {host.ipv4}:80; listen {host.ipv4}:443 ssl http2;"
    if host.ipv6:
        listen += f" listen [{host.ipv6}]:80; listen [{host.ipv6}]:443 ssl http2;"
    temporary = "".join(f"{n}_temp_path {folder}/{n};" for n in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    (folder / "nginx.conf").write_text(f"""
worker_processes 1; daemon off; pid {folder}/pid; error_log {folder}/error.log; user root;
env LD_PRELOAD; env FAKETIME_TIMESTAMP_FILE; env FAKETIME_NO_CACHE; env FAKETIME_DONT_FAKE_MONOTONIC; env NO_FAKE_STAT;
events {{ worker_connections 64; }}
http {{
  include /etc/nginx/mime.types; access_log off; {temporary} keepalive_timeout 2; server_tokens on;
  gzip on; gzip_min_length 600; gzip_types text/css application/javascript text/csv;
  server {{ {listen} server_name {host.names[0]}; root {root / key};
    ssl_certificate {certificate}; ssl_certificate_key {private}; ssl_protocols {protocols};
    location = /home {{ return 302 /index.html; }} }}
}}
""")
    net.start(key, ["nginx", "-c", str(folder / "nginx.conf")])


def file_server(net: Network, content: Path) -> None:
    """Samba with one share and one account, signed and not encrypted; and TFTP."""
    folder = net.work / "samba"
    (folder / "private").mkdir(parents=True)
    share = content / "files" / "projects"
    for path in (share, *share.iterdir()):
        os.chown(path, 1001, 1001)
    (folder / "smb.conf").write_text(f"""[global]
server role = standalone server
workgroup = TIDEWATER
netbios name = FILES
interfaces = eth0
bind interfaces only = yes
disable netbios = yes
smb ports = 445
passdb backend = tdbsam
server signing = mandatory
server smb encrypt = off
server multi channel support = no
load printers = no
disable spoolss = yes
private dir = {folder}/private
lock directory = {folder}
state directory = {folder}
cache directory = {folder}
pid directory = {folder}
ncalrpc dir = {folder}/ncalrpc
log file = {folder}/log
[projects]
path = {share}
read only = no
valid users = carla
""")
    settings = str(folder / "smb.conf")
    net.etc("files", "passwd", ACCOUNTS)
    net.etc("files", "group", GROUPS)
    net.run(
        "files", ["smbpasswd", "-c", settings, "-a", "-s", "carla"], text="Br1dge-Water\nBr1dge-Water\n", fake=False
    )
    net.start("files", ["smbd", "-F", "--no-process-group", "-s", settings], fake=False)
    tftp = content / "files" / "tftp"
    tftp.chmod(0o777)
    net.start(
        "files",
        ["in.tftpd", "-L", "-4", "-a", HOSTS["files"].ipv4 + ":69", "-c", "-s", "-u", "root", "-v", str(tftp)],
        fake=False,
    )


def shell_server(net: Network, key: str) -> None:
    """OpenSSH; the administrator's key opens it."""
    folder = net.work / "ssh"
    folder.mkdir()
    folder.chmod(0o755)
    for name in ("host", "carla"):
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"{name}@{COMPANY}", "-f", str(folder / name)],
            check=True,
        )
    shutil.copy(folder / "carla.pub", folder / "authorized")
    Path("/run/sshd").mkdir(exist_ok=True)
    (folder / "sshd_config").write_text(
        f"ListenAddress {HOSTS[key].ipv4}\nHostKey {folder}/host\n"
        f"AuthorizedKeysFile {folder}/authorized\nStrictModes no\n"
        "UsePAM no\nPasswordAuthentication yes\nPermitRootLogin prohibit-password\nPidFile none\n"
        "Subsystem sftp internal-sftp\nMaxStartups 100\nUseDNS no\n"
    )
    net.start(key, ["/usr/sbin/sshd", "-D", "-e", "-f", str(folder / "sshd_config")], fake=False)


def shop(net: Network, content: Path) -> None:
    """The vulnerable web shop, as www-data, with a /srv and a /tmp of its own."""
    srv, tmp = net.work / "victim-srv", net.work / "victim-tmp"
    (srv / "shop").mkdir(parents=True)
    tmp.mkdir()
    for name in ("index.html", "export.csv", "customers.tar.gz"):
        shutil.copy2(content / "web" / name, srv / "shop" / name)
    for path in (tmp, srv, *srv.rglob("*")):
        os.chown(path, 33, 33)
    net.etc("web", "passwd", ACCOUNTS)
    net.etc("web", "group", GROUPS)
    here = Path(__file__).parent / "programs" / "webapp.py"
    net.start("web", victim(net, ["/usr/bin/python3", "-", "/srv/shop", HOSTS["web"].ipv4], here), fake=False)


def victim(net: Network, argv: list[str], script: Path | None = None) -> list[str]:
    """A command as on the victim: user www-data, host web, own /srv and /tmp. It fakes its time: run it unfaked."""
    work = net.work
    feed = f"exec < {script}; " if script else ""
    setup = (
        f"mount --bind {work}/victim-srv /srv; {feed}hostname web; mount --bind {work}/victim-tmp /tmp; cd /srv/shop; "
        'exec setpriv --reuid 33 --regid 33 --clear-groups "$@"'
    )
    fake = [f"{name}={value}" for name, value in net.environment(True).items() if name not in net.environment(False)]
    return ["unshare", "--uts", "--mount", "sh", "-c", setup, "sh", "env", *fake, *argv]


def start(net: Network, content: Path, certificates: Certificates) -> None:
    """Start everything and wait until it listens."""
    python = sys.executable
    name_server(net, "cz", net.work / "dns-outside", outside_zones(), "recursion no;")
    forwarders = f"{HOSTS['cz'].ipv4}; {HOSTS['cz'].ipv6};"
    name_server(
        net,
        "dns",
        net.work / "dns-inside",
        inside_zones(),
        f"recursion yes; allow-recursion {{ any; }}; forward only; forwarders {{ {forwarders} }};",
    )
    for key in ("de", "se", "jp", "ch"):
        web_server(net, key, content, certificates)
    web_server(net, "fr", content, certificates, "TLSv1.2")
    web_server(net, "br", content, certificates, "TLSv1.2", "expired")
    web_server(net, "cn", content, certificates, "TLSv1.2", "selfsigned")
    for key, name in (("us", "WeatherAPI/3.2"), ("nl", "forms/1.9"), ("attacker", "Apache/2.4.57 (Unix)")):
        (content / key).mkdir(exist_ok=True)
        net.start(key, [python, "-m", "record.programs.site", HOSTS[key].ipv4, str(content / key), name])
    net.start("nl", [python, "-m", "record.programs.site", HOSTS["nl"].ipv6, str(content / "nl"), "forms/1.9"])
    net.start("c2", [python, "-m", "record.programs.c2", HOSTS["c2"].ipv4, str(net.work / "c2")])
    pair = [str(path) for path in certificates.pair(f"mail.{COMPANY}")]
    net.start("mail", [python, "-m", "record.programs.smtp", HOSTS["mail"].ipv4, f"mail.{COMPANY}", *pair])
    net.start("au", [python, "-m", "record.programs.smtp", HOSTS["au"].ipv4, "mx.outback.example"])
    net.start(
        "se",
        [
            python,
            "-m",
            "record.programs.ftp",
            HOSTS["se"].ipv4,
            str(content / "se" / "pub"),
            "mirror.archive.example ready.",
        ],
    )
    net.start(
        "web",
        [
            python,
            "-m",
            "record.programs.ftp",
            HOSTS["web"].ipv4,
            str(net.work / "victim-ftp"),
            "Tidewater FTP server ready.",
        ],
    )
    pair = [str(path) for path in certificates.pair("cdn.video.example")]
    net.start("kr", [python, "-m", "record.programs.h3", "serve", HOSTS["kr"].ipv4, *pair, str(content / "kr")])
    file_server(net, content)
    shell_server(net, "web")
    shop(net, content)
    wait(net)


def wait(net: Network) -> None:
    """Until every TCP port is open."""
    expected = {
        "cz": [53],
        "dns": [53, 953],
        "de": [80, 443],
        "se": [80, 21],
        "jp": [80],
        "ch": [443],
        "fr": [443],
        "br": [443],
        "cn": [443],
        "us": [80],
        "nl": [80],
        "attacker": [80],
        "c2": [8080],
        "mail": [25],
        "au": [25],
        "web": [80, 21, 22],
        "files": [445],
    }
    until = time.monotonic() + 20
    for key, ports in expected.items():
        while True:
            listing = subprocess.run(
                ["ip", "netns", "exec", namespace(key), "ss", "-Htln"], capture_output=True, text=True, check=True
            ).stdout.split()
            missing = [port for port in ports if not any(word.endswith(f":{port}") for word in listing)]
            if not missing:
                break
            if time.monotonic() > until:
                raise RuntimeError(f"{key} does not listen on {missing}: see {net.work}/programs.log")
            time.sleep(0.3)
