"""Which rules are meant: by code, by the beginning of a code, by name, or `ALL`."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from cnnlang.analysis.lints.rules import RULES
from cnnlang.diagnostics.suggest import nearest
from cnnlang.records import dataclass

ALL = "ALL"
WHOLE = 4
"""The letters of a code."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What is selected and ignored at one place: a configuration file or the command line.

    `select` replaces what was on before (None leaves it), `extend` adds to it, `ignore` takes away.
    The narrower word wins: `L611` against `L6`; of two alike, `ignore`.
    """

    select: Sequence[str] | None = None
    extend: Sequence[str] = ()
    ignore: Sequence[str] = ()


def usual() -> frozenset[str]:
    """The codes of the rules that are on by default."""
    return frozenset(code for code, rule in RULES.items() if rule.usual)


def chosen(*choices: Choice) -> frozenset[str]:
    """The codes of the rules that are on after some choices, one over the other."""
    on = usual()
    for choice in choices:
        on = on if choice.select is None else frozenset()
        words = [(word, True) for word in (*(choice.select or ()), *choice.extend)]
        words += [(word, False) for word in choice.ignore]
        for word, wanted in sorted(words, key=lambda each: breadth(each[0])):
            on = on | meant(word) if wanted else on - meant(word)
    return on


def breadth(word: str) -> int:
    """How narrow a word is: a name or whole code comes after the beginning of a code."""
    if word == ALL:
        return 0
    return len(word) if any(word in parts(code) for code in RULES) else WHOLE


def meant(word: str) -> frozenset[str]:
    """The codes that a word stands for; none for an unknown one."""
    if word == ALL:
        return frozenset(RULES)
    return frozenset(
        code for code, rule in RULES.items() if word == rule.name or word in (code, *parts(code))
    )


def parts(code: str) -> Collection[str]:
    """The beginnings of a code: `L`, `L6`, `L62`."""
    return [code[:end] for end in range(1, len(code))]


def unknown(word: str) -> str | None:
    """What is wrong with a word that stands for no rule."""
    if meant(word):
        return None
    near = nearest(word, [ALL, *RULES, *(rule.name for rule in RULES.values())])
    hint = f"did you mean `{near}`?" if near else "`ALL`, a code such as L611, or a name"
    return f"there is no lint `{word}`: {hint}"


def named(word: str) -> frozenset[str]:
    """The codes that a whole code or a name stands for; none for the beginning of a code."""
    return frozenset(code for code, rule in RULES.items() if word in (code, rule.name))
