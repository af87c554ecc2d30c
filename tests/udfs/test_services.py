"""Protocols and their ports."""

from __future__ import annotations

from packetpig.loaders.kernels.slots import SERVICES
from packetpig.udfs import services


def test_usual_ports() -> None:
    assert services.usual("ssh", 22) is True
    assert services.usual("ssh", 443) is False
    assert services.usual(b"http", 8080) is True


def test_what_is_not_known_is_not_judged() -> None:
    for service, port in (("stun", 3478), ("bittorrent", 6881), ("", 80), ("gopher", 70), ("http", None)):
        assert services.usual(service, port) is None


def test_every_name_is_one_that_sessions_have() -> None:
    assert set(services.PORTS) <= set(SERVICES)
    assert all(0 < port < 65536 for ports in services.PORTS.values() for port in ports)
