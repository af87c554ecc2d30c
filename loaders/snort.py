"""Alerts of Snort: version 3 or 2.9, whichever is installed."""

from packetpig.loaders.engines.alerts import loader

LOADER = loader("SnortLoader", "snort", "one alert: Snort saw a rule's signs in the traffic")
