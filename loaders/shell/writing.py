"""What holds for every file that a command writes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from packetpig.loaders.contract.report import CaptureError
from packetpig.loaders.remote import system as remote
from packetpig.loaders.remote.system import is_remote


class Target:
    """Where a file is written: its place on this machine, or a work folder, from which it is sent in the end."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._folder: Path | None = None
        self._held = ExitStack()

    def __enter__(self) -> Path:
        if not is_remote(self.path):
            return Path(self.path)
        remote.of(self.path)
        from packetpig.loaders.engines.folders import work_folder

        self._folder = self._held.enter_context(work_folder())
        return self._folder / self.path.rpartition("/")[2]

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        with self._held:
            if kind is None and self._folder is not None:
                system, inside = remote.of(self.path)
                for made in sorted(self._folder.iterdir()):
                    with made.open("rb") as file:
                        system.write(f"{inside.rpartition('/')[0]}/{made.name}", file)


def there(path: str) -> str:
    """What is at PATH: `file`, or `other` (a folder, a pipe); empty if nothing is."""
    if is_remote(path):
        system, inside = remote.of(path)
        found = system.status(inside)
        return "" if found is None else "other" if found.folder else "file"
    return "file" if Path(path).is_file() else "other" if Path(path).exists() else ""


@contextmanager
def failing(path: str | Path) -> Iterator[None]:
    """What goes wrong in writing to PATH is raised as CaptureError, which is one line."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise CaptureError(f"{path}: {(error.strerror or str(error)).lower()}") from error


def refuse_existing(path: str) -> None:
    """Raise CaptureError if PATH exists."""
    with failing(path):
        found = there(path)
    if found:
        raise CaptureError(f"{path}: exists already; remove it, give another name, or use --force")
