"""Where addresses are."""

from __future__ import annotations

from typing import Any

from packetpig.pipelines.run import Run
from packetpig.pipelines.stage import Stage
from packetpig.udfs import _places


class Enriched(Stage):
    """Country, city, coordinates and AS of each address of a window."""

    reads = ("sessions",)
    regards = {"sessions": "ids"}  # noqa: RUF012
    columns = {  # noqa: RUF012
        "enriched": "ip:chararray, country:chararray, country_name:chararray, city:chararray, lat:double, lon:double, "
        "asn:int, as_org:chararray"
    }

    @classmethod
    def left_out(cls, run: Run) -> str:
        """See Stage: without a database there is nothing to say."""
        return "" if _places.files() else "there is no geolocation database; `make geoip` gets a free one"

    @classmethod
    def more(cls, run: Run, window: str) -> Any:
        """The databases."""
        return [[path.name, path.stat().st_size, path.stat().st_mtime_ns] for path in _places.files()]
