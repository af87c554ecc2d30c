"""Check truth.json against the captures with tshark: `cd tests/captures && python3 -m record.verify`.

The truth was written by the recording programs; this reads the captures alone and looks whether they agree.
"""

from __future__ import annotations

import email
import gzip
import hashlib
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from .__main__ import HERE
from .plan import GUEST_VLAN

OBJECTS = ("http", "smb", "tftp", "imf")
PORTS = ("tcp.srcport", "tcp.dstport")
CHECKSUMS = [word for name in ("ip", "tcp", "udp") for word in ("-o", f"{name}.check_checksum:TRUE")]


def tshark(capture: Path, where: str, *fields: str) -> list[list[str]]:
    """The fields of the frames that match."""
    words = [word for field in fields for word in ("-e", field)]
    command = ["tshark", "-n", "-r", str(capture), *CHECKSUMS, "-Y", where, "-T", "fields", "-E", "separator=/t"]
    out = subprocess.run([*command, *words], capture_output=True, text=True, check=True).stdout
    return [line.split("\t") for line in out.splitlines()]


def unpacked(folder: Path, target: Path) -> list[Path]:
    """The captures, unpacked."""
    paths = []
    for path in sorted(folder.iterdir()):
        if path.suffix == ".gz":
            data = gzip.decompress(path.read_bytes())
        elif path.suffix == ".zst":
            data = subprocess.run(["zstd", "-dqc", str(path)], capture_output=True, check=True).stdout
        else:
            data = path.read_bytes()
        name = path.name.removesuffix(".gz").removesuffix(".zst")
        (target / name).write_bytes(data)
        paths.append(target / name)
    return paths


def form_parts(body: bytes) -> Iterator[bytes]:
    """The parts of a multipart form."""
    mark = body.split(b"\r\n", 1)[0]
    for part in body.split(mark)[1:]:
        yield part.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n")


def mail_parts(body: bytes) -> Iterator[bytes]:
    """The attachments of a mail."""
    for part in email.message_from_bytes(body).walk():
        data = part.get_payload(decode=True)
        if isinstance(data, bytes):
            yield data


def carried(capture: Path, work: Path) -> dict[str, set[str]]:
    """The hashes of all files that tshark finds, by protocol."""
    result: dict[str, set[str]] = {}
    for protocol in OBJECTS:
        folder = work / f"objects-{protocol}"
        subprocess.run(
            ["tshark", "-r", str(capture), "-q", "--export-objects", f"{protocol},{folder}"],
            capture_output=True,
            check=True,
        )
        bodies = [path.read_bytes() for path in folder.iterdir()] if folder.exists() else []
        if protocol == "http":
            bodies += [part for body in bodies if body.startswith(b"--") for part in form_parts(body)]
            pieces: dict[int, bytes] = {}
            for path in folder.iterdir():
                if found := re.search(r"part=(\d+)", path.name):
                    number, data = int(found[1]), path.read_bytes()
                    pieces[number] = max(pieces.get(number, b""), data, key=len)
            bodies.append(b"".join(pieces[number] for number in sorted(pieces)))
        if protocol == "imf":
            bodies = [part for body in bodies for part in mail_parts(body)]
        result[{"imf": "smtp"}.get(protocol, protocol)] = {hashlib.sha256(body).hexdigest() for body in bodies}
    streams: dict[str, dict[int, bytes]] = {}  # tshark 4.0 does not export files of FTP
    for stream, sequence, payload in tshark(
        capture,
        "tcp.len>0 && tcp.srcport>1023 && tcp.dstport>1023 && tcp.port!=8080",
        "tcp.stream",
        "tcp.seq",
        "tcp.payload",
    ):
        streams.setdefault(stream, {})[int(sequence)] = bytes.fromhex(payload)
    whole_streams = (b"".join(parts[at] for at in sorted(parts)) for parts in streams.values())
    result["ftp"] = {hashlib.sha256(data).hexdigest() for data in whole_streams}
    return result


# What goes on across a change of files: the two captures, and the flow, with payload on both sides.
CUTS = (
    ("2024-03-04T08.pcap", "2024-03-04T12.pcap", "tcp.srcport==80 && ip.src==130.237.28.40"),
    ("2024-03-05T08.pcapng", "2024-03-05T12.pcap", "tcp.port==22"),
    ("2024-03-05T12.pcap", "2024-03-05T16.pcap", "tcp.dstport==25"),
)


class Check:
    """Counts what agrees and names what does not."""

    def __init__(self) -> None:
        self.good = 0
        self.bad: list[str] = []

    def that(self, fact: bool, text: str) -> None:
        """One fact."""
        if fact:
            self.good += 1
        else:
            self.bad.append(text)


def captures(check: Check, truth: dict[str, Any], folder: Path, paths: list[Path]) -> None:
    """Files, counts, frames."""
    names = sorted(row["file"] for row in truth["captures"])
    check.that(names == sorted(path.name for path in folder.iterdir()), "the list of captures")
    for row, path in zip(truth["captures"], paths, strict=True):
        digest = hashlib.sha256((folder / row["file"]).read_bytes()).hexdigest()
        check.that(row["sha256"] == digest, f"{row['file']}: sha256")
        frames = tshark(path, "frame", "frame.time_epoch", "frame.len", "frame.cap_len")
        check.that(len(frames) == row["packets"], f"{row['file']}: packets")
        times = [float(frame[0]) for frame in frames]
        check.that(times == sorted(times), f"{row['file']}: order")
        check.that(all(frame[1] == frame[2] and int(frame[1]) <= 1518 for frame in frames), f"{row['file']}: lengths")
        check.that(path.stat().st_size <= 1_000_000, f"{row['file']}: above 1 MB")
    check.that(truth["packets_dropped"] == 0, "frames were lost")
    for before, after, where in CUTS:
        ports = [
            {port for row in tshark(paths[0].with_name(name), f"tcp.len>0 && {where}", *PORTS) for port in row}
            for name in (before, after)
        ]
        check.that(bool(ports[0] & ports[1] - {"22", "25", "80"}), f"{where}: not cut by {after}")


def whole(check: Check, truth: dict[str, Any], capture: Path, work: Path) -> None:
    """What needs all captures in one."""
    bad = tshark(capture, "ip.checksum.status==0 || tcp.checksum.status==0 || udp.checksum.status==0", "frame.number")
    check.that(not bad, f"wrong checksums: {bad[:5]}")
    check.that(bool(tshark(capture, f"vlan.id=={GUEST_VLAN}", "frame.number")), "no VLAN")
    found = carried(capture, work)
    for row in truth["files"]:
        check.that(row["sha256"] in found[row["protocol"]], f"file {row['protocol']} {row['name']} {row['time']}")
    fields = ("ip.src", "ipv6.src", "tcp.srcport", "http.request.method", "http.request.full_uri", "http.user_agent")
    requests = tshark(capture, "http.request", "frame.time_epoch", *fields)
    for row in truth["http"]:
        path = urlsplit(row["url"]).path
        near = [r for r in requests if abs(float(r[0]) - row["ts"]) < 45 and row["client"] in r[1:3]]
        fits = [r for r in near if r[4] == row["method"] and urlsplit(r[5]).path == path and r[6] == row["user_agent"]]
        check.that(bool(fits), f"request {row['method']} {row['url']} {row['time']}")
    names = tshark(
        capture, "dns.flags.response==1", "frame.time_epoch", "dns.qry.name", "dns.flags.rcode", "dns.count.answers"
    )
    codes = {"NOERROR": "0", "SERVFAIL": "2", "NXDOMAIN": "3", "REFUSED": "5"}
    for row in truth["dns"]:
        fits = [n for n in names if n[1].lower() == row["name"].lower() and abs(float(n[0]) - row["ts"]) < 3]
        check.that(any(n[2] == codes[row["rcode"]] for n in fits), f"answer {row['name']} {row['type']} {row['rcode']}")
    hellos = tshark(
        capture,
        "tls.handshake.type==1",
        "frame.time_epoch",
        "ip.src",
        "ipv6.src",
        "tls.handshake.extensions_server_name",
    )
    for row in truth["tls"]:
        fits = [
            h for h in hellos if row["client"] in h[1:3] and h[3] == row["sni"] and abs(float(h[0]) - row["ts"]) < 20
        ]
        check.that(bool(fits), f"TLS {row['sni']} {row['time']}")


def break_in(check: Check, truth: dict[str, Any], capture: Path) -> None:
    """The steps."""
    steps = {row["name"]: row for row in truth["break_in"]}
    step = steps["port scan"]
    syn = tshark(capture, f"ip.src=={step['source']} && tcp.flags==2", "frame.time_epoch", "ip.dst", "tcp.dstport")
    for target in step["targets"]:
        ports = {r[2] for r in syn if r[1] == target and step["start_ts"] <= float(r[0]) <= step["end_ts"]}
        check.that(len(ports) == step["ports_per_target"], f"scan of {target}: {len(ports)} ports")
    step = steps["password guessing, HTTP form"]
    posts = tshark(
        capture,
        f'ip.src=={step["source"]} && http.user_agent contains "Hydra" && http.request.method==POST',
        "frame.time_epoch",
    )
    check.that(40 <= len(posts) <= 60, f"guesses at the form: {len(posts)}")
    guesses = tshark(capture, f"ip.src=={step['source']} && ftp.request.command==PASS", "ftp.request.arg")
    known = steps["password guessing, FTP"]["attempts"]
    check.that(known <= len(guesses) <= known + 6, f"guesses at FTP: {len(guesses)}")
    check.that(steps["SQL injection by hand"]["users_leaked"] == 6, "users leaked by hand")
    check.that(steps["SQL injection with sqlmap"]["dumped"], "sqlmap dumped the users")
    tool = tshark(capture, 'http.user_agent contains "sqlmap"', "frame.number")
    check.that(len(tool) > 10, f"requests of sqlmap: {len(tool)}")
    check.that(steps["remote commands"]["answered"], "commands answered")
    check.that(steps["program downloaded"]["started"], "the program ran")
    beacon = truth["beacon"]
    calls = tshark(
        capture,
        f'ip.dst=={beacon["server"]} && http.request.uri contains "status"',
        "frame.time_epoch",
        "http.user_agent",
    )
    check.that(len(calls) == len(beacon["calls"]), f"beacon: {len(calls)} calls")
    check.that({call[1] for call in calls} == {beacon["user_agent"]}, "beacon: user agent")
    late = [abs(float(call[0]) - told["ts"]) for call, told in zip(calls, beacon["calls"], strict=False)]
    check.that(max(late) < 3, f"beacon: times, {max(late):.2f} s")
    step = steps["file spelled in DNS names"]
    asked = tshark(capture, f'ip.src=={step["client"]} && dns.qry.name contains "{step["domain"]}"', "dns.qry.name")
    check.that(len({name[0] for name in asked}) == step["names"], f"spelling names: {len(asked)}")
    first = tshark(
        capture,
        f"ip.src=={beacon['client']} && ip.dst=={steps['port scan']['source']} && tcp.flags==2",
        "frame.time_epoch",
    )
    check.that(len(first) == 2, f"flows from the victim to the attacker: {len(first)}")


def main() -> None:
    """Check everything."""
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
    truth = json.loads((root / "truth.json").read_text())
    check = Check()
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        (work / "captures").mkdir()
        paths = unpacked(root / "demo", work / "captures")
        captures(check, truth, root / "demo", paths)
        merged = work / "all.pcapng"
        subprocess.run(["mergecap", "-a", "-w", str(merged), *map(str, paths)], check=True)
        whole(check, truth, merged, work)
        break_in(check, truth, merged)
    print(f"{check.good} facts agree")
    if check.bad:
        sys.exit("disagree:\n  " + "\n  ".join(check.bad))


if __name__ == "__main__":
    main()
