"""Numbers that are out of proportion: parameters, channels, probabilities."""

from __future__ import annotations

from collections.abc import Iterator

from cnnlang.analysis.costs import owners, parameters, total_parameters
from cnnlang.analysis.lints.net import Net
from cnnlang.analysis.lints.rules import Finding, rule
from cnnlang.diagnostics.model import Severity
from cnnlang.graph import Node
from cnnlang.layers.convolution import Conv, Convolution
from cnnlang.layers.dense import Dense
from cnnlang.layers.regularization import ChannelDropout, Dropout
from cnnlang.sizes import Size

FEW = 100_000
"""A network with no more parameters is small whatever their share is."""


@rule(
    "L661",
    "dense-hogs-params",
    why="a global pooling in its place needs hardly any weights and overfits less (Lin et al. "
    "2013, Network in Network, arXiv:1312.4400)",
    example="""
network N {
    input 3x64x64
    conv(8, 3x3, padding=1) -> relu -> flatten -> dense(64) -> relu -> dense(10)
}
""",
)
def hogs(net: Net) -> Iterator[Finding]:
    """A dense layer with nearly all the parameters

    One dense layer behind a convolution has more than 90 % of more than 100,000 parameters.
    """
    if not all(any(True for _ in net.of(kind)) for kind in (Dense, Convolution)):
        return
    total = total_parameters(net.graph)
    if total <= FEW:
        return
    for node in owners(net.graph):
        count = parameters(net.graph, node) if isinstance(node.layer, Dense) else 0
        if 10 * count > 9 * total and behind_convolution(net, node):
            yield Finding(
                node,
                f"`dense` has {1000 * count // total / 10} % of the {total:,} parameters",
                f"{count:,} for {net.input(node)} features",
                help="put `global_avgpool -> flatten` before it, or pool more",
            )


def behind_convolution(net: Net, node: Node) -> bool:
    """True if the tensor comes from a convolution, by its first operands."""
    while node.inputs:
        node = net.before(node)
        if isinstance(node.layer, Convolution):
            return True
    return False


@rule(
    "L662",
    "channels-not-8",
    severity=Severity.NOTE,
    why="tensor cores work on 8 channels of half precision at a time (NVIDIA, Convolutional layers "
    "user's guide)",
    example="""
network N {
    input 3x32x32
    conv(16, 3x3) -> relu -> conv(30, 3x3) -> relu -> conv(16, 3x3)
}
""",
)
def uneven(net: Net) -> Iterator[Finding]:
    """Channels that are no multiple of 8

    A convolution without groups on more than one position, neither the first nor the last of the
    network, with a number of incoming or outgoing channels that 8 does not divide.
    """
    nodes = list(net.of(Conv))
    ends = {node.path for node in (*nodes[:1], *nodes[-1:])}
    for node in nodes:
        assert isinstance(node.layer, Conv)
        channels = (net.input(node).channels, node.output.channels)
        plain = node.layer.groups == 1 and node.path not in ends
        if plain and not net.is_one(net.input(node).spatial) and any(map(odd, channels)):
            yield Finding(
                node,
                f"`conv` from {channels[0]} to {channels[1]} channels: not both are multiples of 8",
                help="round to a multiple of 8, as with `divisible(n)`",
            )


def odd(channels: Size) -> bool:
    return isinstance(channels, int) and channels % 8 > 0


@rule(
    "L663",
    "tiny-groups",
    severity=Severity.NOTE,
    why="many small products keep a GPU idle (Ma et al. 2018, ShuffleNet V2, guideline 2, "
    "arXiv:1807.11164)",
    example="""
network N {
    input 3x32x32
    conv(32, 3x3) -> relu -> conv(32, 3x3, groups=8) -> relu
}
""",
)
def tiny(net: Net) -> Iterator[Finding]:
    """Groups of less than 8 channels

    A convolution with 1 < groups < channels and less than 8 incoming channels a group.
    """
    for node in net.of(Conv):
        assert isinstance(node.layer, Conv)
        channels, groups = net.input(node).channels, node.layer.groups
        if isinstance(channels, int) and 1 < groups < channels and channels // groups < 8:
            yield Finding(
                node,
                f"`conv` has {groups} groups of {channels // groups} channels",
                help="use fewer groups, or `depthwise`",
            )


@rule(
    "L664",
    "high-dropout",
    severity=Severity.NOTE,
    why="more is lost than kept, which slows learning down (Schoop et al. 2021, UMLAUT; "
    "stackoverflow.com/questions/60566498)",
    example="""
network N {
    input 512
    dense(64) -> relu -> dropout(0.8) -> dense(10)
}
""",
)
def high(net: Net) -> Iterator[Finding]:
    """Dropout of more than a half

    `dropout` or `channel_dropout` with p > 0.5.
    """
    for node in net.of(Dropout, ChannelDropout):
        p = vars(node.layer)["p"]
        if p > 0.5:
            yield Finding(node, f"`{node.kind}` drops {100 * p:.0f} %", help="use 0.5 at most")
