"""HTTP: the loader against tshark that exports the objects of HTTP."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator

from tests.bench.case import Case
from tests.bench.protocols import beside_tshark
from tests.bench.workshop import Workshop

COLUMNS = (
    "ts,src,sport,dst,dport,method,host,uri,version,status,reason,user_agent,referer,content_type,request_bytes,"
    "response_bytes,duration"
)


def cases(workshop: Workshop) -> Iterator[Case]:
    """All cases of HTTP."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = ["-q", "--export-objects", f"http,{folder}"]
        yield from beside_tshark(workshop, "http", COLUMNS, arguments, "--export-objects http")
