"""Carving: packets out of a large capture against tshark and tcpdump, a minute out of an archive against all of it."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

from packetpig.loaders import load

from tests.bench.case import Case, faster, share
from tests.bench.measure import best, run
from tests.bench.workshop import Workshop
from tests.conftest import DEMO, ROOT

PACKETPIG = str(ROOT / "bin/packetpig")
MINUTE = 60


def cases(workshop: Workshop) -> Iterator[Case]:
    """All cases of carving."""
    big = workshop.warm(workshop.capture(1000))
    ours, theirs = workshop.folder / "ours.pcap", workshop.folder / "theirs.pcap"
    port = _rare_port(big)
    carve = best([PACKETPIG, "carve", "--where", f"tcp_dport == {port}", "--force", str(big), str(ours)], 5)
    tcpdump = best(["tcpdump", "-r", str(big), "-w", str(theirs), f"tcp dst port {port}"], 5)
    found, expected = _packets(ours), _packets(theirs)
    if found != expected:
        raise RuntimeError(f"carve found {found} packets, tcpdump {expected}")
    what = f"carve {found:,} packets (1%) out of 1 GB"
    tshark = run(["tshark", "-r", str(big), "-Y", f"tcp.dstport == {port}", "-w", str(theirs)])
    yield faster(f"{what}; peer: tshark -Y … -w", carve, tshark, 20)
    yield faster("the same; peer: tcpdump with the same filter", carve, tcpdump, 1)

    flows = workshop.folder / "flows.csv"
    table = load("packets", str(big), ["community_id"], where=f"tcp_dport == {port}").read_all()
    names = table["community_id"].unique().to_pylist()
    flows.write_text("community_id\n" + "".join(f"{name}\n" for name in names))
    listed = best([PACKETPIG, "carve", "--flows", str(flows), "--force", str(big), str(ours)], 3)
    yield faster(f"carve {len(names):,} flows by community_id; peer: tshark as above", listed, tshark, 20)

    archive = workshop.pieces(2000, 20)
    run([PACKETPIG, "index", str(archive)])
    begin = _begin(archive) + 2 * MINUTE
    minute = f"ts >= {begin} AND ts < {begin + MINUTE}"
    load_all = [PACKETPIG, "load", "packets", str(archive), "--format", "arrow", "--columns"]
    load_all += ["ts,ip_src,ip_dst,sport,dport,ip_proto,length"]
    start = best([*load_all[:3], str(min(DEMO.iterdir(), key=_size)), *load_all[4:], "--where", minute], 5)
    whole = best(load_all).wall - start.wall
    part = best([*load_all, "--where", minute], 5).wall - start.wall
    yield share("a minute of a 2 GB archive, net of start; peer: all of it", part, whole, 0.1)
    for path in (ours, theirs, flows):
        path.unlink(missing_ok=True)


def _packets(capture: Path) -> int:
    return sum(batch.num_rows for batch in load("packets", str(capture), []))


def _size(capture: Path) -> int:
    return capture.stat().st_size


def _begin(archive: Path) -> int:
    """The second of the first packet."""
    return int(struct.unpack_from("<I", sorted(archive.glob("*.pcap"))[0].read_bytes(), 24)[0])


def _rare_port(capture: Path) -> int:
    """A destination port that one packet in a hundred goes to, about."""
    ports = load("packets", str(capture), ["tcp_dport"]).read_all()["tcp_dport"].value_counts()
    total = sum(one["counts"].as_py() for one in ports)
    return int(min(ports, key=lambda one: abs(one["counts"].as_py() / total - 0.01))["values"].as_py())
