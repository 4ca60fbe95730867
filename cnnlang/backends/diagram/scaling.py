"""Pictures of a given width: proportions stay, and letters that get too small are told of."""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import dataclass

from cnnlang.backends.diagram.child import DPI
from cnnlang.backends.diagram.drawing import Drawing, Text
from cnnlang.backends.diagram.look import UNITS, Look

LEAST, GOOD = 5.0, 6.0
"""The sizes in points below which letters cannot be read, and from which they can with ease."""
LARGER = 8.0
"""How much larger a drawing is written than it is shown."""
FINE = 300
"""Dots per inch of a bitmap whose width is given."""
HEADER = 33
"""Bytes of a PNG before the chunk that says how large a dot is."""
SIZE = re.compile(r'(<svg\b[^>]*?\bwidth=")([0-9.]+)pt("[^>]*?\bheight=")([0-9.]+)pt(")')
LETTERS = re.compile(r'font-size="([0-9.]+)"')


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure as the bytes of a file; `notes` are what one should know about it."""

    data: bytes
    notes: tuple[str, ...] = ()


def scaled(svg: str, look: Look) -> Picture:
    """An SVG at the width that is asked for; as it is if none is."""
    if look.width is None:
        return Picture(svg.encode())
    wide, high = extent(svg)
    share = look.width / wide
    sizes = rf"\g<1>{look.width:.2f}pt\g<3>{high * share:.2f}pt\g<5>"
    return Picture(SIZE.sub(sizes, svg, count=1).encode(), small(letters(svg, look.width), look))


def printed(drawing: Drawing, format: str, look: Look) -> Picture:
    """A drawing as a PDF or bitmap, of the width that is asked for; `dot` for Graphviz text.

    It is written larger and scaled down, or letters would stand on a grid of 3/4 points.
    """
    from cnnlang.backends.diagram.pinned import pinned
    from cnnlang.backends.rendering import render, sized

    if format == "dot":
        return Picture(pinned(drawing).encode())
    left, top, right, bottom = drawing.sheet
    share = look.width / (right - left) if look.width else 1.0
    inches = share * (right - left) / UNITS["in"], share * (bottom - top) / UNITS["in"]
    text = sized(pinned(drawing, LARGER), format, inches, FINE if look.width else DPI)
    data = render(text, format)
    notes = small(share * smallest(drawing), look)
    return Picture(resolved(data, inches[0]) if format == "png" else data, notes)


def smallest(drawing: Drawing) -> float:
    """The size of the smallest letters in points."""
    return min(each.size for each in drawing.flat if isinstance(each, Text))


def resolved(png: bytes, inches: float) -> bytes:
    """A bitmap that says how wide it is: https://www.w3.org/TR/png-3/#11pHYs, after the header."""
    dots = round(int.from_bytes(png[16:20], "big") / inches * 100 / 2.54)
    chunk = b"pHYs" + struct.pack(">IIB", dots, dots, 1)
    sum_ = struct.pack(">I", zlib.crc32(chunk))
    return png[:HEADER] + struct.pack(">I", len(chunk) - 4) + chunk + sum_ + png[HEADER:]


def extent(svg: str) -> tuple[float, float]:
    """Width and height in points."""
    found = SIZE.search(svg)
    assert found is not None
    return float(found[2]), float(found[4])


def letters(svg: str, width: float) -> float:
    """The height of the smallest letters at a width, in points."""
    return min(map(float, LETTERS.findall(svg))) * width / extent(svg)[0]


def small(shown: float, look: Look) -> tuple[str, ...]:
    """What is said of letters that are `shown` points high, too small to read at the width."""
    if look.width is None or shown >= LEAST:
        return ()
    needed = look.width * GOOD / shown / UNITS["cm"]
    return (
        f"the smallest letters are {shown:.1f} pt high at this width, "
        f"and {GOOD:g} pt at {needed:.1f}cm",
    )
