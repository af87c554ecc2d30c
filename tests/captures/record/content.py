"""Makes every file that is carried: pages, pictures, papers, archives, a program. Seeded, so always the same."""

from __future__ import annotations

import csv
import gzip
import io
import os
import random
import struct
import subprocess
import tarfile
import zipfile
import zlib
from pathlib import Path

from .clock import stamp


def _words(text: str) -> list[str]:
    return text.split()


WORDS = _words(
    "the of and to in for with on from by harbour gauge valve pressure tide sensor delivery order invoice boat "
    "quay salinity report monthly station reading depth pump spare part repair customer letter north south "
    "winter spring meeting agenda budget team plan review measured calibrated shipped checked open closed "
    "early late long short new old green blue steel copper brass glass"
)
FIRST = _words(
    "Ada Bram Chloe Dmitri Elif Femke Goran Hana Ines Jonas Kavya Liam Mina Noor Oskar Priya Quinn Rosa Sven Tomas"
)
LAST = _words(
    "Abel Berg Cohen Dahl Eriksen Fischer Garcia Haas Ito Jansen Kowalski Lund Meyer Novak O'Brien Patel Ruiz Sato"
)
FILE_TIME = "2024-02-26T10:00:00"

HELLO = r"""
static long call(long n, long a, long b, long c) {
    long r;
    __asm__ volatile("syscall" : "=a"(r) : "a"(n), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
    return r;
}
const char padding[3000] = "packetpig demo: this program is harmless, it says hello and ends";
void _start(void) {
    static const char text[] = "hello from the packetpig demo\n";
    call(1, 1, (long)text, sizeof text - 1);
    call(60, padding[0] == 0, 0, 0);
}
"""


def prose(rng: random.Random, paragraphs: int) -> list[str]:
    """Paragraphs that look like text from afar."""
    result = []
    for _ in range(paragraphs):
        sentences = []
        for _ in range(rng.randint(3, 6)):
            words = rng.choices(WORDS, k=rng.randint(6, 14))
            sentences.append(" ".join(words).capitalize() + ".")
        result.append(" ".join(sentences))
    return result


def page(title: str, rng: random.Random, paragraphs: int, extra: str = "") -> bytes:
    """An HTML page."""
    text = "\n".join(f"<p>{line}</p>" for line in prose(rng, paragraphs))
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>\n{extra}</head>\n'
        f"<body><h1>{title}</h1>\n{text}\n</body></html>\n"
    ).encode()


def png(width: int, height: int, rng: random.Random, noise: int) -> bytes:
    """A picture: a gradient with some grain."""
    rows = bytearray()
    for y in range(height):
        rows.append(0)
        for x in range(width):
            grain = rng.randint(0, noise)
            rows += bytes(((x * 255 // width + grain) & 255, (y * 255 // height + grain) & 255, (x + y + grain) & 255))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(rows), 9))
        + chunk(b"IEND", b"")
    )


def pdf(title: str, rng: random.Random, pages: int) -> bytes:
    """A paper of so many pages."""
    kids = " ".join(f"{4 + 2 * n} 0 R" for n in range(pages))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {pages} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for number in range(pages):
        lines = [f"({title}, page {number + 1}) Tj"]
        lines += [f"0 -14 Td ({line[:95]}) Tj" for line in prose(rng, 40)]
        stream = "BT /F1 9 Tf 40 800 Td " + "\n".join(lines) + " ET"
        objects.append(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 3 0 R >> >> "
            f"/Contents {5 + 2 * number} 0 R >>"
        )
        objects.append(f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream")
    out, places = bytearray(b"%PDF-1.4\n"), []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n{body}\nendobj\n".encode()
    table = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    out += b"".join(f"{place:010d} 00000 n \n".encode() for place in places)
    out += f"trailer << /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n".encode()
    return bytes(out)


def people(rng: random.Random, count: int) -> bytes:
    """A table of customers, none of whom exists."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["number", "name", "mail", "street", "balance", "note"])
    for number in range(count):
        first, last = rng.choice(FIRST), rng.choice(LAST)
        mail = f"{first}.{last}{number}@customers.example".lower().replace("'", "")
        note = f"{rng.getrandbits(128):032x}"
        writer.writerow(
            [
                10000 + number,
                f"{first} {last}",
                mail,
                f"{rng.choice(WORDS).title()} Street {rng.randint(1, 99)}",
                f"{rng.uniform(-200, 9000):.2f}",
                note,
            ]
        )
    return out.getvalue().encode()


def tar_gz(members: dict[str, bytes]) -> bytes:
    """A compressed archive."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(data), int(stamp(FILE_TIME))
            archive.addfile(info, io.BytesIO(data))
    return gzip.compress(raw.getvalue(), 9, mtime=int(stamp(FILE_TIME)))


def docx(rng: random.Random, paragraphs: int) -> bytes:
    """A letter for word processors."""
    body = "".join(f"<w:p><w:r><w:t>{line}</w:t></w:r></w:p>" for line in prose(rng, paragraphs))
    main = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    parts = {
        "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        "<Default Extension="
        '"rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override '
        f'PartName="/word/document.xml" ContentType="{main}"/></Types>',
        "_rels/.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        '<Relationship Id="r1" '
        'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" '
        'Target="word/document.xml"/></Relationships>',
        "word/document.xml": '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>'
        f"{body}</w:body></w:document>",
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(zipfile.ZipInfo(name, (2024, 2, 26, 10, 0, 0)), text)
    return out.getvalue()


def program(work: Path) -> bytes:
    """A tiny ELF program for Linux on x86-64 that says hello."""
    source, target = work / "hello.c", work / "hello"
    source.write_text(HELLO)
    subprocess.run(
        [
            "gcc",
            "-static",
            "-nostdlib",
            "-Os",
            "-s",
            "-fno-builtin",
            "-fno-stack-protector",
            "-fno-asynchronous-unwind-tables",
            "-Wl,--build-id=none",
            "-Wl,-z,noseparate-code",
            "-o",
            str(target),
            str(source),
        ],
        check=True,
    )
    return target.read_bytes()


def make(work: Path) -> Path:
    """Write all contents below `work/content`, a folder for each host that holds them."""
    rng = random.Random(20240304)
    head = '<link rel="stylesheet" href="/style.css"><script src="/reader.js"></script>'
    pictures = "".join(f'<link rel="prefetch" href="/pictures/{n}.png">' for n in ("boats", "quay", "tide"))
    script = b"/* reader */\n" + "\n".join(f"// {line}" for line in prose(rng, 12)).encode()
    style = "\n".join(
        f".{a}-{b} {{ margin: {n}px; color: #{n:02x}4466; }}"
        for n, (a, b) in enumerate((a, b) for a in WORDS[11:20] for b in WORDS[20:26])
    ).encode()
    log = "\n".join(prose(rng, 60)).encode()
    files: dict[str, bytes] = {
        "de/index.html": page("Public Library", rng, 25, head),
        "de/style.css": style,
        "de/reader.js": script,
        "de/logo.png": png(90, 60, rng, 40),
        "de/favicon.ico": png(16, 16, rng, 10),
        "de/catalogue.pdf": pdf("Catalogue", rng, 8),
        "de/opening-hours.html": page("Opening hours", rng, 6, head),
        "se/index.html": page("Mirror", rng, 4),
        "se/pub/toolkit-2.4.tar.gz": tar_gz({"toolkit/data.bin": rng.randbytes(330_000)}),
        "se/pub/notes.txt": log,
        "se/pub/tables.zip": b"",
        "jp/index.html": page("Pictures of the sea", rng, 5, pictures),
        "ch/index.html": page("Accounts", rng, 20),
        "ch/statement.csv": people(rng, 150),
        "fr/index.html": page("Portal", rng, 15),
        "fr/timetable.pdf": pdf("Timetable", rng, 3),
        "br/index.html": page("Museum", rng, 8),
        "cn/index.html": page("Spare parts", rng, 10),
        "kr/index.html": page("Clips", rng, 6),
        "kr/clip.webm": b"\x1aE\xdf\xa3\x93B\x82\x84webmB\x87\x81\x02B\x85\x81\x02" + rng.randbytes(130_000),
        "office/minutes.pdf": pdf("Minutes of the meeting", rng, 5),
        "office/price-list.csv": people(rng, 240),
        "office/offer.docx": docx(rng, 120),
        "office/photo.png": png(150, 100, rng, 90),
        "office/drawing.png": png(180, 120, rng, 120),
        "office/switch1.cfg": log[:9_000],
        "office/firmware.bin": b"TWFW\x02\x04" + rng.randbytes(40_000),
        "office/backup.tar.gz": b"",
        "files/projects/budget.csv": people(rng, 300),
        "files/projects/report-q1.docx": docx(rng, 150),
        "files/projects/site-plan.png": png(160, 110, rng, 110),
        "files/tftp/switch2.cfg": log[9_000:16_000],
        "web/index.html": page("Tidewater Instruments", rng, 8),
        "web/export.csv": people(rng, 2500),
    }
    for name in ("boats", "quay", "tide"):
        files[f"jp/pictures/{name}.png"] = png(120, 80, rng, 100)
    tables = io.BytesIO()
    with zipfile.ZipFile(tables, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("tides-2024.csv", (2024, 2, 26, 10, 0, 0)), people(rng, 900))
    files["se/pub/tables.zip"] = tables.getvalue()
    files["office/backup.tar.gz"] = tar_gz({"backup/orders.csv": people(rng, 700)})
    files["attacker/images/logo.gif"] = program(work)
    files["attacker/images/header.jpg"] = (Path(__file__).parent / "programs" / "beacon.py").read_bytes()
    files["web/customers.tar.gz"] = tar_gz(
        {"srv/shop/export.csv": files["web/export.csv"], "srv/shop/photos.bin": rng.randbytes(170_000)}
    )
    root = work / "content"
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        os.utime(path, (stamp(FILE_TIME), stamp(FILE_TIME)))
    return root
