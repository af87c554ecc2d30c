"""What was never seen before. The history is the windows' distinct values: it grows with them, not with traffic."""

from __future__ import annotations

from packetpig.pipelines.stage import Stage


class Seen(Stage):
    """Distinct values of a window: sources, outbound flows, listening ports, domains, user agents, JA4, by capture."""

    reads = ("sessions",)
    uses = ("dns", "http", "tls")
    settings = ("internal",)


class FirstSeen(Stage):
    """First sightings in the whole archive, and captures ranked by the share of what is new in them."""

    reads = ("seen",)
    tables = ("first_seen", "novelty")
    whole = True
