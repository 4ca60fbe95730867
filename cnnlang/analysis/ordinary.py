"""Ordinary sizes for free dimensions: where something must be shown or costed at some size."""

from __future__ import annotations

from collections.abc import Iterable

from cnnlang.analysis.validity import solve
from cnnlang.graph import Graph
from cnnlang.layers.tensor import show
from cnnlang.sizes import at


def usual_sizes(graph: Graph) -> dict[str, int]:
    """An ordinary number for every free dimension: 224 where that is valid."""
    return {symbol: sizes.ordinary for symbol, sizes in solve(graph).sets.items()}


def usual_shapes(graph: Graph) -> dict[str, tuple[int, ...]]:
    """Input shapes with an ordinary number for every free dimension."""
    sizes = usual_sizes(graph)
    inputs = [graph.nodes[i] for i in graph.inputs]
    return {node.name: tuple(at(s, sizes) for s in node.output.shape) for node in inputs}


def suggestion(shapes: Iterable[tuple[int, ...]]) -> str:
    """The options that fix every free dimension: `--input 3x224x224`."""
    return " ".join(f"--input {show(shape)}" for shape in shapes)
