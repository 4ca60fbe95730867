"""The grammar file made ready: parse tables for the driver, words and signs for the scanner."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from lark import Lark
    from lark.grammar import Rule as LarkRule

BOUND = "(?![A-Za-z0-9_])"


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
def grammar() -> Lark:
    """The grammar as lark reads it; lark is imported here, on first use."""
    from lark import Lark

    text = locate().read_text(encoding="utf-8")
    return Lark(text, parser="lalr", lexer="basic", start=["file"])


@cache
def tables() -> Tables:
    """The automaton of the grammar in plain tuples and dicts.

    It reads lark's parse table, which lark does not document: `lark>=1.3,<2` is pinned, and the
    tests of the parser would show a change at once.
    """
    table = grammar().parser.parser._parse_table
    numbers = {state: number for number, state in enumerate(table.states)}
    rules: dict[LarkRule, Rule] = {}
    rows = tuple(
        {str(kind): convert(entry, numbers, rules) for kind, entry in row.items()}
        for row in table.states.values()
    )
    gotos = tuple({kind: to for kind, to in row.items() if isinstance(to, int)} for row in rows)
    actions = frozenset(rule.action for rule in rules.values() if rule.action)
    start, end = (numbers[each["file"]] for each in (table.start_states, table.end_states))
    return Tables(rows, gotos, actions, start, end)


def convert(
    entry: tuple[object, object], numbers: dict[object, int], rules: dict[LarkRule, Rule]
) -> int | Rule:
    """One entry of lark's table: the number of a state, or a rule."""
    from lark.grammar import Rule as LarkRule

    target = entry[1]
    if not isinstance(target, LarkRule):
        return numbers[target]
    if target not in rules:
        action = None if target.alias == "pass_on" else target.alias
        rules[target] = Rule(len(target.expansion), str(target.origin.name), action)
    return rules[target]


@cache
def lexicon() -> Lexicon:
    """Words, signs and the token pattern, all taken from the terminals of the grammar."""
    from lark.lexer import PatternStr

    keywords: dict[str, str] = {}
    signs: dict[str, str] = {}
    others: dict[str, str] = {}
    for terminal in grammar().terminals:
        value = terminal.pattern.value
        if isinstance(terminal.pattern, PatternStr):
            signs[value] = terminal.name
        elif value.endswith(BOUND) and value.removesuffix(BOUND).isalpha():
            keywords[value.removesuffix(BOUND)] = terminal.name
        else:
            others[terminal.name] = value
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
