"""Compressed captures: told by their first bytes, and unpacked as they are read, in bounded memory."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

import lz4.frame
from backports import zstd
from packetpig.loaders.captures.capture import Source
from packetpig.loaders.contract.report import Report

PIECE = 1 << 18  # compressed bytes read at a time
MEMORY = 192 << 20  # bytes that xz may use: enough for what xz -9 makes, too few for a header that asks for gigabytes


class Decompressor(Protocol):
    """What bz2, lzma, lz4 and zstd have alike."""

    eof: bool
    unused_data: bytes | None

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        """At most MAX_LENGTH bytes of what DATA, and what was given before, holds."""


class Gzip:
    """zlib's decompressor with the methods of the others."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=31)

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        """See Decompressor."""
        return self._inner.decompress(self._inner.unconsumed_tail + data, max_length)

    @property
    def eof(self) -> bool:
        """Whether the end of the member was reached."""
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        """What came after it."""
        return self._inner.unused_data


FORMATS: dict[bytes, tuple[str, Callable[[], Any]]] = {
    b"\x1f\x8b": ("gzip", Gzip),
    b"BZh": ("bzip2", bz2.BZ2Decompressor),
    b"\xfd7zXZ\x00": ("xz", partial(lzma.LZMADecompressor, memlimit=MEMORY)),
    b"\x28\xb5\x2f\xfd": ("zstd", zstd.ZstdDecompressor),
    b"\x04\x22\x4d\x18": ("lz4", lz4.frame.LZ4FrameDecompressor),
}
ERRORS = (zlib.error, OSError, lzma.LZMAError, zstd.ZstdError, RuntimeError, EOFError, ValueError)


def compression(head: bytes) -> tuple[str, Callable[[], Any]] | None:
    """Name and decompressor of the compression whose magic HEAD begins with; None if there is none."""
    for magic, known in FORMATS.items():
        if head.startswith(magic):
            return known
    return None


class Unpacked:
    """The bytes of a compressed source, forward only. Several members in a row are one stream.

    Where the compressed bytes are cut or damaged it ends, after everything that could be had, with a warning.
    """

    size: int | None = None

    def __init__(self, source: Source, path: str, known: tuple[str, Callable[[], Any]], report: Report) -> None:
        self._source, self._path, self._report = source, path, report
        self._name, self._new = known
        self._inner: Decompressor = self._new()
        self._piece = bytearray(PIECE)
        self._input = b""
        self._offset = 0
        self._done = False
        self._hungry = True

    def read(self, into: memoryview, offset: int) -> int:
        """See Source."""
        filled = 0
        while filled < len(into) and not self._done:
            data = self._some(len(into) - filled)
            into[filled : filled + len(data)] = data
            filled += len(data)
            if data:
                break
        return filled

    def _some(self, most: int) -> bytes:
        if self._inner.eof:
            self._input = (self._inner.unused_data or b"") or self._more()
            if not self._input.strip(b"\0"):  # padding after the last member
                self._input = self._more()
            if not self._input:
                self._done = True
                return b""
            while len(self._input) < 6 and (more := self._more()):
                self._input += more
            if not compression(self._input[:6]):
                self._end(f"{len(self._input)} bytes or more after the {self._name} data are not {self._name}")
                return b""
            self._inner = self._new()
            self._hungry = False
        elif self._hungry:
            self._input = self._more()
            if not self._input:
                self._end(f"{self._name} data is cut")
                return b""
        try:
            data = self._inner.decompress(self._input, most)
        except ERRORS as error:
            self._end(f"{self._name} data is damaged ({error})")
            return b""
        self._input = b""
        # with less than was asked for, everything that came in has been used
        self._hungry = len(data) < most
        return data

    def _more(self) -> bytes:
        count = self._source.read(memoryview(self._piece), self._offset)
        self._offset += count
        self._report.progress(count)
        return bytes(self._piece[:count])

    def _end(self, why: str) -> None:
        self._done = True
        self._report.losses = True
        self._report.count("captures damaged")
        self._report.warn(f"{self._path}: offset {self._offset}: {why}; what came before is read")

    def mapped(self) -> None:
        """See Source."""
        return

    def close(self) -> None:
        """See Source."""
        self._source.close()
