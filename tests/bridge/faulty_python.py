"""The real worker of loaders, but that of all that start with one MARK the first does something wrong.

Called as `faulty_python.py FAULT MARK -m MODULE [argument …]`. FAULT: `dies` (SIGKILL) or `stops` (SIGSTOP), each when
rows were given, or `dies-keeping`, when a part of a file was written to `store=`. MARK, a file, has its process's id.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
from pathlib import Path
from typing import IO

from packetpig.loaders.bridge import worker
from packetpig.loaders.filing.keeping import Keeping

FAULT, MARK, _, MODULE, *ARGUMENTS = sys.argv[1:]


def first() -> bool:
    """Whether nobody with this mark did it before."""
    mine = Path(f"{MARK}.{os.getpid()}")
    mine.write_text(str(os.getpid()))
    try:
        os.link(mine, MARK)
    except FileExistsError:
        return False
    finally:
        mine.unlink()
    return True


def go_wrong() -> None:
    if first():
        os.kill(os.getpid(), signal.SIGSTOP if FAULT == "stops" else signal.SIGKILL)


if FAULT == "dies-keeping":
    begun = Keeping._begun

    def written(self: Keeping) -> IO[bytes]:
        file = begun(self)
        file.flush()
        go_wrong()
        return file

    Keeping._begun = written  # type: ignore[method-assign]
else:
    batch = worker.Stream.batch

    def given(self: worker.Stream, rows, message=None) -> None:  # type: ignore[no-untyped-def]
        batch(self, rows, message)
        if rows.num_rows:
            self._sink.flush()
            go_wrong()

    worker.Stream.batch = given  # type: ignore[method-assign]

sys.argv = [MODULE, *ARGUMENTS]
if worker.__name__ == MODULE:
    sys.exit(worker.main())
runpy.run_module(MODULE, run_name="__main__", alter_sys=True)
