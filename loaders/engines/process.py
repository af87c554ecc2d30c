"""Runs a program on a feed: captures go in at its standard input, lines come out, and its end is looked at.

A program that is not there, refuses to start, dies, or has not seen every packet is an EngineError with its own words;
exit status 0 proves nothing. One of which nothing is heard for long is ended, and none outlives the loader.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, Full, Queue, SimpleQueue
from typing import IO, Generic, Protocol, TypeVar

from packetpig.loaders.contract.report import CaptureError, Report
from packetpig.loaders.engines.feed import Feed
from packetpig.loaders.engines.folders import work_folder
from packetpig.loaders.engines.output import PAUSE, Memory, Output, Pipe, enlarge, memory_or_pipe
from packetpig.loaders.engines.trail import Trail

WAITING = 64  # lists of records that may wait to be taken
LONGEST = 4 << 20  # bytes of a line that is believed
LAST_WORDS = 20  # lines
NEWS = 2.0  # seconds between looks at how far things are, while nothing is found
PATIENCE = 10.0  # seconds that a program has to end once it was asked to
SILENCE = (
    900.0  # seconds without a sign of life: neither reads, nor writes; it may load its rules, and sum up at its end
)
ZONE = "UTC0UTC0,J60/0,J300/0"
"""UTC, with a summer time that changes nothing: p0f leaves it to chance whether it takes the dates of HTTP for ones of
summer time, so that with plain UTC they are wrong in every other run."""

T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")


class EngineError(CaptureError):
    """A program that cannot do its work. The message is one line."""


class MissingError(EngineError):
    """The program is not on this machine."""


class Engine(Protocol[T_co]):
    """One run of a program: how it is started, and what its lines mean.

    `name`: as messages have it. `separate`: its records do not come on standard output, but on a pipe of their own.
    `line_by_line`: it writes each line of them by itself.
    """

    name: str
    separate: bool
    line_by_line: bool

    def command(self, folder: Path, records: str) -> list[str]:
        """What to run, with a FOLDER for its files. RECORDS: path of the pipe, where they are `separate`."""

    def records(self, lines: bytes, trail: Trail) -> Iterable[T_co]:
        """What whole lines say."""

    def rest(self, trail: Trail) -> Iterable[T_co]:
        """What is left to give when its lines have ended."""

    def word(self, line: str) -> None:
        """Anything else it says."""

    def complaint(self) -> str:
        """Why it died, as far as it said so in a way that is understood; else nothing, and its last words are given."""

    def check(self, given: int) -> None:
        """It has ended well: did it see all the packets that it was GIVEN? Raises EngineError."""


@dataclass
class _Lane(Generic[T]):
    """A program that is running."""

    engine: Engine[T]
    trail: Trail
    process: subprocess.Popen[bytes]
    records: Output
    words: deque[str] = field(default_factory=lambda: deque(maxlen=LAST_WORDS))
    failure: BaseException | None = None
    broken: bool = False  # it did not read all that it was given
    seen: float = field(default_factory=time.monotonic)  # when it last took or gave something


def run(
    engines: Sequence[Engine[T]], feeds: Feed | Sequence[Feed], report: Report, silence: float = SILENCE
) -> Iterator[list[T]]:
    """Lists of records, from one run of a program for each lane that has packets, of one feed or of several at once.

    Raises CaptureError. SILENCE: seconds after which a program that shows no sign of life is ended.
    """
    with work_folder() as folder:
        running = _Running[T](engines, folder, [feeds] if isinstance(feeds, Feed) else feeds, report, silence)
        try:
            yield from running.records()
        finally:
            running.stop()


class _Running(Generic[T]):
    def __init__(
        self, engines: Sequence[Engine[T]], folder: Path, feeds: Sequence[Feed], report: Report, silence: float
    ) -> None:
        self._engines, self._folder = engines, folder
        self._feeds, self._report, self._silence = feeds, report, silence
        self._trails = [trail for feed in feeds for trail in feed.trails]
        self._lanes: dict[int, _Lane[T]] = {}
        self._threads: list[threading.Thread] = []
        self._found: Queue[list[T] | None] = Queue(WAITING)
        self._news: SimpleQueue[Report] = SimpleQueue()
        self._go_on = threading.Event()
        self._go_on.set()
        self._stopped = threading.Event()
        self._feed_failure: BaseException | None = None

    def _start(self, number: int) -> _Lane[T]:
        """Start a lane's program. Those without a packet are not: Suricata would try for a minute, and fail."""
        engine, folder = self._engines[number], self._folder / str(number)
        folder.mkdir()
        records = memory_or_pipe(engine.name) if engine.line_by_line else Pipe()
        try:
            process = self._begin(engine, folder, records.inner)
        except BaseException:
            records.close()
            raise
        finally:
            os.close(records.inner)
        if isinstance(records, Memory):
            records.of(process)
        assert process.stdin
        enlarge(process.stdin.fileno())
        os.set_blocking(process.stdin.fileno(), False)
        words = process.stdout if engine.separate else process.stderr
        assert words
        lane = self._lanes[number] = _Lane(engine, self._trails[number], process, records)
        if self._stopped.is_set():
            process.kill()
        self._thread(self._listen, lane, words)
        self._thread(self._read, lane)
        return lane

    def _begin(self, engine: Engine[T], folder: Path, records: int) -> subprocess.Popen[bytes]:
        """Start a program that the kernel kills when this process dies, however it does.

        It does so when the thread ends that started it. So that is one of its own, which stays until the program ends.
        """
        command = engine.command(folder, f"/dev/fd/{records}")
        if not os.access(command[0], os.X_OK):
            raise EngineError(f"{engine.name}: {command[0]}: no such file")
        begun: SimpleQueue[subprocess.Popen[bytes] | OSError] = SimpleQueue()

        def keep() -> None:
            try:
                process = subprocess.Popen(
                    [*_leash(), *command],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE if engine.separate else records,
                    stderr=subprocess.STDOUT if engine.separate else subprocess.PIPE,
                    pass_fds=[records] if engine.separate else [],
                    cwd=folder,
                    env={**os.environ, "TZ": ZONE, "LC_ALL": "C"},
                )
            except OSError as error:
                begun.put(error)
            else:
                begun.put(process)
                process.wait()

        threading.Thread(target=keep, daemon=True).start()
        process = begun.get()
        if isinstance(process, OSError):
            words = (process.strerror or str(process)).lower()
            raise EngineError(f"{engine.name}: {command[0]}: {words}") from process
        return process

    def _thread(self, work: object, *arguments: object) -> threading.Thread:
        thread = threading.Thread(target=work, args=arguments, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()
        return thread

    def records(self) -> Iterator[list[T]]:
        """Feed the programs, and give what they find, until all have ended."""
        giving = [self._thread(self._give, feed, self._trails.index(feed.trails[0])) for feed in self._feeds]
        left = len(self._engines)
        since = time.monotonic()  # while nobody takes what is found, a program may have to wait
        while left:
            try:
                found = self._found.get(timeout=min(NEWS, self._silence))
            except Empty:
                self._take_news()
                self._report.tell()
                self._look_for_life(since)
                continue
            self._take_news()
            if found is None:
                left -= 1
            else:
                yield found
                since = time.monotonic()
        since = time.monotonic()
        for thread in giving:
            while thread.is_alive():
                thread.join(min(NEWS, self._silence))
                self._report.tell()
                self._look_for_life(since)
        self._take_news()
        self._look_at_ends()

    def _look_for_life(self, since: float) -> None:
        for lane in list(self._lanes.values()):
            quiet = time.monotonic() - max(lane.seen, since)
            if quiet > self._silence and lane.process.poll() is None:
                raise EngineError(
                    f"{lane.engine.name} neither read nor wrote anything for {quiet:.0f} seconds, and did not end; "
                    "it was stopped"
                )

    def _take_news(self) -> None:
        """What the feeding thread has to report."""
        while not self._news.empty():
            self._report.take(self._news.get())

    def _look_at_ends(self) -> None:
        if self._feed_failure is not None:
            raise self._feed_failure
        for lane in self._lanes.values():
            status = self._end(lane)
            for thread in self._threads:
                thread.join(PATIENCE)
            if lane.failure is not None:
                raise lane.failure
            if status:
                died = (
                    f"killed by signal {-status} ({signal.Signals(-status).name})" if status < 0 else f"exit {status}"
                )
                words = lane.engine.complaint() or " | ".join(lane.words)
                raise EngineError(f"{lane.engine.name} died: {died}{': ' if words else ''}{words}")
        for lane in self._lanes.values():
            if lane.broken:
                raise EngineError(f"{lane.engine.name} ended without a word, and did not read all that it was given")
        for lane in self._lanes.values():
            lane.engine.check(lane.trail.count)

    def _end(self, lane: _Lane[T]) -> int:
        """Wait for the exit status of a program that has nothing more to say."""
        since = time.monotonic()
        while True:
            try:
                return lane.process.wait(min(NEWS, self._silence))
            except subprocess.TimeoutExpired:
                self._report.tell()
                self._look_for_life(since)

    def _give(self, feed: Feed, first: int) -> None:
        """Write a feed to its programs. This thread's report is its own: it is passed on between two blocks.

        FIRST: number of its first lane.
        """
        own = feed.report = type(feed.report)()
        try:
            for number, block in feed.blocks():
                self._go_on.wait()
                if self._stopped.is_set():
                    return
                lane = self._lanes.get(first + number)
                if lane is None:
                    lane = self._start(first + number)
                    self._write(lane, memoryview(feed.header))
                self._write(lane, block)
                own = self._pass_on(own)
                if lane.broken:
                    return
        except BaseException as error:  # it belongs to whoever takes the records
            self._feed_failure = self._feed_failure or error
            self._kill()
        finally:
            self._pass_on(own)
            for number in range(first, first + len(feed.trails)):
                if number in self._lanes:
                    with contextlib.suppress(OSError):
                        stdin = self._lanes[number].process.stdin
                        assert stdin
                        stdin.close()
                else:
                    self._put(None)

    def _write(self, lane: _Lane[T], data: memoryview) -> None:
        assert lane.process.stdin
        while lane.records.behind() and lane.process.poll() is None and not self._stopped.is_set():
            time.sleep(PAUSE)
        while data:
            try:
                data = data[os.write(lane.process.stdin.fileno(), data) :]
                lane.seen = time.monotonic()
            except BlockingIOError:
                time.sleep(PAUSE)
            except BrokenPipeError:
                lane.broken = True
                return

    def _pass_on(self, own: Report) -> Report:
        news = Report()
        news.counters, own.counters = own.counters, type(own.counters)()
        news.warnings, own.warnings = own.warnings, []
        news.bytes, own.bytes = own.bytes, 0
        news.failures, own.failures, news.losses = own.failures, 0, own.losses
        self._news.put(news)
        return own

    def _read(self, lane: _Lane[T]) -> None:
        """Read a program's records at once, as long as the trail knows their packets."""
        rest = b""
        try:
            while data := lane.records.read():
                lane.seen = time.monotonic()
                whole = data.rfind(b"\n") + 1
                if whole:
                    self._take(lane, rest + data[:whole])
                    rest = data[whole:]
                else:
                    rest += data
                if len(rest) > LONGEST:
                    raise EngineError(f"{lane.engine.name} wrote a line of more than {LONGEST} bytes")
            self._take(lane, rest)
            if left := list(lane.engine.rest(lane.trail)):
                self._put(left)
        except BaseException as error:
            lane.failure = error
            lane.process.kill()
        finally:
            self._put(None)

    def _take(self, lane: _Lane[T], lines: bytes) -> None:
        found = list(lane.engine.records(lines, lane.trail))
        if found:
            self._put(found)

    def _put(self, found: list[T] | None) -> None:
        """Hand over; while nobody takes it, nothing more is fed, so that the trail stays in sight."""
        while not self._stopped.is_set():
            try:
                self._found.put(found, timeout=0.05)
            except Full:
                self._go_on.clear()
            else:
                break
        self._go_on.set()

    def _listen(self, lane: _Lane[T], words: IO[bytes]) -> None:
        for line in words:
            lane.seen = time.monotonic()
            text = line[:4096].decode(errors="replace").strip()
            if text:
                lane.words.append(text)
                lane.engine.word(text)

    def _kill(self) -> None:
        for lane in list(self._lanes.values()):
            if lane.process.poll() is None:
                lane.process.kill()

    def stop(self) -> None:
        """End what is still running."""
        self._stopped.set()
        self._go_on.set()
        self._kill()
        for lane in list(self._lanes.values()):
            lane.process.wait()
        for thread in self._threads:
            thread.join(PATIENCE)
        for lane in list(self._lanes.values()):
            lane.records.close()
            for pipe in (lane.process.stdout, lane.process.stderr):
                if pipe:
                    pipe.close()


def _leash() -> list[str]:
    """What has the kernel kill a program with the thread that starts it; without it, the pipe's end has to do."""
    setpriv = shutil.which("setpriv")  # of util-linux
    return [setpriv, "--pdeathsig", "KILL", "--"] if setpriv else []
