"""The style `graph` as a flowchart for Mermaid, which GitHub draws where Markdown shows it.

https://mermaid.js.org/syntax/flowchart.html
"""

from __future__ import annotations

from collections.abc import Iterator

from cnnlang.amounts import count
from cnnlang.analysis.validity import valid_sizes
from cnnlang.backends.diagram import labels
from cnnlang.backends.diagram.figure import news
from cnnlang.backends.diagram.flow import Flow
from cnnlang.backends.diagram.look import Look
from cnnlang.backends.diagram.palette import THEMES, Theme
from cnnlang.backends.diagram.parts import scene
from cnnlang.backends.diagram.scopes import Scene, Scope, Unit
from cnnlang.backends.diagram.tones import Heat, heat, scale, step
from cnnlang.backends.diagram.words import MERGES, Shapes, chip, details, heading, title
from cnnlang.graph import Graph
from cnnlang.layers.tensor import Tensor

LETTERS, EDGES = 50_000, 500
"""What Mermaid draws at the most unless it is told otherwise: letters of text, and edges."""
LONGEST = 60
ESCAPED = {ord(c): f"#{ord(c)};" for c in "#\"&<>`'\\[]{}()|;*_~"}
"""Letters with a meaning to Mermaid, HTML or Markdown, as Mermaid writes them."""


def mermaid(graph: Graph, look: Look) -> str:
    """The figure of a network as a Mermaid flowchart."""
    found = scene(graph, look)
    told = heat(graph, look.highlight, found.units) if look.highlight else None
    chart = Chart(found, Shapes(valid_sizes(graph)[0]), told)
    direction = {"TB": "TD"}.get(look.direction or "TB", look.direction)
    lines = [*title_lines(graph), f"flowchart {direction}", *chart.frame(found.root, 1)]
    theme = THEMES[look.theme or "light"]
    lines += [*chart.edges(), *chart.classes(theme), *chart.styles(theme)]
    return "\n".join(lines) + "\n"


def limits(text: str) -> tuple[str, ...]:
    """What is said of a chart that Mermaid refuses to draw."""
    edges = sum("-->" in line or "==>" in line for line in text.splitlines())
    if len(text) <= LETTERS and edges <= EDGES:
        return ()
    return (
        f"Mermaid draws {EDGES} edges and {LETTERS:,} letters at the most, this has {edges} and "
        f"{len(text):,}: `--depth 1` makes it smaller",
    )


def title_lines(graph: Graph) -> list[str]:
    """The title above the chart, as YAML has a text."""
    name = "".join(c if c.isprintable() else "?" for c in graph.name)[:LONGEST]
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    return ["---", f'title: "{quoted}"', "---"]


class Chart:
    """Writes nodes, frames and edges; a skip is a thick line."""

    def __init__(self, scene: Scene, shapes: Shapes, heat: Heat | None) -> None:
        self.units = scene.units
        self.flow = Flow(scene.units)
        self.shapes = shapes
        self.heat = heat
        self.keys = {unit: f"n{i}" for i, unit in enumerate(scene.units)}
        self.frames = 0
        self.skips: list[int] = []
        self.lines = 0

    def frame(self, scope: Scope, level: int) -> Iterator[str]:
        """The nodes of a module, and the modules in it as subgraphs."""
        for item in scope.items:
            if isinstance(item, Unit):
                yield f"{'  ' * level}{self.keys[item]}{self.node(item)}"
                continue
            self.frames += 1
            yield f"{'  ' * level}subgraph s{self.frames}[{quoted(captioned(item))}]"
            yield from self.frame(item, level + 1)
            yield f"{'  ' * level}end"

    def node(self, unit: Unit) -> str:
        """A node: stadiums for ports, circles for signs, boxes with two sides for modules."""
        text = quoted(*self.words(unit))
        if unit.category == "port":
            return f"([{text}])"
        if unit.closed:
            return f"[[{text}]]"
        sign = unit.kind in MERGES and not unit.chips and not self.heat
        return f"(({text}))" if sign else f"({text})"

    def words(self, unit: Unit) -> Iterator[str]:
        """The lines of a node, the empty ones too."""
        node = unit.head
        if node is None or node.layer is None:
            yield from self.module(unit) if unit.closed else [ported(unit)]
        elif unit.category == "merge":
            yield " ".join([MERGES.get(unit.kind, title(node.layer)), *node.layer.caption()])
        else:
            name = unit.name if unit.labelled or unit.parameters else ""
            before = unit.takes[0] if unit.takes else None
            yield "  ".join(filter(None, (heading(node, before), name)))
            yield details(node, unit.takes[0] if unit.takes else None, unit.growth)
        yield " · ".join(chip(each.layer) for each in unit.chips if each.layer)
        if self.heat:
            yield self.heat.told(unit)
        elif unit.parameters and not unit.closed:
            yield f"{count(unit.parameters)} params"

    def module(self, unit: Unit) -> Iterator[str]:
        """The lines of a closed module."""
        assert unit.closed is not None
        yield captioned(unit.closed, counted=False)
        yield f"→ {self.shapes.write(unit.output.shape)}"
        yield labels.costing(unit)

    def edges(self) -> Iterator[str]:
        """The edges, with shapes where they change."""
        labelled: set[tuple[Unit, Tensor]] = set()
        for unit in self.units:
            skips = self.flow.skips(unit)
            for source, tensor in zip(unit.inputs, unit.takes, strict=True):
                skip = source in skips
                self.skips += [self.lines] if skip else []
                self.lines += 1
                new = (source, tensor) not in labelled and news(source, tensor, unit, skip)
                label = f"|{quoted(self.shapes.write(tensor.shape))}|" if new else ""
                labelled |= {(source, tensor)} if new else set()
                arrow = "==>" if skip else "-->"
                yield f"  {self.keys[source]} {arrow}{label} {self.keys[unit]}"

    def classes(self, theme: Theme) -> Iterator[str]:
        """The colours: by category, or by the share of a cost."""
        homes: dict[str, list[str]] = {}
        for unit, key in self.keys.items():
            homes.setdefault(self.tone(unit), []).append(key)
        for tone, keys in sorted(homes.items()):
            yield f"  classDef {tone} {self.colours(tone, theme)}"
            yield f"  class {','.join(keys)} {tone}"

    def styles(self, theme: Theme) -> Iterator[str]:
        """The colours of frames and of skips, which are counted among the edges."""
        if self.frames:
            keys = ",".join(f"s{i}" for i in range(1, self.frames + 1))
            look = f"fill:{theme.frames[0]},stroke:{theme.frame_line},color:{theme.secondary}"
            yield from (f"  classDef frame {look}", f"  class {keys} frame")
        if self.skips:
            yield f"  linkStyle {','.join(map(str, self.skips))} stroke:{theme.skip}"

    def tone(self, unit: Unit) -> str:
        if self.heat is None:
            return unit.category
        value = self.heat.value(unit)
        return f"heat{step(self.heat.share(value))}" if value else "none"

    def colours(self, tone: str, theme: Theme) -> str:
        """The colours of a class."""
        fill, line, ink = theme.background, theme.frame_line, theme.ink
        if tone in theme.tint:
            fill, line = theme.tint[tone], theme.line[tone]
        elif tone != "none":
            fill, _, ink = list(scale(theme))[int(tone.removeprefix("heat"))]
            line = theme.edge
        return f"fill:{fill},stroke:{line},color:{ink}"


def ported(unit: Unit) -> str:
    return "Input" if unit.head is not None and unit.name == "x" else unit.name


def captioned(scope: Scope, *, counted: bool = True) -> str:
    """Name, block, how often, parameters."""
    number = count(scope.repeat.parameters if scope.repeat else scope.parameters)
    told = f"{number} params" if counted and number != "0" else ""
    return "  ".join(filter(None, (labels.names(scope), labels.kindred(scope), told)))


def quoted(*lines: str) -> str:
    """Lines of text as Mermaid takes them: in quotes, no letter of them with a meaning."""
    return f'"{"<br/>".join(escaped(each) for each in lines if each)}"'


def escaped(text: str) -> str:
    """A line, printable, not too long."""
    shown = "".join(each if each.isprintable() else "?" for each in text)
    cut = shown if len(shown) <= LONGEST else shown[: LONGEST - 1] + "…"
    return cut.translate(ESCAPED)
