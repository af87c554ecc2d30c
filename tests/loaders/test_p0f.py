"""Fingerprints: every record of p0f, with the time of its very packet. Needs p0f."""

from __future__ import annotations

import array
import fcntl
import os
import re
import subprocess
import termios
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from packetpig.loaders import load
from packetpig.loaders.captures.finding import find as find_captures
from packetpig.loaders.captures.finding import in_time_order
from packetpig.loaders.contract.loader import OptionError
from packetpig.loaders.contract.report import Report
from packetpig.loaders.engines.feed import Feed
from packetpig.loaders.engines.p0f import find
from packetpig.loaders.engines.process import ZONE, EngineError
from packetpig.loaders.p0f import seconds

from tests.conftest import DEMO
from tests.loaders.engines import byhand
from tests.loaders.engines.test_feed import records

PROGRAM = find("")
pytestmark = pytest.mark.skipif(not PROGRAM, reason="no p0f on this machine")
ENVIRONMENT = {**os.environ, "TZ": ZONE}
HEAD = re.compile(rb"\.-\[ (\S+)/(\d+) -> (\S+)/(\d+) \((.*)\) \]-")


def fingerprints(*paths: object, **options: str) -> list[dict[str, Any]]:
    return [row for batch in load("p0f", [str(one) for one in paths], **options) for row in batch.to_pylist()]


def in_step(captures: list[str]) -> list[tuple[int, int, int, str]]:
    """What p0f says, packet for packet: it gets the next one when it has nothing more to say of the last.

    Microseconds, the ports, what was said.
    """
    feed = Feed(in_time_order(find_captures(captures)), Report(), tcp=True)
    data = feed.header + b"".join(bytes(block) for _, block in feed.blocks())
    assert PROGRAM
    command = [PROGRAM, "-r", "/dev/stdin", "-m", "20000,200000"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, env=ENVIRONMENT)
    assert process.stdin
    assert process.stdout
    os.set_blocking(process.stdout.fileno(), False)
    process.stdin.write(data[:24])
    said, rest, at = [], b"", 24
    for micros, frame in [*records(data), (0, b"")]:
        process.stdin.write(data[at : at + 16 + len(frame)] if frame else b"")
        at += 16 + len(frame)
        while _busy(process):
            time.sleep(0.00002)
        rest += process.stdout.read() or b""
        *lines, rest = rest.split(b"\n")
        for head in filter(None, map(HEAD.match, lines)):
            said.append((micros, int(head[2]), int(head[4]), head[5].decode()))
    process.stdin.close()
    process.wait()
    process.stdout.close()
    return said


def _busy(process: subprocess.Popen[bytes]) -> bool:
    """Whether there is something that it has not read, or it is not waiting for more."""
    assert process.stdin
    left = array.array("i", [0])
    fcntl.ioctl(process.stdin, termios.FIONREAD, left)
    state = Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    return left[0] > 0 or state != "S"


@pytest.fixture(scope="module")
def demo() -> list[dict[str, Any]]:
    return fingerprints(DEMO)


def test_each_record_is_of_the_packet_at_which_p0f_says_it(demo: list[dict[str, Any]]) -> None:
    ours = [(row["ts"], row["sport"], row["dport"], row["mod"]) for row in demo]
    wanted = in_step([str(DEMO)])
    assert [one[1:] for one in ours] == [one[1:] for one in wanted]
    assert len(ours) > 4000
    # p0f gets microseconds, one of the captures has nanoseconds
    assert [one for one, other in zip(ours, wanted, strict=True) if not -3e-7 < one[0] - other[0] / 1e6 < 1.3e-6] == []


def test_the_same_records_as_by_hand(demo: list[dict[str, Any]], tmp_path: Path) -> None:
    """On captures without VLANs, which p0f itself does not see through: its log has whole seconds."""
    captures = [str(DEMO / name) for name in ("2024-03-04T08.pcap", "2024-03-05T20.pcap", "2024-03-06T00.pcap")]
    merged, log = byhand.merged(captures, tmp_path / "merged.pcap"), tmp_path / "log"
    command = [str(PROGRAM), "-r", str(merged), "-o", str(log), "-m", "20000,200000"]
    subprocess.run(command, check=True, capture_output=True, env=ENVIRONMENT)
    hand = []
    for line in log.read_text().splitlines():
        when, fields = line[1:20], dict(pair.split("=", 1) for pair in line[22:].split("|")[:4])
        signature = line.split("|raw_sig=")[1] if "|raw_sig=" in line else None
        hand.append((when, fields["mod"], fields["cli"].split("/")[1], fields["subj"], signature))
    ours = []
    for row in fingerprints(*captures):
        when = time.strftime("%Y/%m/%d %H:%M:%S", time.gmtime(row["ts"]))
        subject = {"client": "cli", "server": "srv"}[row["subject"]]
        ours.append((when, row["mod"], str(row["sport"]), subject, row["raw_sig"]))
    assert ours == hand


def test_each_run_says_the_same() -> None:
    """Also of hosts that change, as it looks at the dates of servers: in plain UTC every other run finds them wrong."""
    first, *others = (fingerprints(DEMO / "2024-03-06T00.pcap") for _ in range(8))
    assert {row["reason"] for row in first if row["mod"] == "host change"} == {"tstamp port"}
    assert all(other == first for other in others)


def test_values(demo: list[dict[str, Any]]) -> None:
    kinds = Counter(row["mod"] for row in demo)
    assert min(kinds[mod] for mod in ("syn", "syn+ack", "mtu", "uptime", "http request", "http response")) > 200
    assert all(row["raw_mtu"] for row in demo if row["mod"] == "mtu")
    assert all(row["raw_freq"] > 0 and row["uptime"] is not None for row in demo if row["mod"] == "uptime")
    assert {row["subject"] for row in demo} == {"client", "server"}
    far = {
        row["src"]: row["dist"]
        for row in demo
        if row["mod"] == "syn" and row["src"] in ("78.187.40.23", "137.158.154.30")
    }
    assert far == {"78.187.40.23": 16, "137.158.154.30": 15}, "one hop more than README's initial TTLs say"
    assert any("sqlmap" in (row["raw_sig"] or "") for row in demo)


def test_guests_behind_a_vlan_are_seen(demo: list[dict[str, Any]]) -> None:
    assert any(row["src"] == "10.10.30.21" and row["mod"] == "syn" for row in demo)


def test_sessions_have_the_same_community_id(demo: list[dict[str, Any]]) -> None:
    sessions = load("sessions", str(DEMO), ["community_id"], where="proto == 'tcp'")
    known = {row["community_id"] for batch in sessions for row in batch.to_pylist()}
    assert {row["community_id"] for row in demo} <= known


def test_a_file_of_fingerprints_of_ones_own(tmp_path: Path) -> None:
    own = tmp_path / "own.fp"
    own.write_text(
        "classes = unix\n\n[tcp:request]\n\nlabel = s:unix:Our own:1\nsig = *:64:0:*:*,*:mss,sok,ts,nop,ws:df,id+:0\n"
    )
    rows = fingerprints(DEMO / "2024-03-04T08.pcap", fingerprints=str(own))
    assert any(row["os"] == "Our own 1" for row in rows)
    with pytest.raises(EngineError, match="no such file of fingerprints"):
        fingerprints(DEMO, fingerprints="/no/such")
    own.write_text("nonsense\n")
    with pytest.raises(EngineError, match="p0f died"):
        fingerprints(DEMO, fingerprints=str(own))


def test_limits() -> None:
    with pytest.raises(OptionError, match="flows is a number from 1 to 100000"):
        fingerprints(DEMO, flows="0")


def test_uptimes() -> None:
    assert seconds("2 days 3 hrs 4 min (modulo 49 days)") == 2 * 86400 + 3 * 3600 + 4 * 60
