"""Many kinds from one decode: beside the slowest kind alone, and Suricata with the same kinds; memory."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from packetpig.loaders.traffic import KINDS

from tests.bench.case import Case, share
from tests.bench.measure import best, run
from tests.bench.protocols import PACKETPIG
from tests.bench.workshop import Workshop

SURICATA = """%YAML 1.1
---
vars: {address-groups: {HOME_NET: any, EXTERNAL_NET: any}}
outputs:
  - eve-log:
      enabled: yes
      filetype: regular
      filename: eve.json
      types:
        - flow
        - dns: {version: 2}
        - http: {extended: yes}
        - tls: {extended: yes}
        - files: {force-hash: [md5, sha1, sha256]}
stream: {memcap: 1gb, reassembly: {memcap: 2gb, depth: 0}}
app-layer:
  protocols:
    http: {enabled: yes, libhtp: {default-config: {request-body-limit: 0, response-body-limit: 0}}}
    tls: {enabled: yes, detection-ports: {dp: 443}, ja3-fingerprints: yes}
    dns: {tcp: {enabled: yes, detection-ports: {dp: 53}}, udp: {enabled: yes, detection-ports: {dp: 53}}}
    quic: {enabled: yes}
    smtp: {enabled: yes, mime: {decode-mime: yes, decode-base64: yes, decode-quoted-printable: yes}}
    ftp: {enabled: yes}
    smb: {enabled: yes, detection-ports: {dp: "139, 445"}}
    tftp: {enabled: yes}
"""


def command(kind: str, capture: Path) -> list[str]:
    """A command that loads all columns of a kind, or of all, into nothing."""
    output = ["--format", "arrow", "--output", "/dev/null", "--force"]
    columns = ["--columns", ",".join(column.name for column in KINDS[kind].schema())] if kind in KINDS else []
    return [PACKETPIG, "load", kind, str(capture), *columns, *output]


def cases(workshop: Workshop) -> Iterator[Case]:
    """All cases of traffic."""
    big = workshop.warm(workshop.capture(1000))
    together = best(command("traffic", big), 2, cores="0")
    alone = {kind: best(command(kind, big), 2, cores="0").wall for kind in KINDS}
    slowest = max(alone, key=lambda kind: alone[kind])
    yield share(
        f"load traffic, {len(KINDS)} kinds, one core; peer: {slowest} alone", together.wall, alone[slowest], 1.6
    )
    if suricata := _suricata(workshop.folder, big):
        peer = best(suricata, 2, cores="0")
        yield share("the same; peer: Suricata without rules", together.wall, peer.wall, 2)
    else:
        print("bench: there is no Suricata; left out", flush=True)
    memory = [run(command("traffic", workshop.warm(workshop.capture(size)))).anonymous / 1e6 for size in (100, 2000)]
    yield share("its memory, 2 GB beside 100 MB", memory[1], memory[0], 1.2, "MB", 0.8)
    yield share("its memory for 2 GB; peer: 1 MB", memory[1], 1, 600, "MB")


def _suricata(folder: Path, capture: Path) -> list[str] | None:
    """The command for one capture: one thread, no rules, what is said of the same kinds, files hashed whole."""
    if not shutil.which("suricata"):
        return None
    logs = folder / "suricata"
    logs.mkdir(exist_ok=True)
    (folder / "suricata.yaml").write_text(SURICATA)
    (folder / "no.rules").write_text("")
    return [
        *("suricata", "--runmode", "single", "-k", "none", "-c", str(folder / "suricata.yaml")),
        *("-S", str(folder / "no.rules"), "-l", str(logs), "-r", str(capture)),
    ]
