"""Graphviz in a process of its own: `python -m cnnlang.backends.diagram.child FORMAT [fast]`.

Reads Graphviz text from standard input and writes the picture to standard output. A layout cannot
be interrupted and a crash in Graphviz ends the process, so it is never run in the user's own.
"""

from __future__ import annotations

import sys
from typing import Any

ABSENT = 3
"""The exit status where pygraphviz is not installed."""

HURRIED = {"nslimit": "1", "nslimit1": "1", "mclimit": "0.1", "splines": "line"}
"""Graph attributes that make the layout of a tangled graph end soon."""

STRAIGHT = "20"
"""The weight of edges that run straight from a node to the one below it."""

DPI, PIXELS = 144, 30_000
"""The resolution of a bitmap, and the longest side that Cairo can write with some room to spare."""

PLACED = "layout=nop2"
"""What a text says whose nodes are in their places."""

SIZED = '{\n\tgraph [size="'
"""How a text goes on after its name where its sides and its resolution are given."""

ARROW = 6
"""The length of an arrowhead in points."""

Point = tuple[float, float]


def resolution(box: str) -> int:
    """Dots per inch for a drawing with the bounding box `x0,y0,x1,y1` in points."""
    x0, y0, x1, y1 = (float(each) for each in box.split(","))
    inches = max(x1 - x0, y1 - y0, 1.0) / 72 + 1
    return max(1, int(min(DPI, PIXELS / inches)))


def main(format: str, fast: bool) -> int:
    try:
        from pygraphviz import AGraph
    except ImportError:
        return ABSENT
    text = sys.stdin.buffer.read().decode("utf-8")
    graph = AGraph(string=text)
    if fast:
        graph.graph_attr.update(HURRIED)
    if PLACED not in text:
        graph.layout(prog="dot")
        for edge in graph.edges():
            straighten(graph, edge)
    if format == "png" and not text.startswith(SIZED, text.index("{")):
        graph.graph_attr["dpi"] = str(resolution(graph.graph_attr["bb"]))
    sys.stdout.buffer.write(graph.draw(format=format, prog="nop2"))
    return 0


def straighten(graph: Any, edge: Any) -> None:
    """Draw an edge between two nodes in one column as a line.

    Where another edge passes by, dot lets the line swerve around its own label.
    """
    tail, head = (graph.get_node(name) for name in edge[:2])
    (x, top), (below, bottom) = point(tail.attr["pos"]), point(head.attr["pos"])
    if edge.attr["weight"] != STRAIGHT or abs(x - below) > 1 or top <= bottom:
        return
    start = top - 36 * float(tail.attr["height"])
    tip = bottom + 36 * float(head.attr["height"])
    if edge.attr["lp"]:
        at, height = point(edge.attr["lp"])
        half = at - beside(edge.attr["pos"], height)
        edge.attr["lp"] = f"{x + half},{height}"
    stops = (start, start - (start - tip) / 3, tip + (start - tip) / 3, tip + ARROW)
    edge.attr["pos"] = " ".join([f"e,{x},{tip}", *(f"{x},{y}" for y in stops)])


def beside(curve: str, height: float) -> float:
    """Where the left end of a label is: at the knot of its edge that is nearest in height."""
    points = [point(each) for each in curve.split() if each[0] not in "es"]
    return min(points[::3], key=lambda each: abs(each[1] - height))[0]


def point(text: str) -> Point:
    x, y = text.split(",")[:2]
    return float(x), float(y)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], "fast" in sys.argv[2:]))
