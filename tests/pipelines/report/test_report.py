"""The report in a real browser: it says what tables say, asks for nothing outside, and nothing hostile runs."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any
from urllib.parse import urlencode

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from packetpig.pipelines.report.__main__ import main
from packetpig.pipelines.report.build import build, newest, pages
from packetpig.pipelines.report.summaries import Source, sources
from packetpig.pipelines.store import store

from tests.pipelines.report import made
from tests.pipelines.report.browser import Browser

pytestmark = pytest.mark.slow  # Pig sums the tables first

PAGES = [page.name for page in pages()]
ROWS = """
const done = arguments[0], commands = [];
const opened = async () => {
  for (let tries = 0; tries < 400; tries += 1) {
    const dialog = document.querySelector('dialog[open]');
    if (dialog) return dialog;
    await new Promise((ready) => setTimeout(ready, 25));
  }
  throw new Error('no dialog opens');
};
const walk = async () => {
  for (const table of document.querySelectorAll('.tabledata')) {
    for (const button of [...table.querySelectorAll('tbody tr td:first-child button')].slice(0, 6)) {
      button.click();
      const dialog = await opened();
      await new Promise((ready) => setTimeout(ready, 60));
      for (const one of document.querySelectorAll('dialog .command code')) commands.push(one.textContent);
      dialog.close();
    }
  }
};
walk().then(() => done(commands), (error) => done(String(error)));
"""  # opens the first rows of each table, and gives the commands that it finds there, or what went wrong
Tables = tuple[Path, dict[str, pa.Table]]


def summary(browser: Browser, name: str) -> list[dict[str, Any]]:
    """A table as the pages read it."""
    return browser.driver.execute_async_script(  # type: ignore[no-any-return]
        "const done = arguments[1]; packetpig.rows(arguments[0]).then(done);", name
    )


def shown(browser: Browser, name: str) -> str:
    return str(browser.js(f"return document.querySelector('#table-{name} [role=status]').textContent"))


@pytest.mark.parametrize("page", PAGES)
def test_a_page(tables: Tables, chromium: Browser, page: str) -> None:
    """Each draws itself, wide and narrow, light and dark, quietly, from its folder, and lets nothing hostile run."""
    folder, _ = tables
    chromium.console(), chromium.requests()
    for width, scheme in ((1360, "light"), (390, "dark")):
        chromium.size(width, 900)
        chromium.colours(scheme)
        chromium.open(folder / "report" / f"{page}.html")
        assert chromium.js("return document.documentElement.dataset.theme") == scheme
        wide = chromium.js("return document.documentElement.scrollWidth")
        assert wide <= width, "the page is wider than the window"
    chromium.size(1360, 900)
    chromium.colours("light")
    assert chromium.console() == []
    inside = folder.resolve().as_uri()
    asked = [address for address in chromium.requests() if not address.startswith(("chrome:", "data:", "about:"))]
    assert asked
    assert all(address.startswith(inside) for address in asked)
    assert chromium.js("return window.hacked") is None
    assert chromium.js("return document.querySelectorAll('main script, main img, main iframe').length") == 0


def test_numbers_are_those_of_the_tables(tables: Tables, chromium: Browser) -> None:
    folder, written = tables
    chromium.open(folder / "report/index.html")
    tiles = chromium.js("return [...document.querySelectorAll('.tile b')].map((one) => one.textContent)")
    packets, alerts = written["packets"], written["alerts"]
    assert f"{written['sessions'].num_rows:,}" in tiles
    assert f"{alerts.num_rows:,}" in tiles
    assert f"{pc.sum(packets['sent_packets']).as_py():,}" in tiles

    traffic = summary(chromium, "traffic")
    assert sum(row["bytes"] for row in traffic) == pc.sum(packets["sent_bytes"]).as_py()
    severities = {row["values"]: row["counts"] for row in pc.value_counts(alerts["priority"]).to_pylist()}
    times = summary(chromium, "alert_times")
    assert {one: sum(row["alerts"] for row in times if row["severity"] == one) for one in severities} == severities
    states = {row["values"]: row["counts"] for row in pc.value_counts(written["sessions"]["state"]).to_pylist()}
    assert {row["state"]: row["sessions"] for row in summary(chromium, "states")} == states
    assert sum(row["sessions"] for row in summary(chromium, "durations")) == written["sessions"].num_rows
    assert sum(row["files"] for row in summary(chromium, "file_types")) == written["files"].num_rows
    sources_ = alerts.group_by("src").aggregate([("sid", "count")]).to_pylist()
    assert {row["src"]: row["alerts"] for row in summary(chromium, "attackers")} == {
        row["src"]: row["sid_count"] for row in sources_
    }


def test_every_country_is_on_the_map(tables: Tables, chromium: Browser) -> None:
    folder, _ = tables
    chromium.open(folder / "report/world.html")
    dots = chromium.js("return [...document.querySelectorAll('.dot')].map((dot) => dot.dataset.country)")
    assert sorted(dots) == made.countries()
    least = chromium.js("return Math.min(...[...document.querySelectorAll('.dot')].map((dot) => dot.r.baseVal.value))")
    assert least >= 2
    chromium.js("[...document.querySelectorAll('button')].find((one) => one.textContent === 'Globe').click()")
    assert chromium.js("return document.querySelectorAll('canvas').length") == 1
    assert chromium.console() == []


def test_tables_are_filtered_sorted_and_paged(tables: Tables, chromium: Browser) -> None:
    folder, written = tables
    sessions = written["sessions"]
    dns = sessions.filter(pc.equal(sessions["service"], "dns"))
    chromium.open(folder / "report/sessions.html", "#sessions?" + urlencode({"service": "=dns"}))
    assert shown(chromium, "sessions") == f"1–50 of {dns.num_rows:,} (of {sessions.num_rows:,})"

    by_bytes = "#table-sessions th[data-column=src_bytes]"
    chromium.js(f"document.querySelector('{by_bytes} button').click()")
    chromium.settle()
    assert chromium.js(f"return document.querySelector('{by_bytes}').ariaSort") == "descending"
    first = chromium.js("return document.querySelector('#table-sessions tbody tr').innerText").split("\t")
    top = dns.take(pc.sort_indices(dns, [("src_bytes", "descending")])).slice(0, 1).to_pylist()[0]
    assert top["src"] in first
    assert str(top["sport"]) in first

    chromium.open(folder / "report/sessions.html")
    chromium.js("document.querySelector('#table-sessions button[title=\"Last page\"]').click()")
    chromium.js("return new Promise((done) => setTimeout(done, 300))")
    assert shown(chromium, "sessions") == f"2,951–3,000 of {sessions.num_rows:,}"


def test_from_an_alert_to_its_evidence(tables: Tables, chromium: Browser) -> None:
    folder, _ = tables
    chromium.open(folder / "report/alerts.html")
    chromium.js("document.querySelector('#table-alerts tbody button').click()")
    chromium.js("return new Promise((done) => setTimeout(done, 300))")
    links = chromium.js(
        "return [...document.querySelectorAll('dialog .links a')].map((one) => one.getAttribute('href'))"
    )
    assert any(link.startswith("sessions.html#sessions?session_id=%3D") for link in links)
    assert any(link.startswith("files.html#files?") for link in links)
    command = chromium.js("return document.querySelector('dialog .command code').textContent")
    assert command.startswith("bin/packetpig carve --where ")
    assert "community_id ==" in command
    chromium.js("[...document.querySelectorAll('dialog button')].find((one) => one.textContent === 'Copy').click()")
    chromium.js("return new Promise((done) => setTimeout(done, 300))")
    said = chromium.js("return document.querySelector('dialog .command [role=status]').textContent")
    assert said == "copied" or said.startswith("selected")


@pytest.mark.parametrize("text", made.HOSTILE)
def test_hostile_text_stays_text(tables: Tables, chromium: Browser, text: str) -> None:
    """What cannot be seen is made visible, what looks like markup is shown, and a shell's word stays one word."""
    folder, _ = tables
    if chromium.js("return location.pathname.endsWith('/index.html')") is not True:
        chromium.open(folder / "report/index.html")
    found = chromium.js(
        "const span = packetpig.traffic(arguments[0], {limit: 0}); document.body.append(span);"
        "const found = [span.textContent, span.querySelectorAll(':not(.odd)').length, packetpig.quote(arguments[0])];"
        "span.remove(); return found;",
        text,
    )
    assert found[1] == 0
    assert not any(ord(character) < 32 or character in "\u202e\u2067\u200b\u2028\ufeff\u200f" for character in found[0])
    if text.isascii() and text.isprintable():
        assert found[0] == text
    if text:
        assert len(shlex.split(found[2])) == 1
    assert chromium.js("return window.hacked") is None


def test_hostile_text_in_every_column(tables: Tables, chromium: Browser, tmp_path: Path) -> None:
    """Whatever column of whatever table it is in: pages draw themselves, rows open, commands stay one command."""
    folder, _ = tables
    for source in sources(store(str(folder))).values():
        table, _ = newest(source, 200)
        for at, field in enumerate(table.schema):
            if pa.types.is_string(field.type) or pa.types.is_dictionary(field.type):
                words = [made.HOSTILE[(at + row) % len(made.HOSTILE)] for row in range(table.num_rows)]
                table = table.set_column(at, field.name, pa.array(words, pa.string()))
        target = tmp_path.joinpath(*source.folder)
        target.mkdir(parents=True)
        pq.write_table(table, target / "part-r-00000.parquet")
    build(sources(store(str(tmp_path))), tmp_path / "report", captures=made.HOSTILE[13])
    chromium.console()
    try:
        for page in PAGES:
            for width in (1360, 390):
                chromium.size(width, 900)
                chromium.open(tmp_path / "report" / f"{page}.html")
                wide = chromium.js("return document.documentElement.scrollWidth")
                assert wide <= width, f"{page} is wider than the window of {width}"
            commands = chromium.driver.execute_async_script(ROWS)
            assert isinstance(commands, list), f"{page}: {commands}"
            for command in commands:
                words = shlex.split(command)
                assert words[:2] == ["bin/packetpig", "carve"]
                assert "hacked" not in words
            assert chromium.console() == [], page
            assert chromium.js("return window.hacked") is None
            assert chromium.js("return document.querySelectorAll('main script, main img, dialog img').length") == 0
    finally:
        chromium.size(1360, 900)


def test_a_reader_of_screens_finds_its_way(tables: Tables, libraries: Path, chromium: Browser) -> None:
    """axe-core finds no fault that is serious or critical."""
    if not (libraries / "axe.js").exists():
        pytest.skip("the checker is missing: bin/setup-report tests")
    folder, _ = tables
    code = (libraries / "axe.js").read_text("utf-8")
    for page in PAGES:
        chromium.open(folder / "report" / f"{page}.html")
        chromium.driver.execute_cdp_cmd("Runtime.evaluate", {"expression": code})
        found = chromium.driver.execute_async_script(
            "const done = arguments[0]; axe.run(document, {preload: false}).then((result) => done(result.violations.filter("  # noqa: E501
            "(one) => ['serious', 'critical'].includes(one.impact)).map((one) => [one.id, one.nodes.slice(0, 3)"
            ".map((node) => node.html.slice(0, 200))])));"
        )
        assert found == [], page


def test_missing_tables_are_said(libraries: Path, chromium: Browser, tmp_path: Path) -> None:
    build({}, tmp_path / "report")
    chromium.console()
    for page in PAGES:
        chromium.open(tmp_path / "report" / f"{page}.html")
        assert chromium.console() == []
    chromium.open(tmp_path / "report/alerts.html")
    assert "There is no table of alerts" in chromium.js("return document.querySelector('main').textContent")


def test_only_the_newest_rows_and_it_is_said(tables: Tables, tmp_path: Path) -> None:
    folder, written = tables
    catalogue = build({"sessions": Source(store(str(folder)), "sessions")}, tmp_path / "report", rows=100)
    assert catalogue["tables"]["sessions"]["rows"] == 100
    assert catalogue["tables"]["sessions"]["left_out"] == written["sessions"].num_rows - 100
    assert catalogue["until"] == pc.max(written["sessions"]["ts"]).as_py()


def test_what_is_not_complete_is_not_shown(tmp_path: Path, pig: Callable[..., CompletedProcess[str]]) -> None:
    """Half a table of S3, whose run was killed: the pipeline's own notes say what is whole. Without any, all is."""
    for window in range(4):
        part = tmp_path / f"sessions/window=2024-03-0{window + 1}"
        part.mkdir(parents=True)
        pq.write_table(pa.table({"ts": [float(window)], "window_of": [window]}), part / "part-0.parquet")
    output = store(str(tmp_path))
    assert len(Source(output, "sessions").parts) == 4
    assert Source(output, "sessions").location() == f"{tmp_path}/sessions/window=*"
    for window in (1, 3, 4):
        output.write(b"{}", ".done", "sessions", f"2024-03-0{window}~0123456789abcdef")
    source = Source(output, "sessions")
    assert newest(source, 10)[0]["ts"].to_pylist() == [3.0, 2.0, 0.0]
    script = f"s = LOAD '{source.location()}' USING ParquetLoader(); t = FOREACH s GENERATE window_of; DUMP t;"
    done = pig("-x", "local", "-e", script)
    assert done.returncode == 0, done.stderr
    assert sorted(done.stdout.split()) == ["(0)", "(2)", "(3)"]
    assert not Source(output, "alerts").parts


def test_wrong_use_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "none")]) == 1
    assert main([str(tmp_path)]) == 1
    assert capsys.readouterr().err.count("\n") == 2


def test_pages_are_found_by_being_there(tables: Tables) -> None:
    folder, _ = tables
    text = (folder / "report/data/catalogue.js").read_text("ascii")
    catalogue = json.loads(text.removeprefix("packetpig.catalogue = ").removesuffix(";\n"))
    assert [page["name"] for page in catalogue["pages"]] == PAGES
    assert set(sources(store(str(folder)))) == set(catalogue["tables"])
