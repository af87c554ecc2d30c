"""N-grams: our counting against a loop with Python's Counter over the same payloads."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from tests.bench.case import Case, faster
from tests.bench.measure import best, run
from tests.bench.workshop import Workshop
from tests.conftest import ROOT

PACKETPIG, PIG = str(ROOT / "bin/packetpig"), str(ROOT / "bin/pig")

# the peer is given its payloads without decoding them itself: only the counting is compared
COUNTER = """
import sys
from collections import Counter
from packetpig.loaders import load
n, counts = int(sys.argv[2]), Counter()
for batch in load("packets", sys.argv[1], ["payload"], where="payload IS NOT NULL"):
    for payload in batch.column(0).to_pylist():
        if n == 1:
            counts.update(payload)
        else:
            counts.update(zip(*(payload[k:] for k in range(n))))
"""


def cases(workshop: Workshop) -> Iterator[Case]:
    """All cases of n-grams."""
    big = str(workshop.warm(workshop.capture(1000)))
    for n in (1, 2, 3):
        ours = best([PACKETPIG, "load", "ngrams", big, "--option", f"n={n}", "--format", "arrow"], 3)
        peer = run([sys.executable, "-c", COUNTER, big, str(n)])
        yield faster(f"{n}-grams of 1 GB; peer: a loop with Counter", ours, peer, 20)
