"""Work done one step ahead, in a thread of its own: compiled code lets other threads run meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from queue import SimpleQueue
from typing import TypeVar

T = TypeVar("T")


def ahead(fill: Callable[[T], bool], slots: Sequence[T]) -> Iterator[T]:
    """Give the SLOTS in turn, each filled by FILL in a thread; a slot is filled again once the next one was asked for.

    FILL returns whether there is more. What it raises is raised here, in its turn.
    """
    free: SimpleQueue[T | None] = SimpleQueue()
    full: SimpleQueue[tuple[T | None, BaseException | None]] = SimpleQueue()
    for slot in slots:
        free.put(slot)

    def work() -> None:
        try:
            more = True
            while more:
                slot = free.get()
                if slot is None:
                    return
                more = fill(slot)
                full.put((slot, None))
            full.put((None, None))
        except BaseException as error:  # it belongs to whoever takes the slots
            full.put((None, error))

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        while True:
            filled, error = full.get()
            if error is not None:
                raise error
            if filled is None:
                return
            yield filled
            free.put(filled)
    finally:
        free.put(None)
        thread.join()
