"""The one exception of elaboration: a diagnostic on its way to the statement it belongs to."""

from __future__ import annotations

from cnnlang.diagnostics.model import Diagnostic, Fix, Related, Span


class Fault(Exception):
    """A statement cannot be elaborated; caught at the statement, never seen outside."""

    def __init__(self, *diagnostics: Diagnostic) -> None:
        super().__init__(diagnostics[0].message if diagnostics else "muted")
        self.diagnostics = diagnostics


class Muted(Fault):
    """Something depends on a mistake that has been told already: nothing more to say."""


def fault(
    code: str,
    message: str,
    span: Span,
    label: str = "",
    *,
    help: str | None = None,
    related: tuple[Related, ...] = (),
    notes: tuple[str, ...] = (),
    fixes: tuple[Fix, ...] = (),
) -> Fault:
    """A `Fault` with one diagnostic, to be raised."""
    return Fault(Diagnostic(code, message, span, label, related, notes, help, fixes=fixes))
