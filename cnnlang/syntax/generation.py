"""lark makes an automaton of the grammar file; `python -m cnnlang.syntax.generation` keeps it.

What is kept, `cnnlang/syntax/automaton.py`, holds for the grammar with its checksum: with any
other one the automaton is made afresh, which takes as long as all the rest of a check.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zlib import crc32

from lark import Lark
from lark.grammar import Rule
from lark.lexer import PatternStr

from cnnlang.syntax.tables import Automaton, locate

FILE = Path(__file__).with_name("automaton.py")
HEAD = '''"""Made by `python -m cnnlang.syntax.generation` from the grammar: not to be edited."""

from cnnlang.syntax.tables import Automaton

KEPT = '''


def generate(grammar: str) -> Automaton:
    """The automaton of a grammar.

    It reads lark's parse table, which lark does not document: `lark>=1.3,<2` is pinned, and the
    tests of the parser would show a change at once.
    """
    lark = Lark(grammar, parser="lalr", lexer="basic", start=["file"])
    table = lark.parser.parser._parse_table
    order = reached(table.states, table.start_states["file"])
    numbers = {state: number for number, state in enumerate(order)}
    rules: dict[Rule, int] = {}
    rows = tuple(
        {
            str(kind): convert(to, numbers, rules)
            for kind, (_, to) in sorted(table.states[s].items())
        }
        for s in order
    )
    terminals = {
        each.name: (each.pattern.value, isinstance(each.pattern, PatternStr))
        for each in sorted(lark.terminals, key=lambda each: each.name)
    }
    end = numbers[table.end_states["file"]]
    return Automaton(crc32(grammar.encode()), tuple(map(plain, rules)), rows, 0, end, terminals)


def reached(states: Mapping[Any, Mapping[str, tuple[Any, Any]]], start: Any) -> list[Any]:
    """The states in the order in which they are met from the first; lark's own is by chance."""
    found = {start: None}
    queue = [start]
    for state in queue:
        targets = [to for _, (_, to) in sorted(states[state].items()) if not isinstance(to, Rule)]
        queue += (fresh := [to for to in dict.fromkeys(targets) if to not in found])
        found.update(dict.fromkeys(fresh))
    return queue


def convert(target: Any, numbers: Mapping[object, int], rules: dict[Rule, int]) -> int:
    """One entry of lark's table: the number of a state, or below 0 that of a rule, inverted."""
    if isinstance(target, Rule):
        return ~rules.setdefault(target, len(rules))
    return numbers[target]


def plain(rule: Rule) -> tuple[int, str, str | None]:
    """Symbols taken, what they become, and the name of what builds it."""
    action = None if rule.alias == "pass_on" else rule.alias
    return len(rule.expansion), str(rule.origin.name), action


def written(automaton: Automaton) -> str:
    """The automaton as a Python module."""
    parts = (f"{field}={laid(value)},\n" for field, value in automaton._asdict().items())
    return f"{HEAD}Automaton(\n{''.join(parts)})\n"


def laid(value: Any) -> str:
    """A value, those in it each in a line."""
    if isinstance(value, dict):
        return "{\n" + "".join(f"    {key!r}: {each!r},\n" for key, each in value.items()) + "}"
    if isinstance(value, tuple):
        return "(\n" + "".join(f"    {each!r},\n" for each in value) + ")"
    return repr(value)


if __name__ == "__main__":
    FILE.write_text(written(generate(locate().read_text(encoding="utf-8"))), encoding="utf-8")
