"""Keeps what a process does not need out of it."""

from __future__ import annotations

import ctypes
import os
import sys

LARGE = 1 << 20  # bytes
M_MMAP_THRESHOLD = -3  # of mallopt (glibc)


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


def without_freed_memory() -> None:
    """For processes of our own that follow sessions: what arrays of a megabyte had goes back as soon as they are freed.

    glibc would stop that with the first one, and their places fill with smaller things that stay: a quarter of the
    memory, and it grows for longer. (Not for whoever builds large columns all the time: it makes them slower.)
    Arrow's own allocator keeps what it had as well, so its memory comes from glibc too.
    """
    import pyarrow as pa

    if "MALLOC_MMAP_THRESHOLD_" not in os.environ and hasattr(ctypes.CDLL(None), "mallopt"):
        ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, LARGE)
        if "ARROW_DEFAULT_MEMORY_POOL" not in os.environ:
            pa.set_memory_pool(pa.system_memory_pool())
