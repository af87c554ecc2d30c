"""What a parser gives becomes rows, also if it fails."""

from __future__ import annotations

import numpy as np
import pytest
from packetpig.loaders.contract.loader import Job
from packetpig.loaders.flows import messages
from packetpig.loaders.flows.streams import Said


class Talk:
    """Gives a row of each byte, and fails at a zero."""

    def __init__(self, parser: messages.Following, session: int) -> None:
        self._parser, self._session = parser, session

    def said(self, run: Said) -> None:
        for at, byte in enumerate(run.data or b""):
            if not byte:
                raise RuntimeError("on purpose")
            self._parser.give(self._session, run.time + at, {})

    def close(self, finished: tuple[bool, bool]) -> None:
        raise RuntimeError("on purpose")


class Talks(messages.Following):
    def begin(self, run: Said) -> messages.State | None:
        return Talk(self, run.session)


def said(session: int, data: bytes) -> Said:
    return Said(session, 0, 0, data, 0, False, np.zeros(1, np.int64))


def test_rows_that_were_given_before_a_failure_wait_with_the_others() -> None:
    """So that their session is remembered for them, though the parser is not asked again before it ends."""
    job = Job((), [])
    collector = messages.Collector(Talks(job), job, (), "talk")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(messages, "WAITING", 4)
        collector.said(said(5, b"\1\2\0\3"))
        assert collector.sessions == {5}
        assert not collector.full
        collector.said(said(6, b"\1\2"))
        assert collector.sessions == {5, 6}
        assert collector.full
    assert job.report.counters["talk: sessions given up, the parser failed"] == 1
