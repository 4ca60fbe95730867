"""A drawing as Graphviz text, every mark in its place: the way to PNG and PDF.

Faces and lines are the background of the page, in the language of xdot; texts are pinned nodes,
for Graphviz crashes on texts in a background.
"""

from __future__ import annotations

import graphviz

from cnnlang.backends.diagram import html
from cnnlang.backends.diagram.drawing import PAD, Drawing, Line, Point, Polygon, Text
from cnnlang.backends.diagram.palette import FONT

ENGINE = "nop2"
"""The layout engine that leaves everything where it is."""
MARKS = "marks"
"""What stands for the background until its pieces are put in."""
PIECE = 8_000
"""Letters of a string: Graphviz reads 16,384 at the most, and joins strings with `+` between."""


def pinned(drawing: Drawing) -> str:
    """The picture as a graph of texts; `layout=nop2` says that it is laid out already."""
    left, top, right, bottom = drawing.box
    page = Page(left - PAD, bottom + PAD)
    wide, high = right - left + 2 * PAD, bottom - top + 2 * PAD
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

    def __init__(self, left: float, bottom: float) -> None:
        self.left = left
        self.bottom = bottom

    def place(self, point: Point) -> str:
        return f"{point[0] - self.left:.2f} {self.bottom - point[1]:.2f}"

    def mark(self, mark: Polygon | Line) -> str:
        """A face or a line in xdot's words."""
        points = f"{len(mark.points)} {' '.join(map(self.place, mark.points))}"
        pen = [style("dashed" if mark.dashed else "solid"), style(f"setlinewidth({mark.thick:g})")]
        if isinstance(mark, Polygon):
            return " ".join([*pen, colour("C", mark.fill), colour("c", mark.line), f"P {points}"])
        return " ".join([*pen, colour("c", mark.colour), f"{'B' if mark.curved else 'L'} {points}"])

    def write(self, dot: graphviz.Digraph, key: str, text: Text) -> None:
        """A text as a node without a shape."""
        box = text.box
        x, y = self.place(((box[0] + box[2]) / 2, text.at[1] - 0.3 * text.size)).split()
        label = html.label(
            html.font(text.text, round(text.size, 1), text.colour, bold=text.bold, longest=200)
        )
        dot.node(key, label, pos=f"{x},{y}!")


def style(value: str) -> str:
    return f"S {len(value)} -{value}"


def colour(kind: str, value: str) -> str:
    """The colour of faces (`C`) or of lines (`c`)."""
    return f"{kind} {len(value)} -{value}"
