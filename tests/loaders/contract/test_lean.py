"""What processes of ours leave out, and that it is there for whoever wants it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

SCRIPT = """
import sys
import pyarrow as pa
from packetpig.loaders.contract.lean import without_pandas
without_pandas()
assert "_No" not in map(lambda one: type(one).__name__, sys.meta_path)
pa.array(["text", None])
assert "pandas" not in sys.modules
assert pa.table({"a": [1, 2]}).to_pandas()["a"].sum() == 3
"""


def test_pandas_only_where_it_is_asked_for() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


HOLES = """
import re
import sys
import numpy as np
from packetpig.loaders.contract.lean import without_freed_memory

def anonymous():
    return int(re.search(r"RssAnon:\\s+(\\d+)", open("/proc/self/status").read())[1]) // 1024

if sys.argv[1] == "yes":
    without_freed_memory()
for megabytes in (4, 30):  # what is freed first makes glibc keep the next ones
    np.ones(megabytes << 20, np.uint8)
kept = [np.ones(2 << 20, np.uint8) for _ in range(16)]
full = anonymous()
del kept[::2]
print(full - anonymous())
"""


@pytest.mark.parametrize("wanted", ["yes", "no"])
def test_large_arrays_give_their_memory_back(wanted: str) -> None:
    command = [sys.executable, "-c", HOLES, wanted]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert (int(done.stdout) > 12) == (wanted == "yes")
