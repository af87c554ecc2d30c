"""What marks a function as a kernel: used when the kernels are built, never at run time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba

_pointer: Any = numba.types.CPointer
_TYPES = {
    "bytes": _pointer(numba.uint8),
    "int32s": _pointer(numba.int32),
    "int64s": _pointer(numba.int64),
    "doubles": _pointer(numba.float64),
    "int": numba.int64,
}

KERNELS: dict[str, tuple[tuple[str, ...], Any]] = {}


def kernel(*parameters: str) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Mark a function that is to be compiled. PARAMETERS are names of `_TYPES`; it returns an int."""

    def mark(function: Callable[..., int]) -> Callable[..., int]:
        signature = numba.int64(*[_TYPES[name] for name in parameters])
        compiled = numba.cfunc(signature, error_model="numpy")(function)
        KERNELS[function.__name__] = (parameters, compiled)
        return function

    return mark


inline = numba.njit(inline="always", error_model="numpy")
"""Marks a helper that becomes part of the kernels that call it."""

helper = numba.njit(error_model="numpy")
"""Marks a helper that is called by kernels."""
