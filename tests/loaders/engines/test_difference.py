"""What is new in a set of rules, and what that depends on."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from packetpig.loaders import load
from packetpig.loaders.engines import difference, snort2, snort3
from packetpig.loaders.engines.difference import Change, Part, RuleSet, change, fresh, kept, key, replaced, statements
from packetpig.loaders.engines.rules import Rules

from tests.conftest import DEMO, ROOT

SETS = ROOT / "tests/captures/rules"
ENGINES = [
    pytest.param(loader, found, id=name, marks=pytest.mark.skipif(not found, reason=f"no {name} on this machine"))
    for name, loader, found in (
        ("suricata", "suricata", shutil.which("suricata")),
        ("snort3", "snort", snort3.find("")),
        ("snort2", "snort", snort2.find(os.environ.get("PACKETPIG_SNORT2", ""))),
    )
]


def rule(sid: int, more: str = "", head: str = "alert tcp any any -> any any", rev: int = 1) -> str:
    return f'{head} (msg:"rule, (one); \\"sid:9;\\""; content:"x"; {more}sid:{sid}; rev:{rev};)\n'


def compared(old: str, new: str, folder: Path, how: Any = fresh) -> Part:
    sets = []
    for name, text in (("old", old), ("new", new)):
        (folder / name).mkdir()
        (folder / name / "a.rules").write_text(text)
        sets.append(Rules.of(str(folder / name)))
    (folder / "out").mkdir()
    return how(*sets, folder / "out")  # type: ignore[no-any-return]


def text(part: Part) -> str:
    return "".join(path.read_text() for path in part.rules.files)


def numbers(part: Part) -> list[int]:
    return sorted(sid for _, sid in part.asked)


def test_new_changed_and_no_longer_a_comment(tmp_path: Path) -> None:
    old = rule(1) + rule(2) + "#" + rule(3) + rule(4) + rule(6)
    new = rule(1) + rule(2, rev=2) + rule(3) + rule(5, 'content:"; sid:1;"; ') + rule(6, "nocase; ") + "# " + rule(7)
    part = compared(old, new, tmp_path)
    assert (numbers(part), part.needed) == ([2, 3, 5, 6], 0)
    assert text(part) == rule(2, rev=2) + rule(3) + rule(5, 'content:"; sid:1;"; ') + rule(6, "nocase; ")


def test_where_a_rule_is_does_not_matter(tmp_path: Path) -> None:
    part = compared(rule(1) + rule(2), rule(2) + "\n\n" + rule(1), tmp_path)
    assert (numbers(part), part.needed) == ([], 0)


def test_old_forms_of_changed_rules(tmp_path: Path) -> None:
    old = rule(1) + rule(2) + rule(4)
    part = compared(old, rule(1) + rule(2, rev=2) + rule(5), tmp_path, replaced)
    assert text(part) == rule(2)


def test_what_sets_a_bit_comes_along_and_what_that_depends_on(tmp_path: Path) -> None:
    first, second = rule(1, "flowbits:set,a; flowbits:noalert; "), rule(2, "flowbits:isset,a; flowbits:set,b&c; ")
    other, asking = rule(3, "flowbits:set,other; "), rule(4, "flowbits:isset,b|z; ")
    part = compared(first + second + other, first + second + other + asking, tmp_path)
    assert (numbers(part), part.needed) == ([4], 2)
    assert text(part) == first + second + asking


def test_a_rule_is_another_when_its_setters_are(tmp_path: Path) -> None:
    asking = rule(2, "flowbits:isset,a; ")
    part = compared(rule(1, "flowbits:set,a; ") + asking, rule(1, "nocase; flowbits:set,a; ") + asking, tmp_path)
    assert numbers(part) == [1, 2]


def test_a_setter_that_is_gone(tmp_path: Path) -> None:
    asking = rule(2, "flowbits:isnotset,a; ")
    assert numbers(compared(rule(1, "flowbits:set,a; ") + asking, asking, tmp_path)) == [2]


@pytest.mark.parametrize(
    ("more", "asks", "sets"),
    [
        ("flowbits:set,a;", [], ["flowbits a"]),
        ("flowbits: isset , a | b ;", ["flowbits a", "flowbits b"], []),
        ("flowbits:set,a,group;", [], ["flowbits a", "flowbits group"]),
        ("flowbits:isset,any,group;", ["flowbits group"], []),
        ("flowbits:toggle,a;", ["flowbits a"], ["flowbits a"]),
        ("flowbits:reset;", [], ["flowbits *"]),
        ("xbits:set,a,track ip_src,expire 60; hostbits:isset,b;", ["hostbits b"], ["xbits a"]),
        ("flowint:n,+,1;", ["flowint n"], ["flowint n"]),
        ("dataset:isset,d,type string;", ["dataset d"], []),
        ("activated_by:3;", ["activates 3"], []),
    ],
)
def test_what_rules_tell_each_other(more: str, asks: list[str], sets: list[str]) -> None:
    found = kept(rule(1, more + " "))
    assert tuple(sorted(" ".join(one) for one in names) for names in found) == (asks, sets)


def test_variables_and_filters_come_along_and_count(tmp_path: Path) -> None:
    lines = "portvar WEB [80]\nevent_filter gen_id 1, sig_id 2, type limit, track by_src, count 1, seconds 60\n"
    web = rule(1, head="alert tcp any any -> any $WEB")
    part = compared(lines + web + rule(2) + rule(3), lines.replace("80", "81") + web + rule(2) + rule(3), tmp_path)
    assert (numbers(part), text(part)) == ([1], lines.replace("80", "81") + web)
    (tmp_path / "x").mkdir()
    part = compared(lines + web + rule(2), lines.replace("60", "61") + web + rule(2), tmp_path / "x")
    assert numbers(part) == [2]


def test_pass_rules_come_along_and_change_all(tmp_path: Path) -> None:
    passing = rule(1, head="pass tcp 10.0.0.1 any -> any any")
    part = compared(passing + rule(2), passing + rule(2) + rule(3), tmp_path)
    assert (numbers(part), text(part)) == ([3], passing + rule(3))
    (tmp_path / "x").mkdir()
    assert numbers(compared(passing + rule(2), rule(2), tmp_path / "x")) == [2]


def test_pass_rules_bring_what_they_ask_for(tmp_path: Path) -> None:
    setting = rule(1, "flowbits:set,a; flowbits:noalert; ")
    passing = rule(2, "flowbits:isset,a; ", head="pass tcp 10.0.0.1 any -> any any")
    part = compared(setting + passing, setting + passing + rule(3), tmp_path)
    assert text(part) == setting + passing + rule(3)


def changed(old: str, new: str, folder: Path) -> Change:
    folder.mkdir()
    sets = []
    for name, lines in (("old", old), ("new", new)):
        (folder / name).mkdir()
        (folder / name / "a.rules").write_text(lines)
        sets.append(Rules.of(str(folder / name)))
    return change(*sets)


def test_what_a_change_makes_of_alerts(tmp_path: Path) -> None:
    asking = rule(4, "flowbits:isset,a; ")
    old = rule(1) + rule(2) + rule(3, "flowbits:set,a; ") + asking + rule(6)
    new = rule(1) + rule(2, rev=2) + rule(3, "nocase; flowbits:set,a; ") + asking + rule(5)
    found = changed(old, new, tmp_path / "x")
    assert (sorted(sid for _, sid in found.came), sorted(sid for _, sid in found.gone)) == (
        [2, 3, 4, 5],
        [2, 3, 4, 5, 6],
    )
    assert found.whole == ""
    assert changed(old, old, tmp_path / "y") == Change(frozenset(), frozenset())


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (rule(1), rule(1) + rule(2, head="pass tcp any any -> any any"), "pass"),
        (rule(1), rule(1) + "config something\n", "no rules differ"),
        (rule(1), rule(1) + 'alert tcp any any -> any any (content:"x";)\n', "without a number"),
        (rule(1), rule(1) + rule(1, rev=2), "that of two rules"),
        (rule(1) + rule(1, rev=2), rule(1), "that of two rules"),
        (rule(1) + rule(1, rev=2), rule(1) + rule(1, rev=2) + rule(3), ""),
    ],
)
def test_changes_after_which_all_rules_are_run(old: str, new: str, why: str, tmp_path: Path) -> None:
    whole = changed(old, new, tmp_path / "x").whole
    assert why in whole
    assert bool(why) == bool(whole)


def test_a_name_beside_rules_is_a_word_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "a.rules").write_text(rule(1, 'content:"/test.py"; '))
    (tmp_path / "t.py").write_text("x")
    rules = Rules.of(str(tmp_path))
    assert RuleSet(rules).beside == {}
    (tmp_path / "test.py").write_text("x")
    assert set(RuleSet(rules).beside) == {"test.py"}


def test_rules_over_several_lines(tmp_path: Path) -> None:
    three = 'alert http\n(\n    msg:"of Snort 3";\n    sid:7;\n)'
    path = tmp_path / "a.rules"
    path.write_text(
        rule(1).replace("; rev", "; \\\n  rev") + "# no\n\n" + three + "\nalert tcp broken (sid:8;\n" + rule(9)
    )
    found = list(statements(path))
    assert [key(one) for one in found] == [(1, 1), (1, 7), (1, 8), (1, 9)]


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "a.rules").write_bytes(rule(1).encode().replace(b"rule", b"r\xff\xfele"))
    (tmp_path / "b.rules").write_text("")
    (tmp_path / "out").mkdir()
    part = fresh(Rules.of(str(tmp_path / "b.rules")), Rules.of(str(tmp_path / "a.rules")), tmp_path / "out")
    assert part.rules.files[0].read_bytes() == (tmp_path / "a.rules").read_bytes()


@pytest.mark.parametrize("quick", [True, False])
@pytest.mark.parametrize(
    "more",
    ["", "# a comment\n\n  ", "\r\n", 'alert tcp any any -> any any (msg:"no number";)\n', rule(8, "flowbits:set,a; ")],
)
def test_large_sets_that_differ_little_have_a_short_way(
    quick: bool, more: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not quick:
        monkeypatch.setattr(difference, "_only_new", lambda *_: None)
    many = "".join(map(rule, range(100, 200)))
    old = rule(1) + rule(3, "flowbits:isset,b; ") + many
    part = compared(old, many + more + rule(1, rev=2) + rule(3, "flowbits:isset,b; ") + rule(2), tmp_path)
    setter = more if "sid:8;" in more else ""
    assert text(part) == setter + rule(1, rev=2) + rule(2)
    assert numbers(part) == [1, 2] + [8] * bool(setter)


@pytest.mark.parametrize(
    "more",
    [
        "ipvar NET 10.0.0.0/8\n",
        "event_filter gen_id 1, sig_id 1, type limit, track by_src, count 1, seconds 60\n",
        rule(1, head="pass tcp any any -> any any"),
        rule(3).replace("; rev", "; \\\n rev"),
        rule(4, "flowbits:set,a; "),
        rule(4, "flowbits:isset,a; "),
    ],
)
def test_where_the_short_way_does_not_lead(more: str, tmp_path: Path) -> None:
    (tmp_path / "a.rules").write_text(rule(1))
    (tmp_path / "b.rules").write_text(rule(1) + more)
    one, other = (Rules.of(str(tmp_path / name)) for name in ("a.rules", "b.rules"))
    assert difference._only_new(one, other) is None
    assert difference._only_new(other, one) is None
    assert difference._only_new(one, one) == [[]]


def test_generators() -> None:
    assert key(rule(5, "gid:3; ")) == (3, 5)
    assert key('alert tcp any any -> any any (msg:"none";)') is None


@pytest.mark.parametrize(("engine", "program"), ENGINES)
def test_the_part_sees_what_the_whole_set_sees(engine: str, program: str) -> None:
    """And the old forms what the old set sees."""
    old, new = str(SETS / "old.rules"), str(SETS / "new.rules")

    def alerts(**options: str) -> list[tuple[Any, ...]]:
        columns = ["ts", "src", "sport", "dst", "dport", "sid", "rev"]
        batches = load(engine, str(DEMO), columns, binary=program, **options)
        return sorted(tuple(row.values()) for batch in batches for row in batch.to_pylist())

    whole = alerts(rules=new)
    part = alerts(rules=new, since=old)
    assert part == [row for row in whole if row[5] in (1991003, 1991004, 1991006)]
    assert {row[5] for row in part} == {1991003, 1991004, 1991006}
    assert alerts(rules=old, until=new) == [row for row in alerts(rules=old) if row[5] == 1991003]
    assert alerts(rules=new, since=new) == []
