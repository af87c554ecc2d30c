"""Filters: Pig's boolean expressions over columns, as trees, read from text (`where=`, `--where`).

A tree is nested lists, as docs/bridge.md describes them: `["==", ["column", "dport"], ["int", 80]]`.
"""

from __future__ import annotations

import re
from typing import Any

Tree = list[Any]

TOKEN = re.compile(
    r"""\s*(?:
      (?P<number>(?:\d+\.\d*|\.\d+|\d+)(?:[eE][+-]?\d+)?[lLfFdD]?)
    | '(?P<text>(?:[^'\\]|\\.)*)'
    | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<sign>==|!=|<=|>=|<|>|\(|\)|,|\+|-|\*|/|%)
    )""",
    re.VERBOSE | re.DOTALL,
)
ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
COMPARE = ("==", "!=", "<", "<=", ">", ">=")
TYPES = ("int", "long", "float", "double", "chararray", "bytearray", "boolean")
MAX_DEPTH = 50


class WhereError(ValueError):
    """An expression that cannot be understood; the message says where."""


def parse(expression: str) -> Tree:
    """The tree of EXPRESSION. Raises WhereError."""
    return _Parser(expression).whole()


def columns_of(tree: Tree | None) -> set[str]:
    """Names of the columns that the tree speaks of."""
    if not tree:
        return set()
    if tree[0] == "column":
        return {tree[1]}
    found: set[str] = set()
    for part in tree[1:]:
        if isinstance(part, list):
            found |= columns_of(part)
    return found


def both(a: Tree | None, b: Tree | None) -> Tree | None:
    """The filter that keeps what A and B keep."""
    return ["and", a, b] if a and b else a or b


class _Parser:
    """Recursive descent, loosest first: or, and, not, comparison, sum, product, sign or cast, value."""

    def __init__(self, expression: str) -> None:
        self.expression = expression
        self.tokens: list[tuple[str, str, int]] = []
        self.at = 0
        self.depth = 0
        position = 0
        while expression[position:].strip():
            match = TOKEN.match(expression, position)
            if not match:
                raise self.error(
                    "not understood", position + len(expression[position:]) - len(expression[position:].lstrip())
                )
            kind = str(match.lastgroup)
            self.tokens.append((kind, match.group(kind), match.start(kind)))
            position = match.end()
        self.tokens.append(("end", "", len(expression)))

    def error(self, what: str, position: int) -> WhereError:
        rest = self.expression[position : position + 20]
        return WhereError(f"where: {what} at character {position + 1}" + (f", at {rest!r}" if rest else ""))

    def peek(self) -> str:
        """The next token if it is a sign or a word (in lower case), else an empty text."""
        kind, value, _ = self.tokens[self.at]
        return value.lower() if kind in ("sign", "word") else ""

    def take(self, *wanted: str) -> str:
        """The next token if it is one of WANTED, and go past it."""
        found = self.peek()
        if found and found in wanted:
            self.at += 1
            return found
        return ""

    def need(self, *wanted: str) -> str:
        found = self.take(*wanted)
        if not found:
            raise self.error(f"expected {' or '.join(wanted)}", self.tokens[self.at][2])
        return found

    def whole(self) -> Tree:
        tree = self.disjunction()
        if self.tokens[self.at][0] != "end":
            raise self.error("not expected here", self.tokens[self.at][2])
        return tree

    def disjunction(self) -> Tree:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise WhereError(f"where: nested more than {MAX_DEPTH} deep")
        tree = self.conjunction()
        while self.take("or"):
            tree = ["or", tree, self.conjunction()]
        self.depth -= 1
        return tree

    def conjunction(self) -> Tree:
        tree = self.negation()
        while self.take("and"):
            tree = ["and", tree, self.negation()]
        return tree

    def negation(self) -> Tree:
        negations = 0
        while self.take("not"):
            negations += 1
        tree = self.comparison()
        return ["not", tree] if negations % 2 else tree

    def comparison(self) -> Tree:
        tree = self.sum()
        if operator := self.take(*COMPARE):
            return [operator, tree, self.sum()]
        if self.take("is"):
            negated = self.take("not")
            self.need("null")
            return ["not", ["is null", tree]] if negated else ["is null", tree]
        if self.take("matches"):
            return ["matches", tree, self.sum()]
        negated = self.take("not")
        if self.take("in") if not negated else self.need("in"):
            self.need("(")
            values = [self.sum()]
            while self.take(","):
                values.append(self.sum())
            self.need(")")
            tree = ["in", tree, *values]
            return ["not", tree] if negated else tree
        return tree

    def sum(self) -> Tree:
        tree = self.product()
        while operator := self.take("+", "-"):
            tree = [operator, tree, self.product()]
        return tree

    def product(self) -> Tree:
        tree = self.signed()
        while operator := self.take("*", "/", "%"):
            tree = [operator, tree, self.signed()]
        return tree

    def signed(self) -> Tree:
        signs = 0
        while self.take("-"):
            signs += 1
        tree = self.value()
        if signs % 2 == 0:
            return tree
        if tree[0] in ("int", "long", "float", "double"):
            return [tree[0], -tree[1]]
        return ["negate", tree]

    def value(self) -> Tree:
        kind, value, position = self.tokens[self.at]
        if self.take("("):
            word = self.peek()
            if word in TYPES and self.tokens[self.at + 1][1] == ")":
                self.at += 2
                return ["cast", word, self.signed()]
            tree = self.disjunction()
            self.need(")")
            return tree
        self.at += 1
        if kind == "number":
            return _number(value)
        if kind == "text":
            return ["chararray", ESCAPE.sub(_unescape, value)]
        if kind == "word":
            word = value.lower()
            if word in ("true", "false"):
                return ["boolean", word == "true"]
            if word == "null":
                return ["null"]
            if word not in ("and", "or", "not", "is", "in", "matches"):
                return ["column", value]
        raise self.error("expected a column or a value", position)


def _number(digits: str) -> Tree:
    suffix = digits[-1].lower()
    if suffix == "l":
        return ["long", int(digits[:-1])]
    if suffix == "f":
        return ["float", float(digits[:-1])]
    if suffix == "d":
        return ["double", float(digits[:-1])]
    if re.fullmatch(r"\d+", digits):
        return ["int" if int(digits) < 2**31 else "long", int(digits)]
    return ["double", float(digits)]


def _unescape(match: re.Match[str]) -> str:
    code = match.group(1)
    if len(code) == 5:
        return chr(int(code[1:], 16))
    return {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}.get(code, code)
