"""Texts and bytes: entropy, what can be printed, hex, base64. Arguments may be chararrays or bytearrays."""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections import Counter
from typing import Any

from packetpig.udfs._values import octets, pure
from packetpig.udfs._values import text as as_text
from pig_util import outputSchema

DUMPED = 4096
"""Bytes that a hexdump shows; one more line says how many there are."""


@pure
@outputSchema("entropy:double")
def entropy(value: Any) -> float | None:
    """Shannon entropy in bits a byte, 0 to 8: text about 4, what is compressed or encrypted nearly 8; empty: 0.

    Pig: `FOREACH packets GENERATE text.entropy(payload);`
    """
    data = octets(value)
    if data is None:
        return None
    size = len(data)
    return abs(sum(count / size * math.log2(size / count) for count in Counter(data).values()))


@pure
@outputSchema("printable:chararray")
def printable(value: Any) -> str | None:
    """The text with a dot for every byte that is not printable ASCII: safe in a file of lines, or on a terminal.

    Pig: `FOREACH packets GENERATE text.printable(payload);`
    """
    data = octets(value)
    return None if data is None else data.translate(SHOWN).decode("ascii")


SHOWN = bytes(one if 32 <= one < 127 else 46 for one in range(256))


@pure
@outputSchema("ratio:double")
def printable_ratio(value: Any) -> float | None:
    """The share of bytes that are printable ASCII, tab, or line ends: 0 to 1; null for an empty value.

    Pig: `FOREACH packets GENERATE text.printable_ratio(payload);`
    """
    data = octets(value)
    return len(data.translate(None, UNPRINTABLE)) / len(data) if data else None


UNPRINTABLE = bytes(one for one in range(256) if not (32 <= one < 127 or one in b"\t\n\r"))


@pure
@outputSchema("hexdump:chararray")
def hexdump(value: Any) -> str | None:
    """Lines of offset, 16 bytes in hexadecimal and as text, like `hexdump -C`; of the first 4096 bytes.

    Pig: `FOREACH packets GENERATE text.hexdump(payload);`
    """
    data = octets(value)
    if data is None:
        return None
    lines = [
        f"{at:08x}  {_hex(data[at : at + 8])}  {_hex(data[at + 8 : at + 16])}  "
        f"|{data[at : at + 16].translate(SHOWN).decode('ascii')}|"
        for at in range(0, min(len(data), DUMPED), 16)
    ]
    return "\n".join([*lines, f"… {len(data)} bytes in all"] if len(data) > DUMPED else lines)


def _hex(data: bytes) -> str:
    return data.hex(" ").ljust(23)


@pure
@outputSchema("hex:chararray")
def hex(value: Any) -> str | None:
    """All bytes in hexadecimal.

    Pig: `FOREACH packets GENERATE text.hex(payload);`
    """
    data = octets(value)
    return None if data is None else data.hex()


@pure
@outputSchema("base64:chararray")
def base64_encode(value: Any) -> str | None:
    """The bytes in base64 (a chararray's in UTF-8): bytes that any text format carries unharmed.

    Pig: `FOREACH packets GENERATE text.base64_encode(payload);`
    """
    data = octets(value)
    return None if data is None else base64.b64encode(data).decode("ascii")


NOT_BASE64 = re.compile(r"[^A-Za-z0-9+/]")


@pure
@outputSchema("bytes:bytearray")
def base64_decode(value: Any) -> bytes | None:
    """The bytes of a text in base64 (or its URL form; spaces and missing `=` do not matter); null if it is none.

    Pig: `FOREACH names GENERATE text.base64_decode(name);`
    """
    found = as_text(value)
    if found is None:
        return None
    found = "".join(found.split()).replace("-", "+").replace("_", "/").rstrip("=")
    if NOT_BASE64.search(found):
        return None
    try:
        return base64.b64decode(found + "=" * (-len(found) % 4))
    except (binascii.Error, ValueError):
        return None


@pure
@outputSchema("items:{item:(value:chararray)}")
def explode(value: Any) -> list[tuple[str | None]] | None:
    """A bag with one row for each field of a tuple, or of each tuple of a bag.

    Pig: `FOREACH flows GENERATE src, FLATTEN(text.explode(TOTUPLE(src, dst))) AS address;`
    """
    if value is None:
        return None
    rows = value if isinstance(value, list) else [value if isinstance(value, tuple) else (value,)]
    return [(_plain(field),) for row in rows for field in row]


def _plain(field: Any) -> str | None:
    found = as_text(field)
    return found if found is not None or field is None else str(field)
