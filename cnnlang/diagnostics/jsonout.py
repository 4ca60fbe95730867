"""Diagnostics as JSON, for programs; the schema is `grammar/diagnostics.schema.json`.

Within one `version`, keys are only ever added. Ends of ranges are exclusive; lines and columns
count from 1, offsets from 0, columns and offsets in Unicode code points.
"""

from __future__ import annotations

import json
from typing import Any

from cnnlang.diagnostics.model import Diagnostic, Source, Span

VERSION = 1


def render(diagnostics: list[Diagnostic]) -> str:
    """The document, in ASCII, indented by two."""
    return dump({"version": VERSION, "diagnostics": [as_dict(each) for each in diagnostics]})


def as_dict(diagnostic: Diagnostic) -> dict[str, Any]:
    """One diagnostic as plain data."""
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity.value,
        "message": diagnostic.message,
        "label": diagnostic.label,
        **place(diagnostic.span),
        "related": [{"message": each.label, **place(each.span)} for each in diagnostic.related],
        "notes": list(diagnostic.notes),
        "help": diagnostic.help,
        "edits": [{**place(each.span), "text": each.text} for each in diagnostic.edits],
        "safe": diagnostic.safe,
        "layer": diagnostic.layer or None,
    }


def place(span: Span | None) -> dict[str, Any]:
    """`file` and `range` of a span."""
    if span is None:
        return {"file": None, "range": None}
    start, end = point(span.source, span.start), point(span.source, span.end)
    return {"file": span.source.name, "range": {"start": start, "end": end}}


def point(source: Source, offset: int) -> dict[str, int]:
    """Line, column and offset of one place."""
    line, column = source.position(offset)
    return {"line": line, "column": column, "offset": offset}


def dump(document: Any) -> str:
    """JSON in printable ASCII: DEL is the one control character that `json` leaves bare."""
    return json.dumps(document, indent=2).replace("\x7f", "\\u007f")
