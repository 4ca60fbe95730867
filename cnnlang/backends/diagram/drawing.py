"""A figure as a list of marks in points, y downwards: what `vector` and `pinned` write out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from math import hypot
from typing import Literal, TypeAlias, cast

from cnnlang.backends.diagram.letters import width

Point: TypeAlias = tuple[float, float]
Box: TypeAlias = tuple[float, float, float, float]
Anchor: TypeAlias = Literal["start", "middle", "end"]

PAD = 16.0
"""Empty space around a figure."""
HEAD, WING = 7.0, 2.5
"""The length of an arrowhead, and half of its width."""
DASHES = 5, 3


@dataclass(frozen=True, slots=True)
class Polygon:
    """A filled face with an outline."""

    points: tuple[Point, ...]
    fill: str
    line: str
    thick: float = 0.7
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A line through points, or one cubic Bezier curve of four."""

    points: tuple[Point, ...]
    colour: str
    thick: float = 1.1
    dashed: bool = False
    curved: bool = False


@dataclass(frozen=True, slots=True)
class Text:
    """A line of text on its base line."""

    at: Point
    text: str
    size: float
    colour: str
    bold: bool = False
    anchor: Anchor = "middle"

    @property
    def box(self) -> Box:
        """What it covers: left, top, right, bottom."""
        x, y = self.at
        wide = width(self.text, self.size, bold=self.bold)
        left = x - wide * {"start": 0.0, "middle": 0.5, "end": 1.0}[self.anchor]
        return left, y - 0.76 * self.size, left + wide, y + 0.22 * self.size


@dataclass(frozen=True, slots=True)
class Group:
    """Marks that belong together, what they say when one points at them, and the layers they show.

    A layer is told by its place in the graph.
    """

    marks: tuple[Polygon | Line | Text, ...]
    tooltip: str
    layers: tuple[int, ...] = ()


Mark: TypeAlias = Polygon | Line | Text | Group


@dataclass(eq=False, slots=True)
class Drawing:
    """A figure under way: its marks from back to front."""

    title: str
    background: str
    marks: list[Mark] = field(default_factory=list)

    def add(self, *marks: Mark) -> None:
        self.marks += marks

    def arrow(self, points: Iterable[Point], colour: str, thick: float = 1.1, **look: bool) -> None:
        """A line with a head at its end."""
        path = list(points)
        tip, wings, neck = head(path[-2], path[-1])
        self.add(Line((*path[:-1], neck), colour, thick, **look))
        self.add(Polygon((tip, *wings), colour, colour, 0))

    @property
    def flat(self) -> Iterator[Polygon | Line | Text]:
        """The marks one by one."""
        for mark in self.marks:
            if isinstance(mark, Group):
                yield from mark.marks
            else:
                yield mark

    @property
    def box(self) -> Box:
        """What all marks cover."""
        corners = [corner for mark in self.flat for corner in covered(mark)]
        xs, ys = [x for x, _ in corners], [y for _, y in corners]
        return min(xs), min(ys), max(xs), max(ys)


def shifted(mark: Mark, dx: float, dy: float) -> Mark:
    """A mark in another place."""
    if isinstance(mark, Group):
        marks = tuple(shifted(each, dx, dy) for each in mark.marks)
        return replace(mark, marks=cast("tuple[Polygon | Line | Text, ...]", marks))
    if isinstance(mark, Text):
        return replace(mark, at=(mark.at[0] + dx, mark.at[1] + dy))
    return replace(mark, points=tuple((x + dx, y + dy) for x, y in mark.points))


def covered(mark: Polygon | Line | Text) -> tuple[Point, ...]:
    """Points between which a mark lies."""
    if isinstance(mark, Text):
        left, top, right, bottom = mark.box
        return (left, top), (right, bottom)
    return mark.points


def head(before: Point, tip: Point) -> tuple[Point, tuple[Point, Point], Point]:
    """The tip of an arrow, its wings, and where its line ends."""
    x, y = tip[0] - before[0], tip[1] - before[1]
    length = hypot(x, y) or 1.0
    x, y = x / length, y / length
    back = tip[0] - HEAD * x, tip[1] - HEAD * y
    wings = (back[0] - WING * y, back[1] + WING * x), (back[0] + WING * y, back[1] - WING * x)
    return tip, wings, (tip[0] - 0.8 * HEAD * x, tip[1] - 0.8 * HEAD * y)
