"""A part of a network alone: what flows into it is its inputs, what leaves it its outputs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from cnnlang.diagnostics.suggest import nearest
from cnnlang.graph import Apply, Enter, Graph, Instance, Located, Node, walk
from cnnlang.sizes import symbols

LISTED = 6
"""Names of parts that a message lists at the most."""


class PartError(ValueError):
    """A network has no part of a name."""


def excerpt(graph: Graph, path: str) -> Graph:
    """The module or layer at a path as a network; the first application of a shared one.

    Raises `PartError` for a path that is none.
    """
    found = instance(graph, path)
    nodes = [graph.nodes[i] for i in sorted(held(found))]
    inside = {node.index for node in nodes}
    entering = dict.fromkeys(i for node in nodes for i in node.inputs if i not in inside)
    places = {old: new for new, old in enumerate([*entering, *(node.index for node in nodes)])}
    kept = [port(graph.nodes[i], found.path, places[i]) for i in entering]
    for node in nodes:
        inputs = tuple(places[i] for i in node.inputs)
        kept.append(replace(node, index=places[node.index], inputs=inputs))
    return replace(
        graph,
        name=f"{graph.name}.{path}",
        root=copied(found, places),
        nodes=kept,
        inputs=tuple(range(len(entering))),
        outputs=tuple(places[i] for i in leaving(graph, inside, found.output)),
        training_outputs=None,
        conditions=tuple(limits(graph, kept, places)),
    )


def instance(graph: Graph, path: str) -> Instance:
    """The module at a path, or one around the layer at it."""
    for _, item in walk(graph.root):
        here = item.instance.path if isinstance(item, Enter) else graph.nodes[item.node].path
        if ".".join(here) != path:
            continue
        if isinstance(item, Enter):
            return item.instance
        if graph.nodes[item.node].layer is not None:
            return replace(graph.root, path=here, items=[item], output=item.node)
    raise PartError(missing(graph, path, names(graph)))


def names(graph: Graph) -> list[str]:
    """The paths of all modules and layers."""
    paths = (
        item.instance.path if isinstance(item, Enter) else graph.nodes[item.node].path
        for _, item in walk(graph.root)
    )
    return list(dict.fromkeys(".".join(path) for path in paths))


def missing(graph: Graph, name: str, known: Iterable[str]) -> str:
    """What is said of a name that is none, with the one that is meant or the first that exist."""
    known = list(known)
    near = nearest(name, known)
    first = [each for each in known if "." not in each]
    more = ", ..." if len(first) > LISTED else ""
    hint = f"did you mean `{near}`?" if near else f"it has {', '.join(first[:LISTED])}{more}"
    return f"{graph.name} has no part `{name}`: {hint}"


def held(found: Instance) -> set[int]:
    """The nodes of the layers in a module."""
    return {item.node for _, item in walk(found) if isinstance(item, Apply)}


def port(node: Node, inside: tuple[str, ...], index: int) -> Node:
    """An input in place of what flows in, with the name of the nearest module that makes it."""
    common = 0
    while node.path[:common] == inside[:common] and common < len(node.path):
        common += 1
    return Node(index, None, (), node.output, (".".join(node.path[:common]),), node.span, True)


def leaving(graph: Graph, inside: set[int], output: int) -> list[int]:
    """The nodes whose tensors are used outside, that of the module itself first."""
    used = {i for n in graph.nodes if n.index not in inside for i in n.inputs}
    used |= {*graph.outputs, *(graph.training_outputs or ())}
    return [output, *sorted((used & inside) - {output})]


def limits(graph: Graph, kept: list[Node], places: dict[int, int]) -> Iterator[Located]:
    """What the sizes that come in must meet for the whole network to be valid."""
    free = {s for node in kept if node.layer is None for s in symbols(node.output.shape)}
    for each in graph.conditions:
        if {*symbols((each.condition.value,))} <= free:
            yield replace(each, node=places.get(each.node, len(kept) - 1))


def copied(found: Instance, places: dict[int, int]) -> Instance:
    """The module and those in it over nodes in new places; not by recursion, for they nest deep."""
    root = moved(found, places)
    open_ = [root]
    for level, item in walk(found):
        del open_[level + 1 :]
        if isinstance(item, Enter):
            open_.append(moved(item.instance, places))
            open_[level].items.append(Enter(open_[-1]))
        else:
            open_[level].items.append(Apply(places[item.node]))
    return root


def moved(found: Instance, places: dict[int, int]) -> Instance:
    inputs = [places[i] for i in found.inputs if i in places]
    return replace(found, items=[], inputs=inputs, output=places.get(found.output, -1))
