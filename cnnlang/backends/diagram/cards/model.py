"""The cards of a network: blocks and layers with weights; the rest lies on the edges."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, groupby
from typing import Any, TypeAlias

from cnnlang.backends.diagram.scopes import Mark, Unit, together
from cnnlang.backends.diagram.volumes.captions import words
from cnnlang.backends.diagram.volumes.model import Part, Volume
from cnnlang.backends.diagram.words import chip, depthwise, details, heading

CARDS = ("conv", "dense", "port")
"""Categories that have a card of their own."""
Costs: TypeAlias = tuple[int, int, int, tuple[int, ...]]
"""Parameters, MACs, the cost that the figure is about, and the layers that have them."""
NOTHING: Costs = (0, 0, 0, ())
STEPS = 6
"""Steps of a template at the most."""
Way: TypeAlias = tuple[int, Unit | None, Any]
"""How many layers are on a way, the last of them, and the way before it."""
START: Way = (0, None, None)


@dataclass(eq=False, slots=True)
class Card:
    """A block or layer, or an input or output: `edges` lead to it.

    `again` is true if its weights are those of a card before. `value` is the cost that the figure
    is about, and `note` says it where the bars do not.
    """

    name: str
    kind: str
    times: int
    shape: tuple[int, ...]
    spatial: tuple[int, ...]
    template: str
    category: str
    parts: tuple[Part, ...] = ()
    parameters: int = 0
    macs: int = 0
    again: bool = False
    mark: Mark = ""
    value: int = 0
    note: str = ""
    layers: tuple[int, ...] = ()
    sight: str = ""
    edges: list[Edge] = field(default_factory=list)

    @property
    def small(self) -> bool:
        """True for what only has a name: inputs, outputs, and where paths are combined."""
        return self.category in ("port", "merge")

    @property
    def inputs(self) -> list[Card]:
        return [edge.source for edge in self.edges]

    @property
    def joins(self) -> list[Card]:
        return []

    @property
    def size(self) -> int:
        return max(self.spatial, default=0)


@dataclass(frozen=True, slots=True)
class Edge:
    """What comes from a card: the layers without a card of their own on the way, and the shape."""

    source: Card
    words: tuple[str, ...]
    shape: tuple[int, ...]
    category: str = "other"


def cards(volumes: Sequence[Volume]) -> list[Card]:
    """The cards of some maps, in order; the costs of maps without a card go to the next card."""
    runs = [list(run) for _, run in groupby(volumes, key=Runs(volumes))]
    dealer = Dealer(Counter(maps[0].group for maps in runs))
    for maps in runs:
        if maps[0].category in CARDS or combined(maps[0]):
            dealer.card(maps)
        else:
            dealer.between(maps[0])
    return dealer.finish(volumes)


class Runs:
    """Tells which maps make one card: convolutions of one opened module at one resolution."""

    def __init__(self, volumes: Sequence[Volume]) -> None:
        self.number = 0
        self.last: Volume | None = None
        self.users: dict[Volume, int] = {}
        for volume in volumes:
            for each in (*volume.inputs, *volume.joins):
                self.users[each] = self.users.get(each, 0) + 1

    def __call__(self, volume: Volume) -> int:
        if self.last is None or not self.continues(self.last, volume):
            self.number += 1
        self.last = volume
        return self.number

    def continues(self, before: Volume, volume: Volume) -> bool:
        layers = before.category == volume.category == "conv" and bool(
            before.kernel and volume.kernel
        )
        same = before.group == volume.group != "" and before.spatial == volume.spatial
        used = self.users.get(before, 0) + len(before.outputs)
        alone = volume.inputs == [before] and not volume.joins and used == 1
        alone &= not (before.apart or volume.apart) and before.mark == volume.mark
        return layers and same and alone and not volume.name.strip("0123456789")


class Dealer:
    """Makes cards, and knows for every map the card or the way that shows it."""

    def __init__(self, groups: Mapping[str, int]) -> None:
        self.groups = groups
        self.found: list[Card] = []
        self.ways: dict[Volume, list[Edge]] = {}
        self.costs: dict[Volume, Costs] = {}

    def card(self, maps: list[Volume]) -> None:
        """One card for some maps in a row."""
        first, last = maps[0], maps[-1]
        name, kind = names(maps, self.groups[first.group] == 1)
        card = Card(
            name, kind, last.times, shape(last), last.spatial, template(maps), last.category
        )
        card.parts = last.parts
        card.parameters = sum(each.parameters for each in maps)
        card.macs = sum(each.macs for each in maps)
        card.value = sum(each.value for each in maps)
        card.again = last.again
        card.mark = together(each.mark for each in maps)
        card.layers = tuple(i for each in maps for i in each.layers)
        card.sight = last.sight
        self.lead(card, first)
        for volume in maps:
            self.ways[volume] = [Edge(card, (), shape(volume))]
        if card.category == "merge":
            self.costs[last] = card.parameters, card.macs, card.value, ()
            card.parameters = card.macs = card.value = 0
        self.found.append(card)

    def lead(self, card: Card, volume: Volume) -> None:
        """The edges into a card, with the costs of what lies on them."""
        for source in (*volume.inputs, *volume.joins):
            card.edges += self.ways[source]
            charge(card, self.costs.pop(source, NOTHING))

    def between(self, volume: Volume) -> None:
        """A map without a card: words on the edges that go through it."""
        said = [heading(unit.head) for unit in volume.units if unit.head and unit.head.layer]
        word = " › ".join(dict.fromkeys(each for each in said if not plain(each)))
        edges = [edge for source in volume.inputs for edge in self.ways[source]]
        edges += [edge for source in volume.joins for edge in self.ways[source]]
        category = next((p.category for p in volume.parts if not p.skip), volume.category)
        self.ways[volume] = [
            Edge(
                edge.source, (*edge.words, word) if i == 0 else edge.words, shape(volume), category
            )
            for i, edge in enumerate(edges)
        ]
        own = volume.parameters, volume.macs, volume.value, volume.layers
        before = [self.costs.pop(each, NOTHING) for each in volume.inputs]
        a, b, c, layers = zip(own, *before, strict=True)
        self.costs[volume] = sum(a), sum(b), sum(c), tuple(chain(*layers))

    def finish(self, volumes: Sequence[Volume]) -> list[Card]:
        """The cards, with one for every output."""
        for volume, name in ((each, name) for each in volumes for name in each.outputs):
            card = Card(name, "", 1, shape(volume), volume.spatial, "", "port")
            card.edges = list(self.ways[volume])
            card.mark = "same" if volume.mark else ""
            charge(card, self.costs.pop(volume, NOTHING))
            self.found.append(card)
        return self.found


def charge(card: Card, costs: Costs) -> None:
    """Add what lies on an edge to the card at its end."""
    card.parameters += costs[0]
    card.macs += costs[1]
    card.value += costs[2]
    card.layers += costs[3]


def combined(volume: Volume) -> bool:
    """True for a map that is made of those of several paths, position by position."""
    return volume.category == "merge" and not volume.parts


def plain(word: str) -> bool:
    return word.lower().startswith(("concat", "flatten", "identity"))


def shape(volume: Volume) -> tuple[int, ...]:
    return volume.channels, *volume.spatial


def names(maps: list[Volume], alone: bool) -> tuple[str, str]:
    """What a card is called, and what kind it is; `alone` if its module has no other card."""
    last = maps[-1]
    kinds = {each.kind for each in maps}
    if len(maps) > 1:
        return (last.group, "") if alone or len(kinds) > 1 else (last.kind, last.group)
    if last.category in ("port", "merge"):
        return last.name or "Input", ""
    name, kind = words(last)
    return name.split(" ×")[0], kind.split(" ×")[0]


# --- the template --------------------------------------------------------------------------------


def template(maps: list[Volume]) -> str:
    """What a card does, in the words of a paper's table: `1×1, 64 › 3×3, 64 › 1×1, 256`."""
    first = maps[0]
    if first.category in ("port", "merge") or first.parts:
        return ""
    units = [unit for each in maps for unit in each.sample or each.units]
    if len(maps) == 1 and not first.sample:
        return " · ".join([layer(units[0]), *(chip(n.layer) for n in units[0].chips if n.layer)])
    return joined([step(unit) for unit in path(units)])


def layer(unit: Unit) -> str:
    assert unit.head is not None
    return details(unit.head, unit.takes[0] if unit.takes else None, unit.growth)


def path(units: list[Unit]) -> list[Unit]:
    """The layers with weights on the longest way through a block, the way to a gate left out."""
    ends = next((u for u in units if u.kind in ("add", "concat") and len(u.inputs) > 1), units[-1])
    longest: dict[Unit, Way] = {}
    for unit in units:
        ways = [longest[each] for each in unit.inputs if each in longest]
        gate = unit.kind == "multiply"
        before = ways[0] if ways and gate else max(ways, key=lambda way: way[0], default=START)
        counts = unit.category in ("conv", "transposed", "dense")
        longest[unit] = (before[0] + 1, unit, before) if counts else before
        if unit is ends:
            break
    return list(walked(longest[ends]))[::-1]


def walked(way: Way) -> Iterator[Unit]:
    """The layers on a way from its end."""
    while way[1] is not None and way[2] is not None:
        yield way[1]
        way = way[2]


def step(unit: Unit) -> str:
    """`3×3, 64`, with the groups of a grouped convolution."""
    assert unit.head is not None
    before = unit.takes[0] if unit.takes else None
    kernel = heading(unit.head, before).replace("Conv ", "")
    groups = 1 if depthwise(unit.head, before) else vars(unit.head.layer).get("groups", 1)
    grouped = f" in {groups} groups" if groups != 1 else ""
    return f"{kernel}, {unit.output.channels}{grouped}"


def joined(steps: list[str]) -> str:
    """The steps in a row, equal ones once: `2 × 3×3, 64`."""
    runs = [(text, len(list(run))) for text, run in groupby(steps)]
    told = [text if number == 1 else f"{number} × {text}" for text, number in runs]
    more = [f"{len(told) - STEPS} more"] if len(told) > STEPS else []
    return " › ".join([*told[:STEPS], *more])
