"""Reads the maps of the paper figure off a scene: which layers and blocks make one, of what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from cnnlang.analysis import costs
from cnnlang.backends.diagram.scopes import Scene, Scope, Unit
from cnnlang.backends.diagram.volumes.joining import joined
from cnnlang.backends.diagram.volumes.model import Part, Volume
from cnnlang.backends.diagram.volumes.opening import MAPS, Opening
from cnnlang.backends.diagram.words import heading, title
from cnnlang.graph import Graph
from cnnlang.layers.tensor import Tensor
from cnnlang.sizes import at


def collect(scene: Scene, sizes: Mapping[str, int]) -> list[Volume]:
    """The maps of a network in the order in which they are made, for sizes of free dimensions."""
    reader = Reader(scene.graph, sizes, needed(scene))
    reader.visit(Opening(scene.root).items())
    return joined(reader.volumes)


def needed(scene: Scene) -> set[Unit]:
    """The units that an output of inference depends on: heads for training are left out."""
    outputs = set(scene.graph.outputs)
    todo = [
        unit
        for unit in scene.units
        if unit.ends and not unit.name.startswith("Training") and outputs
    ]
    found: set[Unit] = set()
    while todo:
        unit = todo.pop()
        if unit not in found:
            found.add(unit)
            todo += unit.inputs
    return found


# --- reading -------------------------------------------------------------------------------------


class Reader:
    """Makes the maps, and knows for every unit the map that shows its output."""

    def __init__(self, graph: Graph, sizes: Mapping[str, int], needed: set[Unit]) -> None:
        self.graph = graph
        self.sizes = sizes
        self.needed = needed
        self.volumes: list[Volume] = []
        self.order: dict[Volume, int] = {}
        self.makers: dict[Unit, Volume] = {}

    def visit(self, items: Iterable[Unit | Scope]) -> None:
        for item in items:
            units = list(item.units()) if isinstance(item, Scope) else [item]
            if not any(unit in self.needed for unit in units):
                continue
            if isinstance(item, Scope):
                self.block(item, units)
            elif item.closed:
                self.block(item.closed, units)
            elif item.head is None:
                self.makers[item.inputs[0]].outputs += (item.name,)
            else:
                self.unit(item)

    def block(self, scope: Scope, units: list[Unit]) -> None:
        """A module as one map, a row of blocks as one with all of their slices.

        `units` are those that the rest of the figure knows: one for a closed module.
        """
        blocks = [item for item in scope.items if isinstance(item, Scope)]
        kinds = {each.title for each in blocks}
        row = len(blocks) == len(scope.items) and len(kinds) == 1 and not scope.title
        kind = blocks[0].title if row else scope.title
        inside = list(scope.units())
        last = inside[-1]
        volume = self.make(scope.everything(), last, "conv", called(scope), kind)
        volume.sample = list(blocks[-1].units()) if row else inside
        volume.apart = scope.apart
        volume.times = sum(map(times, blocks)) if row else times(scope)
        volume.channels += sum(map(grown, blocks if row else [scope]))
        volume.residual = any(unit.kind == "add" for unit in inside)
        if last.kind == "concat" and volume.times == 1 and not volume.residual:
            volume.parts = tuple(map(self.part, last.inputs, last.takes))
        self.keep(volume, units)

    def unit(self, unit: Unit) -> None:
        """A layer: a map of its own, or one that only passes on or adds to another."""
        if unit.kind == "concat" and len(unit.inputs) > 1:
            self.keep(self.concat(unit), [unit])
        elif unit.category == "merge" and unit.inputs:
            self.merge(unit)
        elif unit.category in MAPS or self.reshapes(unit):
            self.keep(self.single(unit), [unit])
        else:
            self.makers[unit] = self.makers[unit.inputs[0]]
            self.absorb(self.makers[unit], unit)

    def single(self, unit: Unit) -> Volume:
        """The map that a layer makes."""
        node, scope = unit.head, unit.scope
        assert node is not None
        kind = "input" if node.layer is None else heading(node)
        unnamed = node.layer is None and node.name == "x"
        volume = self.make([unit], unit, unit.category, "" if unnamed else called(unit), kind)
        volume.apart = scope.view == "open"
        volume.group = "" if scope.outer is None else called(scope) or scope.title
        if unit.category in ("conv", "pool"):
            volume.kernel = kernel(unit)
        return volume

    def concat(self, unit: Unit) -> Volume:
        """Maps laid behind one another."""
        volume = self.make([unit], unit, "merge", "", "concat")
        found = [self.makers[each] for each in unit.inputs]
        latest = max(found, key=self.order.__getitem__)
        volume.parts = tuple(
            replace(self.part(each, tensor), skip=maker is not latest and self.leads(maker, latest))
            for each, tensor, maker in zip(unit.inputs, unit.takes, found, strict=True)
        )
        return volume

    def merge(self, unit: Unit) -> None:
        """Maps of one shape made one: an arc where one of them goes around the others."""
        found = list(dict.fromkeys(self.makers[each] for each in unit.inputs))
        latest = max(found, key=self.order.__getitem__)
        others = [each for each in found if each is not latest]
        if all(self.leads(each, latest) for each in others):
            latest.joins += [each for each in others if unit.kind != "multiply"]
            self.absorb(latest, unit)
            self.makers[unit] = latest
            return
        assert unit.head is not None and unit.head.layer is not None
        kind = title(unit.head.layer).lower()
        self.keep(self.make([unit], unit, "merge", kind, ""), [unit])

    def leads(self, source: Volume, target: Volume) -> bool:
        """True if `target` is made of `source`; what was made before it need not be looked at."""
        todo, seen = [target], set()
        while todo:
            volume = todo.pop()
            if volume is source:
                return True
            if volume not in seen and self.order[volume] > self.order[source]:
                seen.add(volume)
                todo += [*volume.inputs, *volume.joins]
        return False

    def part(self, unit: Unit, tensor: Tensor) -> Part:
        """The share of one operand; what only passes a map on counts as the map's maker."""
        source = self.makers.get(unit)
        category = source.category if source else unit.category
        known = category in ("conv", "transposed", "pool", "dense", "port")
        name = heading(unit.head) if unit.head and unit.head.layer else unit.name
        return Part(self.measured(tensor)[0], category if known else "conv", name)

    def make(
        self, units: Iterable[Unit], last: Unit, category: str, name: str, kind: str
    ) -> Volume:
        channels, spatial = self.measured(last.output)
        volume = Volume([], channels, spatial, category, name, kind)
        for unit in units:
            self.absorb(volume, unit)
        return volume

    def absorb(self, volume: Volume, unit: Unit) -> None:
        """Count what a unit costs with a map."""
        volume.units.append(unit)
        nodes = [node for node in (unit.head, *unit.chips) if node]
        volume.macs += sum(at(costs.macs(self.graph, node), self.sizes) for node in nodes)

    def keep(self, volume: Volume, units: list[Unit]) -> None:
        """Put a map behind those that are there."""
        entering = [each for unit in units for each in taken(unit) if each in self.makers]
        volume.inputs = list(dict.fromkeys(self.makers[each] for each in entering))
        self.order[volume] = len(self.volumes)
        self.volumes.append(volume)
        self.makers.update(dict.fromkeys(units, volume))

    def reshapes(self, unit: Unit) -> bool:
        """True for a layer without weights that makes a map of other spatial sizes."""
        if not unit.inputs:
            return False
        after, before = self.measured(unit.output)[1], self.makers[unit.inputs[0]].spatial
        return bool(after) and sorted(after) != sorted(before)

    def measured(self, tensor: Tensor) -> tuple[int, tuple[int, ...]]:
        """The channels and the spatial sizes of a tensor; tokens have one channel."""
        sizes = [at(size, self.sizes) for size in tensor.shape]
        if tensor.dtype == "int":
            return 1, tuple(sizes)
        if not sizes:
            return 1, ()
        channels = sizes.pop(tensor.channel_axis)
        return channels, tuple(sizes)


def taken(unit: Unit) -> list[Unit]:
    """The units whose numbers a unit takes; one that only names a size to make gives none."""
    layer = unit.head.layer if unit.head else None
    if layer is None or layer.name == "maxunpool":
        return unit.inputs
    named = sum(vars(layer)[field] is not None for field in layer.references)
    return unit.inputs[: len(unit.inputs) - named]


def kernel(unit: Unit) -> tuple[int, ...]:
    """The window of a layer on every axis, nothing if it has none."""
    value = vars(unit.head.layer).get("kernel") if unit.head else None
    axes = unit.output.rank - 1
    if isinstance(value, int):
        return (value,) * axes
    return tuple(value) if isinstance(value, tuple) else ()


def called(item: Unit | Scope) -> str:
    """The label of a layer or module; nothing for a name that it has by itself."""
    return item.name if item.labelled else ""


def times(scope: Scope) -> int:
    return scope.repeat.times if scope.repeat else 1


def grown(scope: Scope) -> int:
    """By how many channels the last of some growing blocks makes more than the first."""
    last = list(scope.units())[-1]
    return last.growth * (times(scope) - 1)
