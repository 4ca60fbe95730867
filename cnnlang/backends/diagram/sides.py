"""Two networks side by side: what is added, removed and changed stands out of what is the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import graphviz

from cnnlang.amounts import count
from cnnlang.analysis import costs
from cnnlang.analysis.comparison import Status, statuses
from cnnlang.analysis.ordinary import usual_sizes
from cnnlang.backends.diagram import html, labels, laid, themes, usual, written
from cnnlang.backends.diagram.cards.face import rounded, sign
from cnnlang.backends.diagram.drawing import Drawing, Polygon, Text, shifted
from cnnlang.backends.diagram.figure import Figure, canvas
from cnnlang.backends.diagram.letters import width
from cnnlang.backends.diagram.look import Look, checked
from cnnlang.backends.diagram.page import Side, cards
from cnnlang.backends.diagram.palette import DETAIL, SUBTITLE, THEMES, Theme
from cnnlang.backends.diagram.parts import scene, within
from cnnlang.backends.diagram.scaling import Picture
from cnnlang.backends.diagram.scopes import Mark, Scene
from cnnlang.backends.diagram.tangle import verify
from cnnlang.backends.diagram.tones import SIGNS, marked
from cnnlang.backends.diagram.words import chosen
from cnnlang.backends.diagram.words import shapes as shapes_of
from cnnlang.graph import Graph

FORMATS = ("svg", "png", "pdf", "dot")
STYLES = ("graph", "blocks")
FEW = 24
"""Operations up to which all of both networks are shown unless a style is asked for."""
BETWEEN = 80.0
"""Space between the networks."""
WORDS: tuple[tuple[Mark, str], ...] = (
    ("added", "added"),
    ("removed", "removed"),
    ("changed", "changed, or its weights are"),
    ("same", "the same"),
)


def draw(before: Graph, after: Graph, format: str, look: Look) -> Picture:
    """Two networks as a file of a format: `graph` if both are small, else `blocks`.

    Raises `ValueError` for options that do not go together, `RenderError` if no picture can be
    made.
    """
    checked(look, format)
    if format not in FORMATS or look.style not in (None, *STYLES):
        raise ValueError("two networks are drawn as graph or blocks, in svg, png, pdf or dot")
    found = sides(before, after)
    small = all(usual(graph, look, FEW) == "graph" for graph in (before, after))
    look = replace(look, style=look.style or ("graph" if small else "blocks"))
    if look.style == "graph":
        for graph in (before, after) if format != "dot" else ():
            verify(graph, scene(graph, look), replace(look, columns=1))
        text = beside((before, after), found, THEMES[themes(look)[0]], look)
        return laid(text.source, format, look)
    drawings = [overviews((before, after), found, theme, look) for theme in themes(look)]
    return written(drawings, format, look)


def sides(before: Graph, after: Graph) -> tuple[Side, Side]:
    """What is said of each of two networks."""
    marks = statuses(before, after)
    names = [before.name, after.name]
    if names[0] == names[1]:
        names = [f"{names[0]}, before", f"{names[1]}, after"]
    told = difference(before, after) if any(marks) else "the same layers"
    return Side(names[0], marks[0], gone(marks[0])), Side(names[1], marks[1], told)


def gone(marks: Mapping[int, Status]) -> str:
    """How many layers go, and how many change: `2 layers removed, 3 changed`."""
    removed = sum(each == "removed" for each in marks.values())
    return f"{removed} removed, {len(marks) - removed} changed" if marks else "all kept as they are"


def difference(before: Graph, after: Graph) -> str:
    """The difference in numbers: `+1.18M (+5%) parameters · +302M (+8%) MACs`.

    Free dimensions have the same ordinary size in both, or MACs are not compared.
    """
    told = [more(costs.total_parameters(before), costs.total_parameters(after), "parameters")]
    sizes = usual_sizes(before)
    if sizes == usual_sizes(after):
        what = f"MACs for {chosen(sizes)}" if sizes else "MACs"
        old, new = (costs.total_macs(each, sizes) or 0 for each in (before, after))
        told.append(more(old, new, what))
    return " · ".join(told)


def more(old: int, new: int, what: str) -> str:
    if old == new:
        return f"as many {what}"
    sign = "+" if new > old else "−"
    part = 100 * abs(new - old) / old if old else 0.0
    share = f" ({sign}{part:.0f}%)" if part >= 10 else f" ({sign}{part:.2g}%)" if part else ""
    return f"{sign}{count(abs(new - old))}{share} {what}"


# --- cards ---------------------------------------------------------------------------------------


def overviews(graphs: Sequence[Graph], sides: tuple[Side, Side], theme: str, look: Look) -> Drawing:
    """The cards of both, and what the marks mean."""
    drawings = [cards(*each) for each in zip(graphs, [theme] * 2, [look] * 2, sides, strict=True)]
    (_, top, right, _), (left, upper, _, _) = (each.box for each in drawings)
    drawing = Drawing(f"{sides[0].title} and {sides[1].title}", drawings[0].background)
    drawing.add(*drawings[0].marks)
    dx, dy = right - left + BETWEEN, top - upper
    drawing.add(*(shifted(mark, dx, dy) for mark in drawings[1].marks))
    legend(drawing, THEMES[theme])
    return drawing


def legend(drawing: Drawing, theme: Theme) -> None:
    """What the marks mean."""
    x, _, _, bottom = drawing.box
    y = bottom + 26
    for mark, words in WORDS:
        look = marked(theme, mark)
        if mark in SIGNS:
            drawing.add(*sign(SIGNS[mark], x + 7, y, theme))
            x += 19
        box = rounded((x, y - 6, x + 18, y + 6), 4)
        drawing.add(Polygon(box, look.tint["conv"], look.line["conv"], 1.4, mark == "removed"))
        drawing.add(Text((x + 24, y + 3), words, DETAIL, theme.secondary, anchor="start"))
        x += 24 + width(words, DETAIL) + 20


# --- operations ----------------------------------------------------------------------------------


def beside(
    graphs: Sequence[Graph], sides: tuple[Side, Side], theme: Theme, look: Look
) -> graphviz.Digraph:
    """Both networks as one Graphviz text, a frame without a line for each."""
    dot = canvas(html.label(key(theme)), theme, look.direction or "TB")
    for place, (graph, side) in enumerate(zip(graphs, sides, strict=True)):
        found = scene(graph, look, side.statuses)
        rename(found, "ab"[place])
        shapes = shapes_of(graph)
        figure = Figure(found, theme, shapes)
        figure.spine = f"spine{place}"
        told = html.font(side.told, SUBTITLE, theme.ink, bold=True, longest=80)
        title = labels.titled(graph, theme, shapes, side.title, told)
        with dot.subgraph(name=f"cluster_side{place}") as inside:
            inside.attr("graph", label=html.label(title), peripheries="0", margin="20")
            figure.write(inside)
    return dot


def rename(scene: Scene, prefix: str) -> None:
    """Give all units and frames keys that the other network has not."""
    for unit in scene.units:
        unit.key = prefix + unit.key
    for scope in within(scene.root):
        scope.key = prefix + scope.key


def key(theme: Theme) -> str:
    """What the marks mean, as a label."""
    return html.table(html.row(*entries(theme)), cellspacing=4)


def entries(theme: Theme) -> Iterator[str]:
    for mark, words in WORDS:
        look = marked(theme, mark)
        if mark in SIGNS:
            yield html.cell(labels.badge(SIGNS[mark], theme))
        text = html.font(f" {words} ", DETAIL, look.ink)
        dashes = ",DASHED" if mark == "removed" else ""
        box = {"color": look.line["conv"], "bgcolor": look.tint["conv"]}
        row = html.row(html.cell(text))
        yield html.cell(html.table(row, border=1, style=f"ROUNDED{dashes}", **box))
