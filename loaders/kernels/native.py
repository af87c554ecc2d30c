"""The compiled kernels, to be called with numpy arrays and numbers: `native.pcap_records(buffer, …)`.

Nothing is compiled here and numba is not imported. A call lets other Python threads run.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
COMPILED = HERE / "compiled"
SOURCES = sorted(
    path for path in HERE.glob("*.py") if path.name not in ("__init__.py", "build.py", "native.py", "kernel.py")
)


class NotBuiltError(RuntimeError):
    """The kernels are missing or older than their sources."""


def sources_digest() -> str:
    """Digest of the kernels' sources."""
    digest = hashlib.sha256()
    for path in (*SOURCES, HERE / "kernel.py", HERE / "build.py"):
        digest.update(path.read_bytes())
    return digest.hexdigest()


@functools.cache
def library() -> dict[str, Callable[..., int]]:
    """All kernels by name."""
    try:
        table = json.loads((COMPILED / "kernels.json").read_text())
        shared = ctypes.CDLL(str(COMPILED / "kernels.so"))
    except OSError as error:
        raise NotBuiltError(f"the decoder is not compiled ({error}); run `make setup`") from error
    if SOURCES and table["sources"] != sources_digest():
        raise NotBuiltError("the decoder is older than its sources; run `make setup`")
    kernels: dict[str, Callable[..., int]] = {}
    for name, parameters in table["kernels"].items():
        function = shared[name]
        function.restype = ctypes.c_int64
        function.argtypes = [ctypes.c_int64 if kind == "int" else ctypes.c_void_p for kind in parameters]
        kernels[name] = function
    return kernels


def __getattr__(name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(name)
    try:
        return library()[name]
    except KeyError:
        raise AttributeError(f"no kernel {name}") from None
