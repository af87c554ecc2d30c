"""Content codings: gzip, deflate, br, zstd, as bytes come, and never without bounds (RFC 9110, 8.4)."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import brotli
from backports import zstd

PIECE = 1 << 20  # bytes that are unpacked at a time
MOST = 16 << 30  # bytes that one body may become
RATIO = 2000  # times its size that a body may become, beyond the first LEAST bytes
LEAST = 256 << 20
LAYERS = 3  # codings one inside the other; more are taken for none

Take = Callable[[bytes | memoryview], None]


class CodingError(ValueError):
    """What cannot be unpacked: not in that coding, or more than may be."""


class _Stage(Protocol):
    def unpack(self, data: bytes | memoryview) -> Iterator[bytes]: ...
    def whole(self) -> bool: ...


class _Zlib:
    """gzip, also of several members, and deflate, with and without the zlib header that it should have."""

    def __init__(self, bits: int) -> None:
        self._bits = bits
        self._stream = zlib.decompressobj(bits)
        self._first = b""
        self._out = False

    def unpack(self, data: bytes | memoryview) -> Iterator[bytes]:
        """See Unpacker."""
        if self._bits == zlib.MAX_WBITS and not self._out:
            data = self._first + bytes(data)
            if len(data) < 2:
                self._first = data
                return
            self._first, self._out = b"", True
            if data[0] & 15 != 8 or (data[0] << 8 | data[1]) % 31:
                self._stream = zlib.decompressobj(-zlib.MAX_WBITS)
        while data:
            if self._stream.eof:
                if self._bits != 31 or bytes(data[:1]) != b"\x1f":
                    return  # padding behind the end
                self._stream = zlib.decompressobj(self._bits)
            try:
                out = self._stream.decompress(data, PIECE)
            except zlib.error as error:
                raise CodingError(str(error)) from error
            if out:
                yield out
            data = self._stream.unconsumed_tail or self._stream.unused_data

    def whole(self) -> bool:
        """See Unpacker."""
        return self._stream.eof


class _Brotli:
    def __init__(self) -> None:
        self._stream = brotli.Decompressor()

    def unpack(self, data: bytes | memoryview) -> Iterator[bytes]:
        """See Unpacker."""
        data = bytes(data)
        try:
            while True:
                out = self._stream.process(data, output_buffer_limit=PIECE)
                if out:
                    yield out
                if self._stream.can_accept_more_data():
                    return
                data = b""
        except brotli.error as error:
            raise CodingError(str(error)) from error

    def whole(self) -> bool:
        """See Unpacker."""
        return bool(self._stream.is_finished())


class _Zstd:
    def __init__(self) -> None:
        # RFC 9659: 8 MB of window are enough for anybody on the web
        self._options: dict[int, int] = {zstd.DecompressionParameter.window_log_max: 23}
        self._stream = zstd.ZstdDecompressor(options=self._options)

    def unpack(self, data: bytes | memoryview) -> Iterator[bytes]:
        """See Unpacker."""
        try:
            while data or not self._stream.needs_input:
                if self._stream.eof:
                    data = self._stream.unused_data
                    if not data:
                        return
                    self._stream = zstd.ZstdDecompressor(options=self._options)
                out = self._stream.decompress(data, PIECE)
                data = b""
                if out:
                    yield out
                if self._stream.eof:
                    data = self._stream.unused_data
                    if not data:
                        return
        except zstd.ZstdError as error:
            raise CodingError(str(error)) from error

    def whole(self) -> bool:
        """See Unpacker."""
        return bool(self._stream.eof)


_STAGES: dict[bytes, Callable[[], _Stage]] = {
    b"gzip": lambda: _Zlib(31),
    b"x-gzip": lambda: _Zlib(31),
    b"deflate": lambda: _Zlib(zlib.MAX_WBITS),
    b"br": _Brotli,
    b"zstd": _Zstd,
}


class Unpacker:
    """Unpacks a body that was packed with known CODINGS, in the order in which they were applied, and gives it to TAKE.

    `size`: bytes that came out. Raises CodingError; what came out before is right.
    """

    def __init__(self, codings: Sequence[bytes], take: Take) -> None:
        self._stages = [_STAGES[one]() for one in reversed(codings)]
        self._take = take
        self._came = 0
        self.size = 0

    def data(self, data: bytes | memoryview) -> None:
        """More of the body as it was transferred."""
        self._came += len(data)
        self._through(0, data)

    def _through(self, stage: int, data: bytes | memoryview) -> None:
        if stage == len(self._stages):
            self.size += len(data)
            if self.size > MOST or self.size > max(LEAST, self._came * RATIO):
                raise CodingError(f"it becomes {RATIO} times its size, or more than {MOST >> 30} GB")
            self._take(data)
            return
        for out in self._stages[stage].unpack(data):
            self._through(stage + 1, out)

    @property
    def whole(self) -> bool:
        """Whether each coding has come to its end."""
        return all(stage.whole() for stage in self._stages)


def known(codings: Sequence[bytes]) -> list[bytes]:
    """Those of CODINGS that something can be unpacked from; browsers take no notice of others either."""
    found = [one for one in codings if one in _STAGES]
    return found if len(found) <= LAYERS else []
