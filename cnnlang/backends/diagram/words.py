"""What the figures call the layers, and how they write shapes and numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from math import lcm

from cnnlang.analysis.ordinary import usual_sizes
from cnnlang.analysis.sizesets import SizeSet
from cnnlang.analysis.validity import solve
from cnnlang.backends.summary import window
from cnnlang.graph import Graph, Node
from cnnlang.layers.base import Layer
from cnnlang.layers.tensor import Tensor
from cnnlang.sizes import Free, Shape, Size, at

LONG = 18
"""Letters of a shape up to which formulas of free dimensions are written."""
TITLES = {
    "conv": "Conv",
    "depthwise": "DW Conv",
    "separable": "Sep Conv",
    "conv_transpose": "ConvT",
    "maxpool": "MaxPool",
    "avgpool": "AvgPool",
    "lppool": "LpPool",
    "maxunpool": "MaxUnpool",
    "global_avgpool": "Global AvgPool",
    "global_maxpool": "Global MaxPool",
    "adaptive_avgpool": "Adaptive AvgPool",
    "adaptive_maxpool": "Adaptive MaxPool",
    "lstm": "LSTM",
    "gru": "GRU",
    "rnn": "RNN",
    "batchnorm": "BN",
    "layernorm": "LN",
    "groupnorm": "GN",
    "instancenorm": "IN",
    "rmsnorm": "RMSNorm",
    "lrn": "LRN",
    "l2norm": "L2Norm",
    "relu": "ReLU",
    "relu6": "ReLU6",
    "leaky_relu": "LeakyReLU",
    "prelu": "PReLU",
    "elu": "ELU",
    "selu": "SELU",
    "celu": "CELU",
    "gelu": "GELU",
    "silu": "SiLU",
    "glu": "GLU",
    "rrelu": "RReLU",
    "log_sigmoid": "LogSigmoid",
    "log_softmax": "LogSoftmax",
    "logsumexp": "LogSumExp",
    "dropout": "Drop",
    "channel_dropout": "Drop channels",
    "alpha_dropout": "Alpha drop",
    "channel_alpha_dropout": "Alpha drop channels",
    "droppath": "DropPath",
}

CATEGORIES = {
    "Convolution": "conv",
    "Normalisation": "norm",
    "Activation": "activation",
    "Pooling": "pool",
    "Dense": "dense",
    "Sequence": "dense",
    "Merge": "merge",
}

MERGES = {"add": "+", "multiply": "×", "subtract": "−", "divide": "÷"}
"""Merges that are drawn as a sign."""


def title(layer: Layer) -> str:
    """What a layer is called: `Conv`, `Global AvgPool`."""
    known = TITLES.get(layer.name)
    return known or layer.name.replace("_", " ").capitalize()


def category(layer: Layer | None) -> str:
    """The category that gives a layer its colours."""
    if layer is None:
        return "port"
    return "transposed" if layer.name == "conv_transpose" else CATEGORIES.get(layer.family, "other")


def chip(layer: Layer, alike: Iterable[Layer] = ()) -> str:
    """A layer in a word or two, inside the unit of another: `BN`, `ReLU`, `Drop 0.5`.

    For layers `alike` that are not shown, the range of their rates: `Drop 0 – 0.2`.
    """
    if layer.family != "Regularisation" or not hasattr(layer, "p"):
        return title(layer)
    rates = [vars(each)["p"] for each in (layer, *alike)]
    low, high = (f"{each:.2g}" for each in (min(rates), max(rates)))
    return f"{title(layer)} {low}" if low == high else f"{title(layer)} {low} – {high}"


def heading(node: Node, before: Tensor | None = None) -> str:
    """The name of a layer with the size of its window: `Conv 3×3`, `DW Conv 3×3`."""
    layer = node.layer
    assert layer is not None
    adaptive = layer.caption()[0] if layer.name.startswith("adaptive") else ""
    single = "DW " if depthwise(node, before) else ""
    return f"{single}{title(layer)} {window(node) or adaptive}".rstrip()


def depthwise(node: Node, before: Tensor | None) -> bool:
    """True for a grouped convolution with a channel in each group, on `before`."""
    if before is None or before.dtype != "float" or node.layer is None or node.layer.name != "conv":
        return False
    groups = vars(node.layer).get("groups", 1)
    return bool(groups == node.output.channels == before.channels != 1)


def details(node: Node, before: Tensor | None, growth: int = 0) -> str:
    """Channels in and out, then the options that are not at their defaults.

    `growth` is by how much the channels that come in grow from one repetition to the next.
    """
    layer = node.layer
    assert layer is not None
    windowed = "kernel" in type(layer).fields or layer.name.startswith("adaptive")
    parts = [str(each) for each in layer.caption()[1 if windowed else 0 :]]
    if category(layer) in ("conv", "transposed", "dense") and before and before.dtype == "float":
        more = f"+{growth}·i" if growth else ""
        channels = f"{before.channels}{more} → {node.output.channels}"
        parts = [channels, *(parts if windowed else ())]
    groups = vars(layer).get("groups", 1)
    parts += (
        [f"groups {groups}"] if groups != 1 and windowed and not depthwise(node, before) else []
    )
    return " · ".join(parts)


def percent(share: float) -> str:
    """`67%`, `0.4%`, `<0.1%`."""
    value = 100 * share
    if 0 < value < 0.1:
        return "<0.1%"
    return f"{value:.0f}%" if value >= 1 or not value else f"{value:.1f}%"


def chosen(sizes: Mapping[str, int]) -> str:
    """The sizes that free dimensions are taken to have: `H = 224, W = 224`."""
    return ", ".join(f"{symbol} = {size}" for symbol, size in sizes.items())


def shapes(graph: Graph) -> Shapes:
    """How the shapes of a network are written: for one ordinary size where formulas get long."""
    exact = Shapes(solve(graph).sets)
    if max((len(exact.write(node.output.shape)) for node in graph.nodes), default=0) <= LONG:
        return exact
    return Shapes(exact.sets, usual_sizes(graph))


class Shapes:
    """Writes shapes as a person would, for the sizes for which the network is valid.

    Where 16 divides H, `2*(H//16)` is `H/8`; where it need not, the exact size is written; with
    `given` sizes of free dimensions the number.
    """

    def __init__(self, sets: Mapping[str, SizeSet], given: Mapping[str, int] | None = None) -> None:
        self.sets = sets
        self.given = given or {}
        self.known: dict[Size, str] = {}

    def write(self, sizes: Shape) -> str:
        """`64×H/2×W/2`, `100×(T - 2)`, `scalar` for no axis at all."""
        parts = [self.size(size) for size in sizes]
        bare = len(parts) == 1
        return "×".join(p if bare or " " not in p else f"({p})" for p in parts) or "scalar"

    def size(self, size: Size) -> str:
        if not isinstance(size, Free) or size.symbol not in self.sets:
            return str(size)
        if self.given:
            return str(at(size, self.given))
        if size not in self.known:
            self.known[size] = linear(size, self.sets[size.symbol]) or str(size)
        return self.known[size]


def linear(size: Free, valid: SizeSet) -> str | None:
    """The size as a multiple of its free dimension and a constant, if it is one where valid."""
    slope = Fraction(size.step, size.period)
    period = lcm(size.period, valid.period)
    rests = set(valid.residues)
    shifts = {size(x) - slope * x for x in range(period) if x % valid.period in rests}
    shift = shifts.pop() if len(shifts) == 1 else None
    if shift is None or shift.denominator != 1 or slope <= 0:
        return None
    times = "" if slope.numerator == 1 else str(slope.numerator)
    over = "" if slope.denominator == 1 else f"/{slope.denominator}"
    constant = "" if shift == 0 else f" {'+' if shift > 0 else '-'} {abs(shift)}"
    return f"{times}{size.symbol}{over}{constant}"
