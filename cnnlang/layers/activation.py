"""Activations: functions of each number by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from cnnlang.layers.base import Inputs, Layer, Need, Weight, call, fail
from cnnlang.layers.code import Code, Value, X, unless
from cnnlang.layers.common import count, incoming, need_channels, need_real
from cnnlang.layers.storage import Saved, Stored, Values
from cnnlang.layers.tape import Tape
from cnnlang.layers.tensor import Tensor

if TYPE_CHECKING:
    from dataclasses import KW_ONLY

    from cnnlang.layers.fields import Count, Flag, Positive, Real


class Activation(Layer, family="Activation"):
    """A function of each number by itself; the shape stays.

    `kind` names PyTorch's module and function; `keywords` pairs the fields with their keywords.

    Output: as the input
    """

    kind: ClassVar[tuple[str, str]]
    keywords: ClassVar[tuple[tuple[str, str], ...]] = ()
    saves: ClassVar[Saved] = 0
    """What autograd keeps: the operand, of which `inplace=True` makes it keep a copy."""

    def output(self, inputs: Inputs, need: Need) -> Tensor:
        (x,) = inputs
        need_real(self, x)
        return x

    def trace(self, tape: Tape, values: Values, inputs: Inputs, output: Tensor) -> Stored:
        (x,) = values
        if tape.overwriting:
            return tape.overwritten(x, x.size if type(self).saves == 0 else "result")
        return tape.unary(self.name, x, type(self).saves)

    def options(self) -> dict[str, Value]:
        """The fields as PyTorch's keywords, those at their defaults left out."""
        own = vars(self)
        return {word: unless(own[f], self.fields[f]) for f, word in type(self).keywords}

    def module(self, inputs: Inputs, output: Tensor) -> Code:
        return call(f"nn.{type(self).kind[0]}", **self.options())

    def function(self, inputs: Inputs, output: Tensor) -> Code | None:
        return call(type(self).kind[1], X, **self.options())


class Relu(Activation, name="relu"):
    """Rectified linear unit: negative numbers become 0.

    Formula: `y = max(0, x)`
    Example: `relu` takes 64x56x56 to 64x56x56.
    Source: Nair and Hinton 2010; https://docs.pytorch.org/docs/stable/generated/torch.nn.ReLU.html
    """

    kind: ClassVar[tuple[str, str]] = ("ReLU", "F.relu")
    overwrites: ClassVar[bool] = True
    saves: ClassVar[Saved] = "result"


class Relu6(Activation, name="relu6"):
    """ReLU with a ceiling of 6, which keeps numbers small for low precision.

    Formula: `y = min(max(0, x), 6)`
    Example: `relu6` takes 32x112x112 to 32x112x112.
    Source: Sandler et al. 2018 (MobileNetV2), https://arxiv.org/abs/1801.04381;
    https://docs.pytorch.org/docs/stable/generated/torch.nn.ReLU6.html
    """

    kind: ClassVar[tuple[str, str]] = ("ReLU6", "F.relu6")
    overwrites: ClassVar[bool] = True


class LeakyRelu(Activation, name="leaky_relu"):
    """ReLU with a small slope for negative numbers.

    Formula: `y = x if x > 0 else slope·x`
    Example: `leaky_relu(0.2)` takes 64x32x32 to 64x32x32.
    Source: Maas et al. 2013; https://docs.pytorch.org/docs/stable/generated/torch.nn.LeakyReLU.html
    """

    slope: Real = 0.01
    """Factor of negative numbers."""

    kind: ClassVar[tuple[str, str]] = ("LeakyReLU", "F.leaky_relu")
    keywords: ClassVar[tuple[tuple[str, str], ...]] = (("slope", "negative_slope"),)


class PRelu(Layer, name="prelu", family="Activation"):
    """ReLU with a learned slope for negative numbers.

    Formula: `y = x if x > 0 else weight·x`
    Output: as the input
    Weights: `1` slope, `C` with `per_channel=true`
    Example: `prelu` takes 64x32x32 to 64x32x32; 1 parameter.
    Source: He et al. 2015, https://arxiv.org/abs/1502.01852;
    https://docs.pytorch.org/docs/stable/generated/torch.nn.PReLU.html
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

    def trace(self, tape: Tape, values: Values, inputs: Inputs, output: Tensor) -> Stored:
        (x,) = values
        return tape.prelu(x, tape.own["weight"])

    def module(self, inputs: Inputs, output: Tensor) -> Code:
        slopes = unless(self.slopes(inputs[0]), 1)
        return call("nn.PReLU", num_parameters=slopes, init=unless(self.slope, 0.25))


class Elu(Activation, name="elu"):
    """Exponential linear unit: negative numbers bend towards `-alpha`.

    Formula: `y = x if x > 0 else alpha·(exp(x) - 1)`
    Example: `elu` takes 64x32x32 to 64x32x32.
    Source: Clevert et al. 2015, https://arxiv.org/abs/1511.07289;
    https://docs.pytorch.org/docs/stable/generated/torch.nn.ELU.html
    """

    alpha: Real = 1.0
    """Depth of the negative side."""

    kind: ClassVar[tuple[str, str]] = ("ELU", "F.elu")
    keywords: ClassVar[tuple[tuple[str, str], ...]] = (("alpha", "alpha"),)


class Selu(Activation, name="selu"):
    """Scaled ELU: its constants keep mean 0 and variance 1 through the layers.

    Formula: `y = 1.0507·(x if x > 0 else 1.67326·(exp(x) - 1))`
    Example: `selu` takes 256 to 256.
    Source: Klambauer et al. 2017, https://arxiv.org/abs/1706.02515;
    https://docs.pytorch.org/docs/stable/generated/torch.nn.SELU.html
    """

    kind: ClassVar[tuple[str, str]] = ("SELU", "F.selu")


class Celu(Activation, name="celu"):
    """Continuously differentiable ELU: its slope at 0 is 1 for every alpha.

    Formula: `y = max(0, x) + min(0, alpha·(exp(x / alpha) - 1))`
    Example: `celu(0.5)` takes 64x32x32 to 64x32x32.
    Source: Barron 2017, https://arxiv.org/abs/1704.07483;
    https://docs.pytorch.org/docs/stable/generated/torch.nn.CELU.html
    """

    alpha: Positive = 1.0
    """Depth of the negative side."""

    kind: ClassVar[tuple[str, str]] = ("CELU", "F.celu")
    keywords: ClassVar[tuple[tuple[str, str], ...]] = (("alpha", "alpha"),)


class Gelu(Activation, name="gelu"):
    """Gaussian error linear unit: x times the probability that a normal number is below x.

    Formula: `y = x·Φ(x)`, where Φ is the distribution function of a standard normal number, and `y
    = 0.5·x·(1 + tanh(√(2 / π)·(x + 0.044715·x³)))` with `approximate=tanh`
    Example: `gelu` takes 96x56x56 to 96x56x56.
    Source: Hendrycks and Gimpel 2016, https://arxiv.org/abs/1606.08415;
    https://docs.pytorch.org/docs/stable/generated/torch.nn.GELU.html
    """

    approximate: Literal["none", "tanh"] = "none"
    """`tanh` for the approximation of the paper, `none` for the exact function."""

    kind: ClassVar[tuple[str, str]] = ("GELU", "F.gelu")
    keywords: ClassVar[tuple[tuple[str, str], ...]] = (("approximate", "approximate"),)


class Silu(Activation, name="silu"):
    """Sigmoid linear unit, also called swish.

    Formula: `y = x·sigmoid(x)`
    Example: `silu` takes 32x112x112 to 32x112x112.
    Source: Ramachandran et al. 2017, https://arxiv.org/abs/1710.05941;
    https://docs.pytorch.org/docs/stable/generated/torch.nn.SiLU.html
    """

    kind: ClassVar[tuple[str, str]] = ("SiLU", "F.silu")


class Mish(Activation, name="mish"):
    """A smooth curve like that of `silu`, which dips a little deeper below 0.

    Formula: `y = x·tanh(log(1 + exp(x)))`
    Example: `mish` takes 64x32x32 to 64x32x32.
    Source: Misra 2019, https://arxiv.org/abs/1908.08681;
    https://docs.pytorch.org/docs/stable/generated/torch.nn.Mish.html
    """

    kind: ClassVar[tuple[str, str]] = ("Mish", "F.mish")


class Sigmoid(Activation, name="sigmoid"):
    """The logistic function: numbers between 0 and 1.

    Formula: `y = 1 / (1 + exp(-x))`
    Example: `sigmoid` takes 1 to 1.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Sigmoid.html
    """

    kind: ClassVar[tuple[str, str]] = ("Sigmoid", "torch.sigmoid")
    saves: ClassVar[Saved] = "result"


class Tanh(Activation, name="tanh"):
    """The hyperbolic tangent: numbers between -1 and 1.

    Formula: `y = (exp(x) - exp(-x)) / (exp(x) + exp(-x))`
    Example: `tanh` takes 6x28x28 to 6x28x28.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Tanh.html
    """

    kind: ClassVar[tuple[str, str]] = ("Tanh", "torch.tanh")
    saves: ClassVar[Saved] = "result"


class Softplus(Activation, name="softplus"):
    """A smooth ReLU.

    Formula: `y = log(1 + exp(beta·x)) / beta`, and x itself where `beta·x` is above the threshold
    Example: `softplus` takes 10 to 10.
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
    """Between -1 and 1 as `tanh`, but slower to come near to them.

    Formula: `y = x / (1 + |x|)`
    Example: `softsign` takes 10 to 10.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Softsign.html
    """

    kind: ClassVar[tuple[str, str]] = ("Softsign", "F.softsign")

    def trace(self, tape: Tape, values: Values, inputs: Inputs, output: Tensor) -> Stored:
        (x,) = values
        sizes = tape.unary("abs", x, 0, most=x.size.times(2))
        divisors = tape.unary("add", sizes, way="same")
        tape.release(sizes)
        return tape.quotient(x, divisors)


class Hardswish(Activation, name="hardswish"):
    """`silu` made of straight pieces and a parabola, which is cheap to compute.

    Formula: `y = x·min(max(0, x + 3), 6) / 6`
    Example: `hardswish` takes 16x112x112 to 16x112x112.
    Source: Howard et al. 2019 (MobileNetV3), https://arxiv.org/abs/1905.02244;
    https://docs.pytorch.org/docs/stable/generated/torch.nn.Hardswish.html
    """

    kind: ClassVar[tuple[str, str]] = ("Hardswish", "F.hardswish")


class Hardsigmoid(Activation, name="hardsigmoid"):
    """`sigmoid` made of straight pieces, which is cheap to compute.

    Formula: `y = min(max(0, x + 3), 6) / 6`
    Example: `hardsigmoid` takes 64x1x1 to 64x1x1.
    Source: Howard et al. 2019 (MobileNetV3), https://arxiv.org/abs/1905.02244;
    https://docs.pytorch.org/docs/stable/generated/torch.nn.Hardsigmoid.html
    """

    kind: ClassVar[tuple[str, str]] = ("Hardsigmoid", "F.hardsigmoid")


class Hardtanh(Activation, name="hardtanh"):
    """Numbers held between two bounds.

    Formula: `y = min(max(low, x), high)`
    Example: `hardtanh(0, 1)` takes 3x32x32 to 3x32x32.
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
