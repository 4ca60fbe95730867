"""Names below the maps, in rows where they would touch, with a line up to their map."""

from __future__ import annotations

from collections.abc import Iterable

from cnnlang.backends.diagram.drawing import Drawing, Line, Polygon, Text
from cnnlang.backends.diagram.letters import width
from cnnlang.backends.diagram.palette import Theme
from cnnlang.backends.diagram.volumes.model import Volume
from cnnlang.backends.diagram.volumes.solid import Solid, mix

NAME, KIND = 9.5, 8.0
HEIGHT = 27.0
ROWS = 4
GAP = 8.0
LONGEST = 24


def words(volume: Volume) -> tuple[str, str]:
    """Name and kind of a map; what is only a number in a stack is called by its kind."""
    times = f" ×{volume.times}" if volume.times > 1 else ""
    if not volume.name or volume.name.isdigit():
        return cut(volume.kind + times), volume.note
    kind = "" if volume.kind == "input" else volume.kind
    second = cut(kind + times).strip()
    return cut(volume.name), " · ".join(filter(None, (second, volume.note)))


def cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def write(drawing: Drawing, boxes: Iterable[Solid], theme: Theme, top: float) -> float:
    """Write the names of some boxes below the height `top`; the height below the last row."""
    ends = [float("-inf")] * ROWS
    used = 0
    for box in boxes:
        name, kind = words(box.volume)
        if not name:
            continue
        half = max(width(name, NAME, bold=True), width(kind, KIND)) / 2 + GAP / 2
        free = [i for i in range(ROWS) if box.centre - half > ends[i]]
        row = free[0] if free else min(range(ROWS), key=ends.__getitem__)
        ends[row] = box.centre + half
        used = max(used, row + 1)
        if row:
            leader(drawing, box, theme, top + row * HEIGHT)
        caption(drawing, box, (name, kind), theme, top + row * HEIGHT)
    return top + used * HEIGHT


def caption(drawing: Drawing, box: Solid, names: tuple[str, str], theme: Theme, top: float) -> None:
    """One name with its kind, on a patch of background that breaks the lines behind it."""
    texts = [Text((box.centre, top + 12), names[0], NAME, theme.ink, bold=True)]
    if names[1]:
        texts.append(Text((box.centre, top + 22), names[1], KIND, theme.secondary))
    for left, up, right, down in (text.box for text in texts):
        corners = ((left - 2, up), (right + 2, up), (right + 2, down), (left - 2, down))
        drawing.add(Polygon(corners, theme.background, theme.background, 0))
    drawing.add(*texts)


def leader(drawing: Drawing, box: Solid, theme: Theme, top: float) -> None:
    """A thin line from a name in a lower row to its box, behind everything."""
    colour = mix(theme.background, theme.secondary, 0.35)
    ends = (box.centre, box.bottom + 14), (box.centre, top + 2)
    drawing.marks.insert(0, Line(ends, colour, 0.6))


def above(drawing: Drawing, box: Solid, theme: Theme) -> None:
    """A name over its box."""
    name, kind = words(box.volume)
    caption(drawing, box, (name, kind), theme, box.top - (31 if kind else 19))
