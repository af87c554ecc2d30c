"""What sessions say, by protocol."""

from __future__ import annotations

from typing import Any

import pyarrow.compute as pc
from packetpig.loaders import dns, files, http, tls
from packetpig.pipelines.spoken import Spoken, plain
from packetpig.pipelines.stages.sessions import SPEAK

LOADERS = {"dns": dns.LOADER, "tls": tls.LOADER, "http": http.LOADER, "files": files.LOADER}


class Said(Spoken):
    """Questions and answers of DNS, handshakes of TLS, exchanges of HTTP, and files, from one decode."""

    tables = tuple(LOADERS)
    columns = {name: plain(loader) for name, loader in LOADERS.items()}  # noqa: RUF012
    regards = {"sessions": "ids"}  # noqa: RUF012
    services = SPEAK
    version = 2

    def noted(self, work: str) -> dict[str, Any]:
        """When the last row of DNS is, which may be behind the window."""
        rows = self.run_of.tables.batches(work, "dns", columns=["ts"])
        return {"until": max((pc.max(batch["ts"]).as_py() for batch in rows if batch.num_rows), default=0.0)}
