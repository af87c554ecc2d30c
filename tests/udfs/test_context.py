"""What was going on in a flow around the times of its alerts."""

from __future__ import annotations

from packetpig.udfs.context import around, lookups

WEB = [(20.0, "GET", "h", "/b", 200, "agent"), (10.0, "POST", "h", "/a", 302, None)]
TLS = [(5.0, "TLSv1.2", "name", "ja4", "CN=x")]
FILES = [
    (10.5, "http", "a.txt", "text/plain", "1"),
    (21.0, "http", None, "image/gif", "2"),
    (20.5, "http", "b.gif", "image/gif", None),
    (22.0, "smtp", "c.doc", "application/msword", "3"),
]


def test_the_exchange_that_a_time_is_in_and_its_files() -> None:
    found = around([(19.0, None, None), (20.0, None, None), (19.0, None, None)], WEB, [], FILES)
    assert found == [
        (19.0, "POST", "h", "/a", 302, None, None, None, None, None, "a.txt", "text/plain", "1"),
        (20.0, "GET", "h", "/b", 200, "agent", None, None, None, None, "b.gif", "image/gif", "2"),
    ]


def test_before_the_first_it_is_the_first() -> None:
    assert around([(1.0, None, None)], None, TLS, None) == [
        (1.0, *(None,) * 5, "TLSv1.2", "name", "ja4", "CN=x", *(None,) * 3)
    ]


def test_another_session_on_the_same_ports_does_not_count() -> None:
    (one,) = around([(30.0, 25.0, 1e18)], WEB, TLS, FILES) or []
    assert one == (30.0, *(None,) * 12)
    (one,) = around([(15.0, -1e18, 20.0)], WEB, TLS, []) or []
    assert one[:4] == (15.0, "POST", "h", "/a")


def test_files_without_http() -> None:
    (one,) = around([(23.0, None, None)], [], [], FILES) or []
    assert one[-3:] == ("c.doc", "application/msword", "3")


def test_times_that_are_not_there() -> None:
    assert around(None, WEB, TLS, FILES) is None
    assert around([(None, None, None)], WEB, TLS, FILES) == []
    assert around([(1.0, None, None)], [(None, "GET", "h", "/", 200, None)], None, None) == [(1.0, *(None,) * 12)]


def test_the_last_answer_up_to_a_time() -> None:
    answers = [(5.0, "b"), (1.0, "a"), (9.0, "c"), (None, "d")]
    assert lookups([(6.0,), (0.5,), (8.999999,), (6.0,), (None,)], answers) == [(6.0, "b", 5.0), (8.999999, "c", 9.0)]
    assert lookups([(1.0,)], None) == []
    assert lookups(None, answers) is None
