"""How text takes up room in a terminal: columns, escapes, wrapping.

A column is one cell of a monospaced grid. East Asian wide characters take two, combining marks
none, a tab four. What a terminal would obey or hide instead of show (control characters, bidi
marks, lone surrogates) is written as an escape.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

TAB = "    "
ESCAPED = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
COMBINING = frozenset({"Mn", "Me"})


@lru_cache(maxsize=4096)
def cell(char: str) -> tuple[str, int]:
    r"""What to write for one character, and how many columns that takes.

    >>> cell("a"), cell("網"), cell("\t"), cell("\x1b")
    (('a', 1), ('網', 2), ('    ', 4), ('\\x1b', 4))
    """
    if " " <= char <= "~":
        return char, 1
    if char == "\t":
        return TAB, len(TAB)
    category = unicodedata.category(char)
    if category in ESCAPED:
        return escape(char), len(escape(char))
    if category in COMBINING or "\u1160" <= char <= "\u11ff":  # vowels and finals join a Hangul
        return char, 0
    return char, 2 if unicodedata.east_asian_width(char) in "WF" else 1


def escape(char: str) -> str:
    r"""A character as Python writes it in ASCII: `\x1b`, `\u202e`, `\U000e0001`."""
    code = ord(char)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def clean(text: str) -> str:
    """`text` as it may be written to a terminal; a newline is escaped too."""
    return text if text.isascii() and text.isprintable() else "".join(cell(c)[0] for c in text)


def measure(text: str) -> int:
    """The columns that `text` takes."""
    if text.isascii() and text.isprintable():
        return len(text)
    return sum(cell(char)[1] for char in text)


def wrap(text: str, room: int) -> list[str]:
    """The lines of `text`, cleaned and broken at spaces to at most `room` columns each.

    A word wider than `room` is broken anywhere; newlines in `text` are kept.

    >>> wrap("channels differ: 32 and 64", 16)
    ['channels differ:', '32 and 64']
    """
    return [line for part in text.split("\n") for line in fill(clean(part), room)]


def fill(text: str, room: int) -> list[str]:
    """One paragraph, filled greedily."""
    lines = [""]
    for word in text.split(" "):
        joined = f"{lines[-1]} {word}" if lines[-1] else word
        if measure(joined) <= room:
            lines[-1] = joined
            continue
        if not lines[-1]:
            lines.pop()
        lines += chop(word, room)
    return lines


def chop(word: str, room: int) -> list[str]:
    """A word in pieces of at most `room` columns."""
    pieces, used = [""], 0
    for char in word:
        width = cell(char)[1]
        if used + width > room:
            pieces.append("")
            used = 0
        pieces[-1] += char
        used += width
    return pieces
