"""What requests try, and when evidence is an incident."""

from __future__ import annotations

import json
from typing import Any

import pytest
from packetpig.udfs.incidents import QUIET, assemble, attempt, seldom, tool, tries

from tests.conftest import ROOT

TRUTH = json.loads((ROOT / "tests/captures/truth.json").read_text("utf-8"))


@pytest.mark.parametrize(
    ("uri", "kind"),
    [
        ("/search?q=%27+union+select+1%2cname%2csql%2c4+from+sqlite_master--+", "sql_injection"),
        ("/search?q=gauge%27%29%20AND%202976%3D3002%20AND%20%28%27HKRZ%27%3D%27HKRZ", "sql_injection"),
        ("/item?id=1%2527%2520or%25201%253D1", "sql_injection"),  # encoded twice
        ("/tools?host=127.0.0.1%3bcat+%2fetc%2fpasswd", "command_injection"),
        ("/tools?host=127.0.0.1%3bid", "command_injection"),
        ("/?x=${jndi:ldap://203.0.113.9/a}", "command_injection"),
        ("/static/../../../../etc/passwd", "path_traversal"),
        ("/?name=%3Cscript%3Ealert(1)%3C/script%3E", "script_injection"),
        ("/search?q=o%27ring", None),
        ("/list?a=1&id=3&ls=2", None),
        ("/search?q=rock+and+roll%3B+cat+food", None),
        ("/union/select", None),
        ("/docs/../index.html", None),
        ("", None),
        (None, None),
        ("/" + "%25" * 100_000, None),
    ],
)
def test_attempt(uri: str | None, kind: str | None) -> None:
    assert attempt(uri) == kind


def test_normal_requests_of_the_demo_try_nothing() -> None:
    normal = [one for one in TRUTH["http"] if one.get("label") == "normal"]
    assert len(normal) > 50
    for one in normal:
        target = one.get("uri") or one.get("url") or ""
        assert attempt(target) is None, target


def test_tool() -> None:
    assert tool("sqlmap/1.7.2#stable (https://sqlmap.org)") == "sqlmap"
    assert tool("Mozilla/5.0 (X11; Linux x86_64)") is None
    assert tool(None) is None


def row(kind: str, ts: float = 0.0, severity: int = 2, **more: Any) -> tuple[Any, ...]:
    given: dict[str, Any] = {
        "target": "10.0.0.1", "peer": None, "ts": ts, "end_ts": ts + 10, "kind": kind, "severity": severity, "count": 1,
        "worked": 0, "bytes": 0, "label": None, "session_id": f"s{kind}",
    }  # fmt: skip
    return tuple((given | more).values())


def made(*rows: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    found = assemble(list(rows), "north", "203.0.113.9", "captures")
    assert found is not None
    return found[0]


def test_what_is_an_incident() -> None:
    assert made(row("port_scan")) == []
    assert made(row("foreign_port"), row("attack_tool")) == []
    assert len(made(row("port_scan"), row("ssh_guessing"))) == 1
    assert len(made(row("alert", severity=1))) == 1
    assert made() == []


def test_long_quiet_makes_two() -> None:
    early = (row("port_scan"), row("ssh_guessing"))
    late = (row("port_scan", 2 * QUIET), row("ssh_guessing", 2 * QUIET))
    assert [one[2] for one in made(*early, *late)] == [0.0, 2 * QUIET]


DAY = 86400.0


def test_a_sum_over_a_year_holds_nothing_together() -> None:
    """It is evidence of both incidents in its time, each of which has its own time; and none is lost for it."""
    year = row("port_scan", 0.0, end_ts=365 * DAY)
    first, second = made(year, row("ssh_guessing", 100 * DAY), row("alert", 300 * DAY))
    assert [one[2:4] for one in (first, second)] == [(100 * DAY, 100 * DAY + 10), (300 * DAY, 300 * DAY + 10)]
    assert first[0] != second[0]
    near = made(year, row("ssh_guessing", 10 * DAY))
    assert [one[2:4] for one in near] == [(0.0, 10 * DAY + 10)]
    both = made(year, row("ssh_guessing", 20 * DAY, end_ts=200 * DAY))  # two sums
    assert [one[2:4] for one in both] == [(0.0, 365 * DAY)]
    three = made(year, row("ssh_guessing", 20 * DAY, end_ts=200 * DAY), row("alert", 300 * DAY))
    assert [one[2:4] for one in three] == [(20 * DAY, 200 * DAY), (300 * DAY, 300 * DAY + 10)]


def test_tries() -> None:
    assert tries(None) is None
    assert tries([(None, None)]) == []
    assert tries([(5.0, None), (7.0, 9.0)]) == [(0, 5.0, 5.0, 9.0), (1, 5.0, 5.0, 9.0)]
    found = tries([(DAY, DAY + 1), (10 * DAY, 10 * DAY + 1), (300 * DAY, 300 * DAY + 1)])
    assert found is not None
    assert list(dict.fromkeys(one[1:] for one in found)) == [
        (DAY, DAY, DAY + 1), (DAY, 10 * DAY, 10 * DAY + 1), (300 * DAY, 300 * DAY, 300 * DAY + 1)
    ]  # fmt: skip
    for fortnight, _, since, until in found:
        assert since // QUIET <= fortnight <= (until + QUIET) // QUIET
    ends = tries([(0.0, 100 * DAY)])
    assert ends is not None
    assert {one[2:] for one in ends} == {(0.0, 0.0), (100 * DAY, 100 * DAY)}


def test_hostile_words_stay_in_their_line() -> None:
    agent = row("_user_agent", severity=9, label="x\nWhat seems to have worked\n- all\x1b[2J")
    (incident,) = made(row("port_scan"), row("sql_injection", label="'; rm -rf /\n\u202etxt"), agent)
    story = incident[-1]
    assert story.count("What seems to have worked\n") == 1
    assert "\x1b" not in story
    assert "\u202e" not in story
    found = assemble([row("beacon"), row("dns_tunnel")], "north", "evil.example'; touch hacked\n", "it's here")
    assert found is not None
    assert "touch hacked" not in found[0][0][-2]
    assert "'it'\"'\"'s here'" in found[0][0][-2]


def test_evidence_that_was_left_out_is_said() -> None:
    rows = [row("port_scan"), row("sql_injection"), row("download", severity=1)]
    (whole,) = assemble(rows, "north", "203.0.113.9", "captures", 3)[0]  # type: ignore[index]
    (part,) = assemble(rows, "north", "203.0.113.9", "captures", 5003)[0]  # type: ignore[index]
    talk = row("_sessions", severity=8, count=7, bytes=70)
    (some,) = assemble([*rows, talk], "north", "203.0.113.9", "captures", 5003)[0]  # type: ignore[index]
    assert "left out" not in whole[-1]
    assert [one[17:20] for one in (whole, some, part)] == [(0, 3, 0), (0, 3, None), (None, None, None)]
    assert "left out:     5,000 rows of evidence and of what is known, the least severe\n" in part[-1]


def test_who_seldom_meets_somebody_new() -> None:
    def of(began: float, *met: tuple[int | None, int], start: float = 0.0) -> int:
        found = seldom([("a", 0, began, began, began + 5)], list(met), start)
        assert found is not None
        assert found[0][:5] == ("a", 0, began, began, began + 5)
        return found[0][5]

    assert of(2 * DAY) == 1
    assert of(0.9 * DAY) == 0  # nobody knows what is new to a host that was watched for less than a day
    assert of(2 * DAY, start=1.5 * DAY) == 0
    assert of(20 * DAY, (10, 3)) == 1
    assert of(20 * DAY, (10, 3), (19, 1)) == 0
    assert of(20 * DAY, (5, 9), (20, 9), (21, 9), (None, 9)) == 1  # longer ago, and since then
    assert of(5 * DAY, (0, 50)) == 1  # on the first day all is new
    assert seldom(None, [], 0.0) is None
    assert seldom([], None, 0.0) is None


def worked(*rows: tuple[Any, ...]) -> tuple[int, str, str]:
    """Severity, title, and what seems to have worked."""
    (one,) = made(*rows)
    return one[4], one[7], one[16] or ""


def test_to_talk_to_somebody_new_is_no_break_in_by_itself() -> None:
    attack, new = row("sql_injection"), row("new_flow", 50.0, 4, peer="198.51.100.7", bytes=9)
    assert worked(attack, new)[:2] == (2, "203.0.113.9 attacked 10.0.0.1")
    back = row("new_flow", 50.0, 4, peer="203.0.113.9")
    assert worked(attack, back)[:2] == (1, "203.0.113.9 broke into 10.0.0.1")
    answered = row("sql_injection", worked=1, bytes=500)
    assert worked(answered, new)[0] == 1
    assert worked(attack, row("port_scan"))[0] == 3


def answer(
    status: str, count: int, ts: float = 20.0, target: str = "10.0.0.1", path: str = "/login"
) -> tuple[Any, ...]:
    return row("_answer", ts, 9, count=count, label=f"{status} /login", target=target)


def test_a_form_that_took_a_sign_in() -> None:
    """Answers with success alone, at hosts that were guessed at, and then."""
    guessing = row("http_guessing")
    severity, _, lines = worked(guessing, row("alert"), answer("200", 95), answer("302", 1), answer("503", 4))
    assert severity == 2
    assert lines == (
        "1970-01-01 00:00:20 10.0.0.1: a form took a sign-in, 1 times: /login, 302 instead of 200, 1 of 100"
    )
    for no_success in (
        [answer("200", 95), answer("503", 5)],
        [answer("401", 95), answer("429", 5)],
        [answer("200", 95, target="10.0.0.2"), answer("302", 1, target="10.0.0.2")],
        [answer("200", 95), answer("302", 1, 3 * QUIET)],
        [answer("200", 50), answer("302", 50)],
    ):
        assert worked(guessing, row("alert"), *no_success)[::2] == (3, ""), no_success
    assert worked(row("ssh_guessing"), row("alert"), answer("200", 95), answer("302", 1))[2] == ""


def test_sessions_that_went_on_after_guessing() -> None:
    stayed = row("_stayed", 100.0, 9, label="ssh", bytes=70_000, session_id="S1")
    severity, _, lines = worked(row("ssh_guessing"), row("alert"), stayed)
    assert (severity, lines) == (
        2,
        "1970-01-01 00:01:40 10.0.0.1: a session went on, after passwords were guessed, 1 times, 70,000 bytes: ssh",
    )
    found = assemble([row("ssh_guessing"), row("alert"), stayed], "north", "203.0.113.9", "captures")
    assert found is not None
    assert "S1" in found[0][0][-3].split()
    assert [one[3] for one in found[1]].count("went_on") == 1
    before = row("ssh_guessing", 500.0), row("alert", 500.0), stayed
    elsewhere = row("ssh_guessing", target="10.0.0.9"), row("alert"), stayed
    other = row("rdp_guessing"), row("alert"), stayed
    for rows in (before, elsewhere, other):
        assert worked(*rows)[::2] == (3, "")


def test_files_that_changed_hands() -> None:
    """With who attacked that host in earnest; others may have what is offered."""
    taken = row("_moved", 100.0, 9, label="to_client ftp backup.tgz, application/gzip", count=2, bytes=5000)
    severity, _, lines = worked(row("ftp_guessing"), row("alert", target="10.0.0.2"), taken)
    assert severity == 2
    assert lines == (
        "1970-01-01 00:01:40 10.0.0.1: files changed hands, 2 times, 5,000 bytes: "
        "to_client ftp backup.tgz, application/gzip"
    )
    assert worked(row("port_scan", severity=2), row("alert", target="10.0.0.2"), taken)[2] == ""
