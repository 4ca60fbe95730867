"""Whether two trees say the same, wherever their text stands."""

from __future__ import annotations

from typing import Any

from cnnlang.diagnostics.model import Span
from cnnlang.records import members
from cnnlang.syntax.ast import Definition, File


def same_meaning(a: File | Definition, b: File | Definition) -> bool:
    """True if the trees differ in spans at most. Depth is no matter: the walk keeps a stack."""
    waiting: list[tuple[Any, Any]] = [(a, b)]
    while waiting:
        x, y = waiting.pop()
        if type(x) is not type(y):
            return False
        if isinstance(x, tuple):
            if len(x) != len(y):
                return False
            waiting.extend(zip(x, y, strict=True))
        elif members(x) and not isinstance(x, Span):
            waiting.extend((getattr(x, name), getattr(y, name)) for name in names(x))
        elif not isinstance(x, Span) and x != y:
            return False
    return True


def names(node: Any) -> list[str]:
    """The fields of a node that carry meaning."""
    return [name for name in members(node) if not name.endswith("span")]
