"""Values: what goes between Pig and Python functions."""

import base64
import struct

from fake_functions import decode, encode
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63), (1 << 63) - 1)
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4).map(tuple)
        | st.lists(st.lists(inner, max_size=3).map(tuple), max_size=4)
        | st.dictionaries(st.text(), inner, max_size=1)
    ),
    max_leaves=20,
)
RULES = settings(max_examples=300, deadline=2000, suppress_health_check=[HealthCheck.function_scoped_fixture])


@RULES
@given(VALUES)
def test_values_come_back_as_they_were(probe, value):
    data = encode(value)
    again = base64.b64decode(probe.ask("value", bytes=base64.b64encode(data).decode()))
    assert decode(again, 0) == (value, len(again))


@RULES
@given(st.binary(max_size=60))
def test_broken_values_are_refused(probe, data):
    """Or understood, if they happen to be whole."""
    probe.ask_all("value", bytes=base64.b64encode(data).decode())


def test_counts_that_lie(probe):
    for tag in b"cbtgm":
        data = bytes([tag]) + struct.pack(">i", 0x7FFFFFFF)
        assert "longer than its frame" in probe.error("value", bytes=base64.b64encode(data).decode())
