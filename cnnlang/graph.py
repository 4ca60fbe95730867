"""The network as a graph: what elaboration leaves and every backend reads.

Nodes are in the order in which they run. Beside the flat list stands the tree of instances (the
network, its blocks, stacks and shared pieces), which remembers how the nodes were written, so that
source code and figures can show the blocks again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, TypeAlias

from cnnlang.diagnostics.model import Span
from cnnlang.layers.base import Condition, Layer
from cnnlang.layers.code import Code
from cnnlang.layers.tensor import Tensor
from cnnlang.records import dataclass, field
from cnnlang.sizes import symbols
from cnnlang.syntax import ast

DEEPEST = 32
"""Modules in modules: PyTorch walks them by recursion, and Python ends that at some hundred."""

SIGNS = str.maketrans({"/": "%2F", "*": "%2A", "%": "%25"})
"""How a label says the signs that stand between the names of deep levels."""


@dataclass(frozen=True, slots=True)
class Node:
    """One layer applied once, or an input of the network (`layer` is None).

    `inputs` and `index` are positions in `Graph.nodes`; `path` is the attribute path of its module
    (`("layer1", "0", "conv1")`), which several nodes share when they share weights. `labelled` is
    true if the file gives it a name. `call` is where it was written, None for an implicit `add`;
    `step` is the step of a chain that holds it.
    """

    index: int
    layer: Layer | None
    inputs: tuple[int, ...]
    output: Tensor
    path: tuple[str, ...]
    span: Span
    labelled: bool = False
    call: ast.Call | None = None
    step: ast.Step | None = None

    @property
    def name(self) -> str:
        return self.path[-1]

    @property
    def address(self) -> str:
        """The module as PyTorch names it: `layer1.0.conv1`."""
        return ".".join(self.path)

    @property
    def kind(self) -> str:
        return self.layer.name if self.layer else "input"


@dataclass(eq=False, slots=True)
class Instance:
    """A module of the network: the network itself, a block called once, a stack, a shared piece.

    `inputs` are the nodes that flow in: the incoming one first, then those that the body takes
    from outside by name. `environment` has the values of parameters and `let`s by name. Several
    applications of one shared piece are several instances with one `path`.
    """

    kind: Literal["network", "block", "stack", "shared"]
    title: str
    path: tuple[str, ...]
    span: Span
    definition: ast.Block | ast.Network | ast.Stack | ast.Shared | None
    labelled: bool = False
    call: ast.Call | None = None
    inputs: list[int] = field(default_factory=list)
    output: int = -1
    items: list[Item] = field(default_factory=list)
    parameters: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, Any] = field(default_factory=dict)
    shared: bool = False

    @property
    def name(self) -> str:
        return self.path[-1] if self.path else ""

    @property
    def address(self) -> str:
        """The module as PyTorch names it: `layer1.0`; empty for the network."""
        return ".".join(self.path)

    @property
    def deep(self) -> bool:
        """True if it is no module of its own: what is in it belongs to the one around it."""
        return len(self.path) > DEEPEST

    def child(self, name: str) -> tuple[str, ...]:
        """The path of a module in this one.

        From the 33rd level on, the names of the levels are one: `b*2/conv1` for `b.b.conv1`.
        """
        if not self.deep:
            return (*self.path, name)
        name = name.translate(SIGNS)
        before, _, last = self.path[-1].rpartition("/")
        word, _, times = last.partition("*")
        joined = f"{word}*{int(times or 1) + 1}" if word == name else f"{last}/{name}"
        return (*self.path[:-1], f"{before}/{joined}" if before else joined)


@dataclass(frozen=True, slots=True)
class Apply:
    """A layer applied: node `node`."""

    node: int


@dataclass(frozen=True, slots=True)
class Enter:
    """A child module applied."""

    instance: Instance


@dataclass(frozen=True, slots=True)
class Choice:
    """An `if`: which side was taken, with what flowed in and out."""

    origin: ast.If | ast.BranchIf
    taken: bool
    items: tuple[Item, ...]
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Loop:
    """A `for` or `repeat`: the items of every round."""

    origin: ast.For | ast.Repeat | ast.BranchFor | ast.BranchRepeat
    rounds: tuple[tuple[Item, ...], ...]


Item: TypeAlias = Apply | Enter | Choice | Loop


@dataclass(frozen=True, slots=True)
class Located:
    """A condition on free sizes with the place that asks for it."""

    condition: Condition
    span: Span
    node: int


@dataclass(frozen=True, slots=True)
class Requirement:
    """A `require` with the names that its expression may use."""

    statement: ast.Require
    names: Mapping[str, Any]


@dataclass(eq=False, slots=True)
class Graph:
    """A network, elaborated: every layer with its shape."""

    name: str
    root: Instance
    nodes: list[Node]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    training_outputs: tuple[int, ...] | None
    conditions: tuple[Located, ...]
    requirements: tuple[Requirement, ...]
    externs: Mapping[str, str]

    @property
    def layers(self) -> list[Node]:
        """The nodes that are layers, inputs left out."""
        return [node for node in self.nodes if node.layer is not None]

    @property
    def free(self) -> list[str]:
        """The free dimensions of the inputs, sorted."""
        return sorted({s for i in self.inputs for s in symbols(self.nodes[i].output.shape)})

    @property
    def ends(self) -> tuple[int, ...]:
        """All that the network returns, in use and then in training."""
        return (*self.outputs, *(self.training_outputs or ()))

    def returned(self, training: bool) -> tuple[int, ...]:
        """What the network returns, in training or in use."""
        other = self.training_outputs if training else None
        return self.outputs if other is None else other

    def tensors(self, node: Node) -> tuple[Tensor, ...]:
        """The types of the tensors that flow into a node."""
        return tuple(self.nodes[i].output for i in node.inputs)

    def is_module(self, node: Node) -> bool:
        """True for a layer that is an attribute of its class: one with a state, or a label."""
        layer, tensors = node.layer, self.tensors(node)
        if layer is None:
            return False
        given = layer.module(tensors, node.output), layer.function(tensors, node.output)
        return is_attribute(node, *given)


def is_attribute(node: Node, module: Code | None, function: Code | None) -> bool:
    """True for a layer whose module is an attribute of its class, function or not."""
    return module is not None and (node.labelled or function is None)


def flat(items: list[Item] | tuple[Item, ...]) -> Iterator[Apply | Enter]:
    """The layers and children in `items`, `if`s and loops opened."""
    for item in items:
        if isinstance(item, Choice):
            yield from flat(item.items)
        elif isinstance(item, Loop):
            for each in item.rounds:
                yield from flat(each)
        else:
            yield item


def walk(root: Instance) -> Iterator[tuple[int, Apply | Enter]]:
    """Every item below a module with its level; without recursion, for modules nest deep."""
    todo = [flat(root.items)]
    while todo:
        item = next(todo[-1], None)
        if item is None:
            todo.pop()
            continue
        yield len(todo) - 1, item
        if isinstance(item, Enter):
            todo.append(flat(item.instance.items))


def leaves(root: Instance) -> Iterator[Apply | Enter]:
    """The layers in a module and in the deep ones below it, and the children that are not deep."""
    todo = [flat(root.items)]
    while todo:
        item = next(todo[-1], None)
        if item is None:
            todo.pop()
        elif isinstance(item, Enter) and item.instance.deep:
            todo.append(flat(item.instance.items))
        else:
            yield item


def open_deep(root: Instance) -> None:
    """Put the layers of deep modules into the last module around them that is not deep."""
    for _, item in list(walk(root)):
        if isinstance(item, Enter) and len(item.instance.path) == DEEPEST:
            item.instance.items = list(leaves(item.instance))
