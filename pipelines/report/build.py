"""Builds the folder of pages from tables: those of the pipeline, and the small summaries that Pig makes of them."""

from __future__ import annotations

import json
import math
import re
import shutil
import time
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from packetpig.pipelines.pig import ROOT
from packetpig.pipelines.report.store import Store
from packetpig.pipelines.report.summaries import Source

ASSETS = Path(__file__).resolve().parent / "assets"
LIBRARIES = ROOT / "build/report"
ROWS = 1_000_000
"""Rows of a table that the pages have, the newest; the summaries count all."""
MOST = 20_000
"""Rows of a summary that the pages have: those with the greatest numbers."""
MEASURES = ("alerts", "times", "questions", "requests", "handshakes", "bytes", "count")
PARTS = ("text", "data", "table", "row", "charts", "parts", "world", "graph", "cube", "shell")
NOTICE = (
    "Drawn with d3 and topojson-client (Mike Bostock, ISC); shapes: Natural Earth through world-atlas; "
    "country codes: i18n-iso-countries (MIT). Places of addresses: IP Geolocation by DB-IP (db-ip.com), CC BY 4.0."
)
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'"
)


@dataclass(frozen=True, slots=True)
class Page:
    """A page is a file of assets/pages; its first line says all else."""

    name: str
    order: int
    title: str
    table: str | None
    lead: str

    @classmethod
    def of(cls, path: Path) -> Page:
        """Read the first line: `// 3 Alerts (alerts): What signatures say.`"""
        first = path.read_text("utf-8").split("\n", 1)[0]
        found = re.fullmatch(r"// (\d+) ([^(:]+?)(?: \((\w+)\))?: (.+)", first)
        if not found:
            raise ValueError(f"{path}: the first line does not say order, title and what the page is about")
        return cls(path.stem, int(found[1]), found[2], found[3], found[4])


def pages() -> list[Page]:
    """All pages, in their order."""
    return sorted((Page.of(path) for path in (ASSETS / "pages").glob("*.js")), key=lambda page: page.order)


def newest(source: Source, rows: int) -> tuple[pa.Table, int]:
    """The newest rows of a table of windows, newest first, and how many rows there are besides."""
    files = [path for path in reversed(source.parts) if len(path) > 1] or source.parts
    kept: list[pa.Table] = []
    have = total = 0
    for path in files:
        with source.open(path) as file, pq.ParquetFile(file) as parquet:
            total += parquet.metadata.num_rows
            if have < rows and parquet.metadata.num_rows:
                kept.append(parquet.read())
                have += kept[-1].num_rows
    if not kept:
        return pa.table({}), total
    table = pa.concat_tables(kept, promote_options="permissive")
    if "ts" in table.column_names:
        table = table.take(pc.sort_indices(table, [("ts", "descending")]))
    return table.slice(0, rows), total - min(rows, table.num_rows)


def greatest(source: Source, rows: int) -> tuple[pa.Table, int]:
    """The rows of a summary with the greatest numbers, the greatest first, and how many rows there are besides."""
    table, _ = newest(source, 2**62)
    measure = next((name for name in MEASURES if name in table.column_names), None)
    if measure and "ts" not in table.column_names:
        table = table.take(pc.sort_indices(table, [(measure, "descending")]))
    return table.slice(0, rows), max(0, table.num_rows - rows)


def build(
    sources: dict[str, Source],
    target: Path,
    *,
    captures: str | None = None,
    step: float = 3600,
    rows: int = ROWS,
) -> dict[str, Any]:
    """Write the pages of these tables (by name) to a folder of this machine, whole or not at all; gives
    their catalogue."""
    fresh = target.with_name(f".{target.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    (fresh / "data").mkdir(parents=True)
    store = Store(fresh / "data")
    tables: dict[str, Any] = {}
    spans: list[tuple[float, float]] = []
    for name, source in sorted(sources.items()):
        table, left_out = greatest(source, MOST) if source.summary else newest(source, rows)
        tables[name] = store.write(name, table) | ({"left_out": left_out} if left_out else {})
        if name in ("traffic", "sessions", "alerts") and table.num_rows:
            low, high = (value.as_py() for value in pc.min_max(table["ts"]).values())
            spans.append((low, high + (step if name == "traffic" else 0)))
    listed = pages()
    catalogue = {
        "made": math.floor(time.time()),
        "from": min((low for low, _ in spans), default=None),
        "until": max((high for _, high in spans), default=None),
        "step": step,
        "captures": captures,
        "notice": NOTICE,
        "pages": [{"name": page.name, "title": page.title, "table": page.table} for page in listed],
        "tables": tables,
    }
    _assets(fresh, store)
    (fresh / "data/catalogue.js").write_text(f"packetpig.catalogue = {json.dumps(catalogue)};\n", "ascii")
    for page in listed:
        (fresh / f"{page.name}.html").write_text(_html(page), "utf-8")
    old = target.with_name(f".{target.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        target.rename(old)
    fresh.rename(target)
    shutil.rmtree(old, ignore_errors=True)
    return catalogue


def _assets(folder: Path, store: Store) -> None:
    shutil.copytree(ASSETS, folder / "assets")
    for name in ("d3.js", "topojson.js"):
        shutil.copyfile(LIBRARIES / name, folder / "assets" / name)
    for licence in LIBRARIES.glob("LICENSE-*"):
        shutil.copyfile(licence, folder / "assets" / licence.name)
    (folder / "data/world").mkdir()
    for name in ("countries-50m", "countries-110m"):
        store.script(f"world/{name}", json.loads((LIBRARIES / f"{name}.json").read_text("utf-8")))
    codes = json.loads((LIBRARIES / "codes.json").read_text("utf-8"))
    store.script("world/codes", {number: code for code, _, number, _ in codes})


def _html(page: Page) -> str:
    scripts = [*(f"assets/{name}.js" for name in ("d3", "topojson", *PARTS[:1])), "data/catalogue.js"]
    scripts += [f"assets/{name}.js" for name in PARTS[1:]] + [f"assets/pages/{page.name}.js"]
    lines = "\n".join(f'<script defer src="{path}"></script>' for path in scripts)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="referrer" content="no-referrer">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(page.title)} · Packetpig</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="assets/report.css">
{lines}
</head>
<body data-page="{page.name}">
<header>
<a class="skip" href="#main">To the content</a>
<a class="brand" href="index.html">Packetpig<small>what the packets say</small></a>
<nav aria-label="Pages"><ul></ul></nav>
</header>
<main id="main">
<h1>{escape(page.title)}</h1>
<p class="lead">{escape(page.lead)}</p>
<noscript><p class="card">Scripts of this folder draw these pages; this browser runs none.</p></noscript>
</main>
<footer></footer>
</body>
</html>
"""
