"""Plain functions of each number by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from cnnlang.layers.base import Inputs, Layer, Need, call, fail
from cnnlang.layers.code import Code, X, unless
from cnnlang.layers.common import need_real
from cnnlang.layers.tensor import Tensor

if TYPE_CHECKING:
    from cnnlang.layers.fields import Real


class Elementwise(Layer, family="Arithmetic"):
    """A function of each number by itself, without a module in PyTorch; the shape stays."""

    kind: ClassVar[str]

    def output(self, inputs: Inputs, need: Need) -> Tensor:
        (x,) = inputs
        need_real(self, x)
        return x

    def function(self, inputs: Inputs, output: Tensor) -> Code:
        return call(f"torch.{type(self).kind}", X)


class Abs(Elementwise, name="abs"):
    """The size of each number without its sign."""

    kind: ClassVar[str] = "abs"


class Exp(Elementwise, name="exp"):
    """e to the power of each number."""

    kind: ClassVar[str] = "exp"


class Log(Elementwise, name="log"):
    """The natural logarithm of each number."""

    kind: ClassVar[str] = "log"


class Sqrt(Elementwise, name="sqrt"):
    """The square root of each number."""

    kind: ClassVar[str] = "sqrt"


class Square(Elementwise, name="square"):
    """Each number times itself."""

    kind: ClassVar[str] = "square"


class Negative(Elementwise, name="negative"):
    """Each number with the other sign."""

    kind: ClassVar[str] = "neg"


class Sin(Elementwise, name="sin"):
    """The sine of each number."""

    kind: ClassVar[str] = "sin"


class Cos(Elementwise, name="cos"):
    """The cosine of each number."""

    kind: ClassVar[str] = "cos"


class Power(Elementwise, name="power"):
    """Each number to the power of an exponent; of a negative number only whole powers are defined.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.pow.html
    """

    exponent: Real
    """The exponent: -1 for the reciprocal, 0.5 for the square root."""

    def function(self, inputs: Inputs, output: Tensor) -> Code:
        return call("torch.pow", X, self.exponent)

    def caption(self) -> tuple[str, ...]:
        return (f"{self.exponent:g}",)


class Clamp(Layer, name="clamp", family="Arithmetic"):
    """Each number held between bounds, of which one may be left out.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.clamp.html
    """

    low: Real | None = None
    """The lower bound."""
    high: Real | None = None
    """The upper bound."""

    def check(self) -> None:
        if self.low is None and self.high is None:
            raise fail("A207", "`clamp` needs a bound: `low`, `high` or both")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise fail("A208", f"`clamp` needs low <= high, got {self.low:g} and {self.high:g}")

    def output(self, inputs: Inputs, need: Need) -> Tensor:
        (x,) = inputs
        need_real(self, x)
        return x

    def function(self, inputs: Inputs, output: Tensor) -> Code:
        return call("torch.clamp", X, min=unless(self.low, None), max=unless(self.high, None))
