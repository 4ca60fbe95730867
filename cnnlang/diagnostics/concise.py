"""Diagnostics for tools that read lines: a headline each."""

from __future__ import annotations

from cnnlang.diagnostics.cells import clean
from cnnlang.diagnostics.model import Diagnostic


def render(diagnostics: list[Diagnostic]) -> str:
    """`net.cnn:5:33: error[S104]: message`, one line each; without a span, no place."""
    return "\n".join(map(write, diagnostics))


def write(diagnostic: Diagnostic) -> str:
    """One diagnostic as one line; line breaks in the message become spaces."""
    span = diagnostic.span
    place = f"{span.source.name}:{span.line}:{span.column}: " if span else ""
    message = diagnostic.message.replace("\n", " ")
    return clean(f"{place}{diagnostic.severity.value}[{diagnostic.code}]: {message}")
