"""A drawing as SVG: text stays text, groups say what they are when one points at them."""

from __future__ import annotations

from html import escape

from cnnlang.backends.diagram.drawing import DASHES, Drawing, Group, Line, Mark, Polygon, Text
from cnnlang.backends.diagram.palette import FONT

DASHED = f' stroke-dasharray="{DASHES[0]} {DASHES[1]}"'


def svg(drawing: Drawing) -> str:
    """The picture, with some empty space around it."""
    x, y, right, bottom = drawing.sheet
    w, h = right - x, bottom - y
    sizes = f'width="{n(w)}pt" height="{n(h)}pt" viewBox="{n(x)} {n(y)} {n(w)} {n(h)}"'
    page = f'<rect x="{n(x)}" y="{n(y)}" width="{n(w)}" height="{n(h)}" '
    return "\n".join(
        [
            '<?xml version="1.0" encoding="UTF-8"?>',
            f'<svg xmlns="http://www.w3.org/2000/svg" {sizes} font-family="{FONT}" role="img">',
            f"<title>{text(drawing.title)}</title>",
            f'{page}fill="{drawing.background}"/>',
            *map(written, drawing.marks),
            "</svg>\n",
        ]
    )


def written(mark: Mark) -> str:
    """One mark as an element."""
    if isinstance(mark, Group):
        inside = "".join(map(written, mark.marks))
        return f"<g><title>{text(mark.tooltip)}</title>{inside}</g>"
    if isinstance(mark, Text):
        return letters(mark)
    if isinstance(mark, Line):
        return line(mark)
    return polygon(mark)


def letters(mark: Text) -> str:
    bold = ' font-weight="bold"' if mark.bold else ""
    anchor = f' text-anchor="{mark.anchor}"' if mark.anchor != "start" else ""
    place = f'x="{n(mark.at[0])}" y="{n(mark.at[1])}"'
    look = f'font-size="{n(mark.size)}"{bold}{anchor} fill="{mark.colour}"'
    return f"<text {place} {look}>{text(mark.text)}</text>"


def line(mark: Line) -> str:
    first, *rest = [f"{n(x)},{n(y)}" for x, y in mark.points]
    path = f"M{first} C{' '.join(rest)}" if mark.curved else f"M{first} L{' '.join(rest)}"
    dashes = DASHED if mark.dashed else ""
    look = f'stroke="{mark.colour}" stroke-width="{n(mark.thick)}" stroke-linejoin="round"{dashes}'
    return f'<path d="{path}" fill="none" {look}/>'


def polygon(mark: Polygon) -> str:
    points = " ".join(f"{n(x)},{n(y)}" for x, y in mark.points)
    stroke = f' stroke="{mark.line}" stroke-width="{n(mark.thick)}" stroke-linejoin="round"'
    stroke += DASHED if mark.dashed else ""
    return f'<polygon points="{points}" fill="{mark.fill}"{stroke if mark.thick else ""}/>'


def text(value: str) -> str:
    """A text as XML has it: what cannot be printed is shown as a question mark."""
    return escape("".join(c if c.isprintable() or c == "\n" else "?" for c in value), quote=False)


def n(value: float) -> str:
    """A number without needless digits."""
    return f"{value:.2f}".rstrip("0").rstrip(".")
