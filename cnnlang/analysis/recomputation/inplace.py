"""The nodes that may write their result over their operand."""

from __future__ import annotations

from collections import Counter

from cnnlang.analysis.costs import weights
from cnnlang.analysis.memory import Setting
from cnnlang.analysis.recomputation.plan import Flow, called
from cnnlang.analysis.recomputation.tape import Replaying
from cnnlang.graph import Graph, Node
from cnnlang.layers.storage import Stored

FUNCTIONS = {"relu": "torch.relu_", "sigmoid": "torch.sigmoid_", "tanh": "torch.tanh_"}
"""Activations whose gradient is made of their result, with the function that runs in place."""
SUM = "add"
SETTINGS = (Setting(), Setting("bf16"), Setting("bf16", device="cpu"))
"""With autocast and without: sums may be of different types."""


def inplace(graph: Graph) -> frozenset[int]:
    """The activations and sums whose first operand nobody needs afterwards.

    Nobody reads it but they, autograd has not saved it, and it is no view, input or parameter. A
    sum has two operands alike in shape and, under autocast too, in type.
    """
    found = [in_setting(graph, setting) for setting in SETTINGS]
    return frozenset.intersection(*found)


def in_setting(graph: Graph, setting: Setting) -> frozenset[int]:
    """The same in one setting: the network is played forward."""
    flow = Flow(graph)
    tape = Replaying(True, setting.dtype, setting.weights, setting.device)
    tape.graph, tape.leaving = graph, flow.leaving()
    values: dict[int, Stored] = {}
    found = set()
    for node in graph.nodes:
        if allowed(graph, node, flow, values):
            found.add(node.index)
        tape.run(node.index, values)
        if node.layer is None and node.output.dtype == "float":
            values[node.index].learned = True  # an input may want a gradient
        tape.leave(node.index, values)
    return frozenset(found)


def allowed(graph: Graph, node: Node, flow: Flow, values: dict[int, Stored]) -> bool:
    """True if a node may overwrite its first operand."""
    if (node.kind not in FUNCTIONS and node.kind != SUM) or called(graph, node):
        return False
    if not makes_memory(graph, graph.nodes[node.inputs[0]]):
        return False
    first, *others = (values[i] for i in node.inputs)
    same = all((x.shape, x.dtype, x.batched) == key(first) for x in others)
    free = first.storage.uses == 1 and not first.storage.saved
    alone = flow.last[node.inputs[0]] == node.index and Counter(node.inputs)[node.inputs[0]] == 1
    return same and free and alone and first.learned and len(others) == (node.kind == SUM)


def makes_memory(graph: Graph, node: Node) -> bool:
    """True for a node whose result is never a view of what flows in, whatever the sizes are."""
    return node.kind == SUM or bool(weights(graph, node))


def key(x: Stored) -> tuple[tuple[int, ...], str, bool]:
    return x.shape, x.dtype, x.batched
