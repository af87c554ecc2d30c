"""Loaders: capture bytes in, rows out. Each module right in this folder is one loader; see docs/write-your-own.md.

What they share: `contract/` (columns, filters, how a loader is run), `captures/` (file formats, where bytes come
from), `kernels/` (compiled decoding), `decode/` (frames and their columns), `shell/` (the command), `bridge/` (Pig).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa


def load(
    loader: str,
    captures: str | Iterable[str],
    columns: Iterable[str] | None = None,
    where: str | None = None,
    **options: str,
) -> pa.RecordBatchReader:
    """Rows of captures (files, folders, globs) as a stream of Arrow batches, decoded as they are read.

    `columns`: names, all if None. `where`: a Pig expression. Raises ValueError for a loader, column, option or
    expression that is wrong; while it is read, CaptureError for what is no capture. Losses are warnings (`warnings`).
    """
    from packetpig.loaders.shell.load import reader

    paths = [captures] if isinstance(captures, str) else list(captures)
    return reader(loader, paths, None if columns is None else list(columns), where, options)
