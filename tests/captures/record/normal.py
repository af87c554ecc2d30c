"""An ordinary week at Tidewater Instruments: what its people, its customers and their machines do."""

from __future__ import annotations

import random
import subprocess
import time

from .clients import CHROME, FIREFOX, SAFARI, Clients, together
from .clock import stamp
from .network import inside
from .plan import COMPANY, HOSTS

SHOP = f"http://www.{COMPANY}"
LIBRARY, MIRROR, PICTURES = (
    "http://www.library.example",
    "http://mirror.archive.example",
    "http://media.pictures.example",
)
WEATHER, FORMS = "http://api.weather.example", "http://forms.registry.example"


def library(c: Clients, who: str, start: str) -> None:
    """Reading with a browser."""
    with c.clock.scene("library", start):
        c.browser(who, f"{LIBRARY}/", "/style.css", "/reader.js", "/favicon.ico")


def reading(c: Clients, who: str, start: str) -> None:
    """HTTP's ordinary variety: gzip, keep-alive, HEAD, 304, 404, redirects, ranges."""
    with c.clock.scene("reading", start):
        c.curl(
            who,
            f"{LIBRARY}/opening-hours.html",
            "-4",
            "--compressed",
            agent=FIREFOX,
            file="de/opening-hours.html",
            note="gzip",
        )
        c.curl(
            who,
            f"{LIBRARY}/opening-hours.html",
            "-4",
            "-H",
            "If-Modified-Since: Mon, 26 Feb 2024 10:00:00 GMT",
            agent=FIREFOX,
        )
        c.think()
        c.curl(who, f"{LIBRARY}/catalogue.pdf", "-4", "-I", agent=FIREFOX, method="HEAD")
        c.curl(who, f"{LIBRARY}/catalogue.pdf", "-4", agent=FIREFOX, file="de/catalogue.pdf")
        c.think()
        c.curl(who, f"{LIBRARY}/missing.html", "-4", agent=FIREFOX)
        c.curl(who, f"{LIBRARY}/home", "-4", agent=FIREFOX, note="redirect")
        c.think()
        c.session(who, f"{MIRROR}/index.html", f"{MIRROR}/pub/notes.txt", f"{MIRROR}/nothing", f"{MIRROR}/index.html")
        c.curl(who, f"{MIRROR}/pub/notes.txt", "-4", "-r", "1000-4999", note="range 1000-4999")


def weather(c: Clients, who: str, start: str, label: str = "weather") -> None:
    """Chunked answers, packed and plain, and a redirect followed."""
    with c.clock.scene(label, start):
        c.curl(who, f"{WEATHER}/v1/forecast", note="chunked")
        c.curl(who, f"{WEATHER}/v1/forecast", "--compressed", note="chunked, gzip")
        c.curl(who, f"{WEATHER}/forecast", note="301")
        c.wget(who, f"{WEATHER}/v1/forecast")


def poller(c: Clients, who: str, start: str, count: int, gap: float) -> None:
    """A weather gadget that asks every five minutes to the second: regular, and harmless."""
    first = stamp(start)
    for number in range(count):
        with c.clock.scene("weather gadget", first + number * gap, fresh=number % 6 == 0, settle=0.15):
            c.curl(who, f"{WEATHER}/v1/forecast?station=quay", "--compressed", agent="WeatherGadget/5.1")
    c.truth.data["poller"] = {
        "client": HOSTS[who].ipv4,
        "server": HOSTS["us"].ipv4,
        "first": start + "Z",
        "count": count,
        "interval": gap,
        "user_agent": "WeatherGadget/5.1",
        "label": "normal",
    }


def forms(c: Clients, who: str, start: str) -> None:
    """A form and an upload."""
    office = c.content / "office"
    with c.clock.scene("forms", start):
        c.curl(who, f"{FORMS}/form", "-4", agent=SAFARI)
        c.curl(
            who,
            f"{FORMS}/form",
            "-4",
            "-d",
            "name=Anna+Berg&company=Tidewater&country=none",
            agent=SAFARI,
            method="POST",
            note="form",
        )
        c.think()
        c.curl(
            who,
            f"{FORMS}/upload",
            "-4",
            "-F",
            "name=Anna",
            "-F",
            f"file=@{office}/offer.docx",
            "-F",
            f"picture=@{office}/photo.png;type=image/png",
            agent=SAFARI,
            method="POST",
            sent=office / "offer.docx",
            note="multipart, two files",
        )
        c.truth.file("http", "to_server", HOSTS[who].ipv4, HOSTS["nl"].ipv4, office / "photo.png", "photo.png")
        c.think()
        c.curl(
            who,
            f"{FORMS}/store/minutes.pdf",
            "-4",
            "-T",
            str(office / "minutes.pdf"),
            method="PUT",
            sent=office / "minutes.pdf",
        )


def meanwhile(c: Clients, who: str) -> None:
    """What a colleague does during the long download."""
    time.sleep(8)
    c.ping(who, HOSTS["se"].ipv4, 3)
    c.session(who, f"{LIBRARY}/opening-hours.html")


def long_download(c: Clients, who: str, start: str) -> None:
    """A slow download that is still going on when the capture file is changed."""
    with c.clock.scene("long download", start):
        together(
            lambda: c.curl(
                who,
                f"{MIRROR}/pub/toolkit-2.4.tar.gz",
                "-4",
                "--limit-rate",
                "10k",
                "-o",
                "/dev/null",
                file="se/pub/toolkit-2.4.tar.gz",
                note="cut over two captures",
            ),
            lambda: meanwhile(c, "ben"),
        )


def customers(c: Clients, start: str, *who: str, label: str = "customers", search: str = "gauge") -> None:
    """Visits from abroad to our shop."""
    agents = [CHROME, FIREFOX, SAFARI]
    with c.clock.scene(label, start):
        for number, key in enumerate(who):
            agent = agents[number % 3]
            c.curl(key, f"{SHOP}/", "--compressed", agent=agent)
            c.think()
            c.curl(key, f"{SHOP}/search?q={search}", agent=agent)
            c.think()
            c.curl(key, f"{SHOP}/search?q=pressure+cell", agent=agent)


def sign_in(c: Clients, start: str, who: str, user: str, *passwords: str) -> None:
    """A customer signs in, perhaps not at the first attempt."""
    with c.clock.scene("customer signs in", start):
        c.curl(who, f"{SHOP}/login", agent=SAFARI)
        for password in passwords:
            c.curl(
                who,
                f"{SHOP}/login",
                "--data-urlencode",
                f"user={user}",
                "--data-urlencode",
                f"password={password}",
                agent=SAFARI,
                method="POST",
            )
            last = c.truth.data["http"][-1]
            c.truth.add(
                "logins",
                protocol="http",
                client=HOSTS[who].ipv4,
                server=HOSTS["web"].ipv4,
                user=user,
                ok=last["status"] == 302,
                label="normal",
            )
            c.think()


def names(c: Clients, start: str) -> None:
    """Every kind of question, over UDP, TCP and IPv6."""
    with c.clock.scene("names", start):
        for name, kind in (
            ("www.library.example", "A"),
            ("www.library.example", "AAAA"),
            ("reading.library.example", "A"),
            ("outback.example", "MX"),
            ("supplier.example", "MX"),
            ("supplier.example", "TXT"),
            ("_imaps._tcp.supplier.example", "SRV"),
            (f"_smtp._tcp.{COMPANY}", "SRV"),
            (COMPANY, "SOA"),
            (COMPANY, "NS"),
            (f"intranet.{COMPANY}", "CNAME"),
            ("bank.example", "CAA"),
            ("nowhere.example", "A"),
            (f"printer.{COMPANY}", "A"),
            ("www.nothing.test", "AAAA"),
            ("mail.supplier.example", "AAAA"),
        ):
            c.dig("carla", name, kind)
        c.dig("carla", "keys._domainkey.supplier.example", "TXT")
        c.dig("carla", "www.museum.example", "A", "+tcp")
        c.dig("carla", "cdn.video.example", "A", server=HOSTS["dns"].ipv6)
        c.dig("ben", "www.library.example", "ANY", "+tcp")
        c.dig("guest", "media.pictures.example", "AAAA", server=HOSTS["cz"].ipv6)
        for key in ("de", "jp", "web"):
            c.reverse("carla", HOSTS[key].ipv4)
        c.reverse("carla", HOSTS["se"].ipv6)


def secure(c: Clients, who: str, start: str, label: str = "secure pages") -> None:
    """TLS 1.3 and 1.2, three libraries, good, self-signed and expired certificates."""
    with c.clock.scene(label, start):
        c.curl(who, "https://accounts.bank.example/statement.csv", "-4", note="HTTP/2")
        c.curl(
            who,
            "https://accounts.bank.example/index.html",
            "-4",
            "--tls-max",
            "1.2",
            "--http1.1",
            note="good certificate, visible in TLS 1.2",
        )
        c.think()
        c.curl(
            who,
            "https://portal.academy.example/timetable.pdf",
            "-4",
            "-o",
            "/dev/null",
            note="server speaks TLS 1.2 only",
        )
        c.wget(
            who, "https://accounts.bank.example/index.html", "-4", "--ca-certificate=" + str(c.work / "tls" / "ca.crt")
        )
        c.think()
        c.curl(who, "https://www.museum.example/", "-4", note="expired certificate, refused")
        c.curl(who, "https://www.museum.example/", "-4", "-k", note="expired certificate, accepted")
        c.think()
        c.curl(who, "https://parts.factory.example/", "-4", note="self-signed certificate, refused")
        c.curl(who, "https://parts.factory.example/", "-4", "-k", note="self-signed certificate, accepted")
        c.net.run(
            who,
            ["openssl", "s_client", "-connect", f"{HOSTS['ch'].ipv4}:443", "-servername", "accounts.bank.example"],
            fake=False,
            text="HEAD / HTTP/1.0\r\n\r\n",
        )
        c.truth.add(
            "tls",
            client=HOSTS[who].ipv4,
            server=HOSTS["ch"].ipv4,
            dport=443,
            sni="accounts.bank.example",
            version="1.3",
            program="openssl s_client",
            label="normal",
        )


def clips(c: Clients, who: str, start: str) -> None:
    """QUIC."""
    with c.clock.scene("clips", start):
        c.dig(who, "cdn.video.example")
        c.quic(who, "kr", "/index.html", "/clip.webm", "/none")


def six(c: Clients, who: str, start: str) -> None:
    """The same over IPv6."""
    with c.clock.scene("version six", start):
        c.ping(who, HOSTS["de"].ipv6, 3)
        c.curl(who, f"{PICTURES}/index.html", "-6", agent=CHROME, file="jp/index.html")
        c.curl(who, f"{PICTURES}/pictures/boats.png", "-6", agent=CHROME, file="jp/pictures/boats.png")
        c.think()
        c.wget(who, f"{PICTURES}/pictures/quay.png", "-6", file="jp/pictures/quay.png")
        c.curl(who, "https://portal.academy.example/", "-6")
        c.curl(who, f"{FORMS}/form", "-6", "-d", "name=Ben", method="POST")


def guests(c: Clients, start: str) -> None:
    """The guest network, VLAN 30."""
    with c.clock.scene("guests", start):
        c.dig("guest", "www.library.example", server=HOSTS["cz"].ipv4)
        c.curl("guest", f"{LIBRARY}/", "-4", "--compressed", agent=SAFARI, file="de/index.html", name="")
        c.think()
        c.curl("guest", f"{PICTURES}/pictures/tide.png", "-4", agent=SAFARI, file="jp/pictures/tide.png")
        c.think()
        c.curl("guest", "https://accounts.bank.example/", "-4")
        c.curl("guest", f"{LIBRARY}/logo.png", "-6", agent=SAFARI, file="de/logo.png")
        c.ping("guest", HOSTS["de"].ipv4)


def file_share(c: Clients, who: str, start: str, dialect: str, first: bool) -> None:
    """Copies from and to the file server."""
    with c.clock.scene("file share", start):
        if first:
            c.smb(
                who,
                "ls; get budget.csv; get site-plan.png; lcd " + str(c.content / "office") + "; put drawing.png",
                dialect,
                HOSTS["files"].ipv4,
                HOSTS[who].ipv4,
                ("budget.csv", "site-plan.png"),
                ("drawing.png",),
            )
        else:
            c.smb(
                who,
                "ls; get report-q1.docx; lcd "
                + str(c.content / "office")
                + "; mkdir old; put price-list.csv; rename price-list.csv old\\prices.csv",
                dialect,
                HOSTS["files"].names[0],
                HOSTS[who].ipv6,
                ("report-q1.docx",),
                ("price-list.csv",),
            )


def transfers(c: Clients, start: str) -> None:
    """FTP: listing, passive, extended passive, active; the web master's upload."""
    with c.clock.scene("transfers", start):
        c.ftp("ben", "se", "", mode="list")
        c.think()
        c.ftp("ben", "se", "tables.zip", file="se/pub/tables.zip", mode="extended passive")
        c.ftp("ben", "se", "notes.txt", "--disable-epsv", file="se/pub/notes.txt", mode="passive")
        c.ftp("ben", "se", "notes.txt", "-P", "-", "--disable-eprt", file="se/pub/notes.txt", mode="active")
        c.think()
        c.ftp(
            "carla",
            "web",
            "price-list.csv",
            user="webmaster:Qu4y-side",
            upload="office/price-list.csv",
            mode="extended passive",
        )
        c.ftp(
            "carla",
            "web",
            "logo.png",
            "-P",
            "-",
            user="webmaster:Qu4y-side",
            upload="de/logo.png",
            mode="extended active",
        )


def switches(c: Clients, start: str) -> None:
    """TFTP: a switch's settings fetched, another's stored, firmware stored."""
    with c.clock.scene("switch settings", start):
        c.tftp("carla", "get", "switch2.cfg", c.content / "files" / "tftp" / "switch2.cfg", "to_client")
        c.think()
        c.tftp("carla", "put", "switch1.cfg", c.content / "office" / "switch1.cfg", "to_server")
        c.tftp("carla", "put", "firmware.bin", c.content / "office" / "firmware.bin", "to_server")


def shell(c: Clients, start: str, pauses: tuple[float, ...], copy: bool) -> None:
    """The administrator's SSH session, with pauses of many minutes; and a copy with scp."""
    target = f"root@www.{COMPANY}"
    with c.clock.scene("administrator's shell", start):
        first = c.clock.now()
        child = subprocess.Popen(
            inside("carla", *c.ssh(), "-tt", target),
            env=c.net.environment(False) | {"TERM": "xterm"},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        assert child.stdin is not None
        time.sleep(1.5)
        rng = random.Random(7)
        for number, line in enumerate(("uptime", "ls -la /var/log", "df -h", "tail -n 30 /etc/services", "w")):
            for letter in line + "\n":
                child.stdin.write(letter.encode())
                child.stdin.flush()
                time.sleep(rng.uniform(0.05, 0.16))
            time.sleep(0.4)
            if number < len(pauses):
                c.clock.jump(pauses[number])
        child.stdin.write(b"exit\n")
        child.stdin.close()
        child.wait(10)
        c.truth.add(
            "logins",
            protocol="ssh",
            client=HOSTS["carla"].ipv4,
            server=HOSTS["web"].ipv4,
            user="root",
            ok=True,
            label="normal",
            first=round(first, 6),
            note="cut over two captures" if pauses else "",
        )
        if copy:
            c.net.run(
                "carla",
                [*c.ssh("scp"), str(c.content / "office" / "backup.tar.gz"), f"{target}:{c.work}/backup.copy"],
                fake=False,
            )


def letters(c: Clients, start: str) -> None:
    """Mail within the house, from a supplier, and once with STARTTLS."""
    with c.clock.scene("letters", start):
        c.mail("anna", "mail", f"anna@{COMPANY}", f"ben@{COMPANY}", "Minutes", "office/minutes.pdf")
        c.think()
        c.dig("ca", f"www.{COMPANY}", server=HOSTS["dns"].ipv4)
        c.mail("ca", "mail", "orders@supplier.example", f"anna@{COMPANY}", "Your order", "office/price-list.csv")
        c.think()
        c.mail(
            "ca", "mail", "orders@supplier.example", f"carla@{COMPANY}", "Confidential", "office/offer.docx", tls=True
        )


def mail_abroad(c: Clients, start: str) -> None:
    """A mail with two attachments to the other side of the world, cut over two captures."""
    with c.clock.scene("mail abroad", start):
        c.dig("mail", "outback.example", "MX")
        c.mail(
            "mail",
            "au",
            f"anna@{COMPANY}",
            "sales@outback.example",
            "Offer and photo",
            "office/offer.docx",
            "office/photo.png",
        )


def housekeeping(c: Clients, start: str) -> None:
    """Pings and a traced route."""
    with c.clock.scene("housekeeping", start):
        c.ping("carla", HOSTS["files"].ipv4)
        c.ping("carla", "10.10.1.200", 1)
        c.net.run("carla", ["traceroute", "-n", "-q", "1", "-w", "1", "-m", "4", HOSTS["nl"].ipv4], fake=False)
        c.net.run("carla", ["traceroute", "-6", "-n", "-q", "1", "-w", "1", "-m", "4", HOSTS["ch"].ipv6], fake=False)


def night(c: Clients, start: str) -> None:
    """What happens at night by itself: the mirror is looked at, a supplier's mail arrives."""
    with c.clock.scene("night", start):
        c.wget("files", f"{MIRROR}/pub/notes.txt", "-4", file="se/pub/notes.txt")
        c.wget("files", f"{LIBRARY}/catalogue.pdf", "-4", file="de/catalogue.pdf")
        c.mail(
            "ca", "mail", "robot@supplier.example", f"carla@{COMPANY}", "Nightly stock list", "office/price-list.csv"
        )


def play(c: Clients) -> None:
    """The week, in no order: every scene knows its time."""
    library(c, "anna", "2024-03-04T08:12:05")
    reading(c, "ben", "2024-03-04T08:47:31")
    customers(c, "2024-03-04T09:31:12", "gb", "it")
    file_share(c, "carla", "2024-03-04T10:22:40", "SMB3", True)
    letters(c, "2024-03-04T11:05:18")
    long_download(c, "anna", "2024-03-04T11:59:53")
    secure(c, "ben", "2024-03-04T13:10:44")
    transfers(c, "2024-03-04T14:25:09")
    clips(c, "anna", "2024-03-04T15:41:57")
    six(c, "ben", "2024-03-04T16:14:03")
    night(c, "2024-03-05T02:40:00")
    housekeeping(c, "2024-03-05T08:05:51")
    weather(c, "anna", "2024-03-05T08:31:20")
    poller(c, "ben", "2024-03-05T09:00:00", 24, 300.0)
    shell(c, "2024-03-05T10:50:16", (900.0, 1500.0, 1720.0, 840.0), True)
    guests(c, "2024-03-05T12:18:33")
    switches(c, "2024-03-05T12:44:10")
    names(c, "2024-03-05T13:30:27")
    forms(c, "anna", "2024-03-05T16:15:48")
    mail_abroad(c, "2024-03-05T15:59:58.300")
    customers(c, "2024-03-05T21:10:30", "in", label="customers in the evening")
    sign_in(c, "2024-03-05T21:47:09", "za", "priya.patel", "Monsoon-88", "monsoon88", "monsoon-88")
    customers(c, "2024-03-06T01:25:14", "ru", label="customers at night", search="o%27ring")
    night(c, "2024-03-06T02:40:00")
    library(c, "ben", "2024-03-06T08:40:15")
    customers(c, "2024-03-06T09:12:44", "za", "gb", "ru", label="customers", search="probe")
    file_share(c, "carla", "2024-03-06T10:33:00", "SMB2_10", False)
    letters(c, "2024-03-06T11:08:41")
    secure(c, "anna", "2024-03-06T13:20:10", "secure pages again")
    guests(c, "2024-03-06T14:02:28")
    six(c, "anna", "2024-03-06T15:12:36")
    night(c, "2024-03-07T02:40:00")
    reading(c, "anna", "2024-03-07T08:50:07")
    customers(c, "2024-03-07T09:44:19", "it", "in", label="customers", search="valve")
    sign_in(c, "2024-03-07T10:05:33", "gb", "liam.obrien", "C0nnemara")
    guests(c, "2024-03-07T10:37:50")
    clips(c, "ben", "2024-03-07T10:58:06")
    shell(c, "2024-03-07T11:20:02", (), False)
    weather(c, "ben", "2024-03-07T12:10:00")
    names(c, "2024-03-07T12:41:19")
    forms(c, "ben", "2024-03-07T13:04:55")
