"""A drawing as Graphviz text, every mark in its place: the way to PNG and PDF.

Faces and lines are the background of the page, in the language of xdot; texts are pinned nodes,
for Graphviz crashes on texts in a background.
"""

from __future__ import annotations

import graphviz

from cnnlang.backends.diagram import html
from cnnlang.backends.diagram.drawing import Drawing, Line, Point, Polygon, Text, bent, dashes
from cnnlang.backends.diagram.palette import FONT

ENGINE = "nop2"
"""The layout engine that leaves everything where it is."""
MARKS = "marks"
"""What stands for the background until its pieces are put in."""
PIECE = 8_000
"""Letters of a string: Graphviz reads 16,384 at the most, and joins strings with `+` between."""


def pinned(drawing: Drawing, scale: float = 1.0) -> str:
    """The picture as a graph of texts, `scale` times as large.

    `layout=nop2` says that it is laid out already.
    """
    left, top, right, bottom = drawing.sheet
    page = Page(left, bottom, scale)
    wide, high = scale * (right - left), scale * (bottom - top)
    marks = [page.mark(each) for each in drawing.flat if not isinstance(each, Text)]
    look = {
        "layout": ENGINE,
        "bgcolor": drawing.background,
        "pad": "0",
        "margin": "0",
        "bb": f"0,0,{wide:.2f},{high:.2f}",
        "label": "",
        "_background": MARKS,
    }
    node = {"shape": "plaintext", "margin": "0", "width": "0", "height": "0", "fontname": FONT}
    dot = graphviz.Digraph("network", graph_attr=look, node_attr=node)
    for i, corner in enumerate(((0.0, 0.0), (wide, high))):
        at = f"{corner[0]:.2f},{corner[1]:.2f}!"
        dot.node(f"corner{i}", "", pos=at, shape="point", style="invis", width="0", height="0")
    for i, text in enumerate(each for each in drawing.flat if isinstance(each, Text)):
        page.write(dot, f"t{i}", text)
    source: str = dot.source
    return source.replace(f"_background={MARKS}", f"_background={pieces(' '.join(marks))}", 1)


def pieces(text: str) -> str:
    """A long string as several, joined."""
    return " + ".join(f'"{text[i : i + PIECE]}"' for i in range(0, len(text) or 1, PIECE))


class Page:
    """Places in Graphviz's coordinates, which begin at the left bottom."""

    def __init__(self, left: float, bottom: float, scale: float) -> None:
        self.left = left
        self.bottom = bottom
        self.scale = scale

    def place(self, point: Point) -> str:
        x, y = point[0] - self.left, self.bottom - point[1]
        return f"{self.scale * x:.2f} {self.scale * y:.2f}"

    def mark(self, mark: Polygon | Line) -> str:
        """A face or a line in xdot's words; Graphviz's own dashes have one length at any scale."""
        pen = [style("solid"), style(f"setlinewidth({self.scale * mark.thick:g})")]
        if isinstance(mark, Polygon):
            line = colour("c", mark.fill if mark.dashed else mark.line)
            face = [*pen, colour("C", mark.fill), line, f"P {self.points(mark.points)}"]
            edge = Line((*mark.points, mark.points[0]), mark.line, mark.thick, dashed=True)
            return " ".join([*face, self.mark(edge)] if mark.dashed else face)
        pen.append(colour("c", mark.colour))
        if mark.dashed:
            path = list(bent(mark.points)) if mark.curved else mark.points
            return " ".join([*pen, *(f"L {self.points(each)}" for each in dashes(path))])
        return " ".join([*pen, f"{'B' if mark.curved else 'L'} {self.points(mark.points)}"])

    def points(self, points: tuple[Point, ...]) -> str:
        return f"{len(points)} {' '.join(map(self.place, points))}"

    def write(self, dot: graphviz.Digraph, key: str, text: Text) -> None:
        """A text as a node without a shape."""
        if not text.text.strip():
            return
        box = text.box
        x, y = self.place(((box[0] + box[2]) / 2, text.at[1] - 0.3 * text.size)).split()
        size = round(self.scale * text.size, 1)
        words = html.font(text.text, size, text.colour, bold=text.bold, longest=200)
        dot.node(key, html.label(words), pos=f"{x},{y}!")


def style(value: str) -> str:
    return f"S {len(value)} -{value}"


def colour(kind: str, value: str) -> str:
    """The colour of faces (`C`) or of lines (`c`)."""
    return f"{kind} {len(value)} -{value}"
