"""Work done ahead, in threads of its own: compiled code lets other threads run meanwhile."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from queue import SimpleQueue
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


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


def in_order(work: Callable[[T], R], pieces: Iterator[T], threads: int) -> Iterator[R]:
    """What WORK makes of each of the PIECES, in their order; done by THREADS, one piece more than those ahead at most.

    What it raises is raised here, in its turn. (concurrent.futures does this too, and takes longer to import.)
    """
    todo: SimpleQueue[tuple[T, SimpleQueue[tuple[R | None, BaseException | None]]] | None] = SimpleQueue()
    given_up = False

    def run() -> None:
        while (task := todo.get()) is not None:
            piece, answer = task
            try:
                answer.put((None if given_up else work(piece), None))
            except BaseException as error:  # it belongs to whoever takes the answers
                answer.put((None, error))

    pool = [threading.Thread(target=run, daemon=True) for _ in range(threads)]
    for thread in pool:
        thread.start()
    waiting: deque[SimpleQueue[tuple[R | None, BaseException | None]]] = deque()
    more = True
    try:
        while more or waiting:
            while more and len(waiting) <= threads:
                try:
                    piece = next(pieces)
                except StopIteration:
                    more = False
                else:
                    waiting.append(SimpleQueue())
                    todo.put((piece, waiting[-1]))
            if waiting:
                result, error = waiting.popleft().get()
                if error is not None:
                    raise error
                yield result  # type: ignore[misc]
    finally:
        given_up = True
        for _ in pool:
            todo.put(None)
        for thread in pool:
            thread.join()
