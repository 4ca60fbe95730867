"""A figure as a list of marks in points, y downwards: what `vector` and `pinned` write out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
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
    """A line through points, or cubic Bezier curves that share their ends."""

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
    """A figure under way: its marks from back to front.

    `page` are the corners of the page, if it is not as large as the marks with some space around.
    """

    title: str
    background: str
    marks: list[Mark] = field(default_factory=list)
    page: tuple[Point, ...] = ()

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

    @property
    def sheet(self) -> Box:
        """The page."""
        if self.page:
            xs, ys = zip(*self.page, strict=True)
            return min(xs), min(ys), max(xs), max(ys)
        left, top, right, bottom = self.box
        return left - PAD, top - PAD, right + PAD, bottom + PAD


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


def bent(points: Sequence[Point], steps: int = 8) -> Iterator[Point]:
    """Bezier curves as corners of a line."""
    yield points[0]
    for i in range(0, len(points) - 1, 3):
        a, b, c, d = points[i : i + 4]
        for step in range(1, steps + 1):
            t = step / steps
            u = 1 - t
            shares = u**3, 3 * u * u * t, 3 * u * t * t, t**3
            x = sum(share * each[0] for share, each in zip(shares, (a, b, c, d), strict=True))
            y = sum(share * each[1] for share, each in zip(shares, (a, b, c, d), strict=True))
            yield x, y


def dashes(points: Sequence[Point]) -> Iterator[tuple[Point, Point]]:
    """The dashes of a line through points."""
    drawn, left = True, float(DASHES[0])
    for (x, y), (right, down) in pairwise(points):
        whole = hypot(right - x, down - y)
        done = 0.0
        while done < whole:
            step = min(left, whole - done)
            ends = done / whole, (done + step) / whole
            if drawn:
                a, b = ((x + (right - x) * t, y + (down - y) * t) for t in ends)
                yield a, b
            done, left = done + step, left - step
            if left <= 1e-9:
                drawn = not drawn
                left = float(DASHES[not drawn])
