"""Progress and warnings of a long run, on standard error: a bar if that is a terminal and the rows go elsewhere."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Any, Self

from packetpig.loaders.contract.report import Report


class Progress:
    """Shows how far a report has come, and its warnings as they appear. TOTAL: bytes of all captures."""

    def __init__(self, report: Report, total: int) -> None:
        self._report = report
        self._rows = 0
        self._seen = 0
        self._bar: Any = None
        if sys.stderr.isatty() and not sys.stdout.isatty() and total:
            from tqdm import tqdm

            self._bar = tqdm(total=total, unit="B", unit_scale=True, leave=False, delay=0.5)

    def __enter__(self) -> Self:
        return self

    def rows(self, count: int) -> None:
        """COUNT more rows were given."""
        self._rows += count
        self._update()

    def _update(self) -> None:
        if self._bar is not None:
            self._bar.update(self._report.bytes - self._seen)
            self._bar.set_postfix_str(f"{self._rows:,} rows", refresh=False)
            self._seen = self._report.bytes
        for line in self._report.warnings:
            if self._bar is not None:
                self._bar.write(f"packetpig: {line}", file=sys.stderr)
            else:
                print(f"packetpig: {line}", file=sys.stderr)
        self._report.warnings.clear()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._update()
        if self._bar is not None:
            self._bar.close()
