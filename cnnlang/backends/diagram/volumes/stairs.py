"""The U of an encoder-decoder: down the stairs on the left, up on the right, skips across."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, Protocol, TypeVar

from cnnlang.backends.diagram.drawing import Drawing, Text
from cnnlang.backends.diagram.palette import Theme
from cnnlang.backends.diagram.volumes.captions import NAME, words
from cnnlang.backends.diagram.volumes.model import Volume
from cnnlang.backends.diagram.volumes.rows import Linked, lanes, told
from cnnlang.backends.diagram.volumes.solid import (
    SMALL,
    Scale,
    Solid,
    channels,
    clear,
    note,
    paint,
    solid,
    spelled,
)

STEP = 30.0
"""Space between the levels."""
NOTE = 10.0
"""The height of a note below a map."""


class Sized(Linked, Protocol):
    """A map, or a card with the size of its map."""

    @property
    def joins(self) -> Sequence[Any]: ...
    @property
    def spatial(self) -> tuple[int, ...]: ...
    @property
    def size(self) -> int: ...


T = TypeVar("T", bound=Sized)


def skips(items: Sequence[T]) -> list[tuple[T, T]]:
    """Pairs with others between them in the order of things, from the first to the second."""
    order = {id(item): i for i, item in enumerate(items)}
    return [
        (source, item)
        for item in items
        for source in (*item.inputs, *item.joins)
        if id(source) in order and order[id(item)] - order[id(source)] > 1
    ]


def descends(items: Sequence[Sized]) -> bool:
    """True if sizes of one path fall and rise once, with skips between equal ones, two or more."""
    sizes = [each.size for each in items]
    own = set(map(id, items))
    starts = [each for each in items if not any(id(i) in own for i in each.inputs)]
    if 0 in sizes or len(starts) != 1 or len(lanes(items)) > 1:
        return False
    low = sizes.index(min(sizes))
    falls = all(a >= b for a, b in pairwise(sizes[: low + 1]))
    rises = all(a <= b for a, b in pairwise(sizes[low:]))
    pairs = skips(items)
    return falls and rises and len(pairs) > 1 and all(a.spatial == b.spatial for a, b in pairs)


class Stairs:
    """Places and draws the maps."""

    def __init__(
        self, volumes: Sequence[Volume], scale: Scale, theme: Theme, drawing: Drawing
    ) -> None:
        self.volumes = volumes
        self.scale = scale
        self.theme = theme
        self.drawing = drawing
        self.boxes: dict[Volume, Solid] = {}
        self.below = NOTE if any(volume.note for volume in volumes) else 0.0

    def draw(self) -> None:
        self.place(self.levels())
        for volume in self.volumes:
            paint(self.drawing, self.boxes[volume], self.theme, told(volume))
            channels(self.drawing, self.boxes[volume], self.theme)
            note(self.drawing, self.boxes[volume], self.theme)
        for before, after in pairwise(self.volumes):
            if before.spatial != after.spatial:
                self.step(self.boxes[before], self.boxes[after])
        for source, target in skips(self.volumes):
            self.skip(self.boxes[source], self.boxes[target])
        self.label()

    def levels(self) -> dict[tuple[int, ...], float]:
        """The height of the middle of every resolution."""
        heights: dict[tuple[int, ...], float] = {}
        y = 0.0
        for spatial in sorted({each.spatial for each in self.volumes}, reverse=True):
            boxes = [solid(v, self.scale, 0, 0) for v in self.volumes if v.spatial == spatial]
            high = max(box.bottom - box.top for box in boxes)
            heights[spatial] = y + high / 2
            y += high + STEP + self.below
        return heights

    def place(self, heights: dict[tuple[int, ...], float]) -> None:
        before: Solid | None = None
        for volume in self.volumes:
            x = 0.0 if before is None else self.beside(before, volume)
            self.boxes[volume] = before = solid(volume, self.scale, x, heights[volume.spatial])

    def beside(self, before: Solid, volume: Volume) -> float:
        """Beside the map before it, under its end, or above its end."""
        if volume.spatial == before.volume.spatial:
            port = before.volume.category == "port"
            x = before.right + (16 - 0.1 * before.dx if port else 5 - 0.8 * before.dx)
            return clear(before, volume, self.scale, x)
        if volume.size < before.volume.size:
            wide = self.scale.extent(volume)[0]
            return before.x + 0.5 * before.w + 0.2 * before.dx - 0.2 * wide + 8
        return before.right + 4

    def step(self, before: Solid, after: Solid) -> None:
        """Down to a lower resolution, or up to a higher one."""
        if after.volume.size < before.volume.size:
            x = before.centre + 0.25 * before.dx
            ends = (x, before.bottom + 12 + self.below), (x, after.top - 3)
            colour = self.theme.line["pool"]
        else:
            ends = (after.centre, before.top - 3), (after.centre, after.bottom + 13 + self.below)
            colour = self.theme.line["transposed"]
        self.drawing.arrow(ends, colour, 1.8)

    def skip(self, source: Solid, target: Solid) -> None:
        """A map that is copied across."""
        y = source.middle
        ends = (source.right + 3, y), (target.left - 3, y)
        self.drawing.arrow(ends, self.theme.skip, 1.5, dashed=True)
        middle = (ends[0][0] + ends[1][0]) / 2
        way, number = self.way(source.volume, target.volume), source.volume.channels
        for said in (f"{way} · {number} ch", f"{way.split(' + ')[-1]} · {number}", f"{number}"):
            text = Text((middle, y - 5), said, SMALL, self.theme.skip_ink)
            if text.box[2] - text.box[0] < ends[1][0] - ends[0][0] - 8:
                self.drawing.add(text)
                return

    def way(self, source: Volume, target: Volume) -> str:
        """What becomes of a map that goes across."""
        if target.parts:
            return "copy + concat"
        return "copy + add" if source in target.joins else "places of the largest"

    def label(self) -> None:
        """The resolution of every level, and the names of its modules."""
        seen: set[tuple[int, ...]] = set()
        for volume, box in self.boxes.items():
            if volume.spatial not in seen:
                seen.add(volume.spatial)
                at = (box.left - 8, box.middle + box.dy / 2 + 3)
                size = resolution(volume.spatial)
                self.drawing.add(Text(at, size, 9, self.theme.secondary, anchor="end"))
        end = float("-inf")
        for name, boxes in self.groups():
            x, y = (boxes[0].left + boxes[-1].right) / 2, min(box.top for box in boxes) - 5
            text = Text((x, y), name, NAME, self.theme.ink, bold=True)
            raised = text.box[0] < end and abs(text.box[2] - end) < 200
            self.drawing.add(replace(text, at=(x, y - 12)) if raised else text)
            end = text.box[2]

    def groups(self) -> list[tuple[str, list[Solid]]]:
        """The maps of one module side by side, with its name."""
        found: list[tuple[str, list[Solid]]] = []
        for volume in self.volumes:
            if volume.category not in ("conv", "port"):
                continue
            name, box = volume.group or words(volume)[0], self.boxes[volume]
            if found and found[-1][0] == name and found[-1][1][-1].volume.spatial == volume.spatial:
                found[-1][1].append(box)
            else:
                found.append((name, [box]))
        return found


def resolution(spatial: tuple[int, ...]) -> str:
    """`256²` for a square, `16×112×112` for what is none."""
    power = {2: "²", 3: "³"}.get(len(spatial), "")
    return spelled(spatial) + (power if len(set(spatial)) == 1 else "")
