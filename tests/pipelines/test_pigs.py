"""Processes of Pig that run one script after another: what happens when one of them, or who uses it, is killed.

Pig is a program of the tests here, which speaks as `bin/pig -serve` does.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from packetpig.pipelines import pig
from packetpig.pipelines.pig import PigError, Pigs

from tests.conftest import until

PIG = f"""#!{sys.executable}
import os, struct, sys, time
def number():
    data = sys.stdin.buffer.read(4)
    return struct.unpack(">i", data)[0] if data else sys.exit()
while True:
    words = [sys.stdin.buffer.read(number()).decode() for _ in range(number())]
    text = f"{{os.getpid()}} {{words[-1]}}".encode()
    for word in words:
        if word.startswith("wait="):
            open(word[5:], "w").close()
            time.sleep(1)
        if word == "end=yes":
            os._exit(1)
    sys.stdout.buffer.write(struct.pack(">ii", 0, len(text)) + text)
    sys.stdout.buffer.flush()
"""


@pytest.fixture
def two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pigs]:
    program = tmp_path / "bin" / "pig"
    program.parent.mkdir()
    program.write_text(PIG)
    program.chmod(0o755)
    monkeypatch.setattr(pig, "ROOT", tmp_path)
    pigs = Pigs(2, "local", [], tmp_path)
    yield pigs
    pigs.close()


def ran(pigs: Pigs, script: str, **parameters: str) -> tuple[str, str]:
    """The process that ran a script, and the script that it says it ran."""
    process, name = pigs.run(Path(script), parameters).lines[0].split()
    return process, name


def test_one_that_died_is_not_used_again(two: Pigs) -> None:
    first, _ = ran(two, "a.pig")
    with pytest.raises(PigError, match="ended in the middle"):
        two.run(Path("b.pig"), {"end": "yes"})
    second, name = ran(two, "c.pig")
    assert (second != first, name) == (True, "c.pig")
    assert ran(two, "d.pig") == (second, "d.pig")


def test_one_that_died_at_rest_is_passed_over(two: Pigs) -> None:
    process, _ = ran(two, "a.pig")
    os.kill(int(process), signal.SIGKILL)
    os.waitid(os.P_PID, int(process), os.WEXITED | os.WNOWAIT)
    assert ran(two, "b.pig")[0] != process
    assert ran(two, "c.pig")[1] == "c.pig"


def test_none_is_left(two: Pigs) -> None:
    for _ in range(2):
        with pytest.raises(PigError, match="ended in the middle"):
            two.run(Path("a.pig"), {"end": "yes"})
    with pytest.raises(PigError, match="no process of Pig is left"):
        two.run(Path("b.pig"), {})


def test_an_answer_that_nobody_read_is_nobodys(two: Pigs, tmp_path: Path) -> None:
    """A worker is killed in the middle of a script; the script goes on, and is answered."""
    waits = tmp_path / "waits"
    worker = os.fork()
    if not worker:
        two.run(Path("lost.pig"), {"wait": str(waits)})
        os._exit(0)
    assert until(waits.exists, 10)
    os.kill(worker, signal.SIGKILL)
    os.waitpid(worker, 0)
    time.sleep(1.2)
    said = [ran(two, f"{number}.pig") for number in range(3)]
    assert [name for _, name in said] == ["0.pig", "1.pig", "2.pig"]
    assert len({process for process, _ in said}) == 1


def test_a_script_that_fails_leaves_its_process_usable(two: Pigs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pig, "_asked", lambda *_: (1, "pig: no such file\n"))
    for _ in range(3):
        with pytest.raises(PigError, match="no such file"):
            two.run(Path("a.pig"), {})
    monkeypatch.undo()
