"""What a lint is: a rule with a code, a name and an exact condition, and what it finds.

A rule is a function from a `Net` to its findings, registered by the decorator `rule`. The text
under it is its documentation: a title, then the exact condition. Rules are pure, and linear in the
size of the network all together.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from cnnlang.diagnostics.model import Edit, Related, Severity, Span
from cnnlang.graph import Node
from cnnlang.records import dataclass

if TYPE_CHECKING:
    from cnnlang.analysis.lints.net import Net


@dataclass(frozen=True, slots=True)
class Finding:
    """One layer that a rule finds; `why` of the rule and the number of its like are added later.

    `edits` carry out what `help` says. They are `safe` if the network computes the same class of
    functions after them.
    """

    node: Node
    message: str
    label: str = ""
    span: Span | None = None
    related: tuple[Related, ...] = ()
    help: str | None = None
    edits: tuple[Edit, ...] = ()
    safe: bool = False

    @property
    def place(self) -> Span:
        """The narrowest text that one would edit: the name of the layer unless told otherwise."""
        return self.span or head(self.node)


@dataclass(frozen=True, slots=True)
class Rule:
    """A lint: `severity` is that of its findings, and what is a warning is on by default.

    Two rules have one name where a milder form of a mistake is opt-in.
    `why` says with its source why it matters, `example` is a file that gives exactly this code.
    `throughout` rules tell of a text only if they find every layer that is made of it.
    """

    code: str
    name: str
    severity: Severity
    title: str
    condition: str
    why: str
    example: str
    check: Callable[[Net], Iterator[Finding]]
    throughout: bool = False

    @property
    def usual(self) -> bool:
        """True if the rule is on by default."""
        return self.severity is Severity.WARNING


Check = Callable[["Net"], Iterator[Finding]]
RULES: dict[str, Rule] = {}
"""All rules by code, in the order of the codes."""


def rule(
    code: str,
    name: str,
    *,
    why: str,
    example: str,
    severity: Severity = Severity.WARNING,
    throughout: bool = False,
) -> Callable[[Check], Check]:
    """Register a function as a rule; its documentation is the title and the condition."""

    def register(check: Check) -> Check:
        title, _, condition = (check.__doc__ or "").partition("\n")
        RULES[code] = Rule(
            code,
            name,
            severity,
            title.strip().rstrip("."),
            re.sub(r"\s+", " ", condition).strip(),
            why,
            example.lstrip("\n"),
            check,
            throughout,
        )
        return check

    return register


def head(node: Node) -> Span:
    """Where a node is told of: the name of its layer; an input by all that declares it."""
    return node.call.name_span if node.call else node.span
