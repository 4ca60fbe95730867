"""Brace groups: the same form for a body and for the branches of a merge; the holder decides."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cnnlang.diagnostics.model import Span
from cnnlang.records import dataclass, field
from cnnlang.syntax import ast

BRANCHING = (ast.BranchFor, ast.BranchRepeat, ast.BranchIf)
Report = Callable[[str, str, Span, str], None]


class Failed:
    """Stands in a list of statements where one could not be read."""


@dataclass(frozen=True, slots=True)
class Marked:
    """A statement after a `|`; `bar` is the span of the sign."""

    bar: Span
    item: Any


@dataclass(frozen=True, slots=True)
class Braces:
    """What was read between braces, not yet known to be a body or a group."""

    items: list[Any]
    span: Span

    @property
    def is_group(self) -> bool:
        """True if branches stand here."""
        return any(isinstance(item, (Marked, *BRANCHING)) for item in self.items)


def to_body(braces: Braces, report: Report) -> ast.Body:
    """The braces as a body of statements; branches in it are reported once."""
    wrong = next((place(i) for i in braces.items if isinstance(i, (Marked, *BRANCHING))), None)
    if wrong:
        help = "branches stand in the braces of a merge: `concat { | a | b }`"
        report("P019", "a branch stands where a statement is needed", wrong, help)
    items = (item.item if isinstance(item, Marked) else item for item in braces.items)
    statements = (i for i in items if not isinstance(i, (Failed, *BRANCHING)))
    return ast.Body(tuple(statements), braces.span)


def place(item: Any) -> Span:
    """Where to point for a branch: its `|`, or the word that begins it."""
    if isinstance(item, Marked):
        return item.bar
    return Span(item.span.source, item.span.start, item.span.start + len(word(item)))


def word(item: Any) -> str:
    return {ast.BranchFor: "for", ast.BranchRepeat: "repeat", ast.BranchIf: "if"}[type(item)]


@dataclass(slots=True)
class Gathering:
    """The branches found so far, and the statements of the one that is open."""

    items: list[ast.BranchItem] = field(default_factory=list)
    start: Span | None = None
    statements: list[Any] = field(default_factory=list)

    def begin(self, start: Span) -> None:
        self.finish()
        self.start = start

    def finish(self) -> None:
        """Turn the open branch, if any, into an item."""
        if self.start is not None and self.statements:
            span = self.start.to(self.statements[-1].span)
            body = ast.Body(tuple(self.statements), self.statements[0].span.to(span))
            self.items.append(ast.Branch(body, span))
        self.start, self.statements = None, []


def to_group(braces: Braces, report: Report) -> tuple[ast.BranchItem, ...]:
    """The braces as branches: what follows a `|` belongs to it up to the next one."""
    gathering = Gathering()
    told = False
    for item in braces.items:
        if isinstance(item, Failed):
            told = True
        elif isinstance(item, BRANCHING):
            gathering.finish()
            gathering.items.append(item)
        elif isinstance(item, Marked):
            gathering.begin(item.bar)
            add(gathering, item.item)
        elif gathering.start is not None:
            gathering.statements.append(item)
        elif isinstance(item, ast.Let):
            gathering.items.append(item)
        else:
            told = told or unmarked(item, report)
            gathering.begin(item.span)
            gathering.statements.append(item)
    gathering.finish()
    return tuple(gathering.items)


def add(gathering: Gathering, item: Any) -> None:
    """Put the first statement into a branch; a branching loop after `|` stands by itself."""
    if isinstance(item, BRANCHING):
        gathering.items.append(item)
    elif not isinstance(item, Failed):
        gathering.statements.append(item)


def unmarked(item: Any, report: Report) -> bool:
    """Report a statement in a group that no `|` precedes."""
    help = "the braces of a merge hold branches, and each begins with `|`"
    report("P019", "expected `|` before this branch", item.span, help)
    return True
