"""Reading and rewriting the expressions that layers write for PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cnnlang.layers.code import SELF, Code, Value


def options(module: Code) -> dict[str, Any]:
    """The keywords of a constructor, those at their usual values included."""
    return dict(module.usual) | dict(module.keywords)


def applied(code: Value) -> bool:
    """True for the module applied to one thing."""
    return isinstance(code, Code) and code.function == "()" and code.arguments[0] == SELF


def inlined(code: Value, change: Callable[[Value], Value]) -> Value:
    """The code with another input for its module."""
    return rewritten(code, lambda own: Code("()", (SELF, change(own.arguments[1])), own.keywords))


def rewritten(code: Value, change: Callable[[Code], Value]) -> Value:
    """The code with something else in the place of the module that is applied."""
    if not isinstance(code, Code):
        return code
    if applied(code):
        return change(code)
    arguments = tuple(rewritten(each, change) for each in code.arguments)
    return Code(code.function, arguments, code.keywords, code.usual, code.order)
