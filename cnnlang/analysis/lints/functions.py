"""Layers whose composition says less than it seems to: linear maps in a row, idle operations."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from cnnlang.analysis.lints.edits import plain, remove
from cnnlang.analysis.lints.net import Net
from cnnlang.analysis.lints.rules import Finding, head, rule
from cnnlang.diagnostics.model import Edit, Related, Severity
from cnnlang.graph import Node
from cnnlang.layers.activation import Hardsigmoid, Relu, Relu6, Sigmoid, Softplus
from cnnlang.layers.adaptive import Adaptive, AdaptiveAvgPool, GlobalAvgPool, Sized
from cnnlang.layers.convolution import Conv
from cnnlang.layers.dense import Dense
from cnnlang.layers.elementwise import Abs, Exp, Sqrt, Square
from cnnlang.layers.learned import Learned
from cnnlang.layers.merge import Add
from cnnlang.layers.normalization import BatchNorm
from cnnlang.layers.pooling import AvgPool, MaxPool
from cnnlang.layers.reduction import Mean
from cnnlang.layers.regularization import ChannelDropout, Dropout, Dropping
from cnnlang.layers.resampling import Upsample
from cnnlang.layers.shape import Flatten
from cnnlang.layers.softmax import Glu, LogSoftmax, Softmax
from cnnlang.layers.transposed import ConvTranspose

MAPS = (Conv, ConvTranspose, Dense)
AFFINE = (
    BatchNorm, Dropout, ChannelDropout, Flatten, AvgPool, GlobalAvgPool, AdaptiveAvgPool, Mean,
    Learned,
)  # fmt: skip
POSITIVE = (Relu, Relu6, Sigmoid, Hardsigmoid, Softplus, Exp, Abs, Square, Sqrt)
KEEPING = (MaxPool, AvgPool, Adaptive, Dropping, Flatten)
BOUNDED = (Relu6, Sigmoid, Hardsigmoid)


# --- linear maps in a row ------------------------------------------------------------------------


@rule(
    "L641",
    "linear-linear",
    why="two linear maps in a row are one, with more parameters and no more functions (Schoop et "
    "al. 2021, UMLAUT; Nikanjam et al. 2021, NeuraLint)",
    example="""
network N {
    input 784
    dense(512)
    dense(10)
}
""",
)
def linear(net: Net) -> Iterator[Finding]:
    """Two linear maps without a nonlinearity between them

    A convolution or dense layer, then only batch norm, dropout, `flatten`, averages and learned
    scales and offsets with one consumer each, then a convolution or dense layer; both without
    groups. Not told where the middle is narrower than both ends (a bottleneck; where one of the two
    has a single tap, those of the other count with the channels of its end), or where the windows
    work on different axes (1x7 and 7x1).
    """
    sources: list[Node | None] = []
    for node in net.nodes:
        first = source(net, node, sources)
        if isinstance(node.layer, MAPS) and ungrouped(node):
            if first is not None and collapses(net, first, node):
                yield merged(first, node)
            first = node
        sources.append(first)


def source(net: Net, node: Node, sources: list[Node | None]) -> Node | None:
    """The linear map that a tensor comes from through affine steps alone."""
    if node.layer is None or len(node.inputs) != 1:
        return None
    alone = net.user(net.before(node)) is node
    passes = isinstance(node.layer, (*AFFINE, *MAPS))
    return sources[node.inputs[0]] if alone and passes else None


def ungrouped(node: Node) -> bool:
    return bool(vars(node.layer).get("groups", 1) == 1)


def collapses(net: Net, first: Node, second: Node) -> bool:
    """True if the middle is wide enough for every product, and the windows share their axes."""
    (incoming, middle), (_, outgoing) = ends(net, first), ends(net, second)
    a, b = kernels(net, first), kernels(net, second)
    if not (a and b):
        incoming, outgoing = incoming * prod(a.values()), outgoing * prod(b.values())
    if middle < min(incoming, outgoing):
        return False
    return not (a and b and a.keys().isdisjoint(b))


def ends(net: Net, node: Node) -> tuple[float, float]:
    """Channels (or features) that go into a map at least, and that come out."""
    x = net.input(node)
    place = node.layer.place(x) if isinstance(node.layer, Dense) else x.channel_axis
    return net.bounds(x.shape[place])[0], net.bounds(node.output.shape[place])[0]


def kernels(net: Net, node: Node) -> dict[str, int]:
    """The axes on which a map has several taps, with their number."""
    if isinstance(node.layer, ConvTranspose):
        x = net.input(node)
        sizes = zip(x.axes[1:], node.layer.window(x).kernel, strict=True)
        return {name: kernel for name, kernel in sizes if kernel > 1}
    return {axis.name: axis.kernel for axis in net.axes(node) if axis.kernel > 1}


def merged(first: Node, second: Node) -> Finding:
    return Finding(
        second,
        f"`{first.kind}` and `{second.kind}` are one linear map: no activation is between them",
        related=(Related(head(first), "the first of the two"),)
        if first.call != second.call
        else (),
        help="put an activation such as `relu` between them, or leave one of them out",
    )


# --- operations that do nothing ------------------------------------------------------------------


@rule(
    "L642",
    "redundant-op",
    severity=Severity.NOTE,
    throughout=True,
    why="it costs time and misleads the reader, and changes no number",
    example="""
network N {
    input 8x16x16
    conv(8, 3x3) -> relu -> relu
}
""",
)
def redundant(net: Net) -> Iterator[Finding]:
    """An operation that leaves every tensor as it is

    `relu` of what is not negative, `relu6` of what is from 0 to 6, `log_softmax` of `log_softmax`
    or on an output called logits (the loss does it again, to no effect); dropout with p = 0;
    pooling with a 1x1 window and stride 1; adaptive pooling to the size that is there (not for free
    sizes); `upsample(1)`. It must hold of every layer that is made of the text, none of them
    shared, and not depend on a name in it.
    """
    positive = signs(net)
    for node in net.nodes:
        if node.layer is None or net.applications[node.path] > 1:
            continue
        if idle(net, node):
            edits = remove(node.call) if settled(node) else ()
            yield needless(net, node, "leaves its input as it is", edits, True)
        elif type(node.layer) is LogSoftmax and named_logits(net, node):
            said = f"of the output `{node.name}` is done by the loss again, to no effect"
            yield needless(net, node, said, (), False)
        elif repeats(net, node, positive):
            x = net.before(node)
            said = f"of what is {positive[x.index]} already changes nothing"
            yield needless(net, node, said, remove(node.call), net.adjoin(x, node))


def needless(net: Net, node: Node, said: str, edits: tuple[Edit, ...], safe: bool) -> Finding:
    edits = () if node.labelled else edits
    return Finding(
        node,
        f"`{node.kind}` {said}",
        f"{net.input(node)} before and after",
        help="leave it out",
        edits=edits,
        safe=bool(edits) and safe and not net.numbered(node),
    )


def idle(net: Net, node: Node) -> bool:
    """True for an operation that is the identity by its own arguments or by its input's size."""
    layer = node.layer
    if isinstance(layer, Sized):
        return net.input(node) == node.output and not net.graph.free
    if not plain(node.call):
        return False
    if isinstance(layer, Dropping):
        return layer.p == 0
    if isinstance(layer, Upsample):
        return bool(layer.scale is not None and net.input(node) == node.output)
    if not isinstance(layer, (MaxPool, AvgPool)) or divided(layer):
        return False
    axes = net.axes(node)
    return bool(axes) and all((a.kernel, a.stride, a.before) == (1, 1, 0) for a in axes)


def divided(layer: object) -> bool:
    """True for an average that is no average."""
    return isinstance(layer, AvgPool) and layer.divisor is not None


def settled(node: Node) -> bool:
    """True if no other size of the input can make a difference."""
    return not isinstance(node.layer, Sized)


def signs(net: Net) -> list[str]:
    """By node, what is known of its numbers: `at least 0`, `from 0 to 6`, `log_softmax`, or ``."""
    found: list[str] = []
    for node in net.nodes:
        layer = node.layer
        if type(layer) is LogSoftmax:
            found.append("log_softmax")
        elif isinstance(layer, BOUNDED) or type(layer) is Softmax:
            found.append("from 0 to 6")
        elif isinstance(layer, POSITIVE):
            found.append("at least 0")
        elif isinstance(layer, KEEPING) and found[node.inputs[0]] != "log_softmax":
            known, grows = found[node.inputs[0]], isinstance(layer, Dropping) or divided(layer)
            found.append("at least 0" if known and grows else known)
        else:
            found.append("")
    return found


def repeats(net: Net, node: Node, signs: list[str]) -> bool:
    """True for an activation of what it would leave as it is."""
    known, before = signs[node.inputs[0]], net.before(node).layer
    if type(node.layer) is LogSoftmax:
        return type(before) is LogSoftmax and same_axis(net, node, net.before(node))
    if isinstance(node.layer, Relu6):
        return known == "from 0 to 6"
    return isinstance(node.layer, Relu) and known in ("at least 0", "from 0 to 6")


def same_axis(net: Net, node: Node, before: Node) -> bool:
    """True for two of softmax's kin over one axis."""
    assert isinstance(node.layer, Softmax)
    assert isinstance(before.layer, Softmax)
    return node.layer.place(net.input(node)) == before.layer.place(net.input(before))


# --- activations in the wrong place --------------------------------------------------------------


@rule(
    "L643",
    "activation-on-output",
    why="scores below 0 come out as 0 and get no gradient (Schoop et al. 2021, UMLAUT)",
    example="""
network N {
    input 8x16x16
    global_avgpool -> flatten -> dense(10) -> relu
}
""",
)
def on_output(net: Net) -> Iterator[Finding]:
    """A network that ends in `relu` after a dense layer

    An output is `relu` or `relu6` of a flat tensor that a dense layer makes.
    """
    for index in sorted(net.outputs):
        node = net.nodes[index]
        if not isinstance(node.layer, (Relu, Relu6)) or node.output.rank != 1:
            continue
        before = net.before(node).layer
        if isinstance(before, Dense):
            yield Finding(
                node,
                f"the network ends in `{node.kind}`: no score can be below 0",
                f"after `dense({before.units})`",
                help="leave it out, and let the loss take the scores as they are",
            )


@rule(
    "L644",
    "softmax-then-ce",
    why="a loss that takes logits applies softmax or sigmoid itself; applied twice, it cannot come "
    "below 1.46 for 10 classes (github.com/yongjincho/cnn-text-classification-pytorch/issues/1)",
    example="""
network N {
    input 8
    dense(10) -> logits: softmax
    output logits
}
""",
)
def on_logits(net: Net) -> Iterator[Finding]:
    """Probabilities that are called logits

    An output whose label has the word `logits` is made by `softmax` or `sigmoid`. The language
    declares no loss, so the label says what the tensor is for.
    """
    for index in sorted(net.outputs):
        node = net.nodes[index]
        if named_logits(net, node) and type(node.layer) in (Softmax, Sigmoid):
            yield Finding(
                node,
                f"the output `{node.name}` is made by `{node.kind}`: these are no logits",
                help=f"leave `{node.kind}` out, or call the output otherwise",
            )


def named_logits(net: Net, node: Node) -> bool:
    """True for an output that is called logits."""
    named = node.labelled and "logits" in node.name.lower().split("_")
    return named and node.index in net.outputs


@rule(
    "L645",
    "softmax-twice",
    why="numbers from 0 to 1 hardly differ in their exponentials: the second softmax makes all of "
    "them alike, and the gradient small",
    example="""
network N {
    input 8
    dense(10) -> softmax -> softmax
}
""",
)
def twice(net: Net) -> Iterator[Finding]:
    """Softmax of softmax

    `softmax` of what `softmax` over the same axis makes.
    """
    for node in net.of(Softmax):
        before = net.before(node)
        if type(node.layer) is type(before.layer) is Softmax and same_axis(net, node, before):
            yield Finding(
                node,
                "`softmax` of probabilities: they come out nearly alike",
                related=(Related(head(before), "probabilities from here on"),),
                help="leave one of the two out",
            )


@rule(
    "L646",
    "softmax-over-one",
    why="the softmax of one number is 1, and its gradient 0; over channels or features it is an "
    "error (S138)",
    example="""
network N {
    input 8x1x16
    conv(4, 1x1) -> softmax(height)
}
""",
)
def over_one(net: Net) -> Iterator[Finding]:
    """Softmax over an axis of one position

    `softmax` or `log_softmax` over a spatial axis that has one position for every valid size.
    """
    for node in net.of(Softmax):
        if isinstance(node.layer, Glu):
            continue
        assert isinstance(node.layer, Softmax)
        x = net.input(node)
        place = node.layer.place(x)
        if net.is_one((x.shape[place],)):
            yield Finding(
                node,
                f"`{node.kind}` over {x.axes[place]} gets one number at a time",
                f"the tensor here is {x}",
                help="leave it out, or name the axis that is meant",
            )


@rule(
    "L647",
    "relu-before-add",
    severity=Severity.NOTE,
    why="a sum of what is not negative can only grow from block to block (He et al. 2016, Identity "
    "mappings, arXiv:1603.05027, figure 4)",
    example="""
network N {
    input 8x16x16
    conv(8, 3x3, padding=1) -> relu
    residual { conv(8, 3x3, padding=1) -> relu }
}
""",
)
def relu_before_add(net: Net) -> Iterator[Finding]:
    """A sum whose operands all come out of `relu`

    `add` of two or more tensors, each made by `relu` or `relu6`.
    """
    for node in net.of(Add):
        before = [net.nodes[each] for each in node.inputs]
        if len(before) > 1 and all(isinstance(each.layer, (Relu, Relu6)) for each in before):
            yield Finding(
                node,
                f"`add` sums {len(before)} tensors that all come out of `relu`",
                related=tuple(
                    Related(each, "not negative") for each in dict.fromkeys(map(head, before))
                )[:2],
                help="add first, and put `relu` after it",
            )
