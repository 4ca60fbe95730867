"""The sizes of a network's maps as functions of the size of its input, fixed or not."""

from __future__ import annotations

from math import lcm

from cnnlang.analysis.lints.net import LARGEST, Net
from cnnlang.graph import Node
from cnnlang.layers.base import LayerError, Need
from cnnlang.layers.pooling import Pooling
from cnnlang.layers.tensor import SPATIAL, Tensor
from cnnlang.sizes import Free, SizeLimit, free


class Virtual:
    """Every map with the sizes that it would have if those of the inputs were free.

    `ups` holds for each map the last pooling with `ceil=true` on its way, `downs` the last other
    window with a stride; -1 for none.
    """

    def __init__(self, net: Net) -> None:
        self.net = net
        self.tensors: list[Tensor | None] = []
        self.ups: list[int] = []
        self.downs: list[int] = []
        for node in net.nodes:
            self.tensors.append(self.freed(node))
            self.remember(node)

    def freed(self, node: Node) -> Tensor | None:
        """The tensor of a node for free input sizes; None where it cannot be without fixed ones."""
        if node.layer is None:
            return opened(node)
        inputs = [self.tensors[each] for each in node.inputs]
        try:
            known = tuple(each for each in inputs if each is not None)
            return node.layer.output(known, Need()) if len(known) == len(inputs) else None
        except (LayerError, SizeLimit):
            return None

    def remember(self, node: Node) -> None:
        before = node.inputs[0] if node.inputs else -1
        up, down = (self.ups[before], self.downs[before]) if node.inputs else (-1, -1)
        if isinstance(node.layer, Pooling) and vars(node.layer)["ceil"]:
            up = node.index
        elif any(axis.stride > 1 for axis in self.net.axes(node)):
            down = node.index
        self.ups.append(up)
        self.downs.append(down)

    def clash(self, node: Node) -> tuple[str, int, int] | None:
        """The axis, and the sizes r mod m of it, for which the operands of a merge differ."""
        first = self.tensors[node.inputs[0]]
        for each in node.inputs[1:]:
            other = self.tensors[each]
            ways = [(self.ups[i], self.downs[i]) for i in (node.inputs[0], each)]
            if first is None or other is None or not mixed(ways):
                continue
            for axis, a, b in zip(first.axes[1:], first.spatial, other.spatial, strict=False):
                rest = differs(a, b)
                if rest is not None:
                    return (axis, *rest)
        return None

    def origins(self, node: Node) -> list[tuple[int, bool]]:
        """Where the operands were rounded, and whether up."""
        found: dict[int, bool] = {}
        for each in node.inputs:
            up = self.ups[each] > self.downs[each]
            found[self.ups[each] if up else self.downs[each]] = up
        return [(index, up) for index, up in found.items() if index >= 0]


def opened(node: Node) -> Tensor:
    """The tensor of an input with a free size of its own for each spatial axis."""
    sizes = (
        free(f"{axis} {node.index}") if axis in SPATIAL else size
        for axis, size in zip(node.output.axes, node.output.shape, strict=True)
    )
    return node.output.resized(sizes)


def mixed(ways: list[tuple[int, int]]) -> bool:
    """True if the last rounding, on each way apart, was up on one and down on the other."""
    a, b = ways
    apart = max(a) not in b and max(b) not in a
    return apart and (a[0] > a[1]) != (b[0] > b[1])


def differs(a: object, b: object) -> tuple[int, int] | None:
    """The first r for which sizes that grow alike differ at r mod their period m."""
    if not isinstance(a, Free) or not isinstance(b, Free) or a.symbol != b.symbol or a == b:
        return None
    period = lcm(a.period, b.period)
    if period > LARGEST or a(period) - a(0) != b(period) - b(0):
        return None
    rest = next(r for r in range(period) if a(r) != b(r))
    return rest, period
