"""Which layer of one network is which layer of another.

A layer that both files give the same name is the same one, whatever became of it. Between those,
layers are paired as lines are by `diff`: along the longest sequence of equal ones. What is left
goes together by its path, by standing at the same place, or by a form that nothing else has.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from operator import attrgetter

from cnnlang.graph import Graph, Node

DIFFERENCES = 1_000
"""Sequences that differ in more places than this are not aligned: time grows with its square."""

Pairs = dict[int, int]
Nodes = Sequence[Node]


def align(before: Graph, after: Graph) -> Pairs:
    """The indices of nodes of `before`, with those of the same nodes in `after`.

    The pairs of `align(b, a)` are those of `align(a, b)` turned around.
    """
    old, new = before.nodes, after.nodes
    if rank(old) <= rank(new):
        return paired(old, new)
    return {i: j for j, i in paired(new, old).items()}


def rank(nodes: Nodes) -> tuple[int, list[str]]:
    """An order of networks, so that two are aligned in one way only."""
    return len(nodes), [f"{'.'.join(n.path)} {n.layer} {n.output}" for n in nodes]


def paired(old: Nodes, new: Nodes) -> Pairs:
    pairs = joined(named(old), named(new))
    for key in (deep, form):
        pairs |= between(key, old, new, pairs)
    pairs |= remaining(placed, old, new, pairs)
    for kind in (attrgetter("kind"), family):
        seat(kind, old, new, pairs)
    return pairs | remaining(formed, old, new, pairs)


def between(key: Callable[[Node], Hashable], old: Nodes, new: Nodes, pairs: Pairs) -> Pairs:
    """The nodes that are left between two pairs, along the longest sequence of equal keys."""
    taken = set(pairs.values())
    found: Pairs = {}
    for left, right in gaps(pairs, len(old), len(new)):
        rest = [old[i] for i in left if i not in pairs]
        others = [new[j] for j in right if j not in taken]
        places = common([key(n) for n in rest], [key(n) for n in others])
        found |= {rest[i].index: others[j].index for i, j in places}
    return found


def joined(old: dict[Hashable, int], new: dict[Hashable, int]) -> Pairs:
    """The indices that have one key."""
    return {index: new[key] for key, index in old.items() if key in new}


def remaining(
    keyed: Callable[[Nodes], dict[Hashable, int]], old: Nodes, new: Nodes, pairs: Pairs
) -> Pairs:
    """The nodes without a partner that have one key."""
    taken = set(pairs.values())
    rest = keyed([node for node in old if node.index not in pairs])
    return joined(rest, keyed([node for node in new if node.index not in taken]))


# --- what tells a node ---------------------------------------------------------------------------


def form(node: Node) -> Hashable:
    """A layer with its arguments, but for the tensors that it names; an input with its type."""
    layer = node.layer
    if layer is None:
        return node.output
    values = vars(layer).items()
    return type(layer), tuple(v for field, v in values if field not in layer.references)


def deep(node: Node) -> Hashable:
    """The form of a node, and how deep in modules it stands."""
    return len(node.path), form(node)


def places(nodes: Nodes) -> Iterator[tuple[Node, Hashable]]:
    """Every node with its path, and with a number that tells uses of one module apart."""
    uses: Counter[tuple[str, ...]] = Counter()
    for node in nodes:
        yield node, (node.path, uses[node.path], node.layer is None)
        uses[node.path] += 1


def named(nodes: Nodes) -> dict[Hashable, int]:
    """The inputs, and the nodes whose names stand in the file."""
    return {
        place: node.index for node, place in places(nodes) if node.labelled or node.layer is None
    }


def placed(nodes: Nodes) -> dict[Hashable, int]:
    """The nodes by path and kind."""
    return {(place, node.kind): node.index for node, place in places(nodes)}


def formed(nodes: Nodes) -> dict[Hashable, int]:
    """The inputs, and the layers with arguments, whose form is theirs alone."""
    forms = [(form(n), n) for n in nodes if n.layer is None or vars(n.layer)]
    counts = Counter(key for key, _ in forms)
    return {key: node.index for key, node in forms if counts[key] == 1}


def seat(kind: Callable[[Node], str], old: Nodes, new: Nodes, pairs: Pairs) -> None:
    """Pair what is of one kind and follows the same layer in the same scope."""
    taken = set(pairs.values())
    rest = [node for node in new if node.index not in taken and node.inputs]
    free = {(kind(n), n.path[:-1], n.inputs[0]): n.index for n in reversed(rest)}
    for node in old:
        if node.index in pairs or not node.inputs or node.inputs[0] not in pairs:
            continue
        partner = free.pop((kind(node), node.path[:-1], pairs[node.inputs[0]]), None)
        if partner is not None:
            pairs[node.index] = partner


def family(node: Node) -> str:
    return node.layer.family if node.layer else ""


# --- sequences -----------------------------------------------------------------------------------


def gaps(pairs: Pairs, old: int, new: int) -> Iterator[tuple[range, range]]:
    """What lies between those pairs that are in the same order on both sides."""
    i = j = 0
    for left, right in [*ordered(pairs), (old, new)]:
        yield range(i, left), range(j, right)
        i, j = left + 1, right + 1


def ordered(pairs: Pairs) -> list[tuple[int, int]]:
    """The most pairs whose indices grow on both sides: a longest increasing subsequence."""
    tails: list[int] = []
    ends: list[int] = []
    links: dict[int, int | None] = {}
    for i, j in sorted(pairs.items()):
        place = bisect_left(tails, j)
        links[i] = ends[place - 1] if place else None
        tails[place : place + 1] = [j]
        ends[place : place + 1] = [i]
    found: list[tuple[int, int]] = []
    last = ends[-1] if ends else None
    while last is not None:
        found.append((last, pairs[last]))
        last = links[last]
    return found[::-1]


def common(old: Sequence[Hashable], new: Sequence[Hashable]) -> list[tuple[int, int]]:
    """The places of a longest common subsequence; none if there are too many differences.

    Source: Myers 1986, An O(ND) Difference Algorithm and Its Variations.
    """
    numbers: dict[Hashable, int] = {}
    a, b = ([numbers.setdefault(key, len(numbers)) for key in keys] for keys in (old, new))
    reach, trace = {1: 0}, []
    for round_ in range(min(len(a) + len(b), DIFFERENCES) + 1):
        trace.append(dict(reach))
        for diagonal in range(-round_, round_ + 1, 2):
            x = step(reach, diagonal)[0]
            while x < len(a) and x - diagonal < len(b) and a[x] == b[x - diagonal]:
                x += 1
            reach[diagonal] = x
            if x >= len(a) and x - diagonal >= len(b):
                return walked(trace, len(a), len(b))
    return []


def step(reach: dict[int, int], diagonal: int) -> tuple[int, bool]:
    """Where a diagonal is entered, and whether from above: from the one that reaches further."""
    above, left = reach.get(diagonal + 1, -1), reach.get(diagonal - 1, -1)
    return (above, True) if left < above else (left + 1, False)


def walked(trace: list[dict[int, int]], x: int, y: int) -> list[tuple[int, int]]:
    """The equal places, on the way back from the end."""
    found: list[tuple[int, int]] = []
    for reach in reversed(trace):
        begin, from_above = step(reach, x - y)
        found += [(x - k, y - k) for k in range(1, x - begin + 1)]
        x, y = begin - (not from_above), begin - (x - y) - from_above
    return found[::-1]
