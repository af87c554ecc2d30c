"""Sessions in a worker under Pig: far captures that overlap, whose bytes come through one pipe."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.loaders.bridge.test_worker import Session, capture
from tests.making import conversation, pcap

JOB = {"loader": "sessions", "columns": ["ts", "session_id", "src_packets", "dst_packets"]}


@pytest.mark.parametrize("local", [True, False])
def test_captures_that_overlap(local: bool, tmp_path: Path) -> None:
    packets = conversation(30_000, gap=0.001)
    whole, even, odd = tmp_path / "whole.pcap", tmp_path / "even.pcap", tmp_path / "odd.pcap"
    whole.write_bytes(pcap(packets))
    even.write_bytes(pcap(packets[::2]))
    odd.write_bytes(pcap(packets[1::2]))
    wanted, _ = Session([capture(whole)], **JOB).run()
    rows, messages = Session([capture(odd, local), capture(even, local)], **JOB).run()
    assert messages[-1].get("done"), messages[-1]
    assert sorted(map(str, rows)) == sorted(map(str, wanted))
