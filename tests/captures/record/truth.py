"""The ground truth: written by the recording programs from what they did, never from the capture."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from .clock import Clock, iso
from .plan import HOSTS


def digests(data: bytes) -> dict[str, str | int]:
    """Size and hashes of some bytes."""
    return {
        "size": len(data),
        "md5": hashlib.md5(data).hexdigest(),
        "sha1": hashlib.sha1(data).hexdigest(),
        "sha256": hashlib.sha256(data).hexdigest(),
    }


class Truth:
    """Collects rows; times are capture times."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.data: dict[str, Any] = {
            key: [] for key in ("break_in", "files", "http", "dns", "tls", "mails", "logins", "scenes")
        }

    def address(self, key: str, six: bool = False) -> str:
        """A host's address."""
        return HOSTS[key].ipv6 if six else HOSTS[key].ipv4

    def add(self, table: str, **row: Any) -> dict[str, Any]:
        """One row, at this time."""
        now = self.clock.now()
        row = {"ts": round(now, 6), "time": iso(now)} | row
        self.data[table].append(row)
        return row

    def file(
        self,
        protocol: str,
        direction: str,
        client: str,
        server: str,
        content: bytes | Path,
        name: str,
        label: str = "normal",
        **more: Any,
    ) -> None:
        """A file that has just been carried whole."""
        data = content.read_bytes() if isinstance(content, Path) else content
        self.add(
            "files",
            protocol=protocol,
            direction=direction,
            name=name,
            **digests(data),
            client=client,
            server=server,
            label=label,
            **more,
        )

    def step(self, step: int, name: str, start: float, **facts: Any) -> None:
        """A step of the break-in that has just ended."""
        end = self.clock.now()
        self.data["break_in"].append(
            {
                "step": step,
                "name": name,
                "start": iso(start),
                "end": iso(end),
                "start_ts": round(start, 6),
                "end_ts": round(end, 6),
            }
            | facts
        )

    def save(self, path: Path) -> None:
        """Write it, rows in time order."""
        for rows in self.data.values():
            if isinstance(rows, list) and rows and isinstance(rows[0], dict) and "ts" in rows[0]:
                rows.sort(key=lambda row: row["ts"])
        path.write_text(json.dumps(self.data, indent=1) + "\n")
