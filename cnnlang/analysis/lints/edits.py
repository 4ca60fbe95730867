"""The edits that rules propose, made from the text of a call."""

from __future__ import annotations

import re

from cnnlang.diagnostics.model import Edit, Span
from cnnlang.syntax import ast

PLAIN = (ast.Number, ast.Size, ast.Truth, ast.Text)


def plain(call: ast.Call | None) -> bool:
    """True if every argument of a call is written as it is, without names and arithmetic."""
    return call is not None and all(isinstance(a.value, PLAIN) for a in call.arguments or ())


def disable(call: ast.Call | None, field: str) -> tuple[Edit, ...]:
    """Give an argument of a call the value `false`; nothing where it is worked out."""
    if call is None or not call.arguments:
        return ()
    for each in call.arguments:
        if each.name == field:
            literal = isinstance(each.value, ast.Truth)
            return (Edit(each.value.span, "false"),) if literal else ()
    end = call.arguments[-1].span.end
    return (Edit(Span(call.span.source, end, end), f", {field}=false"),)


def remove(call: ast.Call | None) -> tuple[Edit, ...]:
    """Take a step out of its chain, or its line out of the text; nothing where that is unclear."""
    if call is None or call.group is not None:
        return ()
    text, start, end = call.span.source.text, call.span.start, call.span.end
    first = text.rfind("\n", 0, start) + 1
    arrow = re.search(r"\s*->\s*\Z", text[first:start])
    after = re.compile(r"[ \t]*->[ \t]*(?=\S)").match(text, end)
    alone = re.compile(r"[ \t]*\n").match(text, end)
    if arrow and text[first : first + arrow.start()].strip():
        return cut(call, first + arrow.start(), end)
    if not arrow and (text[first:start].strip() or continued(text, first)):
        return ()
    if alone:
        return cut(call, first, alone.end())
    if not after:
        return ()
    return (
        cut(call, text.index("->", first), text.index("->", end))
        if arrow
        else cut(call, start, after.end())
    )


def cut(call: ast.Call, start: int, end: int) -> tuple[Edit, ...]:
    return (Edit(Span(call.span.source, start, end), ""),)


def continued(text: str, first: int) -> bool:
    """True if a line may go on with what stands on the one before it."""
    before = text[max(0, first - 500) : first].rstrip().rpartition("\n")[2]
    return "#" in before or before.endswith(("->", "|", ",", ":", "="))
