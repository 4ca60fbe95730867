"""Maps one after the other: in rows, wrapped where they are long, or in a lane for every path."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import ceil
from typing import Any, Protocol, TypeAlias, TypeVar

from cnnlang.backends.diagram.drawing import Drawing, Point
from cnnlang.backends.diagram.palette import Theme
from cnnlang.backends.diagram.volumes import captions
from cnnlang.backends.diagram.volumes.model import Volume
from cnnlang.backends.diagram.volumes.solid import (
    Scale,
    Solid,
    channels,
    clear,
    paint,
    sizes,
    solid,
    window,
)

LONGEST = 1000.0
"""Points after which a row is wrapped."""
FEW = 14
"""Maps up to which the windows of the layers are drawn."""
APART, BESIDE, CLOSE, ARC = 30.0, 14.0, 7.0, 18.0
SMALLEST_GAP = 4.0


Lane: TypeAlias = list[Volume]
"""Maps side by side at one height."""


class Linked(Protocol):
    """What is made of others of its kind."""

    @property
    def inputs(self) -> Sequence[Any]: ...


T = TypeVar("T", bound=Linked)


def lanes(items: Sequence[T]) -> list[list[T]]:
    """A lane for every path: an item goes on in the lane of the last one that it is made of."""
    found: list[list[T]] = []
    ends: dict[int, int] = {}
    for item in items:
        ending = sorted({ends[id(each)] for each in item.inputs if id(each) in ends})
        home = max(ending, key=lambda i: len(found[i]), default=len(found))
        if home == len(found):
            found.append([])
        else:
            del ends[id(found[home][-1])]
        found[home].append(item)
        ends[id(item)] = home
    return found


def places(lanes: Sequence[Sequence[T]]) -> dict[T, tuple[int, int]]:
    """The lane of every item, and its place in it."""
    return {item: (i, place) for i, lane in enumerate(lanes) for place, item in enumerate(lane)}


class Rows:
    """Places and draws the maps: one chain in rows, or several paths in lanes."""

    def __init__(
        self,
        volumes: Sequence[Volume],
        scale: Scale,
        theme: Theme,
        drawing: Drawing,
        longest: float = LONGEST,
    ) -> None:
        paths = lanes(volumes)
        self.chain = len(paths) == 1
        self.lanes = wrapped(paths[0], scale, longest) if self.chain else paths
        self.places = places(self.lanes)
        self.homes = {volume: i for volume, (i, _) in self.places.items()}
        self.users = Counter(each for volume in volumes for each in {*volume.inputs})
        self.volumes = volumes
        self.scale = scale
        self.theme = theme
        self.drawing = drawing
        self.boxes: dict[Volume, Solid] = {}

    def draw(self) -> None:
        """Place the boxes from left to right, then paint lane after lane."""
        self.place()
        top = 0.0
        for lane in self.lanes:
            boxes = self.lower(lane, top)
            self.paint(boxes)
            below = max(box.bottom for box in boxes) + 13
            named = [box for box in boxes if not self.meets(box.volume)]
            top = captions.write(self.drawing, named, self.theme, below) + 14
        behind = Drawing("", self.theme.background)
        for volume in self.volumes:
            self.join(volume, behind)
        self.drawing.marks[:0] = behind.marks

    # --- places ----------------------------------------------------------------------------------

    def place(self) -> None:
        """The boxes at their places from left to right, all at one height yet."""
        last: dict[int, Solid] = {}
        for volume in self.volumes:
            home = self.homes[volume]
            before = last.get(home)
            stops = [0.0 if before is None else beside(before, volume, self.scale)]
            if not self.chain:
                sources = (
                    volume.inputs
                    if before is None or self.forks(before.volume)
                    else [each for each in volume.inputs if self.homes[each] != home]
                )
                stops += [self.boxes[each].right + APART for each in sources]
                if before is not None and self.joined(volume):
                    stops.append(before.right + BESIDE)
            self.boxes[volume] = last[home] = solid(volume, self.scale, max(stops), 0.0)

    def joined(self, volume: Volume) -> bool:
        """True if a path from another lane comes in: its line needs room before the map."""
        return any(self.homes[each] != self.homes[volume] for each in volume.inputs)

    def forks(self, volume: Volume) -> bool:
        """True if paths part after a map: the lines to all of them start from its own edge."""
        return self.users[volume] > 1

    def lower(self, lane: Lane, top: float) -> list[Solid]:
        """The boxes of a lane, put below a height with room for what is drawn over them."""
        arcs = any(volume.residual or self.leaps(volume) for volume in lane)
        above = 2 * ARC if arcs or any(map(self.meets, lane)) else 0.0
        reach = max(-self.boxes[volume].top for volume in lane)
        for volume in lane:
            box = self.boxes[volume]
            self.boxes[volume] = replace(box, y=box.y + top + above + reach)
        return [self.boxes[volume] for volume in lane]

    def leaps(self, volume: Volume) -> bool:
        """True if a map in the same lane goes over others to this one."""
        return any(self.over(each, volume) for each in (*volume.inputs, *volume.joins))

    def over(self, source: Volume, volume: Volume) -> bool:
        (home, place), (lane, start) = self.places[volume], self.places[source]
        near = place - start <= 1 and source in volume.inputs
        return home == lane and not near

    def meets(self, volume: Volume) -> bool:
        """True where a path from a lower lane comes in from below: the name goes above then."""
        home = self.homes[volume]
        return not self.chain and any(self.homes[each] > home for each in volume.inputs)

    # --- marks -----------------------------------------------------------------------------------

    def paint(self, boxes: list[Solid]) -> None:
        """The boxes from left to right, with their numbers."""
        for box in boxes:
            paint(self.drawing, box, self.theme, told(box.volume))
        for box, after in zip(boxes, [*boxes[1:], None], strict=True):
            channels(self.drawing, box, self.theme)
            if not box.volume.flat and (after is None or not alike(box.volume, after.volume)):
                sizes(self.drawing, box, self.theme)
            if box.volume.residual:
                self.loop(box)
            if self.meets(box.volume):
                captions.above(self.drawing, box, self.theme)

    def join(self, volume: Volume, behind: Drawing) -> None:
        """The lines from the maps that a map is made of; long ones pass behind the names."""
        after = self.boxes[volume]
        for source in (*volume.inputs, *volume.joins):
            before = self.boxes[source]
            if self.homes[source] != self.homes[volume]:
                self.change(before, after, behind)
            elif self.over(source, volume):
                self.arc(before, after)
            else:
                self.step(before, after)

    def step(self, before: Solid, after: Solid) -> None:
        """From a map to the next: the window of the layer where there is room, else an arrow."""
        if after.left - before.right < SMALLEST_GAP:
            return
        maps = not before.volume.flat and not after.volume.flat
        if self.chain and maps and after.volume.kernel and len(self.volumes) <= FEW:
            window(self.drawing, before, after, self.theme)
        else:
            self.arrow((before.right + 2, before.middle), (after.left - 2, after.middle))

    def arrow(self, *points: Point) -> None:
        self.drawing.arrow(points, self.theme.edge)

    def change(self, before: Solid, after: Solid, behind: Drawing) -> None:
        """From the end of a row to the start of the next, or from one lane to another."""
        start, end = (before.right + 2, before.middle), (after.left - 2, after.middle)
        out, back = before.right + 14, after.left - 10
        if self.chain:
            row = [self.boxes[each] for each in self.lanes[self.homes[after.volume]]]
            y = min(box.top for box in row) - 10
            points = [start, (out, start[1]), (out, y), (back, y), (back, end[1]), end]
        elif before.middle > after.middle:
            y = max(after.bottom - 14, after.middle)
            points = [start, (back, start[1]), (back, y), (end[0], y)]
        else:
            points = [start, (out, start[1]), *self.around(out, after, back), end]
        behind.arrow(points, self.theme.edge)

    def around(self, out: float, after: Solid, back: float) -> list[Point]:
        """Down to a lower lane, over the maps that stand there before the one that is meant."""
        lane = [self.boxes[each] for each in self.lanes[self.homes[after.volume]]]
        between = [box for box in lane if out < box.right and box.right < after.left]
        if not between:
            return [(out, after.middle)]
        y = min(box.top for box in between) - 10
        return [(out, y), (back, y), (back, after.middle)]

    def loop(self, box: Solid) -> None:
        """A small arc over a block that adds what comes in to what it makes."""
        left, right = box.left + box.dx / 2 - 5, box.right - box.dx / 2 + 7
        low, high = box.y - box.dy / 2 - 2, box.top - 22
        self.curve([(left, low), (left, high), (right, high), (right, low)])

    def arc(self, a: Solid, b: Solid) -> None:
        """An arc over the maps between two."""
        home, first = self.places[a.volume]
        between = self.lanes[home][first : self.places[b.volume][1] + 1]
        high = min(self.boxes[each].top for each in between) - ARC - 8
        start, end = (a.right - a.dx / 2, a.top - 2), (b.left + b.dx / 2, b.top - 2)
        self.curve([start, (a.right, high), (b.left, high), end])

    def curve(self, points: list[Point]) -> None:
        self.drawing.arrow(points, self.theme.skip, 1.3, curved=True)


def alike(a: Volume, b: Volume) -> bool:
    """True for maps of one resolution side by side."""
    return not a.flat and a.spatial == b.spatial and a.category != "port"


def beside(before: Solid, volume: Volume, scale: Scale) -> float:
    """Where the box after another one begins: behind it where sizes are equal, else apart."""
    if alike(before.volume, volume):
        return clear(before, volume, scale, before.right + CLOSE - 0.75 * before.dx)
    return before.right + (APART - 4 if volume.flat else APART) - 0.15 * before.dx


def wrapped(volumes: list[Volume], scale: Scale, longest: float = LONGEST) -> list[Lane]:
    """The rows of a long chain, of about one length, broken where the resolution changes."""
    ends = list(reaches(volumes, scale))
    number = ceil(ends[-1] / longest)
    found: list[Lane] = [[]]
    start = 0.0
    for i, volume in enumerate(volumes):
        full = i > 0 and ends[i] - start > ends[-1] / number * 1.04 and len(found) < number
        over = ends[i] - start > longest
        breaks = i > 0 and (not alike(volumes[i - 1], volume) or over)
        if (full or (over and found[-1] and longest < LONGEST)) and breaks:
            found.append([])
            start = ends[i - 1]
        found[-1].append(volume)
    return found


def reaches(volumes: list[Volume], scale: Scale) -> Iterator[float]:
    """The right end of every box in a row."""
    before: Solid | None = None
    for volume in volumes:
        before = solid(volume, scale, 0.0 if before is None else beside(before, volume, scale), 0.0)
        yield before.right


def told(volume: Volume) -> str:
    """What a map says when one points at it."""
    name, kind = captions.words(volume)
    shape = "×".join(map(str, (volume.channels, *volume.spatial)))
    numbers = f"{volume.parameters:,} parameters, {volume.macs:,} MACs"
    lines = [f"{name}  {kind}".strip(), shape, volume.sight, numbers]
    lines += [f"{part.channels} from {part.name}" for part in volume.parts]
    return "\n".join(filter(None, lines))
