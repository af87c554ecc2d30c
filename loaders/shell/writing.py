"""What holds for every file that a command writes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from packetpig.loaders.contract.report import CaptureError


@contextmanager
def failing(path: str | Path) -> Iterator[None]:
    """What goes wrong in writing to PATH is raised as CaptureError, which is one line."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise CaptureError(f"{path}: {(error.strerror or str(error)).lower()}") from error


def refuse_existing(path: Path) -> None:
    """Raise CaptureError if PATH exists."""
    if path.exists():
        raise CaptureError(f"{path}: exists already; remove it, give another name, or use --force")
