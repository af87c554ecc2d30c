"""Runs of bytes: copied, compared, searched, several at once.

Indices are unsigned where that counts: numba takes a negative one for a place counted from the end, which keeps the
compiler from taking many bytes together.
"""

import numpy as np
from packetpig.loaders.kernels.kernel import helper, inline

NEWLINE = 10
EACH = np.uint64(0x0101010101010101)
HIGH = np.uint64(0x8080808080808080)


@inline
def load64(buf, p):
    """Eight bytes as a number, network order."""
    value, at = np.uint64(0), np.uint64(p)
    for k in range(8):
        value = (value << np.uint64(8)) | np.uint64(buf[at + np.uint64(k)])
    return value


@helper
def copied(out, at, buf, source, count):
    """Copy COUNT bytes, and give where they end."""
    to, begin = np.uint64(at), np.uint64(source)
    for k in range(np.uint64(max(count, 0))):
        out[to + np.uint64(k)] = buf[begin + np.uint64(k)]
    return at + count


@helper
def newline(buf, at, end):
    """Where the next newline is; END without one."""
    while at + 8 <= end:
        word = load64(buf, at) ^ (EACH * np.uint64(NEWLINE))
        if (word - EACH) & ~word & HIGH != np.uint64(0):
            break
        at += 8
    while at < end and np.int64(buf[np.uint64(at)]) != NEWLINE:
        at += 1
    return at


@helper
def same(buf, one, other, count):
    """Whether the bytes at two places are the same."""
    k = np.int64(0)
    while k + 8 <= count:
        if load64(buf, one + k) != load64(buf, other + k):
            return False
        k += 8
    while k < count:
        if np.int64(buf[np.uint64(one + k)]) != np.int64(buf[np.uint64(other + k)]):
            return False
        k += 1
    return True
