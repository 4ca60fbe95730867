"""The figures that are drawings: a title above, maps or cards, what they mean below."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cnnlang.amounts import count
from cnnlang.analysis import costs
from cnnlang.analysis.comparison import Status
from cnnlang.analysis.ordinary import usual_sizes
from cnnlang.backends.diagram.cards.model import cards as dealt
from cnnlang.backends.diagram.cards.page import Overview
from cnnlang.backends.diagram.drawing import PAD, Drawing, Polygon, Text
from cnnlang.backends.diagram.letters import width
from cnnlang.backends.diagram.look import USUAL, Look
from cnnlang.backends.diagram.palette import SUBTITLE, THEMES, TITLE, Theme
from cnnlang.backends.diagram.parts import scene
from cnnlang.backends.diagram.scaling import LEAST
from cnnlang.backends.diagram.tones import NAMES, Heat, heat, heated
from cnnlang.backends.diagram.tones import scale as scale_of
from cnnlang.backends.diagram.volumes.model import Volume
from cnnlang.backends.diagram.volumes.reading import collect
from cnnlang.backends.diagram.volumes.rows import LONGEST, Rows, lanes
from cnnlang.backends.diagram.volumes.solid import SMALL, mix, scale
from cnnlang.backends.diagram.volumes.stairs import Stairs, descends
from cnnlang.backends.diagram.words import chosen, percent
from cnnlang.graph import Graph
from cnnlang.sizes import at

SMALLEST = 8
"""The size of the smallest letters."""
SMALLER = (1.0, 0.75, 0.55, 0.4)
"""Shares of their size in which maps are drawn in a narrow column."""
NARROW = 330.0
"""Points that a line below a figure may be long, however narrow the figure is."""
LEGEND = {
    "port": "input",
    "conv": "convolution",
    "transposed": "transposed convolution",
    "pool": "pooling",
    "dense": "fully connected",
    "merge": "copied or combined",
    "other": "other",
}


def cards(graph: Graph, theme: str, options: Look = USUAL, side: Side | None = None) -> Drawing:
    """The overview of a network; free dimensions are drawn for an ordinary size.

    `side` tells of the other network where two are compared.
    """
    look, sizes = THEMES[theme], usual_sizes(graph)
    drawing = Drawing(f"{graph.name}: {facts(graph, sizes)}", look.background)
    maps = collect(scene(graph, options, side.statuses if side else None), sizes)
    told = heat(graph, options.highlight) if options.highlight else None
    for volume in maps if told else ():
        volume.value = told.sum(volume.units) if told else 0
    Overview(dealt(maps), look, drawing, told, room(options)).draw()
    head(drawing, graph, sizes, look, side)
    if options.highlight:
        shares(drawing, drawing.box[3] + 24, options.highlight, look)
    _, _, _, bottom = drawing.box
    notes = [each for each in remarks(graph, sizes) if not each.startswith("side")]
    foot(drawing, bottom + 26, notes, look)
    return drawing


def room(options: Look) -> float | None:
    """How wide a figure may be so that its smallest letters can be read at its width."""
    return None if options.width is None else options.width * SMALLEST / LEAST - 2 * PAD


def volumes(graph: Graph, theme: str, options: Look = USUAL) -> Drawing:
    """The paper figure of a network; free dimensions are drawn for an ordinary size.

    In a narrow column maps are wrapped, and drawn smaller where that is not enough.
    """
    most, found = room(options), paper(graph, theme, options)
    for share in SMALLER if most is not None else ():
        left, _, right, _ = found.box
        if most is None or right - left <= most:
            return found
        found = paper(graph, theme, options, share, most)
    return found


def paper(
    graph: Graph, theme: str, options: Look, share: float = 1.0, most: float = LONGEST
) -> Drawing:
    """The paper figure with maps of a share of their size, in rows at `most` so long."""
    look, sizes = THEMES[theme], usual_sizes(graph)
    maps = collect(scene(graph, options), sizes)
    if options.highlight:
        colour(maps, heat(graph, options.highlight), look)
    drawing = Drawing(f"{graph.name}: {facts(graph, sizes)}", look.background)
    if descends(maps):
        Stairs(maps, scale(maps, 118.0 * share, 0.95 * share), look, drawing).draw()
    else:
        side = max(60.0, 300 / (1 + len(lanes(maps))))
        size = scale(maps, side * share, 1.15 * share)
        Rows(maps, size, look, drawing, min(most, LONGEST)).draw()
    head(drawing, graph, sizes, look)
    if options.highlight:
        shares(drawing, drawing.box[3] + 26, options.highlight, look)
    else:
        legend(drawing, maps, look)
    foot(drawing, drawing.box[3] + 16, list(remarks(graph, sizes)), look)
    return drawing


def colour(maps: list[Volume], told: Heat, theme: Theme) -> None:
    """Give every map the colour of its share of a cost, and the share in words."""
    values = [told.sum(each.units) for each in maps]
    total = sum(values)
    for volume, value in zip(maps, values, strict=True):
        share = value / total if total else 0.0
        volume.heat = heated(theme, share).tint["other"]
        volume.note = percent(share) if value else ""


def shares(drawing: Drawing, y: float, measure: str, theme: Theme) -> None:
    """The shares of a cost that the colours stand for."""
    text = f"Share of {NAMES[measure]}"
    x = drawing.box[0]
    drawing.add(Text((x, y), text, SMALL, theme.secondary, anchor="start"))
    x += width(text, SMALL) + 8
    for fill, said, ink in scale_of(theme):
        wide = width(said, SMALL) + 10
        corners = ((x, y - 9), (x + wide, y - 9), (x + wide, y + 4), (x, y + 4))
        drawing.add(Polygon(corners, fill, theme.edge, 0.5))
        drawing.add(Text((x + wide / 2, y), said, SMALL, ink))
        x += wide


@dataclass(frozen=True, slots=True)
class Side:
    """One of two networks that are compared: its title, and what becomes of its nodes.

    `told` is the difference in numbers.
    """

    title: str
    statuses: Mapping[int, Status]
    told: str = ""


def facts(graph: Graph, sizes: Mapping[str, int]) -> str:
    """The line under the title: inputs, parameters, MACs."""
    shapes = [graph.nodes[i].output.shape for i in graph.inputs]
    inputs = " + ".join("×".join(str(at(s, sizes)) for s in shape) for shape in shapes)
    parts = [f"{inputs} input", f"{count(costs.total_parameters(graph))} parameters"]
    return "  ·  ".join([*parts, f"{count(costs.total_macs(graph, sizes) or 0)} MACs"])


def head(
    drawing: Drawing,
    graph: Graph,
    sizes: Mapping[str, int],
    theme: Theme,
    side: Side | None = None,
) -> None:
    """The title, and the numbers below it."""
    left, top, _, _ = drawing.box
    if side:
        drawing.add(
            Text((left, top - 18), side.told, SUBTITLE, theme.ink, bold=True, anchor="start")
        )
        top -= 15
    title = side.title if side else graph.name
    drawing.add(
        Text((left, top - 34), title, TITLE, theme.ink, bold=True, anchor="start"),
        Text((left, top - 18), facts(graph, sizes), SUBTITLE, theme.secondary, anchor="start"),
    )


def legend(drawing: Drawing, maps: list[Volume], theme: Theme) -> None:
    """What the colours mean."""
    left, _, right, bottom = drawing.box
    x, y = left, bottom + 26
    for category, text in entries(maps):
        if x > left and x + 13 + width(text, SMALL) > max(right, left + NARROW):
            x, y = left, y + 15
        x = entry(drawing, (x, y), theme.fill[category], text, theme)
    if any(each.residual for each in maps):
        drawing.arrow([(x, y - 3), (x + 14, y - 3)], theme.skip, 1.3)
        text = "adds its input"
        drawing.add(Text((x + 18, y), text, SMALL, theme.secondary, anchor="start"))


def foot(drawing: Drawing, y: float, notes: list[str], theme: Theme) -> None:
    """What one has to know to read the figure."""
    faint = mix(theme.background, theme.secondary, 0.85)
    left, _, right, _ = drawing.box
    lines = [""]
    for note in notes:
        longer = f"{lines[-1]}   {note}".strip()
        if lines[-1] and width(longer, SMALLEST) > max(right - left, NARROW):
            lines.append(note)
        else:
            lines[-1] = longer
    for i, line in enumerate(filter(None, lines)):
        drawing.add(Text((left, y + 12 * i), line, SMALLEST, faint, anchor="start"))


def entries(maps: list[Volume]) -> Iterator[tuple[str, str]]:
    """The colours that are used, with what they mean."""
    parts = {"merge" if part.skip else part.category for each in maps for part in each.parts}
    used = parts | {each.category for each in maps if not each.parts}
    for category, text in LEGEND.items():
        if category in used:
            yield category, text


def entry(drawing: Drawing, at: tuple[float, float], colour: str, text: str, theme: Theme) -> float:
    """A patch of colour with its meaning; where the next one begins."""
    x, y = at
    corners = ((x, y - 8), (x + 9, y - 8), (x + 9, y + 1), (x, y + 1))
    drawing.add(Polygon(corners, mix(theme.background, colour, 0.5), colour, 0.8))
    drawing.add(Text((x + 13, y), text, SMALL, theme.secondary, anchor="start"))
    return x + 13 + width(text, SMALL) + 16


def remarks(graph: Graph, sizes: Mapping[str, int]) -> Iterator[str]:
    """What one has to know to read the figure."""
    if sizes:
        yield f"drawn for {chosen(sizes)}."
    yield "side ~ size^0.55, thickness ~ √channels; channels below, size at the edge."
    if set(graph.training_outputs or ()) - set(graph.outputs):
        yield "heads for training alone are left out."
