"""Graphviz in a process of its own: `python -m cnnlang.backends.diagram.child FORMAT [fast]`.

Reads Graphviz text from standard input and writes the picture to standard output. A layout cannot
be interrupted and a crash in Graphviz ends the process, so it is never run in the user's own.
"""

from __future__ import annotations

import sys

ABSENT = 3
"""The exit status where pygraphviz is not installed."""

HURRIED = {"nslimit": "1", "nslimit1": "1", "mclimit": "0.1", "splines": "line"}
"""Graph attributes that make the layout of a tangled graph end soon."""

DPI, PIXELS = 144, 30_000
"""The resolution of a bitmap, and the longest side that Cairo can write with some room to spare."""


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
    graph = AGraph(string=sys.stdin.buffer.read().decode("utf-8"))
    if fast:
        graph.graph_attr.update(HURRIED)
    graph.layout(prog="dot")
    if format == "png":
        graph.graph_attr["dpi"] = str(resolution(graph.graph_attr["bb"]))
    sys.stdout.buffer.write(graph.draw(format=format, prog="nop2"))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], "fast" in sys.argv[2:]))
