"""How fast a network could be at most on an H200, and what memory it is predicted to take."""

from __future__ import annotations

from math import prod

from cnnlang.analysis.costs import macs, reached, weights
from cnnlang.analysis.memory import Setting, memory
from cnnlang.api import compile_file
from cnnlang.graph import Graph
from tests.benchmarks.contestants import path

OPERATIONS = {"float32": 60e12, "tf32": 395e12, "bf16": 790e12}
"""Operations a second that large products reach, two for each multiply-accumulate."""
BYTES = 4.3e12
"""Bytes a second that its memory reaches."""
PASSES = {"inference": 1, "training": 3}
"""Products of a step: the forward ones, and those for the gradients of inputs and of weights."""


def network(name: str, size: int) -> Graph:
    """The graph at a size of images."""
    return compile_file(*path(name), shapes={0: (3, size, size)})[0]


def images(graph: Graph, batch: int, dtype: str, mode: str) -> float:
    """Images a second if all else were part of the products.

    Every product reads its inputs and weights once and writes its output once, and what is added to
    an output is read once; what takes longer, that or the operations, is the time.
    """
    width, passes = (2 if dtype == "bf16" else 4), PASSES[mode]
    operations = numbers = 0
    for node in (graph.nodes[i] for i in reached(graph, graph.outputs)):
        tensors, work = graph.tensors(node), macs(graph, node)
        if isinstance(work, int) and work:
            operations += 2 * batch * work
            numbers += batch * sum(elements(each.shape) for each in (*tensors, node.output))
            numbers += sum(prod(each.shape) for each in weights(graph, node))
        elif node.kind == "add":
            numbers += batch * sum(elements(each.shape) for each in tensors[1:])
    seconds = max(operations / OPERATIONS[dtype], width * numbers / BYTES) * passes
    return batch / seconds


def elements(shape: tuple[object, ...]) -> int:
    return prod(size for size in shape if isinstance(size, int))


def predicted(graph: Graph, batch: int, dtype: str, mode: str, device: str) -> int:
    """The bytes at the peak of the plain module, with SGD and momentum in training."""
    used = Setting("bf16" if dtype == "bf16" else "float32", "float32", "momentum", device)
    return memory(graph, used).peak(batch, training=mode == "training")
