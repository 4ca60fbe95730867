"""The forward pass on a tape: every layer in its order, every tensor as long as it is held."""

from __future__ import annotations

from cnnlang.analysis.costs import reached, training_only, weights
from cnnlang.analysis.memory.lifetimes import ended
from cnnlang.analysis.overwriting import overwriting
from cnnlang.graph import Graph, Node
from cnnlang.layers.storage import NOTHING, Bytes, Storage, Stored, known
from cnnlang.layers.tape import Tape, Unpredictable


def forward(graph: Graph, tape: Tape) -> tuple[list[Stored], dict[int, Bytes]]:
    """The outputs, still held, and what autograd saved at each node."""
    tape.moment()
    results = graph.returned(tape.training)
    leaving, needed = ended(graph, results), reached(graph, results)
    over = overwriting(graph)
    values: dict[int, Stored] = {}
    layers: dict[int, Bytes] = {}
    for node in played(graph, tape.training):
        before, steps = tape.kept, len(tape.steps)
        tape.overwriting = node.index in over
        values[node.index] = apply(graph, node, tape, values)
        if node.index not in needed:
            tape.abandon(steps)
        layers[node.index] = tape.kept - before
        for index in leaving[node.index]:
            if index in values:
                tape.drop(values[index].storage)
    return [values[index] for index in results], layers


def played(graph: Graph, training: bool) -> list[Node]:
    """The nodes that run: in evaluation without those that only training outputs need."""
    extra = set() if training else training_only(graph)
    return [node for node in graph.nodes if node.index not in extra]


def apply(graph: Graph, node: Node, tape: Tape, values: dict[int, Stored]) -> Stored:
    """The output of a node; that of an input lives as long as the step."""
    if node.layer is None:
        return entrance(node, tape)
    inputs = graph.tensors(node)
    tape.own = {
        each.name: tape.weight((*node.path, each.name), each.shape, each.trainable)
        for each in weights(graph, node)
    }
    operands = tuple(values[i] for i in node.inputs)
    try:
        return tape.finish(node.layer.trace(tape, operands, inputs, node.output))
    except Unpredictable as problem:
        raise Unpredictable(str(problem), node.span) from None


def entrance(node: Node, tape: Tape) -> Stored:
    """An input of the network."""
    dtype = tape.weights if node.output.dtype == "float" else "int"
    value = Stored(Storage(NOTHING), known(node.output.shape), dtype)
    value.storage.size, value.storage.saved = value.size, 1
    tape.hold(value.storage)
    tape.hold(value.storage)
    return value
