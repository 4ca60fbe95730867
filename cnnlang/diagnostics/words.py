"""A diagnostic in words alone, for formats that show places by themselves."""

from __future__ import annotations

from cnnlang.diagnostics.model import Diagnostic


def full_text(diagnostic: Diagnostic) -> str:
    """Headline, label, notes and help, each from a line of its own."""
    lines = [diagnostic.message]
    lines += [diagnostic.label] if diagnostic.label else []
    lines += [f"note: {each}" for each in diagnostic.notes]
    lines += [f"help: {diagnostic.help}"] if diagnostic.help else []
    return "\n".join(lines)
