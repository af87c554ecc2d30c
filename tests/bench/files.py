"""Files: the loader with hashes against tshark that exports the objects of HTTP, and tcpflow that writes streams."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator

from tests.bench.case import Case, faster
from tests.bench.measure import best, run
from tests.bench.protocols import beside_tshark, command
from tests.bench.workshop import Workshop

COLUMNS = "ts,src,sport,dst,dport,protocol,direction,name,mime,extension,size,complete,md5,sha1,sha256"


def cases(workshop: Workshop) -> Iterator[Case]:
    """All cases of files."""
    with tempfile.TemporaryDirectory(dir=workshop.folder) as folder:
        arguments = ["-q", "--export-objects", f"http,{folder}"]
        yield from beside_tshark(workshop, "files", COLUMNS, arguments, "--export-objects http")
    if not shutil.which("tcpflow"):
        print("bench: there is no tcpflow; left out", flush=True)
        return
    big = str(workshop.warm(workshop.capture(1000)))
    ours = best(command("files", big, COLUMNS), 3, cores="0")
    with tempfile.TemporaryDirectory(dir=workshop.folder) as folder:
        tcpflow = run(["taskset", "-c", "0", "tcpflow", "-r", big, "-o", folder])
    yield faster("load files with all hashes, 1 GB, one core; peer: tcpflow -r", ours, tcpflow, 2)
