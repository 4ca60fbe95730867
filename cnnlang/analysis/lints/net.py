"""A graph as the lints read it: who uses what, which sizes can occur, how windows lie."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from math import inf, lcm

from cnnlang.analysis.fields import Fields, receptive
from cnnlang.analysis.sizesets import SizeSet, empty, widen
from cnnlang.analysis.validity import simplified, solve
from cnnlang.diagnostics.model import Source, Span
from cnnlang.graph import Apply, Choice, Enter, Graph, Instance, Item, Loop, Node
from cnnlang.layers.base import Layer
from cnnlang.layers.convolution import Convolution, Separable
from cnnlang.layers.pooling import Pooling
from cnnlang.layers.tensor import Tensor
from cnnlang.records import dataclass
from cnnlang.sizes import Free, Size, SizeLimit

KEPT = 8
"""Modules around a layer that are remembered."""
LARGE = 256
"""An ordinary size of a free dimension."""
LARGEST = 10_000
"""The longest pattern of a free size that is looked into."""


@dataclass(frozen=True, slots=True)
class Axis:
    """A window on one axis of a map: its size, the window, the padding, the positions it makes.

    `rest` is how far the last window ends before the end of the map; below 0 it reaches beyond it.
    """

    name: str
    size: Size
    kernel: int
    stride: int
    dilation: int
    before: Size
    after: Size
    outputs: Size
    extent: int
    rest: Size


@dataclass(frozen=True, slots=True)
class Home:
    """Where a layer is written: the list of items and the place in it, and the modules around."""

    items: int
    place: int
    within: tuple[Instance, ...]


Items = list[Item] | tuple[Item, ...]


class Net:
    """A graph with what follows from it, each worked out when it is first asked for."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.nodes = graph.nodes
        self.known: dict[Size, tuple[float, float]] = {}
        self.read: dict[Source, frozenset[str]] = {}
        self.windows: dict[tuple[int, int], tuple[Axis, ...]] = {}

    def of(self, *kinds: type[Layer]) -> Iterator[Node]:
        """The nodes of some layers, in the order of the run."""
        return (node for node in self.nodes if isinstance(node.layer, kinds))

    def input(self, node: Node) -> Tensor:
        """The first tensor that flows into a node."""
        return self.nodes[node.inputs[0]].output

    def before(self, node: Node) -> Node:
        """The node that the first tensor comes from."""
        return self.nodes[node.inputs[0]]

    # --- uses ------------------------------------------------------------------------------------

    @cached_property
    def consumers(self) -> list[list[int]]:
        """By node, the nodes that take its tensor; one that takes it twice stands there twice."""
        found: list[list[int]] = [[] for _ in self.nodes]
        for node in self.nodes:
            for each in node.inputs:
                found[each].append(node.index)
        return found

    @cached_property
    def outputs(self) -> frozenset[int]:
        """What the network returns, in training too."""
        return frozenset(self.graph.ends)

    @cached_property
    def fields(self) -> list[Fields]:
        """The receptive field of every node; where it is exact, it is so for every free size."""
        return receptive(self.graph, dict.fromkeys(self.graph.free, LARGE))

    @cached_property
    def applications(self) -> Counter[tuple[str, ...]]:
        """How often the module at a path is applied: more than once if it is shared."""
        return Counter(node.path for node in self.nodes)

    def user(self, node: Node) -> Node | None:
        """The only node that takes the tensor of `node`; None if there are others, or outputs."""
        users = self.consumers[node.index]
        if len(users) != 1 or node.index in self.outputs:
            return None
        return self.nodes[users[0]]

    @cached_property
    def homes(self) -> dict[int, Home]:
        """Where every layer is written."""
        found: dict[int, Home] = {}
        lists: list[tuple[Items, tuple[Instance, ...]]] = [(self.graph.root.items, ())]
        while lists:
            items, within = lists.pop()
            for place, item in enumerate(items):
                if isinstance(item, Apply):
                    found[item.node] = Home(id(items), place, within)
                lists += opened(item, within)
        return found

    def adjoin(self, first: Node, second: Node) -> bool:
        """True if one node is used by the other alone, whatever parameters are set.

        They stand side by side, and no text of the file names the tensor between them.
        """
        a, b = self.homes[first.index], self.homes[second.index]
        named = first.labelled and first.name in self.words(first.span.source)
        return (a.items, a.place + 1) == (b.items, b.place) and not named

    def words(self, source: Source) -> frozenset[str]:
        """The names in a text but for those of labels."""
        if source not in self.read:
            self.read[source] = frozenset(re.findall(r"\b\w+\b(?!\s*:)", source.text))
        return self.read[source]

    def numbered(self, node: Node) -> bool:
        """True in a stack, where a layer less gives the others other names."""
        return any(each.kind == "stack" for each in self.homes[node.index].within[-1:])

    def calls(self, node: Node) -> list[Span]:
        """The calls of the blocks that a layer stands in, the innermost first."""
        within = self.homes[node.index].within if node.index in self.homes else ()
        return [each.span for each in reversed(within) if each.kind == "block"]

    # --- sizes -----------------------------------------------------------------------------------

    @cached_property
    def sets(self) -> dict[str, SizeSet]:
        """The valid sizes of the free dimensions."""
        return solve(self.graph).sets if self.graph.free else {}

    def bounds(self, size: Size) -> tuple[float, float]:
        """The least and the greatest value of a size among all valid inputs.

        Infinite where there is no bound, or where it is not known.
        """
        if isinstance(size, int):
            return size, size
        if size not in self.known:
            self.known[size] = self.measured(size)
        return self.known[size]

    def measured(self, size: Size) -> tuple[float, float]:
        if not isinstance(size, Free) or size.symbol not in self.sets:
            return -inf, inf
        sizes = self.sets[size.symbol]
        period = lcm(sizes.period, size.period)
        if period > LARGEST:
            return -inf, inf
        step = size(period) - size(0)
        ends: list[float] = []
        for rest in range(period):
            low, high = interval = widen(sizes, rest, period)
            if not empty(interval):
                ends.append(size(rest) + low * step)
                ends.append(size(rest) + high * step if high is not None else endless(step, ends))
        return (min(ends), max(ends)) if ends else (-inf, inf)

    def is_one(self, sizes: tuple[Size, ...]) -> bool:
        """True if all sizes are 1 for every valid input."""
        return all(self.bounds(size) == (1, 1) for size in sizes)

    def shown(self, tensor: Tensor) -> Tensor:
        """A tensor with its sizes as they are on the valid inputs: `H` for `2*(H//2)`."""
        return tensor.resized(simplified(size, self.sets) for size in tensor.shape)

    # --- windows ---------------------------------------------------------------------------------

    def axes(self, node: Node) -> tuple[Axis, ...]:
        """The window of a convolution or pooling, axis by axis; nothing for other layers."""
        layer = node.layer
        if isinstance(layer, Separable):
            layer = layer.parts()[0]
        if not isinstance(layer, (Convolution, Pooling)):
            return ()
        key = (id(node.layer), id(self.input(node)))
        if key not in self.windows:
            self.windows[key] = sliced(layer, self.input(node), node.output)
        return self.windows[key]


def endless(step: int, ends: list[float]) -> float:
    """Where a size goes as its free dimension grows."""
    return ends[-1] if step == 0 else inf * step


def opened(item: Item, within: tuple[Instance, ...]) -> list[tuple[Items, tuple[Instance, ...]]]:
    """The lists of items inside an item, each with the modules around it, the innermost last.

    Of many modules in one another the innermost are kept.
    """
    if isinstance(item, Enter):
        return [(item.instance.items, (*within, item.instance)[-KEPT:])]
    if isinstance(item, Choice):
        return [(item.items, within)]
    return [(each, within) for each in item.rounds] if isinstance(item, Loop) else []


def sliced(layer: Convolution | Pooling, x: Tensor, output: Tensor) -> tuple[Axis, ...]:
    """The axes of a window; nothing where the padding depends on several free dimensions."""
    w = layer.window(x)
    try:
        return tuple(
            axis(*each)
            for each in zip(
                x.axes[1:],
                x.spatial,
                w.kernel,
                w.stride,
                w.dilation,
                w.borders(x.spatial),
                output.spatial,
                strict=True,
            )
        )
    except SizeLimit:
        return ()


def axis(
    name: str,
    size: Size,
    kernel: int,
    stride: int,
    dilation: int,
    pads: tuple[Size, Size],
    outputs: Size,
) -> Axis:
    extent = dilation * (kernel - 1) + 1
    rest = size + pads[0] - extent - (outputs - 1) * stride
    return Axis(name, size, kernel, stride, dilation, *pads, outputs, extent, rest)
