"""The grammar file made ready: parse tables for the driver, words and signs for the scanner."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

from cnnlang.records import dataclass

BOUND = "(?![A-Za-z0-9_])"


class Automaton(NamedTuple):
    """What lark makes of the grammar, as plain values.

    An entry of a row is the number of a state, or below 0 that of a rule, inverted; a terminal is
    its pattern, and whether that is a text to be taken literally. `checksum` is of the grammar.
    """

    checksum: int
    rules: tuple[tuple[int, str, str | None], ...]
    rows: tuple[dict[str, int], ...]
    start: int
    end: int
    terminals: dict[str, tuple[str, bool]]


class Rule(NamedTuple):
    """A rule to reduce by: symbols taken, what they become, and the name of what builds it."""

    size: int
    origin: str
    action: str | None


Row = Mapping[str, int | Rule]


@dataclass(frozen=True)
class Tables:
    """The LALR automaton.

    `rows[state][kind]` is a state to shift to or a rule to reduce by; `gotos[state][symbol]` is
    the state after a symbol that a rule has made; `actions` names what builds.
    """

    rows: tuple[Row, ...]
    gotos: tuple[Mapping[str, int], ...]
    actions: frozenset[str]
    start: int
    end: int


@dataclass(frozen=True)
class Lexicon:
    """Reserved words, signs and the one pattern that cuts a text into tokens."""

    keywords: Mapping[str, str]
    signs: Mapping[str, str]
    master: re.Pattern[str]

    def spell(self, kind: str) -> str | None:
        """The text of a word or sign by its kind, None for the other kinds."""
        return self.spellings.get(kind)

    @property
    def spellings(self) -> dict[str, str]:
        return {kind: text for text, kind in (*self.keywords.items(), *self.signs.items())}


def locate() -> Path:
    """The grammar file: inside the installed package, else at the top of the checkout."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "grammar" / "cnnlang.lark"
    return inside if inside.exists() else package.parent / "grammar" / "cnnlang.lark"


@cache
def automaton() -> Automaton:
    """The automaton of the grammar file: the one that is kept, or made by lark if it is another."""
    from cnnlang.syntax.automaton import KEPT

    grammar = locate().read_text(encoding="utf-8")
    if crc32(grammar.encode()) == KEPT.checksum:
        return KEPT
    from cnnlang.syntax.generation import generate

    return generate(grammar)


@cache
def tables() -> Tables:
    """The automaton with its rules in place."""
    made = automaton()
    rules = [Rule(*each) for each in made.rules]
    rows = tuple({k: e if e >= 0 else rules[~e] for k, e in row.items()} for row in made.rows)
    gotos = tuple({kind: to for kind, to in row.items() if to >= 0} for row in made.rows)
    actions = frozenset(rule.action for rule in rules if rule.action)
    return Tables(rows, gotos, actions, made.start, made.end)


@cache
def lexicon() -> Lexicon:
    """Words, signs and the token pattern, all taken from the terminals of the grammar."""
    keywords: dict[str, str] = {}
    signs: dict[str, str] = {}
    others: dict[str, str] = {}
    for name, (value, literal) in automaton().terminals.items():
        if literal:
            signs[value] = name
        elif value.endswith(BOUND) and value.removesuffix(BOUND).isalpha():
            keywords[value.removesuffix(BOUND)] = name
        else:
            others[name] = value
    return Lexicon(keywords, signs, compose(signs, others))


def compose(signs: dict[str, str], others: dict[str, str]) -> re.Pattern[str]:
    """One alternative for each kind of text, blanks before it skipped; together they match all."""
    longest = sorted(signs, key=len, reverse=True)
    foreign = ("=>", ":=", "&&", "||", "===", "!==", "+=", "-=", "*=", "/=", "/*", "*/")
    groups = {
        "NAME": others["NAME"],
        "FOREIGN": "|".join(re.escape(text) for text in sorted(foreign, key=len, reverse=True)),
        "SIGN": "|".join(re.escape(text) for text in longest),
        "SIZE": others["SIZE"],
        "NUMBER": others["NUMBER"],
        "DIGITS": "[0-9][A-Za-z0-9_]*",
        "LINE": r"\r?\n",
        "STRING": others["STRING"],
        "COMMENT": others["COMMENT"],
        "OPEN_STRING": r'"[^\n]*',
        "ALIEN": r"[^\x00-\x7f]+",
        "ODD": r"[^ \t]",
    }
    return re.compile(r"[ \t]*(?:" + "|".join(f"(?P<{k}>{v})" for k, v in groups.items()) + ")")
