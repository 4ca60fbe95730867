"""How much work Graphviz has with a figure, told before it is laid out, and what is done about it.

Its time grows with the square of how long a path runs beside others, of how many things stand side
by side, and of how many hang together. A file may ask for hours of it: of such a network fewer
levels are shown, or none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import accumulate, pairwise

from cnnlang.backends.diagram.columns import cuts, guessed, ordered
from cnnlang.backends.diagram.flow import Flow
from cnnlang.backends.diagram.look import Look
from cnnlang.backends.diagram.parts import scene, within
from cnnlang.backends.diagram.scopes import Scene, Unit
from cnnlang.backends.rendering import RenderError
from cnnlang.graph import Graph

MOST = 140_000
"""The work of some seconds; the published networks with every block open need less."""


def drawable(graph: Graph, look: Look) -> tuple[Scene, str]:
    """What a figure can show of a network, and a note if that is not all.

    Modules are closed from a depth on, unless one is given. Raises `RenderError` where that does
    not help.
    """
    found = scene(graph, look)
    if not tangled(found, look):
        return found, ""
    depth = 0 if look.depth or look.expand else most(graph, look, levels(found))
    if not depth:
        raise refusal(graph)
    note = f"modules nested deeper than {depth} levels are closed: with all open it is too tangled"
    return scene(graph, replace(look, depth=depth)), note


def levels(scene: Scene) -> int:
    """How many modules a module may be in, at most."""
    return max((each.level for each in within(scene.root)), default=0)


def most(graph: Graph, look: Look, high: int) -> int:
    """The number of levels up to `high` that can be shown, 0 if not even one can."""
    low = 0
    while low < high:
        depth = (low + high + 1) // 2
        less = replace(look, depth=depth)
        low, high = (low, depth - 1) if tangled(scene(graph, less), less) else (depth, high)
    return low


def verify(graph: Graph, scene: Scene, look: Look) -> None:
    """Raises `RenderError` for a figure that is too tangled."""
    if tangled(scene, look):
        raise refusal(graph)


def refusal(graph: Graph) -> RenderError:
    return RenderError(
        f"{graph.name} is too tangled to draw every operation: too many paths run beside one "
        "another; `--style blocks` or `--style volumes` draws it, `--depth 1`, `--collapse NAME` "
        "or `--only PATH` less of it"
    )


def tangled(scene: Scene, look: Look) -> bool:
    """True for a figure whose layout takes more than some seconds."""
    return any(work > MOST for work in efforts(scene, look))


def efforts(scene: Scene, look: Look) -> Iterator[int]:
    """The work with every stretch of a figure that hangs together."""
    order, depth = ordered(scene.units), Flow(scene.units).depth
    whole = look.columns == 1 or look.direction == "LR"
    places = [] if whole else [cut.place for cut in cuts(order, guessed(scene).places)]
    for begin, end in pairwise((0, *places, len(order))):
        yield effort(order[begin:end], depth)


def effort(units: list[Unit], depth: dict[Unit, int]) -> int:
    """The squares of how long edges are, what is in a row and what in all, as they weigh."""
    change = Counter(depth[unit] for unit in units)
    change.subtract(depth[unit] + 1 for unit in units)
    long = 0
    for unit in units:
        for source in set(unit.inputs):
            change[depth[source] + 1] += 1
            change[depth[unit]] -= 1
            long += (depth[unit] - depth[source] - 1) ** 2
    rows = accumulate(change[row] for row in range(min(change), max(change) + 1))
    return long // 10 + sum(row**2 for row in rows) + len(units) ** 2 // 16
