"""MIME: what its headers say, within bounds, and encodings that are damaged."""

from __future__ import annotations

import base64

import pytest
from packetpig.loaders.contract.report import Report
from packetpig.loaders.protocols import mime
from packetpig.loaders.protocols.room import Room


class Kept:
    """A Body that keeps what it is given."""

    def __init__(self) -> None:
        self.bytes, self.complete = b"", False

    def data(self, data: bytes | memoryview) -> None:
        self.bytes += data

    def hole(self, size: int | None) -> None:
        raise AssertionError("nothing is missing")

    def end(self, complete: bool) -> None:
        self.complete = complete


def test_names_among_many_parameters() -> None:
    """The library takes the square of their number: no more than some are looked at."""
    for count, found in ((60, "a;b.txt"), (64, None), (50_000, None)):
        value = "attachment; " + "x=y; " * count + 'filename="a;b.txt"'
        assert mime.disposition(value.encode()) == found
        head = f"Content-Type: text/plain; {'x=y; ' * count}\r\nContent-Disposition: {value}\r\n"
        part = mime.part_of(head.encode())
        assert (part.kind, part.disposition, part.filename) == ("text/plain", "attachment", found)


@pytest.mark.parametrize("size", [1, 7, 1000])
@pytest.mark.parametrize(
    ("sent", "bytes_", "complete"),
    [
        (base64.b64encode(b"hello"), b"hello", True),
        (base64.b64encode(b"hello").rstrip(b"="), b"hello", False),
        (base64.b64encode(b"hello!") + b"Q", b"hello!", False),
        (base64.b64encode(b"hello") + b"\r\n\r\n", b"hello", True),
        (base64.b64encode(b"hello") + b"\r\nQUJD", b"hello", False),
        (base64.b64encode(b"hello!") + b"=QUJD", b"hello!", False),
    ],
)
def test_base64(sent: bytes, bytes_: bytes, complete: bool, size: int) -> None:
    """Letters that are left over, or come after the end, are nothing that was sent whole."""
    body, report = Kept(), Report()
    reader = mime.Reader(lambda _: body, report, Room(1 << 20), b"x")
    text = b"--x\r\nContent-Transfer-Encoding: base64\r\n\r\n" + sent + b"\r\n--x--\r\n"
    for at in range(0, len(text), size):
        reader.data(text[at : at + size])
    reader.end(True)
    assert (body.bytes, body.complete) == (bytes_, complete)
    assert report.counters.get("mime: parts whose encoding is damaged", 0) == (not complete)
