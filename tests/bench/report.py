"""The report of a million sessions and 100,000 alerts in a real browser: how soon pages are there, and how fluid."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from packetpig.pipelines.report.__main__ import main
from packetpig.pipelines.report.build import pages

from tests.bench.case import Case, share
from tests.bench.workshop import Workshop
from tests.pipelines.report import made
from tests.pipelines.report.browser import Browser, browser

SESSIONS, ALERTS = 1_000_000, 100_000
OPEN = 3.0  # seconds until a page has drawn itself
ACT = 1.0  # seconds to filter or sort a million rows
TURN = 0.3  # seconds to another page of a table
SCROLL = """
const done = arguments[0]; const frames = []; let last = performance.now(), at = 0;
const step = (now) => {
  frames.push(now - last); last = now; at += 60; scrollTo(0, at);
  if (at < document.documentElement.scrollHeight && frames.length < 300) requestAnimationFrame(step);
  else { frames.sort((a, b) => a - b); done(frames[Math.floor(frames.length * 0.95)]); }
};
requestAnimationFrame(step);
"""


def cases(workshop: Workshop) -> Iterator[Case]:
    """All cases of the report; its tables are made and summed once."""
    folder = workshop.folder / f"report-{SESSIONS}-{ALERTS}"
    if not folder.exists():
        print(f"bench: making {SESSIONS:,} sessions and {ALERTS:,} alerts", flush=True)
        part = folder.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir()
        made.tables(part, SESSIONS, ALERTS)
        if main([str(part)]):
            raise RuntimeError("the report could not be made")
        part.rename(folder)
    if main([str(folder), "--only-pages"]):
        raise RuntimeError("the pages could not be made")
    with tempfile.TemporaryDirectory() as profile, browser(Path(profile)) as chromium:
        for page in pages():
            path = folder / "report" / f"{page.name}.html"
            took = min(_timed(lambda path=path: chromium.open(path)) for _ in range(3))  # type: ignore[misc]
            yield share(f"{page.name}.html with {SESSIONS:,} sessions, until drawn; bar", took, OPEN, 1)
        yield from _fluid(chromium, folder / "report")


def _fluid(chromium: Browser, report: Path) -> Iterator[Case]:
    chromium.open(report / "sessions.html")
    wide = chromium.driver.execute_async_script(SCROLL)
    yield share("scrolling sessions.html: 95% of frames are within; bar", wide, 50, 1, "ms")
    for name in ("sessions", "alerts"):
        chromium.open(report / f"{name}.html")
        for what, code, bar in (
            ("next page", _click(name, 'button[title="Next page"]'), TURN),
            ("last page", _click(name, 'button[title="Last page"]'), TURN),
            ("all sorted by a number", _click(name, "th[data-column=dport] button"), ACT),
            ("all sorted by a word", _click(name, "th[data-column=src] button"), ACT),
            ("filter by a word", _typed(name, "src", "=10.10.1.100" if name == "sessions" else "203.0.1"), ACT),
            ("filter by a number too", _typed(name, "dport", "443"), ACT),
            ("filter by an hour too", _typed(name, "ts", "2024-03-05 20"), ACT),
        ):
            took = _timed(lambda code=code: (chromium.js(code), chromium.settle()))  # type: ignore[misc]
            yield share(f"{name}: {what}, first time; bar", took, bar, 1)


def _click(table: str, what: str) -> str:
    return f"document.querySelector('#table-{table} {what}').click()"


def _typed(table: str, column: str, text: str) -> str:
    at = f"document.querySelector('#table-{table} input[data-column={column}]')"
    return f"{at}.value = '{text}'; {at}.dispatchEvent(new Event('change'))"


def _timed(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began
