"""What a new set of rules has that an old one had not, with what that depends on: for old traffic under new rules.

Syntax of Snort 2.9, Snort 3 and Suricata. A rule is new or changed when its text is (head, revision, options), when it
was a comment before, when a variable that it uses or an event filter on it is another, or when rules that set a bit it
asks for are others. What a rule depends on: those setters, and what they depend on; variables, filters and `pass` rules
always come along. Where `pass` rules differ, all rules count as changed.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from packetpig.loaders.engines.rules import Rules

Key = tuple[int, int]
"""Generator and number of a rule."""

MOST_LINES = 500  # of one rule
EVERYTHING = ("flowbits", "*")
NOTHING: frozenset[Any] = frozenset()
_RULE = re.compile(r"\s*(alert|log|pass|drop|reject\w*|sdrop|block|react|rewrite|activate|dynamic)\s")
_OPTION = re.compile(r"""\s*([\w.-]+)\s*(?::\s*((?:[^;"\\]|\\.|"(?:[^"\\]|\\.)*")*))?;""", re.S)
_WORDS = ("bits", "flowint", "dataset", "activate")
_KEPT = re.compile(r"[;(]\s*(flowbits|xbits|hostbits|flowint|dataset|activates|activated_by)\s*:([^;]*);")
_VARIABLE = re.compile(r"\s*(?:ip|port)?var\s+(\w+)\s")
_FILTER = re.compile(r"\s*(?:event_filter|threshold|suppress|rate_filter)\b")
_FILTERED = re.compile(r"\b(gen_id|sig_id)\s+(\d+)")
_SID = re.compile(r"\bsid\s*:\s*(\d+)")
_USED = re.compile(r"\$(\w+)")


@dataclass(frozen=True)
class Part:
    """Some rules of a set. `asked`: those whose alerts are wanted; `needed`: how many others come along."""

    rules: Rules
    asked: frozenset[Key]
    needed: int


@dataclass(frozen=True)
class Change:
    """What another set of rules makes of alerts that an older one gave.

    `came`: rules that are new, or another than they were; they are to be run (`fresh`). `gone`: rules whose old alerts
    count no more, those among them. `whole`: why that would not do, and all rules are to be run; empty if it does.
    """

    came: frozenset[Key]
    gone: frozenset[Key]
    whole: str = ""


def change(old: Rules, new: Rules) -> Change:
    """What is to be done so that alerts of OLD become those that NEW gives. Raises OSError."""
    before, now = RuleSet(old), RuleSet(new)
    came = _keys(before.lacking(now))
    gone = _keys(now.lacking(before)) | came
    return Change(came, gone, _why_whole(before, now, gone))


def _keys(rules: Iterable[str]) -> frozenset[Key]:
    return frozenset(one for one in map(key, rules) if one)


def _why_whole(before: RuleSet, now: RuleSet, changed: frozenset[Key]) -> str:
    if before.passing != now.passing:
        return "rules that keep others from alerting (pass) differ"
    if before.source.classes.read_bytes() != now.source.classes.read_bytes():
        return "the classes of rules differ"
    if before.other_lines != now.other_lines:
        return "lines that are no rules differ"
    if before.beside != now.beside:
        return "files that rules name differ"
    for rules in (before, now):
        numbers = Counter(map(key, rules.rules))
        if None in numbers:
            return "there are rules without a number"
        if any(numbers[one] > 1 for one in changed):
            return "a changed rule's number is that of two rules"
    return ""


def fresh(old: Rules, new: Rules, folder: Path) -> Part:
    """The rules of NEW that OLD has not, or not in this form, written into FOLDER. Raises OSError."""
    found = _only_new(old, new)
    if found is None:
        return _part(RuleSet(new), RuleSet(old), folder, both=False)
    texts = [[text for text in file if key(text)] for file in found]
    asked = frozenset(one for file in texts for one in map(key, file) if one)
    return Part(_written(new, texts, folder) if asked else new, asked, 0)


def replaced(old: Rules, new: Rules, folder: Path) -> Part:
    """The rules of OLD that NEW has in another form."""
    return _part(RuleSet(old), RuleSet(new), folder, both=True)


def _only_new(old: Rules, new: Rules) -> list[list[str]] | None:
    """The rules of each file of NEW that OLD has not, where it is plain that nothing else differs; else None.

    That is so of files in which each line is a rule or a comment, if those that differ do not depend on others, nor
    others on them. Most of two large sets is alike, line for line, and need not be looked at closely.
    """
    ours, theirs = ([_lines(path) for path in source.files] for source in (new, old))
    all_ours, all_theirs = ({line for file in files for line in file} for files in (ours, theirs))
    if not all(line.startswith(b"alert ") and line.endswith(b")") for line in all_ours | all_theirs):
        return None
    differing = all_ours ^ all_theirs
    if any(one for line in differing for one in kept(_text(line))):
        return None
    return [[_text(line) for line in file if line in differing] for file in ours]


def _lines(path: Path) -> list[bytes]:
    """Lines of a file without comments, and without white space around them."""
    return [line for line in map(bytes.strip, path.read_bytes().splitlines()) if line and not line.startswith(b"#")]


def _text(line: bytes) -> str:
    return line.decode("utf-8", "surrogateescape")


def _part(ours: RuleSet, other: RuleSet, folder: Path, both: bool) -> Part:
    """The rules of OURS that are not the same in OTHER; with BOTH only those that have the same number in it."""
    found = other.lacking(ours)
    if ours.passing != other.passing:
        found = list(ours.rules)
    asked = frozenset(one for one in map(key, found) if one)
    if both:
        asked = other.keys_among(asked)
    if not asked:
        return Part(ours.source, asked, 0)
    chosen = {rule for rule in found if key(rule) in asked}
    needed = set(ours.passing).union(*(ours.behind(rule) for rule in (*chosen, *ours.passing))) - chosen
    return Part(ours.written(chosen | needed, folder), asked, len(needed))


class RuleSet:
    """All that some files of rules say. Rules are told apart by their text, without white space that does not count."""

    def __init__(self, source: Rules) -> None:
        self.source = source
        self._files = [[(text, _rule(text)) for text in statements(path)] for path in source.files]
        self.rules = dict.fromkeys(rule for file in self._files for _, rule in file if rule is not None)
        self._others = [text for file in self._files for text, rule in file if rule is None]
        self._behind: dict[str, frozenset[str]] = {}

    @cached_property
    def passing(self) -> frozenset[str]:
        """Rules that keep others from alerting."""
        return frozenset(rule for rule in self.rules if rule.startswith("pass"))

    def keys_among(self, wanted: frozenset[Key]) -> frozenset[Key]:
        """Which of some keys there are."""
        numbers = {str(sid) for _, sid in wanted}
        likely = (rule for rule in self.rules if numbers and not numbers.isdisjoint(_SID.findall(rule)))
        return frozenset(one for one in map(key, likely) if one in wanted)

    @cached_property
    def other_lines(self) -> list[str]:
        """What is no rule, no variable and no filter."""
        return sorted(_plain(text) for text in self._others if not _VARIABLE.match(text) and not _FILTER.match(text))

    @cached_property
    def texts(self) -> list[list[str]]:
        """Statements of each file."""
        return [[text for text, _ in file] for file in self._files]

    @cached_property
    def beside(self) -> dict[str, str]:
        """The files that rules name and that lie beside them: by name, what stands for their contents."""
        found = {}
        for path, file in zip(self.source.files, self.texts, strict=True):
            for one in named_beside(path, "\n".join(file)):
                if one.is_file():
                    found[one.name] = hashlib.sha256(one.read_bytes()).hexdigest()
        return found

    @cached_property
    def digest(self) -> str:
        """What stands for all of it: comments and white space around lines do not count."""
        whole = hashlib.sha256(self.source.classes.read_bytes())
        whole.update(json.dumps([self.texts, sorted(self.beside.items())]).encode())
        return whole.hexdigest()[:16]

    @cached_property
    def _variables(self) -> dict[str, str]:
        return {found[1]: _plain(text) for text in self._others if (found := _VARIABLE.match(text))}

    @cached_property
    def _filters(self) -> dict[Key, list[str]]:
        """Filters by the rule that they are on; number 0 is all rules, or all of a generator."""
        filters: dict[Key, list[str]] = defaultdict(list)
        for text in self._others:
            if _FILTER.match(text):
                on = {name: int(number) for name, number in _FILTERED.findall(text)}
                filters[on.get("gen_id", 1), on.get("sig_id", 0)].append(_plain(text))
        return filters

    @cached_property
    def _touching(self) -> dict[tuple[str, str], set[str]]:
        """Rules by what they set."""
        touching: dict[tuple[str, str], set[str]] = defaultdict(set)
        for rule in self.rules:
            for name in kept(rule)[1]:
                touching[name].add(rule)
        return touching

    def behind(self, rule: str) -> frozenset[str]:
        """The rules that one depends on."""
        if not kept(rule)[0]:
            return NOTHING
        found = self._behind.get(rule)
        if found is None:
            reached: set[str] = set()
            asked, left = set(kept(rule)[0]), list(kept(rule)[0])
            while left:
                more = self._touching.get(left.pop(), NOTHING) - reached
                reached |= more
                names = {name for one in more for name in kept(one)[0]} - asked
                asked |= names
                left += names
            if asked:
                reached |= self._touching.get(EVERYTHING, NOTHING)
            found = self._behind[rule] = frozenset(reached - {rule})
        return found

    def around(self, rule: str) -> tuple[object, ...]:
        """What else decides what a rule sees: variables, and filters."""
        if not self._variables and not self._filters:
            return ()
        used, left = set(), set(_USED.findall(rule))
        while left:
            name = left.pop()
            used.add(self._variables.get(name, ""))
            left |= set(_USED.findall(self._variables.get(name, "").partition(name)[2])) - {name}
        gid, sid = key(rule) or (1, 0)
        filters = [text for one in ((gid, sid), (gid, 0), (0, 0)) for text in self._filters.get(one, [])]
        return tuple(sorted(used)), tuple(sorted(filters))

    def lacking(self, theirs: RuleSet) -> list[str]:
        """The rules of THEIRS that are not here, or would not see the same."""
        absent = [rule for rule in theirs.rules if rule not in self.rules]
        gone = [rule for rule in self.rules if rule not in theirs.rules]
        same = self._variables == theirs._variables and self._filters == theirs._filters
        if same and not any(kept(rule)[1] for rule in (*absent, *gone)):  # what differs tells the others nothing
            return absent
        return [rule for rule in theirs.rules if not self.has(rule, theirs)]

    def has(self, rule: str, theirs: RuleSet) -> bool:
        """Whether a rule of THEIRS is here as well, and would see the same."""
        return (
            rule in self.rules
            and all(
                one in self.rules and self.around(one) == theirs.around(one) for one in (rule, *theirs.behind(rule))
            )
            and self.behind(rule) == theirs.behind(rule)
        )

    def written(self, chosen: set[str], folder: Path) -> Rules:
        """These rules, with variables and filters, in files of the same names and order; beside them what they name."""
        texts = [[text for text, rule in file if rule is None or rule in chosen] for file in self._files]
        return _written(self.source, texts, folder)


def _written(source: Rules, texts: list[list[str]], folder: Path) -> Rules:
    """Some statements of each file of SOURCE, in files of the same names and order; beside them what they name."""
    written, whole = [], []
    for number, (path, ours) in enumerate(zip(source.files, texts, strict=True)):
        if ours:
            room = folder / str(number)
            room.mkdir()
            text = "".join(f"{one}\n" for one in ours)
            for beside in named_beside(path, text):
                (room / beside.name).symlink_to(beside)
            written.append(room / path.name)
            written[-1].write_bytes(os.fsencode(text))
            whole.append(path)
    return Rules(tuple(written), source.classes, tuple(whole))


def named_beside(path: Path, text: str) -> list[Path]:
    """What lies beside a file of rules and is named in its TEXT."""
    likely = (beside for beside in path.parent.iterdir() if beside != path and beside.name in text)
    return sorted(one for one in likely if re.search(rf"(?<![\w.-]){re.escape(one.name)}(?![\w.-])", text))


def statements(path: Path) -> Iterator[str]:
    """Rules and other lines of a file, whole where they go on over several lines. Comments are left out."""
    pending: list[str] = []
    for line in map(_text, path.read_bytes().splitlines()):
        bare = line.strip()
        if not pending and bare.endswith(")") and not bare.startswith("#"):  # most are: whole, in a line
            yield bare
            continue
        if pending and _RULE.match(line) and not pending[-1].endswith("\\"):
            yield "\n".join(pending)
            pending = []
        if bare.startswith("#") or (not bare and not pending):
            continue
        pending.append(bare)
        if bare.endswith("\\") or (_open(pending) and len(pending) < MOST_LINES):
            continue
        yield "\n".join(pending)
        pending = []
    if pending:
        yield "\n".join(pending)


def _open(lines: list[str]) -> bool:
    """Whether a rule's options go on in the next line."""
    return not lines[-1].endswith(")") and bool(_RULE.match(lines[0]))


def options(rule: str) -> list[tuple[str, str]]:
    """Names and values of a rule's options."""
    return [(found[1], (found[2] or "").strip()) for found in _OPTION.finditer(rule[rule.find("(") + 1 :])]


def key(rule: str) -> Key | None:
    """A rule's generator and number; None where it has none."""
    said = dict(options(rule))
    number = said.get("sid", "")
    return (int(said.get("gid", "1") or 1), int(number)) if number.isdigit() else None


@functools.lru_cache(1 << 16)
def kept(rule: str) -> tuple[frozenset[tuple[str, str]], frozenset[tuple[str, str]]]:
    """What rules tell each other by way of a session, a host or a list: what this one asks for, and what it sets."""
    if not any(word in rule for word in _WORDS):
        return NOTHING, NOTHING
    asks: set[tuple[str, str]] = set()
    sets: set[tuple[str, str]] = set()
    for option, value in _KEPT.findall(rule.replace(";", ";;")):  # one begins where another ends
        words = [word.strip() for word in value.split(",")]
        if option in ("flowbits", "xbits", "hostbits", "dataset"):
            names = {(option, name.strip()) for name in re.split(r"[|&]", words[1])} if len(words) > 1 else set()
            if option == "flowbits" and len(words) > 2:
                names = {one for one in names if one[1] not in ("any", "all")} | {(option, words[2])}
            if words[0] in ("isset", "isnotset"):
                asks |= names
            elif words[0] == "reset" and not names:
                sets.add(EVERYTHING)
            elif words[0] != "noalert":
                sets |= names
                if option == "flowbits" and words[0] == "toggle":
                    asks |= names
        elif option == "flowint":
            asks.add((option, words[0]))
            sets.add((option, words[0]))
        elif option == "activates":
            sets.add(("activates", words[0]))
        elif option == "activated_by":
            asks.add(("activates", words[0]))
    return frozenset(asks), frozenset(sets)


def _rule(text: str) -> str | None:
    """A rule in one line; None if it is something else."""
    return _plain(text) if text.startswith("alert ") or _RULE.match(text) else None


def _plain(text: str) -> str:
    """In one line."""
    return text if "\n" not in text else text.replace("\\\n", " ").replace("\n", " ")
