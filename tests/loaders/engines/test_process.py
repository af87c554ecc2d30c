"""Programs that do not do their work: none of it goes unsaid. The programs here are real processes, small ones."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from packetpig.loaders.captures.finding import find, in_time_order
from packetpig.loaders.contract.report import CaptureError, Report
from packetpig.loaders.engines import output, process
from packetpig.loaders.engines.feed import Feed
from packetpig.loaders.engines.folders import work_folder
from packetpig.loaders.engines.output import PAGE, Memory
from packetpig.loaders.engines.process import EngineError, run
from packetpig.loaders.engines.trail import Trail

from tests.conftest import DEMO, ROOT
from tests.making import pcap

READ = "import sys; data = sys.stdin.buffer.read(); "


class Program:
    """Runs some Python as an engine; each line it prints is a record."""

    name = "Program"
    separate = False
    line_by_line = False

    def __init__(self, code: str, program: str = sys.executable) -> None:
        self._command = [program, "-c", code]
        self.words: list[str] = []

    def command(self, folder: Path, records: str) -> list[str]:
        return self._command

    def records(self, lines: bytes, trail: Trail) -> Iterator[bytes]:
        yield from lines.splitlines()

    def rest(self, trail: Trail) -> Iterator[bytes]:
        yield b"rest"

    def word(self, line: str) -> None:
        self.words.append(line)

    def complaint(self) -> str:
        return ""

    def check(self, given: int) -> None:
        if given != 15019:
            raise EngineError(f"given {given}")


def ran(*programs: Program, captures: Path = DEMO, silence: float = process.SILENCE) -> list[bytes]:
    report = Report()
    feed = Feed(in_time_order(find([str(captures)])), report, lanes=len(programs))
    return [line for found in run(programs, feed, report, silence) for line in found]


def test_it_gets_all_and_its_lines_are_records() -> None:
    assert ran(Program(READ + "print(len(data))")) == [b"4482008", b"rest"]


def test_one_that_is_not_there() -> None:
    with pytest.raises(EngineError, match="Program: /no/such: no such file"):
        ran(Program("", "/no/such"))


def test_one_that_dies_has_the_last_word() -> None:
    with pytest.raises(EngineError, match="Program died: exit 3: ERROR: rule 7 is wrong"):
        ran(Program("import sys; print('ERROR: rule 7 is wrong', file=sys.stderr); sys.exit(3)"))


def test_one_that_is_killed() -> None:
    with pytest.raises(EngineError, match=r"Program died: killed by signal 11 \(SIGSEGV\)"):
        ran(Program(READ + "import os; os.kill(os.getpid(), 11)"))


def test_one_that_does_not_read_on() -> None:
    with pytest.raises(EngineError, match="did not read all"):
        ran(Program("import sys; sys.stdin.buffer.read(100)"))


@pytest.mark.parametrize("code", [READ + "sys.stdout.close()", "import os, sys; os.close(1); os.close(2)", "pass"])
def test_one_that_does_not_end(code: str) -> None:
    with pytest.raises(EngineError, match=r"Program neither read nor wrote anything for \d+ seconds, and did not end"):
        ran(Program(code + "\nimport time\ntime.sleep(1000)"), silence=2)


def test_one_without_packets_is_not_started(tmp_path: Path) -> None:
    (tmp_path / "a.pcap").write_bytes(pcap([]))
    assert ran(Program("raise Exception"), captures=tmp_path) == []


def test_none_outlives_a_loader_that_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even one that waits for nothing, and writes nothing; the next run takes its folder away."""
    (tmp_path / "tmp").mkdir()
    code = f"import os, time; open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()) + '.'); time.sleep(1000)"
    script = "from tests.loaders.engines.test_process import Program, ran; import sys; ran(Program(sys.argv[1]))"
    environment = {**os.environ, "TMPDIR": str(tmp_path / "tmp")}
    loader = subprocess.Popen([sys.executable, "-c", script, code], cwd=ROOT, env=environment)
    pid = _number(tmp_path / "pid")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    with work_folder() as ours:
        assert len(list(ours.parent.iterdir())) == 2, "that of a run that goes on stays"
    loader.kill()
    loader.wait()
    with work_folder() as ours:
        assert list(ours.parent.iterdir()) == [ours]
    for _ in range(600):
        state = Path(f"/proc/{pid}/stat")
        if not state.exists() or state.read_text().rsplit(")", 1)[1].split()[0] == "Z":
            return
        time.sleep(0.05)
    os.kill(pid, signal.SIGKILL)
    pytest.fail("it goes on")


def _number(path: Path) -> int:
    for _ in range(600):
        text = path.read_text() if path.exists() else ""
        if text.endswith("."):
            return int(text[:-1])
        time.sleep(0.05)
    raise AssertionError(f"no {path}")


def test_a_capture_that_is_none_ends_it(tmp_path: Path) -> None:
    (tmp_path / "a.pcap").write_bytes(b"no capture at all")
    with pytest.raises(CaptureError, match="not a capture"):
        ran(Program(READ), captures=tmp_path)


def test_rows_that_nobody_takes_end_it() -> None:
    """As LIMIT does: the program goes too."""
    report = Report()
    feed = Feed(in_time_order(find([str(DEMO)])), report)
    rows = run([Program(READ + "[print(k) for k in range(10**7)]")], feed, report)
    assert next(rows)[0] == b"0"
    rows.close()


def test_many_records_while_nobody_takes_them() -> None:
    report = Report()
    feed = Feed(in_time_order(find([str(DEMO)])), report)
    code = "import sys\nwhile data := sys.stdin.buffer.read(100): print(data.hex())"
    assert sum(len(found) for found in run([Program(code)], feed, report)) == 44_821 + 1


def test_it_is_told_that_all_goes_on_while_nothing_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "NEWS", 0.02)
    report, told = Report(), []
    report.tell = lambda: told.append(report.bytes)
    feed = Feed(in_time_order(find([str(DEMO)])), report)
    assert list(run([Program("import time; time.sleep(0.5); " + READ)], feed, report)) == [[b"rest"]]
    assert len(told) > 5


class Chatter(Program):
    """Its output is a file in memory."""

    line_by_line = True


def test_output_in_memory() -> None:
    code = "import sys\nwhile data := sys.stdin.buffer.read(100): print(data.hex(), flush=True)"
    report = Report()
    feed = Feed(in_time_order(find([str(DEMO)])), report)
    assert [line for found in run([Chatter(code)], feed, report) for line in found] == ran(Program(code))


def test_one_with_output_in_memory_that_dies() -> None:
    with pytest.raises(EngineError, match="Program died: exit 3: no"):
        ran(Chatter(READ + "print('no', file=sys.stderr); sys.exit(3)"))
    with pytest.raises(EngineError, match=r"Program neither read nor wrote anything for \d+ seconds"):
        ran(Chatter("import time; time.sleep(1000)"), silence=1)


def test_memory_that_was_read_is_given_back() -> None:
    memory = Memory("test")
    os.set_inheritable(memory.inner, True)
    program = subprocess.Popen([sys.executable, "-c", "print('x' * (20 << 20))"], stdout=memory.inner)
    memory.of(program)
    program.wait()
    assert memory.behind()
    size = 0
    while data := memory.read():
        size += len(data)
    assert size == (20 << 20) + 1
    assert os.fstat(memory.inner).st_blocks * 512 <= 2 * PAGE
    os.close(memory.inner)
    memory.close()


def test_without_files_in_memory_it_is_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "_punch", lambda *_: False)
    assert isinstance(output.memory_or_pipe("test"), output.Pipe)
    assert ran(Chatter(READ + "print(len(data))")) == [b"4482008", b"rest"]
