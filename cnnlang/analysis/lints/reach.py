"""How much of the input the convolutions see: too little of it, or all of it already."""

from __future__ import annotations

from collections.abc import Iterator

from cnnlang.analysis.fields import Field
from cnnlang.analysis.lints.net import Net
from cnnlang.analysis.lints.rules import Finding, rule
from cnnlang.diagnostics.model import Severity
from cnnlang.graph import Node
from cnnlang.layers.convolution import Convolution, Separable
from cnnlang.layers.shape import Flatten


@rule(
    "L681",
    "rf-too-small",
    severity=Severity.NOTE,
    why="no layer sees how the halves of the picture belong together, and the effective field is "
    "smaller still (Luo et al. 2016, arXiv:1701.04128; Araujo et al. 2019, Distill)",
    example="""
network N {
    input 3x64x64
    conv(16, 3x3) -> relu -> conv(32, 3x3) -> relu
    global_avgpool -> flatten -> dense(10)
}
""",
)
def narrow(net: Net) -> Iterator[Finding]:
    """Convolutions of a classifier that see less than half of the input

    The output is flat, no `flatten` of several positions comes after the last convolution that it
    depends on, and the receptive field of this is less than half of some axis of an input for every
    valid size.
    """
    last = next(reversed([*seen(net, net.graph.outputs[0])]), None)
    if last is None or net.nodes[net.graph.outputs[0]].output.rank != 1:
        return
    if any(is_laid_out(net, node) for node in net.of(Flatten) if node.index > last.index):
        return
    for name, low, _, field in reaches(net, last):
        if 2 * (field.size or 0) < low and field.size is not None and field.exact:
            yield Finding(
                last,
                f"`{last.kind}` sees {field.size} of {low:g} positions of `{name}`",
                f"the receptive field over {field.axis}, before the head",
                help="use more strides or dilation, larger kernels or more layers",
            )
            return


@rule(
    "L682",
    "rf-saturated",
    severity=Severity.NOTE,
    why="layers that see all of the input already hardly make the result better (Richter et al. "
    "2021, (Input) size matters for CNN classifiers, arXiv:2106.12307)",
    example="""
network N {
    input 3x8x8
    repeat 5 { conv(16, 3x3, padding=1) -> relu }
    global_avgpool -> flatten -> dense(10)
}
""",
)
def saturated(net: Net) -> Iterator[Finding]:
    """Convolutions whose input has seen everything

    A convolution with a kernel of more than one position, and the receptive field of what flows
    into it is at least the input of the network on every axis for every valid size.
    """
    spatial = [node for node in net.of(Convolution, Separable) if is_window(net, node)]
    full = [node for node in spatial if is_full(net, net.before(node))]
    if full:
        yield Finding(
            full[0],
            f"{len(full)} of {len(spatial)} convolutions come after all of the input is seen",
            "the first of them",
            help="use a larger input, or fewer layers",
        )


def is_laid_out(net: Net, node: Node) -> bool:
    """True if what comes after a `flatten` sees all positions, each by itself."""
    return not net.is_one(net.input(node).spatial)


def seen(net: Net, output: int) -> Iterator[Node]:
    """The convolutions that an output depends on, in the order of the run."""
    needed = {output}
    for node in reversed(net.nodes):
        if node.index in needed:
            needed.update(node.inputs)
    return (node for node in net.of(Convolution, Separable) if node.index in needed)


def reaches(net: Net, node: Node) -> Iterator[tuple[str, float, float, Field]]:
    """By axis of every input: its name, its least and greatest size, and what a node sees."""
    for index in net.graph.inputs:
        start = net.nodes[index]
        for field in net.fields[node.index].get(start.name, ()):
            low, high = net.bounds(start.output.shape[start.output.axes.index(field.axis)])
            yield start.name, low, high, field


def is_window(net: Net, node: Node) -> bool:
    return max((axis.kernel for axis in net.axes(node)), default=1) > 1


def is_full(net: Net, node: Node) -> bool:
    """True if a tensor has seen every input whole, whatever its size."""
    found = [*reaches(net, node)]
    return bool(found) and all(
        field.whole or (field.exact and (field.size or 0) >= high) for _, _, high, field in found
    )
