"""Activations that hold small numbers back, or bend the negative ones at random."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from cnnlang.layers.activation import Activation
from cnnlang.layers.base import Inputs, call, fail
from cnnlang.layers.code import Code, X
from cnnlang.layers.storage import Stored, Values
from cnnlang.layers.tape import Tape
from cnnlang.layers.tensor import Tensor

if TYPE_CHECKING:
    from cnnlang.layers.fields import Positive, Real


class Threshold(Activation, name="threshold"):
    """Numbers above a threshold stay, a fixed value takes the place of all others.

    Formula: `y = x if x > threshold else value`
    Example: `threshold(0.1, 0)` takes 64x32x32 to 64x32x32.
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
    """Numbers move towards 0 by a bound, and stop there.

    Formula: `y = x - min(max(-bound, x), bound)`
    Example: `softshrink` takes 64x32x32 to 64x32x32.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Softshrink.html
    """

    bound: Positive = 0.5
    """By how much x moves."""

    kind: ClassVar[tuple[str, str]] = ("Softshrink", "F.softshrink")
    keywords: ClassVar[tuple[tuple[str, str], ...]] = (("bound", "lambd"),)


class Hardshrink(Activation, name="hardshrink"):
    """Numbers whose size is at most a bound become 0.

    Formula: `y = x if |x| > bound else 0`
    Example: `hardshrink` takes 64x32x32 to 64x32x32.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Hardshrink.html
    """

    bound: Positive = 0.5
    """The largest size that becomes 0."""

    kind: ClassVar[tuple[str, str]] = ("Hardshrink", "F.hardshrink")
    keywords: ClassVar[tuple[tuple[str, str], ...]] = (("bound", "lambd"),)


class Tanhshrink(Activation, name="tanhshrink"):
    """What `tanh` takes away from a number.

    Formula: `y = x - tanh(x)`
    Example: `tanhshrink` takes 64x32x32 to 64x32x32.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Tanhshrink.html
    """

    kind: ClassVar[tuple[str, str]] = ("Tanhshrink", "F.tanhshrink")

    def trace(self, tape: Tape, values: Values, inputs: Inputs, output: Tensor) -> Stored:
        (x,) = values
        return tape.binary("sub", x, tape.unary("tanh", x, "result"), ways=("same", "new"))


class LogSigmoid(Activation, name="log_sigmoid"):
    """The logarithm of `sigmoid`.

    Formula: `y = -log(1 + exp(-x))`
    Example: `log_sigmoid` takes 1 to 1.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.LogSigmoid.html
    """

    kind: ClassVar[tuple[str, str]] = ("LogSigmoid", "F.logsigmoid")

    def trace(self, tape: Tape, values: Values, inputs: Inputs, output: Tensor) -> Stored:
        (x,) = values
        return tape.unary(self.name, x, 0, *([x.size] if tape.device == "cpu" else []))


class RRelu(Activation, name="rrelu"):
    """ReLU whose slope for negative numbers is drawn anew for each of them in training.

    Formula: in evaluation `y = x if x > 0 else x·(low + high) / 2`; in training the slope lies
    between `low` and `high`
    Example: `rrelu` takes 64x32x32 to 64x32x32.
    Source: Xu et al. 2015, https://arxiv.org/abs/1505.00853;
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

    def trace(self, tape: Tape, values: Values, inputs: Inputs, output: Tensor) -> Stored:
        (x,) = values
        return tape.unary(self.name, x, 0, x.size)

    def function(self, inputs: Inputs, output: Tensor) -> Code | None:
        return None
