"""The graph style: units, frames and edges put together as Graphviz text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import graphviz

from cnnlang.backends.diagram import html, labels
from cnnlang.backends.diagram.child import STRAIGHT
from cnnlang.backends.diagram.flow import Flow
from cnnlang.backends.diagram.look import USUAL, Look
from cnnlang.backends.diagram.palette import DETAIL, FONT, NAME, THEMES, Theme
from cnnlang.backends.diagram.scopes import Scene, Scope, Unit
from cnnlang.backends.diagram.tones import Heat, heat, heated, marked
from cnnlang.backends.diagram.words import Shapes
from cnnlang.backends.diagram.words import shapes as written
from cnnlang.layers.tensor import Tensor

BENT = "2"
"""How strongly an edge is kept short, off the spine."""


@dataclass(frozen=True, slots=True)
class Column:
    """Units that stand in one of several columns, and its number from 0."""

    units: list[Unit]
    number: int


def draw(scene: Scene, theme: str, direction: str, look: Look = USUAL) -> graphviz.Digraph:
    """The figure of a network as Graphviz text."""
    shapes, told = facts(scene, look)
    title = labels.heading_of(scene.graph, THEMES[theme], shapes, told)
    dot = canvas(title, THEMES[theme], direction)
    Figure(scene, THEMES[theme], shapes, told).write(dot)
    return dot


def split(
    scene: Scene, theme: str, columns: list[Column], look: Look = USUAL
) -> Iterator[graphviz.Digraph]:
    """The heading of a figure alone, then every column of it."""
    shapes, told = facts(scene, look)
    top = canvas(labels.heading_of(scene.graph, THEMES[theme], shapes, told), THEMES[theme], "TB")
    top.node("below", "", style="invis", shape="point", width="0", height="0")
    yield top
    for column in columns:
        dot = canvas("", THEMES[theme], "TB")
        Figure(scene, THEMES[theme], shapes, told, column).write(dot)
        yield dot


def facts(scene: Scene, look: Look) -> tuple[Shapes, Heat | None]:
    """How shapes are written, and the costs that give the colours."""
    told = heat(scene.graph, look.highlight, scene.units) if look.highlight else None
    return written(scene.graph), told


def canvas(title: str, theme: Theme, direction: str) -> graphviz.Digraph:
    """An empty figure with its title."""
    page = {
        "fontname": FONT,
        "bgcolor": theme.background,
        "rankdir": direction,
        "nodesep": "0.22",
        "ranksep": "0.26",
        "pad": "0.2",
        "splines": "true",
        "labelloc": "t",
        "label": title,
        "tooltip": " ",
    }
    node = {"shape": "plain", "fontname": FONT, "fontsize": str(NAME), "penwidth": "1"}
    edge = {
        "fontname": FONT,
        "fontsize": str(DETAIL),
        "color": theme.edge,
        "fontcolor": theme.secondary,
        "arrowsize": "0.6",
        "penwidth": "1.2",
    }
    return graphviz.Digraph("network", graph_attr=page, node_attr=node, edge_attr=edge)


class Figure:
    """Writes the nodes and edges of a scene."""

    def __init__(
        self,
        scene: Scene,
        theme: Theme,
        shapes: Shapes,
        heat: Heat | None = None,
        column: Column | None = None,
    ) -> None:
        self.scene = scene
        self.column = column
        self.units = dict.fromkeys(column.units if column else scene.units)
        self.shapes = shapes
        self.heat = heat
        self.theme = theme
        self.flow = Flow(scene.units)
        self.width = labels.width(shapes.write(unit.output.shape) for unit in scene.units)
        self.spine = "spine"
        self.headers: set[Scope] = set()
        self.drawn: set[tuple[str, str]] = set()
        self.labelled: set[tuple[Unit, Tensor]] = set()

    def write(self, dot: graphviz.Digraph) -> None:
        """All nodes in their frames, and all edges."""
        for place in self.gates():
            self.gate(dot, place)
        self.frame(dot, self.scene.root, 0)
        for unit in self.units:
            self.connect(dot, unit)
        if self.column and (onward := self.onward()):
            dot.edge(onward.key, gate(self.column.number + 1), weight=STRAIGHT)

    def shown(self, item: Unit | Scope) -> bool:
        """True for what stands in this column."""
        inside = [item] if isinstance(item, Unit) else item.units()
        return any(unit in self.units for unit in inside)

    # --- nodes -----------------------------------------------------------------------------------

    def frame(self, dot: graphviz.Digraph, scope: Scope, level: int) -> None:
        """The units of a module and the frames of the modules in it."""
        for item in filter(self.shown, scope.items):
            if isinstance(item, Unit):
                self.node(dot, item.key, self.look(item), item in self.flow.spine)
            elif item.repeat:
                with dot.subgraph(name=f"cluster_{item.key}_all") as outside:
                    outside.attr("graph", **self.outline(level), margin="4", label="", tooltip=" ")
                    self.cluster(outside, item, level)
            else:
                self.cluster(dot, item, level)

    def cluster(self, dot: graphviz.Digraph, scope: Scope, level: int) -> None:
        """The frame of a module and all that is in it."""
        with dot.subgraph(name=f"cluster_{scope.key}") as inside:
            inside.attr("graph", **self.border(scope, level))
            if scope in self.headers:
                spine = any(unit in self.flow.spine for unit in scope.units())
                self.node(inside, f"h{scope.key}", labels.header(scope, self.theme), spine)
            self.frame(inside, scope, level + 1)

    def look(self, unit: Unit) -> dict[str, Any]:
        if self.heat is None:
            theme = marked(self.theme, unit.mark)
            return labels.node(unit, labels.Face(theme, self.width, self.shapes))
        theme = heated(self.theme, self.heat.share(self.heat.value(unit)))
        return labels.node(unit, labels.Face(theme, self.width, self.shapes, self.heat.told(unit)))

    def node(self, dot: graphviz.Digraph, key: str, look: dict[str, Any], spine: bool) -> None:
        dot.node(key, **look, **({"group": self.spine} if spine else {}))

    def border(self, scope: Scope, level: int) -> dict[str, str]:
        """The attributes of a frame; its name stands in a header or in its corner."""
        begun = next(scope.units()) in self.units
        if headed(scope) and begun:
            self.headers.add(scope)
        return self.outline(level) | {
            "margin": "8",
            "labeljust": "l",
            "tooltip": graphviz.escape(labels.about(scope)),
            "label": "" if scope in self.headers else labels.corner(scope, self.theme, begun),
        }

    def outline(self, level: int) -> dict[str, str]:
        return {
            "style": "rounded",
            "penwidth": "1",
            "color": self.theme.frame_line,
            "bgcolor": self.theme.frames[level % 2],
        }

    # --- from one column to the next -------------------------------------------------------------

    def gates(self) -> Iterator[int]:
        """The numbers of the marks at the top and at the end of this column."""
        if self.column and self.column.number:
            yield self.column.number
        if self.column and self.onward():
            yield self.column.number + 1

    def onward(self) -> Unit | None:
        """The unit whose output the next column takes."""
        others = (unit for unit in self.scene.units if unit not in self.units)
        own = {each for unit in others for each in unit.inputs if each in self.units}
        return own.pop() if own else None

    def gate(self, dot: graphviz.Digraph, number: int) -> None:
        """A mark with a number."""
        text = html.font(str(number), DETAIL, self.theme.badge_ink, bold=True)
        look = {"shape": "circle", "style": "filled", "fixedsize": "true", "width": "0.26"}
        colours = {"fillcolor": self.theme.badge, "color": self.theme.badge}
        told = f"column {number if self.column and number == self.column.number else number + 1}"
        label = html.label(text)
        dot.node(gate(number), label, group=self.spine, tooltip=told, **look, **colours)

    # --- edges -----------------------------------------------------------------------------------

    def connect(self, dot: graphviz.Digraph, unit: Unit) -> None:
        """The edges into a unit, each through the headers of the modules that it enters."""
        skips = self.flow.skips(unit)
        for source, tensor in zip(unit.inputs, unit.takes, strict=True):
            far = source not in self.units
            start = gate(self.column.number) if far and self.column else source.key
            stops = [start, *self.doors(source, unit), unit.key]
            caption = self.caption(source, tensor, unit, source in skips, far)
            last = len(stops) - 2
            for i, edge in enumerate(pairwise(stops)):
                if i < last and edge in self.drawn:
                    continue
                self.drawn.add(edge)
                look = self.line(source, unit, source in skips and i == last, i < last)
                text = {"label": graphviz.escape(f" {caption}")} if i == 0 and caption else {}
                dot.edge(*edge, **look, **text)

    def doors(self, source: Unit, unit: Unit) -> list[str]:
        """The headers that an edge passes: those of modules that hold its end but not its start."""
        inside = set(source.scope.around)
        entered = [each for each in unit.scope.around if each not in inside]
        return [f"h{each.key}" for each in entered if each in self.headers]

    def line(self, source: Unit, unit: Unit, skip: bool, door: bool) -> dict[str, str]:
        if skip:
            return {"weight": "0", "color": self.theme.skip, "penwidth": "1.8"}
        spine = self.flow.spine
        main = door or self.flow.main(unit) is source
        straight = source in spine and (unit in spine or door) and main
        return {"weight": STRAIGHT if straight else BENT}

    def caption(self, source: Unit, tensor: Tensor, unit: Unit, skip: bool, far: bool) -> str:
        """The shape of a tensor where it is news, once."""
        fresh = far or news(source, tensor, unit, skip)
        if (source, tensor) in self.labelled or not fresh:
            return ""
        self.labelled.add((source, tensor))
        return self.shapes.write(tensor.shape)


def news(source: Unit, tensor: Tensor, unit: Unit, skip: bool) -> bool:
    """True where one wants to read a shape: after what changed it, at outputs, where maps join."""
    changed = not source.takes or tensor.shape != source.takes[0].shape
    return changed or unit.ends or (unit.kind == "concat" and not skip)


def gate(number: int) -> str:
    """The name of the mark between two columns."""
    return f"column{number}"


def headed(scope: Scope) -> bool:
    """True for a module with layers of its own that one tensor enters: it gets a header node."""
    inside = set(scope.units())
    entering = {each for unit in inside for each in unit.inputs if each not in inside}
    return len(entering) == 1 and any(isinstance(item, Unit) for item in scope.items)
