"""Mutates captures. The same seed and number always give the same bytes."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable

from tests.fuzz.seeds import PACKING, Seed, seeds

SMALL: tuple[int, ...] = (0, 1, 2, 3, 4, 7, 8, 15, 16, 27, 28, 31, 32, 127, 128, 255, 256, 1500, 65_535, 65_536)
LARGE = (262_143, 262_144, 262_145, 999_999, 1_000_000, 16_777_216, 16_777_217)
NUMBERS = SMALL + LARGE + (0x7FFFFFFF, 0x80000000, 0xFFFFFFF0, 0xFFFFFFFF)
LARGEST = 1 << 17


def case(seed: int, number: int) -> tuple[str, bytes]:
    """What the capture is made of, and its bytes."""
    pick = random.Random(f"{seed}:{number}")
    base = pick.choice(seeds())
    data = bytearray(base.data)
    packed_first = bool(base.packing) and pick.random() < 0.5
    places = base.places
    if packed_first:
        data, places = bytearray(PACKING[base.packing][0](bytes(data))), ()
    for _ in range(pick.choice((0, 1, 1, 1, 2, 2, 3, 5, 8))):
        pick.choice(MUTATIONS)(pick, data, places, base)
        del data[LARGEST:]
    if base.packing and not packed_first:
        data = bytearray(PACKING[base.packing][0](bytes(data)))
    return base.name, bytes(data)


def _somewhere(pick: random.Random, data: bytearray, places: tuple[int, ...]) -> int:
    """An offset; most often in the headers of a record, or just behind."""
    if places and pick.random() < 0.7:
        return min(pick.choice(places) + pick.randrange(80), max(0, len(data) - 1))
    return pick.randrange(len(data)) if data else 0


def _flip(pick: random.Random, data: bytearray, places: tuple[int, ...], _: Seed) -> None:
    at = _somewhere(pick, data, places)
    if data:
        data[at] ^= 1 << pick.randrange(8)


def _overwrite(pick: random.Random, data: bytearray, places: tuple[int, ...], _: Seed) -> None:
    at, size = _somewhere(pick, data, places), pick.choice((1, 2, 4, 16, 64))
    data[at : at + size] = pick.randbytes(len(data[at : at + size]))


def _number(pick: random.Random, data: bytearray, places: tuple[int, ...], _: Seed) -> None:
    """A length, a count, a time that lies."""
    at = _somewhere(pick, data, places)
    if places and pick.random() < 0.6:
        at = pick.choice(places) + pick.choice((0, 4, 8, 12, 16, 20, 24))
    value = pick.choice(NUMBERS) if pick.random() < 0.8 else pick.randrange(1 << 32)
    order = pick.choice("<>")
    put = struct.pack(order + "I", value) if pick.random() < 0.7 else struct.pack(order + "H", value & 0xFFFF)
    if at + len(put) <= len(data):
        data[at : at + len(put)] = put


def _cut(pick: random.Random, data: bytearray, places: tuple[int, ...], _: Seed) -> None:
    del data[_somewhere(pick, data, places) :]


def _remove(pick: random.Random, data: bytearray, places: tuple[int, ...], _: Seed) -> None:
    at = _somewhere(pick, data, places)
    del data[at : at + pick.choice((1, 2, 4, 16, 100, 1000))]


def _insert(pick: random.Random, data: bytearray, places: tuple[int, ...], _: Seed) -> None:
    at = _somewhere(pick, data, places)
    data[at:at] = pick.randbytes(pick.choice((1, 2, 4, 16, 100, 5000)))


def _duplicate(pick: random.Random, data: bytearray, places: tuple[int, ...], _: Seed) -> None:
    at, to = _somewhere(pick, data, places), _somewhere(pick, data, places)
    data[to:to] = data[at : at + pick.choice((4, 16, 100, 2000))] * pick.choice((1, 1, 2, 20))


def _splice(pick: random.Random, data: bytearray, places: tuple[int, ...], base: Seed) -> None:
    """The end of another capture."""
    other = pick.choice(seeds())
    tail = PACKING[base.packing][0](other.data) if base.packing and not places else other.data
    data[_somewhere(pick, data, places) :] = tail[pick.choice((*other.places, pick.randrange(len(tail)))) :]


def _swap(pick: random.Random, data: bytearray, places: tuple[int, ...], _: Seed) -> None:
    """Two records change places, or what lies between them and elsewhere does."""
    if len(places) > 3:
        a, b, c = sorted(pick.sample(places[1:], 3))
        data[a:c] = data[b:c] + data[a:b]


def _zero(pick: random.Random, data: bytearray, places: tuple[int, ...], _: Seed) -> None:
    at, size = _somewhere(pick, data, places), pick.choice((4, 64, 600, 4000))
    data[at : at + size] = bytes(len(data[at : at + size]))


Mutation = Callable[[random.Random, bytearray, "tuple[int, ...]", Seed], None]
MUTATIONS: tuple[Mutation, ...] = (
    _flip, _flip, _overwrite, _number, _number, _number, _cut, _remove, _insert, _duplicate, _splice, _swap, _zero,
)  # fmt: skip
