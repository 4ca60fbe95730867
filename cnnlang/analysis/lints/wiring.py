"""Layers and inputs that nothing comes of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from cnnlang.analysis.costs import reached
from cnnlang.analysis.lints.net import Net
from cnnlang.analysis.lints.rules import Finding, rule
from cnnlang.graph import Node


@rule(
    "L651",
    "unused-layer",
    why="it is computed, and its weights are saved, for nothing; under DDP, weights without a "
    "gradient are an error (docs.pytorch.org/docs/stable/notes/ddp.html)",
    example="""
network N {
    input 8x16x16
    trunk: relu
    trunk -> conv(8, 3x3) -> relu
    trunk -> conv(8, 1x1)
}
""",
)
def unused_layer(net: Net) -> Iterator[Finding]:
    """A layer whose result nothing uses

    A layer without a consumer that no output names, for training neither. It is told where the
    chain ends; what leads only there goes with it.
    """
    for node, count in ends(net):
        alone = "" if count == 1 else f": {count} layers lead only here"
        yield Finding(
            node,
            f"nothing uses what `{node.kind}` makes{alone}",
            f"{node.output} goes nowhere",
            help="name it in `output`, or leave it out",
        )


def ends(net: Net) -> list[tuple[Node, int]]:
    """The layers at which unused chains end, each with the number of layers that lead only there.

    Found from the back: a layer all of whose consumers lead to one end does so itself.
    """
    needed = reached(net.graph, tuple(net.outputs))
    leads: dict[int, int] = {}
    counts: Counter[int] = Counter()
    for node in reversed(net.nodes):
        if node.layer is None or node.index in needed:
            continue
        goals = {leads.get(user, -1) for user in net.consumers[node.index]}
        leads[node.index] = node.index if not goals else goals.pop() if len(goals) == 1 else -1
        counts[leads[node.index]] += 1
    return [(net.nodes[index], counts[index]) for index in sorted(counts) if index >= 0]


@rule(
    "L652",
    "unused-input",
    why="whoever calls the network must pass a tensor that changes nothing",
    example="""
network N {
    input left: 8
    input right: 8
    dense(2)
}
""",
)
def unused_input(net: Net) -> Iterator[Finding]:
    """An input that no output depends on

    An input that no layer takes and no output names.
    """
    for index in net.graph.inputs:
        node = net.nodes[index]
        if not net.consumers[index] and index not in net.outputs:
            yield Finding(
                node,
                f"nothing uses the input `{node.name}`",
                help=f"begin a chain with it, as in `{node.name} -> conv(8, 3x3)`, or leave it out",
            )
