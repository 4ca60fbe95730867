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
    """Take a step out of its chain, or its line out of the text; nothing where it is alone."""
    if call is None or call.group is not None:
        return ()
    source, start, end = call.span.source, call.span.start, call.span.end
    if before := re.search(r"\s*->\s*\Z", source.text[line(source.text, start) : start]):
        return (Edit(Span(source, start - len(before[0]), end), ""),)
    if after := re.compile(r"[ \t]*->\s*").match(source.text, end):
        return (Edit(Span(source, start, after.end()), ""),) if begins(source.text, start) else ()
    if begins(source.text, start) and (rest := re.compile(r"[ \t]*\n").match(source.text, end)):
        return (Edit(Span(source, line(source.text, start), rest.end()), ""),)
    return ()


def line(text: str, at: int) -> int:
    """Where the line of an offset begins."""
    return text.rfind("\n", 0, at) + 1


def begins(text: str, at: int) -> bool:
    """True if nothing but blanks stands before an offset on its line."""
    return not text[line(text, at) : at].strip()
