"""Which activations write their result over their operand, as `inplace=True` asks for.

That saves a tensor and the time to write it, and changes nothing else where the operand is memory
of its own that nothing else reads and that autograd does not keep.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable

from cnnlang.graph import Graph, Node


def overwriting(graph: Graph) -> frozenset[int]:
    """The nodes that may do so, by index.

    All uses of one line of the file agree, as do those of one module, so that they share code.
    """
    able = {node.index: node for node in graph.layers if node.layer and node.layer.overwrites}
    uses = Counter(i for node in graph.nodes for i in node.inputs)
    uses.update(set(graph.ends))
    barred = {i: node for i, node in able.items() if not spare(graph, node, uses)}
    while barred:
        for index in barred:
            del able[index]
        shared = [keys(barred.values(), each) for each in (line, module)]
        barred = {
            i: node
            for i, node in able.items()
            if line(node) in shared[0] or module(node) in shared[1]
        }
    return frozenset(able)


def spare(graph: Graph, node: Node, uses: Counter[int]) -> bool:
    """True if what a node takes in is of no use to anything else, autograd included."""
    operand = graph.nodes[node.inputs[0]]
    if operand.layer is None or not operand.layer.overwritable or uses[operand.index] != 1:
        return False
    tensors = graph.tensors(operand)
    code = operand.layer.function(tensors, operand.output) or operand.layer.code(
        tensors, operand.output
    )
    return code.function in ("()", "+")


def line(node: Node) -> Hashable:
    return node.span


def module(node: Node) -> Hashable:
    return node.path


def keys(nodes: Iterable[Node], key: Callable[[Node], Hashable]) -> set[Hashable]:
    return {key(node) for node in nodes}
