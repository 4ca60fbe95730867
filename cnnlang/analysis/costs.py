"""Parameters and multiply-accumulates, per node and in total."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

from cnnlang.graph import Graph, Node
from cnnlang.layers.base import Weight
from cnnlang.sizes import Size, at


def weights(graph: Graph, node: Node) -> tuple[Weight, ...]:
    """Parameters and buffers of a node's module, none for an input."""
    return node.layer.weights(graph.tensors(node)) if node.layer else ()


def parameters(graph: Graph, node: Node) -> int:
    """Trainable numbers of a node's module; shared modules are told at every application."""
    return sum(prod(weight.shape) for weight in weights(graph, node) if weight.trainable)


def macs(graph: Graph, node: Node) -> Size:
    """Multiply-accumulates of a node for one sample."""
    return node.layer.macs(graph.tensors(node), node.output) if node.layer else 0


def owners(graph: Graph) -> list[Node]:
    """The nodes that own their weights: the first of those that share one path."""
    first: dict[tuple[str, ...], Node] = {}
    for node in graph.layers:
        first.setdefault(node.path, node)
    return list(first.values())


def total_parameters(graph: Graph) -> int:
    """Trainable numbers of the network, shared ones counted once."""
    known: dict[tuple[int, ...], int] = {}  # equal layers on equal tensors are the same objects
    total = 0
    for node in owners(graph):
        key = (id(node.layer), *(id(graph.nodes[i].output) for i in node.inputs))
        if key not in known:
            known[key] = parameters(graph, node)
        total += known[key]
    return total


def total_macs(graph: Graph, sizes: Mapping[str, int] | None = None) -> int | None:
    """Multiply-accumulates for one sample; None while they depend on a free dimension.

    `sizes` are given for free dimensions. What only a training output needs is left out, as in
    inference.
    """
    needed = reached(graph, graph.outputs)
    counts = [macs(graph, node) for node in graph.layers if node.index in needed]
    counts = [at(each, sizes) for each in counts] if sizes else counts
    return (
        None
        if any(not isinstance(n, int) for n in counts)
        else sum(n for n in counts if isinstance(n, int))
    )


def training_only(graph: Graph) -> set[int]:
    """The nodes of training outputs alone, and those that no output needs but take from them."""
    used = reached(graph, graph.outputs)
    found = reached(graph, graph.training_outputs or ()) - used
    for node in graph.nodes:
        if node.index not in used and not found.isdisjoint(node.inputs):
            found.add(node.index)
    return found


def reached(graph: Graph, outputs: tuple[int, ...]) -> set[int]:
    """The nodes that some outputs depend on."""
    found: set[int] = set()
    todo = list(outputs)
    while todo:
        index = todo.pop()
        if index not in found:
            found.add(index)
            todo += graph.nodes[index].inputs
    return found
