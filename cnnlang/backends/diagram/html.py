"""Graphviz's HTML-like labels: every text that comes from a file is escaped here.

Graphviz draws the bare node name, and says so on standard error only, where a label is malformed:
so a font never holds an empty text, and a cell holds one run of one font.
"""

from __future__ import annotations

import html

LONGEST = 40


def escape(text: str, longest: int = LONGEST) -> str:
    """A text for a label: printable, not too long, with no meaning to the label's syntax."""
    shown = "".join(each if each.isprintable() else "?" for each in text)
    cut = shown if len(shown) <= longest else shown[: longest - 1] + "…"
    return html.escape(cut)


def font(text: str, size: float, colour: str, *, bold: bool = False, longest: int = LONGEST) -> str:
    """A run of text, nothing for an empty one."""
    if not text:
        return ""
    shown = escape(text, longest)
    inner = f"<B>{shown}</B>" if bold else shown
    return f'<FONT POINT-SIZE="{size}" COLOR="{colour}">{inner}</FONT>'


def cell(content: str, **attributes: object) -> str:
    return f"<TD{spelled(attributes)}>{content}</TD>"


def row(*cells: str) -> str:
    return f"<TR>{''.join(cells)}</TR>"


def table(*rows: str, **attributes: object) -> str:
    """A table without lines of its own; `attributes` as Graphviz names them, in lower case."""
    usual = {"border": 0, "cellborder": 0, "cellspacing": 0, "cellpadding": 0}
    return f"<TABLE{spelled(usual | attributes)}>{''.join(rows)}</TABLE>"


def label(content: str) -> str:
    """The mark by which Graphviz knows that a label is HTML-like."""
    return f"<{content}>"


def spelled(attributes: dict[str, object]) -> str:
    return "".join(f' {name.upper()}="{value}"' for name, value in attributes.items())
