"""What functions share: arguments as text, and `pure`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def pure(function: Callable[..., Any]) -> Callable[..., Any]:
    """Above @outputSchema: equal arguments always give equal answers, so that the bridge may remember them."""
    function.pure = True  # type: ignore[attr-defined]
    return function


def text(value: Any, most: int = 0) -> str | None:
    """An argument as text: str for a chararray, bytes for a field without type. MOST: characters kept; 0: all."""
    if isinstance(value, str):
        return value[:most] if most else value
    if value is None:
        return None
    if isinstance(value, bytes | bytearray):
        return bytes(value[: most * 4] if most else value).decode("utf-8", "replace")[: most or None]
    if isinstance(value, bool | int | float):
        return str(value)
    return None


def octets(value: Any, most: int = 0) -> bytes | None:
    """An argument as bytes; text is taken as UTF-8. MOST: bytes kept; 0: all."""
    if isinstance(value, bytes | bytearray):
        return bytes(value[:most] if most else value)
    found = text(value, most)
    if found is None:
        return None
    data = found.encode("utf-8", "surrogatepass")
    return data[:most] if most else data
