"""Where in its stream a run begins, and what is left of it for who wants no more than a stream's beginning."""

from __future__ import annotations

import random
from collections import defaultdict
from pathlib import Path

import pytest
from packetpig.loaders.captures.capture import local
from packetpig.loaders.contract.loader import Job
from packetpig.loaders.flows.streams import Contents, Datagrams, Over, Said, Wanted

from tests.loaders.flows.test_streams import OPTIONS
from tests.loaders.test_sessions import ACK, START, Talk
from tests.making import pcap

Sides = dict[tuple[int, int], list[Said]]


def dialogues(path: Path, seed: int) -> None:
    """Sessions whose sides speak in turn; segments are lost, come late, or twice."""
    dice = random.Random(seed)
    packets = []
    for number in range(20):
        talk, sent = Talk(40000 + number, 80, START + dice.random()).open(), [101, 501]
        for turn in range(dice.randrange(1, 20)):
            side = turn % 2
            text = dice.randbytes(dice.randrange(1, 6000))
            pieces = [(at, text[at : at + 700]) for at in range(0, len(text), 600) if dice.random() < 0.97]
            if dice.random() < 0.3:
                dice.shuffle(pieces)
            for at, piece in pieces + pieces[: dice.randrange(2)]:
                (talk.s if side else talk.c)(ACK, sent[side] + at, sent[1 - side], piece, 0.001)
            sent[side] += len(text)
        packets += talk.packets
    path.write_bytes(pcap(sorted(packets, key=lambda packet: packet[0])))


def sides(path: Path, wanted: Wanted) -> Sides:
    found: Sides = defaultdict(list)
    for one in Contents(Job((), [local(path)], OPTIONS), wanted):
        if not isinstance(one, Over | Datagrams):
            found[one.session, one.side].append(one)
    return found


def beginning(runs: list[Said], limit: int) -> list[bytes | int]:
    """What is said before LIMIT: bytes, and the sizes of holes."""
    out: list[bytes | int] = []
    for run in runs:
        if run.offset >= limit:
            continue
        data = run.until(limit)
        last = out[-1] if out else 0
        if data is None:
            out.append(run.missing)
        elif isinstance(last, bytes):
            out[-1] = last + data
        else:
            out.append(data)
    return out


@pytest.mark.parametrize("seed", range(5))
def test_offsets(seed: int, tmp_path: Path) -> None:
    dialogues(tmp_path / "a.pcap", seed)
    found = sides(tmp_path / "a.pcap", Wanted())
    assert sum(run.data is None for runs in found.values() for run in runs) > 5
    for runs in found.values():
        at = 0
        for run in runs:
            assert run.offset == at
            at += run.missing if run.data is None else len(run.data)


@pytest.mark.parametrize("limit", [1, 600, 601, 5000, 5001, 20_000])
def test_until_is_as_if_no_more_had_been_wanted(limit: int, tmp_path: Path) -> None:
    dialogues(tmp_path / "a.pcap", limit)
    everything = sides(tmp_path / "a.pcap", Wanted())
    little = sides(tmp_path / "a.pcap", Wanted(enough=dict.fromkeys(range(256), limit)))
    assert sum(len(runs) for runs in little.values()) < sum(len(runs) for runs in everything.values())
    assert {name: beginning(runs, limit) for name, runs in little.items()} == {
        name: beginning(runs, limit) for name, runs in everything.items()
    }
