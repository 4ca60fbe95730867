"""A feature map as a box seen from the left: channels are its width, its plane goes up and back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import cos, radians, sin, sqrt

from cnnlang.backends.diagram.drawing import Drawing, Group, Line, Point, Polygon, Text
from cnnlang.backends.diagram.letters import width
from cnnlang.backends.diagram.palette import Theme
from cnnlang.backends.diagram.volumes.model import Part, Volume

TILT = cos(radians(38)), sin(radians(38))
BENT = 0.55
"""Sizes are drawn as their power of this, and axes that go back are shortened by it."""
TOP, FRONT, SIDE, OUTLINE = 0.24, 0.42, 0.66, 0.25
"""How much colour the faces have, and how much ink their outline."""
LIT, SHADE = 0.35, 0.18
"""How much background the top has and ink the side where the colour of the front tells a cost."""
SLICES = 8
"""Lines that show blocks in a row, at the most."""
BAR, BAR_DEPTH, SHEET = 9.0, 4.0, 5.0
SMALLEST, THINNEST = 7.0, 2.5


@dataclass(frozen=True, slots=True)
class Scale:
    """How large maps are drawn: the largest plane is `side` points high."""

    largest: int
    side: float = 150.0
    thickness: float = 1.15

    def length(self, size: int) -> float:
        share: float = (size / self.largest) ** BENT
        return max(SMALLEST, self.side * share)

    def extent(self, volume: Volume) -> tuple[float, float, float]:
        """Width, height and depth of a box in points."""
        if volume.flat:
            tall = min(2.1 * sqrt(volume.channels), 1.15 * self.side)
            return BAR, max(14.0, tall), BAR_DEPTH
        wide = max(THINNEST, self.thickness * sqrt(volume.channels))
        if len(volume.spatial) == 1:
            return wide, self.length(volume.spatial[0]), SHEET
        return wide, self.length(volume.spatial[-2]), BENT * self.length(volume.spatial[-1])


def scale(volumes: Iterable[Volume], side: float, thickness: float) -> Scale:
    return Scale(max((v.size for v in volumes), default=1) or 1, side, thickness)


@dataclass(frozen=True, slots=True)
class Solid:
    """A box in its place: the front face at `x` and `y`, the back shifted by `dx` and `-dy`."""

    volume: Volume
    x: float
    y: float
    w: float
    h: float
    dx: float
    dy: float

    @property
    def left(self) -> float:
        return self.x

    @property
    def right(self) -> float:
        return self.x + self.w + self.dx

    @property
    def top(self) -> float:
        return self.y - self.dy

    @property
    def bottom(self) -> float:
        return self.y + self.h

    @property
    def middle(self) -> float:
        """The height at which tensors come and go."""
        return self.y + (self.h - self.dy) / 2

    @property
    def centre(self) -> float:
        """The middle of the front face."""
        return self.x + self.w / 2

    def side(self, across: float, down: float) -> Point:
        """A place on the right face: shares of its depth and its height."""
        return self.x + self.w + self.dx * across, self.y - self.dy * across + self.h * down


def solid(volume: Volume, scale: Scale, x: float, middle: float) -> Solid:
    """The box of a map with its left edge and the height of its middle given."""
    w, h, depth = scale.extent(volume)
    dx, dy = depth * TILT[0], depth * TILT[1]
    return Solid(volume, x, middle - (h - dy) / 2, w, h, dx, dy)


def clear(before: Solid, volume: Volume, scale: Scale, x: float) -> float:
    """A left edge at `x` or further right, so that the numbers below two boxes do not touch."""
    texts = [str(each.channels) for each in (before.volume, volume)]
    apart = sum(width(text, SMALL) for text in texts) / 2 + 4
    return max(x, before.centre + apart - scale.extent(volume)[0] / 2)


# --- drawing -------------------------------------------------------------------------------------


def paint(drawing: Drawing, box: Solid, theme: Theme, tooltip: str) -> None:
    """Draw a box: one colour, or a share of its width for every part."""
    marks = [
        face for x, w, colour in shares(box, theme) for face in faces(box, x, w, colour, theme)
    ]
    drawing.add(Group((*marks, *slices(box, theme)), tooltip, box.volume.layers))


def shares(box: Solid, theme: Theme) -> Iterator[tuple[float, float, str]]:
    """Place, width and colour of every part of a box."""
    volume = box.volume
    if volume.heat or not volume.parts:
        yield box.x, box.w, volume.heat or theme.fill[volume.category]
        return
    total = sum(part.channels for part in volume.parts)
    x = box.x
    for part, colour in zip(volume.parts, colours(volume.parts, theme), strict=True):
        w = box.w * part.channels / total
        yield x, w, colour
        x += w


def colours(parts: tuple[Part, ...], theme: Theme) -> list[str]:
    """A colour for every part: shades of one colour tell convolutions side by side apart."""
    shades = iter(shaded(theme))
    alone = len(parts) == 2 and any(part.skip for part in parts)
    found: list[str] = []
    for part in parts:
        usual = theme.skip if part.skip else theme.fill[part.category]
        shade = part.category == "conv" and not (part.skip or alone)
        found.append(next(shades, usual) if shade else usual)
    return found


def shaded(theme: Theme) -> list[str]:
    blue = theme.fill["conv"]
    return [mix(blue, "#FFFFFF", 0.55), blue, mix(blue, "#000000", 0.5), mix(blue, "#FFFFFF", 0.25)]


def faces(box: Solid, x: float, w: float, colour: str, theme: Theme) -> Iterator[Polygon]:
    """Top, side and front of a box or of a part of it."""
    top, bottom, right = box.y, box.bottom, x + w
    dx, dy = box.dx, box.dy
    line = mix(colour, theme.ink, OUTLINE)
    shapes = (
        (TOP, ((x, top), (right, top), (right + dx, top - dy), (x + dx, top - dy))),
        (SIDE, ((right, top), (right, bottom), (right + dx, bottom - dy), (right + dx, top - dy))),
        (FRONT, ((x, top), (right, top), (right, bottom), (x, bottom))),
    )
    for share, points in shapes:
        yield Polygon(points, face(box, colour, share, theme), line)


def face(box: Solid, colour: str, share: float, theme: Theme) -> str:
    """The colour of one face; the front has the very colour where it tells a cost."""
    if not box.volume.heat:
        return mix(theme.background, colour, share)
    if box.volume.heat == theme.background:
        return colour
    return {TOP: mix(colour, theme.background, LIT), SIDE: mix(colour, theme.ink, SHADE)}.get(
        share, colour
    )


def slices(box: Solid, theme: Theme) -> Iterator[Line]:
    """Lines across a box that stands for several blocks in a row."""
    number = min(box.volume.times, SLICES)
    fill = box.volume.heat or theme.fill[box.volume.category]
    colour = mix(fill, theme.ink, OUTLINE)
    for i in range(1, number):
        x = box.x + box.w * i / number
        points = ((x + box.dx, box.y - box.dy), (x, box.y), (x, box.bottom))
        yield Line(points, colour, 0.55)


def window(drawing: Drawing, before: Solid, after: Solid, theme: Theme) -> None:
    """The window of a layer on the map before it, and the pyramid to one position after it."""
    kernel = after.volume.kernel
    share = max(0.1, min(1.0, kernel[-1] / before.volume.spatial[-1]))
    left, top = min(0.55, 1 - share), min(0.42, 1 - share)
    right, bottom = left + share, top + share
    colour = theme.line[after.volume.category]
    corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
    points = tuple(before.side(*corner) for corner in corners)
    drawing.add(Polygon(points, mix(theme.background, colour, 0.25), colour, 0.9))
    target = after.x + after.dx * 0.45, after.y - after.dy * 0.45 + after.h * 0.35
    for corner in points[1:3]:
        drawing.add(Line((corner, target), colour, 0.6, dashed=True))


def channels(drawing: Drawing, box: Solid, theme: Theme) -> None:
    """The number of channels below the front face."""
    at = box.centre, box.bottom + 10
    drawing.add(Text(at, str(box.volume.channels), SMALL, theme.secondary))


def note(drawing: Drawing, box: Solid, theme: Theme) -> None:
    """What is said below the number of channels."""
    if box.volume.note:
        at = box.centre, box.bottom + 20
        drawing.add(Text(at, box.volume.note, SMALL, theme.ink, bold=True))


def sizes(drawing: Drawing, box: Solid, theme: Theme) -> None:
    """The spatial size at the lower edge that goes back."""
    at = box.right - box.dx / 2 + 4, box.bottom - box.dy / 2 + 9
    text = spelled(box.volume.spatial)
    drawing.add(Text(at, text, SMALL, theme.secondary, anchor="start"))


SMALL = 8.5


def spelled(spatial: tuple[int, ...]) -> str:
    """`224` for a square or a cube, else `16×112×112`."""
    alike = len(set(spatial)) == 1 and len(spatial) > 1
    return str(spatial[0]) if alike else "×".join(map(str, spatial))


def mix(a: str, b: str, share: float) -> str:
    """A colour between two, `share` of the way to the second."""
    pairs = ((int(a[i : i + 2], 16), int(b[i : i + 2], 16)) for i in (1, 3, 5))
    return "#" + "".join(f"{round(x + (y - x) * share):02X}" for x, y in pairs)
