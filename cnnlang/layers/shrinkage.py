"""Activations that hold small numbers back, or bend the negative ones at random."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from cnnlang.layers.activation import Activation
from cnnlang.layers.base import Inputs, call, fail
from cnnlang.layers.code import Code, X
from cnnlang.layers.tensor import Tensor

if TYPE_CHECKING:
    from cnnlang.layers.fields import Positive, Real


class Threshold(Activation, name="threshold"):
    """x where it is above a threshold, a fixed value elsewhere.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Threshold.html
    """

    threshold: Real
    """What x must exceed to stay."""
    value: Real
    """What takes the place of x elsewhere."""

    def module(self, inputs: Inputs, output: Tensor) -> Code:
        return call("nn.Threshold", self.threshold, self.value)

    def function(self, inputs: Inputs, output: Tensor) -> Code:
        return call("F.threshold", X, self.threshold, self.value)

    def caption(self) -> tuple[str, ...]:
        return (f"above {self.threshold:g}",)


class Softshrink(Activation, name="softshrink"):
    """x moved towards 0 by a bound, and 0 where it would pass it.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Softshrink.html
    """

    bound: Positive = 0.5
    """By how much x moves."""

    kind: ClassVar[tuple[str, str]] = ("Softshrink", "F.softshrink")
    keywords: ClassVar[tuple[tuple[str, str], ...]] = (("bound", "lambd"),)


class Hardshrink(Activation, name="hardshrink"):
    """x where its size is above a bound, 0 elsewhere.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Hardshrink.html
    """

    bound: Positive = 0.5
    """The largest size that becomes 0."""

    kind: ClassVar[tuple[str, str]] = ("Hardshrink", "F.hardshrink")
    keywords: ClassVar[tuple[tuple[str, str], ...]] = (("bound", "lambd"),)


class Tanhshrink(Activation, name="tanhshrink"):
    """x - tanh(x). Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Tanhshrink.html"""

    kind: ClassVar[tuple[str, str]] = ("Tanhshrink", "F.tanhshrink")


class LogSigmoid(Activation, name="log_sigmoid"):
    """log(1 / (1 + exp(-x))). Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.LogSigmoid.html"""

    kind: ClassVar[tuple[str, str]] = ("LogSigmoid", "F.logsigmoid")


class RRelu(Activation, name="rrelu"):
    """x where it is positive; elsewhere x times a slope, drawn anew for each number in training.

    In evaluation the slope is the middle of the two. Source: Xu et al. 2015;
    https://docs.pytorch.org/docs/stable/generated/torch.nn.RReLU.html
    """

    low: Real = 1 / 8
    """The least slope."""
    high: Real = 1 / 3
    """The greatest slope."""

    kind: ClassVar[tuple[str, str]] = ("RReLU", "F.rrelu")
    keywords: ClassVar[tuple[tuple[str, str], ...]] = (("low", "lower"), ("high", "upper"))

    def check(self) -> None:
        if self.low > self.high:
            raise fail("A208", f"`rrelu` needs low <= high, got {self.low:g} and {self.high:g}")

    def function(self, inputs: Inputs, output: Tensor) -> Code | None:
        return None
