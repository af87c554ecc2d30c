"""times: bins and ISO text."""

from packetpig.udfs.times import bin, iso


def test_bin() -> None:
    assert bin(125.9, 60) == 120
    assert bin(-1.0, 60) == -60
    assert bin(None, 60) is None
    assert bin(1.0, None) is None
    assert bin(1.0, 0) is None


def test_iso() -> None:
    assert iso(1322644980.171738) == "2011-11-30T09:23:00.171738Z"
    assert iso(None) is None
    assert iso(1e300) is None
    assert iso(float("nan")) is None
