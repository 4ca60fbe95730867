"""What stands before a normalisation and is lost in it, and norms that have nothing to measure."""

from __future__ import annotations

from collections.abc import Iterator

from cnnlang.analysis.lints.edits import disable
from cnnlang.analysis.lints.net import Net
from cnnlang.analysis.lints.rules import Finding, head, rule
from cnnlang.diagnostics.model import Related, Severity
from cnnlang.graph import Node
from cnnlang.layers.convolution import Convolution, Separable
from cnnlang.layers.dense import Bilinear, Dense
from cnnlang.layers.magnitude import L2Norm
from cnnlang.layers.normalization import (
    BatchNorm,
    GroupNorm,
    InstanceNorm,
    LayerNorm,
    RmsNorm,
)
from cnnlang.layers.regularization import ChannelDropout, Dropout
from cnnlang.layers.tensor import Tensor
from cnnlang.layers.transposed import ConvTranspose
from cnnlang.sizes import Size

BIASED = (Convolution, Separable, ConvTranspose, Dense, Bilinear)
LINEAR = (Convolution, Separable, ConvTranspose, Dense)


@rule(
    "L611",
    "bias-before-norm",
    why="the norm takes the mean of every channel away, and the bias with it: its gradient is 0 "
    "(Ioffe and Szegedy 2015, section 3.2; PyTorch performance tuning guide)",
    example="""
network N {
    input 3x32x32
    conv(8, 3x3) -> batchnorm -> relu
}
""",
)
def bias_before_norm(net: Net) -> Iterator[Finding]:
    """A bias that the normalisation after it takes away again

    A convolution or dense layer with a bias per channel, whose only consumer, wherever its weights
    are used, is batch or instance normalisation, or group normalisation with one channel a group.
    """
    lost: dict[tuple[str, ...], list[Node]] = {}
    for node in net.of(*BIASED):
        if vars(node.layer)["bias"] and per_channel(node, net.input(node)):
            user = net.user(node)
            if user is not None and centres(user.layer, node.output):
                lost.setdefault(node.path, []).append(node)
    for path, nodes in lost.items():
        if len(nodes) == net.applications[path]:
            yield without(net, nodes[0])


def per_channel(node: Node, x: Tensor) -> bool:
    """True if the bias has a number for each channel."""
    return not isinstance(node.layer, Dense) or node.layer.place(x) == x.channel_axis


def centres(layer: object, x: Tensor) -> bool:
    """True for a norm that takes the mean of every channel by itself away."""
    if isinstance(layer, GroupNorm):
        return layer.groups == x.channels
    return isinstance(layer, (BatchNorm, InstanceNorm))


def without(net: Net, node: Node) -> Finding:
    user = net.nodes[net.consumers[node.index][0]]
    assert node.call is not None
    edits = disable(node.call, "bias")
    written = next((a.span for a in node.call.arguments or () if a.name == "bias"), None)
    return Finding(
        node,
        f"the bias of `{node.kind}` has no effect: `{user.kind}` takes it away again",
        "a bias for each channel here",
        written,
        related=(Related(head(user), "the mean of each channel is taken away here"),),
        help="write `bias=false`",
        edits=edits,
        safe=bool(edits) and net.adjoin(node, user) and net.applications[node.path] == 1,
    )


@rule(
    "L612",
    "norm-constant",
    why="one number less its own mean is 0, so the result does not depend on the input and no "
    "gradient passes (github.com/junyanz/pytorch-CycleGAN-and-pix2pix/issues/60)",
    example="""
network N {
    input 8x16x16
    global_avgpool -> groupnorm(8) -> flatten -> dense(2)
}
""",
)
def constant(net: Net) -> Iterator[Finding]:
    """A normalisation over a single number

    `groupnorm` with one channel a group on one position, `layernorm`, `rmsnorm` or `l2norm` over
    axes of size 1, for every valid size. Of `rmsnorm` and `l2norm` the sign is left.
    """
    for node in net.of(GroupNorm, LayerNorm, RmsNorm, L2Norm):
        x = net.input(node)
        if net.is_one(measured(node.layer, x)):
            left = "sign of its input" if isinstance(node.layer, (RmsNorm, L2Norm)) else "offset"
            yield Finding(
                node,
                f"`{node.kind}` normalises one number at a time: nothing but the {left} is left",
                f"the tensor here is {x}",
                help="leave it out here, or normalise over more",
            )


def measured(layer: object, x: Tensor) -> tuple[Size, ...]:
    """The sizes over which a norm works, as many as there are."""
    if isinstance(layer, GroupNorm):
        assert isinstance(x.channels, int)
        return (x.channels // layer.groups, *x.spatial)
    if isinstance(layer, L2Norm):
        return (x.shape[layer.place(x)],)
    assert isinstance(layer, (LayerNorm, RmsNorm))
    return layer.normalized(x)


@rule(
    "L613",
    "bn-single-value-risk",
    severity=Severity.NOTE,
    why="in training it fails for a batch of one sample, and makes +-1 of every number of two "
    "(github.com/jfzhang95/pytorch-deeplab-xception/issues/41)",
    example="""
network N {
    input 3x32x32
    global_avgpool -> conv(8, 1x1, bias=false) -> batchnorm
}
""",
)
def single_value(net: Net) -> Iterator[Finding]:
    """Batch normalisation of a map of one position

    `batchnorm` of a map all of whose axes are 1 for every valid size.
    """
    for node in net.of(BatchNorm):
        x = net.input(node)
        if x.rank > 1 and net.is_one(x.spatial):
            yield Finding(
                node,
                f"`batchnorm` of {x} has one number a channel of every sample",
                "needs a batch of several samples in training",
                help="use `layernorm(channels)` here, or train with full batches only",
            )


@rule(
    "L614",
    "dropout-before-norm",
    why="dropout changes the variance in training alone, so the running statistics are wrong in "
    "evaluation (Li et al. 2019, variance shift, arXiv:1801.05134)",
    example="""
network N {
    input 8x16x16
    dropout(0.2) -> conv(8, 3x3, bias=false) -> batchnorm -> relu
}
""",
)
def dropout_before_norm(net: Net) -> Iterator[Finding]:
    """Dropout before a batch normalisation

    `dropout` or `channel_dropout` with p > 0 whose only consumer is `batchnorm`, or a convolution
    or dense layer whose only consumer is `batchnorm`.
    """
    for node in net.of(Dropout, ChannelDropout):
        user = net.user(node)
        if user is not None and isinstance(user.layer, LINEAR):
            user = net.user(user)
        if vars(node.layer)["p"] > 0 and user is not None and running(user):
            yield Finding(
                node,
                f"`{node.kind}` before `batchnorm` shifts the variance between training and use",
                related=(Related(head(user), "its running statistics are those of training"),),
                help="put it after the last `batchnorm`",
            )


def running(node: Node) -> bool:
    return isinstance(node.layer, BatchNorm) and node.layer.track
