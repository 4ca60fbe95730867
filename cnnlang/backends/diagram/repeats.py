"""Equal modules one after the other are drawn once, with how often they come.

Modules are equal if their layers, their wiring and their spatial sizes are. Their channels may
grow by the same number from one to the next, as in a densely connected block: then at least three
are needed to show a rule.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from cnnlang.backends.diagram.scopes import Repeat, Scene, Scope, Unit

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
        self.users: dict[Unit, list[Unit]] = {unit: [] for unit in scene.units}
        for unit in scene.units:
            for each in unit.inputs:
                self.users[each].append(unit)

    def visit(self, scope: Scope) -> None:
        """Fold the runs in a module, the outer ones first: what is not drawn need not be read."""
        kept: list[Unit | Scope] = []
        at = 0
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
        for item in items[at:]:
            if not isinstance(item, Scope) or item.again or item.apart:
                break
            pattern = read(item)
            if found and not self.follows([each for _, each in found], pattern):
                break
            if pattern.entering is None:
                break
            found.append((item, pattern))
        grows = len(found) > 1 and found[0][1].channels != found[1][1].channels
        found = found[:1] if grows and len(found) < RULE else found
        while len(found) > 1 and not self.closed(found):
            found.pop()
        return found

    def follows(self, before: list[Pattern], pattern: Pattern) -> bool:
        """True if a module is like those before it, fed by the last, its channels by the rule."""
        last = before[-1]
        if pattern.form != last.form or pattern.entering is not last.last:
            return False
        step = difference(last.channels, pattern.channels)
        rule = difference(before[0].channels, before[1].channels) if len(before) > 1 else step
        return step is not None and step == rule

    def closed(self, run: list[tuple[Scope, Pattern]]) -> bool:
        """True if nothing reaches into the run but by way of its last tensor."""
        patterns = [pattern for _, pattern in run]
        for pattern, after in zip_longest(patterns, patterns[1:]):
            near = {*pattern.units, *(after.units if after else ())}
            hidden = pattern.units if after else pattern.units[:-1]
            if any(user not in near for unit in hidden for user in self.users[unit]):
                return False
        return True

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


def read(scope: Scope) -> Pattern:
    """The pattern of a module; its `entering` is None unless just one tensor enters."""
    units = tuple(scope.units())
    places: dict[Unit, Any] = {unit: i for i, unit in enumerate(units)}
    entering = {each for unit in units for each in unit.inputs if each not in places}
    form: list[Any] = [scope.title or scope.instance.kind]
    channels: list[Any] = []
    for unit in units:
        wiring = tuple(places.get(each, "in") for each in unit.inputs)
        layers = tuple(node.layer for node in (unit.head, *unit.chips) if node)
        around = unit.scope.around
        look = len(around), any(each.view == "closed" for each in around), unit.mark
        form.append((layers, wiring, look, unit.output.shape[1:], unit.output.axes))
        channels += [unit.inputs[0].output.shape[0], unit.output.shape[0]]
    only = entering.pop() if len(entering) == 1 else None
    return Pattern(tuple(form), tuple(channels), only, units)


def difference(a: tuple[Any, ...], b: tuple[Any, ...]) -> tuple[int, ...] | None:
    """How much each number grows; None where a size that is free changes."""
    steps = [0 if x == y else y - x for x, y in zip(a, b, strict=True)]
    return tuple(steps) if all(isinstance(step, int) for step in steps) else None
