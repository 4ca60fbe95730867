"""Sizes that are not what they seem: axes in another order, rounding, maps that end too early."""

from __future__ import annotations

from collections.abc import Iterator
from math import floor

from cnnlang.analysis.lints.net import Net
from cnnlang.analysis.lints.rules import Finding, head, rule
from cnnlang.analysis.lints.virtual import Virtual
from cnnlang.diagnostics.model import Related, Severity
from cnnlang.graph import Node
from cnnlang.layers.convolution import Convolution, Separable
from cnnlang.layers.merge import Arithmetic, Concat
from cnnlang.layers.pooling import Pooling
from cnnlang.layers.resampling import Upsample
from cnnlang.layers.shape import Permute
from cnnlang.layers.tensor import Tensor, show
from cnnlang.layers.transposed import ConvTranspose
from cnnlang.layers.window import spread
from cnnlang.sizes import Free


@rule(
    "L671",
    "layout-suspicious",
    why="tensors are channels first, and a picture that is read channels last is convolved over "
    "the wrong axes without an error (stackoverflow.com/questions/44322611; keras#7611)",
    example="""
network N {
    input 224x224x3
    conv(8, 3x3)
}
""",
)
def layout(net: Net) -> Iterator[Finding]:
    """An input that looks like a picture with its channels last

    An input of reals with two or three spatial axes, not permuted: its last size is 3 or 4 and all
    others are above 4; or one spatial size is 1, and the channels equal the other spatial size,
    which is above 4.
    """
    for index in net.graph.inputs:
        node = net.nodes[index]
        order = meant(node)
        users = [net.nodes[each].layer for each in net.consumers[index]]
        if order and not all(isinstance(layer, Permute) for layer in users):
            yield Finding(
                node,
                f"the input {node.output} has {node.output.channels} channels: is it {order}?",
                f"{node.output.channels} channels of {show(node.output.spatial)}",
                help=f"write `input {order}`, with the channels first, or `permute` it",
            )


def meant(node: Node) -> str:
    """The shape that was meant, channels first; nothing where the input looks as it should."""
    shape = node.output.shape
    sizes = [size for size in shape if isinstance(size, int)]
    if len(sizes) != len(shape) or len(shape) < 3 or node.output.dtype != "float":
        return ""
    if sizes[-1] in (3, 4) and min(sizes[:-1]) > 4:
        return show((sizes[-1], *sizes[:-1]))
    side = sizes[0]
    if len(sizes) == 3 and side > 4 and sorted(sizes) == [1, side, side]:
        return show((1, side, side))
    return ""


@rule(
    "L672",
    "float-scale",
    why="PyTorch rounds the product in floating point, other tools may not "
    "(docs.pytorch.org/docs/stable/generated/torch.nn.functional.interpolate.html)",
    example="""
network N {
    input 3x45x45
    upsample(1.4)
}
""",
)
def float_scale(net: Net) -> Iterator[Finding]:
    """A scale whose floating-point product rounds to another size

    `upsample` by a scale for which floor(H s) in doubles is not that of the decimal number, at the
    size that is there.
    """
    for node in net.of(Upsample):
        size, factor, wanted = next(astray(node, net.input(node)), (0, 0, 0))
        if size:
            yield Finding(
                node,
                f"{size} times {factor} is {wanted}, but PyTorch makes {floor(size * factor)}",
                "rounded in floating point",
                help=f"write `size={wanted}`",
            )


def astray(node: Node, x: Tensor) -> Iterator[tuple[int, float, int]]:
    """The sizes whose product with their factor is rounded to another, with what is meant."""
    assert isinstance(node.layer, Upsample)
    if node.layer.scale is None:
        return
    from fractions import Fraction

    factors = spread(node.layer, "scale", node.layer.scale, x.rank - 1)
    for size, factor in zip(x.spatial, factors, strict=True):
        wanted = floor(Fraction(str(factor)) * size) if isinstance(size, int) else 0
        if isinstance(size, int) and floor(size * factor) != wanted:
            yield size, factor, wanted


@rule(
    "L673",
    "ceil-mode-mix",
    why="the two only fit for some sizes of the input "
    "(github.com/FrancescoSaverioZuppichini/glasses/issues/236)",
    example="""
network N {
    input 8x32x32
    add {
        | maxpool(2x2, ceil=true)
        | avgpool(2x2)
    }
}
""",
)
def ceil_mix(net: Net) -> Iterator[Finding]:
    """A merge of a map that was rounded up and one that was rounded down

    One operand comes through a pooling with `ceil=true` and another does not; with the size of the
    input left open, their sizes grow alike and differ for some sizes.
    """
    if not any(vars(node.layer)["ceil"] for node in net.of(Pooling)):
        return
    virtual = Virtual(net)
    for node in net.of(Arithmetic, Concat):
        failing = virtual.clash(node)
        if failing is not None:
            axis, rest, period = failing
            yield Finding(
                node,
                f"`{node.kind}` joins maps rounded up and down: they differ for other sizes",
                f"where {axis} of the input is {rest} more than a multiple of {period}",
                related=tuple(
                    Related(head(net.nodes[each]), "rounded up" if up else "rounded down")
                    for each, up in virtual.origins(node)
                ),
                help="use `ceil=true` on both ways, or on none",
            )


@rule(
    "L674",
    "spatial-collapse",
    severity=Severity.NOTE,
    why="layers on a single position mix channels only, however large their kernels are "
    "(Isola et al. 2017, pix2pix, arXiv:1611.07004)",
    example="""
network N {
    input 3x8x8
    repeat 3 { conv(16, 2x2, stride=2) -> relu }
    repeat 4 { conv(16, 1x1) -> relu }
    flatten -> dense(10)
}
""",
)
def collapse(net: Net) -> Iterator[Finding]:
    """A map that is down to one position with much of the network to come

    A convolution or pooling leaves one position of a larger map for every valid size, and more than
    a third of the convolutions depend on it.
    """
    first = next(
        (node for node in net.of(Convolution, Separable, Pooling) if last(net, node)), None
    )
    if first is None:
        return
    convolutions = [node.index for node in net.of(Convolution, Separable, ConvTranspose)]
    later = after(net, first).intersection(convolutions)
    if 3 * len(later) > len(convolutions):
        to_come = f"{len(later)} of {len(convolutions)} convolutions"
        yield Finding(
            first,
            f"the map is down to one position with {to_come} to come",
            f"{net.input(first)} becomes {first.output} here",
            help="use fewer strides, or a larger input",
        )


def last(net: Net, node: Node) -> bool:
    """True if a window leaves one position of several."""
    return net.is_one(node.output.spatial) and not net.is_one(net.input(node).spatial)


def after(net: Net, first: Node) -> set[int]:
    """The nodes that depend on a node."""
    found = {first.index}
    for node in net.nodes[first.index + 1 :]:
        if not found.isdisjoint(node.inputs):
            found.add(node.index)
    return found - {first.index}


@rule(
    "L675",
    "fixed-beside-free",
    why="the input is declared free, and yet every other size of it is refused, for tensors that "
    "are joined must agree (docs.pytorch.org/docs/stable/generated/torch.cat.html)",
    example="""
network N {
    input 8xHxW
    skip: conv(8, 3x3, stride=2, padding=1)
    upsample(size=32) -> concat(skip)
}
""",
)
def fixed(net: Net) -> Iterator[Finding]:
    """A merge of a size that is fixed and one that depends on a free dimension

    On an axis that must be alike, and that is not stretched, one tensor has a number and another a
    size that depends on a free dimension, so that only a few sizes of the input are valid.
    """
    for node in net.of(Arithmetic, Concat):
        found = next(unlike(net, node), None)
        if found is None:
            continue
        number, free = found
        symbol = next(iter(free.symbols))
        yield Finding(
            node,
            f"`{node.kind}` fits for {net.sets[symbol]} only: {number} does not grow, {free} does",
            f"{free} must be {number}",
            related=tuple(
                Related(head(net.nodes[i]), f"this is {net.nodes[i].output}") for i in node.inputs
            ),
            help=f"give one the size of the other with `like=`, or write a number for {symbol} in "
            "`input`",
        )


def unlike(net: Net, node: Node) -> Iterator[tuple[int, Free]]:
    """The pairs of a number and a free size that a merge asks to be equal."""
    tensors = [net.nodes[each].output for each in node.inputs]
    apart = node.layer.place(tensors[0]) if isinstance(node.layer, Concat) else -1
    for place, column in enumerate(zip(*(each.shape for each in tensors), strict=True)):
        stretched = vars(node.layer).get("broadcast", False)
        numbers = [n for n in column if isinstance(n, int) and not (stretched and n == 1)]
        growing = [size for size in column if isinstance(size, Free)]
        if place != apart and numbers and growing:
            yield numbers[0], growing[0]
