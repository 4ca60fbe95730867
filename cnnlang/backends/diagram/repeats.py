"""Equal modules one after the other are drawn once, with how often they come.

Modules are equal if their layers, their wiring and their spatial sizes are. Their channels may
grow by the same number from one to the next, as in a densely connected block: then at least three
are needed to show a rule.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cnnlang.backends.diagram.scopes import Repeat, Scene, Scope, Unit
from cnnlang.layers.base import Layer

RULE = 3
"""The least number of growing modules that are drawn as one."""


def fold(scene: Scene) -> Scene:
    """The scene with every run of equal modules reduced to its first."""
    folding = Folding(scene)
    folding.visit(scene.root)
    return Scene(scene.graph, scene.root, folding.rewired(), folding.hidden())


@dataclass(frozen=True, slots=True)
class Pattern:
    """What a module must have in common with the one before it, and its numbers of channels."""

    form: tuple[Any, ...]
    channels: tuple[Any, ...]
    entering: Unit | None
    units: tuple[Unit, ...]

    @property
    def last(self) -> Unit:
        return self.units[-1]


class Folding:
    """Finds the runs, and keeps for every unit that is not drawn the one that stands for it."""

    def __init__(self, scene: Scene) -> None:
        self.units = scene.units
        self.stands: dict[Unit, Unit] = {}
        self.patterns: dict[Scope, Pattern] = {}
        self.users: dict[Unit, list[Unit]] = {unit: [] for unit in scene.units}
        for unit in scene.units:
            for each in unit.inputs:
                self.users[each].append(unit)

    def visit(self, scope: Scope) -> None:
        """Fold the runs in a module, the outer ones first: what is not drawn need not be read."""
        kept: list[Unit | Scope] = []
        at, self.patterns = 0, {}
        while at < len(scope.items):
            run = self.run(scope.items, at)
            kept.append(scope.items[at])
            if len(run) > 1:
                self.join(run)
            at += max(1, len(run))
        scope.items = kept
        for item in kept:
            if isinstance(item, Scope):
                self.visit(item)

    def run(self, items: list[Unit | Scope], at: int) -> list[tuple[Scope, Pattern]]:
        """The longest run of equal modules that begins at a place; at least one if it folds."""
        found: list[tuple[Scope, Pattern]] = []
        for item in single(items, at):
            pattern = self.patterns.get(item) or self.patterns.setdefault(item, read(item))
            if found and not self.follows(found, pattern):
                break
            if pattern.entering is None:
                break
            found.append((item, pattern))
        grows = len(found) > 1 and found[0][1].channels != found[1][1].channels
        return found[:1] if grows and len(found) < RULE else found[: self.closed(found)]

    def follows(self, before: list[tuple[Scope, Pattern]], pattern: Pattern) -> bool:
        """True if a module is like those before it, fed by the last, its channels by the rule."""
        last = before[-1][1]
        if pattern.form != last.form or pattern.entering is not last.last:
            return False
        step = difference(last.channels, pattern.channels)
        first, *second = [each.channels for _, each in before[:2]]
        rule = difference(first, second[0]) if second else step
        return step is not None and step == rule

    def closed(self, run: list[tuple[Scope, Pattern]]) -> int:
        """How many of a run nothing reaches into but by way of their last tensor."""
        most = 1
        for i, (_, pattern) in enumerate(run):
            if self.within(pattern.units[:-1], pattern.units):
                most = i + 1
            after = run[i + 1][1].units if run[i + 1 :] else ()
            if not self.within(pattern.units, (*pattern.units, *after)):
                break
        return most

    def within(self, units: tuple[Unit, ...], near: tuple[Unit, ...]) -> bool:
        """True if some units are used by others near them alone."""
        known = set(near)
        return all(user in known for unit in units for user in self.users[unit])

    def join(self, run: list[tuple[Scope, Pattern]]) -> None:
        """Let the first module stand for all."""
        first, pattern = run[0]
        for _, other in run[1:]:
            self.stands.update(zip(other.units, pattern.units, strict=True))
        total = sum(scope.parameters for scope, _ in run)
        growth = difference(pattern.channels, run[1][1].channels)
        hidden = tuple(unit for _, other in run[1:] for unit in other.units)
        grows = bool(growth and any(growth))
        first.repeat = Repeat(len(run), run[-1][0].name, total, grows, hidden)
        for unit, step in zip(pattern.units, (growth or ())[::2], strict=True):
            unit.growth = step

    def rewired(self) -> list[Unit]:
        """The units that are drawn, fed by those that are drawn."""
        kept = [unit for unit in self.units if self.shown(unit) is unit]
        for unit in self.units:
            if (shown := self.shown(unit)) is not unit:
                shown.alike.append(unit)
        for unit in kept:
            unit.inputs = [self.shown(each) for each in unit.inputs]
        return kept

    def hidden(self) -> dict[Unit, list[Unit]]:
        """The units that are not drawn, by those that stand for them."""
        found: dict[Unit, list[Unit]] = {}
        for unit in self.stands:
            found.setdefault(self.shown(unit), []).append(unit)
        return found

    def shown(self, unit: Unit) -> Unit:
        while unit in self.stands:
            unit = self.stands[unit]
        return unit


def single(items: list[Unit | Scope], at: int) -> Iterator[Scope]:
    """The modules from a place on that may be alike: none if there is one alone."""
    for i in range(at, len(items)):
        item, after = items[i], items[i + 1] if i + 1 < len(items) else None
        if not isinstance(item, Scope) or item.again or item.apart:
            return
        if i == at and not isinstance(after, Scope):
            return
        yield item


def read(scope: Scope) -> Pattern:
    """The pattern of a module; its `entering` is None unless just one tensor enters."""
    units = tuple(scope.units())
    places: dict[Unit, Any] = {unit: i for i, unit in enumerate(units)}
    entering = {each for unit in units for each in unit.inputs if each not in places}
    form: list[Any] = [scope.title or scope.instance.kind]
    channels: list[Any] = []
    looks = {each: look(each) for each in {unit.scope for unit in units}}
    for unit in units:
        wiring = tuple(places.get(each, "in") for each in unit.inputs)
        layers = tuple(kind(node.layer) for node in unit.nodes)
        shown = *looks[unit.scope], unit.mark
        form.append((layers, wiring, shown, unit.output.shape[1:], unit.output.axes))
        channels += [unit.inputs[0].output.shape[0], unit.output.shape[0]]
    only = entering.pop() if len(entering) == 1 else None
    return Pattern(tuple(form), tuple(channels), only, units)


def kind(layer: Layer | None) -> Any:
    """A layer as modules must have it in common: with any rate of those that drop numbers."""
    if layer is None or layer.family != "Regularisation":
        return layer
    return layer.name, *(pair for pair in sorted(vars(layer).items()) if pair[0] != "p")


def look(scope: Scope) -> tuple[int, bool]:
    """How deep a module stands, and whether it is closed."""
    around = scope.around
    return len(around), any(each.view == "closed" for each in around)


def difference(a: tuple[Any, ...], b: tuple[Any, ...]) -> tuple[int, ...] | None:
    """How much each number grows; None where a size that is free changes."""
    steps = [0 if x == y else y - x for x, y in zip(a, b, strict=True)]
    return tuple(steps) if all(isinstance(step, int) for step in steps) else None
