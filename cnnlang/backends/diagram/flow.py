"""The run of the edges: which units stand on the spine, and which edges are skips."""

from __future__ import annotations

from cnnlang.backends.diagram.scopes import Unit


class Flow:
    """Depths and dominators of the units, which must come in the order in which they run."""

    def __init__(self, units: list[Unit]) -> None:
        self.depth: dict[Unit, int] = {}
        self.dominator: dict[Unit, Unit | None] = {}
        self.rank: dict[Unit, int] = {}
        for unit in units:
            self.depth[unit] = 1 + max((self.depth[each] for each in unit.inputs), default=0)
            self.dominate(unit)
        self.spine = self.backbone(units)

    def dominate(self, unit: Unit) -> None:
        """The last unit through which everything that reaches this one has gone."""
        found: Unit | None = unit.inputs[0] if unit.inputs else None
        for each in unit.inputs[1:]:
            found = self.meet(found, each)
        self.dominator[unit] = found
        self.rank[unit] = self.rank[found] + 1 if found else 0

    def meet(self, a: Unit | None, b: Unit | None) -> Unit | None:
        while a is not b:
            if a is None or b is None:
                return None
            if self.rank[a] >= self.rank[b]:
                a = self.dominator[a]
            else:
                b = self.dominator[b]
        return a

    def main(self, unit: Unit) -> Unit | None:
        """The input of a unit that has come the longest way."""
        return max(unit.inputs, key=lambda each: self.depth[each], default=None)

    def backbone(self, units: list[Unit]) -> set[Unit]:
        """The longest path to the first output; it leaps over what three or more branches do."""
        unit: Unit | None = next((each for each in units if each.ends), None)
        found: set[Unit] = set()
        while unit is not None:
            found.add(unit)
            wide = unit.category == "merge" and len(set(unit.inputs)) > 2
            unit = self.dominator[unit] if wide else self.main(unit)
        return found

    def skips(self, unit: Unit) -> set[Unit]:
        """The inputs of a merge that go around another one of its inputs."""
        main = self.main(unit)
        if unit.category != "merge" or main is None:
            return set()
        return {each for each in unit.inputs if each is not main and self.leads(each, main)}

    def leads(self, source: Unit, target: Unit) -> bool:
        """True if `target` depends on `source`."""
        todo, seen = [target], {target}
        while todo:
            unit = todo.pop()
            if unit is source:
                return True
            for each in unit.inputs:
                if each not in seen and self.depth[each] >= self.depth[source]:
                    seen.add(each)
                    todo.append(each)
        return False
