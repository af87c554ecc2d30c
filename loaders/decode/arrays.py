"""Arrow arrays to and from numpy by their buffers.

What pyarrow has for it (pa.array, pa.scalar, Array.to_numpy) imports pandas first, where that is installed: that takes
longer than many a filter over a gigabyte.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa


def numbers(array: pa.Array, kind: Any) -> np.ndarray[Any, Any]:
    """The values of an array of numbers, KIND as numpy has them; where there is null, whatever stands there."""
    values = np.frombuffer(array.buffers()[1], kind, array.offset + len(array)) if len(array) else np.empty(0, kind)
    return values[array.offset :]


def bits(array: pa.BooleanArray) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """0 and 1 for an array of booleans without nulls."""
    if not len(array):
        return np.empty(0, np.uint8)
    packed = np.frombuffer(array.buffers()[1], np.uint8)
    return np.unpackbits(packed, bitorder="little", count=array.offset + len(array))[array.offset :]


def booleans(values: np.ndarray[Any, np.dtype[np.bool_]]) -> pa.BooleanArray:
    """An array of booleans."""
    packed = np.packbits(values, bitorder="little")
    return pa.Array.from_buffers(pa.bool_(), len(values), [None, pa.py_buffer(packed)])


def texts(values: Sequence[str]) -> pa.StringArray:
    """An array of texts."""
    data = [value.encode() for value in values]
    ends = np.zeros(len(data) + 1, np.int32)
    np.cumsum([len(one) for one in data], out=ends[1:])
    return pa.Array.from_buffers(pa.string(), len(data), [None, pa.py_buffer(ends), pa.py_buffer(b"".join(data))])
