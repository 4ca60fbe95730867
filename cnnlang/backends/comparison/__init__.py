"""The comparison of two networks written down: for a terminal, a pull request, a program."""

from __future__ import annotations

from collections.abc import Callable

from cnnlang.analysis.comparison import Comparison
from cnnlang.backends.comparison import jsonout, markdown, text

Sides = tuple[str, str]


def render(
    comparison: Comparison,
    sides: Sides,
    format: str,
    *,
    colour: bool = False,
    width: int | None = None,
) -> str:
    """The comparison in `format` (a key of `FORMATS`), without a newline at the end.

    `sides` are what a person calls the two: files, revisions. `colour` and `width` (in columns,
    None for no limit) matter to `text`.
    """
    if format == "text":
        return text.render(comparison, sides, colour=colour, width=width)
    return FORMATS[format](comparison, sides)


FORMATS: dict[str, Callable[[Comparison, Sides], str]] = {
    "text": text.render,
    "markdown": markdown.render,
    "json": jsonout.render,
}
