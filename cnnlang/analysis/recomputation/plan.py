"""How a training step runs: in which parts, which of them are recomputed, what is done in place."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from cnnlang.graph import Graph, Node
from cnnlang.records import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """The nodes from `start` to before `stop`, whose saved tensors are made again when needed."""

    start: int
    stop: int

    @property
    def nodes(self) -> range:
        return range(self.start, self.stop)


@dataclass(frozen=True, slots=True)
class Plan:
    """The `parts` that are recomputed, in order and apart, and the nodes that may run in place.

    A node that runs in place writes its result into the memory of its first operand.
    """

    parts: tuple[Part, ...] = ()
    inplace: frozenset[int] = frozenset()

    def overwriting(self, graph: Graph) -> frozenset[int]:
        """The nodes that run in place: never on what a part is recomputed from."""
        own = {index: part for part in self.parts for index in part.nodes}
        outside = {
            index
            for index in self.inplace
            if index in own and graph.nodes[index].inputs[0] not in own[index].nodes
        }
        return self.inplace - outside


def called(graph: Graph, node: Node) -> bool:
    """True for a layer that runs as a module; what may run in place is written out instead."""
    return graph.is_module(node) and not (node.layer is not None and node.layer.overwrites)


class Flow:
    """Where the tensors of a network are read, in the order in which it runs."""

    def __init__(self, graph: Graph) -> None:
        self.results = graph.returned(training=True)
        self.readers: dict[int, list[int]] = defaultdict(list)
        self.reads = [tuple(dict.fromkeys(node.inputs)) for node in graph.nodes]
        for node in graph.nodes:
            for index in self.reads[node.index]:
                self.readers[index].append(node.index)
        self.last = {
            node.index: self.readers[node.index][-1] if self.readers[node.index] else node.index
            for node in graph.nodes
        }
        self.last |= dict.fromkeys(self.results, len(graph.nodes))

    def leaving(self) -> Mapping[int, Sequence[int]]:
        """The tensors that nobody reads any more, by the node after which that is so."""
        found: dict[int, list[int]] = defaultdict(list)
        for index, last in self.last.items():
            found[last].append(index)
        return found

    def entering(self, graph: Graph, part: Part) -> tuple[int, ...]:
        """What a part reads of the nodes before it."""
        reads = (i for index in part.nodes for i in graph.nodes[index].inputs)
        return tuple(dict.fromkeys(i for i in reads if i < part.start))

    def staying(self, part: Part) -> tuple[int, ...]:
        """What a part makes for the nodes after it."""
        return tuple(index for index in part.nodes if self.last[index] >= part.stop)
