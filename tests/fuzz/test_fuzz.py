"""A bounded run of the fuzzer, and all captures that it once found."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from tests.fuzz import run
from tests.fuzz.check import Checker
from tests.fuzz.mutate import case
from tests.fuzz.run import GROWTH, LOOK, STRETCH, Memory, fuzz, in_use

KEPT = sorted((Path(__file__).parent / "kept").glob("*.pcap*"))
SECONDS = 20


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.name)
def test_what_was_found_once(path: Path) -> None:
    for kind in range(12):  # sources, columns and options are picked by chance
        Checker(everything=True).check(path.read_bytes(), kind)


def test_mutated_captures() -> None:
    done, failures, _ = fuzz(seed=2, numbers=range(100_000), seconds=SECONDS)
    assert not failures, "\n".join(f"python -m tests.fuzz --seed 2 --only {one.number}: {one.what}" for one in failures)
    assert done > 20


def test_the_same_number_gives_the_same_capture() -> None:
    assert [case(3, number) for number in range(20)] == [case(3, number) for number in range(20)]


def test_a_climb_of_memory_is_found_and_a_peak_is_not() -> None:
    looks = 6 * STRETCH // LOOK
    climbing, peaking = Memory(), Memory()
    assert any(climbing.grown(at * GROWTH // (looks // 2)) for at in range(looks))
    assert not any(peaking.grown(10 * GROWTH if at % 20 else 0) for at in range(looks))


def test_what_is_in_use_is_seen_and_what_is_kept_is_not() -> None:
    """Of malloc, of Arrow, and of objects of Python's."""
    for make in (
        lambda: bytearray(GROWTH),
        lambda: pa.py_buffer(pa.allocate_buffer(GROWTH)),
        lambda: [{} for _ in range(GROWTH // 64)],
    ):
        before = in_use()
        held = make()
        assert in_use() - before >= GROWTH // 2
        del held
        assert in_use() - before < GROWTH // 4


def test_a_worker_that_takes_too_long_is_tried_once_more_and_then_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "HANG", 0.0)
    done, failures, _ = fuzz(seed=2, numbers=range(1))
    assert done == 1
    assert [(one.number, "hangs" in one.what) for one in failures] == [(0, True)]
