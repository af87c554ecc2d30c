"""Runs Pig scripts: an argument list, never a shell; its failure is one line."""

from __future__ import annotations

import ctypes
import fcntl
import functools
import os
import re
import signal
import struct
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parent.parent
PR_SET_PDEATHSIG = 1
NUMBER = struct.Struct(">i")
HEAP = "1g"
LEAST_HEAP = 64  # megabytes, without which Java runs no script of Pig's
HERE = ("-D", "pig.auto.local.enabled=true", "-D", "pig.local.mapreduce.task.io.sort.mb=16")
LINES = 2000  # lines of Pig's that are kept
FREE, OUT = b"-", b"x"


_MACRO = re.compile(r"^DEFINE (\w+)\s*\(.*?^};", re.M | re.S)


class PigError(Exception):
    """A script that failed. The message is Pig's own, in a line or two."""


@dataclass
class Ran:
    """What a run said: rows of each table it stored, and other lines (warnings about captures, counters)."""

    rows: dict[str, int] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)


class Pigs:
    """Processes of Pig that run one script after another, each warm from its second on; as many as run at once.

    They are started by need before Luigi forks: whoever gets the lock of one may talk to it. A lock's file says
    while a request is OUT: where that stays, the process is dead, or its answer is still to come and nobody's; it is
    not used again. HEAP: memory of each at most (Java's -Xmx); without a bound Java takes a quarter of the machine's
    before it looks for what is free.
    """

    def __init__(self, count: int, mode: str, options: Sequence[str], folder: Path, heap: str = HEAP) -> None:
        self.mode, self.options, self.folder = mode, options, folder
        size = re.fullmatch(r"([1-9]\d*)([mg])", heap.lower())
        if size is None or int(size[1]) << (10 if size[2] == "g" else 0) < LEAST_HEAP:
            raise ValueError(f"heap: {heap} is no amount of memory like {HEAP} or 768m")
        java = f"-Xmx{heap} {os.environ.get('PACKETPIG_JAVA_OPTS', '')}"  # of two the last one counts
        self._environment = {**os.environ, "PACKETPIG_JAVA_OPTS": java}
        self._servers = [self._start(number) for number in range(count)]

    def _start(self, number: int) -> tuple[Path, subprocess.Popen[bytes]]:
        lock = self.folder / f"pig-{number}"
        lock.write_bytes(FREE)  # on a full disk a byte can still become another
        try:
            process = subprocess.Popen(
                [str(ROOT / "bin/pig"), "-x", self.mode, "-serve"], cwd=ROOT, stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, bufsize=0, preexec_fn=_end_with_parent, env=self._environment,
            )  # fmt: skip
        except OSError as error:
            raise PigError(f"bin/pig cannot be started: {error.strerror}") from error
        return lock, process

    def close(self) -> None:
        """End them."""
        for lock, process in self._servers:
            assert process.stdin is not None
            assert process.stdout is not None
            if lock.read_bytes() == OUT:
                process.terminate()  # it may still be at work for somebody who is gone
            process.stdin.close()
            process.stdout.close()
            process.wait()

    def run(self, script: Path, parameters: Mapping[str, str], small: bool = False) -> Ran:
        """Run SCRIPT, whose `$output` is among the parameters. Raises PigError.

        SMALL: jobs of MapReduce that read little run here, where that takes less than to start them on the cluster.
        """
        arguments = ["-x", self.mode, *(HERE if small and self.mode == "mapreduce" else ()), *self.options]
        for name, value in parameters.items():
            arguments += ["-p", f"{name}={value}"]
        code, text = self._answer([*arguments, str(script)])
        said = [line for line in text.splitlines() if line.strip()][-LINES:]
        if code:
            raise PigError(_reason(said, code))
        return _understood(said, parameters.get("output", ""))

    def _answer(self, arguments: Sequence[str]) -> tuple[int, str]:
        while True:
            with suppress(BrokenPipeError), self._free() as process:  # it was dead before: another one is asked
                return _asked(process, arguments)

    @contextmanager
    def _free(self) -> Iterator[subprocess.Popen[bytes]]:
        """One that nobody talks to, and that answered all that it was asked. Raises PigError if none will be."""
        while True:
            busy = False
            for lock, process in self._servers:
                with lock.open("rb+") as file:
                    try:
                        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    except BlockingIOError:
                        busy = True
                        continue
                    if os.pread(file.fileno(), 1, 0) == OUT:
                        continue
                    os.pwrite(file.fileno(), OUT, 0)
                    yield process  # what fails here leaves it so
                    os.pwrite(file.fileno(), FREE, 0)
                    return
            if not busy:
                raise PigError("no process of Pig is left: killed, or out of memory, or what used it was killed")
            time.sleep(0.02)


def options(*places: str) -> list[str]:
    """Options of bin/pig: where S3 is, if a place is there, as AWS's variables of the environment say it to others."""
    said = []
    if any(place.startswith(("s3a://", "s3://")) for place in places):
        if endpoint := os.environ.get("AWS_ENDPOINT_URL"):
            secure = str(endpoint.startswith("https")).lower()
            said += [f"fs.s3a.endpoint={endpoint}", f"fs.s3a.connection.ssl.enabled={secure}"]
            said += ["fs.s3a.path.style.access=true"]
        if region := os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION"):
            said += [f"fs.s3a.endpoint.region={region}"]
    return [part for one in said for part in ("-D", one)]


@functools.cache
def program(script: Path) -> str:
    """What a script does: its statements and those of the macros that it uses, without lines of comment."""
    text = _statements(script)
    macros = _macros()
    used: dict[str, str] = {}
    waiting = [text]
    while waiting:
        for name in sorted(set(re.findall(r"\w+", waiting.pop())) & macros.keys() - used.keys()):
            used[name] = macros[name]
            waiting.append(macros[name])
    return "\n".join([text, *(used[name] for name in sorted(used))])


@functools.cache
def _macros() -> dict[str, str]:
    texts = map(_statements, sorted((ROOT / "pig/macros").glob("*.pig")))
    return {found[1]: found[0] for text in texts for found in _MACRO.finditer(text)}


def _statements(script: Path) -> str:
    lines = (line.strip() for line in script.read_text().splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("--"))


def _asked(process: subprocess.Popen[bytes], arguments: Sequence[str]) -> tuple[int, str]:
    """Have a script run (packetpig.engine.Serving has the protocol): exit code, and what was said.

    Raises BrokenPipeError if the process did not take all of it, and so runs nothing; PigError if it ended later.
    """
    assert process.stdin is not None
    assert process.stdout is not None
    request = NUMBER.pack(len(arguments))
    for argument in arguments:
        data = argument.encode()
        request += NUMBER.pack(len(data)) + data
    view = memoryview(request)
    while view:
        view = view[process.stdin.write(view) or 0 :]
    try:
        code = NUMBER.unpack(_exactly(process.stdout, 4))[0]
        text = _exactly(process.stdout, NUMBER.unpack(_exactly(process.stdout, 4))[0])
    except EOFError as error:
        raise PigError("Pig's process ended in the middle (killed, or out of memory)") from error
    return code, text.decode(errors="replace")


def _exactly(stream: IO[bytes], count: int) -> bytes:
    data = b""
    while len(data) < count:
        piece = stream.read(count - len(data))
        if not piece:
            raise EOFError
        data += piece
    return data


def _reason(lines: Sequence[str], code: int) -> str:
    told = [line.removeprefix("pig: ") for line in lines if not line.startswith("log: ")]
    log = next((line for line in lines if line.startswith("log: ")), "")
    return " ".join([*told[-3:], f"({log})" if log else ""]).strip() or f"Pig gave exit code {code}"


def _understood(lines: Sequence[str], output: str) -> Ran:
    ran = Ran()
    for line in lines:
        found = re.fullmatch(r"(.*): ([\d,]+) rows?", line)
        if found and output and output.rstrip("/").split("/")[-1] in found[1]:
            ran.rows[found[1].rstrip("/").rsplit("/", 1)[-1]] = int(found[2].replace(",", ""))
        else:
            ran.lines.append(line)
    return ran


def _end_with_parent() -> None:
    """Should this process be killed, Pig is told to end too."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() == 1:
        os._exit(1)
