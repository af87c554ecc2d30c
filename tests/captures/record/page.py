"""The tables of README.md that follow from a recording."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import Any

from .clock import Segment, iso
from .plan import HOSTS, TUNNEL_DOMAIN

BEGIN, END = "<!-- recorded: written by `python3 -m record` -->", "<!-- end of recorded -->"
LABEL_RULES = [
    {"label": "attack", "why": "any flow with the attacker", "address": HOSTS["attacker"].ipv4},
    {"label": "attack", "why": "any flow with command and control", "address": HOSTS["c2"].ipv4},
    {
        "label": "attack",
        "why": "questions for the names of command and control, by the victim and by our resolver",
        "domain": TUNNEL_DOMAIN.split(".", 1)[1],
    },
    {"label": "normal", "why": "everything else"},
]


def scenes(segments: list[Segment]) -> list[dict[str, Any]]:
    """The scenes with their capture times; the parts of a scene that was paused are one."""
    rows = []
    for _, group in groupby(
        segments, key=lambda segment: (segment.scene, segment.label, segment.scene in ("beacon", "weather gadget"))
    ):
        parts = list(group)
        first, last = parts[0].begin + parts[0].offset, parts[-1].end + parts[-1].offset
        rows.append(
            {
                "ts": round(first, 6),
                "start": iso(first),
                "end": iso(last),
                "scene": parts[0].scene,
                "label": parts[0].label,
                "parts": len(parts),
            }
        )
    return rows


def _table(head: list[str], rows: list[list[Any]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines) + "\n"


def _short(when: str) -> str:
    return when[5:10] + " " + when[11:23]


def tables(data: dict[str, Any]) -> str:
    """Files, the break-in, the timeline, files carried, programs."""
    captures = _table(
        ["file", "format", "packets", "bytes", "unpacked", "first (UTC)", "last (UTC)", "sha256"],
        [
            [
                row["file"],
                row["format"],
                row["packets"],
                row["size"],
                row["unpacked_size"],
                _short(row["first"]),
                _short(row["last"]),
                f"`{row['sha256']}`",
            ]
            for row in data["captures"]
        ],
    )
    steps = []
    for row in data["break_in"]:
        source = row.get("source") or row.get("client")
        target = row.get("target") or row.get("server") or " ".join(row.get("targets", []))
        about = {
            key: value
            for key, value in row.items()
            if key
            in (
                "program",
                "attempts_at_most",
                "attempts",
                "found",
                "users_leaked",
                "url",
                "calls",
                "size",
                "parts",
                "names",
                "domain",
                "true_type",
                "interval",
                "jitter",
                "ports_per_target",
            )
        }
        steps.append(
            [
                row["step"],
                row["name"],
                _short(row["start"]),
                _short(row["end"]),
                source,
                target,
                row.get("port") or row.get("ports"),
                "; ".join(f"{key.replace('_', ' ')}: {value}" for key, value in about.items()),
            ]
        )
    breakin = _table(["step", "what", "from (UTC)", "until (UTC)", "source", "target", "port", "facts"], steps)
    timeline = _table(
        ["from (UTC)", "until (UTC)", "scene", "label"],
        [
            [
                _short(row["start"]),
                _short(row["end"]),
                row["scene"] + (f" ({row['parts']} parts)" if row["parts"] > 1 else ""),
                row["label"],
            ]
            for row in sorted(data["scenes"], key=lambda row: row["ts"])
        ],
    )
    carried = _table(
        ["time (UTC)", "protocol", "direction", "name", "bytes", "client", "server", "label", "md5"],
        [
            [
                _short(row["time"]),
                row["protocol"],
                row["direction"],
                row["name"],
                row["size"],
                row["client"],
                row["server"],
                row["label"],
                f"`{row['md5']}`",
            ]
            for row in sorted(data["files"], key=lambda row: row["ts"])
        ],
    )
    programs = ", ".join(f"{name} {text}" for name, text in sorted(data["programs"].items()))
    return (
        f"Recorded {data['recorded'][:10]}; frames lost by tcpdump: {data['packets_dropped']}.\n\n"
        f"### Captures\n\n{captures}\n### The break-in\n\n{breakin}\n"
        f"### Timeline\n\n{timeline}\n### Files carried\n\n{carried}\n### Programs\n\n{programs}\n"
    )


def network_table() -> str:
    """The network plan as a table."""
    return _table(
        ["host", "role", "IPv4", "IPv6", "country", "names", "one way (ms)", "initial TTL"],
        [
            [
                host.key,
                host.role,
                host.ipv4,
                host.ipv6,
                host.country,
                " ".join(host.names),
                f"{host.delay * 1000:g}",
                host.ttl,
            ]
            for host in HOSTS.values()
        ],
    )


def renew(path: Path, data: dict[str, Any]) -> None:
    """Put the tables between the marks."""
    text = path.read_text()
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    path.write_text(f"{before}{BEGIN}\n### Network\n\n{network_table()}\n{tables(data)}{END}{after}")
