"""Makes an .mmdb of AS numbers from CSV with first and last address, number, organisation (bin/geoip).

Usage: python -m packetpig.udfs._systems OUT.mmdb IN.csv …
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

from packetpig.udfs._mmdb import Writer


def convert(out: Path, sources: list[Path]) -> None:
    """Write OUT from all sources."""
    writer = Writer("ASN of ip-location-db")
    for source in sources:
        with source.open(encoding="utf-8", newline="") as file:
            for first, last, number, organisation, *_ in csv.reader(file):
                writer.add_range(
                    first,
                    last,
                    {"autonomous_system_number": int(number), "autonomous_system_organization": organisation},
                )
    writer.write(out)


if __name__ == "__main__":
    convert(Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]])
