"""Normalisation by the size of numbers alone: of the neighbours, or along an axis."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Literal

from cnnlang.layers.base import Inputs, Layer, Need, call, fail
from cnnlang.layers.code import Code, X, unless
from cnnlang.layers.common import axis_index, need_real
from cnnlang.layers.reading import Reads, Usual, own, owned, sliding
from cnnlang.layers.storage import Bytes, Stored, Values
from cnnlang.layers.tape import Tape
from cnnlang.layers.tensor import Tensor
from cnnlang.layers.window import need_map

if TYPE_CHECKING:
    from dataclasses import KW_ONLY

    from cnnlang.layers.fields import Axis, Count, Positive, Real


class LocalResponseNorm(Layer, name="lrn", family="Normalisation"):
    """Local response normalisation: large numbers hold down their neighbours.

    The neighbours are `size` channels, or with `region=within` a window of each channel; beyond the
    border they are 0.

    Formula: `y = x / (k + alpha·mean(x²))^beta`, the mean over the neighbours
    Output: as the input
    Example: `lrn(5, k=2.0)` takes 96x55x55 to 96x55x55.
    Source: Krizhevsky et al. 2012 (AlexNet);
    https://docs.pytorch.org/docs/stable/generated/torch.nn.LocalResponseNorm.html
    """

    size: Count = 5
    """Number of neighbouring channels, or the side of the window; odd for `region=within`."""
    _: KW_ONLY
    alpha: Real = 1e-4
    """Factor of the mean square."""
    beta: Real = 0.75
    """The exponent."""
    k: Real = 1.0
    """Added to the mean square."""
    region: Literal["across", "within"] = "across"
    """Neighbours `across` the channels, or `within` each channel."""

    def check(self) -> None:
        if self.region == "within" and self.size % 2 == 0:
            raise fail(
                "A208", f"`lrn` within channels needs an odd size, got {self.size}", field="size"
            )

    def output(self, inputs: Inputs, need: Need) -> Tensor:
        need_map(self, inputs[0])
        return inputs[0]

    def reads(self, inputs: Inputs, output: Tensor, usual: Usual) -> Reads:
        if self.region == "across":
            return (owned(output.rank, 0),)
        spatial = range(1, output.rank)
        return ((own(0), *(sliding(i, self.size, 1, self.size // 2) for i in spatial)),)

    def trace(self, tape: Tape, values: Values, inputs: Inputs, output: Tensor) -> Stored:
        (x,) = values
        means = self.means(tape, x, tape.scaled(x, x))
        scaled = tape.unary("mul", means)
        factors = tape.unary("add", scaled, way="same")
        tape.release(scaled)
        powers = tape.unary("pow", factors, 0, most=factors.size.times(3))
        tape.release(means, factors)
        return tape.quotient(x, powers)

    def means(self, tape: Tape, x: Stored, squares: Stored) -> Stored:
        """The mean of the squares over the neighbours."""
        axes = len(x.shape) - 1
        if self.region == "within":
            padded = tape.padded(squares, ((self.size // 2,) * 2,) * axes)
            tape.release(squares)
            return tape.pooled(f"avg_pool{axes}d", padded, x.shape)
        padded = tape.settle(tape.padded(squares, (), channels=self.size - 1))
        return tape.settle(tape.pooled(f"avg_pool{min(axes + 1, 3)}d", padded, x.shape))

    def module(self, inputs: Inputs, output: Tensor) -> Code:
        name = "nn.LocalResponseNorm" if self.region == "across" else "WindowResponseNorm"
        return call(
            name,
            self.size,
            alpha=unless(self.alpha, 1e-4),
            beta=unless(self.beta, 0.75),
            k=unless(self.k, 1.0),
        )

    def caption(self) -> tuple[str, ...]:
        return (str(self.size),)


class L2Norm(Layer, name="l2norm", family="Normalisation"):
    """Divides by the Euclidean length along an axis.

    Formula: `y = x / max(√(sum(x²)), eps)`
    Output: as the input
    Example: `l2norm` takes 128 to 128.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.normalize.html
    """

    axis: Axis | None = None
    """The axis to measure; the channels (the features of a flat tensor) unless given."""
    _: KW_ONLY
    eps: Positive = 1e-12
    """The least length to divide by."""

    def place(self, x: Tensor) -> int:
        if not x.rank:
            raise fail("S103", "`l2norm` needs an axis, got a scalar")
        return x.channel_axis if self.axis is None else axis_index(self, x, self.axis)

    def output(self, inputs: Inputs, need: Need) -> Tensor:
        (x,) = inputs
        need_real(self, x)
        self.place(x)
        return x

    def reads(self, inputs: Inputs, output: Tensor, usual: Usual) -> Reads:
        return (owned(output.rank, self.place(output)),)

    def trace(self, tape: Tape, values: Values, inputs: Inputs, output: Tensor) -> Stored:
        (x,) = values
        shape = tuple(1 if i == self.place(inputs[0]) else size for i, size in enumerate(x.shape))
        mask = Bytes(0, prod(shape))
        length = tape.op("norm", shape, x, saves=(0, "result"), most=x.size.times(2) + mask)
        bounded = tape.clamp(length, 1)
        tape.release(length)
        return tape.quotient(x, tape.view(bounded, shape))

    def module(self, inputs: Inputs, output: Tensor) -> Code:
        return call("L2Norm", dim=unless(self.place(inputs[0]) + 1, 1), eps=unless(self.eps, 1e-12))

    def function(self, inputs: Inputs, output: Tensor) -> Code:
        dim = unless(self.place(inputs[0]) + 1, 1)
        return call("F.normalize", X, dim=dim, eps=unless(self.eps, 1e-12))
