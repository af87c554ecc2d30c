"""What stands out by the shape of sessions."""

from __future__ import annotations

from packetpig.pipelines.stage import Stage


class Anomalies(Stage):
    """Scans, floods, guessing, beacons, foreign and first ports, DNS tunnels (docs/anomalies.md).

    Over the whole archive, because what is slow or new is so only beside all else.
    """

    reads = ("sessions",)
    uses = ("dns",)
    whole = True
    settings = ("internal",)
    columns = {  # noqa: RUF012
        "anomalies": "sensor:chararray, ts:double, end_ts:double, kind:chararray, severity:int, src:chararray, "
        "dst:chararray, dport:int, proto:chararray, count:long, score:double, detail:chararray, session_id:chararray"
    }
