"""Alerts of Suricata."""

from packetpig.loaders.engines.alerts import loader

LOADER = loader("SuricataLoader", "suricata", "one alert: Suricata saw a rule's signs in the traffic")
