"""The colours of a terminal, by what they stand for."""

from __future__ import annotations

from collections.abc import Callable

Paint = Callable[[str, str], str]
"""From a text and the name of its style to the text as it is written."""

CODES = {
    "error": "1;31",
    "warning": "1;33",
    "note": "1;36",
    "related": "34",
    "gutter": "34",
}


def painter(colour: bool) -> Paint:
    """ANSI escapes if `colour`, the bare text otherwise."""
    return ansi if colour else plain


def ansi(text: str, style: str) -> str:
    """`text` in the colour of `style`; a style without one leaves it bare."""
    return escaped(text, CODES.get(style, ""))


def escaped(text: str, code: str) -> str:
    """`text` between the ANSI escapes of a code; bare if there is none."""
    return f"\x1b[{code}m{text}\x1b[0m" if code and text else text


def plain(text: str, style: str) -> str:
    """`text` as it is."""
    return text
