"""Keeps what a process does not need out of it."""

from __future__ import annotations

import sys


class _No:
    """There is no pandas."""

    def find_spec(self, name: str, *_: object) -> None:
        """As importlib asks it."""
        if name == "pandas":
            raise ModuleNotFoundError(name)


def without_pandas() -> None:
    """For processes of our own: pyarrow's first array would import pandas where there is one (0.4 s, 25 to 40 MB).

    It only wants to know whether arrays come from pandas, and asks once. `to_pandas` still works afterwards.
    """
    if "pandas" in sys.modules:
        return
    import pyarrow as pa

    finder = _No()
    sys.meta_path.insert(0, finder)
    try:
        pa.array([0])
    finally:
        sys.meta_path.remove(finder)
