"""Colours that say more than the kind of layer: how much of a cost it has, what becomes of it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

from cnnlang import amounts
from cnnlang.analysis import costs
from cnnlang.analysis.memory import memory, setting
from cnnlang.analysis.ordinary import usual_sizes
from cnnlang.backends.diagram.palette import Theme
from cnnlang.backends.diagram.scopes import Mark, Unit
from cnnlang.backends.diagram.words import percent
from cnnlang.graph import Graph
from cnnlang.sizes import at

BOUNDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
"""Shares of the whole at which a colour begins; below the first there is one more."""
TURN = 5
"""The first colour on which letters have the colour of the background."""
NAMES = {"params": "parameters", "macs": "MACs", "memory": "memory saved for training"}

SIGNS: Mapping[Mark, str] = {"added": "+", "removed": "−", "changed": "~"}
"""The second cue of what becomes of a layer; outlines of what is removed are dashed too."""
LIKE: Mapping[Mark, str] = {"added": "pool", "removed": "merge", "changed": "conv"}
"""The categories whose colours say what becomes of a layer."""


# --- costs ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Heat:
    """The share that units have of one cost of a network; free dimensions have ordinary sizes."""

    measure: str
    sizes: Mapping[str, int]
    costs: Mapping[int, int]
    total: int = 0

    def value(self, unit: Unit) -> int:
        """What a unit costs with all that it stands for."""
        return self.sum(unit.whole)

    def sum(self, units: Iterable[Unit]) -> int:
        """What some units cost."""
        nodes = (node for unit in units for node in (unit.head, *unit.chips) if node)
        return sum(self.costs.get(node.index, 0) for node in nodes)

    def share(self, value: int) -> float:
        return value / self.total if self.total else 0.0

    def told(self, unit: Unit) -> str:
        """The cost of a unit in numbers: `2.36M · 9%`, nothing for none."""
        value = self.value(unit)
        return f"{self.number(value)} · {percent(self.share(value))}" if value else ""

    def number(self, value: int) -> str:
        """A cost in a few letters."""
        return amounts.memory(value) if self.measure == "memory" else amounts.count(value)


def heat(graph: Graph, measure: str, units: Iterable[Unit] = ()) -> Heat:
    """How units share a cost, which is one of `MEASURES`; raises `Unpredictable` for memory."""
    sizes = usual_sizes(graph)
    whole = Heat(measure, sizes, numbers(graph, measure, sizes))
    return replace(whole, total=sum(map(whole.value, units)))


def numbers(graph: Graph, measure: str, sizes: Mapping[str, int]) -> dict[int, int]:
    """What every node costs, by index; memory is what autograd saves of one sample in float32."""
    if measure == "params":
        return {node.index: costs.parameters(graph, node) for node in costs.owners(graph)}
    if measure == "memory":
        return {index: saved.each for index, saved in memory(graph, setting()).layers.items()}
    return {node.index: at(costs.macs(graph, node), sizes) for node in graph.layers}


def step(share: float) -> int:
    """The place of a share among the colours."""
    return bisect_right(BOUNDS, share)


def heated(theme: Theme, share: float) -> Theme:
    """The theme of what has a share of a cost: lightness tells how much, nothing has no colour."""
    place = step(share)
    fill = theme.heat[place] if share else theme.background
    ink = theme.background if share and place >= TURN else theme.ink
    return painted(theme, fill, theme.edge if share else theme.frame_line, ink)


def scale(theme: Theme) -> Iterator[tuple[str, str, str]]:
    """The colours with the shares that they stand for, and the ink on them."""
    ends = [percent(bound) for bound in BOUNDS]
    words = [f"<{ends[0]}", *(f"{a[:-1]}–{b}" for a, b in pairwise(ends))]
    for i, text in enumerate([*words, f"≥{ends[-1]}"]):
        yield theme.heat[i], text, theme.background if i >= TURN else theme.ink


def painted(theme: Theme, fill: str, line: str, ink: str) -> Theme:
    """The theme with one colour for every category."""
    return replace(
        theme,
        ink=ink,
        secondary=ink,
        tint=dict.fromkeys(theme.tint, fill),
        line=dict.fromkeys(theme.line, line),
    )


# --- differences ---------------------------------------------------------------------------------


def marked(theme: Theme, mark: Mark) -> Theme:
    """The theme of what is added, removed, changed, or pale where it is the same."""
    if mark in LIKE:
        name = LIKE[mark]
        return replace(
            painted(theme, theme.tint[name], theme.line[name], theme.ink), secondary=theme.secondary
        )
    return painted(theme, theme.background, theme.frame_line, theme.secondary) if mark else theme
