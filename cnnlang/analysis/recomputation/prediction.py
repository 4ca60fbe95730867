"""The memory of a training step that runs by a plan."""

from __future__ import annotations

from cnnlang.analysis.costs import owners, reached, weights
from cnnlang.analysis.memory import Memory, Setting, size
from cnnlang.analysis.memory.backward import backward, loss, targets
from cnnlang.analysis.memory.optimizer import optimize
from cnnlang.analysis.recomputation.plan import Flow, Plan
from cnnlang.analysis.recomputation.tape import Replaying
from cnnlang.graph import Graph
from cnnlang.layers.storage import Bytes, Stored
from cnnlang.records import replace


def predict(graph: Graph, setting: Setting, plan: Plan, plain: Memory) -> Memory:
    """The memory by a plan; `plain` is that of the network as it is written.

    Raises `Unpredictable` as `memory` does.
    """
    tape = opened(graph, setting, plan, plain)
    outputs, layers = played(graph, tape, plan)
    backward(tape, loss(tape, outputs))
    own = [weight for node in owners(graph) for weight in weights(graph, node)]
    trained = [size(weight, setting.weights) for weight in own if weight.trainable]
    optimize(tape, trained, setting.optimizer)
    return replace(plain, saved=tape.kept, layers=layers, training=tuple(tape.moments))


def opened(graph: Graph, setting: Setting, plan: Plan, plain: Memory) -> Replaying:
    """A tape for a plan, with what is there before the step."""
    start = Bytes(plain.weights + plain.state)
    start += targets([graph.nodes[i].output for i in graph.returned(training=True)])
    tape = Replaying(True, setting.dtype, setting.weights, setting.device, start)
    tape.graph, tape.places = graph, plan.overwriting(graph)
    tape.leaving = Flow(graph).leaving()
    return tape


def played(graph: Graph, tape: Replaying, plan: Plan) -> tuple[list[Stored], dict[int, Bytes]]:
    """The outputs, still held, and what autograd keeps from each node on."""
    tape.moment()
    flow, needed = Flow(graph), reached(graph, graph.returned(training=True))
    starts = {part.start: part for part in plan.parts}
    values: dict[int, Stored] = {}
    layers: dict[int, Bytes] = {}
    index = 0
    while index < len(graph.nodes):
        before, part = tape.kept, starts.get(index)
        if part is None:
            alone(tape, index, values, index in needed)
        else:
            tape.pack(part, {i: values[i] for i in flow.entering(graph, part)}, values)
        layers[index] = tape.kept - before
        index = index + 1 if part is None else part.stop
    return [values[index] for index in flow.results], layers


def alone(tape: Replaying, index: int, values: dict[int, Stored], needed: bool) -> None:
    """A node whose saved tensors are kept."""
    steps = len(tape.steps)
    tape.run(index, values)
    if not needed:
        tape.abandon(steps)
    tape.leave(index, values)
