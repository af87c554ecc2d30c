"""What processes of ours leave out, and that it is there for whoever wants it."""

from __future__ import annotations

import subprocess
import sys

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
