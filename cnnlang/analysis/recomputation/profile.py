"""What each node of a network costs and keeps, for the choice of what to recompute."""

from __future__ import annotations

from math import prod

from cnnlang.analysis.costs import macs, reached, weights
from cnnlang.analysis.memory import Setting
from cnnlang.analysis.memory import size as bytes_of
from cnnlang.analysis.recomputation.plan import Flow
from cnnlang.analysis.recomputation.tape import Replaying
from cnnlang.graph import Graph, Node
from cnnlang.layers.storage import Stored, known
from cnnlang.records import dataclass

NUMBER = 16
"""What computing one number again counts, in MACs, for it is read and written whatever it takes."""
NOISY = "rrelu"
"""Keeps its noise before it is drawn, so that a second run that ends there would keep none."""


@dataclass(frozen=True, slots=True)
class Cost:
    """A node for some batch: `saved` bytes are what autograd keeps from it on.

    Those are the tensors `first` saved here, and what the node makes for itself alone. `size` are
    the bytes of its result, `gradients` those of its parameters. A node that `saves` without being
    `whole` saves only what flows into it: it need not run again if it is the last one. One that
    is not `free` cannot run twice. `macs` are for one sample; `work` adds the traffic of memory.
    """

    macs: int
    work: int
    saved: int
    first: tuple[int, ...]
    size: int
    gradients: int
    saves: bool
    whole: bool
    free: bool


def profile(graph: Graph, setting: Setting, batch: int) -> list[Cost]:
    """The costs of all nodes, from playing the network forward once."""
    flow, needed = Flow(graph), reached(graph, graph.returned(training=True))
    tape = Replaying(True, setting.dtype, setting.weights, setting.device)
    tape.graph, tape.leaving = graph, flow.leaving()
    values: dict[int, Stored] = {}
    found = []
    for node in graph.nodes:
        unsaved = [i for i in node.inputs if not values[i].storage.saved]
        before, steps = tape.kept, len(tape.steps)
        tape.run(node.index, values)
        first = [i for i in (*unsaved, node.index) if values[i].storage.saved]
        cost = Cost(
            *effort(graph, node),
            saved=(tape.kept - before).at(batch),
            first=tuple(dict.fromkeys(first)) if node.layer else (),
            size=values[node.index].size.at(batch),
            gradients=learned(graph, node, setting),
            saves=any(step.saved for step in tape.steps[steps:]),
            whole=tape.whole,
            free=node.layer is not None and node.index in needed and repeatable(graph, node),
        )
        tape.leave(node.index, values)
        found.append(cost)
    return found


def effort(graph: Graph, node: Node) -> tuple[int, int]:
    """MACs for one sample, and these with the traffic of memory."""
    if node.layer is None:
        return 0, 0
    (found,) = known((macs(graph, node),))
    return found, found + NUMBER * prod(known(node.output.shape))


def learned(graph: Graph, node: Node, setting: Setting) -> int:
    """The bytes of the gradients of a node's parameters."""
    own = weights(graph, node)
    return sum(bytes_of(weight, setting.weights) for weight in own if weight.trainable)


def repeatable(graph: Graph, node: Node) -> bool:
    """True if a node can run twice and leave all as if it had run once."""
    counting = any(weight.name == "running_mean" for weight in weights(graph, node))
    return node.kind != NOISY and not (counting and node.kind == "instancenorm")
