"""Diagnostics as GitHub workflow commands, which show up as annotations on a pull request.

GitHub shows the first ten errors, ten warnings and ten notices of a step; all are in its log.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
"""

from __future__ import annotations

from cnnlang.diagnostics.cells import clean
from cnnlang.diagnostics.model import Diagnostic, Severity, Span
from cnnlang.diagnostics.words import full_text

COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}
DATA = {"%": "%25", "\r": "%0D", "\n": "%0A"}
PROPERTY = {**DATA, ":": "%3A", ",": "%2C"}


def render(diagnostics: list[Diagnostic]) -> str:
    """One command a line; GitHub shows them with the message, notes and help."""
    return "\n".join(map(write, diagnostics))


def write(diagnostic: Diagnostic) -> str:
    """`::error file=net.cnn,line=5,col=33,endLine=5,endColumn=42,title=cnnlang S104::message`."""
    properties = {**place(diagnostic.span), "title": f"cnnlang {diagnostic.code}"}
    listed = ",".join(f"{name}={encode(value, PROPERTY)}" for name, value in properties.items())
    message = encode(full_text(diagnostic), DATA)
    return f"::{COMMANDS[diagnostic.severity]} {listed}::{message}"


def place(span: Span | None) -> dict[str, str]:
    """The properties for a span; GitHub refuses columns where it covers several lines."""
    if span is None:
        return {}
    line, end_line = str(span.line), str(span.end_line)
    if line != end_line:
        return {"file": span.source.name, "line": line, "endLine": end_line}
    columns = {"col": str(span.column), "endLine": end_line, "endColumn": str(span.end_column)}
    return {"file": span.source.name, "line": line, **columns}


def encode(text: str, table: dict[str, str]) -> str:
    """`text` with what would end a command or a property replaced by its code."""
    return "".join(table.get(char) or clean(char) for char in text)
