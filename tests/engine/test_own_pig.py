"""Packetpig in a Pig that knows nothing of it: RUN pig/packetpig.pig."""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT

FRAME = bytes.fromhex("ffffffffffff 020000000001 0800") + bytes.fromhex(
    "4500001c000100004011 0000 0a000001 0a000002 1234 0035 0008 0000"
)
CAPTURE = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
CAPTURE += struct.pack("<IIII", 1700000000, 0, len(FRAME), len(FRAME)) + FRAME


@pytest.mark.parametrize(
    ("options", "loader"),
    [(["-Dudf.import.list=packetpig.:packetpig.udfs."], "PacketLoader"), ([], "packetpig.PacketLoader")],
)
def test_run_packetpig(tmp_path: Path, options: list[str], loader: str) -> None:
    (tmp_path / "one.pcap").write_bytes(CAPTURE)
    (tmp_path / "script.pig").write_text(
        f"RUN -param packetpig={ROOT} {ROOT}/pig/packetpig.pig\n"
        f"packets = LOAD 'one.pcap' USING {loader}();\n"
        "ends = FOREACH packets GENERATE ip_src, ip_dst, udp_dport;\nDUMP ends;\n",
        encoding="utf-8",
    )
    command = ["java", "-cp", f"{ROOT}/build/lib/*", "org.apache.pig.Main", *options, "-x", "local", "script.pig"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "(10.0.0.1,10.0.0.2,53)" in done.stdout.splitlines()
