"""The SVG that Graphviz writes as a drawing: its marks in their places.

Graphviz lays letters out on a grid of 3/4 points, which shows in bitmaps and in print; as a drawing
a picture is written larger and scaled down, so that the grid is too fine to be seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import cos, pi, sin
from typing import cast
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from cnnlang.backends.diagram.drawing import Anchor, Drawing, Line, Mark, Point, Polygon, Text, bent

NUMBER = re.compile(r"-?[\d.]+")
MOVED = re.compile(r"translate\(([-\d.]+)[ ,]([-\d.]+)\)")
NARROW = "\xa0"
"""The space that Graphviz writes where there are several in a row."""
ROUND = 24
"""Corners of a circle."""


def traced(svg: str) -> Drawing:
    """The picture as a drawing; its page is the face that lies behind everything."""
    marks = list(traces(ElementTree.fromstring(svg), (0.0, 0.0)))
    page = marks[0]
    assert isinstance(page, Polygon)
    return Drawing("", page.fill, marks[1:], page.points)


def traces(element: Element, at: Point) -> Iterator[Mark]:
    """The marks in an element, which is moved by `at`."""
    if moved := MOVED.search(element.get("transform", "")):
        at = at[0] + float(moved[1]), at[1] + float(moved[2])
    name = element.tag.rpartition("}")[2]
    if name == "text":
        yield letters(element, at)
    elif name in ("polygon", "ellipse", "path"):
        yield shape(element, name, at)
    for each in element:
        yield from traces(each, at)


def letters(element: Element, at: Point) -> Text:
    value = {name: float(element.get(name, 0)) for name in ("x", "y", "font-size")}
    place = value["x"] + at[0], value["y"] + at[1]
    anchor = cast("Anchor", element.get("text-anchor", "start"))
    text, ink = (element.text or "").replace(NARROW, " "), element.get("fill", "black")
    bold = element.get("font-weight") == "bold"
    return Text(place, text, value["font-size"], ink, bold=bold, anchor=anchor)


def shape(element: Element, name: str, at: Point) -> Polygon | Line:
    """A face, or a line where nothing is filled."""
    corners = [(x + at[0], y + at[1]) for x, y in outline(element, name)]
    fill, line = element.get("fill", "none"), element.get("stroke", "none")
    thick = 0.0 if line == "none" else float(element.get("stroke-width", 1))
    dashed = "stroke-dasharray" in element.attrib
    if fill == "none":
        return Line(tuple(corners), line, thick, dashed, curved=name == "path")
    points = tuple(bent(corners)) if name == "path" else tuple(corners)
    return Polygon(points, fill, fill if line == "none" else line, thick, dashed)


def outline(element: Element, name: str) -> list[Point]:
    """The corners of an element; those of a path are the points of its curves."""
    if name == "ellipse":
        x, y, a, b = (float(element.get(each, 0)) for each in ("cx", "cy", "rx", "ry"))
        turns = [2 * pi * i / ROUND for i in range(ROUND)]
        return [(x + a * cos(turn), y + b * sin(turn)) for turn in turns]
    text = element.get("d", "") + element.get("points", "")
    numbers = [float(each) for each in NUMBER.findall(text)]
    points = list(zip(numbers[::2], numbers[1::2], strict=True))
    if name == "polygon" and points[0] == points[-1]:
        points.pop()
    return points
