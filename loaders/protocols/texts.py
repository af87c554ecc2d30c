"""Text off the wire."""

from __future__ import annotations


def text(octets: bytes | None) -> str | None:
    r"""OCTETS as text: UTF-8, and what is none as \xNN, so that nothing is lost."""
    return None if octets is None else octets.decode("utf-8", "backslashreplace")
