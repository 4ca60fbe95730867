"""Functions and classes that some layers need beside torch's own, copied into the source."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

PRELUDE = Path(__file__).parents[1] / "prelude.py"


@cache
def prelude(*paths: Path) -> dict[str, tuple[str, frozenset[str]]]:
    """The definitions of the preludes by name: their text, and the other ones that they use."""
    nodes: dict[str, str] = {}
    for path in paths or (PRELUDE,):
        text = path.read_text(encoding="utf-8")
        for node in ast.parse(text).body:
            if (name := defined(node)) is not None:
                nodes[name] = ast.get_source_segment(text, node) or ""
    return {
        name: (part, frozenset(words(part) & set(nodes)) - {name}) for name, part in nodes.items()
    }


def defined(node: ast.stmt) -> str | None:
    """The name that a statement of a prelude defines, None if it defines none."""
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return node.name
    simple = isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    return node.targets[0].id if simple else None  # type: ignore[attr-defined]


def helper_names() -> frozenset[str]:
    """The names that classes of the source must leave to the helpers."""
    return frozenset(prelude())


def words(text: str) -> set[str]:
    return set(re.findall(r"[A-Za-z_]\w*", text))


def helpers(classes: Sequence[Sequence[str]], *paths: Path) -> list[list[str]]:
    """The definitions that the classes use, in the order of the preludes."""
    known = prelude(*paths)
    used: set[str] = set()
    todo = {name for each in classes for line in each for name in called(line)} & set(known)
    while todo:
        name = todo.pop()
        used.add(name)
        todo |= known[name][1] - used
    return [known[name][0].splitlines() for name in known if name in used]


def called(line: str) -> list[str]:
    """The plain names that a line calls, or derives a class from."""
    bases = re.findall(r"^class \w+\((\w+)\):", line)
    return bases + re.findall(r"(?<![\w.])([A-Za-z_]\w*)\(", line.split("  #")[0])
