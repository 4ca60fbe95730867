"""Where a network is cut into stages that run one after another, each on a device of its own.

It is cut before a module where one tensor alone flows on: no skip crosses the cut, nor do weights
that are used on both sides. Blocks are cut open only where there is no other way. Among these cuts
those are chosen whose heaviest stage is lightest; the weight of a stage is its share of the
multiply-accumulates or of the memory, whichever is larger.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from cnnlang.analysis.costs import macs, owners, weights
from cnnlang.analysis.memory import Setting, memory, size
from cnnlang.graph import Apply, Enter, Graph, flat, walk
from cnnlang.records import dataclass

ROUNDS = 40
"""How often the interval that holds the least possible weight is halved."""


class StagesError(ValueError):
    """A network cannot be cut into so many stages; the message says why."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of a network, from the module `begin` on; the first one begins with the input ("").

    `macs` are those of one sample, `memory` the bytes of its weights, their gradients and the
    state of the optimizer, with what autograd keeps of a batch; both for one training step. `shape`
    is that of the tensor that flows in, without the batch axis.
    """

    begin: str
    macs: int
    memory: int
    shape: tuple[int, ...]


def stages(graph: Graph, number: int, batch: int, setting: Setting) -> tuple[Stage, ...]:
    """The network in so many stages; raises `StagesError`, `Unpredictable` for free dimensions."""
    if number < 1:
        raise StagesError(f"a network has 1 stage at least, not {number}")
    if isinstance(batch, bool) or not isinstance(batch, int) or batch < 1:
        raise StagesError(f"batch={batch!r} is no number of samples")
    costs = priced(graph, batch, setting)
    places = cuts(graph, blocks=False)
    if len(places) < number - 1:
        places = cuts(graph, blocks=True)
    if len(places) < number - 1:
        raise StagesError(refused(graph, places, number))
    bounds = [0, *sorted(places), len(graph.nodes)]
    weighed = Weights(sums(costs[0]), sums(costs[1]), bounds)
    chosen = [0, *weighed.chosen(number), len(bounds) - 1]
    return tuple(stage(graph, weighed, places, bounds[a], bounds[b]) for a, b in pairwise(chosen))


def stage(graph: Graph, weighed: Weights, places: dict[int, str], start: int, end: int) -> Stage:
    """The nodes from `start` to before `end`."""
    entering = [i for node in graph.nodes[start:] for i in node.inputs if i < start]
    source = graph.nodes[entering[0] if entering else graph.inputs[0]]
    shape = tuple(n for n in source.output.shape if isinstance(n, int))
    work, room = (total[end] - total[start] for total in (weighed.macs, weighed.memory))
    return Stage(places.get(start, ""), work, room, shape)


def priced(graph: Graph, batch: int, setting: Setting) -> tuple[list[int], list[int]]:
    """Multiply-accumulates and bytes of every node."""
    found = memory(graph, setting)
    kept = {node.index: own(graph, node.index, setting.weights) for node in owners(graph)}
    work = [macs(graph, node) for node in graph.nodes]
    states = 1 + found.state / found.gradients if found.gradients else 1.0
    room = [
        round(kept.get(i, (0, 0))[0] + kept.get(i, (0, 0))[1] * states)
        + (found.layers[i].at(batch) if i in found.layers else 0)
        for i in range(len(graph.nodes))
    ]
    return [each for each in work if isinstance(each, int)], room


def own(graph: Graph, index: int, dtype: str) -> tuple[int, int]:
    """The bytes of a node's weights and of their gradients."""
    found = weights(graph, graph.nodes[index])
    trained = (size(each, dtype) for each in found if each.trainable)
    return sum(size(each, dtype) for each in found), sum(trained)


# --- where it can be cut -----------------------------------------------------------------------


def cuts(graph: Graph, blocks: bool) -> dict[int, str]:
    """The modules before which it can be cut, by the first node that runs in them.

    Those inside of blocks only count with `blocks`. The first stage has some products too.
    """
    begins = beginnings(graph, blocks)
    crossing = crossings(graph)
    first = min((node.index for node in graph.nodes if macs(graph, node)), default=0)
    return {i: name for i, name in begins.items() if i > first and len(crossing[i]) == 1}


def beginnings(graph: Graph, blocks: bool) -> dict[int, str]:
    """The outermost module that begins with each node, where that is one called only once."""
    uses: dict[str, int] = {}
    found: dict[int, str] = {}
    closed: list[bool] = []
    for level, item in walk(graph.root):
        inside = not blocks and any(closed[:level])
        closed[level:] = [isinstance(item, Enter) and item.instance.kind == "block"]
        name, first = begun(graph, item)
        uses[name] = uses.get(name, 0) + 1
        if first is not None and first not in found and not inside:
            found[first] = name
    return {i: name for i, name in found.items() if uses[name] == 1}


def begun(graph: Graph, item: Apply | Enter) -> tuple[str, int | None]:
    """The name of a module and its first node; None for a layer that does no products."""
    if isinstance(item, Enter):
        inside = item.instance
        while isinstance(head := next(flat(inside.items), None), Enter):
            inside = head.instance
        return item.instance.address, head.node if isinstance(head, Apply) else None
    node = graph.nodes[item.node]
    return node.address, node.index if macs(graph, node) else None


def crossings(graph: Graph) -> list[set[int]]:
    """What flows over the cut before each node: tensors, and weights used on both sides."""
    last: dict[int, int] = {}
    for node in graph.nodes:
        last |= dict.fromkeys(node.inputs, node.index)
        last.setdefault(node.index, node.index)
    last |= dict.fromkeys(graph.ends, len(graph.nodes))
    modules: dict[tuple[str, ...], int] = {}
    for node in graph.layers:
        if weights(graph, node):
            first = modules.setdefault(node.path, node.index)
            last |= {~first: node.index} if first != node.index else {}
    return open_at(graph, last)


def open_at(graph: Graph, last: dict[int, int]) -> list[set[int]]:
    """What is made before each node and still needed from it on."""
    now: set[int] = set()
    found: list[set[int]] = []
    for node in graph.nodes:
        now = {each for each in now if last[each] >= node.index}
        found.append(set(now))
        now |= {each for each in (node.index, ~node.index) if each in last}
    return found


def refused(graph: Graph, places: dict[int, str], number: int) -> str:
    """Why there are not enough cuts."""
    known = ", ".join(f"`{name}`" for _, name in sorted(places.items())) or "nowhere"
    return (
        f"{graph.name} cannot be cut into {number} stages: one tensor alone flows on only before "
        f"{known}; elsewhere skips, outputs or shared weights cross the cut"
    )


# --- which cuts are best -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Weights:
    """Running totals by node, and the nodes between which stages may lie."""

    macs: list[int]
    memory: list[int]
    bounds: list[int]

    def weight(self, a: int, b: int) -> float:
        """That of a stage between two bounds."""
        start, end = self.bounds[a], self.bounds[b]
        totals = (self.macs, self.memory)
        return max((t[end] - t[start]) / t[-1] if t[-1] else 0.0 for t in totals)

    def chosen(self, number: int) -> list[int]:
        """The cuts, as indices of bounds, of the stages whose heaviest is lightest."""
        low, high = 0.0, 1.0
        for _ in range(ROUNDS):
            middle = (low + high) / 2
            low, high = (middle, high) if self.filled(number, middle) is None else (low, middle)
        return self.filled(number, high) or []

    def filled(self, number: int, limit: float) -> list[int] | None:
        """Stages as long as the limit allows; None if so many do not reach the end."""
        found: list[int] = []
        at, last = 0, len(self.bounds) - 1
        for left in range(number - 1, 0, -1):
            end = at + 1
            while end < last - left and self.weight(at, end + 1) <= limit:
                end += 1
            if self.weight(at, end) > limit:
                return None
            at = end
            found.append(at)
        return found if self.weight(at, last) <= limit else None


def sums(values: Sequence[int]) -> list[int]:
    """Running totals, 0 first."""
    found = [0]
    for value in values:
        found.append(found[-1] + value)
    return found
