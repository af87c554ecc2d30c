"""Compare FileLoader with tshark's exported objects and Suricata's files, or with Zeek's files.log.

    python -m tests.fidelity.files CAPTURE…
    python -m tests.fidelity.files CAPTURE… --baselines FOLDER

SHA-256 of each protocol are compared as a multiset: what tshark and Suricata agree on must be there. What only one has
is told in brackets; docs/differences.md explains the kinds.
"""

from __future__ import annotations

import email
import gzip
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from backports import zstd
from packetpig.loaders import load

from .differing import Differing, compared
from .sessions import zeek_rows

OBJECTS = {"http": "http", "smb": "smb", "tftp": "tftp", "imf": "smtp"}  # tshark's names
COLUMNS = ["protocol", "direction", "name", "size", "complete", "sha256", "src", "sport", "dst", "dport", "mime"]
SURICATA = """%YAML 1.1
---
outputs:
  - eve-log: {enabled: yes, filetype: regular, filename: eve.json, types: [{files: {force-hash: [sha256]}}]}
stream: {reassembly: {depth: 0}, midstream: true}
app-layer:
  protocols:
    http:
      enabled: yes
      libhtp: {default-config: {personality: IDS, request-body-limit: 0, response-body-limit: 0}}
    smtp: {enabled: yes, mime: {decode-mime: yes, decode-base64: yes, decode-quoted-printable: yes}}
    ftp: {enabled: yes}
    smb: {enabled: yes, detection-ports: {dp: 139, 445}}
"""
Found = dict[str, Counter[str]]


def ours(capture: Path) -> list[dict[str, Any]]:
    """Our rows."""
    rows: list[dict[str, Any]] = load("files", str(capture), columns=COLUMNS).read_all().to_pylist()
    return rows


def parts(head: bytes, data: bytes) -> Iterator[tuple[str, str, bytes]]:
    """Kind, name (or '') and contents of the parts of a MIME entity, as Python's email has them."""
    for part in email.message_from_bytes(head + data).walk():
        content = part.get_payload(decode=True)
        if not part.is_multipart() and isinstance(content, bytes):
            attached = part.get_content_disposition() == "attachment"
            yield part.get_content_type(), part.get_filename() or ("?" if attached else ""), content


def sha256(data: bytes) -> str:
    """In hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def exported(capture: Path) -> Found:
    """What tshark exports, by protocol: hashes."""
    found: Found = defaultdict(Counter)
    for kind, protocol in OBJECTS.items():
        with tempfile.TemporaryDirectory() as folder:
            command = ["tshark", "-n", "-q", "-r", str(capture), "--export-objects", f"{kind},{folder}"]
            subprocess.run(command, capture_output=True, check=False)
            for path in Path(folder).iterdir():
                data = path.read_bytes()
                if kind == "imf":
                    for type, name, content in parts(b"", data):
                        if name or type.partition("/")[0] not in ("text", "message"):
                            found[protocol][sha256(content)] += 1
                elif kind == "http" and data.startswith(b"--") and b'form-data; name="' in data[:2000]:
                    boundary = data[2:].partition(b"\n")[0].strip()
                    head = b"Content-Type: multipart/form-data; boundary=%s\n\n" % boundary
                    for _, name, content in parts(head, data):
                        if name:
                            found[protocol][sha256(content)] += 1
                else:
                    found[protocol][sha256(data)] += 1
    return found


def suricata(capture: Path) -> Found:
    """What Suricata has of files that it saw whole."""
    found: Found = defaultdict(Counter)
    with tempfile.TemporaryDirectory() as folder:
        conf = Path(folder, "suricata.yaml")
        conf.write_text(SURICATA)
        plain = Path(folder, "plain.pcap")  # it reads nothing compressed
        opening = {".gz": gzip.open, ".zst": zstd.open}.get(capture.suffix, open)
        with opening(capture, "rb") as source, plain.open("wb") as file:
            shutil.copyfileobj(source, file)
        command = ["suricata", "-c", str(conf), "-S", "/dev/null", "-l", folder, "-r", str(plain), "-k", "none"]
        subprocess.run(command, capture_output=True, check=False)
        log = Path(folder, "eve.json")
        for line in log.read_text().splitlines() if log.exists() else ():
            event = json.loads(line)
            if event["event_type"] == "fileinfo" and event["fileinfo"].get("sha256"):
                protocol = {"ftp-data": "ftp", "http2": "http"}.get(event["app_proto"], event["app_proto"])
                found[protocol][event["fileinfo"]["sha256"]] += 1
    return found


def agreed(tshark: Found, suricata: Found) -> Found:
    """What both have; of protocols of which only one has files, what that one has."""
    return {
        protocol: (tshark.get(protocol, Counter()) & suricata.get(protocol, Counter()))
        if protocol not in ("tftp", "ftp")
        else tshark.get(protocol, Counter()) | suricata.get(protocol, Counter())
        for protocol in tshark.keys() | suricata.keys()
    }


def both(found: Differing, capture: Path) -> None:
    """Compare with what tshark and Suricata agree on; what only one of us has is told beside."""
    others = {"tshark": exported(capture), "Suricata": suricata(capture)}
    rows = ours(capture)
    mine: Found = defaultdict(Counter)
    for row in rows:
        if row["sha256"]:
            mine[row["protocol"]][row["sha256"]] += 1
    for protocol, hashes in agreed(others["tshark"], others["Suricata"]).items():
        found.rows += sum(hashes.values())
        less = hashes - mine[protocol]
        if less:
            found.differing += sum(less.values())
            found.note(f"{protocol}: we have not what both have", f"{capture.name}: {dict(less)}", sum(less.values()))
    for row in rows:
        if not row["sha256"]:
            found.note(f"{row['protocol']}: (bytes are missing, we give no hash)", f"{capture.name}: {row['name']}")
    for who, theirs in others.items():
        for protocol in mine.keys() | theirs.keys():
            if (who, protocol) in {("tshark", "ftp"), ("Suricata", "tftp")}:
                continue
            more = theirs.get(protocol, Counter()) - mine[protocol]
            if more:
                found.note(f"({protocol}: only {who} has)", f"{capture.name}: {dict(more)}", sum(more.values()))
            less = mine[protocol] - theirs.get(protocol, Counter())
            if less:
                found.note(f"({protocol}: {who} has not)", f"{capture.name}: {dict(less)}", sum(less.values()))


def zeek(found: Differing, capture: Path, log: Path) -> None:
    """Compare with Zeek's files.log: each of its rows has one of ours with its protocol, size and hashes."""
    rows = ours(capture)
    for line in zeek_rows(log):
        if line["uid"] == "-":
            continue  # of no capture
        found.rows += 1
        protocol = line["source"].lower().removesuffix("_data")
        size = int(line["seen_bytes"]) + int(line["missing_bytes"])
        hosts = {line["id.orig_h"], line["id.resp_h"]}
        fits = [
            row for row in rows
            if row["protocol"] == protocol and row["size"] == size and {row["src"], row["dst"]} == hosts
            and line["filename"] in ("-", row["name"]) and line.get("sha256", "-") in ("-", row["sha256"])
            and line["mime_type"] in ("-", row["mime"])
        ]  # fmt: skip
        if not fits:
            found.differing += 1
            same = [row for row in rows if row["protocol"] == protocol][:3]
            found.note("a file that only Zeek has so", f"{capture.name}: {line}, ours {same}")


if __name__ == "__main__":
    sys.exit(compared("Compare FileLoader with tshark and Suricata, or with Zeek.", None, both, zeek, "files.log"))
