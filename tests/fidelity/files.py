"""Compare FileLoader with the objects that tshark exports, by their SHA-256.

    python -m tests.fidelity.files CAPTURE…

A row is a file of one capture and protocol, found by its digest. docs/differences.md explains the kinds.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from packetpig.loaders import load

from .differing import Differing
from .packets import captures

PROTOCOLS = {"http": "http", "smb": "smb", "tftp": "tftp", "ftp": "ftp-data"}
COLUMNS = ["protocol", "direction", "name", "content_type", "size", "complete", "sha256", "path"]
Rows = dict[str, list[dict[str, Any]]]


def ours(capture: Path, folder: str) -> Rows:
    """Files by protocol, kept in a FOLDER; empty ones are none to tshark."""
    found: Rows = defaultdict(list)
    for row in load("files", str(capture), COLUMNS, store=folder).read_all().to_pylist():
        if row["protocol"] in PROTOCOLS and row["size"] != 0:
            found[row["protocol"]].append(row)
    return found


def theirs(capture: Path, folder: str) -> dict[str, list[bytes]]:
    """tshark's objects, by our name of the protocol."""
    command = ["tshark", "-n", "-q", "-r", str(capture)]
    for name in PROTOCOLS.values():
        command += ["--export-objects", f"{name},{folder}/{name}"]
    subprocess.run(command, capture_output=True, check=False)
    return {
        ours: [path.read_bytes() for path in sorted((Path(folder) / name).glob("*")) if path.stat().st_size]
        for ours, name in PROTOCOLS.items()
    }


def tshark(found: Differing, capture: Path) -> None:
    """Compare with tshark's objects."""
    with tempfile.TemporaryDirectory() as kept, tempfile.TemporaryDirectory() as exported:
        files, objects = ours(capture, kept), theirs(capture, exported)
        for protocol in PROTOCOLS:
            _compare(found, f"{protocol}: ", capture.name, files.get(protocol, []), objects[protocol])


def _compare(found: Differing, protocol: str, where: str, rows: list[dict[str, Any]], objects: list[bytes]) -> None:
    """Files of one protocol and tshark's objects; what is part of the other's is told by its bytes."""
    digests = Counter(hashlib.sha256(one).hexdigest() for one in objects)
    alone, rest = [], []
    for row in rows:
        if digests[row["sha256"]] > 0:
            digests[row["sha256"]] -= 1
        else:
            alone.append((row, Path(row["path"]).read_bytes() if row["path"] else b""))
    for one in objects:
        digest = hashlib.sha256(one).hexdigest()
        if digests[digest] > 0:
            digests[digest] -= 1
            rest.append(one)
    found.rows += max(len(rows), len(objects))
    found.differing += max(len(alone), len(rest))
    for row, data in alone:
        kind = "with bytes missing, or without an end" if not row["complete"] else "whole"
        if data and any(data in one for one in rest):
            kind += ", part of an object of tshark's"
        found.note(f"{protocol}only ours, {kind}", f"{where}: {row['name']}, {row['size']} bytes")
    for one in rest:
        kind = ", part of a file of ours" if any(one in data for _, data in alone) else ""
        found.note(f"{protocol}only tshark's{kind}", f"{where}: {len(one)} bytes, {one[:16].hex(' ')}")


def main(arguments: list[str] | None = None) -> int:
    """The exit code: 1 if too much differs."""
    parser = argparse.ArgumentParser(description="Compare FileLoader with tshark's objects.")
    parser.add_argument("captures", nargs="+", metavar="CAPTURE", help="files, or folders of them")
    found = Differing()
    for capture in captures(parser.parse_args(arguments).captures):
        found.captures += 1
        tshark(found, capture)
    print("\n".join(found.lines()))
    return 1 if found.failed else 0


if __name__ == "__main__":
    sys.exit(main())
