"""Windows that read nothing but padding, or that leave a part of the map unread."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from math import gcd, prod

from cnnlang.analysis.lints.net import Axis, Net
from cnnlang.analysis.lints.rules import Finding, rule
from cnnlang.diagnostics.model import Severity
from cnnlang.graph import Node
from cnnlang.layers.base import Layer
from cnnlang.layers.convolution import Convolution, Separable
from cnnlang.layers.pooling import Pooling
from cnnlang.layers.tensor import show

WINDOWS = (Convolution, Separable, Pooling)
LONGEST = 1000
"""Taps of a kernel that are tried one by one, on a map that is smaller than the stride."""
MUCH = 0.05
"""The share of a map that a pooling may drop at its border."""


def at_fault(
    net: Net, fault: Callable[[Axis], object], *kinds: type[Layer]
) -> Iterator[tuple[Node, Axis]]:
    """The windows with a fault on some axis, and the first such; windows alike are tried once."""
    tried: dict[int, Axis | None] = {}
    for node in net.of(*kinds):
        axes = net.axes(node)
        if id(axes) not in tried:
            tried[id(axes)] = next(filter(fault, axes), None)
        if (axis := tried[id(axes)]) is not None:
            yield node, axis


# --- taps and padding ----------------------------------------------------------------------------


@rule(
    "L621",
    "dead-taps",
    why="weights that only meet padding get no gradient, ever (Chen et al. 2017, DeepLabv3, "
    "arXiv:1706.05587)",
    example="""
network N {
    input 8x2x2
    conv(8, 5x5, padding=2) -> relu -> conv(4, 1x1)
}
""",
)
def dead_taps(net: Net) -> Iterator[Finding]:
    """Weights of a kernel that never meet the map

    A tap j of a convolution padded with zeros for which no output o has 0 <= o s + j d - p < H. For
    free sizes it must hold for the largest valid one, and so for all.
    """
    for node, _ in at_fault(net, partial(dead, net), Convolution, Separable):
        axes = net.axes(node)
        if zeros(node):
            live = prod(axis.kernel - dead(net, axis) for axis in axes)
            total = prod(axis.kernel for axis in axes)
            size = show(net.input(node).spatial)
            yield Finding(
                node,
                f"{total - live} of the {total} taps of `{node.kind}` meet nothing but padding",
                f"the map is {size}, the window spans {show(tuple(a.extent for a in axes))}",
                help="use a 1x1 kernel without padding"
                if live == 1
                else "use a smaller kernel or dilation",
            )


def zeros(node: Node) -> bool:
    """True for a convolution that pads with zeros."""
    return bool(vars(node.layer)["pad_mode"] == "zeros")


def dead(net: Net, axis: Axis) -> int:
    """The taps on an axis that never meet the map; 0 where that depends on the input."""
    size = net.bounds(axis.size)[1]
    if not (isinstance(size, int) and isinstance(axis.before, int) and isinstance(axis.after, int)):
        return 0
    last = (size + axis.before + axis.after - axis.extent) // axis.stride * axis.stride
    low, high = axis.before - last, axis.before + size - 1
    if size >= axis.stride:
        live = min(high // axis.dilation, axis.kernel - 1) - max(-(-low // axis.dilation), 0) + 1
        return axis.kernel - max(live, 0)
    taps = (tap * axis.dilation for tap in range(min(axis.kernel, LONGEST)))
    return sum(tap < low or first(tap - axis.before, axis.stride) >= size for tap in taps)


def first(start: int, stride: int) -> int:
    """The first position from 0 on that windows put a tap at, which begins at `start`."""
    return start + max(0, -(start // stride)) * stride


@rule(
    "L622",
    "all-padding-window",
    why="such outputs are a constant frame around the map: the bias, whatever the input is",
    example="""
network N {
    input 3x32x32
    conv(8, 3x3, padding=3)
}
""",
)
def all_padding(net: Net) -> Iterator[Finding]:
    """Outputs that see nothing but padding

    A convolution padded with zeros whose padding before the map is at least the span of its window
    d (k - 1) + 1, or after it is so by more than the remainder of the stride, for every valid size.
    """

    def frames(axis: Axis) -> bool:
        return padded(net, axis) >= axis.extent

    for node, axis in at_fault(net, frames, Convolution, Separable):
        if zeros(node):
            pad = padded(net, axis)
            yield Finding(
                node,
                f"`{node.kind}` makes outputs of padding alone: {pad:g} over {axis.name}",
                f"the window spans {axis.extent} there",
                help=f"pad at most {axis.extent - 1} over {axis.name}",
            )


def padded(net: Net, axis: Axis) -> float:
    """Positions of padding that windows read at least, on the side where there are more."""
    return max(net.bounds(axis.before)[0], -net.bounds(axis.rest)[1])


# --- what is left unread -------------------------------------------------------------------------


@rule(
    "L623",
    "border-drop",
    why="what lies there has no influence on the result: average pooling by 2 of 15 x 15 loses "
    "13 % of the map (https://docs.pytorch.org/docs/stable/generated/torch.nn.AvgPool2d.html#shape)",
    example="""
network N {
    input 8x15x15
    avgpool(2x2)
}
""",
)
def border_drop(net: Net) -> Iterator[Finding]:
    """A pooling that drops more than 5 % of the map at its end

    Without `ceil`, (H + before + after - e) mod s is larger than the padding after the map, for
    every valid size; what is left over on all axes together is more than 5 % of the map.
    """
    for node, lost in bordered(net):
        if isinstance(node.layer, Pooling) and share(net, node, lost) > MUCH:
            yield border(net, node, lost, "`ceil=true` or `padding=same` keeps it")


@rule(
    "L624",
    "border-drop",
    severity=Severity.NOTE,
    why="what lies there has no influence on the result; SqueezeNet and NASNet have it by design "
    "(https://docs.pytorch.org/docs/stable/generated/torch.nn.Conv2d.html#shape)",
    example="""
network N {
    input 3x224x224
    conv(8, 7x7, stride=2)
}
""",
)
def border_rest(net: Net) -> Iterator[Finding]:
    """A convolution, or a pooling by 5 % at most, that does not read the end of the map

    As for L623, for what that rule leaves out.
    """
    for node, lost in bordered(net):
        if not isinstance(node.layer, Pooling) or share(net, node, lost) <= MUCH:
            yield border(net, node, lost, "other padding, or an input of another size, reads it")


def bordered(net: Net) -> Iterator[tuple[Node, list[int]]]:
    """The windows that drop something, with the positions dropped by axis for every valid size."""
    for node, _ in at_fault(net, partial(dropped, net), *WINDOWS):
        if not vars(node.layer).get("ceil", False) and vars(node.layer).get("padding") != "same":
            yield node, [dropped(net, axis) for axis in net.axes(node)]


def dropped(net: Net, axis: Axis) -> int:
    """Positions at the end of an axis that no window reads, whatever the size is."""
    if axis.stride > axis.kernel:
        return 0
    least = net.bounds(axis.rest)[0]
    return int(max(least, 0)) if least < axis.stride else 0


def share(net: Net, node: Node, lost: list[int]) -> float:
    """The part of the map that is dropped, for the largest valid size."""
    sizes = [net.bounds(axis.size)[1] for axis in net.axes(node)]
    return 1 - prod(1 - n / size for n, size in zip(lost, sizes, strict=True))


def border(net: Net, node: Node, lost: list[int], help: str) -> Finding:
    x = net.shown(net.input(node))
    columns = zip(lost, x.spatial, x.axes[1:], strict=True)
    parts = [f"{n} of {size} over {name}" for n, size, name in columns if n]
    percent = 100 * share(net, node, lost)
    return Finding(
        node,
        f"`{node.kind}` leaves the end of {x} unread",
        ", ".join(parts) + (f": {percent:.1f} % of the map" if percent else ""),
        help=help,
    )


@rule(
    "L625",
    "skipped-pixels",
    why="positions between the windows have no influence on the result (He et al. 2019, Bag of "
    "tricks, arXiv:1812.01187)",
    example="""
network N {
    input 3x32x32
    conv(8, 3x3, stride=4)
}
""",
)
def skipped(net: Net) -> Iterator[Finding]:
    """A stride that steps over positions

    The residues {j d mod s : j < k} are not all residues mod s on some axis, the kernel has more
    than one tap, and the map may be larger than the window and give two outputs there.
    """
    for node, axis in stepping(net):
        if max(each.kernel for each in net.axes(node)) > 1:
            help = "use a stride of at most the kernel, without common factor with the dilation"
            yield leaping(node, axis, help)


@rule(
    "L626",
    "skipped-pixels",
    severity=Severity.NOTE,
    why="a 1x1 window with a stride reads a part of the map only; ResNet-D pools before it (He et "
    "al. 2019, Bag of tricks, arXiv:1812.01187)",
    example="""
network N {
    input 3x32x32
    conv(8, 1x1, stride=2)
}
""",
)
def pointwise(net: Net) -> Iterator[Finding]:
    """A window of one position with a stride

    As for L625, for windows of one position.
    """
    for node, axis in stepping(net):
        if max(each.kernel for each in net.axes(node)) == 1:
            help = "pool first, as in `avgpool(2x2, ceil=true) -> conv(64, 1x1)`"
            yield leaping(node, axis, help)


def stepping(net: Net) -> Iterator[tuple[Node, Axis]]:
    """The windows that leave something out between them, with the first axis on which they do."""
    return at_fault(net, partial(leaps, net), *WINDOWS)


def leaps(net: Net, axis: Axis) -> bool:
    """True if windows leave out positions of a map on which there are several of them."""
    wide = net.bounds(axis.outputs)[1] > 1 and net.bounds(axis.size)[1] > axis.extent
    return wide and read(axis) < axis.stride


def read(axis: Axis) -> int:
    """How many of `stride` neighbouring positions some window reads."""
    return min(axis.kernel, axis.stride // gcd(axis.stride, axis.dilation))


def leaping(node: Node, axis: Axis, help: str) -> Finding:
    dilation = f", dilation {axis.dilation}" if axis.dilation > 1 else ""
    return Finding(
        node,
        f"`{node.kind}` reads {read(axis)} of every {axis.stride} positions over {axis.name}",
        f"kernel {axis.kernel}, stride {axis.stride}{dilation}",
        help=help,
    )


@rule(
    "L627",
    "even-kernel-same",
    severity=Severity.NOTE,
    why="the map moves by half a position, and PyTorch pads a copy first (Wu et al. 2019, "
    "Convolution with even-sized kernels, NeurIPS)",
    example="""
network N {
    input 3x32x32
    conv(8, 4x4, padding=same)
}
""",
)
def even_same(net: Net) -> Iterator[Finding]:
    """`padding=same` with a window of an even span

    `padding=same`, stride 1 and an odd d (k - 1) on some axis.
    """
    for node in net.of(*WINDOWS):
        if vars(node.layer).get("padding") != "same":
            continue
        even = (each for each in net.axes(node) if each.stride == 1 and each.extent % 2 == 0)
        axis = next(even, None)
        if axis is not None:
            yield Finding(
                node,
                f"`{node.kind}` pads one position more at the end of {axis.name}",
                f"the window spans {axis.extent} there",
                help="use an odd kernel",
            )
