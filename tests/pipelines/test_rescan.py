"""Changed rules: old windows are given what differs alone, and their alerts are those of all the new rules."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from packetpig.loaders.engines.rules import Rules
from packetpig.pipelines import rulesets
from packetpig.pipelines.stage import stages
from packetpig.pipelines.store import LocalStore

from tests.conftest import ROOT
from tests.pipelines.test_pipeline import inputs, pipeline, rows

SETS = ROOT / "tests/captures/rules"
CAPTURES = ("2024-03-05T20.pcap", "2024-03-06T00.pcap")
FEW = ("--without", ",".join(sorted(set(stages()) - {"tracked", "sessions", "alerts", "alerted", "signatures"})))
SINCE = ("known_since", "change", "unseen_for")


def notes(tables: Path) -> dict[str, Any]:
    return {path.name.split("~")[0]: json.loads(path.read_text()) for path in (tables / ".done/alerts").iterdir()}


def ruled(folder: Path, text: str) -> Rules:
    folder.mkdir()
    (folder / "a.rules").write_text(text)
    return Rules.of(str(folder))


@pytest.mark.slow
def test_alerts_are_those_of_all_new_rules(tmp_path: Path) -> None:
    """One for one; rows of rules that are gone or changed go, and those of the others stay."""
    captures, scanned, whole = inputs(tmp_path / "in", *CAPTURES), tmp_path / "scanned", tmp_path / "whole"
    rules = tmp_path / "site.rules"
    shutil.copy(SETS / "old.rules", rules)
    run = (captures, scanned, "1d", *FEW, "--rules", str(rules))
    assert pipeline(*run).returncode == 0
    assert {row["sid"] for row in rows(scanned, "alerts")} == {1991001, 1991003, 1991005}
    assert {(row["change"], row["unseen_for"]) for row in rows(scanned, "signatures")} == {(0, 0.0)}
    before = {row["sid"]: row for row in rows(scanned, "alerts")}

    shutil.copy(SETS / "new.rules", rules)
    again = pipeline(*run)
    assert again.returncode == 0, again.stderr
    assert "alerts: 3 rules are new or changed, 1 are gone" in again.stderr
    assert pipeline(captures, whole, "1d", *FEW, "--rules", str(SETS / "new.rules")).returncode == 0
    found = rows(scanned, "alerts")
    assert found == rows(whole, "alerts")
    assert {row["sid"] for row in found} == {1991001, 1991003, 1991004, 1991006}
    assert before[1991001] in found
    assert before[1991003] not in found

    signatures = {row["sid"]: row for row in rows(scanned, "signatures")}
    assert {sid: row["change"] for sid, row in signatures.items()} == {1991001: 0, 1991003: 1, 1991004: 1, 1991006: 1}
    for sid in (1991003, 1991004, 1991006):  # there all along
        row = signatures[sid]
        assert row["unseen_for"] == row["known_since"] - min(one["ts"] for one in found if one["sid"] == sid)
        assert row["alerts"] == sum(one["sid"] == sid for one in found)
    for row in rows(whole, "signatures"):
        mine = signatures[row["sid"]]
        assert {**row, **dict.fromkeys(SINCE)} == {**mine, **dict.fromkeys(SINCE)}

    rules.write_text("# a comment\n\n" + rules.read_text())  # nothing that counts
    assert " rows, " not in pipeline(*run).stderr
    (tmp_path / "classification.config").write_text("config classification: successful-user,Somebody signed in,1\n")
    classes = pipeline(*run)
    assert classes.returncode == 0, classes.stderr
    assert "alerts: the classes of rules differ: old windows are given all rules" in classes.stderr
    assert {row["sid"]: row["priority"] for row in rows(scanned, "alerts")}[1991006] == 1


@pytest.mark.slow
def test_windows_that_are_not_given_a_part(tmp_path: Path) -> None:
    """Where another engine, or something beside the rules, had made them, or alerts were left out."""
    captures, tables = inputs(tmp_path / "in", *CAPTURES), tmp_path / "out"
    run = (captures, tables, "1d", *FEW)
    assert pipeline(*run, "--rules", str(SETS / "old.rules")).returncode == 0
    for path, change in zip(
        sorted((tables / ".done/alerts").iterdir()), ({"engine": "another 1.0"}, {"left_out": True}), strict=True
    ):
        path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    shutil.rmtree(tables / "alerts")  # what is there is not looked at
    (tables / "alerts").mkdir()
    for name in ("2024-03-05", "2024-03-06"):
        (tables / f"alerts/window={name}").mkdir()
    again = pipeline(*run, "--rules", str(SETS / "new.rules"))
    assert again.returncode == 0, again.stderr
    assert {row["sid"] for row in rows(tables, "alerts")} == {1991001, 1991003, 1991004, 1991006}


def test_sets_are_kept_as_they_were(tmp_path: Path) -> None:
    """With what they name; comments do not count; what nothing was made with goes."""
    place = LocalStore(str(tmp_path / "out"))
    text = "alert dns any any -> any any (dataset:isset,d,type string,load d.lst; sid:1;)\n"
    folder = tmp_path / "rules"
    rules = ruled(folder, text)
    (folder / "d.lst").write_text("one")
    (folder / "a").mkdir()
    (folder / "classification.config").write_text("config classification: x,y,1\n")
    rules = Rules.of(str(folder))
    first = rulesets.keep(place, rules)
    assert rulesets.fingerprint(str(folder)) == first
    (folder / "a.rules").write_text("# comment\n" + text)
    assert rulesets.fingerprint(str(folder)) == first
    (folder / "d.lst").write_text("two")
    (folder / "a.rules").write_text("# other comment\n" + text)
    second = rulesets.keep(place, rules)
    assert second != first
    files = rulesets.restored(place, first, tmp_path)
    assert files
    copy = Rules.of(files)
    assert [path.read_text() for path in copy.files] == [text]
    assert copy.files[0].with_name("d.lst").read_text() == "one"
    assert copy.classes.read_text() == "config classification: x,y,1\n"
    assert rulesets.difference(copy, rules).whole == "files that rules name differ"
    rulesets.tidy(place, {second})
    assert place.names(".rules") == [second]
    assert rulesets.restored(place, first, tmp_path / "x") is None


def test_when_rules_came(tmp_path: Path) -> None:
    place = LocalStore(str(tmp_path / "out"))
    assert rulesets.known(place) == (None, {})
    rulesets.enter(place, "a", ())
    rulesets.enter(place, "a", ((1, 1),))  # the same again
    rulesets.enter(place, "b", ((1, 1), (1, 2)))
    rulesets.enter(place, "c", ((1, 2),))
    first, later = rulesets.known(place)
    assert first
    assert first.change == 0
    assert {pair: one.change for pair, one in later.items()} == {(1, 1): 1, (1, 2): 2}
    assert first.since <= later[1, 1].since <= later[1, 2].since


def test_forms_that_are_mixed_for_snort(tmp_path: Path) -> None:
    old_form = ruled(tmp_path / "a", 'alert tcp any any -> any any (content:"x"; nocase; sid:1;)\n')
    new_form = ruled(tmp_path / "b", 'alert tcp any any -> any any (content:"x", nocase; sid:1;)\n')
    assert rulesets.difference(old_form, old_form).whole == ""
    assert "in the form of Snort 2.9" in rulesets.difference(old_form, new_form).whole
