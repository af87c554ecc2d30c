"""What was never seen before. The history is the windows' distinct values: it grows with them, not with traffic."""

from __future__ import annotations

from packetpig.pipelines.stage import Stage


class Seen(Stage):
    """Distinct values of a window, by capture: sources, outbound flows, ports, domains, files and so on."""

    reads = ("sessions",)
    uses = ("dns", "http", "tls", "files", "alerts")
    settings = ("internal",)


class FirstSeen(Stage):
    """First sightings in the whole archive, and captures ranked by the share of what is new in them."""

    reads = ("seen",)
    tables = ("first_seen", "novelty")
    whole = True
