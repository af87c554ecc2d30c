"""Sessions: the loader against NFStream, SESSIONS in Pig against the loader, memory, a SYN flood.

NFStream is installed into build/bench/nfstream, which takes a minute the first time.
"""

from __future__ import annotations

import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from packetpig.loaders.contract.discovery import find

from tests.bench.case import Case, faster, share
from tests.bench.measure import best, run
from tests.bench.workshop import Workshop
from tests.conftest import ROOT
from tests.making import ethernet, ipv4, tcp

PACKETPIG, PIG = str(ROOT / "bin/packetpig"), str(ROOT / "bin/pig")
PEER = """
import sys
from nfstream import NFStreamer
if __name__ == "__main__":
    print(sum(1 for _ in NFStreamer(source=sys.argv[1], n_dissections=0, n_meters=1)))
"""
SCRIPT = """
sessions = SESSIONS('$pcap', 'true');
states = FOREACH sessions GENERATE state;
by_state = GROUP states BY state;
counts = FOREACH by_state GENERATE group, COUNT_STAR(states);
DUMP counts;
"""
COLUMNS = ",".join(
    column.name for column in find("sessions").schema() if column.type != "bag" and column.name != "icmp_errors"
)
FLOOD = 10_000_000


def load(capture: Path, *arguments: str) -> list[str]:
    """A command that loads sessions into nothing."""
    output = ("--columns", COLUMNS, "--format", "arrow", "--output", "/dev/null", "--force")
    return [PACKETPIG, "load", "sessions", str(capture), *output, *arguments]


def cases(workshop: Workshop) -> Iterator[Case]:
    """All cases of sessions."""
    big = workshop.warm(workshop.capture(1000))
    ours = best(load(big), 3)
    peer = _peer(workshop.folder)
    if peer:
        (workshop.folder / "flows.py").write_text(PEER)
        theirs = run([peer, str(workshop.folder / "flows.py"), str(big)])
        yield faster("load sessions, all columns, 1 GB; peer: NFStream", ours, theirs, 10)

    script = workshop.folder / "sessions.pig"
    script.write_text(SCRIPT)
    small = workshop.capture(1)
    start = best([PIG, "-p", f"pcap={small}", str(script)], 2)
    pig = best([PIG, "-Dpacketpig.split.bytes=134217728", "-p", f"pcap={big}", str(script)], 2)
    one = best(load(big), 2, cores="0")
    yield share("SESSIONS over 8 splits, net of start; peer: load on one core", pig.wall - start.wall, one.wall, 1.2)

    memory = [run(load(workshop.warm(workshop.capture(size)))).anonymous / 1e6 for size in (100, 2000)]
    yield share("memory, 2 GB beside 100 MB", memory[1], memory[0], 1.2, "MB")

    floods = [_flood(workshop.folder, count) for count in (FLOOD // 10, FLOOD)]
    times = [run(load(workshop.warm(path), "--option", "memory=256m")) for path in floods]
    yield share("a SYN flood of 10 million sources, a million's time ten times", times[1].wall, 10 * times[0].wall, 1.3)
    yield share(
        "its memory beside memory=256m and a process without sessions", times[1].anonymous / 1e6, 256 + 250, 1, "MB"
    )


def _peer(folder: Path) -> str | None:
    """The Python that has NFStream; None where it cannot be had."""
    python = folder / "nfstream/bin/python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder / "nfstream")], check=True)
    if subprocess.run([str(python), "-c", "import nfstream"], capture_output=True, check=False).returncode:
        subprocess.run([str(python), "-m", "pip", "install", "-q", "nfstream"], check=False)
    if subprocess.run([str(python), "-c", "import nfstream"], capture_output=True, check=False).returncode:
        print("bench: NFStream cannot be installed; left out", flush=True)
        return None
    return str(python)


def _flood(folder: Path, count: int) -> Path:
    """SYNs from COUNT sources to one, a million a second."""
    path = folder / f"flood-{count}.pcap"
    if not path.exists():
        frame = bytearray(ethernet(ipv4(tcp(b"", 1025, 80, 2, 1, 0))))
        with path.with_suffix(".part").open("wb") as file:
            file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, 1))
            for number in range(count):
                struct.pack_into(">I", frame, 26, 0x0B000000 + number)
                seconds, part = divmod(number, 1_000_000)
                file.write(struct.pack("<IIII", 1_700_000_000 + seconds, part, len(frame), len(frame)) + frame)
        path.with_suffix(".part").rename(path)
    return path
