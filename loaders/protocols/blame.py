"""Whose fault an error is, where parsers of several kinds share what they read."""

from __future__ import annotations


class Blame:
    """With it, an error is of that KIND, as far as nobody else was blamed: `kind_of` has it."""

    __slots__ = ("kind",)

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def __enter__(self) -> None:
        return

    def __exit__(self, _: object, error: BaseException | None, trace: object) -> None:
        if error is not None and not hasattr(error, "kind_of_rows"):
            error.kind_of_rows = self.kind  # type: ignore[attr-defined]


def kind_of(error: BaseException, otherwise: str) -> str:
    """The kind that an error is of."""
    return str(getattr(error, "kind_of_rows", otherwise))
