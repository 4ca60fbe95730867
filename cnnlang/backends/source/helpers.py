"""Functions and classes that some layers need beside torch's own, copied into the source."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

PRELUDE = Path(__file__).parents[1] / "prelude.py"


@cache
def prelude() -> dict[str, tuple[str, frozenset[str]]]:
    """The definitions of the prelude by name: their text, and the other ones that they use."""
    text = PRELUDE.read_text(encoding="utf-8")
    nodes = {
        node.name: ast.get_source_segment(text, node) or ""
        for node in ast.parse(text).body
        if isinstance(node, (ast.FunctionDef, ast.ClassDef))
    }
    return {
        name: (part, frozenset(words(part) & set(nodes)) - {name}) for name, part in nodes.items()
    }


def helper_names() -> frozenset[str]:
    """The names that classes of the source must leave to the helpers."""
    return frozenset(prelude())


def words(text: str) -> set[str]:
    return set(re.findall(r"[A-Za-z_]\w*", text))


def helpers(classes: Sequence[Sequence[str]]) -> list[list[str]]:
    """The definitions that the classes use, in the order of the prelude."""
    known = prelude()
    used: set[str] = set()
    todo = {name for each in classes for line in each for name in called(line)} & set(known)
    while todo:
        name = todo.pop()
        used.add(name)
        todo |= known[name][1] - used
    return [known[name][0].splitlines() for name in known if name in used]


def called(line: str) -> list[str]:
    """The plain names that a line calls."""
    return re.findall(r"(?<![\w.])([A-Za-z_]\w*)\(", line.split("  #")[0])
