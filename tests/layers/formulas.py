"""Reads the formulas of the layers' documentation, so that they can be tried.

A formula is Python but for its notation: `·`, `²`, `√`, `⌊ ⌋`, `|x|`, `H'` and `C₁`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

SPAN = re.compile(r"`([^`]+)`(?: with `(\w+)=(\w+)`)?")
NOTATION = (
    (r"([A-Z])'", r"\1_out"),
    (r"\|(\w+)\|", r"abs(\1)"),
    ("·", "*"),
    ("²", "**2"),
    ("³", "**3"),
    (r"\^", "**"),
    ("√", "sqrt"),
    ("⌊", "floor("),
    ("⌈", "ceil("),
    ("[⌋⌉]", ")"),
    ("₁", "1"),
    ("₂", "2"),
)


@dataclass(frozen=True)
class Span:
    """A piece of code in a rule; `variant` is the argument with which it holds."""

    text: str
    variant: tuple[str, str] | None


def spans(rule: str) -> list[Span]:
    return [Span(m[1], (m[2], m[3]) if m[2] else None) for m in SPAN.finditer(rule)]


def defined(rule: str, symbol: str) -> Iterator[Span]:
    """The formulas `symbol = ...` of a rule, without their left sides."""
    for span in spans(rule):
        left, equals, right = span.text.partition(" = ")
        if equals and left == symbol:
            yield Span(right, span.variant)


def value(formula: str, names: Mapping[str, Any]) -> Any:
    """What a formula is, for the values of its names; a condition may hold a tensor."""
    text = formula
    for pattern, python in NOTATION:
        text = re.sub(pattern, python, text)
    tree = ast.fix_missing_locations(Choices().visit(ast.parse(text, mode="eval")))
    return eval(compile(tree, formula, "eval"), {"__builtins__": {}}, dict(names))


class Choices(ast.NodeTransformer):
    """Makes `a if c else b` a call of `where`, which knows tensors."""

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        self.generic_visit(node)
        return ast.Call(ast.Name("where", ast.Load()), [node.test, node.body, node.orelse], [])
