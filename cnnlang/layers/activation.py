"""Activations: functions of each number by itself, and softmax and its kin over an axis."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import TYPE_CHECKING, ClassVar, Literal

from cnnlang.layers.base import Inputs, Layer, Need, Problem, Weight, call, fail
from cnnlang.layers.code import Code, Value, X, unless
from cnnlang.layers.common import axis_index, count, incoming, need_channels, need_real
from cnnlang.layers.tensor import Tensor

if TYPE_CHECKING:
    from cnnlang.layers.fields import Axis, Count, Flag, Positive, Real


class Activation(Layer, family="Activation"):
    """A function of each number by itself; the shape stays.

    `kind` names PyTorch's module and function; `usual` translates the fields into their keywords.
    """

    kind: ClassVar[tuple[str, str]]
    keywords: ClassVar[tuple[tuple[str, str], ...]] = ()

    def output(self, inputs: Inputs, need: Need) -> Tensor:
        (x,) = inputs
        need_real(self, x)
        return x

    def options(self) -> dict[str, Value]:
        """The fields as PyTorch's keywords, those at their defaults left out."""
        own = vars(self)
        return {word: unless(own[f], self.fields[f]) for f, word in type(self).keywords}

    def module(self, inputs: Inputs, output: Tensor) -> Code:
        return call(f"nn.{type(self).kind[0]}", **self.options())

    def function(self, inputs: Inputs, output: Tensor) -> Code | None:
        return call(type(self).kind[1], X, **self.options())


class Relu(Activation, name="relu"):
    """max(0, x). Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.ReLU.html"""

    kind: ClassVar[tuple[str, str]] = ("ReLU", "F.relu")


class Relu6(Activation, name="relu6"):
    """min(max(0, x), 6). Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.ReLU6.html"""

    kind: ClassVar[tuple[str, str]] = ("ReLU6", "F.relu6")


class LeakyRelu(Activation, name="leaky_relu"):
    """x where it is positive, slope times x elsewhere.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.LeakyReLU.html
    """

    slope: Real = 0.01
    """Factor of negative numbers."""

    kind: ClassVar[tuple[str, str]] = ("LeakyReLU", "F.leaky_relu")
    keywords: ClassVar[tuple[tuple[str, str], ...]] = (("slope", "negative_slope"),)


class PRelu(Layer, name="prelu", family="Activation"):
    """x where it is positive, a learned slope times x elsewhere.

    Weights: one slope, or with `per_channel=true` one for each channel.
    Source: He et al. 2015; https://docs.pytorch.org/docs/stable/generated/torch.nn.PReLU.html
    """

    slope: Real = 0.25
    """The slope to begin with."""
    _: KW_ONLY
    per_channel: Flag = False
    """Whether each channel learns a slope of its own."""
    in_channels: Count | None = None
    """Declared number of incoming channels, checked; it is inferred otherwise."""

    def output(self, inputs: Inputs, need: Need) -> Tensor:
        (x,) = inputs
        need_real(self, x)
        if self.per_channel or self.in_channels is not None:
            need_channels(self, x)
            incoming(self, x, self.in_channels)
        return x

    def slopes(self, x: Tensor) -> int:
        return count(x) if self.per_channel else 1

    def weights(self, inputs: Inputs) -> tuple[Weight, ...]:
        return (Weight("weight", (self.slopes(inputs[0]),)),)

    def module(self, inputs: Inputs, output: Tensor) -> Code:
        slopes = unless(self.slopes(inputs[0]), 1)
        return call("nn.PReLU", num_parameters=slopes, init=unless(self.slope, 0.25))


class Elu(Activation, name="elu"):
    """x where it is positive, alpha (exp(x) - 1) elsewhere.

    Source: Clevert et al. 2015; https://docs.pytorch.org/docs/stable/generated/torch.nn.ELU.html
    """

    alpha: Real = 1.0
    """Depth of the negative side."""

    kind: ClassVar[tuple[str, str]] = ("ELU", "F.elu")
    keywords: ClassVar[tuple[tuple[str, str], ...]] = (("alpha", "alpha"),)


class Selu(Activation, name="selu"):
    """ELU with the scale that keeps mean 0 and variance 1 through the layers.

    Source: Klambauer et al. 2017; https://docs.pytorch.org/docs/stable/generated/torch.nn.SELU.html
    """

    kind: ClassVar[tuple[str, str]] = ("SELU", "F.selu")


class Celu(Activation, name="celu"):
    """max(0, x) + min(0, alpha (exp(x / alpha) - 1)).

    Source: Barron 2017; https://docs.pytorch.org/docs/stable/generated/torch.nn.CELU.html
    """

    alpha: Positive = 1.0
    """Depth of the negative side."""

    kind: ClassVar[tuple[str, str]] = ("CELU", "F.celu")
    keywords: ClassVar[tuple[tuple[str, str], ...]] = (("alpha", "alpha"),)


class Gelu(Activation, name="gelu"):
    """x times the probability that a normal number is below x.

    Source: Hendrycks and Gimpel 2016; https://docs.pytorch.org/docs/stable/generated/torch.nn.GELU.html
    """

    approximate: Literal["none", "tanh"] = "none"
    """`tanh` for the approximation of the paper, `none` for the exact function."""

    kind: ClassVar[tuple[str, str]] = ("GELU", "F.gelu")
    keywords: ClassVar[tuple[tuple[str, str], ...]] = (("approximate", "approximate"),)


class Silu(Activation, name="silu"):
    """x sigmoid(x), also called swish.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.SiLU.html
    """

    kind: ClassVar[tuple[str, str]] = ("SiLU", "F.silu")


class Mish(Activation, name="mish"):
    """x tanh(softplus(x)).

    Source: Misra 2019; https://docs.pytorch.org/docs/stable/generated/torch.nn.Mish.html
    """

    kind: ClassVar[tuple[str, str]] = ("Mish", "F.mish")


class Sigmoid(Activation, name="sigmoid"):
    """1 / (1 + exp(-x)). Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Sigmoid.html"""

    kind: ClassVar[tuple[str, str]] = ("Sigmoid", "torch.sigmoid")


class Tanh(Activation, name="tanh"):
    """tanh(x). Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Tanh.html"""

    kind: ClassVar[tuple[str, str]] = ("Tanh", "torch.tanh")


class Softplus(Activation, name="softplus"):
    """log(1 + exp(beta x)) / beta, and x itself where beta x is above the threshold.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Softplus.html
    """

    beta: Positive = 1.0
    """Sharpness of the bend."""
    _: KW_ONLY
    threshold: Real = 20.0
    """Where the function becomes x, for numerical safety."""

    kind: ClassVar[tuple[str, str]] = ("Softplus", "F.softplus")
    keywords: ClassVar[tuple[tuple[str, str], ...]] = (
        ("beta", "beta"),
        ("threshold", "threshold"),
    )


class Softsign(Activation, name="softsign"):
    """x / (1 + |x|). Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Softsign.html"""

    kind: ClassVar[tuple[str, str]] = ("Softsign", "F.softsign")


class Hardswish(Activation, name="hardswish"):
    """x relu6(x + 3) / 6.

    Source: Howard et al. 2019; https://docs.pytorch.org/docs/stable/generated/torch.nn.Hardswish.html
    """

    kind: ClassVar[tuple[str, str]] = ("Hardswish", "F.hardswish")


class Hardsigmoid(Activation, name="hardsigmoid"):
    """relu6(x + 3) / 6.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Hardsigmoid.html
    """

    kind: ClassVar[tuple[str, str]] = ("Hardsigmoid", "F.hardsigmoid")


class Hardtanh(Activation, name="hardtanh"):
    """x held between two bounds.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Hardtanh.html
    """

    low: Real = -1.0
    """The lower bound."""
    high: Real = 1.0
    """The upper bound."""

    kind: ClassVar[tuple[str, str]] = ("Hardtanh", "F.hardtanh")
    keywords: ClassVar[tuple[tuple[str, str], ...]] = (("low", "min_val"), ("high", "max_val"))

    def check(self) -> None:
        if self.low >= self.high:
            raise fail("A208", f"`hardtanh` needs low < high, got {self.low:g} and {self.high:g}")


class Softmax(Layer, name="softmax", family="Activation"):
    """exp(x) divided by its sum over an axis: positive numbers that add up to 1.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Softmax.html
    """

    axis: Axis | None = None
    """The axis that adds up to 1; the channels (the features of a flat tensor) unless given."""

    kind: ClassVar[tuple[str, str]] = ("Softmax", "F.softmax")

    def place(self, x: Tensor) -> int:
        """The index of the axis."""
        if not x.rank:
            raise fail("S103", f"`{self.name}` needs an axis, got a scalar")
        return x.channel_axis if self.axis is None else axis_index(self, x, self.axis)

    def output(self, inputs: Inputs, need: Need) -> Tensor:
        (x,) = inputs
        need_real(self, x)
        self.place(x)
        return x

    def module(self, inputs: Inputs, output: Tensor) -> Code:
        return call(f"nn.{type(self).kind[0]}", dim=self.place(inputs[0]) + 1)

    def function(self, inputs: Inputs, output: Tensor) -> Code:
        return call(type(self).kind[1], X, dim=self.place(inputs[0]) + 1)

    def caption(self) -> tuple[str, ...]:
        return () if self.axis is None else (f"over {self.axis}",)


class Softmin(Softmax, name="softmin"):
    """Softmax of the negative numbers: the smallest gets the most.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Softmin.html
    """

    axis: Axis | None = None
    """The axis that adds up to 1; the channels (the features of a flat tensor) unless given."""

    kind: ClassVar[tuple[str, str]] = ("Softmin", "F.softmin")


class LogSoftmax(Softmax, name="log_softmax"):
    """The logarithm of softmax over an axis.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.LogSoftmax.html
    """

    kind: ClassVar[tuple[str, str]] = ("LogSoftmax", "F.log_softmax")


class Glu(Softmax, name="glu"):
    """Gated linear unit: one half of an axis times the sigmoid of the other half.

    Output: half of the axis. Source: Dauphin et al. 2016;
    https://docs.pytorch.org/docs/stable/generated/torch.nn.GLU.html
    """

    axis: Axis | None = None
    """The axis to halve; the channels (the features of a flat tensor) unless given."""

    kind: ClassVar[tuple[str, str]] = ("GLU", "F.glu")

    def output(self, inputs: Inputs, need: Need) -> Tensor:
        x = super().output(inputs, need)
        place = self.place(x)
        size = x.shape[place]
        need.multiple(
            size,
            2,
            lambda: Problem(
                "S125",
                f"`glu` halves an axis of {size}, which is odd",
                f"the tensor here is {x}",
                help="make twice as many channels in the layer before it",
            ),
        )
        return x.resized((*x.shape[:place], size // 2, *x.shape[place + 1 :]))
