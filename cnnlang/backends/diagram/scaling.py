"""Pictures of a given width: proportions stay, and letters that get too small are told of."""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import dataclass

from cnnlang.backends.diagram.look import UNITS, Look

LEAST, GOOD = 5.0, 6.0
"""The sizes in points below which letters cannot be read, and from which they can with ease."""
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
    return Picture(SIZE.sub(sizes, svg, count=1).encode(), small(svg, look))


def fitted(text: str, svg: str, format: str, look: Look) -> Picture:
    """Graphviz text as a PDF or bitmap of the width; `svg` is the same figure as it lies now."""
    from cnnlang.backends.rendering import picture

    assert look.width is not None
    wide, high = extent(svg)
    inches = look.width / UNITS["in"], high * look.width / wide / UNITS["in"]
    data = picture(text, format, inches)
    return Picture(resolved(data, inches[0]) if format == "png" else data, small(svg, look))


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


def small(svg: str, look: Look) -> tuple[str, ...]:
    """What is said of letters that are too small to read at the width."""
    assert look.width is not None
    shown = letters(svg, look.width)
    if shown >= LEAST:
        return ()
    needed = look.width * GOOD / shown / UNITS["cm"]
    return (
        f"the smallest letters are {shown:.1f} pt high at this width, "
        f"and {GOOD:g} pt at {needed:.1f}cm",
    )
