"""What of a network is drawn how closely: modules closed to one node, opened, kept from folding."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cnnlang.analysis.comparison import Status
from cnnlang.backends.diagram.excerpt import PartError, missing, names
from cnnlang.backends.diagram.look import Look
from cnnlang.backends.diagram.repeats import fold
from cnnlang.backends.diagram.scopes import Mark, Scene, Scope, Unit, arrange, together
from cnnlang.graph import Enter, Graph, walk

MARKS: Mapping[Status | None, Mark] = {
    None: "same",
    "added": "added",
    "removed": "removed",
    "changed": "changed",
    "follows": "changed",
}


def scene(graph: Graph, look: Look, statuses: Mapping[int, Status] | None = None) -> Scene:
    """The units and frames that a figure shows; raises `PartError` for names that are none.

    `statuses` say what becomes of nodes where two networks are compared.
    """
    found = arrange(graph)
    if statuses is not None:
        mark(found, statuses)
    return close(fold(chosen(found, look)))


def mark(scene: Scene, statuses: Mapping[int, Status]) -> None:
    """Say of every unit what becomes of it."""
    for unit in scene.units:
        nodes = [node for node in (unit.head, *unit.chips) if node]
        marks = [MARKS[statuses.get(node.index)] for node in nodes] or ["same"]
        unit.mark = marks[0] if marks[0] in ("added", "removed") else together(marks)


def chosen(scene: Scene, look: Look) -> Scene:
    """The scene with modules marked as open or closed; what holds an open one is open too."""
    scopes = list(within(scene.root))
    verify(scene.graph, (*look.collapse, *look.expand))
    for scope in scopes:
        deep = look.depth is not None and scope.level >= look.depth - 1
        scope.view = "closed" if deep or named(scope, look.collapse) else ""
    for scope in scopes:
        if named(scope, look.expand):
            unfold(scope)
    return scene


def verify(graph: Graph, chosen: tuple[str, ...]) -> None:
    """Raises `PartError` for a name that is neither a module's nor a block's."""
    instances = [item.instance for _, item in walk(graph.root) if isinstance(item, Enter)]
    known = {".".join(each.path) for each in instances}
    known |= {each.title for each in instances if each.kind == "block"}
    for name in chosen:
        if name in known:
            continue
        if name in names(graph):
            raise PartError(f"`{name}` is one layer: only modules are opened and closed")
        raise PartError(missing(graph, name, known))


def within(root: Scope) -> Iterator[Scope]:
    """The modules in a module, at any depth, the outer ones first."""
    for item in root.items:
        if isinstance(item, Scope):
            yield item
            yield from within(item)


def named(scope: Scope, names: tuple[str, ...]) -> bool:
    """True if one of the names is a path of the module or that of its block."""
    return any(name in scope.names or name == scope.title for name in names)


def unfold(scope: Scope) -> None:
    """Open a module and those around it; what is directly in it stands on its own."""
    for each in scope.around:
        each.view, each.apart = "open", True
    for item in scope.items:
        if isinstance(item, Scope):
            item.apart = True


def close(scene: Scene) -> Scene:
    """The scene with one unit for every closed module."""
    stands: dict[Unit, Unit] = {}
    shut(scene.root, stands)
    units = list(dict.fromkeys(stands.get(unit, unit) for unit in scene.units))
    for unit in units:
        unit.inputs = [stands.get(each, each) for each in unit.inputs]
    return Scene(scene.graph, scene.root, units)


def shut(scope: Scope, stands: dict[Unit, Unit]) -> None:
    """Put a unit in the place of every closed module in a module."""
    kept: list[Unit | Scope] = []
    for item in scope.items:
        if isinstance(item, Scope) and item.view == "closed":
            unit = whole(item, scope)
            stands.update(dict.fromkeys(item.units(), unit))
            kept.append(unit)
            continue
        if isinstance(item, Scope):
            shut(item, stands)
        kept.append(item)
    scope.items = kept


def whole(scope: Scope, outer: Scope) -> Unit:
    """A closed module as a unit: what enters it, what leaves it, and what all in it costs."""
    units, everything = list(scope.units()), list(scope.everything())
    own, last = set(units), everything[-1]
    unit = Unit(scope.key, None, last.output, outer, scope.name)
    unit.mark = together(each.mark for each in units)
    unit.closed, unit.labelled, unit.field = scope, scope.labelled, last.field
    entering = [pair for each in units for pair in zip(each.inputs, each.takes, strict=True)]
    for source, tensor in dict.fromkeys(pair for pair in entering if pair[0] not in own):
        unit.inputs.append(source)
        unit.takes.append(tensor)
    macs = [each.macs for each in everything if each.macs is not None]
    unit.parameters = sum(each.parameters for each in everything)
    unit.macs = sum(macs) if len(macs) == len(everything) else None
    return unit
