"""A layer where it stands: its call in the text, and what flows into it."""

from __future__ import annotations

from cnnlang.diagnostics.model import Span
from cnnlang.elaborate.arguments import paired
from cnnlang.graph import Node
from cnnlang.layers.base import Layer
from cnnlang.records import dataclass
from cnnlang.syntax import ast


@dataclass(frozen=True, slots=True)
class Site:
    """A layer where it stands: its call, the step that holds it, the nodes that flow in.

    `field` is the argument that is pointed at.
    """

    nodes: list[Node]
    kind: type[Layer]
    call: ast.Call
    step: ast.Step | None = None
    inputs: tuple[int, ...] = ()
    layer: Layer | None = None
    field: str | None = None

    def span(self, start: int, end: int) -> Span:
        return Span(self.call.span.source, start, end)

    def written(self, field: str) -> ast.Argument | None:
        """The argument of a field, if the call has one."""
        values = paired(self.call.arguments, self.kind.positional)
        found = values.get(field)
        return next((a for a in self.call.arguments or () if a.value is found), None)


def site_of(nodes: list[Node], node: Node) -> Site | None:
    """Where a node stands, None for an input and for an `add` that nobody wrote."""
    if node.layer is None or node.call is None:
        return None
    return Site(nodes, type(node.layer), node.call, node.step, node.inputs, node.layer)


def ancestor(site: Site, kinds: tuple[str, ...]) -> Node | None:
    """The last node of some kinds on the way to a layer."""
    at = site.inputs[0] if site.inputs else -1
    while at >= 0:
        node = site.nodes[at]
        if node.kind in kinds:
            return node
        at = node.inputs[0] if node.inputs else -1
    return None


def producer(site: Site, side: int) -> Node | None:
    """The layer or input that made the channels which flow in."""
    if side >= len(site.inputs):
        return None
    node = site.nodes[site.inputs[side]]
    while node.layer is not None and not {"filters", "units"} & set(node.layer.fields):
        before = [site.nodes[i] for i in node.inputs]
        if len(before) != 1 or before[0].output.channels != node.output.channels:
            return None
        node = before[0]
    return node
