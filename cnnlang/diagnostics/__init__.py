"""The ground floor: spans, messages and their renderers; imports nothing of cnnlang.

A stage returns `Diagnostic`s and never prints. `cnnlang.diagnostics.render` turns them into text,
and imports a renderer only when it is asked for, so that importing this package stays cheap.
"""

from __future__ import annotations

from cnnlang.diagnostics.model import (
    Diagnostic,
    Edit,
    Fix,
    Related,
    Severity,
    Source,
    Span,
    has_errors,
)
from cnnlang.diagnostics.suggest import nearest

__all__ = [
    "Diagnostic",
    "Edit",
    "Fix",
    "Related",
    "Severity",
    "Source",
    "Span",
    "has_errors",
    "nearest",
]
