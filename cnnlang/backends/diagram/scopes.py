"""What a figure shows: layers fused into units, in the frames of the modules that hold them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from cnnlang.analysis import costs
from cnnlang.analysis.fields import receptive, words
from cnnlang.analysis.ordinary import usual_sizes
from cnnlang.backends.diagram.words import category
from cnnlang.graph import Enter, Graph, Instance, Node, walk
from cnnlang.layers.tensor import Tensor

DEEPEST = 40
"""Modules nested deeper than this get no frame of their own."""

HEADS = ("conv", "transposed", "dense", "merge", "norm")
CHIPS = ("Normalisation", "Activation", "Regularisation")


Mark = Literal["", "same", "added", "removed", "changed"]


@dataclass(eq=False, slots=True)
class Unit:
    """A layer with those that follow it alone in the same module (`chips`), a port, or a module.

    `inputs` are the units that make its operands `takes`; `head` is None for an output of the
    network and for a `closed` module that is drawn as one. In a repeated module, `growth` is how
    much its incoming channels grow every time. `labelled` is true if the file gives it its name.
    `field` is the receptive field in words. `alike` are the units of repeated modules that it
    stands for. `mark` says what becomes of it where two networks are compared.
    """

    key: str
    head: Node | None
    output: Tensor
    scope: Scope
    name: str
    chips: list[Node] = field(default_factory=list)
    inputs: list[Unit] = field(default_factory=list, repr=False)
    takes: list[Tensor] = field(default_factory=list)
    parameters: int = 0
    macs: int | None = 0
    growth: int = 0
    labelled: bool = False
    closed: Scope | None = None
    alike: list[Unit] = field(default_factory=list)
    mark: Mark = ""
    field: str = ""

    @property
    def nodes(self) -> list[Node]:
        """The layers in it, in order; none in an output of the network."""
        return [self.head, *self.chips] if self.head else []

    @property
    def category(self) -> str:
        return "module" if self.closed else category(self.head.layer if self.head else None)

    @property
    def kind(self) -> str:
        return self.head.kind if self.head else "module" if self.closed else "output"

    @property
    def ends(self) -> bool:
        """True for an output of the network."""
        return self.head is None and self.closed is None

    @property
    def whole(self) -> list[Unit]:
        """All units that it stands for: itself or those of its module, each with those alike."""
        own = list(self.closed.units()) if self.closed else [self]
        return [unit for each in own for unit in (each, *each.alike)]

    @property
    def sight(self) -> str:
        """The receptive field as a tooltip tells it; nothing of a port."""
        if not self.field or (self.closed is None and (not self.head or self.head.layer is None)):
            return ""
        first = " in the first" if any(each.repeat for each in self.scope.around) else ""
        return f"receptive field {self.field}{first}"


@dataclass(frozen=True, slots=True)
class Repeat:
    """A module that stands for `times` modules, the last of which is called `last`.

    `hidden` are the units of the modules that are not drawn.
    """

    times: int
    last: str
    parameters: int
    grows: bool
    hidden: tuple[Unit, ...]


@dataclass(eq=False, slots=True)
class Scope:
    """A module with the units and modules in it, in order; the network itself has no `outer`.

    `title` is what a person would call the kind of module: the name of its block; `level` is how
    deep it stands in the file, and `names` are the paths of all modules that it is. `view` says
    whether it was asked to be open or closed; one that is `apart` is not folded with others.
    """

    key: str
    instance: Instance
    outer: Scope | None
    name: str
    title: str = ""
    again: bool = False
    labelled: bool = False
    items: list[Unit | Scope] = field(default_factory=list)
    parameters: int = 0
    repeat: Repeat | None = None
    level: int = -1
    names: list[str] = field(default_factory=list)
    view: Literal["", "open", "closed"] = ""
    apart: bool = False

    @property
    def around(self) -> list[Scope]:
        """This module and those that hold it, the outermost first; the network left out."""
        found: list[Scope] = []
        scope: Scope = self
        while scope.outer is not None:
            found.append(scope)
            scope = scope.outer
        return found[::-1]

    def units(self) -> Iterator[Unit]:
        """Every unit in this module, at any depth."""
        todo = [iter(self.items)]
        while todo:
            for item in todo[-1]:
                if isinstance(item, Scope):
                    todo.append(iter(item.items))
                    break
                yield item
            else:
                todo.pop()

    def everything(self) -> Iterator[Unit]:
        """Every unit in this module and in those that it stands for."""
        for item in self.items:
            if isinstance(item, Scope):
                yield from item.everything()
            else:
                yield item
        yield from self.repeat.hidden if self.repeat else ()


@dataclass(frozen=True, slots=True)
class Scene:
    """All that is to be drawn: the frames from the root on, and the units in order.

    `stands` has, by the units that are drawn, those of equal modules that are not.
    """

    graph: Graph
    root: Scope
    units: list[Unit]
    stands: Mapping[Unit, list[Unit]] = field(default_factory=dict)


def together(marks: Iterable[Mark]) -> Mark:
    """What becomes of some units as one: added or removed if all of them are, else changed."""
    found = set(marks)
    return found.pop() if len(found) == 1 else "changed" if found else ""


def arrange(graph: Graph) -> Scene:
    """The units and frames of a network."""
    root = Scope("s0", graph.root, None, graph.name)
    homes, scopes = housed(graph, root)
    units = Fusion(graph, homes, root).units
    for unit in units:
        unit.scope.items.append(unit)
        for scope in unit.scope.around:
            scope.parameters += unit.parameters
    for scope in sorted(scopes, key=lambda each: -len(each.around)):
        nest(scope)
    root.items.sort(key=place)
    return Scene(graph, root, units)


def housed(graph: Graph, root: Scope) -> tuple[dict[int, Scope], list[Scope]]:
    """The module of every node, and all modules."""
    homes: dict[int, Scope] = {}
    scopes: list[Scope] = []
    seen: set[tuple[str, ...]] = set()
    path = [root]
    for level, item in walk(graph.root):
        del path[level + 1 :]
        if not isinstance(item, Enter):
            homes[item.node] = path[-1]
        elif level >= DEEPEST:
            path.append(path[-1])
        else:
            instance = item.instance
            title = instance.title if instance.kind == "block" else ""
            scope = Scope(f"s{len(scopes) + 1}", instance, path[-1], instance.name, title)
            scope.again = instance.path in seen
            scope.level, scope.names = level, [".".join(instance.path)]
            scope.labelled = instance.labelled
            path.append(scope)
            scopes.append(scope)
            seen.add(instance.path)
    return homes, scopes


class Fusion:
    """Goes through the layers in order and makes the units."""

    def __init__(self, graph: Graph, homes: dict[int, Scope], root: Scope) -> None:
        self.graph = graph
        self.homes = homes
        self.root = root
        self.own = {node.index for node in costs.owners(graph)}
        self.fields = receptive(graph, usual_sizes(graph))
        self.uses = self.counted()
        self.makers: dict[int, Unit] = {}
        self.units: list[Unit] = []
        for node in graph.nodes:
            self.take(node)
        self.finish(graph.outputs, "Output")
        extra = [i for i in graph.training_outputs or () if i not in graph.outputs]
        self.finish(tuple(extra), "Training output")

    def counted(self) -> list[int]:
        """How often the output of every node is used."""
        uses = [0] * len(self.graph.nodes)
        for node in self.graph.nodes:
            for i in node.inputs:
                uses[i] += 1
        for i in {*self.graph.outputs, *(self.graph.training_outputs or ())}:
            uses[i] += 1
        return uses

    def take(self, node: Node) -> None:
        """A node becomes a chip of the unit before it, or a unit of its own."""
        scope = self.homes.get(node.index, self.root)
        unit = self.makers[node.inputs[0]] if len(node.inputs) == 1 else None
        if unit is not None and self.fuses(node, unit, scope):
            unit.chips.append(node)
            unit.output = node.output
        else:
            unit = Unit(f"n{node.index}", node, node.output, scope, node.name)
            unit.inputs = [self.makers[i] for i in node.inputs]
            unit.takes = list(self.graph.tensors(node))
            unit.labelled = node.labelled
            self.units.append(unit)
        self.makers[node.index] = unit
        unit.field = words(self.fields[node.index])
        self.count(node, unit)

    def fuses(self, node: Node, unit: Unit, scope: Scope) -> bool:
        """True for a norm, activation or dropout that alone follows a unit in its module."""
        if node.layer is None or node.layer.family not in CHIPS or unit.scope is not scope:
            return False
        dropped = node.layer.family == "Regularisation" and unit.kind == "flatten"
        return (unit.category in HEADS or dropped) and self.uses[node.inputs[0]] == 1

    def count(self, node: Node, unit: Unit) -> None:
        unit.parameters += costs.parameters(self.graph, node) if node.index in self.own else 0
        macs = costs.macs(self.graph, node)
        known = isinstance(macs, int) and unit.macs is not None
        unit.macs = (unit.macs or 0) + macs if known and isinstance(macs, int) else None

    def finish(self, outputs: tuple[int, ...], title: str) -> None:
        """A unit for every output of the network, called after its tensor, or by its number."""
        for place, i in enumerate(outputs, 1):
            node = self.graph.nodes[i]
            own = node.name if node.labelled else str(place)
            name = title if len(outputs) == 1 else f"{title} {own}"
            key = f"o{len(self.units)}"
            unit = Unit(key, None, self.graph.nodes[i].output, self.root, name)
            unit.inputs = [self.makers[i]]
            unit.takes = [unit.output]
            self.units.append(unit)


def nest(scope: Scope) -> None:
    """Put a module where it is drawn: one with a single thing in it lends it its name."""
    outer = scope.outer
    assert outer is not None
    scope.items.sort(key=place)
    if not scope.items:
        return
    only = scope.items[0] if len(scope.items) == 1 else None
    if only is None:
        outer.items.append(scope)
        return
    only.name, only.labelled = scope.name, scope.labelled
    if isinstance(only, Unit):
        only.scope = outer
    else:
        only.outer = outer
        only.names += scope.names
        only.title = only.title or scope.title
    outer.items.append(only)


def place(item: Unit | Scope) -> int:
    """Where an item stands among all layers."""
    while isinstance(item, Scope):
        item = item.items[0]
    return item.head.index if item.head else 10**9
