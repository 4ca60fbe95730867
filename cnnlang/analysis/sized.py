"""A graph with its free dimensions at given sizes."""

from __future__ import annotations

from collections.abc import Mapping

from cnnlang.graph import Graph, Node
from cnnlang.records import replace
from cnnlang.sizes import at


def sized(graph: Graph, sizes: Mapping[str, int]) -> Graph:
    """The graph in which every free dimension has the size that is given for it.

    Raises `ValueError` for a dimension without a size, and for sizes that the network cannot take.
    """
    missing = [name for name in graph.free if name not in sizes]
    if missing:
        raise ValueError(f"{graph.name} has the free dimensions {', '.join(missing)}: give sizes")
    for each in graph.conditions:
        value = at(each.condition.value, sizes)
        if value < 0 or (each.condition.zero and value):
            given = ", ".join(f"{name} = {sizes[name]}" for name in graph.free)
            problem = each.condition.problem.message
            raise ValueError(f"{graph.name} cannot take {given}: {problem}")
    return replace(graph, nodes=[fixed(node, sizes) for node in graph.nodes], conditions=())


def fixed(node: Node, sizes: Mapping[str, int]) -> Node:
    """The node with the shape of its output in numbers."""
    shape = (at(size, sizes) for size in node.output.shape)
    return replace(node, output=node.output.resized(shape))
