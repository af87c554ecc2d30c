"""Numbers read from bytes. Each byte is made an int64 first: numba's arithmetic on uint8 is not that of integers."""

import numpy as np
from packetpig.loaders.kernels.kernel import inline


@inline
def byte(buf, at):
    """Unsigned 8 bits."""
    return np.int64(buf[at])


@inline
def be16(buf, at):
    """Unsigned 16 bits, network order."""
    return (np.int64(buf[at]) << 8) | np.int64(buf[at + 1])


@inline
def be32(buf, at):
    """Unsigned 32 bits, network order."""
    return (
        (np.int64(buf[at]) << 24) | (np.int64(buf[at + 1]) << 16) | (np.int64(buf[at + 2]) << 8) | np.int64(buf[at + 3])
    )


@inline
def le16(buf, at):
    """Unsigned 16 bits, least significant byte first."""
    return (np.int64(buf[at + 1]) << 8) | np.int64(buf[at])


@inline
def le32(buf, at):
    """Unsigned 32 bits, least significant byte first."""
    return (
        (np.int64(buf[at + 3]) << 24) | (np.int64(buf[at + 2]) << 16) | (np.int64(buf[at + 1]) << 8) | np.int64(buf[at])
    )
