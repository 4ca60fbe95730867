"""Patterns that sampling leaves: gaps between dilated taps, uneven overlap of patches."""

from __future__ import annotations

from collections.abc import Iterator
from math import gcd, prod

from cnnlang.analysis.lints.net import Axis, Net
from cnnlang.analysis.lints.rules import Finding, head, rule
from cnnlang.diagnostics.model import Related
from cnnlang.graph import Node
from cnnlang.layers.activation import Activation, PRelu
from cnnlang.layers.convolution import Convolution, Separable
from cnnlang.layers.learned import Learned
from cnnlang.layers.merge import Arithmetic
from cnnlang.layers.normalization import Normalization
from cnnlang.layers.regularization import Dropping
from cnnlang.layers.tensor import show
from cnnlang.layers.transposed import ConvTranspose
from cnnlang.records import dataclass

SPAN = 1024
"""Positions of a chain of dilated convolutions that are followed."""
LAYERS = 10**9
"""More layers than a network has."""


# --- gridding ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Reach:
    """What a tensor reads of the map at `start`: by axis the offsets as bits, and the span.

    `dilated` are the first and the last dilated convolution on the way, `count` how many there are.
    """

    start: int
    masks: tuple[int, ...]
    dilated: tuple[int, int] | None = None
    count: int = 0

    @property
    def spans(self) -> tuple[int, ...]:
        return tuple(mask.bit_length() for mask in self.masks)

    @property
    def share(self) -> float:
        """The part of the span that is read."""
        return prod(mask.bit_count() / mask.bit_length() for mask in self.masks)


@rule(
    "L631",
    "gridding",
    why="each output reads a grid of separate positions, and its neighbours read others (Yu et al. "
    "2017, arXiv:1705.09914; Wang et al. 2018, Hybrid dilated convolution, arXiv:1702.08502)",
    example="""
network N {
    input 8x16x16
    conv(8, 3x3, padding=2, dilation=2) -> relu
    conv(8, 3x3, padding=2, dilation=2) -> relu
    global_avgpool -> flatten -> dense(2)
}
""",
)
def gridding(net: Net) -> Iterator[Finding]:
    """Dilated convolutions that leave gaps between what they read

    A chain of convolutions of stride 1, two of them dilated at least, whose sumset of the offsets
    {0, d, ..., (k - 1) d} is not contiguous on some axis. Activations, norms, dropout and sums of
    tensors of one chain go on with it; whatever else comes ends it.
    """
    if not any(dilated(net.axes(node)) for node in net.of(Convolution, Separable)):
        return
    reaches = followed(net)
    for index, reach in enumerate(reaches):
        if reach is None or reach.count < 2 or reach.share == 1 or reach.dilated is None:
            continue
        ends = [reaches[user] for user in net.consumers[index]]
        if any(end is not None and end.start == reach.start for end in ends):
            continue
        first, last = (net.nodes[each] for each in reach.dilated)
        yield Finding(
            last,
            f"{reach.count} dilated layers read {100 * reach.share:.0f} % of the "
            f"{show(reach.spans)} positions they span",
            "the last of them",
            related=(Related(head(first), "the first of them"),) if first.call != last.call else (),
            help="use rates whose windows fill one another's gaps, such as 1, 2, 5",
        )


def followed(net: Net) -> list[Reach | None]:
    """What every tensor reads of the map at which its chain of windows starts."""
    found: list[Reach | None] = []
    for node in net.nodes:
        found.append(reached(net, node, found))
    return found


def reached(net: Net, node: Node, found: list[Reach | None]) -> Reach | None:
    if node.layer is None or not node.output.channels_first:
        return None
    before = [found[each] for each in node.inputs]
    if isinstance(node.layer, Arithmetic):
        return joined(net, node, before)
    if isinstance(node.layer, (Activation, PRelu, Normalization, Dropping, Learned)):
        return before[0]
    axes = net.axes(node)
    if not axes or not isinstance(node.layer, (Convolution, Separable)):
        return None
    if max(axis.stride for axis in axes) > 1:
        return None
    start = before[0] or Reach(node.inputs[0], (1,) * len(axes))
    return widened(start, node, axes)


def widened(reach: Reach, node: Node, axes: tuple[Axis, ...]) -> Reach:
    """What a window over a tensor reads; once that is too wide to follow, nothing more is said."""
    if any(a.extent + span > SPAN for a, span in zip(axes, reach.spans, strict=True)):
        return Reach(reach.start, (1,) * len(axes), count=-LAYERS)
    masks = []
    for axis, mask in zip(axes, reach.masks, strict=True):
        wide = 0
        for tap in range(axis.kernel):
            wide |= mask << tap * axis.dilation
        masks.append(wide)
    if not dilated(axes):
        return Reach(reach.start, tuple(masks), reach.dilated, reach.count)
    first = reach.dilated[0] if reach.dilated else node.index
    return Reach(reach.start, tuple(masks), (first, node.index), reach.count + 1)


def dilated(axes: tuple[Axis, ...]) -> bool:
    """True if there are positions between those that a window reads."""
    return any(axis.dilation > 1 and axis.kernel > 1 for axis in axes)


def joined(net: Net, node: Node, parts: list[Reach | None]) -> Reach | None:
    """What a sum or a gate reads: its branches lie with their middles over one another.

    A branch that nothing is known of must be the start of the chain itself, or one position.
    """
    known = [part for part in parts if part is not None]
    if len({part.start for part in known}) != 1:
        return None
    for index, part in zip(node.inputs, parts, strict=True):
        if (
            part is None
            and index != known[0].start
            and not net.is_one(net.nodes[index].output.spatial)
        ):
            return None
    widest = max(known, key=lambda part: part.spans)
    masks = tuple(
        centred([part.masks[axis] for part in known]) for axis in range(len(widest.masks))
    )
    return Reach(widest.start, masks, widest.dilated, widest.count)


def centred(masks: list[int]) -> int:
    """Windows laid over one another by their middles."""
    span = max(mask.bit_length() for mask in masks)
    whole = 0
    for mask in masks:
        whole |= mask << (span - mask.bit_length()) // 2
    return whole


# --- transposed convolutions ---------------------------------------------------------------------


@rule(
    "L632",
    "checkerboard",
    why="neighbouring outputs sum different numbers of patches, which shows as a pattern (Odena et "
    "al. 2016, Deconvolution and checkerboard artifacts, Distill)",
    example="""
network N {
    input 8x16x16
    conv_transpose(4, 3x3, stride=2)
}
""",
)
def checkerboard(net: Net) -> Iterator[Finding]:
    """A transposed convolution whose patches overlap unevenly

    Stride s above 1, a kernel k >= s that is no multiple of s, a dilation without common factor
    with s, on an axis where the map may have two positions.
    """
    for node, kernel, stride, shared in spread(net):
        if shared == 1 and kernel > stride and kernel % stride:
            low = kernel // stride
            yield Finding(
                node,
                f"patches of `{node.kind}` overlap unevenly: {low} or {low + 1} deep",
                f"kernel {kernel}, stride {stride}",
                help=f"use a kernel of {(low + 1) * stride}, a multiple of the stride, or "
                f"`upsample({stride})` and a convolution",
            )


@rule(
    "L633",
    "checkerboard",
    why="positions that no patch covers hold the bias alone, whatever the input is (Odena et al. "
    "2016, Deconvolution and checkerboard artifacts, Distill)",
    example="""
network N {
    input 8x16x16
    conv_transpose(4, 1x1, stride=2)
}
""",
)
def holes(net: Net) -> Iterator[Finding]:
    """A transposed convolution whose patches leave holes

    A kernel smaller than the stride, or a dilation with a common factor with it, on an axis where
    the map may have two positions.
    """
    for node, kernel, stride, shared in spread(net):
        if shared > 1 or kernel < stride:
            met = min(kernel, stride // shared)
            yield Finding(
                node,
                f"`{node.kind}` fills {met} of every {stride} positions, the others get the bias",
                f"kernel {kernel}, stride {stride}",
                help=f"use a kernel of at least {stride} without dilation",
            )


def spread(net: Net) -> Iterator[tuple[Node, int, int, int]]:
    """Transposed convolutions with kernel, stride and its common factor with the dilation.

    Told of the first axis on which the patches do not cover everything equally.
    """
    for node in net.of(ConvTranspose):
        assert isinstance(node.layer, ConvTranspose)
        x = net.input(node)
        w = node.layer.window(x)
        for size, k, s, d in zip(x.spatial, w.kernel, w.stride, w.dilation, strict=True):
            shared = gcd(s, d)
            if s > 1 and (k % s or shared > 1) and net.bounds(size)[1] > 1:
                yield node, k, s, shared
                break
