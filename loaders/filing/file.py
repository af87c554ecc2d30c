"""One file that traffic carries: takes its bytes as they come, and makes the file's row."""

from __future__ import annotations

import fnmatch
import hashlib
from collections.abc import Callable
from typing import Any

from packetpig.loaders.contract.loader import Job
from packetpig.loaders.filing.keeping import Folder, Keeping
from packetpig.loaders.filing.kinds import HEAD, Kinds, extension
from packetpig.loaders.protocols.room import Room

HASHES = ("md5", "sha1", "sha256")
NOTHING = hashlib.sha256().hexdigest()
Named = dict[str, Any]
HEADS = 64 << 20  # bytes of beginnings of files that are held at once
NAME = 4096  # characters of a name


class Filing:
    """What the files of a job share. GIVE is told of each row (messages.Following)."""

    def __init__(self, job: Job, give: Callable[[int, int, dict[str, Any]], None]) -> None:
        self.give = give
        self.report, self.columns = job.report, frozenset(job.columns)
        self.types = [one.strip().lower() for one in job.options.get("types", "").split(",") if one.strip()]
        store = job.options.get("store", "")
        self.folder = Folder(store, job.report) if store else None
        self.hashes = [
            getattr(hashlib, name)
            for name in HASHES
            if name in self.columns or (name == "sha256" and self.folder is not None)
        ]
        self.looks = bool(self.types or {"mime", "extension"} & self.columns)
        self.kinds = Kinds()
        self.room = Room(HEADS)

    def wanted(self, mime: str) -> bool:
        """Whether files of this type are asked for."""
        ending = extension(mime)
        return any(fnmatch.fnmatchcase(mime, one) or one.removeprefix(".") == ending for one in self.types)


class File:
    """Takes the bytes of one file: a Body (protocols/http1.py).

    `session`, `time`: of its row. `length`: bytes that it has, where that is known. `there`: bytes that came. `gap`:
    some are missing between them, or before. `named`: protocol, direction, name and content_type, or what gives
    them once it has ended; None: it is no file after all.
    """

    __slots__ = (
        "_digests", "_filing", "_head", "_keeping", "_mime", "_needed", "ended", "gap", "length", "missing", "named",
        "session", "there", "time",
    )  # fmt: skip

    def __init__(
        self, filing: Filing, session: int, time: int, named: Named | Callable[[], Named | None],
        length: int | None = None,
    ) -> None:  # fmt: skip
        self._filing, self.session, self.time, self.named, self.length = filing, session, time, named, length
        self.there = 0
        self.missing: int | None = 0
        self.gap = self.ended = False
        self._head = b""
        self._mime: str | None = None
        self._needed = filing.looks  # its type is to be known, and is not yet
        self._digests = [make(usedforsecurity=False) for make in filing.hashes]
        self._keeping = Keeping(filing.folder) if filing.folder else None

    def data(self, data: bytes | memoryview) -> None:
        """More of it."""
        self.there += len(data)
        if self.gap:
            return
        if self._needed:
            self._look(data)
        for digest in self._digests:
            digest.update(data)
        if self._keeping:
            self._keeping.data(data)

    def _look(self, data: bytes | memoryview) -> None:
        head = self._head
        if not head and len(data) >= HEAD:
            self._told(bytes(data[:HEAD]))
            return
        filing = self._filing
        more = min(len(data), HEAD - len(head))
        if not filing.room.take(more):
            filing.report.count("files: types not looked for, for want of memory")
            self._forget_head()
            return
        self._head = head + data[:more] if head else bytes(data)
        if len(self._head) == HEAD:
            self._know()

    def _know(self) -> None:
        """Tell the type from what is there."""
        if self._needed and self._head:
            self._told(self._head)
        self._forget_head()

    def _told(self, head: bytes) -> None:
        """The type of a file with this HEAD; one that nobody asks for is not followed further."""
        self._needed = False
        self._mime = self._filing.kinds.mime(head)
        if self._filing.types and not self._filing.wanted(self._mime):
            self._drop()

    def _forget_head(self) -> None:
        if self._head:
            self._filing.room.free(len(self._head))
            self._head = b""
        self._needed = False

    def _drop(self) -> None:
        self._digests = []
        if self._keeping:
            self._keeping.forget()
            self._keeping = None

    def hole(self, size: int | None) -> None:
        """SIZE bytes (None: nobody knows how many) that are missing here."""
        self._know()
        self.gap = True
        self.missing = None if size is None or self.missing is None else self.missing + size

    def before(self, size: int) -> None:
        """SIZE bytes of it were not sent, before those that were."""
        self.gap, self._mime = True, None
        self._forget_head()
        self._drop()
        self.missing = None if self.missing is None else self.missing + size

    def end(self, complete: bool) -> None:
        """That was all; COMPLETE: all of it was there."""
        if self.ended:
            return
        self.ended = True
        named: Named | None = None
        if self.there or self.gap:
            named = self.named() if callable(self.named) else self.named
        self._know()
        if named is None or (self._filing.types and not (self._mime and self._filing.wanted(self._mime))):
            self._drop()
            return
        self._filing.give(self.session, self.time, self._row(named, complete))
        self._drop()

    def __del__(self) -> None:
        if not self.ended:  # a parser failed on the way
            self._forget_head()

    def _row(self, row: dict[str, Any], complete: bool) -> dict[str, Any]:
        size = self.there + (self.missing or 0)
        if self.missing is not None and self.length is not None and self.length > size:
            size, self.missing = self.length, self.length - self.there
        elif not complete and not self.missing:
            self.missing = None
        row["size"], row["missing_bytes"] = size, self.missing
        row["complete"] = complete and not self.gap and not self.missing
        name = row.get("name")
        row["name"] = name[:NAME] if name else None
        if self._mime:
            row["mime"], row["extension"] = self._mime, extension(self._mime)
        sha256 = None
        for digest in self._digests:
            if digest.name == "sha256":
                sha256 = digest.hexdigest()
            if not self.gap and not self.missing:
                row[digest.name] = digest.hexdigest()
        if self._keeping and sha256 and sha256 != NOTHING:
            row["path"] = self._keeping.finish(sha256 if row["complete"] else f"{sha256}.partial")
            self._keeping = None
        return row
