"""What the page knows of a network beside its pictures: the table, the layers, the sources."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath
from typing import Any

from cnnlang.analysis import costs
from cnnlang.analysis.fields import receptive, words
from cnnlang.analysis.ordinary import usual_sizes
from cnnlang.backends.summary import Row, Summary, line, port, summary
from cnnlang.diagnostics.model import Source, Span
from cnnlang.graph import Enter, Graph, Instance, Node, walk
from cnnlang.layers.tensor import show

Facts = dict[str, Any]


def facts(graph: Graph) -> Facts:
    """Everything as JSON has it; layers by their place in the graph, modules in order."""
    numbers = summary(graph)
    sources = Sources(graph)
    return {
        "network": graph.name,
        "totals": totals(numbers),
        "layers": layers(graph, sources),
        "rows": [*ports(graph, numbers), *rows(graph, numbers, sources)],
        "sources": sources.listed(),
    }


def modules(graph: Graph) -> Iterator[Instance]:
    """The modules below the network, in order: the place of one is its number in the page."""
    return (item.instance for _, item in walk(graph.root) if isinstance(item, Enter))


def totals(numbers: Summary) -> list[list[str]]:
    """The lines under the table."""
    macs = f"{numbers.macs:,}" if numbers.macs is not None else f"by {', '.join(numbers.free)}"
    return [
        ["Parameters", f"{numbers.parameters:,}"],
        ["Layers", f"{len(numbers.layers):,}"],
        ["Output", ", ".join(map(str, numbers.outputs))],
        ["MACs", macs],
    ]


class Sources:
    """The files that the layers of a network come from, that of the network first."""

    def __init__(self, graph: Graph) -> None:
        self.places: dict[Source, int] = {}
        self.place(graph.root.span)

    def place(self, span: Span) -> list[int]:
        """The file and line of a span, the file by its number."""
        return [self.places.setdefault(span.source, len(self.places)), span.line]

    def listed(self) -> list[Facts]:
        return [{"name": called(each.name), "text": each.text} for each in self.places]


def called(name: str) -> str:
    """The name of a file, without the folders of the machine on which it lies."""
    return PurePath(name).name if PurePath(name).is_absolute() else name


# --- the table -----------------------------------------------------------------------------------


def ports(graph: Graph, numbers: Summary) -> Iterator[Facts]:
    for i, each in zip(graph.inputs, numbers.inputs, strict=True):
        yield {"level": 0, "cells": port(each), "layer": i}


def rows(graph: Graph, numbers: Summary, sources: Sources) -> Iterator[Facts]:
    """The rows of layers and modules; those of modules can be folded."""
    module = 0
    for row, (_, item) in zip(numbers.rows, walk(graph.root), strict=True):
        found = {"level": row.level, "cells": cells(row)}
        if isinstance(item, Enter):
            instance = item.instance
            written = instance.call.span if instance.call else instance.span
            yield found | {"module": module, "path": row.name, "line": sources.place(written)}
            module += 1
        else:
            yield found | {"layer": item.node}


def cells(row: Row) -> list[str]:
    """As in the table of `cnnlang summary`, without the spaces that indent a name there."""
    name, *rest = line(row)
    return [name.strip(), *rest]


# --- the layers ----------------------------------------------------------------------------------


def layers(graph: Graph, sources: Sources) -> list[Facts]:
    """What is told of every layer when one points at it."""
    own = {node.index for node in costs.owners(graph)}
    fields = receptive(graph, usual_sizes(graph))
    return [
        layer(graph, node, sources)
        | {"field": words(fields[node.index])}
        | {"weights": f"{costs.parameters(graph, node) if node.index in own else 0:,}"}
        for node in graph.nodes
    ]


def layer(graph: Graph, node: Node, sources: Sources) -> Facts:
    macs = costs.macs(graph, node)
    return {
        "path": ".".join(node.path),
        "text": repr(node.layer) if node.layer else "input",
        "inputs": [show(tensor.shape) for tensor in graph.tensors(node)],
        "output": show(node.output.shape),
        "macs": f"{macs:,}" if isinstance(macs, int) else str(macs),
        "line": sources.place(node.span),
    }
